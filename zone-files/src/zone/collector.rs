//! Records as they come, to record sets in canonical order.

use std::mem;

use model::{Name, Rdata, RecordSet, RecordType, ZoneContents};

use super::places::PlacedFinding;
use crate::check::{Finding, Issue};
use crate::position::Position;
use crate::reader::Record;

/// Gathers records in any order.
#[derive(Debug, Default)]
pub struct Collector {
    /// One for each time that another name begins; the same name may come again.
    runs: Vec<Run>,
    findings: Vec<PlacedFinding>,
}

/// What a [`Collector`] has gathered.
#[derive(Debug)]
pub struct Collected {
    pub contents: ZoneContents,
    /// Where each record stands, in the order of `contents`.
    pub places: Vec<Position>,
    /// TTLs that differ within a set.
    pub findings: Vec<PlacedFinding>,
}

#[derive(Debug)]
struct Run {
    name: Name,
    /// Sorted by type.
    sets: Vec<PartialSet>,
}

/// A set whose values are not sorted yet.
#[derive(Debug)]
struct PartialSet {
    record_type: RecordType,
    ttl: u32,
    values: Vec<(Rdata, Position)>,
}

// === impl Collector ===

impl Collector {
    pub fn add(&mut self, record: Record) {
        let Self { runs, findings } = self;
        let Record { name, ttl, record_type, rdata, position } = record;
        let value = (rdata, position);
        match runs.last_mut() {
            Some(run) if run.name == name => run.add(record_type, ttl, value, findings),
            _ => {
                let set = PartialSet { record_type, ttl, values: vec![value] };
                runs.push(Run { name, sets: vec![set] });
            }
        }
    }

    pub fn finish(self, apex: Name) -> Collected {
        let Self { mut runs, mut findings } = self;
        if !runs.is_sorted_by(|a, b| a.name <= b.name) {
            // Stable: of two runs with one name, the first stays the first. And fast where most of
            // them are in order, as in a file that begins with its apex and its name servers.
            let keyed = runs.into_iter().map(|run| (canonical_key(&run.name), run));
            let mut keyed: Vec<_> = keyed.collect();
            keyed.sort_by(|a, b| a.0.cmp(&b.0));
            runs = keyed.into_iter().map(|(_, run)| run).collect();
        }
        let runs = merge(runs, &mut findings);
        let mut places = Vec::new();
        let names = runs.into_iter().map(|Run { name, sets }| {
            (name, sets.into_iter().filter_map(|set| set.finish(&mut places)).collect())
        });
        let contents = ZoneContents::from_names(apex, names);
        Collected { contents, places, findings }
    }
}

/// Bytes in whose order names are in canonical order (RFC 4034 section 6.1): the labels from the
/// right, a zero byte behind each, and in them 1 as 1 2 and 0 as 1 1.
fn canonical_key(name: &Name) -> Vec<u8> {
    let labels: Vec<&[u8]> = name.labels().collect();
    let mut key = Vec::with_capacity(name.wire().len());
    for label in labels.into_iter().rev() {
        for &byte in label {
            match byte {
                0 | 1 => key.extend_from_slice(&[1, byte + 1]),
                _ => key.push(byte),
            }
        }
        key.push(0);
    }
    key
}

/// Makes one run of neighbours that have the same name.
fn merge(runs: Vec<Run>, findings: &mut Vec<PlacedFinding>) -> Vec<Run> {
    if runs.is_sorted_by(|a, b| a.name != b.name) {
        return runs;
    }
    let mut merged: Vec<Run> = Vec::with_capacity(runs.len());
    for mut run in runs {
        match merged.last_mut() {
            Some(last) if last.name == run.name => {
                for PartialSet { record_type, ttl, values } in mem::take(&mut run.sets) {
                    for value in values {
                        last.add(record_type, ttl, value, findings);
                    }
                }
            }
            _ => merged.push(run),
        }
    }
    merged
}

// === impl Run ===

impl Run {
    /// Adds a record to the set of its type, whose TTL stays.
    fn add(
        &mut self,
        record_type: RecordType,
        ttl: u32,
        value: (Rdata, Position),
        findings: &mut Vec<PlacedFinding>,
    ) {
        match self.sets.binary_search_by_key(&record_type, |set| set.record_type) {
            Err(at) => self.sets.insert(at, PartialSet { record_type, ttl, values: vec![value] }),
            Ok(at) => {
                let set = &mut self.sets[at];
                if set.ttl != ttl {
                    let issue = Issue::DifferingTtl { kept: set.ttl, found: ttl };
                    let finding = Finding {
                        name: self.name.clone(),
                        record_type: Some(record_type),
                        rdata: Some(value.0.clone()),
                        issue,
                    };
                    findings.push(PlacedFinding { position: Some(value.1.clone()), finding });
                }
                set.values.push(value);
            }
        }
    }
}

// === impl PartialSet ===

impl PartialSet {
    /// The set as it is; adds the place of each of its records to `places`, in their order. Of two
    /// equal records the first is taken.
    fn finish(self, places: &mut Vec<Position>) -> Option<RecordSet> {
        let Self { record_type, ttl, mut values } = self;
        values.sort_by(|a, b| a.0.cmp(&b.0));
        values.dedup_by(|later, first| later.0 == first.0);
        let values = values.into_iter().map(|(rdata, position)| {
            places.push(position);
            rdata
        });
        RecordSet::new(record_type, ttl, values)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name() -> impl Strategy<Value = Name> {
        let byte = prop::sample::select(vec![0, 1, 2, 3, b'a', 255]);
        let labels = prop::collection::vec(prop::collection::vec(byte, 1..4), 0..4);
        labels.prop_map(|labels| {
            Name::from_labels(labels.iter().map(Vec::as_slice), &Name::root()).unwrap()
        })
    }

    proptest! {
        #[test]
        fn keys_are_in_the_order_of_their_names(a in name(), b in name()) {
            prop_assert_eq!(canonical_key(&a).cmp(&canonical_key(&b)), a.cmp(&b));
        }
    }
}
