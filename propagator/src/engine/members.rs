//! What is known of one member, and how members come and go.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clusters::federation::names::FEDERATION_LABEL;
use model::{ClusterName, UnixTime};
use planner::eligibility::{Attendance, Contact, EligibilitySettings, Presence};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use crate::decide::{Action, Owed, Reach, Settled};
use crate::endpoint::{Endpoint, LIMIT};
use crate::key::Key;
use crate::kinds::{BESIDE, KindId, Kinds, Role};
use crate::member::{Member, Members, Standing};
use crate::object::Copy;
use crate::pods::{Look, unix_now};
use crate::queue::Queue;
use crate::repairs::Repairs;
use crate::slices::{Slice, Slices, slice_kind};
use crate::table::{Table, Unlisted};
use crate::watch::Watch;

use super::ledger::Ledger;
use super::report::Orphans;
use super::{Engine, Message};

/// So long after its beginning a call may still be carried out: until it is given up here, or by another
/// process that wrote before, and then for the time in which an API server ends what it has begun
/// (60 s unless its administrator says otherwise).
pub(super) const LATE_MAX: Duration = LIMIT.saturating_add(Duration::from_secs(60));

/// How long a member that answers may take to list what it has. Then it counts as one that does not.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

pub(super) struct MemberState {
    pub(super) member: Member,
    pub(super) endpoint: Endpoint,
    /// Of its watches; what older ones still tell is not heard.
    pub(super) generation: u64,
    watches: JoinSet<()>,
    /// Of each kind its watch.
    watch_ends: HashMap<KindId, AbortHandle>,
    standing: watch::Sender<Standing>,
    /// What could not be listed may be there now.
    again: watch::Sender<u64>,
    /// Since when these run.
    pub(super) watched_since: Instant,
    pub(super) copies: Table<Copy>,
    pub(super) slices: Slices,
    /// Whether replicas are planned for it.
    attendance: Attendance,
    contact: Contact,
    pub(super) presence: Presence,
    pub(super) looks: HashMap<Key, Look>,
    pub(super) settled: HashMap<Key, Settled>,
    /// Made without an answer: nobody knows whether they are there.
    pub(super) unsure: HashSet<Key>,
    /// Until then a call that nobody waits for here may make a copy in it.
    pub(super) late_until: Instant,
    pub(super) queue: Queue<Key, Action>,
    pub(super) repairs: Repairs,
    pub(super) ledger: Ledger,
    pub(super) orphans: Orphans,
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
            watch_ends: HashMap::new(),
            standing,
            again: watch::channel(0).0,
            watched_since: Instant::now(),
            copies: Table::default(),
            slices: Slices::default(),
            attendance: Attendance::default(),
            contact: Contact::NeverReady,
            presence: Presence::NeverReady,
            looks: HashMap::new(),
            settled: HashMap::new(),
            unsure: HashSet::new(),
            late_until: Instant::now() + LATE_MAX,
            queue: Queue::default(),
            repairs: Repairs::default(),
            ledger: Ledger::default(),
            orphans: Orphans::default(),
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.member.standing == Standing::Ready
    }

    pub(super) fn reach(&self, kind: KindId, kinds: &Kinds) -> Reach {
        let is_listed = |kind| self.copies.is_listed(kind);
        // Without the right to see slices, Services are copied all the same.
        let has_slices = kinds.get(kind).role != Role::Service
            || self.slices.is_listed()
            || self.slices.failure().is_some();
        let namespaces = kinds.of_role(Role::Namespace);
        let is_known = is_listed(kind) && namespaces.is_none_or(is_listed) && has_slices;
        let failure = self.copies.failures().get(&kind);
        if self.is_ready() && matches!(failure, Some(Unlisted::NotServed(_))) {
            return Reach::NotServed;
        }
        let has_failed = failure.is_some();
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
        self.slices.readiness(service).unwrap_or_else(|| {
            let copy = self.copies.get(service);
            copy.is_some_and(|copy| {
                copy.body["spec"]["selector"].as_object().is_none_or(serde_json::Map::is_empty)
            })
        })
    }

    /// What another process began, or what had no answer, may make a copy yet.
    pub(super) fn expect_late(&mut self) {
        self.late_until = Instant::now() + LATE_MAX;
    }

    pub(super) fn may_come_late(&self) -> bool {
        Instant::now() < self.late_until
    }

    pub(super) fn debts(&self) -> impl Iterator<Item = (&Key, &Owed)> {
        self.ledger.wanted.iter().flat_map(|debts| &debts.owed)
    }

    /// The deletion of its copy is owed, or it is not known whether it is.
    pub(super) fn has_debt(&self, key: &Key) -> bool {
        self.ledger.wanted.as_ref().is_none_or(|debts| debts.owed.contains_key(key))
    }

    /// Noted in the host cluster, not only here.
    pub(super) fn is_owed(&self, key: &Key) -> bool {
        let Some(wanted) = self.ledger.wanted.as_ref() else { return false };
        wanted.owed.contains_key(key) && self.ledger.saved.owed.get(key) == wanted.owed.get(key)
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
        self.watch_ends.clear();
        self.watched_since = Instant::now();
        self.copies.begin_anew();
        self.slices.begin_anew();
        let name = self.member.name.clone();
        let slices = Watch {
            endpoint: self.endpoint.clone(),
            id: BESIDE,
            kind: slice_kind(),
            label_selector: Some(format!("{FEDERATION_LABEL}={federation}")),
            convert: Arc::new(Slice::new),
            standing: self.standing.subscribe(),
            again: self.again.subscribe(),
        };
        let wrap = move |seen| Message::Slice(name.clone(), generation, seen);
        self.watches.spawn(slices.run(tell.clone(), wrap));
        for id in kinds.ids() {
            self.watch_kind(id, kinds, federation, tell);
        }
    }

    /// Lists and watches one kind beside those that are watched.
    pub(super) fn watch_kind(
        &mut self,
        id: KindId,
        kinds: &Kinds,
        federation: &str,
        tell: &mpsc::Sender<Message>,
    ) {
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
            again: self.again.subscribe(),
        };
        let (name, generation) = (self.member.name.clone(), self.generation);
        let wrap = move |seen| Message::Member(name.clone(), generation, id, seen);
        let end = self.watches.spawn(watch.run(tell.clone(), wrap));
        self.watch_ends.insert(id, end);
    }

    /// A kind is looked at no more; its copies stay.
    pub(super) fn forget_kind(&mut self, id: KindId) {
        if let Some(end) = self.watch_ends.remove(&id) {
            end.abort();
        }
        let of_kind = self.copies.of_kind(id).map(|(key, _)| key.clone());
        for key in of_kind.collect::<Vec<_>>() {
            self.queue.set(&key, None);
        }
        self.copies.forget_kind(id);
        self.looks.retain(|key, _| key.kind != id);
        self.settled.retain(|key, _| key.kind != id);
        self.unsure.retain(|key| key.kind != id);
    }

    /// Lists at once what could not be listed.
    pub(super) fn list_again(&self) {
        self.again.send_modify(|count| *count += 1);
    }
}

// === impl Engine ===

impl Engine {
    /// Takes over what the feed says now.
    pub(super) fn sync_members(&mut self) {
        let Members { found, is_complete } = self.feed.borrow_and_update().clone();
        let known = self.members.iter().map(|(name, state)| (name, &state.member));
        if known.eq(found.iter()) && self.has_all_members == is_complete {
            return;
        }
        self.has_all_members = is_complete;
        // A member that left keeps its copies; what happens to them is decided where it leaves.
        self.members.retain(|name, _| found.contains_key(name));
        for (name, member) in &found {
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
}
