//! A reload while serving: seen whole before anything changes, then carried out in one step or held.
//!
//! ```text
//! [ none ] -- Input::Reload --> [ staging ] -- every view is there --> guard --> carried out | held
//!                                   |  ^                                 ^
//!                                   '--' what the new watchers see       '-- DecideReload
//! ```
//!
//! Clusters that are to be looked at in another way have two watchers meanwhile: the old one goes
//! on to be what is served, and what the new one sees is collected beside it.

use std::collections::{BTreeMap, BTreeSet};

use clusters::Cluster;
use model::{ClusterChange, ClusterName, ClusterView, Freshness, StaleReason};
use planner::{Planner, ZoneSettings};
use tokio::sync::oneshot;

use super::guard::{ReloadHeld, no_view, vanishing_too_many};
use super::members::Member;
use super::{Batch, Pipeline, WatchId};
use crate::heap;
use crate::state::ClusterNote;

/// What a reload changes.
pub struct Reload {
    pub zones: Vec<ZoneSettings>,
    pub clusters: Vec<Cluster>,
    /// Clusters whose departure somebody asked for: what goes with them is not counted.
    pub leaving: BTreeSet<ClusterName>,
    /// Clusters in whose place somebody put others: what goes with those of before is not counted.
    pub replaced: BTreeSet<ClusterName>,
    /// There are no other members.
    pub members_are_known: bool,
    /// The new watchers of clusters that have one already.
    pub successors: BTreeMap<ClusterName, WatchId>,
    /// Of the config: what is approved unseen is approved for this one alone.
    pub fingerprint: u64,
    /// The hash of what may be carried out though it would be held.
    pub approved: Option<String>,
}

/// What came of a reload. Carried out, it still leaves clusters as they were that have not been seen
/// under the new settings.
pub type Decision = Result<BTreeSet<ClusterName>, ReloadHeld>;

/// When a reload is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decide {
    /// Once each of its clusters has been seen.
    WhenComplete,
    /// Without those that have not been seen: they stay as they are.
    Now,
}

/// A reload, and what the new watchers have seen so far.
pub struct Staging {
    reload: Reload,
    decision: oneshot::Sender<Decision>,
    seen: BTreeMap<ClusterName, Seen>,
}

/// What the new watcher of a cluster has seen.
struct Seen {
    watch: WatchId,
    view: Option<ClusterView>,
    freshness: Option<Freshness>,
}

// === impl Staging ===

impl Staging {
    pub fn new(reload: Reload, decision: oneshot::Sender<Decision>) -> Self {
        let unseen = |watch: &WatchId| Seen { watch: *watch, view: None, freshness: None };
        let successors = reload.successors.iter();
        let seen = successors.map(|(cluster, watch)| (cluster.clone(), unseen(watch))).collect();
        Self { reload, decision, seen }
    }

    pub fn is_seen_by(&self, cluster: &ClusterName, watch: WatchId) -> bool {
        self.seen.get(cluster).is_some_and(|seen| seen.watch == watch)
    }

    pub fn see(&mut self, cluster: &ClusterName, change: ClusterChange) {
        let Some(seen) = self.seen.get_mut(cluster) else { return };
        match (change, &mut seen.view) {
            (ClusterChange::View(view), _) => seen.view = Some(view),
            (ClusterChange::Service(key, Some(observed)), Some(view)) => {
                view.services.insert(key, observed);
            }
            (ClusterChange::Service(key, None), Some(view)) => {
                view.services.remove(&key);
            }
            (ClusterChange::Topology(topology), Some(view)) => view.topology = topology,
            (ClusterChange::Freshness(freshness), _) => seen.freshness = Some(freshness),
            // Before its view, a watcher tells of what was saved, as the one before it does.
            (ClusterChange::Service(..) | ClusterChange::Topology(_), None) => {}
            // Only the config says so.
            (ClusterChange::Gone, _) => {}
        }
    }

    /// The clusters whose view is not there yet.
    fn unseen(&self) -> Vec<(ClusterName, Option<StaleReason>)> {
        let unseen = self.seen.iter().filter(|(_, seen)| seen.view.is_none());
        let reason = |seen: &Seen| match &seen.freshness {
            Some(Freshness::Stale { reason, .. }) => Some(reason.clone()),
            _ => None,
        };
        unseen.map(|(cluster, seen)| (cluster.clone(), reason(seen))).collect()
    }
}

// === impl Pipeline ===

impl Pipeline {
    /// What a reload waits for, as something that holds it.
    pub fn reload_waits(&self) -> Option<ReloadHeld> {
        let staging = self.staging.as_ref()?;
        no_view(staging.unseen(), staging.reload.fingerprint)
    }

    /// Decides the reload that waits, if it is time. Before the first publication nothing is served
    /// that could vanish.
    pub(super) fn decide_reload(&mut self, when: Decide, batch: &mut Batch) {
        let complete = |staging: &Staging| staging.unseen().is_empty();
        let is_time = |staging: &Staging| when == Decide::Now || complete(staging);
        let Some(staging) = self.staging.take_if(|it| !self.published || is_time(it)) else {
            return;
        };
        self.settle(batch);
        let Staging { reload, decision, seen } = staging;
        let decided = match self.holds(&reload, &seen) {
            Some(held) if reload.approved.as_ref() != Some(&held.hash) => Err(held),
            _ => Ok(self.carry_out(reload, seen)),
        };
        // Whoever wanted it may be stopping.
        let _ = decision.send(decided);
        *batch = Batch::new(&self.planner);
    }

    fn holds(&self, reload: &Reload, seen: &BTreeMap<ClusterName, Seen>) -> Option<ReloadHeld> {
        if !self.published {
            return None;
        }
        let federation = self.planner.federation().clone();
        let mut after = Planner::with_federation(federation, reload.zones.clone());
        for gone in self.gone(&reload.clusters) {
            after.absorb(&gone, ClusterChange::Gone);
        }
        for (cluster, seen) in seen {
            if let Some(view) = &seen.view {
                after.absorb(cluster, ClusterChange::View(view.clone()));
            }
        }
        after.absorbed();
        match self.as_asked_for(reload, seen) {
            Some(before) => vanishing_too_many(&before, &after),
            None => vanishing_too_many(&self.planner, &after),
        }
    }

    /// What would be planned with nothing but what somebody asked for; `None` where that is nothing.
    fn as_asked_for(&self, reload: &Reload, seen: &BTreeMap<ClusterName, Seen>) -> Option<Planner> {
        let leaving = reload.leaving.iter().filter(|name| self.members.contains_key(*name));
        let leaving = leaving.map(|name| (name, ClusterChange::Gone));
        let replaced = reload.replaced.iter().filter_map(|name| {
            let view = seen.get(name)?.view.clone()?;
            Some((name, ClusterChange::View(view)))
        });
        let mut changes = leaving.chain(replaced).peekable();
        changes.peek()?;
        let federation = self.planner.federation().clone();
        let mut planner =
            Planner::with_federation(federation, self.planner.zones().cloned().collect());
        changes.for_each(|(name, change)| planner.absorb(name, change));
        planner.absorbed();
        Some(planner)
    }

    /// The members that are not among these.
    fn gone(&self, clusters: &[Cluster]) -> Vec<ClusterName> {
        let stays = |name: &ClusterName| clusters.iter().any(|cluster| cluster.name == *name);
        self.members.keys().filter(|name| !stays(name)).cloned().collect()
    }

    /// Takes over other settings and members; what changes is published like any change. Returns
    /// the clusters that stay as they are.
    fn carry_out(
        &mut self,
        reload: Reload,
        seen: BTreeMap<ClusterName, Seen>,
    ) -> BTreeSet<ClusterName> {
        let knew_clusters = self.clusters_are_known();
        self.members_are_known = reload.members_are_known;
        let gone = self.gone(&reload.clusters);
        let (leaving, dropped) = gone.into_iter().partition(|it| reload.leaving.contains(it));
        let mut asked_for = Batch::new(&self.planner);
        asked_for.is_asked_for = true;
        self.end_members(leaving, &mut asked_for);
        let (replaced, seen): (Vec<_>, Vec<_>) = seen.into_iter().partition(|(name, seen)| {
            self.published && seen.view.is_some() && reload.replaced.contains(name)
        });
        for (cluster, seen) in replaced {
            self.follow(&cluster, seen, &mut asked_for);
        }
        self.settle(&mut asked_for);
        let mut batch = Batch::new(&self.planner);
        self.end_members(dropped, &mut batch);
        for cluster in &reload.clusters {
            let planner = &mut self.planner;
            let member = self.members.entry(cluster.name.clone());
            member.or_insert_with(|| Member::start(cluster, None, planner));
        }
        let mut unseen = BTreeSet::new();
        for (cluster, seen) in seen {
            if seen.view.is_some() || !self.published {
                self.follow(&cluster, seen, &mut batch);
            } else {
                unseen.insert(cluster);
            }
        }
        for cluster in reload.clusters.iter().filter(|it| !unseen.contains(&it.name)) {
            if let Some(member) = self.members.get_mut(&cluster.name) {
                member.looks_at(&cluster.source);
            }
        }
        self.finish(batch);
        self.replace_zones(reload.zones);
        heap::give_back();
        self.recount_left_out();
        self.publish_first_if_ready();
        if self.published && !knew_clusters {
            self.tell_clusters_known();
        }
        unseen
    }

    fn end_members(&mut self, names: Vec<ClusterName>, batch: &mut Batch) {
        for name in names {
            self.members.remove(&name);
            self.state.cluster(&name, ClusterNote::Forget);
            self.take_over(&name, ClusterChange::Gone, batch);
        }
    }

    /// From now on the new watcher speaks for the cluster.
    fn follow(&mut self, cluster: &ClusterName, seen: Seen, batch: &mut Batch) {
        let Seen { watch, view, freshness } = seen;
        let Some(member) = self.members.get_mut(cluster) else { return };
        member.follow(watch);
        let is_seen = view.is_some();
        if let Some(view) = view {
            let change = ClusterChange::View(view);
            let note = member.note(&change);
            batch.notes.extend(note.map(|note| (cluster.clone(), note)));
            self.take_over(cluster, change, batch);
        }
        let unseen = || (!is_seen).then(|| self.not_listed(cluster));
        if let Some(freshness) = freshness.or_else(unseen) {
            self.take_over(cluster, ClusterChange::Freshness(freshness), batch);
        }
    }

    fn not_listed(&self, cluster: &ClusterName) -> Freshness {
        let since = self.members.get(cluster).and_then(Member::last_contact);
        Freshness::Stale { since, reason: StaleReason::NotListed }
    }

    fn take_over(&mut self, cluster: &ClusterName, change: ClusterChange, batch: &mut Batch) {
        match self.published {
            true => {
                batch.departures.note(self.planner.federation(), cluster, &change);
                self.planner.apply(cluster, change, &mut batch.effects);
            }
            false => self.planner.absorb(cluster, change),
        }
    }
}
