//! How the replicas of an object stand in each member: those of its copy, none where no copy can be made,
//! and those of what it is to take over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clusters::federation::names::ADOPT_ANNOTATION;
use model::{ClusterName, UnixTime};
use planner::replicas::Standing;

use crate::decide::{Reach, Sought, conflict_since};
use crate::endpoint::{Endpoint, Trouble};
use crate::key::Key;
use crate::kinds::{Kind, Role};
use crate::object::{Copy, Federated, Owner};
use crate::pods::{self, Look, Pods, unix_now};

use super::members::{MemberState, PATIENCE};
use super::{Engine, Message};

impl Engine {
    /// Looks at pods where not all are ready, and for what is to be adopted.
    pub(super) fn standings(
        &mut self,
        key: &Key,
        object: &Federated,
    ) -> BTreeMap<ClusterName, Standing> {
        if !matches!(self.kinds.get(key.kind).role, Role::Deployment | Role::ReplicaSet) {
            return BTreeMap::new();
        }
        let now = unix_now();
        let names: Vec<ClusterName> = self.members.keys().cloned().collect();
        let mut standings = BTreeMap::new();
        for name in names {
            let copy = self.members[&name].copies.get(key).cloned();
            let seen = match copy {
                Some(copy) => self.standing_of(&name, key, &copy, now),
                None => self.standing_without_copy(&name, key, object, now),
            };
            let Some((standing, look_again)) = seen else { continue };
            if let Some(at) = look_again {
                let wait = Duration::from_secs(at.0.saturating_sub(now.0).max(1));
                self.wakes.insert((Instant::now() + wait, Some(key.clone())));
            }
            standings.insert(name, standing);
        }
        standings
    }

    fn standing_of(
        &mut self,
        name: &ClusterName,
        key: &Key,
        copy: &Arc<Copy>,
        unix_now: UnixTime,
    ) -> Option<(Standing, Option<UnixTime>)> {
        let now = Instant::now();
        let settings = &self.settings.eligibility;
        let state = self.members.get_mut(name)?;
        let is_ready = state.is_ready();
        let look = state.looks.entry(key.clone()).or_default();
        look.has_copy();
        if pods::is_complete(copy) {
            (look.pods, look.next) = (None, None);
        } else if is_ready && !look.is_in_flight {
            let next = *look.next.get_or_insert(now + pods::look_interval(settings));
            if next <= now {
                look.is_in_flight = true;
                let (endpoint, tell) = (state.endpoint.clone(), self.messages.0.clone());
                let (name, key, copy) = (name.clone(), key.clone(), Arc::clone(copy));
                self.calls.spawn(async move {
                    let result = pods::look(&endpoint, &key, &copy).await;
                    // Nobody listens after the end.
                    tell.send(Message::PodsSeen(name, key, result)).await.unwrap_or_default();
                });
            } else {
                self.wakes.insert((next, Some(key.clone())));
            }
        }
        Some(look.observe(copy, unix_now, settings))
    }

    fn standing_without_copy(
        &mut self,
        name: &ClusterName,
        key: &Key,
        object: &Federated,
        now: UnixTime,
    ) -> Option<(Standing, Option<UnixTime>)> {
        let adopts = adopts(object);
        if adopts && !object.is_deleted {
            self.seek(name, key);
        }
        let state = self.members.get_mut(name)?;
        // What was told before is so until something newer is known.
        let told = conflict_since(&object.status, name).filter(|_| !adopts);
        let is_barred = told.is_some() || state.is_barred(key, adopts);
        if is_barred {
            let look = state.looks.entry(key.clone()).or_default();
            look.barred_since.get_or_insert(told.unwrap_or(now));
        }
        let look = state.looks.get_mut(key)?;
        if !is_barred {
            look.barred_since = None;
        }
        if !adopts {
            look.sought = None;
        }
        Some(look.observe_absence(now, &self.settings.eligibility))
    }

    /// Looks once for what stands in a member where the copy of an object that adopts is to be.
    fn seek(&mut self, name: &ClusterName, key: &Key) {
        let Some(state) = self.members.get_mut(name) else { return };
        let namespaces = self.kinds.of_role(Role::Namespace);
        let can_stand = state.reach(key.kind, &self.kinds) == Reach::Known
            && namespaces.is_none_or(|kind| state.has_namespace(kind, key));
        let look = state.looks.entry(key.clone()).or_default();
        if !can_stand || look.sought.is_some() {
            return;
        }
        look.sought = Some(Sought::UnderWay);
        let (endpoint, tell) = (state.endpoint.clone(), self.messages.0.clone());
        let (kind, federation) =
            (self.kinds.get(key.kind).clone(), self.settings.federation.clone());
        let (name, key) = (name.clone(), key.clone());
        self.calls.spawn(async move {
            let found = tokio::time::timeout(PATIENCE, find(&endpoint, &kind, &key, &federation));
            let result = found.await.unwrap_or_else(|_| Err(Trouble::Failed("no answer".into())));
            // Nobody listens after the end.
            tell.send(Message::Sought(name, key, result)).await.unwrap_or_default();
        });
    }

    pub(super) fn pods_seen(
        &mut self,
        cluster: &ClusterName,
        key: &Key,
        result: Result<Pods, Trouble>,
    ) {
        let next = Instant::now() + pods::look_interval(&self.settings.eligibility);
        let Some(look) = self.look(cluster, key) else { return };
        (look.is_in_flight, look.next) = (false, Some(next));
        match result {
            Ok(pods) => look.pods = Some(pods),
            // Without a look at them no pod is known that does not fit.
            Err(trouble) => {
                tracing::debug!(%cluster, object = key.path(), "pods: {}", trouble.words());
            }
        }
        self.touched.insert(key.clone());
    }

    pub(super) fn sought(
        &mut self,
        cluster: &ClusterName,
        key: &Key,
        result: Result<Option<Arc<Copy>>, Trouble>,
    ) {
        let Some(look) = self.look(cluster, key) else { return };
        look.found(match result {
            Ok(found) => found,
            // The write that follows says what is wrong, and looks anew if something is there.
            Err(trouble) => {
                tracing::debug!(%cluster, object = key.path(), "adopting: {}", trouble.words());
                None
            }
        });
        self.touched.insert(key.clone());
    }

    fn look(&mut self, cluster: &ClusterName, key: &Key) -> Option<&mut Look> {
        self.members.get_mut(cluster)?.looks.get_mut(key)
    }
}

// === impl MemberState ===

impl MemberState {
    /// No copy can be made as long as nobody changes something.
    fn is_barred(&self, key: &Key, adopts: bool) -> bool {
        self.queue
            .failure(key)
            .is_some_and(|why| why.is_standing() && !(adopts && why.is_conflict()))
    }
}

fn adopts(object: &Federated) -> bool {
    object.annotation(ADOPT_ANNOTATION) == Some("true")
}

/// What stands there and is not ours.
async fn find(
    endpoint: &Endpoint,
    kind: &Kind,
    key: &Key,
    federation: &str,
) -> Result<Option<Arc<Copy>>, Trouble> {
    let api = endpoint.api(kind, &key.namespace).await?;
    let request = format!("get {} {}", kind.resource.plural, key.path());
    let found = endpoint.call(&request, api.get_opt(&key.name)).await?;
    let found = found.map(|object| Copy::new(object, federation));
    Ok(found.filter(|there| there.owner == Owner::Other && !there.is_deleted))
}
