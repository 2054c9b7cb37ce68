//! The debts to each member, between what is wanted and what is written in the host cluster.

use std::sync::Arc;
use std::time::Instant;

use model::ClusterName;

use crate::debts::{DebtBook, Debts};
use crate::endpoint::Trouble;

use super::{Engine, Message};

/// The debts to a member, and how far they are written.
#[derive(Default)]
pub(super) struct Ledger {
    /// `None` until they were read.
    pub(super) wanted: Option<Debts>,
    pub(super) saved: Debts,
    pub(super) is_busy: bool,
    pub(super) failure: Option<String>,
    /// Not before then, after a failure.
    pub(super) not_before: Option<Instant>,
}

// === impl Engine ===

impl Engine {
    pub(super) fn read_debts_of_all(&mut self) {
        let names: Vec<ClusterName> = self.members.keys().cloned().collect();
        for name in names {
            self.read_debts(&name);
        }
    }

    pub(super) fn read_debts(&mut self, name: &ClusterName) {
        if let Some(state) = self.members.get_mut(name) {
            state.ledger.wanted = None;
        }
    }

    /// Reads or writes the debts of each member whose debts are not known, or not as they are wanted.
    pub(super) fn sync_debts(&mut self, now: Instant) {
        for (name, state) in &mut self.members {
            let ledger = &mut state.ledger;
            let is_due = ledger.not_before.is_none_or(|at| at <= now);
            if ledger.is_busy || !is_due || !ledger.is_unsaved() {
                continue;
            }
            ledger.is_busy = true;
            let book = DebtBook {
                host: self.host.clone(),
                namespace: self.settings.host_namespace.clone(),
                federation: self.settings.federation.clone(),
                cluster: name.clone(),
            };
            let (kinds, tell) = (Arc::clone(&self.kinds), self.messages.0.clone());
            let (name, wanted, saved) = (name.clone(), ledger.wanted.clone(), ledger.saved.clone());
            self.calls.spawn(async move {
                let message = match wanted {
                    None => Message::DebtsRead(name, book.read(&kinds).await),
                    Some(debts) => {
                        let result = book.write(&kinds, &debts, &saved).await;
                        Message::DebtsWritten(name, debts, result)
                    }
                };
                // Nobody listens after the end.
                tell.send(message).await.unwrap_or_default();
            });
        }
    }

    pub(super) fn debts_read(&mut self, cluster: &ClusterName, result: Result<Debts, Trouble>) {
        let Some(state) = self.members.get_mut(cluster) else { return };
        state.ledger.is_busy = false;
        match result {
            Ok(debts) => {
                self.touched.extend(debts.owed.keys().cloned());
                let ledger = &mut state.ledger;
                (ledger.failure, ledger.not_before) = (None, None);
                ledger.saved = debts.clone();
                ledger.wanted = Some(debts);
                // What waited for the book to be open.
                let deleted = self.objects.iter().filter(|(_, object)| object.is_deleted);
                self.touched.extend(deleted.map(|(key, _)| key.clone()));
            }
            Err(trouble) => state.ledger.failed(&trouble),
        }
    }

    pub(super) fn debts_written(
        &mut self,
        cluster: &ClusterName,
        debts: Debts,
        result: Result<(), Trouble>,
    ) {
        let Some(state) = self.members.get_mut(cluster) else { return };
        state.ledger.is_busy = false;
        match result {
            Ok(()) => {
                let ledger = &mut state.ledger;
                (ledger.failure, ledger.not_before) = (None, None);
                self.touched.extend(debts.owed.keys().cloned());
                ledger.saved = debts;
            }
            Err(trouble) => state.ledger.failed(&trouble),
        }
    }
}

// === impl Ledger ===

impl Ledger {
    pub(super) fn is_unsaved(&self) -> bool {
        self.wanted.as_ref().is_none_or(|wanted| *wanted != self.saved)
    }

    fn failed(&mut self, trouble: &Trouble) {
        self.failure = Some(trouble.words().to_owned());
        self.not_before = Some(Instant::now() + crate::watch::jittered(super::DEBTS_RETRY));
    }
}
