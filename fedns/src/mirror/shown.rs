//! What is shown of mirrors, and how orders reach them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{Name, RecordSet};
use providers::preflight::{Finding, Severity};
use providers::sync::engine::Input;
use providers::sync::scope::Scope;
use providers::sync::status::{Phase, SharedStatus, Status};
use tokio::sync::mpsc;

use crate::config::ProviderConfig;

/// Orders that wait for a mirror.
const INPUTS: usize = 16;

/// The mirrors that run. Clones share them.
#[derive(Clone, Default)]
pub struct MirrorList(Arc<Mutex<Vec<Arc<Mirror>>>>);

/// One mirror as others see it.
pub struct Mirror {
    pub zone: Name,
    pub kind: &'static str,
    /// Where it is, if the zone goes to another one of this kind, too.
    pub at: Option<String>,
    pub owner: String,
    /// What goes there.
    scope: Scope,
    state: Mutex<State>,
}

struct State {
    inputs: Option<mpsc::Sender<Input>>,
    is_stopping: bool,
    findings: Vec<Finding>,
    /// Why there is no provider yet.
    not_connected: Option<String>,
    /// That is because something failed.
    has_failed: bool,
    status: Option<SharedStatus>,
}

// === impl MirrorList ===

impl MirrorList {
    pub fn replace(&self, mirrors: Vec<Arc<Mirror>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = mirrors;
    }

    pub fn get(&self) -> Vec<Arc<Mirror>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

// === impl Mirror ===

impl Mirror {
    /// `scope` is as far as it is known without the provider.
    pub(super) fn new(scope: Scope, provider: &ProviderConfig, at: Option<String>) -> Self {
        Self { at, ..Self::of(scope, provider.kind.word(), provider.owner.clone()) }
    }

    #[cfg(test)]
    pub(super) fn for_test() -> Self {
        let scope = Scope {
            federation: model::Label::new("fed").expect("a label"),
            domain: Name::root(),
            hosted: Name::root(),
            levels: model::Levels::ALL,
            types: Scope::default_types(),
            ttl: None,
            filters: Default::default(),
        };
        Self::of(scope, "alidns", "shop".into())
    }

    fn of(scope: Scope, kind: &'static str, owner: String) -> Self {
        let state = State {
            inputs: None,
            is_stopping: false,
            findings: Vec::new(),
            not_connected: Some("connecting".into()),
            has_failed: false,
            status: None,
        };
        let zone = scope.domain.clone();
        Self { zone, kind, at: None, owner, scope, state: Mutex::new(state) }
    }

    /// `alidns for example.com.`
    pub fn title(&self) -> String {
        super::title(self.kind, self.at.as_deref(), &self.zone)
    }

    /// Whether any of these sets goes there.
    pub fn takes(&self, name: &Name, sets: &[RecordSet]) -> bool {
        !self.scope.wanted(name, sets).is_empty()
    }

    /// What the mirror itself shows; `None` until it has reached its provider.
    pub fn status(&self) -> Option<Status> {
        let status = self.lock().status.clone();
        status.map(|status| status.get())
    }

    pub fn findings(&self) -> Vec<Finding> {
        self.lock().findings.clone()
    }

    /// Why there is no provider yet.
    pub fn not_connected(&self) -> Option<String> {
        self.lock().not_connected.clone()
    }

    /// Nothing is brought to the provider, and not because another process does so.
    pub fn is_failing(&self) -> bool {
        let is_blocked = {
            let state = self.lock();
            let mut findings = state.findings.iter();
            state.has_failed || findings.any(|it| it.severity == Severity::Blocking)
        };
        let is_failing = |status: Status| {
            status.failure.is_some() || matches!(status.phase, Phase::Failing | Phase::Blocked(_))
        };
        is_blocked || self.status().is_some_and(is_failing)
    }

    /// False where the mirror is stopping, or has too many orders waiting.
    pub fn order(&self, input: Input) -> bool {
        self.lock().inputs.as_ref().is_some_and(|inputs| inputs.try_send(input).is_ok())
    }

    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.inputs = None;
        state.is_stopping = true;
    }

    /// Where orders come in from now on; `None` once it is stopping.
    pub(super) fn open(&self) -> Option<mpsc::Receiver<Input>> {
        let mut state = self.lock();
        if state.is_stopping {
            return None;
        }
        let (sender, receiver) = mpsc::channel(INPUTS);
        state.inputs = Some(sender);
        Some(receiver)
    }

    /// There is no provider any more, for this reason.
    pub(super) fn set_broken_off(&self, reason: String) {
        let mut state = self.lock();
        state.status = None;
        state.not_connected = Some(reason);
        state.has_failed = true;
    }

    /// True where the reason is another one than before.
    pub(super) fn set_not_connected(&self, reason: String) -> bool {
        let mut state = self.lock();
        let is_new = state.not_connected.as_ref() != Some(&reason);
        state.not_connected = Some(reason);
        state.has_failed = true;
        is_new
    }

    pub(super) fn set_connected(&self, status: SharedStatus) {
        let mut state = self.lock();
        state.not_connected = None;
        state.has_failed = false;
        state.status = Some(status);
    }

    /// Those that have not been there before.
    pub(super) fn set_findings(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let mut state = self.lock();
        let new = findings.iter().filter(|it| !state.findings.contains(it)).cloned().collect();
        state.findings = findings;
        new
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
