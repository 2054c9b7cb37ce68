//! The contents of one DNS zone, and the difference between two of them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::name::Name;
use crate::record::{RecordSet, RecordType};

/// Everything that stands in one zone, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneContents {
    pub apex: Name,
    /// The sets of a name are sorted by type; a name without sets is not in the map.
    names: BTreeMap<Name, Vec<RecordSet>>,
}

/// What one name had and what it has now; either side may be empty, not both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameChange {
    /// Sorted by type.
    pub before: Vec<RecordSet>,
    /// Sorted by type.
    pub after: Vec<RecordSet>,
}

/// The names that differ between two states of one zone. Names whose sets are equal in both are
/// not in it, so an empty diff means that nothing changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZoneDiff {
    names: BTreeMap<Name, NameChange>,
}

// === impl ZoneContents ===

impl ZoneContents {
    pub fn new(apex: Name) -> Self {
        Self { apex, names: BTreeMap::new() }
    }

    /// Takes all names at once, which is faster than one by one when they come in canonical order.
    /// A name that comes twice keeps what it had last.
    pub fn from_names(apex: Name, names: impl IntoIterator<Item = (Name, Vec<RecordSet>)>) -> Self {
        let with_sorted_sets = |(name, mut sets): (Name, Vec<RecordSet>)| {
            sets.sort_by_key(|set| set.record_type);
            (name, sets)
        };
        let mut names: BTreeMap<_, _> = names.into_iter().map(with_sorted_sets).collect();
        names.retain(|_, sets| !sets.is_empty());
        Self { apex, names }
    }

    /// Puts a set in, in place of one of the same type.
    pub fn insert(&mut self, name: Name, set: RecordSet) {
        let sets = self.names.entry(name).or_default();
        match sets.binary_search_by_key(&set.record_type, |set| set.record_type) {
            Ok(at) => sets[at] = set,
            Err(at) => sets.insert(at, set),
        }
    }

    /// All sets of `name` at once; an empty list removes the name.
    pub fn replace(&mut self, name: Name, mut sets: Vec<RecordSet>) {
        sets.sort_by_key(|set| set.record_type);
        if sets.is_empty() {
            self.names.remove(&name);
        } else {
            self.names.insert(name, sets);
        }
    }

    pub fn get(&self, name: &Name, record_type: RecordType) -> Option<&RecordSet> {
        self.sets(name).iter().find(|set| set.record_type == record_type)
    }

    /// The sets of `name`, sorted by type; empty where the name has none.
    pub fn sets(&self, name: &Name) -> &[RecordSet] {
        self.names.get(name).map_or(&[], Vec::as_slice)
    }

    pub fn contains(&self, name: &Name) -> bool {
        self.names.contains_key(name)
    }

    /// Names with their sets, in canonical order: the apex first.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &[RecordSet])> {
        self.names.iter().map(|(name, sets)| (name, sets.as_slice()))
    }

    /// The same, taken out of it.
    pub fn into_names(self) -> impl Iterator<Item = (Name, Vec<RecordSet>)> {
        self.names.into_iter()
    }

    pub fn name_count(&self) -> usize {
        self.names.len()
    }

    /// Brings this zone from the diff's before to its after.
    pub fn apply(&mut self, diff: &ZoneDiff) {
        for (name, change) in diff.iter() {
            self.replace(name.clone(), change.after.clone());
        }
    }

    /// What must change to get from `self` to `after`.
    pub fn diff(&self, after: &ZoneContents) -> ZoneDiff {
        let mut diff = ZoneDiff::default();
        for (name, sets) in &self.names {
            diff.record(name.clone(), sets.clone(), after.sets(name).to_vec());
        }
        for (name, sets) in after.names.iter().filter(|(name, _)| !self.contains(name)) {
            diff.record(name.clone(), Vec::new(), sets.clone());
        }
        diff
    }
}

// === impl ZoneDiff ===

impl ZoneDiff {
    /// Notes that `name` went from `before` to `after`. A second note on the same name keeps the
    /// first `before`; a name that is back where it began leaves the diff.
    pub fn record(&mut self, name: Name, mut before: Vec<RecordSet>, mut after: Vec<RecordSet>) {
        before.sort_by_key(|set| set.record_type);
        after.sort_by_key(|set| set.record_type);
        match self.names.entry(name) {
            Entry::Vacant(vacant) => {
                if before != after {
                    vacant.insert(NameChange { before, after });
                }
            }
            Entry::Occupied(mut occupied) => {
                occupied.get_mut().after = after;
                if occupied.get().before == occupied.get().after {
                    occupied.remove();
                }
            }
        }
    }

    /// Adds what happened later.
    pub fn merge(&mut self, later: ZoneDiff) {
        for (name, change) in later.names {
            self.record(name, change.before, change.after);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub fn name_count(&self) -> usize {
        self.names.len()
    }

    /// In canonical order.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &NameChange)> {
        self.names.iter()
    }

    /// Names that had sets and have none any more.
    pub fn vanished(&self) -> impl Iterator<Item = &Name> {
        self.iter().filter(|(_, change)| change.after.is_empty()).map(|(name, _)| name)
    }
}

impl IntoIterator for ZoneDiff {
    type Item = (Name, NameChange);
    type IntoIter = std::collections::btree_map::IntoIter<Name, NameChange>;

    fn into_iter(self) -> Self::IntoIter {
        self.names.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Rdata;

    fn a(last: u8) -> Vec<RecordSet> {
        vec![RecordSet::single(RecordType::A, 180, Rdata::from_wire([192, 0, 2, last]))]
    }

    fn zone(names: &[(&str, u8)]) -> ZoneContents {
        let mut zone = ZoneContents::new(Name::parse("example.com").unwrap());
        for (name, last) in names {
            zone.replace(Name::parse(name).unwrap(), a(*last));
        }
        zone
    }

    #[test]
    fn all_names_at_once_equal_one_by_one() {
        let one_by_one = zone(&[("b.example.com", 2), ("a.example.com", 1), ("b.example.com", 3)]);
        let names = [("b", a(2)), ("c", Vec::new()), ("a", a(1)), ("b", a(3))];
        let apex = one_by_one.apex.clone();
        let names = names.map(|(name, sets)| (Name::parse_relative(name, &apex).unwrap(), sets));
        assert_eq!(ZoneContents::from_names(apex, names), one_by_one);
    }

    #[test]
    fn applying_the_diff_reaches_the_other_zone() {
        let before = zone(&[("a.example.com", 1), ("b.example.com", 2), ("c.example.com", 3)]);
        let after = zone(&[("b.example.com", 9), ("c.example.com", 3), ("d.example.com", 4)]);
        let diff = before.diff(&after);
        assert_eq!(diff.name_count(), 3);
        assert_eq!(diff.vanished().map(Name::to_string).collect::<Vec<_>>(), ["a.example.com."]);
        let mut moved = before.clone();
        moved.apply(&diff);
        assert_eq!(moved, after);
        assert!(after.diff(&moved).is_empty());
    }

    #[test]
    fn a_change_that_is_taken_back_leaves_no_trace() {
        let name = Name::parse("a.example.com").unwrap();
        let mut diff = ZoneDiff::default();
        diff.record(name.clone(), a(1), a(2));
        diff.record(name.clone(), a(2), a(3));
        assert_eq!(diff.iter().next().unwrap().1, &NameChange { before: a(1), after: a(3) });
        diff.record(name, a(3), a(1));
        assert!(diff.is_empty());
    }
}
