//! From what was touched to what waits in the queues, and from there to calls.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use model::ClusterName;

use crate::compare::digest;
use crate::debts::Debts;
use crate::decide::{Action, Decision, MemberSituation, Problem, Reach, Situation, decide};
use crate::events::{News, reference};
use crate::key::Key;
use crate::kinds::{KindId, Role};
use crate::object::{Federated, Owner};
use crate::pods::unix_now;
use crate::write_federation::FederationWrite;
use crate::write_member::Write;

use super::members::MemberState;
use super::{Engine, Message};

/// So many objects are decided on before calls begin and messages are heard.
const SETTLED_MAX: usize = 256;

impl Engine {
    /// Decides on what was touched; namespaces come first.
    pub(super) fn settle(&mut self) {
        if !self.is_writing {
            return;
        }
        for _ in 0..SETTLED_MAX {
            let Some(key) = self.touched.pop_first() else { return };
            if !self.is_known(key.kind) {
                continue;
            }
            match self.objects.get(&key).cloned() {
                Some(object) => self.settle_object(&key, &object),
                None => self.settle_absence(&key),
            }
        }
    }

    /// Whether all that decides about a kind was listed.
    fn is_known(&self, kind: KindId) -> bool {
        let autoscalers = self.kinds.of_role(Role::HorizontalPodAutoscaler);
        let is_scaled = matches!(self.kinds.get(kind).role, Role::Deployment | Role::ReplicaSet);
        self.objects.is_listed(kind)
            && autoscalers.is_none_or(|it| !is_scaled || self.objects.is_listed(it))
    }

    fn settle_object(&mut self, key: &Key, object: &Arc<Federated>) {
        let namespaces = self.namespace_kind().filter(|_| !key.namespace.is_empty());
        let standings = self.standings(key, object);
        let kind = self.kinds.get(key.kind);
        let members = self.members.iter().map(|(name, state)| {
            let has_namespace = namespaces.is_none_or(|kind| state.has_namespace(kind, key));
            let situation = MemberSituation {
                member: &state.member,
                reach: state.reach(key.kind, &self.kinds),
                unlisted: state.copies.failures().get(&key.kind),
                conflict: state.queue.failure(key).filter(|trouble| trouble.is_conflict()),
                counts: state.presence.counts(),
                standing: standings.get(name).copied().unwrap_or_default(),
                sought: state.looks.get(key).and_then(|look| look.sought.as_ref()),
                has_ready_endpoint: kind.role == Role::Service && state.has_ready_endpoint(key),
                copy: state.copies.get(key).map(|copy| &**copy),
                has_namespace,
                settled: state.settled.get(key).copied(),
                is_unsure: state.is_unsure(key),
                may_come_late: state.may_come_late(),
                is_owed: state.is_owed(key),
            };
            (name, situation)
        });
        let situation = Situation {
            key,
            kind,
            federation: &self.settings.federation,
            object,
            is_namespace_settled: namespaces.is_some_and(|kind| self.is_settled(kind, key)),
            has_content: kind.role == Role::Namespace && self.has_content(key, object),
            is_autoscaled: self.is_autoscaled(key),
            now: unix_now(),
            has_all_members: self.has_all_members,
            members: members.collect(),
        };
        let decision = decide(&situation);
        self.carry_out(key, object, decision);
    }

    fn carry_out(&mut self, key: &Key, object: &Arc<Federated>, decision: Decision) {
        let Decision { mut actions, finalizers, annotations, status, mut owed, problems } =
            decision;
        for (name, state) in &mut self.members {
            let action = actions.remove(name);
            let not_before = match &action {
                Some(Action::Update { body, .. }) => state.repairs.not_before(key, || digest(body)),
                _ => None,
            };
            state.queue.set_after(key, action, not_before);
            if let Some(debts) = state.ledger.wanted.as_mut() {
                match owed.remove(name) {
                    Some(owed) => drop(debts.owed.insert(key.clone(), owed)),
                    None if !object.is_deleted => drop(debts.owed.remove(key)),
                    None => {}
                }
            }
        }
        let write = FederationWrite {
            uid: object.uid.clone(),
            finalizers: finalizers.map(|list| (list, object.resource_version.clone())),
            annotations,
            status,
        };
        self.queue.set(key, (!write.is_empty()).then_some(write));
        self.tell_problems(key, object, problems);
    }

    /// No object of that name is in the federation: nothing is done but what is owed.
    fn settle_absence(&mut self, key: &Key) {
        self.queue.set(key, None);
        self.told.remove(key);
        // A namespace that is deleted waits for what is in it.
        self.touched.extend(self.namespace_of(key).filter(|namespace| {
            self.objects.get(namespace).is_some_and(|namespace| namespace.is_deleted)
        }));
        for state in self.members.values_mut() {
            state.looks.remove(key);
            state.repairs.forget(key);
            state.queue.set(key, None);
            if matches!(state.reach(key.kind, &self.kinds), Reach::Known | Reach::NotServed) {
                let payment = state.payment(key);
                if let Payment::Later(at) = payment {
                    self.wakes.insert((at, Some(key.clone())));
                }
                state.queue.set(key, payment.action());
            }
        }
    }

    /// Tells each problem once, as long as it lasts.
    fn tell_problems(&mut self, key: &Key, object: &Arc<Federated>, problems: Vec<Problem>) {
        if problems.is_empty() {
            self.told.remove(key);
            return;
        }
        let kind = self.kinds.get(key.kind);
        let told = self.told.entry(key.clone()).or_default();
        told.retain(|known| problems.contains(known));
        for problem in problems {
            if told.insert(problem.clone()) {
                self.events.tell(News {
                    regarding: reference(kind, key, object),
                    cluster: problem.cluster,
                    is_warning: true,
                    reason: problem.reason,
                    action: problem.reason,
                    note: problem.detail,
                });
            }
        }
    }

    /// Nothing is going on about the namespace of an object. One that is on its way out in a member may be
    /// made anew there.
    fn is_settled(&self, namespaces: KindId, key: &Key) -> bool {
        let namespace = key.namespace_key(namespaces);
        let is_leaving = |state: &MemberState| {
            state.copies.get(&namespace).is_some_and(|namespace| namespace.is_deleted)
        };
        !self.touched.contains(&namespace)
            && !self.queue.contains(&namespace)
            && self
                .members
                .values()
                .all(|state| !state.queue.contains(&namespace) && !is_leaving(state))
    }

    fn namespace_of(&self, key: &Key) -> Option<Key> {
        let namespaces = self.namespace_kind().filter(|_| !key.namespace.is_empty())?;
        Some(key.namespace_key(namespaces))
    }

    /// Whether a namespace that is deleted still has objects in it.
    fn has_content(&self, namespace: &Key, object: &Federated) -> bool {
        let in_kind = |kind| self.objects.in_namespace(kind, &namespace.name).next().is_some();
        object.is_deleted && self.kinds.ids().any(in_kind)
    }

    /// Whether an autoscaler of the federation is about the object.
    fn is_autoscaled(&self, key: &Key) -> bool {
        let kind = self.kinds.get(key.kind);
        if !matches!(kind.role, Role::Deployment | Role::ReplicaSet) {
            return false;
        }
        let Some(autoscalers) = self.kinds.of_role(Role::HorizontalPodAutoscaler) else {
            return false;
        };
        self.objects.in_namespace(autoscalers, &key.namespace).any(|(_, autoscaler)| {
            let target = &autoscaler.body["spec"]["scaleTargetRef"];
            target["kind"] == kind.name() && target["name"] == key.name
        })
    }

    /// Begins the calls whose turn it is.
    pub(super) fn dispatch(&mut self) {
        if !self.is_writing {
            return;
        }
        let now = Instant::now();
        self.sync_debts(now);
        while let Some((key, write)) = self.queue.next(now) {
            let (endpoint, kinds) = (self.federation.clone(), Arc::clone(&self.kinds));
            let tell = self.messages.0.clone();
            self.calls.spawn(async move {
                let result = write.perform(&endpoint, kinds.get(key.kind), &key).await;
                let message = Message::FederationWritten { key, write, result };
                // Nobody listens after the end.
                tell.send(message).await.unwrap_or_default();
            });
        }
        let mut begun: BTreeMap<ClusterName, Vec<(Key, Action)>> = BTreeMap::new();
        for (name, state) in &mut self.members {
            while let Some(next) = state.next_write(now) {
                begun.entry(name.clone()).or_default().push(next);
            }
        }
        for (cluster, writes) in begun {
            for (key, action) in writes {
                self.begin_write(&cluster, key, action);
            }
        }
    }

    fn begin_write(&mut self, cluster: &ClusterName, key: Key, action: Action) {
        let Some(state) = self.members.get(cluster) else { return };
        let (endpoint, cluster) = (state.endpoint.clone(), cluster.clone());
        let (kinds, tell) = (Arc::clone(&self.kinds), self.messages.0.clone());
        let federation = self.settings.federation.clone();
        self.calls.spawn(async move {
            let kind = kinds.get(key.kind);
            let write = Write { endpoint: &endpoint, kind, key: &key, federation: &federation };
            let result = write.perform(&action).await;
            let message = Message::MemberWritten { cluster, key, action, result };
            // Nobody listens after the end.
            tell.send(message).await.unwrap_or_default();
        });
    }
}

/// What a debt asks for.
enum Payment {
    /// There is none, or it is over.
    Nothing,
    Now(Action),
    /// It stands until then, though there is no copy.
    Later(Instant),
}

// === impl Payment ===

impl Payment {
    fn action(self) -> Option<Action> {
        match self {
            Self::Now(action) => Some(action),
            Self::Nothing | Self::Later(_) => None,
        }
    }
}

// === impl MemberState ===

impl MemberState {
    pub(super) fn has_namespace(&self, namespaces: crate::kinds::KindId, key: &Key) -> bool {
        let namespace = key.namespace_key(namespaces);
        self.copies.get(&namespace).is_some_and(|namespace| !namespace.is_deleted)
    }

    fn next_write(&mut self, now: Instant) -> Option<(Key, Action)> {
        if self.is_ready() { self.queue.next(now) } else { None }
    }

    /// A write that may make the copy is under way, or had no answer.
    fn is_unsure(&self, key: &Key) -> bool {
        self.unsure.contains(key) || self.queue.is_in_flight(key)
    }

    /// What is to be done for the debt of an object that is in the federation no more. Without a copy
    /// that it is about, the debt is over, unless one may come yet.
    fn payment(&mut self, key: &Key) -> Payment {
        let (is_unsure, may_come_late) = (self.is_unsure(key), self.may_come_late());
        let Some(Debts { owed: debts, .. }) = self.ledger.wanted.as_mut() else {
            return Payment::Nothing;
        };
        let Some(owed) = debts.get(key).cloned() else { return Payment::Nothing };
        let copy = self.copies.get(key).filter(|copy| {
            copy.owner == Owner::Us
                && !copy.is_deleted
                && owed.uid.as_ref().is_none_or(|uid| *uid == copy.uid)
        });
        match copy {
            Some(copy) => Payment::Now(Action::end(Some(copy.uid.clone()), owed.cascade)),
            None if is_unsure && owed.uid.is_none() => {
                Payment::Now(Action::end(None, owed.cascade))
            }
            // Its watch tells of a copy that comes.
            None if may_come_late && owed.uid.is_none() => Payment::Later(self.late_until),
            None => {
                debts.remove(key);
                Payment::Nothing
            }
        }
    }
}
