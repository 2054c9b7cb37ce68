//! What is told of all this.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::endpoint::Trouble;
use crate::key::Key;
use crate::kinds::{Coverage, Kinds};
use crate::object::{Federated, Owner, Versioned};
use crate::queue::Queue;
use crate::status::{ClusterStatus, ObjectName, QueueStatus, Remark, Status};
use crate::table::{Table, Unlisted};

use super::members::MemberState;
use super::{Engine, STATUS_INTERVAL};

/// So many orphans are told by name.
const ORPHANS_TOLD: usize = 100;
const ORPHANS_INTERVAL: Duration = Duration::from_secs(2);

/// Copies in a member whose object is not in the federation.
#[derive(Default)]
pub(super) struct Orphans {
    count: usize,
    first: Vec<ObjectName>,
}

impl Engine {
    pub(super) fn report(&mut self) {
        if !self.has_news || self.status_told.elapsed() < STATUS_INTERVAL {
            return;
        }
        self.status_told = Instant::now();
        // Once more later, if what is told of orphans is older than the rest.
        self.has_news = !self.look_for_orphans();
        let status = Status {
            writes: self.is_writing,
            federation: queue_status(&self.kinds, &self.queue, &self.objects),
            clusters: self
                .members
                .iter()
                .map(|(name, state)| (name.clone(), self.cluster_status(state)))
                .collect(),
            enabled_kinds: enabled_kinds(&self.kinds),
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

    fn cluster_status(&self, state: &MemberState) -> ClusterStatus {
        let kinds = &self.kinds;
        let mut queue = queue_status(kinds, &state.queue, &state.copies);
        let conflicts = state.queue.failures().filter(|(_, trouble)| trouble.is_conflict());
        if let Some(reason) = state.slices.failure() {
            queue.unlisted.insert("EndpointSlice".to_owned(), reason.words().to_owned());
        }
        ClusterStatus {
            queue,
            copies: state.copies.iter().filter(|(_, copy)| copy.owner == Owner::Us).count(),
            conflicts: remarks(kinds, conflicts),
            orphan_count: state.orphans.count,
            orphans: state.orphans.first.clone(),
            debts: state.debts().map(|(key, _)| key.for_people(kinds)).collect(),
            debts_failure: state.ledger.failure.clone(),
        }
    }

    /// False if the last look is not long ago: each goes over all copies.
    fn look_for_orphans(&mut self) -> bool {
        if self.orphans_seen.is_some_and(|at| at.elapsed() < ORPHANS_INTERVAL) {
            return false;
        }
        self.orphans_seen = Some(Instant::now());
        let Self { members, objects, kinds, .. } = self;
        for state in members.values_mut() {
            state.orphans = orphans(kinds, objects, state);
        }
        true
    }
}

/// Copies of what the federation does not have, and does not owe the deletion of.
fn orphans(kinds: &Kinds, objects: &Table<Federated>, state: &MemberState) -> Orphans {
    let mut orphans = Orphans::default();
    for kind in kinds.ids().filter(|kind| objects.is_listed(*kind) && state.copies.is_listed(*kind))
    {
        for (key, copy) in state.copies.of_kind(kind) {
            let is_ours = copy.owner == Owner::Us && !copy.is_deleted;
            if is_ours && objects.get(key).is_none() && !state.has_debt(key) {
                orphans.count += 1;
                if orphans.count <= ORPHANS_TOLD {
                    orphans.first.push(key.for_people(kinds));
                }
            }
        }
    }
    orphans
}

fn enabled_kinds(kinds: &Kinds) -> BTreeMap<String, bool> {
    let kinds = kinds.ids().map(|id| kinds.get(id));
    kinds
        .filter_map(|kind| match kind.coverage {
            Coverage::Enabled => Some((kind.full_name(), true)),
            Coverage::Leaving => Some((kind.full_name(), false)),
            Coverage::Always | Coverage::Off => None,
        })
        .collect()
}

fn queue_status<W: Clone + PartialEq, T: Versioned>(
    kinds: &Kinds,
    queue: &Queue<Key, W>,
    table: &Table<T>,
) -> QueueStatus {
    let failures = queue.failures().filter(|(_, trouble)| !trouble.is_conflict());
    let failure = |kind| table.failures().get(&kind);
    let unlisted = kinds
        .ids()
        .filter(|kind| !table.is_listed(*kind) || failure(*kind).is_some_and(Unlisted::is_lasting));
    QueueStatus {
        waiting: queue.waiting(),
        in_flight: queue.in_flight(),
        failures: remarks(kinds, failures),
        objects: table.iter().count(),
        unlisted: unlisted
            .map(|kind| {
                let reason = failure(kind).map(|it| it.words().to_owned()).unwrap_or_default();
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
