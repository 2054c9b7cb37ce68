//! Markers of many names in few TXT records, where one for each name costs too much.
//!
//! `_fedns0-OWNER.FEDERATION.svc.ZONE`, `_fedns1-…` and so on hold
//! `heritage=fedns;owner=OWNER;names=web.shop:.+eu+a.eu/mail.shop:.`: for each Service its places, each
//! without what all names have in common, `.` for the global one. A name outside the federation's pattern
//! has no Service before its colon.
//!
//! A shard is no part of the changes of its names, since many of them share it: names enter it before
//! their first record is written, and leave it after their last one is gone.
//!
//! ```text
//!          enter                write                delete               leave
//! nobody --------> in a shard --------> with records --------> in a shard --------> nobody
//! ```
//!
//! After a crash between any two steps a name is in a shard too early or too long, and never too late:
//! no record of ours is without its marker.

use std::collections::{BTreeMap, BTreeSet};

use model::{Level, Name, RecordSet, RecordType};

use super::change::{Change, ChangeKind, Role, SetChange};
use super::claim::{TTL, owner_label};
use super::hosted_zone::HostedZone;
use super::registry::Marker;
use super::shard_names::{Entry, NAMES_KEY, entries, entry_of};
use crate::txt;

/// So many bytes all providers take in one TXT record; AliDNS has the least with 511.
const TEXT_MAX: usize = 480;
/// A shard with less room than this takes no further name.
const ROOM_MIN: usize = 16;
/// The names of one record.
#[derive(Clone, Debug)]
struct Shard {
    owner: String,
    entries: BTreeSet<Entry>,
}

/// What becomes of names.
#[derive(Clone, Debug, Default)]
pub struct Moves {
    pub enter: BTreeSet<Name>,
    /// With the shards that they leave.
    pub leave: BTreeMap<Name, Vec<Name>>,
}

/// The changes of shards that let names in and out. `origin`: `FEDERATION.svc.ZONE`.
pub fn changes(hosted: &HostedZone, owner: &str, origin: &Name, moves: &Moves) -> Vec<Change> {
    let Moves { enter, leave } = moves;
    let mut books = Books { hosted, owner, origin, open: BTreeMap::new() };
    leave.iter().for_each(|(name, shards)| books.strike(name, shards));
    let let_in = books.enter(enter);
    let Books { open, .. } = books;
    let change = |(at, shard): (Name, Shard)| {
        let before = shard_at(hosted, &at).cloned();
        let after = (!shard.entries.is_empty()).then(|| shard.set());
        let kind = if let_in.contains(&at) { ChangeKind::Register } else { ChangeKind::Tidy };
        let (name, record_type, role) = (at.clone(), RecordType::TXT, Role::Marker);
        let is_new = before != after;
        let sets = vec![SetChange { name, record_type, role, before, after }];
        is_new.then_some(Change { name: at, level: Level::Global, kind, sets })
    };
    open.into_iter().filter_map(change).collect()
}

fn shard_at<'a>(hosted: &'a HostedZone, at: &Name) -> Option<&'a RecordSet> {
    let mut sets = hosted.at(at).iter().filter_map(|set| set.records());
    sets.find(|set| set.record_type == RecordType::TXT)
}

/// Shards that are being changed.
struct Books<'a> {
    hosted: &'a HostedZone,
    owner: &'a str,
    origin: &'a Name,
    open: BTreeMap<Name, Shard>,
}

// === impl Books ===

impl Books<'_> {
    fn strike(&mut self, name: &Name, shards: &[Name]) {
        for at in shards {
            // Another owner's is below its own federation.
            let entry = at.parent().map(|origin| entry_of(name, &origin));
            let shard = self.open(at);
            shard.entries.retain(|other| Some(other) != entry.as_ref());
        }
    }

    /// Those of one Service go into one shard where there is room. Returns the shards that they entered.
    fn enter(&mut self, names: &BTreeSet<Name>) -> BTreeSet<Name> {
        let entries: BTreeSet<Entry> =
            names.iter().map(|name| entry_of(name, self.origin)).collect();
        let mut others = self.with_room().into_iter();
        let mut current = None;
        let mut entered = BTreeSet::new();
        for entry in entries {
            let at = loop {
                let next = current.take().or_else(|| others.next()).or_else(|| self.free_name());
                // A name that is too long has no shard at all.
                let Some(at) = next else { return entered };
                if self.open(&at).takes(&entry) {
                    break at;
                }
            };
            self.open(&at).entries.insert(entry);
            entered.insert(at.clone());
            current = Some(at);
        }
        entered
    }

    fn with_room(&self) -> Vec<Name> {
        let has_room = |at: &&Name| {
            let length = |set: &RecordSet| set.values().iter().map(|it| it.wire().len()).sum();
            let length: usize = shard_at(self.hosted, at).map_or(0, length);
            self.open.contains_key(*at) || length + ROOM_MIN <= TEXT_MAX
        };
        self.hosted.our_shards().filter(has_room).cloned().collect()
    }

    fn open(&mut self, at: &Name) -> &mut Shard {
        let new = || Shard { owner: self.owner.to_owned(), entries: BTreeSet::new() };
        let read = || shard_at(self.hosted, at).and_then(Shard::of).unwrap_or_else(new);
        self.open.entry(at.clone()).or_insert_with(read)
    }

    /// The first place where nothing stands.
    fn free_name(&self) -> Option<Name> {
        let names = (0_u32..).map(|number| {
            let label = owner_label(&format!("_fedns{number}-"), self.owner);
            self.origin.child(label.as_bytes()).ok()
        });
        let is_free =
            |name: &Name| self.hosted.at(name).is_empty() && !self.open.contains_key(name);
        names.map_while(|name| name).find(is_free)
    }
}

// === impl Shard ===

impl Shard {
    fn of(set: &RecordSet) -> Option<Self> {
        let Marker { owner, names, .. } = Marker::of(set)?;
        Some(Self { owner, entries: entries(&names?) })
    }

    /// An empty one takes whatever comes.
    fn takes(&self, entry: &Entry) -> bool {
        let mut with = self.clone();
        with.entries.insert(entry.clone());
        self.entries.is_empty() || with.text().len() <= TEXT_MAX
    }

    fn text(&self) -> String {
        let Self { owner, entries } = self;
        let mut text = format!("heritage=fedns;owner={owner};{NAMES_KEY}");
        let mut last = None;
        for (service, place) in entries {
            match last == Some(service) {
                true => text.push('+'),
                false => {
                    text.push(if last.is_none() { '=' } else { '/' });
                    text += service;
                    text.push(':');
                }
            }
            text += place;
            last = Some(service);
        }
        text
    }

    fn set(&self) -> RecordSet {
        RecordSet::single(RecordType::TXT, TTL, txt::rdata(self.text().as_bytes()))
    }
}

#[cfg(test)]
mod tests;
