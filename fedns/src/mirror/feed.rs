//! What the pipeline tells mirrors: every name of a zone at first, then what changes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{Name, RecordSet, ZoneDiff};
use providers::sync::wishes::{Cause, Wishes};

/// The mirrors that are told of zones.
#[derive(Debug, Default)]
pub struct Feed(Mutex<Fed>);

#[derive(Debug, Default)]
struct Fed {
    mirrors: Vec<FedMirror>,
    last_id: u64,
}

#[derive(Debug)]
struct FedMirror {
    id: u64,
    zone: Name,
    wishes: Arc<Wishes>,
}

// === impl Feed ===

impl Feed {
    /// From now on this mirror is told of the zone.
    pub fn add(&self, zone: &Name, wishes: Arc<Wishes>) -> u64 {
        let mut fed = self.lock();
        fed.last_id += 1;
        let id = fed.last_id;
        fed.mirrors.push(FedMirror { id, zone: zone.clone(), wishes });
        id
    }

    pub fn remove(&self, id: u64) {
        self.lock().mirrors.retain(|mirror| mirror.id != id);
    }

    /// All that the zone has. Made only where somebody wants it.
    pub fn whole<I: Iterator<Item = (Name, Vec<RecordSet>)>>(
        &self,
        zone: &Name,
        names: impl Fn() -> I,
    ) {
        for mirror in self.lock().mirrors.iter().filter(|mirror| mirror.zone == *zone) {
            put_all(&mirror.wishes, names());
        }
    }

    pub fn diff(&self, zone: &Name, diff: &ZoneDiff, cause: Cause) {
        for mirror in self.lock().mirrors.iter().filter(|mirror| mirror.zone == *zone) {
            // What was published at once is written at once, where the provider can do so.
            let names = diff.iter().map(|(name, change)| (name.clone(), change.after.clone()));
            mirror.wishes.put_together(names, cause);
        }
    }

    /// Every configured cluster has been listed, or has saved shards.
    pub fn clusters_known(&self) {
        self.lock().mirrors.iter().for_each(|mirror| mirror.wishes.clusters_known());
    }

    fn lock(&self) -> MutexGuard<'_, Fed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells one mirror all that its zone has.
pub fn put_all(wishes: &Wishes, names: impl Iterator<Item = (Name, Vec<RecordSet>)>) {
    for (name, sets) in names {
        wishes.put(name, sets);
    }
    wishes.complete();
}
