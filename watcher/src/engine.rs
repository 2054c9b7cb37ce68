//! The task that owns one cluster's index: what its source tells goes in, what the federation must
//! know comes out.
//!
//! ```text
//!  source --> [ Input ] --> [ Index ] --> ClusterEvent --> Listener
//!                 |                           ^
//!                 '-----> [ freshness ] ------'
//! ```
//!
//! While the listener has no room, input goes on being taken in: a Service that changes many times in
//! the meantime is told once, as it is then.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clusters::Failure;
use model::{ClusterChange, ClusterName, Freshness, StaleReason, UnixTime};
use tokio::sync::{mpsc, oneshot};

use crate::clock::{instant_of, sleep_until, unix_now};
use crate::event::{ClusterEvent, Listener};
use crate::freshness::{FreshnessTracker, Trouble};
use crate::index::{Change, HostRequest, Index, Missing};
use crate::memory::Memory;
use crate::object::{Kind, ObjectKey};
use crate::reading::Reading;
use crate::resolver::Subscription;

/// The first view waits so long for the first answers about its host names: published without
/// them, names would not exist for a moment.
const FIRST_LOOKUPS_LIMIT: Duration = Duration::from_secs(2);

/// What a source tells.
#[derive(Debug)]
pub(crate) enum Input {
    Apply {
        reading: Reading,
        received: Instant,
    },
    Delete {
        key: ObjectKey,
        received: Instant,
    },
    /// Which of the known objects does this list lack? The list comes back.
    Compare {
        kind: Kind,
        readings: Vec<Reading>,
        reply: oneshot::Sender<Comparison>,
    },
    /// A complete list that has been found true.
    Replace {
        kind: Kind,
        readings: Vec<Reading>,
    },
    /// All objects of a folder that is read for the first time. Partial: some files cannot be read
    /// and never could.
    Folder {
        readings: Vec<Reading>,
        is_partial: bool,
    },
    /// The whole folder has been looked at, and everything that changed has been told.
    FolderSettled {
        is_partial: bool,
    },
    NodesUnreadable(String),
    /// A bookmark, or a page of a list.
    Contact,
    WatchRuns(Kind),
    WatchFails(Kind, Trouble),
    Probed(Result<(), Failure>),
    Usable(Result<(), StaleReason>),
    Identified(String),
    /// What is wrong with the files of a folder; replaces what was told before.
    Problems(Vec<String>),
}

#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) readings: Vec<Reading>,
    pub(crate) missing: Vec<Missing>,
}

/// An [`Input`] and the cluster that it speaks of: what still comes from one that has been
/// replaced is not listened to.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) lineage: u64,
    pub(crate) input: Input,
}

/// What the handle shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Status {
    pub(crate) memory: Memory,
    pub(crate) problems: Vec<String>,
    pub(crate) is_other_cluster: bool,
}

pub(crate) type SharedStatus = Arc<Mutex<Status>>;

/// What the engine asks of its source.
pub(crate) trait SourceControl: Send {
    /// Opens everything anew.
    fn reopen(&mut self);
    /// Takes whatever cluster answers now for the right one; returns its lineage.
    fn accept(&mut self) -> u64;
}

pub(crate) struct Engine<S, L> {
    pub(crate) cluster: ClusterName,
    pub(crate) index: Index,
    pub(crate) tracker: FreshnessTracker,
    pub(crate) control: S,
    pub(crate) lineage: u64,
    pub(crate) subscription: Subscription,
    pub(crate) listener: L,
    pub(crate) status: SharedStatus,
    pub(crate) outbox: Outbox,
}

/// What is to be told besides the index's own changes.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    told_freshness: Option<Freshness>,
    freshness: Option<Freshness>,
    /// When the oldest input came that has not led to an event yet.
    received: Option<Instant>,
    /// Until when a view waits for its host names.
    hosts_limit: Option<Instant>,
}

// === impl Engine ===

impl<S: SourceControl, L: Listener> Engine<S, L> {
    /// Runs until nobody listens any more.
    pub(crate) async fn run(
        mut self,
        mut inputs: mpsc::Receiver<Told>,
        mut accepts: mpsc::Receiver<()>,
    ) {
        loop {
            self.ask_for_hosts();
            self.decide();
            self.show();
            let listener = self.listener.clone();
            let (has_event, deadline) = (self.has_event(), self.next_deadline());
            tokio::select! {
                biased;
                room = listener.room(), if has_event => match room {
                    Ok(tell) => if let Some(event) = self.next_event() { tell(event) },
                    Err(_) => return,
                },
                told = inputs.recv() => match told {
                    Some(told) => self.take(told),
                    None => return,
                },
                change = self.subscription.changed() => {
                    self.receive(Instant::now());
                    self.index.resolve(&change.host, change.resolution, unix_now());
                }
                Some(()) = accepts.recv() => self.accept(),
                () = sleep_until(deadline) => self.index.expire(unix_now()),
            }
        }
    }

    fn take(&mut self, told: Told) {
        let Told { lineage, input } = told;
        let is_of_source = matches!(input, Input::Probed(_) | Input::Usable(_));
        if lineage != self.lineage && !is_of_source {
            return;
        }
        let now = unix_now();
        match input {
            Input::Apply { reading, received } => {
                self.receive(received);
                self.index.apply(reading, now);
                self.tracker.contact(now);
            }
            Input::Delete { key, received } => {
                self.receive(received);
                self.index.delete(&key, now);
                self.tracker.contact(now);
            }
            Input::Compare { kind, readings, reply } => {
                let missing = self.index.missing(kind, &readings);
                // Whoever asked may have been stopped meanwhile.
                let _ = reply.send(Comparison { readings, missing });
            }
            Input::Replace { kind, readings } => {
                self.receive(Instant::now());
                self.index.replace(kind, readings, now);
            }
            Input::Folder { readings, is_partial } => {
                self.receive(Instant::now());
                self.index.open_folder(readings, is_partial, now);
            }
            Input::FolderSettled { is_partial } => {
                self.index.settle_folder(is_partial, now);
                self.tracker.contact(now);
            }
            Input::NodesUnreadable(reason) => {
                self.tracker.unwatch(Kind::Node);
                self.index.set_nodes_unreadable(reason, now);
            }
            Input::Contact => self.tracker.contact(now),
            Input::WatchRuns(kind) => self.tracker.watch_runs(kind, now),
            Input::WatchFails(kind, trouble) => self.tracker.watch_fails(kind, trouble, now),
            Input::Probed(result) => {
                if self.tracker.probed(result, now) {
                    self.control.reopen();
                }
            }
            Input::Usable(usable) => self.tracker.set_unusable(usable.err()),
            Input::Identified(uid) => self.lock_status().memory.uid = Some(uid),
            Input::Problems(problems) => self.set_problems(problems),
        }
    }

    /// Each is logged when it comes up, and again only after it had been mended.
    fn set_problems(&mut self, problems: Vec<String>) {
        let before = std::mem::replace(&mut self.lock_status().problems, problems.clone());
        for problem in problems.iter().filter(|problem| !before.contains(problem)) {
            tracing::warn!(cluster = %self.cluster, "{problem}");
        }
    }

    /// Only a cluster that another one has replaced can be accepted.
    fn accept(&mut self) {
        if self.tracker.is_other_cluster() {
            self.lineage = self.control.accept();
            self.index.begin_other_cluster();
            self.tracker.set_view_complete(false);
        }
    }

    fn receive(&mut self, received: Instant) {
        self.outbox.received.get_or_insert(received);
    }

    fn ask_for_hosts(&mut self) {
        for request in self.index.take_host_requests() {
            match request {
                HostRequest::Use(host, seed) => self.subscription.use_host(&host, &seed),
                HostRequest::Release(host) => self.subscription.release_host(&host),
            }
        }
        if self.index.has_view() && self.index.awaits_hosts() {
            let limit = Instant::now() + FIRST_LOOKUPS_LIMIT;
            self.outbox.hosts_limit.get_or_insert(limit);
        } else {
            self.outbox.hosts_limit = None;
        }
    }

    fn decide(&mut self) {
        if !self.index.has_changes() {
            self.outbox.received = None;
        }
        let freshness = self.tracker.decide(unix_now());
        self.outbox.freshness =
            freshness.filter(|now| Some(now) != self.outbox.told_freshness.as_ref());
    }

    fn has_event(&self) -> bool {
        self.outbox.freshness.is_some() || (self.index.has_changes() && !self.waits_for_hosts())
    }

    /// What the cluster contributes goes before the word that it is live.
    fn next_event(&mut self) -> Option<ClusterEvent> {
        let change = if self.waits_for_hosts() { None } else { self.index.take_change() };
        let change = match change {
            Some(change) => self.told(change),
            None => {
                let freshness = self.outbox.freshness.take()?;
                self.outbox.told_freshness = Some(freshness.clone());
                ClusterChange::Freshness(freshness)
            }
        };
        let received = self.outbox.received.unwrap_or_else(Instant::now);
        Some(ClusterEvent { cluster: self.cluster.clone(), change, received })
    }

    fn told(&mut self, change: Change) -> ClusterChange {
        match change {
            Change::View(view) => {
                self.tracker.set_view_complete(true);
                self.remember_locations();
                ClusterChange::View(view)
            }
            Change::Topology(topology) => {
                self.remember_locations();
                ClusterChange::Topology(topology)
            }
            Change::Service(key, observed) => ClusterChange::Service(key, observed),
        }
    }

    fn waits_for_hosts(&self) -> bool {
        self.outbox.hosts_limit.is_some_and(|limit| Instant::now() < limit)
    }

    fn next_deadline(&self) -> Option<Instant> {
        let unix: Option<UnixTime> = self
            .index
            .next_deadline()
            .into_iter()
            .chain(self.tracker.next_deadline(unix_now()))
            .min();
        let limit = self.outbox.hosts_limit.filter(|limit| *limit > Instant::now());
        unix.map(instant_of).into_iter().chain(limit).min()
    }

    fn show(&self) {
        let mut status = self.lock_status();
        status.memory.last_contact = self.tracker.last_contact();
        status.is_other_cluster = self.tracker.is_other_cluster();
    }

    fn remember_locations(&self) {
        self.lock_status().memory.locations = self.index.locations();
    }

    fn lock_status(&self) -> std::sync::MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
