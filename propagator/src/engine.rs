//! The one task that owns what is known, and decides.
//!
//! It never waits for an API server: calls run in tasks of their own and report here.

mod members;
mod ledger;
mod enabled;
mod seen;
mod settle;
mod standings;
mod written;
mod report;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clusters::federation::enabled::EnabledKind;
use clusters::lease::Holding;
use model::ClusterName;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};

use crate::debts::Debts;
use crate::decide::{Action, Problem};
use crate::endpoint::{Endpoint, Trouble, may_write};
use crate::events::Events;
use crate::key::Key;
use crate::kinds::{KindId, Kinds, Role};
use crate::member::Members;
use crate::object::{Copy, Federated};
use crate::pods::Pods;
use crate::queue::Queue;
use crate::settings::Settings;
use crate::slices::Slice;
use crate::status::Status;
use crate::table::{Seen, Table};
use crate::write_federation::FederationWrite;
use crate::write_member::Written;
use members::MemberState;

/// How many messages may wait; watches that are faster wait.
const MESSAGES_MAX: usize = 4096;
/// So many messages are taken in before anything is decided, if so many wait.
const BATCH_MAX: usize = 1024;
/// The status is told at most that often.
const STATUS_INTERVAL: Duration = Duration::from_millis(100);
/// Between two attempts to read or write the debts of a member.
const DEBTS_RETRY: Duration = Duration::from_secs(1);
/// How long calls in flight are waited for at the end.
const END_LIMIT: Duration = Duration::from_secs(5);
/// Without anything to do, it is looked that often whether the lease is still held.
const IDLE: Duration = Duration::from_secs(60);

pub struct Engine {
    settings: Settings,
    kinds: Arc<Kinds>,
    enabled: watch::Receiver<Vec<EnabledKind>>,
    federation: Endpoint,
    host: Endpoint,
    feed: watch::Receiver<Members>,
    holding: watch::Receiver<Holding>,
    tell_status: watch::Sender<Arc<Status>>,
    messages: (mpsc::Sender<Message>, mpsc::Receiver<Message>),
    /// Watches of the federation; they end with the engine.
    watches: JoinSet<()>,
    /// Of each kind its watch in the federation.
    watch_ends: HashMap<KindId, AbortHandle>,
    /// What could not be listed in the federation may be there now.
    again: watch::Sender<u64>,
    /// Calls in flight.
    calls: JoinSet<()>,
    events: Events,

    objects: Table<Federated>,
    queue: Queue<Key, FederationWrite>,
    members: BTreeMap<ClusterName, MemberState>,
    /// The feed has told of every member.
    has_all_members: bool,
    /// Objects that are to be decided on.
    touched: BTreeSet<Key>,
    /// When what is to be looked at again; `None`: everything.
    wakes: BTreeSet<(Instant, Option<Key>)>,
    /// Of each object the problems that were told.
    told: HashMap<Key, HashSet<Problem>>,
    /// True since this process may write.
    is_writing: bool,
    has_begun: bool,
    next_generation: u64,
    status_told: Instant,
    orphans_seen: Option<Instant>,
    /// Something happened since.
    has_news: bool,
}

/// What other tasks report.
pub(crate) enum Message {
    Federation(KindId, Seen<Federated>),
    Member(ClusterName, u64, KindId, Seen<Copy>),
    Slice(ClusterName, u64, Seen<Slice>),
    PodsSeen(ClusterName, Key, Result<Pods, Trouble>),
    /// What stands where a copy is to be, and is not ours.
    Sought(ClusterName, Key, Result<Option<Arc<Copy>>, Trouble>),
    FederationWritten {
        key: Key,
        write: FederationWrite,
        result: Result<Option<Arc<Federated>>, Trouble>,
    },
    MemberWritten {
        cluster: ClusterName,
        key: Key,
        action: Action,
        result: Result<Written, Trouble>,
    },
    DebtsRead(ClusterName, Result<Debts, Trouble>),
    DebtsWritten(ClusterName, Debts, Result<(), Trouble>),
}

// === impl Engine ===

impl Engine {
    pub fn new(
        settings: Settings,
        feed: watch::Receiver<Members>,
        holding: watch::Receiver<Holding>,
        tell_status: watch::Sender<Arc<Status>>,
    ) -> Self {
        let federation = Endpoint::new(settings.federation_access.clone(), holding.clone());
        let host = Endpoint::new(settings.host_access.clone(), holding.clone());
        let (events, write_events) = Events::start(federation.clone());
        let mut watches = JoinSet::new();
        watches.spawn(write_events);
        Self {
            settings,
            kinds: Arc::default(),
            enabled: watch::channel(Vec::new()).1,
            federation,
            host,
            feed,
            holding,
            tell_status,
            messages: mpsc::channel(MESSAGES_MAX),
            watches,
            watch_ends: HashMap::new(),
            again: watch::channel(0).0,
            calls: JoinSet::new(),
            events,
            objects: Table::default(),
            queue: Queue::default(),
            members: BTreeMap::new(),
            has_all_members: false,
            touched: BTreeSet::new(),
            wakes: BTreeSet::new(),
            told: HashMap::new(),
            is_writing: false,
            has_begun: false,
            next_generation: 0,
            status_told: Instant::now(),
            orphans_seen: None,
            has_news: true,
        }
    }

    pub async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        loop {
            self.look_at_lease();
            self.wake();
            self.settle();
            self.dispatch();
            self.report();
            let due = tokio::time::Instant::from_std(self.next_due());
            tokio::select! {
                _ = &mut stopped => break,
                Some(message) = self.messages.1.recv() => self.take_in(message),
                Ok(()) = self.feed.changed(), if self.has_begun => self.sync_members(),
                Ok(()) = self.holding.changed() => {}
                Ok(()) = self.enabled.changed() => self.sync_kinds(),
                Some(_) = self.calls.join_next(), if !self.calls.is_empty() => {}
                () = tokio::time::sleep_until(due) => {}
            }
        }
        self.finish().await;
    }

    /// The lease comes and goes; what is known is kept, and the debts may have been another's.
    fn look_at_lease(&mut self) {
        let may_write = may_write(&self.holding);
        if may_write && !self.is_writing {
            if !self.has_begun {
                self.begin();
            }
            self.read_debts_of_all();
            // Whoever wrote before may have begun what is carried out only now.
            self.members.values_mut().for_each(MemberState::expect_late);
            self.touch_all();
        }
        self.has_news |= self.is_writing != may_write;
        self.is_writing = may_write;
    }

    /// What its time has come for is decided anew.
    fn wake(&mut self) {
        let now = Instant::now();
        let mut has_attended = false;
        while let Some((at, key)) = self.wakes.first().cloned().filter(|(at, _)| *at <= now) {
            self.wakes.remove(&(at, key.clone()));
            match key {
                Some(key) => drop(self.touched.insert(key)),
                None => {
                    if !std::mem::replace(&mut has_attended, true) {
                        self.attend();
                    }
                    self.touch_all();
                }
            }
        }
    }

    fn begin(&mut self) {
        self.has_begun = true;
        self.follow_enabled_kinds();
        for id in self.kinds.ids().collect::<Vec<_>>() {
            self.watch_federation(id);
        }
        self.sync_members();
    }

    /// Takes in a message, and those that wait behind it.
    fn take_in(&mut self, message: Message) {
        self.has_news = true;
        self.take(message);
        for _ in 0..BATCH_MAX {
            let Ok(message) = self.messages.1.try_recv() else { return };
            self.take(message);
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Federation(kind, seen) => self.federation_seen(kind, seen),
            Message::Member(cluster, generation, kind, seen) => {
                self.member_seen(&cluster, generation, kind, seen);
            }
            Message::Slice(cluster, generation, seen) => {
                self.slice_seen(&cluster, generation, seen);
            }
            Message::PodsSeen(cluster, key, result) => self.pods_seen(&cluster, &key, result),
            Message::Sought(cluster, key, result) => self.sought(&cluster, &key, result),
            Message::FederationWritten { key, write, result } => {
                self.federation_written(key, &write, result);
            }
            Message::MemberWritten { cluster, key, action, result } => {
                self.member_written(&cluster, key, &action, result);
            }
            Message::DebtsRead(cluster, result) => self.debts_read(&cluster, result),
            Message::DebtsWritten(cluster, debts, result) => {
                self.debts_written(&cluster, debts, result);
            }
        }
    }

    /// Whatever is known may mean something else now.
    fn touch_all(&mut self) {
        self.touched.extend(self.objects.iter().map(|(key, _)| key.clone()));
        let owed = self.members.values().flat_map(|it| it.debts().map(|(key, _)| key.clone()));
        self.touched.extend(owed);
    }

    fn namespace_kind(&self) -> Option<KindId> {
        self.kinds.of_role(Role::Namespace)
    }

    fn next_due(&self) -> Instant {
        let queues = self.members.values().filter_map(|member| member.next_due());
        let wake = self.wakes.first().map(|(at, _)| *at);
        let due = queues.chain(self.queue.next_due()).chain(wake).min();
        let now = Instant::now();
        if self.is_writing && !self.touched.is_empty() {
            return now;
        }
        let idle = now + IDLE;
        let due = due.filter(|_| self.is_writing).map_or(idle, |due| due.min(idle));
        if self.has_news { due.min(self.status_told + STATUS_INTERVAL) } else { due }
    }

    async fn finish(mut self) {
        self.watches.abort_all();
        for member in self.members.values_mut() {
            member.end();
        }
        let Self { messages: (_, mut receiver), mut calls, .. } = self;
        // Calls that report must not wait for somebody who listens.
        receiver.close();
        let all_ended = async { while calls.join_next().await.is_some() {} };
        if tokio::time::timeout(END_LIMIT, all_ended).await.is_err() {
            tracing::warn!("calls to API servers are given up that do not end");
        }
    }
}
