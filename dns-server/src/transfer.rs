//! Zone transfers out (RFC 5936, RFC 1995): who may have a zone, and its records as a stream of
//! messages.
//!
//! - [`Transfers`]: what of it is configured, shared by all that answer
//! - `stream`: the records of one transfer, in order, from a snapshot or from the zone's history
//! - `messages`: records into messages, signed where the request was
//!
//! A transfer is no answer of [`crate::respond()`], which refuses it: it runs on a thread of its own
//! beside the answers. It holds its snapshot until it ends, so a zone is sent as it was at one moment;
//! of its messages no more than a few are in memory.

mod access;
mod messages;
mod stream;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use model::{Name, UnixTime};

use crate::tsig::TsigKey;

pub use access::Allow;
pub(crate) use messages::{Head, Messages, Stopped};
pub(crate) use stream::{Kind, Transfer};

/// So many transfers run at once; further ones are refused, and asked for again later.
const RUNNING_MAX: usize = 32;

/// What may be transferred to whom.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransferPolicy {
    pub keys: Vec<TsigKey>,
    /// Zones that stand here nowhere are nobody's.
    pub zones: BTreeMap<Name, ZoneTransfer>,
}

/// The secondaries of one zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZoneTransfer {
    /// Each of these may have the zone.
    pub allow: Vec<Allow>,
    /// These are told of changes (RFC 1996).
    pub notify: Vec<NotifyTarget>,
}

/// Who is told of a zone's changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NotifyTarget {
    pub address: SocketAddr,
    /// The name of the key that signs it.
    pub key: Option<Name>,
}

/// Whether this process is the one that transfers zones, where several serve them.
pub type Gate = Arc<dyn Fn() -> bool + Send + Sync>;

/// What all who answer transfers share.
pub struct Transfers {
    shared: RwLock<Shared>,
    clock: fn() -> UnixTime,
    running: AtomicUsize,
}

struct Shared {
    policy: Arc<TransferPolicy>,
    gate: Gate,
}

/// One of the transfers that may run.
pub(crate) struct Slot(Arc<Transfers>);

// === impl TransferPolicy ===

impl TransferPolicy {
    /// Zones that somebody may have.
    pub fn transferred(&self) -> Vec<Name> {
        let zones = self.zones.iter();
        let zones = zones.filter(|(_, zone)| !zone.allow.is_empty() || !zone.notify.is_empty());
        zones.map(|(name, _)| name.clone()).collect()
    }

    pub fn key(&self, name: &Name) -> Option<&TsigKey> {
        self.keys.iter().find(|key| key.name == *name)
    }
}

// === impl Transfers ===

impl Transfers {
    /// Nobody may have anything yet. `clock` is read for each signature.
    pub fn new(clock: fn() -> UnixTime) -> Self {
        let shared = Shared { policy: Arc::default(), gate: Arc::new(|| true) };
        Self { shared: RwLock::new(shared), clock, running: AtomicUsize::new(0) }
    }

    /// Holds for what is asked from now on.
    pub fn configure(&self, policy: TransferPolicy) {
        self.shared.write().unwrap_or_else(PoisonError::into_inner).policy = Arc::new(policy);
    }

    /// From now on transfers are refused, and nobody is notified, whenever `gate` says no.
    pub fn only_while(&self, gate: Gate) {
        self.shared.write().unwrap_or_else(PoisonError::into_inner).gate = gate;
    }

    pub fn policy(&self) -> Arc<TransferPolicy> {
        Arc::clone(&self.shared.read().unwrap_or_else(PoisonError::into_inner).policy)
    }

    pub fn is_open(&self) -> bool {
        let gate = Arc::clone(&self.shared.read().unwrap_or_else(PoisonError::into_inner).gate);
        gate()
    }

    /// How many transfers are running.
    pub fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    pub(crate) fn now(&self) -> UnixTime {
        (self.clock)()
    }

    pub(crate) fn clock(&self) -> fn() -> UnixTime {
        self.clock
    }

    pub(crate) fn slot(self: &Arc<Self>) -> Option<Slot> {
        let slot = Slot(Arc::clone(self));
        (self.running.fetch_add(1, Ordering::Relaxed) < RUNNING_MAX).then_some(slot)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}
