//! What a running mirror shows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use model::{Name, UnixTime};
use tokio::sync::watch;

use super::diff::Conflict;
use super::plan::Plan;

/// What a mirror does at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    Listing,
    /// So many changes are on their way.
    Applying(usize),
    /// The provider holds what is wanted.
    InSync,
    /// What can be done is done; and what is held, refused, not allowed or in conflict.
    Incomplete(String),
    /// Changes wait, and why.
    MayNotWrite(String),
    /// Changes wait until somebody removes what is in the way at the provider.
    Blocked(String),
    /// The last call failed, or the one under way is tried again.
    Failing,
}

/// A mirror as it is shown.
#[derive(Clone, Debug)]
pub struct Status {
    pub provider: String,
    pub phase: Phase,
    /// What was planned last.
    pub plan: Plan,
    pub held_hash: Option<String>,
    pub quarantined: BTreeMap<Name, String>,
    /// The last failure, while it lasts.
    pub failure: Option<String>,
    /// When the provider was listed last.
    pub listed: Option<UnixTime>,
    /// Names that are ours.
    pub owned: usize,
    /// Changes that landed since the start.
    pub applied: u64,
    /// Names of ours that somebody else changed, since the start.
    pub drifted: u64,
    told: BTreeSet<String>,
}

/// Read and written from several tasks.
#[derive(Clone, Debug)]
pub struct SharedStatus {
    status: Arc<Mutex<Status>>,
    /// True once a plan has been made.
    is_planned: Arc<watch::Sender<bool>>,
}

// === impl Status ===

impl Status {
    /// Those that have not been told since they came up.
    pub(super) fn tell_conflicts(&mut self, conflicts: &[Conflict]) -> Vec<String> {
        let now: BTreeSet<String> = conflicts.iter().map(Conflict::to_string).collect();
        let new = now.difference(&self.told).cloned().collect();
        self.told = now;
        new
    }
}

// === impl SharedStatus ===

impl SharedStatus {
    pub(super) fn new(provider: String) -> Self {
        let status = Arc::new(Mutex::new(Status {
            provider,
            phase: Phase::Listing,
            plan: Plan::default(),
            held_hash: None,
            quarantined: BTreeMap::new(),
            failure: None,
            listed: None,
            owned: 0,
            applied: 0,
            drifted: 0,
            told: BTreeSet::new(),
        }));
        Self { status, is_planned: Arc::new(watch::Sender::new(false)) }
    }

    /// What is to be done, once that is known for the first time.
    pub async fn planned(&self) -> Plan {
        // The sender is this one's own: it does not go away.
        let _ = self.is_planned.subscribe().wait_for(|is_planned| *is_planned).await;
        self.get().plan
    }

    pub(super) fn set_planned(&self) {
        self.is_planned.send_replace(true);
    }

    /// A copy of what is shown now.
    pub fn get(&self) -> Status {
        self.update(|status| status.clone())
    }

    pub(super) fn update<T>(&self, change: impl FnOnce(&mut Status) -> T) -> T {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// True where the phase is another one than before.
    pub(super) fn set_phase(&self, phase: Phase) -> bool {
        self.update(|status| {
            let is_new = status.phase != phase;
            status.phase = phase;
            is_new
        })
    }

    /// True where the failure is another one than before.
    pub(super) fn set_failure(&self, failure: Option<String>) -> bool {
        self.update(|status| {
            let is_new = status.failure != failure;
            status.failure = failure;
            is_new
        })
    }

    pub(super) fn set_listed(&self, now: UnixTime) {
        self.update(|status| status.listed = Some(now));
    }

    pub(super) fn count_applied(&self, changes: usize) {
        self.update(|status| status.applied += changes as u64);
    }

    pub(super) fn count_drift(&self) {
        self.update(|status| status.drifted += 1);
    }
}
