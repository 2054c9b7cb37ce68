//! What the DNS forbids in a zone, and what is likely a mistake.
//!
//! Each rule is one [`Issue`]. Refusals are what authoritative servers agree to refuse, or what has no
//! defined meaning; everything else is a warning, as the zone can be served.

mod apex;
mod completeness;
mod cover;
mod finding;
mod issue;
mod names;
mod place;
mod targets;

use model::ZoneContents;

pub use completeness::Completeness;
pub use finding::Finding;
pub use issue::{Issue, Severity};
use place::Place;

/// Everything that is wrong or suspicious in `zone`, in the order of names.
pub fn check(zone: &ZoneContents, completeness: Completeness) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut loops = targets::LoopFinder::default();
    let mut cover = cover::Cover::default();
    if completeness == Completeness::Whole {
        apex::check_presence(zone, &mut findings);
    }
    for (name, sets) in zone.iter() {
        let place = Place { zone, name, sets };
        if !name.is_at_or_below(&zone.apex) {
            place.report_each_set(&Issue::OutOfZone, &mut findings);
            continue;
        }
        apex::check(place, &mut findings);
        names::check(place, &mut findings);
        cover.check(place, &mut findings);
        targets::check(place, completeness, &mut findings);
        loops.check(place, &mut findings);
    }
    // A loop may be found from a name that leads into it.
    findings.sort_by(|a, b| a.name.cmp(&b.name));
    findings
}

#[cfg(test)]
mod tests;
