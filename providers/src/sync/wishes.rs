//! What a zone wants of a mirror, on its way: written by whoever publishes, read by the engine.
//!
//! A name that changes often before the engine looks is told once, as it is then; so a provider that is
//! slow or away costs memory for names, never for changes, and holds nobody up.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use model::{Name, RecordSet};
use tokio::sync::Notify;

/// The newest state of each name that the engine has not looked at yet.
#[derive(Debug, Default)]
pub struct Wishes {
    pending: Mutex<Pending>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Pending {
    names: BTreeMap<Name, Vec<RecordSet>>,
    /// The first complete state has been told: what is not in it is not wanted.
    complete: bool,
    clusters_known: bool,
}

/// What the engine takes at once.
#[derive(Debug, Default)]
pub struct Taken {
    pub names: BTreeMap<Name, Vec<RecordSet>>,
    pub complete: bool,
    pub clusters_known: bool,
}

// === impl Wishes ===

impl Wishes {
    /// The name has these sets now; none where it is gone.
    pub fn put(&self, name: Name, sets: Vec<RecordSet>) {
        self.change(|pending| {
            pending.names.insert(name, sets);
        });
    }

    /// The same of several names: the engine takes all of them at once, or none yet.
    pub fn put_together(&self, names: impl Iterator<Item = (Name, Vec<RecordSet>)>) {
        self.change(|pending| pending.names.extend(names));
    }

    /// Everything that the zone has was put: a plan may be made.
    pub fn complete(&self) {
        self.change(|pending| pending.complete = true);
    }

    /// Every configured cluster has been listed, or has saved shards.
    pub fn clusters_known(&self) {
        self.change(|pending| pending.clusters_known = true);
    }

    /// Takes what has come since the last time.
    pub fn take(&self) -> Taken {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let names = std::mem::take(&mut pending.names);
        Taken { names, complete: pending.complete, clusters_known: pending.clusters_known }
    }

    /// True where names have come since the last time.
    pub fn is_waiting(&self) -> bool {
        !self.pending.lock().unwrap_or_else(PoisonError::into_inner).names.is_empty()
    }

    /// Waits until something has come since the last call.
    pub async fn changed(&self) {
        self.wake.notified().await;
    }

    fn change(&self, change: impl FnOnce(&mut Pending)) {
        change(&mut self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        self.wake.notify_one();
    }
}
