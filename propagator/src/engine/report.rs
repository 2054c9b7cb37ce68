//! What is told of all this.

use std::sync::Arc;
use std::time::Instant;

use crate::endpoint::Trouble;
use crate::key::Key;
use crate::kinds::Kinds;
use crate::object::{Owner, Versioned};
use crate::queue::Queue;
use crate::status::{ClusterStatus, QueueStatus, Remark, Status};
use crate::table::Table;

use super::members::MemberState;
use super::{Engine, STATUS_INTERVAL};

impl Engine {
    pub(super) fn report(&mut self) {
        if !self.has_news || self.status_told.elapsed() < STATUS_INTERVAL {
            return;
        }
        self.has_news = false;
        self.status_told = Instant::now();
        let status = Status {
            writes: self.is_writing,
            federation: queue_status(&self.kinds, &self.queue, &self.objects),
            clusters: self
                .members
                .iter()
                .map(|(name, state)| (name.clone(), cluster_status(&self.kinds, state)))
                .collect(),
            events_dropped: self.events.dropped(),
        };
        self.tell_status.send_if_modified(|told| {
            let is_new = **told != status;
            if is_new {
                *told = Arc::new(status);
            }
            is_new
        });
    }
}

fn cluster_status(kinds: &Kinds, state: &MemberState) -> ClusterStatus {
    let mut queue = queue_status(kinds, &state.queue, &state.copies);
    let conflicts = state.queue.failures().filter(|(_, trouble)| trouble.is_conflict());
    if let Some(reason) = state.slices.failures().values().next() {
        queue.unlisted.insert("EndpointSlice".to_owned(), reason.clone());
    }
    ClusterStatus {
        queue,
        copies: state.copies.iter().filter(|(_, copy)| copy.owner == Owner::Us).count(),
        conflicts: remarks(kinds, conflicts),
        debts: state.debts().map(|(key, _)| key.for_people(kinds)).collect(),
        debts_failure: state.ledger.failure.clone(),
    }
}

fn queue_status<W: Clone + PartialEq, T: Versioned>(
    kinds: &Kinds,
    queue: &Queue<Key, W>,
    table: &Table<T>,
) -> QueueStatus {
    let failures = queue.failures().filter(|(_, trouble)| !trouble.is_conflict());
    let unlisted = kinds.ids().filter(|kind| !table.is_listed(*kind));
    QueueStatus {
        waiting: queue.waiting(),
        in_flight: queue.in_flight(),
        failures: remarks(kinds, failures),
        objects: table.iter().count(),
        unlisted: unlisted
            .map(|kind| {
                let reason = table.failures().get(&kind).cloned().unwrap_or_default();
                (kinds.get(kind).name().to_owned(), reason)
            })
            .collect(),
    }
}

fn remarks<'a>(
    kinds: &Kinds,
    failures: impl Iterator<Item = (&'a Key, &'a Trouble)>,
) -> Vec<Remark> {
    let mut remarks: Vec<Remark> = failures
        .map(|(key, trouble)| Remark {
            object: key.for_people(kinds),
            detail: trouble.words().to_owned(),
        })
        .collect();
    remarks.sort_by(|one, other| one.object.cmp(&other.object));
    remarks
}
