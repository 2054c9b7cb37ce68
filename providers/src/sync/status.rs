//! What a running mirror shows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
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
    /// Names whose change the policy does not allow.
    pub not_allowed: BTreeSet<Name>,
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

/// How one name stands at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameState {
    /// The provider holds what is wanted there, as far as it was read last.
    InSync,
    /// A change waits to be written, or is on its way.
    Pending,
    /// A change waits for an approval.
    Held,
    /// The policy does not allow what is to be done.
    NotAllowed,
    /// Somebody else's record stands there; which.
    Conflict(String),
    /// The provider refused it; why.
    Refused(String),
    /// The provider has not been read yet.
    Unknown,
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
    /// The names that are not as they are wanted, with their states. All others of the zone are in the
    /// state of [`Status::of_others`].
    pub fn of_names(&self) -> BTreeMap<&Name, NameState> {
        let pending = self.plan.changes.iter().map(|it| (&it.name, NameState::Pending));
        let held = self.plan.held.iter().map(|it| (&it.name, NameState::Held));
        let not_allowed = self.not_allowed.iter().map(|name| (name, NameState::NotAllowed));
        let conflicts = self.plan.conflicts.iter();
        let conflicts = conflicts.map(|it| (&it.name, NameState::Conflict(it.to_string())));
        let refused = self.quarantined.iter();
        let refused = refused.map(|(name, reason)| (name, NameState::Refused(reason.clone())));
        // Of several, the last says most.
        pending.chain(held).chain(not_allowed).chain(conflicts).chain(refused).collect()
    }

    pub fn of_others(&self) -> NameState {
        match self.listed {
            Some(_) => NameState::InSync,
            None => NameState::Unknown,
        }
    }

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
            not_allowed: BTreeSet::new(),
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

// === impl NameState ===

impl NameState {
    /// In one word, as phases are told.
    pub fn word(&self) -> &'static str {
        match self {
            Self::InSync => "InSync",
            Self::Pending => "Pending",
            Self::Held => "Held",
            Self::NotAllowed => "NotAllowed",
            Self::Conflict(_) => "Conflict",
            Self::Refused(_) => "Refused",
            Self::Unknown => "Unknown",
        }
    }

    /// What somebody else says of it.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Conflict(reason) | Self::Refused(reason) => Some(reason),
            _ => None,
        }
    }
}

impl fmt::Display for NameState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InSync => "in sync",
            Self::Pending => "waits to be written",
            Self::Held => "held until it is approved; see fedns plan",
            Self::NotAllowed => "another than wanted, and the policy does not let it be changed",
            Self::Unknown => "not known: the provider has not been read yet",
            Self::Conflict(reason) => return write!(f, "in conflict: {reason}"),
            Self::Refused(reason) => return write!(f, "refused, and tried again later: {reason}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use model::Level;

    use super::*;
    use crate::sync::change::{Change, ChangeKind};

    fn name(number: u8) -> Name {
        Name::parse(&format!("s{number}.example")).unwrap()
    }

    fn change(number: u8) -> Change {
        let (level, kind) = (Level::Global, ChangeKind::Update);
        Change { name: name(number), level, kind, sets: Vec::new() }
    }

    #[test]
    fn a_name_is_as_the_worst_thing_that_is_known_of_it() {
        let mut status = SharedStatus::new("p".into()).get();
        assert_eq!(status.of_others(), NameState::Unknown);
        status.listed = Some(UnixTime(1));
        status.plan.changes = vec![change(1), change(2)];
        status.plan.held = vec![change(3)];
        status.not_allowed = [name(4)].into();
        status.quarantined = [(name(2), "no such value".into())].into();
        assert_eq!(status.of_others(), NameState::InSync);
        let states: Vec<String> = status
            .of_names()
            .iter()
            .map(|(name, state)| format!("{name} {}", state.word()))
            .collect();
        assert_eq!(
            states,
            [
                "s1.example. Pending",
                "s2.example. Refused",
                "s3.example. Held",
                "s4.example. NotAllowed"
            ]
        );
    }
}
