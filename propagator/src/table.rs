//! Objects of one API server, as its lists and watches tell them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::key::Key;
use crate::kinds::KindId;
use crate::object::Versioned;

/// One step of a list or watch of one kind.
#[derive(Clone, Debug)]
pub enum Seen<T> {
    /// A complete list begins.
    ListBegins,
    /// Part of that list.
    Listed(Key, Arc<T>),
    ListEnds,
    Changed(Key, Arc<T>),
    Deleted(Key, Arc<T>),
    /// Neither list nor watch can be had, in words for people.
    Failed(String),
}

/// Invariant: of an object, the newest that was seen is kept.
#[derive(Debug)]
pub struct Table<T> {
    objects: HashMap<Key, Arc<T>>,
    /// Kinds of which a complete list was seen.
    listed: HashSet<KindId>,
    /// Keys of a list that has not ended.
    listing: HashMap<KindId, HashSet<Key>>,
    failures: HashMap<KindId, String>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            objects: HashMap::new(),
            listed: HashSet::new(),
            listing: HashMap::new(),
            failures: HashMap::new(),
        }
    }
}

// === impl Table ===

impl<T: Versioned> Table<T> {
    pub fn get(&self, key: &Key) -> Option<&Arc<T>> {
        self.objects.get(key)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Arc<T>)> {
        self.objects.iter()
    }

    pub fn is_listed(&self, kind: KindId) -> bool {
        self.listed.contains(&kind)
    }

    /// Nothing is known for sure until it was listed again; what was known is remembered.
    pub fn begin_anew(&mut self) {
        self.listed.clear();
        self.listing.clear();
        self.failures.clear();
    }

    pub fn failures(&self) -> &HashMap<KindId, String> {
        &self.failures
    }

    /// Takes in one step and returns whose state may be another now.
    pub fn see(&mut self, kind: KindId, seen: Seen<T>) -> Vec<Key> {
        match seen {
            Seen::ListBegins => {
                self.listing.insert(kind, HashSet::new());
                Vec::new()
            }
            Seen::Listed(key, object) => self.put(key, object).into_iter().collect(),
            Seen::ListEnds => self.end_list(kind),
            Seen::Changed(key, object) => {
                self.failures.remove(&kind);
                self.put(key, object).into_iter().collect()
            }
            Seen::Deleted(key, object) => self.remove(key, object.version()).into_iter().collect(),
            Seen::Failed(reason) => {
                self.failures.insert(kind, reason);
                Vec::new()
            }
        }
    }

    /// What a write of ours returned. The watch will tell the same, later.
    pub fn put(&mut self, key: Key, object: Arc<T>) -> Option<Key> {
        // What is made while a list runs is not in it, and yet it is there.
        if let Some(listing) = self.listing.get_mut(&key.kind) {
            listing.insert(key.clone());
        }
        match self.objects.get(&key) {
            Some(known) if is_older(object.version(), known.version()) => None,
            _ => {
                self.objects.insert(key.clone(), object);
                Some(key)
            }
        }
    }

    /// Takes an object out, unless what is known is newer than `version`.
    pub fn remove(&mut self, key: Key, version: u64) -> Option<Key> {
        let known = self.objects.get(&key)?;
        if is_older(version, known.version()) {
            return None;
        }
        self.objects.remove(&key);
        Some(key)
    }

    fn end_list(&mut self, kind: KindId) -> Vec<Key> {
        let present = self.listing.remove(&kind).unwrap_or_default();
        self.failures.remove(&kind);
        let is_first = self.listed.insert(kind);
        let of_kind = self.objects.keys().filter(|key| key.kind == kind);
        let absent: Vec<Key> = of_kind.filter(|key| !present.contains(*key)).cloned().collect();
        for key in &absent {
            self.objects.remove(key);
        }
        if is_first { present.into_iter().chain(absent).collect() } else { absent }
    }
}

/// Versions that are no numbers cannot be compared: the latest word counts.
fn is_older(version: u64, than: u64) -> bool {
    version != 0 && than != 0 && version < than
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::Kinds;

    struct Version(u64);

    impl Versioned for Version {
        fn version(&self) -> u64 {
            self.0
        }
    }

    struct Fixture {
        table: Table<Version>,
        kind: KindId,
    }

    impl Fixture {
        fn new() -> Self {
            let kind = Kinds::default().ids().next().unwrap();
            Self { table: Table::default(), kind }
        }

        fn key(&self, name: &str) -> Key {
            Key { kind: self.kind, namespace: String::new(), name: name.into() }
        }

        fn see(&mut self, seen: Seen<Version>) -> Vec<String> {
            let mut keys = self.table.see(self.kind, seen);
            keys.sort();
            keys.into_iter().map(|key| key.name).collect()
        }

        fn listed(&mut self, name: &str, version: u64) -> Vec<String> {
            let key = self.key(name);
            self.see(Seen::Listed(key, Arc::new(Version(version))))
        }
    }

    #[test]
    fn what_a_later_list_lacks_is_gone() {
        let mut fixture = Fixture::new();
        fixture.see(Seen::ListBegins);
        fixture.listed("a", 1);
        fixture.listed("b", 2);
        assert!(!fixture.table.is_listed(fixture.kind));
        assert_eq!(fixture.see(Seen::ListEnds), ["a", "b"], "all is to be decided on");
        fixture.see(Seen::ListBegins);
        fixture.listed("a", 1);
        assert_eq!(fixture.see(Seen::ListEnds), ["b"]);
        assert!(fixture.table.get(&fixture.key("b")).is_none());
    }

    #[test]
    fn a_list_that_does_not_end_takes_nothing_away() {
        let mut fixture = Fixture::new();
        fixture.see(Seen::ListBegins);
        fixture.listed("a", 1);
        fixture.see(Seen::ListEnds);
        fixture.see(Seen::ListBegins);
        fixture.see(Seen::Failed("broken".into()));
        assert!(fixture.table.get(&fixture.key("a")).is_some());
    }

    #[test]
    fn what_we_made_while_a_list_ran_stays() {
        let mut fixture = Fixture::new();
        fixture.see(Seen::ListBegins);
        fixture.table.put(fixture.key("new"), Arc::new(Version(9)));
        fixture.see(Seen::ListEnds);
        assert!(fixture.table.get(&fixture.key("new")).is_some());
    }

    #[test]
    fn older_news_is_no_news() {
        let mut fixture = Fixture::new();
        let key = fixture.key("a");
        fixture.table.put(key.clone(), Arc::new(Version(5)));
        assert!(fixture.see(Seen::Changed(key.clone(), Arc::new(Version(4)))).is_empty());
        assert!(fixture.see(Seen::Deleted(key.clone(), Arc::new(Version(3)))).is_empty());
        assert_eq!(fixture.see(Seen::Deleted(key, Arc::new(Version(6)))), ["a"]);
    }
}
