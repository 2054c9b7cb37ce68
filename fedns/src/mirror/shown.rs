//! What is shown of mirrors, and how orders reach them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::Name;
use providers::preflight::Finding;
use providers::sync::engine::Input;
use providers::sync::status::{SharedStatus, Status};
use tokio::sync::mpsc;

use crate::config::ProviderConfig;

/// The mirrors that run. Clones share them.
#[derive(Clone, Default)]
pub struct MirrorList(Arc<Mutex<Vec<Arc<Mirror>>>>);

/// One mirror as others see it.
pub struct Mirror {
    pub zone: Name,
    pub kind: &'static str,
    pub owner: String,
    state: Mutex<State>,
}

struct State {
    /// `None` once it is stopping.
    inputs: Option<mpsc::Sender<Input>>,
    findings: Vec<Finding>,
    /// Why there is no provider yet.
    not_connected: Option<String>,
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
    pub(super) fn new(zone: Name, provider: &ProviderConfig, inputs: mpsc::Sender<Input>) -> Self {
        let state = State {
            inputs: Some(inputs),
            findings: Vec::new(),
            not_connected: Some("connecting".into()),
            status: None,
        };
        let (kind, owner) = (provider.kind.word(), provider.owner.clone());
        Self { zone, kind, owner, state: Mutex::new(state) }
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

    /// False where the mirror is stopping, or has too many orders waiting.
    pub fn order(&self, input: Input) -> bool {
        self.lock().inputs.as_ref().is_some_and(|inputs| inputs.try_send(input).is_ok())
    }

    pub(super) fn close(&self) {
        self.lock().inputs = None;
    }

    /// True where the reason is another one than before.
    pub(super) fn set_not_connected(&self, reason: String) -> bool {
        let mut state = self.lock();
        let is_new = state.not_connected.as_ref() != Some(&reason);
        state.not_connected = Some(reason);
        is_new
    }

    pub(super) fn set_connected(&self, status: SharedStatus) {
        let mut state = self.lock();
        state.not_connected = None;
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
