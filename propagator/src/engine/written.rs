//! What writes came to.

use std::sync::Arc;
use std::time::Instant;

use model::ClusterName;

use crate::compare::{difference, digest};
use crate::decide::{Action, Settled};
use crate::endpoint::Trouble;
use crate::events::{News, reference};
use crate::key::Key;
use crate::object::{Copy, Federated};
use crate::queue::Backoff;
use crate::watch::chance;
use crate::write_federation::FederationWrite;
use crate::write_member::Written;

use super::Engine;
use super::members::MemberState;

/// How an Event names what was done.
struct Deed {
    reason: &'static str,
    verb: &'static str,
    /// Replicas before and after, of what was adopted.
    replicas: Option<(u32, u32)>,
}

const CREATED: Deed = Deed::new("CreateInCluster", "Created");
const UPDATED: Deed = Deed::new("UpdateInCluster", "Updated");
const ADOPTED: Deed = Deed::new("AdoptInCluster", "Adopted");
const DELETED: Deed = Deed::new("DeleteInCluster", "Deleted");
const LET_GO: Deed = Deed::new("OrphanInCluster", "Orphaned");

impl Engine {
    pub(super) fn federation_written(
        &mut self,
        key: Key,
        write: &FederationWrite,
        result: Result<Option<Arc<Federated>>, Trouble>,
    ) {
        if !self.kinds.is_watched(key.kind) {
            return self.queue.succeeded(&key);
        }
        match result {
            Ok(written) => {
                self.queue.succeeded(&key);
                match written {
                    // Its last finalizer is gone: so is the object.
                    Some(object) if object.is_deleted && object.finalizers.is_empty() => {
                        self.objects.remove(key.clone(), &object);
                    }
                    Some(object) => drop(self.objects.put(key.clone(), object)),
                    None => {
                        if self.objects.get(&key).is_some_and(|known| known.uid == write.uid) {
                            self.objects.forget(key.clone());
                        }
                    }
                }
            }
            Err(trouble) => {
                let backoff = backoff(&trouble);
                self.queue.failed(&key, trouble, backoff, chance(), Instant::now());
            }
        }
        self.touched.insert(key);
    }

    pub(super) fn member_written(
        &mut self,
        cluster: &ClusterName,
        key: Key,
        action: &Action,
        result: Result<Written, Trouble>,
    ) {
        let Some(state) = self.members.get_mut(cluster) else { return };
        if !self.kinds.is_watched(key.kind) {
            return state.queue.succeeded(&key);
        }
        match result {
            Ok(written) => {
                state.queue.succeeded(&key);
                let is_fight = state.is_fight(&key, action, &written);
                if let Some(deed) = state.written(&key, action, written) {
                    self.tell_deed(cluster, &key, &deed);
                }
                if is_fight {
                    self.tell_fight(cluster, &key);
                }
            }
            Err(trouble) => {
                let is_news = state.queue.failure(&key) != Some(&trouble);
                let (backoff, chance) = (backoff(&trouble), chance());
                state.queue.failed(&key, trouble.clone(), backoff, chance, Instant::now());
                if matches!((action, &trouble), (Action::Create { .. }, Trouble::Failed(_))) {
                    state.unsure.insert(key.clone());
                    state.expect_late();
                }
                if let Some(look) = state.looks.get_mut(&key) {
                    look.may_differ(&trouble);
                }
                if is_news {
                    self.tell_trouble(cluster, &key, action, &trouble);
                }
            }
        }
        self.touched.insert(key);
    }

    fn tell_deed(&self, cluster: &ClusterName, key: &Key, deed: &Deed) {
        let (kind, Some(object)) = (self.kinds.get(key.kind), self.objects.get(key)) else {
            return;
        };
        let (verb, name, path) = (deed.verb, kind.name(), key.path());
        self.events.tell(News {
            regarding: reference(kind, key, object),
            cluster: Some(cluster.clone()),
            is_warning: deed.replicas.is_some_and(|(before, after)| after < before),
            reason: deed.reason,
            action: deed.verb,
            note: format!("{verb} {name} {path:?} in cluster {cluster}{}", deed.of_replicas()),
        });
    }

    fn tell_fight(&self, cluster: &ClusterName, key: &Key) {
        let (kind, Some(object)) = (self.kinds.get(key.kind), self.objects.get(key)) else {
            return;
        };
        let (name, path) = (kind.name(), key.path());
        self.events.tell(News {
            regarding: reference(kind, key, object),
            cluster: Some(cluster.clone()),
            is_warning: true,
            reason: "ChangedInCluster",
            action: "Update",
            note: format!(
                "{name} {path:?} in cluster {cluster} is changed again and again by somebody else \
                 there, and is put back less and less often"
            ),
        });
    }

    fn tell_trouble(&self, cluster: &ClusterName, key: &Key, action: &Action, trouble: &Trouble) {
        let (kind, Some(object)) = (self.kinds.get(key.kind), self.objects.get(key)) else {
            return;
        };
        let (reason, class) = match (trouble, action) {
            (Trouble::NotHeld | Trouble::Outrun(_), _) => return,
            (Trouble::Foreign(_), _) => ("ConflictInCluster", "Conflict"),
            (_, Action::Create { .. }) => ("CreateInClusterFailed", trouble.class()),
            (_, Action::Update { .. }) => ("UpdateInClusterFailed", trouble.class()),
            (_, Action::Delete { .. } | Action::LetGo { .. }) => {
                ("DeleteInClusterFailed", trouble.class())
            }
        };
        self.events.tell(News {
            regarding: reference(kind, key, object),
            cluster: Some(cluster.clone()),
            is_warning: true,
            reason,
            action: class,
            note: format!("cluster {cluster}: {}", trouble.words()),
        });
    }
}

// === impl Deed ===

impl Deed {
    const fn new(reason: &'static str, verb: &'static str) -> Self {
        Self { reason, verb, replicas: None }
    }

    fn of_replicas(&self) -> String {
        match self.replicas {
            None => String::new(),
            Some((before, after)) if before == after => format!(" with its replicas: {after}"),
            Some((before, after)) => format!(" and scaled it from {before} to {after} replicas"),
        }
    }
}

// === impl MemberState ===

impl MemberState {
    /// Takes in what a write returned, and says what was done.
    fn written(&mut self, key: &Key, action: &Action, written: Written) -> Option<Deed> {
        let deed = match &written {
            Written::Created(_) => CREATED,
            Written::Updated(_) => UPDATED,
            Written::Adopted { copy, replicas_before } => {
                Deed { replicas: replicas_before.zip(copy.replicas()), ..ADOPTED }
            }
            Written::Deleted | Written::Terminating(_) => DELETED,
            Written::LetGo => LET_GO,
            Written::Gone => {
                self.forget(key);
                return None;
            }
        };
        match written {
            Written::Created(copy) | Written::Updated(copy) | Written::Adopted { copy, .. } => {
                self.stands(key, action, copy);
            }
            Written::Terminating(copy) => drop(self.copies.put(key.clone(), copy)),
            _ => self.forget(key),
        }
        Some(deed)
    }

    /// True once it is clear that another changes the copy whenever we put it back.
    fn is_fight(&mut self, key: &Key, action: &Action, written: &Written) -> bool {
        let (Action::Update { body, .. }, Written::Updated(_)) = (action, written) else {
            return false;
        };
        let wanted = digest(body);
        self.settled.get(key).is_some_and(|settled| settled.wanted == wanted)
            && self.repairs.note(key, wanted, Instant::now())
    }

    fn stands(&mut self, key: &Key, action: &Action, copy: Arc<Copy>) {
        if let Action::Create { body, .. } | Action::Update { body, .. } = action {
            let left = difference(body, &copy.body, &copy.applied);
            self.settled.insert(key.clone(), Settled { wanted: digest(body), left });
        }
        self.unsure.remove(key);
        self.copies.put(key.clone(), copy);
    }

    fn forget(&mut self, key: &Key) {
        self.settled.remove(key);
        self.unsure.remove(key);
        self.copies.forget(key.clone());
    }
}

fn backoff(trouble: &Trouble) -> Backoff {
    match trouble {
        Trouble::Outrun(_) | Trouble::NotHeld => Backoff::OUTRUN,
        Trouble::Missing(_) | Trouble::Failed(_) => Backoff::TROUBLE,
        Trouble::Foreign(_) | Trouble::Refused(_) => Backoff::REFUSED,
    }
}
