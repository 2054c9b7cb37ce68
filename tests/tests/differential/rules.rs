//! All differences between our answers and those of others that may be, each with what allows it. What
//! is not here makes the test fail, and so does a line that explains nothing.

use model::RecordType;
use tests::name_daemon::Software::{self, Bind, Knot, Nsd};

use super::compare::{Case, Part, Rule};
use super::message::{AD, Answer, CD, Record, TC};
use super::queries::{COOKIE, KEEPALIVE, NSID};

const ALL: &[Software] = &[Bind, Knot, Nsd];
const SECTIONS: [usize; 3] = [0, 1, 2];
const ANSWER: usize = 0;
const AUTHORITY: usize = 1;
const ADDITIONAL: usize = 2;
const NOERROR: u16 = 0;
const FORMERR: u16 = 1;
const SERVFAIL: u16 = 2;
const NOTIMP: u16 = 4;
const REFUSED: u16 = 5;
const NOTAUTH: u16 = 9;
const BADVERS: u16 = 16;
const CLIENT_SUBNET: u16 = 8;
const EXTENDED_ERROR: u16 = 15;
/// Types of DNSSEC, of today and before, that some servers have beside a CNAME.
const BESIDE_CNAME: &[RecordType] = &[
    RecordType::SIG,
    RecordType::KEY,
    RecordType::NXT,
    RecordType::RRSIG,
    RecordType::NSEC,
    RecordType::NSEC3,
];
/// From so many CNAMEs on a chain is long.
const LONG: usize = 5;

pub(super) const RULES: &[Rule] = &[
    // === flags ===
    Rule {
        servers: &[Bind],
        what: "CD is copied",
        why: "RFC 4035 section 3.1.6: an authority SHOULD clear it",
        parts: &[Part::Cd],
        applies: |case| case.theirs.has(CD),
    },
    Rule {
        servers: &[Bind],
        what: "AD is set over no data, or over what was cut short",
        why: "RFC 4035 section 3.1.6: an authority sets it where all is known to be authentic",
        parts: &[Part::Ad],
        applies: |case| {
            case.theirs.has(AD)
                && case.query.flags & AD != 0
                && (is_empty(case.theirs, ANSWER) || case.theirs.has(TC))
        },
    },
    // === EDNS ===
    Rule {
        servers: &[Nsd],
        what: "BADVERS has CD of the query, or AA, and not DO",
        why: "RFC 6891 section 6.1.3: of another version only BADVERS itself is said",
        parts: &[Part::Cd, Part::Aa, Part::EdnsFlags],
        applies: is_bad_version,
    },
    Rule {
        servers: &[Bind, Nsd],
        what: "BADVERS comes without options",
        why: "RFC 6891 section 6.1.3: of another version only BADVERS itself is said",
        parts: &[Part::Option(NSID), Part::Option(COOKIE), Part::Option(KEEPALIVE)],
        applies: is_bad_version,
    },
    Rule {
        servers: ALL,
        what: "extended errors are told",
        why: "RFC 8914 section 2: any answer may have them",
        parts: &[Part::Option(EXTENDED_ERROR)],
        applies: |_| true,
    },
    Rule {
        servers: &[Knot, Nsd],
        what: "no cookie is given",
        why: "RFC 7873 section 5.2: a server without cookies ignores the option",
        parts: &[Part::Option(COOKIE)],
        applies: |_| true,
    },
    Rule {
        servers: ALL,
        what: "connections are kept for another time, or nothing is said of it",
        why: "RFC 7828 section 3.3: the time is the server's, and the answer optional",
        parts: &[Part::Option(KEEPALIVE)],
        applies: |case| case.query.over_tcp,
    },
    Rule {
        servers: &[Bind],
        what: "the client's subnet is answered with scope 0",
        why: "RFC 7871 section 7.1.2: a server that does not tailor answers may ignore it",
        parts: &[Part::Option(CLIENT_SUBNET)],
        applies: |_| true,
    },
    // === types ===
    Rule {
        servers: ALL,
        what: "a type that no zone can have is an error",
        why: "RFC 6895 section 3.1: types that mean something to the protocol alone",
        parts: &[Part::Rcode, Part::Aa, Part::Tc, Part::Answer, Part::Authority, Part::Additional],
        applies: |case| {
            is_meta(case.query.record_type)
                && [FORMERR, NOTIMP, REFUSED, NOTAUTH].contains(&case.theirs.rcode)
        },
    },
    Rule {
        servers: ALL,
        what: "ANY gets another set, or more of them, or what a CNAME leads to",
        why: "RFC 8482 section 4.1: one set, of the server's choice",
        parts: &[Part::Rcode, Part::Tc, Part::Answer, Part::Authority, Part::Additional],
        applies: |case| {
            is_type(case, &[RecordType::ANY])
                && (case.theirs.has(TC)
                    || is_empty(case.ours, ANSWER) == is_empty(case.theirs, ANSWER))
                && (case.ours.rcode == case.theirs.rcode || has_cname(case.ours))
        },
    },
    Rule {
        servers: &[Bind, Nsd],
        what: "what DNSSEC has beside a CNAME is of that name, or of the one it leads to",
        why: "RFC 4035 section 2.5: RRSIG and NSEC do stand there; of their like nothing is said",
        parts: &[Part::Rcode, Part::Tc, Part::Answer, Part::Authority, Part::Additional],
        applies: |case| {
            is_type(case, BESIDE_CNAME) && has_cname(case.ours) != has_cname(case.theirs)
        },
    },
    // === chains ===
    Rule {
        servers: &[Bind, Knot],
        what: "a chain is not followed into another zone of the same server",
        why: "RFC 1034 section 4.3.2 step 3a: the resolver goes on anyway",
        parts: &[Part::Rcode, Part::Tc, Part::Answer, Part::Authority, Part::Additional],
        applies: |case| {
            leaves_its_zone(case)
                && case.theirs.rcode == NOERROR
                && is_within(case.theirs, case.ours, &[ANSWER])
        },
    },
    Rule {
        servers: &[Bind],
        what: "a loop is SERVFAIL",
        why: "RFC 1034 section 5.2.2: a loop is an error, for which there is no code",
        parts: &[Part::Rcode, Part::Tc],
        applies: |case| {
            case.theirs.rcode == SERVFAIL
                && case.ours.rcode == NOERROR
                && has_cname(case.ours)
                && is_within(case.ours, case.theirs, &[ANSWER])
        },
    },
    Rule {
        servers: ALL,
        what: "a long chain is cut elsewhere",
        why: "RFC 1034 section 5.2.2: chains are followed as far as is sensible",
        parts: &[Part::Rcode, Part::Tc, Part::Answer, Part::Authority, Part::Additional],
        applies: |case| {
            cname_count(case.ours).max(cname_count(case.theirs)) >= LONG
                && (is_within(case.ours, case.theirs, &[ANSWER])
                    || is_within(case.theirs, case.ours, &[ANSWER]))
        },
    },
    // === sizes ===
    Rule {
        servers: ALL,
        what: "needed glue that does not fit is left out without TC",
        why: "RFC 9471 section 3.1: TC must be set; these versions are older, or do it when none fits",
        parts: &[Part::Tc, Part::Additional],
        applies: |case| {
            is_referral(case.ours)
                && case.ours.has(TC)
                && !case.theirs.has(TC)
                && case.ours.folded()[..2] == case.theirs.folded()[..2]
        },
    },
    Rule {
        servers: ALL,
        what: "what would fit with every name compressed is cut short",
        why: "RFC 1035 section 4.1.4: compression is optional",
        parts: &[Part::Rcode, Part::Tc, Part::Answer, Part::Authority, Part::Additional],
        applies: |case| {
            case.ours.has(TC)
                && !case.theirs.has(TC)
                && !case.query.over_tcp
                && is_within(case.ours, case.theirs, &[ANSWER, AUTHORITY])
        },
    },
    Rule {
        servers: &[Bind],
        what: "what just fits is cut short",
        why: "RFC 1035 section 4.1.1: TC leads to TCP, where all is told",
        parts: &[Part::Tc, Part::Answer, Part::Authority, Part::Additional],
        applies: |case| {
            case.theirs.has(TC)
                && !case.ours.has(TC)
                && !case.query.over_tcp
                && is_within(case.theirs, case.ours, &[ANSWER, AUTHORITY])
        },
    },
    Rule {
        servers: ALL,
        what: "what comes with TC differs",
        why: "RFC 2181 section 9: with TC set it is not used",
        parts: &[Part::Rcode, Part::Answer, Part::Authority, Part::Additional],
        applies: |case| case.ours.has(TC) && case.theirs.has(TC),
    },
    // === what comes along ===
    Rule {
        servers: ALL,
        what: "more, or other, addresses come along with an answer",
        why: "RFC 1034 section 4.3.2 step 6: what may be useful",
        parts: &[Part::Additional],
        applies: |case| !is_referral(case.ours) && !is_referral(case.theirs),
    },
    Rule {
        servers: &[Bind],
        what: "glue beside the cut comes along, or does not",
        why: "RFC 9471 section 3.2: only what is below the cut is needed",
        parts: &[Part::Additional],
        applies: |case| {
            is_referral(case.ours) && needed_glue(case.ours) == needed_glue(case.theirs)
        },
    },
    Rule {
        servers: ALL,
        what: "letters have another case",
        why: "RFC 4343 section 3: names are the same without regard to it",
        parts: &[Part::Spelling],
        applies: |_| true,
    },
];

fn is_bad_version(case: &Case<'_>) -> bool {
    case.ours.rcode == BADVERS && case.theirs.rcode == BADVERS
}

fn is_type(case: &Case<'_>, types: &[RecordType]) -> bool {
    types.contains(&RecordType(case.query.record_type))
}

/// ANY is the one that asks for what zones have.
fn is_meta(record_type: u16) -> bool {
    record_type == 0 || RecordType(record_type).is_meta() && record_type != RecordType::ANY.0
}

fn is_empty(answer: &Answer, section: usize) -> bool {
    answer.sections[section].is_empty()
}

fn is_referral(answer: &Answer) -> bool {
    answer.sections[AUTHORITY].iter().any(|record| record.record_type == RecordType::NS.0)
}

fn cname_count(answer: &Answer) -> usize {
    let is_cname = |record: &&Record| record.record_type == RecordType::CNAME.0;
    answer.sections[ANSWER].iter().filter(is_cname).count()
}

fn has_cname(answer: &Answer) -> bool {
    cname_count(answer) > 0
}

/// Whether one has no more than the other in these sections.
fn is_within(inner: &Answer, outer: &Answer, sections: &[usize]) -> bool {
    let (inner, outer) = (inner.folded(), outer.folded());
    sections.iter().all(|section| inner[*section].is_subset(&outer[*section]))
}

/// Our answer has a CNAME, and owners in more than one of the zones.
fn leaves_its_zone(case: &Case<'_>) -> bool {
    let zone_of = |owner: &[u8]| {
        let owner = owner.to_ascii_lowercase();
        if owner.ends_with(b"\x05child\x07example\0") {
            "child.example."
        } else if owner.ends_with(b"\x07example\0") {
            "example."
        } else {
            "odd.test."
        }
    };
    let question = zone_of(&case.query.name);
    let records = SECTIONS.iter().flat_map(|section| &case.ours.sections[*section]);
    has_cname(case.ours)
        && records.map(|record| zone_of(&record.owner)).any(|zone| zone != question)
}

/// Addresses of servers at or below the cut.
fn needed_glue(answer: &Answer) -> Vec<Record> {
    let sections = answer.folded();
    let cut = sections[AUTHORITY].first().map(|record| record.owner.clone()).unwrap_or_default();
    let glue = sections[ADDITIONAL].iter().filter(|record| record.owner.ends_with(&cut));
    glue.cloned().collect()
}
