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
