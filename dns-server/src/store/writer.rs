//! The one who may change zones.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use model::{Name, RecordSet, RecordType, Serial, ZoneContents, ZoneDiff};
use thiserror::Error;

use crate::store::edit::Edit;
use crate::store::history::Histories;
use crate::store::node::ZoneIndex;
use crate::store::published::Published;
use crate::store::reader::Reader;
use crate::store::sets::is_soa;
use crate::store::table::{Table, TableWriter, ZONE_COUNT_MAX};

/// Where a store begins: see [`Store::new`].
pub struct Store;

/// Publishes zones and their changes. Each call is one publication: readers see all of it or
/// nothing, and the zone's SOA with the given serial as part of it.
pub struct Writer {
    table: TableWriter,
    zones: HashMap<Name, Zone>,
    histories: Arc<Histories>,
    /// Set while a change is being made; still set at the next one if that was cut short.
    in_change: bool,
}

#[derive(Clone, Copy)]
struct Zone {
    /// Kept for a name that comes back.
    index: ZoneIndex,
    state: ZoneState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ZoneState {
    Removed,
    Announced,
    Published,
}

/// Why nothing was published.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PublishError {
    #[error("there is no zone {apex}")]
    UnknownZone { apex: Name },
    #[error("the zone {apex} has no contents yet that could be changed")]
    NotPublished { apex: Name },
    #[error("the zone {apex} already has contents")]
    AlreadyPublished { apex: Name },
    #[error("the zone {apex} has no SOA record, or not exactly one that is well-formed")]
    NoSoa { apex: Name },
    #[error("{name} is not in the zone {apex}")]
    OutOfZone { name: Name, apex: Name },
    #[error("{apex} is one zone more than the {ZONE_COUNT_MAX} that a store can hold in its life")]
    TooManyZones { apex: Name },
}

// === impl Store ===

impl Store {
    /// An empty store: its writer, and the first of its readers.
    #[expect(clippy::new_ret_no_self, reason = "a store is the pair of its two ends")]
    pub fn new() -> (Writer, Reader) {
        let (table_writer, table) = Table::new(RandomState::new().hash_one("dns-server"));
        let histories = Arc::<Histories>::default();
        let reader = Reader::new(table, Arc::clone(&histories));
        let zones = HashMap::new();
        (Writer { table: table_writer, zones, histories, in_change: false }, reader)
    }
}

// === impl Writer ===

impl Writer {
    /// Makes the store the authority for a zone whose contents are still to come: until then it
    /// is answered with SERVFAIL. Nothing changes for a zone that is there already.
    pub fn announce(&mut self, apex: &Name) -> Result<(), PublishError> {
        if self.state(apex) != ZoneState::Removed {
            return Ok(());
        }
        let index = self.index_for(apex)?;
        let mut edit = self.begin(apex, index);
        edit.announce();
        edit.publish();
        self.end(apex, index, ZoneState::Announced);
        Ok(())
    }

    /// Publishes a zone, in place of its present contents if it has some. The SOA comes from
    /// `contents`, its serial from `serial`.
    pub fn publish(
        &mut self,
        contents: &ZoneContents,
        serial: Serial,
    ) -> Result<Published, PublishError> {
        let apex = &contents.apex;
        check_soa(apex, contents.sets(apex))?;
        check_names(apex, contents.iter().map(|(name, _)| name))?;
        let was = self.state(apex);
        let index = self.index_for(apex)?;
        let mut edit = self.begin(apex, index);
        if was == ZoneState::Published {
            edit.remove_names(|name| !contents.contains(name));
        } else {
            edit.announce();
            edit.reserve(contents.name_count());
        }
        contents.iter().for_each(|(name, sets)| edit.set(name, sets));
        let published = edit.publish_with_serial(serial);
        self.end(apex, index, ZoneState::Published);
        Ok(published)
    }

    /// Publishes a zone that has no contents yet from names in any order, each given once. Readers
    /// see it when all are in. Without a SOA among them the zone stays announced.
    pub fn load(
        &mut self,
        apex: &Name,
        serial: Serial,
        names: impl IntoIterator<Item = (Name, Vec<RecordSet>)>,
    ) -> Result<Published, PublishError> {
        if self.state(apex) == ZoneState::Published {
            return Err(PublishError::AlreadyPublished { apex: apex.clone() });
        }
        let index = self.index_for(apex)?;
        let mut edit = self.begin(apex, index);
        edit.announce();
        let names = names.into_iter();
        edit.reserve(names.size_hint().0);
        let mut soa = Err(PublishError::NoSoa { apex: apex.clone() });
        for (name, sets) in names {
            if name == *apex {
                soa = check_soa(apex, &sets);
            }
            edit.set(&name, &sets);
        }
        let (state, published) = match soa {
            Ok(()) => (ZoneState::Published, Ok(edit.publish_with_serial(serial))),
            Err(no_soa) => {
                edit.remove_names(|_| true);
                edit.publish();
                (ZoneState::Announced, Err(no_soa))
            }
        };
        self.end(apex, index, state);
        published
    }

    /// Brings the names of `diff` to its after. What the store holds counts as the before.
    pub fn commit(
        &mut self,
        apex: &Name,
        diff: &ZoneDiff,
        serial: Serial,
    ) -> Result<Published, PublishError> {
        let changes = diff.iter().map(|(name, change)| (name, change.after.as_slice()));
        self.replace_sets(apex, &changes.collect::<Vec<_>>(), serial)
    }

    /// Gives each name exactly these sets, all in one publication; no sets remove the name.
    pub fn replace_sets(
        &mut self,
        apex: &Name,
        changes: &[(&Name, &[RecordSet])],
        serial: Serial,
    ) -> Result<Published, PublishError> {
        let index = self.published_index(apex)?;
        check_names(apex, changes.iter().map(|(name, _)| *name))?;
        if let Some((_, sets)) = changes.iter().rfind(|(name, _)| *name == apex) {
            check_soa(apex, sets)?;
        }
        let mut edit = self.begin(apex, index);
        changes.iter().for_each(|(name, sets)| edit.set(name, sets));
        let published = edit.publish_with_serial(serial);
        self.end(apex, index, ZoneState::Published);
        Ok(published)
    }

    /// Ends the authority for a zone.
    pub fn remove_zone(&mut self, apex: &Name) -> Result<(), PublishError> {
        if self.state(apex) == ZoneState::Removed {
            return Err(PublishError::UnknownZone { apex: apex.clone() });
        }
        let index = self.index_for(apex)?;
        let mut edit = self.begin(apex, index);
        edit.remove_zone();
        edit.publish();
        self.end(apex, index, ZoneState::Removed);
        Ok(())
    }

    /// Frees memory that readers have let go of since the last publication. Publications do this
    /// as they go along; a caller that has nothing to publish for a while may ask for it. Returns
    /// how many pieces still wait for readers: where readers rest, three calls bring it to none.
    pub fn reclaim(&mut self) -> usize {
        self.table.reclaim();
        self.table.waiting()
    }

    /// What changes were.
    pub fn histories(&self) -> &Histories {
        &self.histories
    }

    fn state(&self, apex: &Name) -> ZoneState {
        self.zones.get(apex).map_or(ZoneState::Removed, |zone| zone.state)
    }

    fn published_index(&self, apex: &Name) -> Result<ZoneIndex, PublishError> {
        match self.zones.get(apex) {
            Some(Zone { index, state: ZoneState::Published }) => Ok(*index),
            Some(Zone { state: ZoneState::Announced, .. }) => {
                Err(PublishError::NotPublished { apex: apex.clone() })
            }
            _ => Err(PublishError::UnknownZone { apex: apex.clone() }),
        }
    }

    fn index_for(&self, apex: &Name) -> Result<ZoneIndex, PublishError> {
        if let Some(zone) = self.zones.get(apex) {
            return Ok(zone.index);
        }
        match u16::try_from(self.zones.len()) {
            Ok(index) => Ok(ZoneIndex(index)),
            Err(_) => Err(PublishError::TooManyZones { apex: apex.clone() }),
        }
    }

    fn begin<'w>(&'w mut self, apex: &'w Name, index: ZoneIndex) -> Edit<'w> {
        assert!(!self.in_change, "a change of the zone store was cut short by a panic");
        self.in_change = true;
        Edit::new(&mut self.table, apex, index, &self.histories)
    }

    fn end(&mut self, apex: &Name, index: ZoneIndex, state: ZoneState) {
        self.in_change = false;
        match self.zones.get_mut(apex) {
            Some(zone) => zone.state = state,
            None => {
                self.zones.insert(apex.clone(), Zone { index, state });
            }
        }
    }
}

fn check_soa(apex: &Name, sets: &[RecordSet]) -> Result<(), PublishError> {
    let soa = sets.iter().find(|set| set.record_type == RecordType::SOA);
    match soa.map(RecordSet::values) {
        Some([only]) if is_soa(only.wire()) => Ok(()),
        _ => Err(PublishError::NoSoa { apex: apex.clone() }),
    }
}

fn check_names<'a>(
    apex: &Name,
    names: impl IntoIterator<Item = &'a Name>,
) -> Result<(), PublishError> {
    match names.into_iter().find(|name| !name.is_at_or_below(apex)) {
        None => Ok(()),
        Some(name) => Err(PublishError::OutOfZone { name: name.clone(), apex: apex.clone() }),
    }
}
