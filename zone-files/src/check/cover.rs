//! What stands below a delegation or a DNAME and so is never reached.

use model::{Name, RecordType};

use super::finding::Finding;
use super::issue::Issue;
use super::place::Place;

/// The delegation and the DNAME that were passed last. Names come in canonical order, so all that
/// stands below one of them follows it at once.
#[derive(Default)]
pub struct Cover<'z> {
    cut: Option<&'z Name>,
    dname: Option<&'z Name>,
}

impl<'z> Cover<'z> {
    pub fn check(&mut self, place: Place<'z>, findings: &mut Vec<Finding>) {
        self.check_below_dname(place, findings);
        match self.cut.filter(|cut| place.name.is_below(cut)) {
            Some(cut) => check_below_cut(cut, place, findings),
            None => self.check_at_cut(place, findings),
        }
    }

    fn check_below_dname(&mut self, place: Place<'z>, findings: &mut Vec<Finding>) {
        if let Some(dname) = self.dname.filter(|dname| place.name.is_below(dname)) {
            let issue = Issue::BelowDname { dname: dname.clone() };
            place.report(place.sets[0].record_type, issue, findings);
        } else if place.has(RecordType::DNAME) {
            self.dname = Some(place.name);
        }
    }

    fn check_at_cut(&mut self, place: Place<'z>, findings: &mut Vec<Finding>) {
        let is_cut = place.has(RecordType::NS) && !place.is_apex();
        if is_cut {
            self.cut = Some(place.name);
            for set in place.sets.iter().filter(|set| !has_use_at_cut(set.record_type)) {
                place.report(set.record_type, Issue::AtDelegation, findings);
            }
        } else if place.has(RecordType::DS) && !place.is_apex() {
            place.report(RecordType::DS, Issue::DsWithoutNs, findings);
        }
    }
}

fn check_below_cut(cut: &Name, place: Place<'_>, findings: &mut Vec<Finding>) {
    for set in place.sets.iter().filter(|set| !is_glue(set.record_type)) {
        place.report(set.record_type, Issue::BelowDelegation { cut: cut.clone() }, findings);
    }
}

fn is_glue(record_type: RecordType) -> bool {
    matches!(record_type, RecordType::A | RecordType::AAAA)
}

/// A CNAME or DNAME there is told as a refusal of its own.
fn has_use_at_cut(record_type: RecordType) -> bool {
    is_glue(record_type)
        || matches!(
            record_type,
            RecordType::NS
                | RecordType::DS
                | RecordType::NSEC
                | RecordType::RRSIG
                | RecordType::CNAME
                | RecordType::DNAME
        )
}
