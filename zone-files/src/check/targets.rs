//! The names that records point to.

use std::collections::HashSet;

use model::{Name, Rdata, RecordSet, RecordType, ZoneContents};

use super::completeness::Completeness;
use super::finding::Finding;
use super::issue::Issue;
use super::place::Place;

pub fn check(place: Place<'_>, completeness: Completeness, findings: &mut Vec<Finding>) {
    for set in place.sets {
        for value in set.values() {
            let target = target(set.record_type, value);
            let issue = target.and_then(|target| target_issue(place, set, target, completeness));
            findings.extend(issue.map(|issue| Finding {
                name: place.name.clone(),
                record_type: Some(set.record_type),
                rdata: Some(value.clone()),
                issue,
            }));
        }
    }
}

/// The name that the data points to, unless it is the root, which stands for none.
fn target(record_type: RecordType, value: &Rdata) -> Option<Name> {
    let start = match record_type {
        RecordType::NS | RecordType::CNAME => 0,
        RecordType::MX => 2,
        RecordType::SRV => 6,
        _ => return None,
    };
    Name::from_wire(value.wire().get(start..)?).ok().filter(|target| !target.is_root())
}

fn target_issue(
    place: Place<'_>,
    set: &RecordSet,
    target: Name,
    completeness: Completeness,
) -> Option<Issue> {
    if looks_like_address(&target, place.zone) {
        return Some(Issue::AddressAsName { target });
    }
    if has_apex_twice(&target, place.zone) {
        return Some(Issue::ApexTwice { name: target });
    }
    // A CNAME may point to what does not exist; the others must lead to addresses at once.
    if set.record_type == RecordType::CNAME || !target.is_at_or_below(&place.zone.apex) {
        return None;
    }
    if place.zone.get(&target, RecordType::CNAME).is_some() {
        return Some(Issue::TargetIsAlias { target });
    }
    let is_missing = completeness == Completeness::Whole && !may_have_address(place, set, &target);
    is_missing.then_some(Issue::NoAddress { target })
}

fn may_have_address(place: Place<'_>, set: &RecordSet, target: &Name) -> bool {
    if has_address(place.zone, target) {
        return true;
    }
    let mut is_first = true;
    let mut at = Some(target.clone());
    while let Some(name) = at.filter(|name| name.is_below(&place.zone.apex)) {
        let is_cut = place.zone.get(&name, RecordType::NS).is_some();
        let is_renamed = !is_first && place.zone.get(&name, RecordType::DNAME).is_some();
        if is_cut || is_renamed {
            // Below a delegation the child zone knows, but name servers need their glue here.
            return set.record_type != RecordType::NS || is_renamed;
        }
        let parent = name.parent();
        let wildcard = parent.as_ref().and_then(|parent| parent.child(b"*").ok());
        if wildcard.is_some_and(|wildcard| has_address(place.zone, &wildcard)) {
            return true;
        }
        is_first = false;
        at = parent;
    }
    false
}

fn has_address(zone: &ZoneContents, name: &Name) -> bool {
    zone.get(name, RecordType::A).is_some() || zone.get(name, RecordType::AAAA).is_some()
}

/// True for `192.0.2.1.example.com.` and for `192.0.2.1.`: an address written where a name belongs.
fn looks_like_address(target: &Name, zone: &ZoneContents) -> bool {
    let is_octet =
        |label: &[u8]| std::str::from_utf8(label).is_ok_and(|label| label.parse::<u8>().is_ok());
    let count = target.label_count();
    let below_apex = target.is_below(&zone.apex).then(|| count - zone.apex.label_count());
    (below_apex == Some(4) || count == 4) && target.labels().take(4).all(is_octet)
}

/// True where `name` ends with the zone's name two times, as `www.example.com` does in
/// `example.com` without its final dot. A single label may well come twice.
pub fn has_apex_twice(name: &Name, zone: &ZoneContents) -> bool {
    let apex = zone.apex.wire();
    if zone.apex.label_count() < 2 || name.wire().len() < 2 * apex.len() - 1 {
        return false;
    }
    // The cheap comparison of bytes first; names whose labels merely contain such bytes are rare.
    let upper = &apex[..apex.len() - 1];
    let start = name.wire().len() - apex.len() - upper.len();
    name.wire()[start..].starts_with(upper)
        && Name::from_wire(&[upper, apex].concat()).is_ok_and(|twice| name.is_at_or_below(&twice))
}

/// Finds each loop of CNAMEs once. A CNAME leads to one name, so every name is visited once.
#[derive(Default)]
pub struct LoopFinder {
    done: HashSet<Name>,
}

impl LoopFinder {
    pub fn check(&mut self, place: Place<'_>, findings: &mut Vec<Finding>) {
        if !place.has(RecordType::CNAME) {
            return;
        }
        let mut path = HashSet::new();
        let mut at = place.name.clone();
        while let Some(next) = alias(place.zone, &at).filter(|_| !self.done.contains(&at)) {
            if !path.insert(at.clone()) {
                self.report(place, &at, next, findings);
                break;
            }
            at = next;
        }
        self.done.extend(path);
    }

    fn report(&self, place: Place<'_>, name: &Name, target: Name, findings: &mut Vec<Finding>) {
        let place = Place { name, sets: place.zone.sets(name), ..place };
        place.report(RecordType::CNAME, Issue::CnameLoop { target }, findings);
    }
}

fn alias(zone: &ZoneContents, name: &Name) -> Option<Name> {
    zone.get(name, RecordType::CNAME)?.values().first()?.as_name()
}
