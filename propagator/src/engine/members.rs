//! What is known of one member, and how members come and go.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clusters::federation::names::FEDERATION_LABEL;
use model::{ClusterName, UnixTime};
use planner::eligibility::{Attendance, Contact, EligibilitySettings, Presence};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::debts::{DebtBook, Debts};
use crate::decide::{Action, Owed, Reach, Settled};
use crate::endpoint::{Endpoint, Trouble};
use crate::key::Key;
use crate::kinds::{KindId, Kinds, Role};
use crate::member::{Member, Standing};
use crate::object::Copy;
use crate::pods::{Look, unix_now};
use crate::queue::Queue;
use crate::repairs::Repairs;
use crate::slices::{Slice, slice_kind};
use crate::table::{Seen, Table};
use crate::watch::Watch;

use super::{Engine, Message};

/// How long a member that answers may take to list what it has. Then it counts as one that does not.
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) struct MemberState {
    pub(super) member: Member,
    pub(super) endpoint: Endpoint,
    /// Of its watches; what older ones still tell is not heard.
    pub(super) generation: u64,
    watches: JoinSet<()>,
    standing: watch::Sender<Standing>,
    /// Since when these run.
    pub(super) watched_since: Instant,
    pub(super) copies: Table<Copy>,
    pub(super) slices: Table<Slice>,
    /// Whether replicas are planned for it.
    attendance: Attendance,
    contact: Contact,
    pub(super) presence: Presence,
    pub(super) looks: HashMap<Key, Look>,
    pub(super) settled: HashMap<Key, Settled>,
    /// Made without an answer: nobody knows whether they are there.
    pub(super) unsure: HashSet<Key>,
    pub(super) queue: Queue<Key, Action>,
    pub(super) repairs: Repairs,
    pub(super) ledger: Ledger,
}

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

// === impl MemberState ===

impl MemberState {
    fn new(member: Member, endpoint: Endpoint, generation: u64) -> Self {
        let (standing, _) = watch::channel(member.standing);
        Self {
            member,
            endpoint,
            generation,
            watches: JoinSet::new(),
            standing,
            watched_since: Instant::now(),
            copies: Table::default(),
            slices: Table::default(),
            attendance: Attendance::default(),
            contact: Contact::NeverReady,
            presence: Presence::NeverReady,
            looks: HashMap::new(),
            settled: HashMap::new(),
            unsure: HashSet::new(),
            queue: Queue::default(),
            repairs: Repairs::default(),
            ledger: Ledger::default(),
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.member.standing == Standing::Ready
    }

    pub(super) fn reach(&self, kind: KindId, kinds: &Kinds) -> Reach {
        let is_listed = |kind| self.copies.is_listed(kind);
        // Without the right to see slices, Services are copied all the same.
        let has_slices = kinds.get(kind).role != Role::Service
            || self.slices.is_listed(kinds.beside())
            || !self.slices.failures().is_empty();
        let namespaces = kinds.of_role(Role::Namespace);
        let is_known = is_listed(kind) && namespaces.is_none_or(is_listed) && has_slices;
        let has_failed = self.copies.failures().contains_key(&kind);
        let is_slow = self.watched_since.elapsed() >= PATIENCE;
        match (self.is_ready(), is_known) {
            (true, true) => Reach::Known,
            (true, false) if !has_failed && !is_slow => Reach::Unknown,
            (_, was_known) => Reach::Away { was_known },
        }
    }

    /// Takes in what the feed says of the contact, and when to look at it again.
    fn attend(&mut self, now: UnixTime, settings: &EligibilitySettings) -> Option<UnixTime> {
        self.contact = match (self.is_ready(), self.contact) {
            (true, _) => Contact::Ready,
            // Since when is not known of a cluster that was never seen ready: nothing is planned for it.
            (false, Contact::NeverReady) => Contact::NeverReady,
            (false, Contact::Ready) => Contact::Unready { since: now },
            (false, unready) => unready,
        };
        self.presence = self.attendance.observe(self.contact, now, settings);
        self.presence.look_again()
    }

    /// Whether any slice of the Service has a ready endpoint; without slices, only a Service that
    /// selects nothing is taken to be.
    pub(super) fn has_ready_endpoint(&self, service: &Key) -> bool {
        let slices = self.slices.iter().filter(|(key, slice)| {
            key.namespace == service.namespace && slice.service == service.name
        });
        let mut slices = slices.peekable();
        if slices.peek().is_none() {
            let copy = self.copies.get(service);
            return copy.is_some_and(|copy| {
                copy.body["spec"]["selector"].as_object().is_none_or(serde_json::Map::is_empty)
            });
        }
        slices.any(|(_, slice)| slice.is_ready)
    }

    pub(super) fn debts(&self) -> impl Iterator<Item = (&Key, &Owed)> {
        self.ledger.wanted.iter().flat_map(|debts| &debts.0)
    }

    /// Noted in the host cluster, not only here.
    pub(super) fn is_owed(&self, key: &Key) -> bool {
        let Some(wanted) = self.ledger.wanted.as_ref() else { return false };
        wanted.0.contains_key(key) && self.ledger.saved.0.get(key) == wanted.0.get(key)
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        let queue = self.is_ready().then(|| self.queue.next_due()).flatten();
        let ledger = self.ledger.not_before.filter(|_| self.ledger.is_unsaved());
        queue.into_iter().chain(ledger).min()
    }

    pub(super) fn end(&mut self) {
        self.watches.abort_all();
    }

    /// Lists everything anew: what happened while nobody looked is not known.
    fn watch(
        &mut self,
        generation: u64,
        kinds: &Kinds,
        federation: &str,
        tell: &mpsc::Sender<Message>,
    ) {
        self.generation = generation;
        self.watches.abort_all();
        self.watches = JoinSet::new();
        self.watched_since = Instant::now();
        self.copies.begin_anew();
        self.slices.begin_anew();
        let name = self.member.name.clone();
        let slices = Watch {
            endpoint: self.endpoint.clone(),
            id: kinds.beside(),
            kind: slice_kind(),
            label_selector: Some(format!("{FEDERATION_LABEL}={federation}")),
            convert: Arc::new(Slice::new),
            standing: self.standing.subscribe(),
        };
        let wrap = move |seen| Message::Slice(name.clone(), generation, seen);
        self.watches.spawn(slices.run(tell.clone(), wrap));
        for id in kinds.ids() {
            let kind = kinds.get(id).clone();
            // Whether a namespace is there matters, whosever it is.
            let is_ours = kind.role != Role::Namespace;
            let label = federation.to_owned();
            let watch = Watch {
                endpoint: self.endpoint.clone(),
                id,
                kind,
                label_selector: is_ours.then(|| format!("{FEDERATION_LABEL}={federation}")),
                convert: Arc::new(move |object| Copy::new(object, &label)),
                standing: self.standing.subscribe(),
            };
            let name = self.member.name.clone();
            let wrap = move |seen| Message::Member(name.clone(), generation, id, seen);
            self.watches.spawn(watch.run(tell.clone(), wrap));
        }
    }
}

// === impl Ledger ===

impl Ledger {
    pub(super) fn is_unsaved(&self) -> bool {
        self.wanted.as_ref().is_none_or(|wanted| *wanted != self.saved)
    }
}

// === impl Engine ===

impl Engine {
    /// Takes over what the feed says now.
    pub(super) fn sync_members(&mut self) {
        let feed = Arc::clone(&self.feed.borrow_and_update());
        let known = self.members.iter().map(|(name, state)| (name, &state.member));
        if known.eq(feed.iter()) {
            return;
        }
        // A member that left keeps its copies; what happens to them is decided where it leaves.
        self.members.retain(|name, _| feed.contains_key(name));
        for (name, member) in feed.iter() {
            self.sync_member(name, member);
        }
        self.attend();
        self.touch_all();
    }

    fn sync_member(&mut self, name: &ClusterName, member: &Member) {
        let is_new = !self.members.contains_key(name);
        let Self { members, holding, .. } = self;
        let state = members.entry(name.clone()).or_insert_with(|| {
            let endpoint = Endpoint::new(member.access.clone(), holding.clone());
            MemberState::new(member.clone(), endpoint, 0)
        });
        let has_other_access = state.member.access != member.access;
        let is_back = !state.is_ready() && member.standing == Standing::Ready;
        if has_other_access {
            state.endpoint = Endpoint::new(member.access.clone(), holding.clone());
        }
        state.member = member.clone();
        state.standing.send_replace(member.standing);
        if is_new || has_other_access || is_back {
            self.wakes.insert((Instant::now() + PATIENCE, None));
            self.next_generation += 1;
            state.watch(
                self.next_generation,
                &self.kinds,
                &self.settings.federation,
                &self.messages.0,
            );
            state.queue.retry_all(Instant::now());
        }
        if is_new {
            self.read_debts(name);
        }
    }

    pub(super) fn member_seen(
        &mut self,
        cluster: &ClusterName,
        generation: u64,
        kind: KindId,
        seen: Seen<Copy>,
    ) {
        let namespaces = self.namespace_kind();
        let Some(state) = self.members.get_mut(cluster) else { return };
        if state.generation != generation {
            return;
        }
        let may_unblock = matches!(seen, Seen::ListEnds | Seen::Failed(_));
        let was = state.reach(kind, &self.kinds);
        let has_list = matches!(seen, Seen::ListEnds);
        let touched = state.copies.see(kind, seen);
        state.unsure.retain(|key| key.kind != kind || !has_list && !touched.contains(key));
        if may_unblock && state.reach(kind, &self.kinds) != was {
            // What is not there, and what is owed, is known now.
            let everything = namespaces == Some(kind);
            let of_kind = self.objects.iter().map(|(key, _)| key);
            let owed = state.ledger.wanted.iter().flat_map(|debts| debts.0.keys());
            let keys = of_kind.chain(owed).filter(|key| everything || key.kind == kind);
            self.touched.extend(keys.cloned());
        }
        if namespaces == Some(kind) {
            let names: Vec<&str> = touched.iter().map(|key| key.name.as_str()).collect();
            let inside = self.objects.iter().map(|(key, _)| key);
            let inside = inside.filter(|key| names.contains(&key.namespace.as_str()));
            self.touched.extend(inside.cloned());
        }
        self.touched.extend(touched);
    }

    pub(super) fn slice_seen(&mut self, cluster: &ClusterName, generation: u64, seen: Seen<Slice>) {
        let Some(services) = self.kinds.of_role(Role::Service) else { return };
        let Some(state) = self.members.get_mut(cluster) else { return };
        if state.generation != generation {
            return;
        }
        match &seen {
            Seen::Listed(key, slice) | Seen::Changed(key, slice) | Seen::Deleted(key, slice) => {
                self.touched.insert(slice.service_key(key, services));
            }
            Seen::Failed(_) if !state.slices.failures().is_empty() => {}
            Seen::ListEnds | Seen::Failed(_) => {
                let keys = self.objects.iter().map(|(key, _)| key);
                self.touched.extend(keys.filter(|key| key.kind == services).cloned());
            }
            Seen::ListBegins => {}
        }
        state.slices.see(self.kinds.beside(), seen);
    }

    /// Whether replicas are planned for each member, and when that may change.
    pub(super) fn attend(&mut self) {
        let now = unix_now();
        for state in self.members.values_mut() {
            if let Some(at) = state.attend(now, &self.settings.eligibility) {
                let wait = Duration::from_secs(at.0.saturating_sub(now.0).max(1));
                self.wakes.insert((Instant::now() + wait, None));
            }
        }
    }

    pub(super) fn read_debts_of_all(&mut self) {
        let names: Vec<ClusterName> = self.members.keys().cloned().collect();
        for name in names {
            self.read_debts(&name);
        }
    }

    fn read_debts(&mut self, name: &ClusterName) {
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
            let (name, wanted) = (name.clone(), ledger.wanted.clone());
            self.calls.spawn(async move {
                let message = match wanted {
                    None => Message::DebtsRead(name, book.read(&kinds).await),
                    Some(debts) => {
                        let result = book.write(&kinds, &debts).await;
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
                self.touched.extend(debts.0.keys().cloned());
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
                self.touched.extend(debts.0.keys().cloned());
                ledger.saved = debts;
            }
            Err(trouble) => state.ledger.failed(&trouble),
        }
    }
}

// === impl Ledger ===

impl Ledger {
    fn failed(&mut self, trouble: &Trouble) {
        self.failure = Some(trouble.words().to_owned());
        self.not_before = Some(Instant::now() + crate::watch::jittered(super::DEBTS_RETRY));
    }
}
