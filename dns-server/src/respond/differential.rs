//! The same questions to BIND, Knot, NSD and us, over the same zones.
//!
//! Code, flags and sections must be equal, but for the differences that [`ALLOWED`] lists, each
//! with what allows it.

use std::collections::{BTreeMap, BTreeSet};

use model::RecordType;

use crate::respond::{Client, Rcode, Transport, UDP_SIZE_MAX, respond};
use crate::testing::message::Answer;
use crate::testing::peers::{Kind, Peer};
use crate::testing::{self, EdnsQuery, Query};

const QUESTIONS: usize = 6000;
const ZONES: [(&str, &str); 2] = [
    ("example", include_str!("differential/example.zone")),
    ("child.example", include_str!("differential/child.example.zone")),
];
const TYPES: [u16; 20] =
    [1, 1, 1, 2, 5, 6, 12, 15, 16, 28, 28, 33, 39, 43, 46, 47, 48, 255, 65_280, 65_281];

/// One question, our answer and theirs.
struct Case<'a> {
    peer: Kind,
    query: &'a Query,
    ours: &'a Answer,
    theirs: &'a Answer,
}

struct Difference {
    name: &'static str,
    allows: fn(&Case<'_>) -> bool,
}

const ALLOWED: [Difference; 11] = [
    Difference {
        name: "CD is cleared by an authority (RFC 4035 section 3.1.6: SHOULD); BIND copies it",
        allows: |case| {
            case.peer == Kind::Bind && case.theirs.flags[5] && same_but(case, &[Part::Cd])
        },
    },
    Difference {
        name: "additional data of an answer is a courtesy (RFC 1034 section 4.3.2 step 6)",
        allows: |case| {
            case.ours.flags[0]
                && !is_referral(case)
                && same_but(case, &[Part::Cd, Part::Additional])
        },
    },
    Difference {
        name: "one set is enough for ANY (RFC 8482 section 4.1)",
        allows: |case| {
            is_any(case)
                && case.ours.rcode == case.theirs.rcode
                && case.ours.flags[0] == case.theirs.flags[0]
                && case.ours.sections[0].is_subset(&case.theirs.sections[0])
                && case.ours.sections[0].is_empty() == case.theirs.sections[0].is_empty()
        },
    },
    Difference {
        name: "which set that is, is the server's choice (RFC 8482 section 4.1)",
        allows: |case| {
            let types = |answer: &Answer| {
                answer.sections[0].iter().map(|record| record.record_type).collect::<BTreeSet<_>>()
            };
            is_any(case) && types(case.ours).len() == 1 && types(case.theirs).len() == 1
        },
    },
    Difference {
        name: "CD means nothing where EDNS is not understood (RFC 6891 section 6.1.3); NSD copies it",
        allows: |case| {
            case.peer == Kind::Nsd
                && case.ours.rcode == Rcode::BADVERS.0
                && case.theirs.rcode == Rcode::BADVERS.0
        },
    },
    Difference {
        name: "RRSIG and NSEC stand beside a CNAME (RFC 4035 section 2.5); NSD follows it for them",
        allows: |case| {
            case.peer == Kind::Nsd
                && matches!(
                    RecordType(case.query.record_type),
                    RecordType::RRSIG | RecordType::NSEC
                )
                && case.theirs.sections[0]
                    .iter()
                    .any(|record| record.record_type == RecordType::CNAME)
                && case.ours.rcode == Rcode::NOERROR.0
                && case.ours.sections[0].is_subset(&case.theirs.sections[0])
        },
    },
    Difference {
        name: "a loop has no code of its own (RFC 1034 section 5.2.2); BIND says SERVFAIL",
        allows: |case| {
            case.peer == Kind::Bind
                && case.theirs.rcode == Rcode::SERVFAIL.0
                && case.ours.rcode == Rcode::NOERROR.0
                && case.ours.sections[0] == case.theirs.sections[0]
                && case.ours.sections[1].is_empty()
        },
    },
    Difference {
        name: "needed glue that does not fit makes TC (RFC 9471 section 3.1); BIND is older",
        allows: |case| {
            case.peer == Kind::Bind
                && is_referral(case)
                && case.ours.flags[1]
                && !case.theirs.flags[1]
                && case.ours.sections[..2] == case.theirs.sections[..2]
        },
    },
    Difference {
        name: "what comes with TC is not used (RFC 2181 section 9)",
        allows: |case| {
            case.ours.flags[1] && case.theirs.flags[1] && case.ours.rcode == case.theirs.rcode
        },
    },
    Difference {
        name: "a chain need not be followed into another zone (RFC 1034 section 4.3.2 step 3a)",
        allows: |case| {
            leaves_its_zone(case)
                && case.theirs.rcode == Rcode::NOERROR.0
                && case.theirs.sections[0].is_subset(&case.ours.sections[0])
        },
    },
    Difference {
        name: "glue beside the cut is a courtesy (RFC 9471 section 3.2)",
        allows: |case| {
            is_referral(case)
                && same_but(case, &[Part::Cd, Part::Additional])
                && has_same_glue(case)
        },
    },
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Cd,
    Additional,
}

/// Whether the answers are equal where these parts are not looked at.
fn same_but(case: &Case<'_>, parts: &[Part]) -> bool {
    let Case { ours, theirs, .. } = case;
    let flags = if parts.contains(&Part::Cd) { 5 } else { 6 };
    let sections = if parts.contains(&Part::Additional) { 2 } else { 3 };
    ours.rcode == theirs.rcode
        && ours.flags[..flags] == theirs.flags[..flags]
        && ours.sections[..sections] == theirs.sections[..sections]
        && ours.edns.is_some() == theirs.edns.is_some()
        && (case.peer == Kind::Nsd && ours.rcode >= 16 || ours.edns == theirs.edns)
}

fn is_any(case: &Case<'_>) -> bool {
    RecordType(case.query.record_type) == RecordType::ANY
}

fn is_referral(case: &Case<'_>) -> bool {
    case.ours.sections[1].iter().any(|record| record.record_type == RecordType::NS)
}

/// Our chain has owners both in the child and outside of it.
fn leaves_its_zone(case: &Case<'_>) -> bool {
    let child = testing::name("child.example");
    let records = || case.ours.sections.iter().flatten().map(|record| &record.owner);
    case.ours.sections[0].iter().any(|record| record.record_type == RecordType::CNAME)
        && records().any(|owner| owner.is_at_or_below(&child))
        && records().any(|owner| !owner.is_at_or_below(&child))
}

/// Addresses of servers below the cut are the same on both sides.
fn has_same_glue(case: &Case<'_>) -> bool {
    let cut = case.ours.sections[1].first().map(|record| &record.owner);
    let glue = |answer: &Answer| {
        let glue = answer.sections[2]
            .iter()
            .filter(|record| cut.is_some_and(|cut| record.owner.is_at_or_below(cut)));
        glue.cloned().collect::<Vec<_>>()
    };
    glue(case.ours) == glue(case.theirs)
}

/// The same numbers on every machine (Marsaglia's xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Owners, what stands above them, and what does not exist below and beside them.
fn names() -> Vec<String> {
    let mut names = Vec::new();
    for (apex, text) in ZONES {
        for owner in text.lines().filter_map(|line| line.split(' ').next()) {
            let owner = if owner == "@" { apex.to_owned() } else { format!("{owner}.{apex}") };
            let mut above = testing::name(&owner);
            loop {
                names.extend(["", "q.", "*.", "x.y."].map(|more| format!("{more}{above}")));
                match above.parent() {
                    Some(parent) if !parent.is_root() => above = parent,
                    _ => break,
                }
            }
        }
    }
    names.push("elsewhere.".to_owned());
    names.push(".".to_owned());
    names.sort();
    names.dedup();
    names
}

fn query(numbers: &mut Numbers, names: &[String], id: u16) -> Query {
    let mut query = Query::parse(numbers.pick::<String>(names));
    query.id = id;
    query.record_type = *numbers.pick(&TYPES);
    // Only RD and CD: what other flags do to a query is the business of the table tests.
    query.flags = *numbers.pick(&[0, 0, 0x0100, 0x0010, 0x0110]);
    query.edns = match numbers.below(4) {
        0 => None,
        _ => Some(EdnsQuery {
            size: *numbers.pick(&[512, 1232, 4096]),
            version: u8::from(numbers.below(30) == 0),
            dnssec_ok: numbers.below(3) == 0,
        }),
    };
    for byte in &mut query.name {
        if byte.is_ascii_lowercase() && numbers.below(3) == 0 {
            *byte = byte.to_ascii_uppercase();
        }
    }
    query
}

fn explain(case: &Case<'_>) -> Option<&'static str> {
    if same_but(case, &[]) {
        return Some("equal");
    }
    ALLOWED.iter().find(|difference| (difference.allows)(case)).map(|difference| difference.name)
}

#[test]
fn answers_are_those_of_other_servers() {
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| kind.is_installed()).collect();
    let peers: Vec<Peer> = kinds.iter().map(|kind| Peer::start(*kind, &ZONES)).collect();
    let zones = ZONES.map(|(apex, text)| testing::zone(apex, text));
    let (_writer, reader) = testing::store(&zones);
    let names = names();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut seen: BTreeMap<(String, &str), usize> = BTreeMap::new();
    let mut unexplained = Vec::new();
    for id in 0..QUESTIONS {
        let query = query(&mut numbers, &names, id as u16);
        let bytes = query.bytes();
        let mut out = [0; UDP_SIZE_MAX];
        let reply =
            respond(&reader.snapshot(), &bytes, &Client::anyone(Transport::Udp), &mut out).unwrap();
        let ours = Answer::parse(&out[..reply.length]);
        assert!(!ours.is_repetitive, "{query:?}: {ours}");
        for peer in &peers {
            let answer = peer.ask(&bytes).unwrap_or_else(|| panic!("{:?} is silent", peer.kind));
            let theirs = Answer::parse(&answer);
            let case = Case { peer: peer.kind, query: &query, ours: &ours, theirs: &theirs };
            match explain(&case) {
                Some(why) => *seen.entry((format!("{:?}", peer.kind), why)).or_default() += 1,
                None => unexplained
                    .push(format!("{:?} {query:?}\nours: {ours}\ntheirs: {theirs}", peer.kind)),
            }
        }
    }
    for ((peer, why), count) in &seen {
        println!("{peer}: {count} {why}");
    }
    if kinds == Kind::ALL {
        let is_seen = |name: &str| seen.keys().any(|(_, why)| *why == name);
        let unseen = ALLOWED.iter().map(|difference| difference.name).filter(|name| !is_seen(name));
        assert_eq!(unseen.collect::<Vec<_>>(), [""; 0], "what does not occur needs no permission");
    }
    let count = unexplained.len();
    unexplained.truncate(10);
    assert_eq!(
        count,
        0,
        "differences that nothing allows, the first of them:\n{}",
        unexplained.join("\n")
    );
}
