//! From findings back to the places in the text.

use std::collections::HashMap;
use std::fmt;

use model::{Name, RecordSet, ZoneContents};

use crate::check::{Finding, Severity};
use crate::position::Position;

/// A finding and where its record stands, or the first one of its set; prints as `file:line:column: finding`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedFinding {
    /// None for what is missing.
    pub position: Option<Position>,
    pub finding: Finding,
}

/// Adds to each finding the place of its record, or of the first record of its set. `places` holds
/// those of all records in the order of `contents`.
pub fn find(
    findings: impl Iterator<Item = Finding>,
    contents: &ZoneContents,
    places: &[Position],
) -> Vec<PlacedFinding> {
    let mut findings: Vec<_> =
        findings.map(|finding| PlacedFinding { position: None, finding }).collect();
    let mut by_name: HashMap<Name, Vec<usize>> = HashMap::new();
    for (index, found) in findings.iter().enumerate() {
        by_name.entry(found.finding.name.clone()).or_default().push(index);
    }
    let mut rest = places;
    for (name, sets) in contents.iter() {
        if by_name.is_empty() {
            break;
        }
        let count = sets.iter().map(|set| set.values().len()).sum();
        let (places, behind) = rest.split_at(count);
        for index in by_name.remove(name).unwrap_or_default() {
            let PlacedFinding { position, finding } = &mut findings[index];
            *position = place(finding, sets, places).cloned();
        }
        rest = behind;
    }
    findings
}

/// `places` holds those of all records of `sets`.
fn place<'p>(
    finding: &Finding,
    sets: &[RecordSet],
    places: &'p [Position],
) -> Option<&'p Position> {
    let mut rest = places;
    for set in sets {
        let (places, behind) = rest.split_at(set.values().len());
        if Some(set.record_type) == finding.record_type {
            let value = set.values().iter().position(|value| Some(value) == finding.rdata.as_ref());
            let first = || places.iter().min_by_key(|position| (position.line, position.column));
            return value.map(|value| &places[value]).or_else(first);
        }
        rest = behind;
    }
    None
}

// === impl PlacedFinding ===

impl PlacedFinding {
    pub fn severity(&self) -> Severity {
        self.finding.issue.severity()
    }
}

impl fmt::Display for PlacedFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = &self.position {
            write!(f, "{position}: ")?;
        }
        write!(f, "{}", self.finding)
    }
}
