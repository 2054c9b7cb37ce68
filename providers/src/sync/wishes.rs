//! What a zone wants of a mirror, on its way: written by whoever publishes, read by the engine.
//!
//! A name that changes often before the engine looks is told once, as it is then; so a provider that is
//! slow or away costs memory for names, never for changes, and holds nobody up.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

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
    names: BTreeMap<Name, Wish>,
    /// The first complete state has been told: what is not in it is not wanted.
    complete: bool,
    clusters_known: bool,
}

/// What is wanted at one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// None where the name is gone.
    pub sets: Vec<RecordSet>,
    /// Of several changes: when the first came, and whether the last was asked for.
    pub cause: Cause,
}

/// Why names change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// When the clusters changed, where that is why.
    pub since: Option<Instant>,
    /// Somebody asked for just this, and has been told what goes: it is neither held nor counted.
    pub is_asked_for: bool,
}

/// What the engine takes at once.
#[derive(Debug, Default)]
pub struct Taken {
    pub names: BTreeMap<Name, Wish>,
    pub complete: bool,
    pub clusters_known: bool,
}

// === impl Wishes ===

impl Wishes {
    /// The name has these sets now; none where it is gone.
    pub fn put(&self, name: Name, sets: Vec<RecordSet>) {
        self.change(|pending| {
            pending.put(name, sets, Cause::default());
        });
    }

    /// The same of several names: the engine takes all of them at once, or none yet.
    pub fn put_together(&self, names: impl Iterator<Item = (Name, Vec<RecordSet>)>, cause: Cause) {
        self.change(|pending| names.for_each(|(name, sets)| pending.put(name, sets, cause)));
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

// === impl Pending ===

impl Pending {
    fn put(&mut self, name: Name, sets: Vec<RecordSet>, cause: Cause) {
        let wish = self.names.entry(name).or_default();
        wish.sets = sets;
        let since = wish.cause.since.into_iter().chain(cause.since).min();
        wish.cause = Cause { since, ..cause };
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_name_that_changes_often_has_waited_since_the_first_change() {
        let name = Name::parse("a.example").unwrap();
        let wishes = Wishes::default();
        let first = Instant::now();
        for since in [None, Some(first), Some(first + Duration::from_secs(1))] {
            let cause = Cause { since, is_asked_for: false };
            wishes.put_together([(name.clone(), Vec::new())].into_iter(), cause);
        }
        let taken = wishes.take().names;
        assert_eq!(
            taken[&name],
            Wish { sets: Vec::new(), cause: Cause { since: Some(first), is_asked_for: false } }
        );
        assert!(!wishes.is_waiting());
    }
}
