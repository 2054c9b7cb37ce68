//! Objects of one API server, as its lists and watches tell them.

use std::collections::{BTreeMap, HashMap, HashSet};
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
    /// Neither list nor watch can be had.
    Failed(Unlisted),
}

/// Why a kind can be neither listed nor watched, in words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unlisted {
    /// The API server does not know the kind: no object of it is there.
    NotServed(String),
    /// A right is missing, which the words name.
    Forbidden(String),
    Failed(String),
}

/// Invariant: of an object, the newest that was seen is kept.
#[derive(Debug)]
pub struct Table<T> {
    objects: BTreeMap<Key, Arc<T>>,
    /// Kinds of which a complete list was seen.
    listed: HashSet<KindId>,
    /// Keys of a list that has not ended.
    listing: HashMap<KindId, HashSet<Key>>,
    failures: HashMap<KindId, Unlisted>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
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

    /// Those of one kind.
    pub fn of_kind(&self, kind: KindId) -> impl Iterator<Item = (&Key, &Arc<T>)> {
        let first = Key { kind, namespace: String::new(), name: String::new() };
        self.objects.range(first..).take_while(move |(key, _)| key.kind == kind)
    }

    /// Those of one kind in one namespace.
    pub fn in_namespace<'a>(
        &'a self,
        kind: KindId,
        namespace: &'a str,
    ) -> impl Iterator<Item = (&'a Key, &'a Arc<T>)> {
        let first = Key { kind, namespace: namespace.to_owned(), name: String::new() };
        let is_in = move |key: &Key| key.kind == kind && key.namespace == namespace;
        self.objects.range(first..).take_while(move |(key, _)| is_in(key))
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

    pub fn failures(&self) -> &HashMap<KindId, Unlisted> {
        &self.failures
    }

    /// The kind is looked at no more.
    pub fn forget_kind(&mut self, kind: KindId) {
        self.objects.retain(|key, _| key.kind != kind);
        self.listed.remove(&kind);
        self.listing.remove(&kind);
        self.failures.remove(&kind);
    }

    /// Takes in one step and returns whose state may be another now.
    pub fn see(&mut self, kind: KindId, seen: Seen<T>) -> Vec<Key> {
        match seen {
            Seen::ListBegins => {
                self.listing.insert(kind, HashSet::new());
                Vec::new()
            }
            Seen::Listed(key, object) => self.listed(key, object).into_iter().collect(),
            Seen::ListEnds => self.end_list(kind),
            Seen::Changed(key, object) => {
                self.failures.remove(&kind);
                self.put(key, object).into_iter().collect()
            }
            Seen::Deleted(key, object) => self.remove(key, &*object).into_iter().collect(),
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
            Some(known) if is_older(&*object, known) => None,
            _ => {
                self.objects.insert(key.clone(), object);
                Some(key)
            }
        }
    }

    /// Takes an object out, unless what is known is newer or another one.
    pub fn remove(&mut self, key: Key, gone: &T) -> Option<Key> {
        let known = self.objects.get(&key)?;
        if known.uid() != gone.uid() || is_older(gone, known) {
            return None;
        }
        self.forget(key)
    }

    /// Takes out whatever is known of an object.
    pub fn forget(&mut self, key: Key) -> Option<Key> {
        self.objects.remove(&key).map(|_| key)
    }

    /// A list counts even where its versions went back: its server was restored from a backup. Only what
    /// a write of ours returned meanwhile is newer.
    fn listed(&mut self, key: Key, object: Arc<T>) -> Option<Key> {
        let is_written = self.listing.get(&key.kind).is_some_and(|keys| keys.contains(&key));
        if !is_written {
            self.objects.remove(&key);
        }
        self.put(key, object)
    }

    fn end_list(&mut self, kind: KindId) -> Vec<Key> {
        let present = self.listing.remove(&kind).unwrap_or_default();
        self.failures.remove(&kind);
        let is_first = self.listed.insert(kind);
        let of_kind = self.of_kind(kind).map(|(key, _)| key);
        let absent: Vec<Key> = of_kind.filter(|key| !present.contains(*key)).cloned().collect();
        for key in &absent {
            self.objects.remove(key);
        }
        if is_first { present.into_iter().chain(absent).collect() } else { absent }
    }
}

// === impl Unlisted ===

impl Unlisted {
    pub fn words(&self) -> &str {
        let (Self::NotServed(words) | Self::Forbidden(words) | Self::Failed(words)) = self;
        words
    }

    /// It helps only if somebody changes something.
    pub fn is_lasting(&self) -> bool {
        matches!(self, Self::NotServed(_) | Self::Forbidden(_))
    }
}

/// Versions of different objects, or that are no numbers, cannot be compared: the latest word counts.
fn is_older<T: Versioned>(object: &T, than: &T) -> bool {
    let (version, known) = (object.version(), than.version());
    object.uid() == than.uid() && version != 0 && known != 0 && version < known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::Kinds;

    struct Version(u64, &'static str);

    impl Versioned for Version {
        fn version(&self) -> u64 {
            self.0
        }

        fn uid(&self) -> &str {
            self.1
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
            self.see(Seen::Listed(key, Arc::new(Version(version, "one"))))
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
        fixture.see(Seen::Failed(Unlisted::Failed("broken".into())));
        assert!(fixture.table.get(&fixture.key("a")).is_some());
    }

    #[test]
    fn a_kind_that_is_looked_at_no_more_leaves_nothing() {
        let mut fixture = Fixture::new();
        fixture.see(Seen::ListBegins);
        fixture.listed("a", 1);
        fixture.see(Seen::ListEnds);
        fixture.table.forget_kind(fixture.kind);
        assert!(!fixture.table.is_listed(fixture.kind) && fixture.table.iter().next().is_none());
    }

    #[test]
    fn what_we_made_while_a_list_ran_stays() {
        let mut fixture = Fixture::new();
        fixture.see(Seen::ListBegins);
        fixture.table.put(fixture.key("new"), Arc::new(Version(9, "one")));
        fixture.see(Seen::ListEnds);
        assert!(fixture.table.get(&fixture.key("new")).is_some());
    }

    #[test]
    fn a_list_of_a_restored_server_counts() {
        let mut fixture = Fixture::new();
        let key = fixture.key("a");
        fixture.table.put(key.clone(), Arc::new(Version(9, "one")));
        fixture.see(Seen::ListBegins);
        fixture.listed("a", 3);
        fixture.see(Seen::ListEnds);
        assert_eq!(fixture.table.get(&key).unwrap().0, 3);
    }

    #[test]
    fn another_object_of_the_name_is_not_compared() {
        let mut fixture = Fixture::new();
        let key = fixture.key("a");
        fixture.table.put(key.clone(), Arc::new(Version(9, "one")));
        assert_eq!(fixture.see(Seen::Changed(key.clone(), Arc::new(Version(2, "two")))), ["a"]);
        assert!(fixture.see(Seen::Deleted(key.clone(), Arc::new(Version(10, "one")))).is_empty());
        assert!(fixture.table.get(&key).is_some());
    }

    #[test]
    fn older_news_is_no_news() {
        let mut fixture = Fixture::new();
        let key = fixture.key("a");
        fixture.table.put(key.clone(), Arc::new(Version(5, "one")));
        assert!(fixture.see(Seen::Changed(key.clone(), Arc::new(Version(4, "one")))).is_empty());
        assert!(fixture.see(Seen::Deleted(key.clone(), Arc::new(Version(3, "one")))).is_empty());
        assert_eq!(fixture.see(Seen::Deleted(key, Arc::new(Version(6, "one")))), ["a"]);
    }
}
