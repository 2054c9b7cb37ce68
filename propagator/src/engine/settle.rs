//! From what was touched to what waits in the queues, and from there to calls.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use model::ClusterName;

use crate::debts::Debts;
use crate::decide::{Action, Decision, MemberSituation, Problem, Reach, Situation, decide};
use crate::events::{News, reference};
use crate::key::Key;
use crate::object::{Federated, Owner};
use crate::write_federation::FederationWrite;
use crate::write_member::Write;

use super::members::MemberState;
use super::{Engine, Message};

impl Engine {
    /// Decides on everything that was touched.
    pub(super) fn settle(&mut self) {
        if !self.is_writing {
            return;
        }
        for key in std::mem::take(&mut self.touched) {
            if !self.objects.is_listed(key.kind) {
                continue;
            }
            match self.objects.get(&key).cloned() {
                Some(object) => self.settle_object(&key, &object),
                None => self.settle_absence(&key),
            }
        }
    }

    fn settle_object(&mut self, key: &Key, object: &Arc<Federated>) {
        let namespaces = self.namespace_kind().filter(|_| !key.namespace.is_empty());
        let kind = self.kinds.get(key.kind);
        let members = self.members.iter().map(|(name, state)| {
            let has_namespace = namespaces.is_none_or(|kind| state.has_namespace(kind, key));
            let situation = MemberSituation {
                member: &state.member,
                reach: state.reach(key.kind, namespaces),
                copy: state.copies.get(key).map(|copy| &**copy),
                has_namespace,
                settled: state.settled.get(key).copied(),
                is_unsure: state.unsure.contains(key),
                is_owed: state.is_owed(key),
            };
            (name, situation)
        });
        let situation = Situation {
            key,
            kind,
            federation: &self.settings.federation,
            object,
            members: members.collect(),
        };
        let decision = decide(&situation);
        self.carry_out(key, object, decision);
    }

    fn carry_out(&mut self, key: &Key, object: &Arc<Federated>, decision: Decision) {
        let Decision { mut actions, finalizers, mut owed, problems } = decision;
        for (name, state) in &mut self.members {
            state.queue.set(key, actions.remove(name));
            if let Some(Debts(debts)) = state.ledger.wanted.as_mut() {
                match owed.remove(name) {
                    Some(owed) => drop(debts.insert(key.clone(), owed)),
                    None if !object.is_deleted => drop(debts.remove(key)),
                    None => {}
                }
            }
        }
        let write = FederationWrite {
            uid: object.uid.clone(),
            finalizers: finalizers.map(|list| (list, object.resource_version.clone())),
            ..FederationWrite::default()
        };
        self.queue.set(key, (!write.is_empty()).then_some(write));
        self.tell_problems(key, object, problems);
    }

    /// No object of that name is in the federation: nothing is done but what is owed.
    fn settle_absence(&mut self, key: &Key) {
        self.queue.set(key, None);
        self.told.remove(key);
        let namespaces = self.namespace_kind().filter(|_| !key.namespace.is_empty());
        for state in self.members.values_mut() {
            state.queue.set(key, None);
            if state.reach(key.kind, namespaces) == Reach::Known {
                let payment = state.payment(key);
                state.queue.set(key, payment);
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
                    cluster: None,
                    is_warning: true,
                    reason: problem.reason,
                    action: problem.reason,
                    note: problem.detail,
                });
            }
        }
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

// === impl MemberState ===

impl MemberState {
    pub(super) fn has_namespace(&self, namespaces: crate::kinds::KindId, key: &Key) -> bool {
        let namespace =
            Key { kind: namespaces, namespace: String::new(), name: key.namespace.clone() };
        self.copies.get(&namespace).is_some_and(|namespace| !namespace.is_deleted)
    }

    fn next_write(&mut self, now: Instant) -> Option<(Key, Action)> {
        if self.is_ready() { self.queue.next(now) } else { None }
    }

    /// What is to be done for the debt of an object that is in the federation no more. Without a copy
    /// that it is about, the debt is over.
    fn payment(&mut self, key: &Key) -> Option<Action> {
        let Debts(debts) = self.ledger.wanted.as_mut()?;
        let owed = debts.get(key)?.clone();
        let copy = self.copies.get(key).filter(|copy| {
            copy.owner == Owner::Us
                && !copy.is_deleted
                && owed.uid.as_ref().is_none_or(|uid| *uid == copy.uid)
        });
        if copy.is_none() {
            debts.remove(key);
        }
        copy.map(|copy| Action::end(Some(copy.uid.clone()), owed.cascade))
    }
}
