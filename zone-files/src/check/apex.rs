//! What must stand at the apex, and what may stand only there or must not.

use model::{RecordType, ZoneContents};

use super::finding::Finding;
use super::issue::Issue;
use super::place::Place;

pub fn check_presence(zone: &ZoneContents, findings: &mut Vec<Finding>) {
    for (record_type, issue) in [(RecordType::SOA, Issue::NoSoa), (RecordType::NS, Issue::NoNs)] {
        if zone.get(&zone.apex, record_type).is_none() {
            let name = zone.apex.clone();
            findings.push(Finding { name, record_type: None, rdata: None, issue });
        }
    }
}

pub fn check(place: Place<'_>, findings: &mut Vec<Finding>) {
    if !place.is_apex() {
        if place.has(RecordType::SOA) {
            place.report(RecordType::SOA, Issue::SoaBelowApex, findings);
        }
        return;
    }
    for (record_type, issue) in
        [(RecordType::CNAME, Issue::CnameAtApex), (RecordType::DS, Issue::DsAtApex)]
    {
        if place.has(record_type) {
            place.report(record_type, issue, findings);
        }
    }
    if place.has(RecordType::RRSIG) {
        place.report(RecordType::RRSIG, Issue::Signed, findings);
    }
}
