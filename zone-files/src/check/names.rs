//! What may not stand together at one name, and what may not stand at some names.

use model::RecordType;

use super::finding::Finding;
use super::issue::Issue;
use super::place::Place;

/// What an answer has beside its records and the name that was asked for: the header, type and class
/// of the question, and an OPT record.
const BESIDE_RECORDS: usize = 12 + 4 + 11;
/// A pointer to the name, type, class, TTL and length.
const BEFORE_DATA: usize = 12;

pub fn check(place: Place<'_>, findings: &mut Vec<Finding>) {
    check_size(place, findings);
    check_single(place, findings);
    check_beside_cname(place, findings);
    check_wildcard(place, findings);
    if place.has(RecordType::DNAME) && place.has(RecordType::NS) && !place.is_apex() {
        place.report(RecordType::DNAME, Issue::DnameAndNs, findings);
    }
    if has_apex_twice(place) {
        let issue = Issue::ApexTwice { name: place.name.clone() };
        place.report(place.sets[0].record_type, issue, findings);
    }
}

fn check_size(place: Place<'_>, findings: &mut Vec<Finding>) {
    for set in place.sets {
        let lengths = set.values().iter().map(|rdata| BEFORE_DATA + rdata.wire().len());
        let bytes = BESIDE_RECORDS + place.name.wire().len() + lengths.sum::<usize>();
        if bytes > usize::from(u16::MAX) {
            place.report(set.record_type, Issue::TooLarge { bytes }, findings);
        }
    }
}

fn check_single(place: Place<'_>, findings: &mut Vec<Finding>) {
    for record_type in [RecordType::SOA, RecordType::CNAME, RecordType::DNAME] {
        let count = place.set(record_type).map_or(0, |set| set.values().len());
        if count > 1 {
            place.report(record_type, Issue::Several { count }, findings);
        }
    }
}

fn check_beside_cname(place: Place<'_>, findings: &mut Vec<Finding>) {
    // At the apex the CNAME itself is the mistake, and is told as that.
    if !place.has(RecordType::CNAME) || place.is_apex() {
        return;
    }
    for set in place.sets.iter().filter(|set| !may_stand_beside_cname(set.record_type)) {
        let issue = Issue::CnameAndOther { other: set.record_type };
        place.report(set.record_type, issue, findings);
    }
}

/// The CNAME itself, what signs it or denies others (RFC 4034 sections 3 and 4), and the types that
/// did so before (RFC 2181 section 10.1, RFC 3007 section 4.3).
fn may_stand_beside_cname(record_type: RecordType) -> bool {
    matches!(
        record_type,
        RecordType::CNAME
            | RecordType::RRSIG
            | RecordType::NSEC
            | RecordType::SIG
            | RecordType::NXT
            | RecordType::KEY
    )
}

fn check_wildcard(place: Place<'_>, findings: &mut Vec<Finding>) {
    if place.name.is_wildcard() {
        for (record_type, issue) in
            [(RecordType::NS, Issue::WildcardNs), (RecordType::DNAME, Issue::WildcardDname)]
        {
            if place.has(record_type) {
                place.report(record_type, issue, findings);
            }
        }
    }
    if place.name.labels().skip(1).any(|label| label == b"*") {
        place.report(place.sets[0].record_type, Issue::InnerAsterisk, findings);
    }
}

fn has_apex_twice(place: Place<'_>) -> bool {
    super::targets::has_apex_twice(place.name, place.zone)
}
