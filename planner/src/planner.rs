//! State and settings together: a change of state becomes a change of each zone.
//!
//! Work grows with the change, never with the zone: a service that is touched is planned as it was
//! and as it is, and the two are compared. Only a change of where a cluster is, or of who is a
//! member, touches many services.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    ClusterChange, ClusterName, ClusterView, EmptyLevels, Freshness, Name, Observed, RecordSet,
    ServiceKey, Topology, ZoneContents, ZoneDiff,
};

use crate::federation::{ClusterId, Federation, ServiceEntry, ServiceId};
use crate::ladder::{LeftOutName, ServicePlan, plan_service};
use crate::rungs::Rungs;
use crate::settings::ZoneSettings;

/// Owns the state and plans every zone from it.
#[derive(Debug)]
pub struct Planner {
    federation: Federation,
    zones: Vec<ZonePlanner>,
}

#[derive(Debug)]
struct ZonePlanner {
    settings: ZoneSettings,
    rungs: Rungs,
}

/// What changes do to the zones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// One for each zone, in the planner's order.
    pub diffs: Vec<ZoneDiff>,
    /// Names that services should have now and cannot have.
    pub newly_left_out: Vec<LeftOutName>,
    /// Names that were left out and no longer are: they stand, or nobody wants them.
    pub no_longer_left_out: Vec<LeftOutName>,
}

/// The plans of one service in every zone, as they were at one moment.
type Plans = Vec<ServicePlan>;

// === impl Planner ===

impl Planner {
    /// A federation without members; `zones` keep their order in everything that is returned.
    pub fn new(zones: Vec<ZoneSettings>) -> Self {
        Self::with_federation(Federation::default(), zones)
    }

    /// Other settings over the same state, as after a reload.
    pub fn with_federation(federation: Federation, zones: Vec<ZoneSettings>) -> Self {
        let mut planner = Self {
            federation,
            zones: zones
                .into_iter()
                .map(|settings| ZonePlanner { settings, rungs: Rungs::default() })
                .collect(),
        };
        planner.rebuild_rungs();
        planner
    }

    pub fn federation(&self) -> &Federation {
        &self.federation
    }

    pub fn into_federation(self) -> Federation {
        self.federation
    }

    pub fn zones(&self) -> impl ExactSizeIterator<Item = &ZoneSettings> {
        self.zones.iter().map(|zone| &zone.settings)
    }

    /// Everything that a zone should hold: the base first, then the services in no order. No name
    /// comes twice. Names that cannot be are added to `left_out`.
    pub fn zone_names<'a>(
        &'a self,
        zone: usize,
        left_out: &'a mut Vec<LeftOutName>,
    ) -> impl Iterator<Item = (Name, Vec<RecordSet>)> + 'a {
        let base = self.zones[zone].settings.base.iter();
        let planned = self.federation.services().flat_map(move |entry| {
            let plan = self.plan_in(zone, entry);
            left_out.extend(plan.left_out);
            plan.names
        });
        base.chain(planned.map(|planned| (planned.name, planned.sets)))
    }

    /// The same, as a value.
    pub fn zone_contents(&self, zone: usize) -> ZoneContents {
        let mut contents = ZoneContents::new(self.zones[zone].settings.zone.clone());
        for (name, sets) in self.zone_names(zone, &mut Vec::new()) {
            contents.replace(name, sets);
        }
        contents
    }

    /// One service's plan in one zone.
    pub fn service_plan(&self, zone: usize, key: &ServiceKey) -> ServicePlan {
        match self.federation.service(key) {
            Some(entry) => self.plan_in(zone, entry),
            None => ServicePlan::default(),
        }
    }

    /// Takes changes in without saying what they do to the zones: for what happens before the
    /// first publication, which plans everything once.
    pub fn absorb(&mut self, cluster: &ClusterName, change: ClusterChange) {
        match change {
            ClusterChange::View(view) => {
                let id = self.federation.join(cluster);
                self.federation.set_topology(id, view.topology.clone());
                for key in self.keys_missing_in(id, &view) {
                    self.federation.set_observed(id, &key, None);
                }
                for (key, observed) in view.services {
                    self.federation.set_observed(id, &key, Some(observed));
                }
            }
            ClusterChange::Service(key, observed) => {
                let id = self.federation.join(cluster);
                self.federation.set_observed(id, &key, observed);
            }
            ClusterChange::Topology(topology) => {
                let id = self.federation.join(cluster);
                self.federation.set_topology(id, topology);
            }
            ClusterChange::Freshness(freshness) => self.set_freshness(cluster, freshness),
            ClusterChange::Gone => {
                let Some(id) = self.federation.cluster_id(cluster) else {
                    return;
                };
                for key in self.keys_of(id) {
                    self.federation.set_observed(id, &key, None);
                }
                self.federation.leave(id);
            }
        }
    }

    /// Ends a run of [`Self::absorb`].
    pub fn absorbed(&mut self) {
        self.rebuild_rungs();
    }

    /// Nothing yet: to be filled by [`Self::apply`].
    pub fn no_effects(&self) -> Effects {
        Effects { diffs: vec![ZoneDiff::default(); self.zones.len()], ..Effects::default() }
    }

    /// Applies one change and adds what it does to `effects`.
    pub fn apply(&mut self, cluster: &ClusterName, change: ClusterChange, effects: &mut Effects) {
        match change {
            ClusterChange::View(view) => self.apply_view(cluster, view, effects),
            ClusterChange::Service(key, observed) => {
                let id = self.federation.join(cluster);
                self.apply_service(id, &key, observed, effects);
            }
            ClusterChange::Topology(topology) => {
                let id = self.federation.join(cluster);
                self.apply_topology(id, topology, effects);
            }
            ClusterChange::Freshness(freshness) => self.set_freshness(cluster, freshness),
            ClusterChange::Gone => self.apply_gone(cluster, effects),
        }
    }

    fn set_freshness(&mut self, cluster: &ClusterName, freshness: Freshness) {
        let id = self.federation.join(cluster);
        self.federation.set_freshness(id, freshness);
    }

    /// The place first: what the services that stay have there is then compared only once more.
    fn apply_view(&mut self, cluster: &ClusterName, view: ClusterView, effects: &mut Effects) {
        let id = self.federation.join(cluster);
        self.apply_topology(id, view.topology.clone(), effects);
        for key in self.keys_missing_in(id, &view) {
            self.apply_service(id, &key, None, effects);
        }
        for (key, observed) in view.services {
            self.apply_service(id, &key, Some(observed), effects);
        }
    }

    fn apply_service(
        &mut self,
        id: ClusterId,
        key: &ServiceKey,
        observed: Option<Observed>,
        effects: &mut Effects,
    ) {
        let known = self.federation.service(key).and_then(|entry| entry.of_cluster(id));
        if known == observed.as_ref() {
            return;
        }
        let before = self.plans_of(self.federation.service(key));
        self.federation.set_observed(id, key, observed);
        let after = self.plans_of(self.federation.service(key));
        effects.record(before, after);
    }

    fn apply_topology(&mut self, id: ClusterId, topology: Topology, effects: &mut Effects) {
        if self.federation.cluster(id).topology == topology {
            return;
        }
        self.federation.set_topology(id, topology);
        let touched = self.touched_by_place(id);
        self.move_rungs(&touched, effects);
    }

    fn apply_gone(&mut self, cluster: &ClusterName, effects: &mut Effects) {
        let Some(id) = self.federation.cluster_id(cluster) else {
            return;
        };
        for key in self.keys_of(id) {
            self.apply_service(id, &key, None, effects);
        }
        self.apply_topology(id, Topology::default(), effects);
        self.federation.leave(id);
    }

    /// Plans `touched` on the old rungs and on new ones, and keeps the new.
    fn move_rungs(&mut self, touched: &[ServiceId], effects: &mut Effects) {
        for zone in 0..self.zones.len() {
            let rungs = self.rungs_of(&self.zones[zone].settings);
            if rungs == self.zones[zone].rungs {
                continue;
            }
            let ZonePlanner { settings, rungs: old } = &self.zones[zone];
            for service in touched {
                let entry = self.federation.service_by_id(*service);
                let before = plan_service(entry, &self.federation, old, settings);
                let after = plan_service(entry, &self.federation, &rungs, settings);
                effects.record_one(zone, before, after);
            }
            self.zones[zone].rungs = rungs;
        }
    }

    /// With `emptyLevels: all` every service has names at every cluster's place.
    fn touched_by_place(&self, id: ClusterId) -> Vec<ServiceId> {
        let all = |zone: &ZonePlanner| zone.settings.empty_levels == EmptyLevels::All;
        if self.zones.iter().any(all) {
            self.federation.service_ids().collect()
        } else {
            self.federation.cluster(id).services().collect()
        }
    }

    fn keys_of(&self, id: ClusterId) -> Vec<ServiceKey> {
        let services = self.federation.cluster(id).services();
        services.map(|service| self.federation.service_by_id(service).key.clone()).collect()
    }

    fn keys_missing_in(&self, id: ClusterId, view: &ClusterView) -> BTreeSet<ServiceKey> {
        let mut keys: BTreeSet<ServiceKey> = self.keys_of(id).into_iter().collect();
        keys.retain(|key| !view.services.contains_key(key));
        keys
    }

    fn plans_of(&self, entry: Option<&ServiceEntry>) -> Plans {
        let Some(entry) = entry else {
            return vec![ServicePlan::default(); self.zones.len()];
        };
        (0..self.zones.len()).map(|zone| self.plan_in(zone, entry)).collect()
    }

    fn plan_in(&self, zone: usize, entry: &ServiceEntry) -> ServicePlan {
        let ZonePlanner { settings, rungs } = &self.zones[zone];
        plan_service(entry, &self.federation, rungs, settings)
    }

    fn rungs_of(&self, settings: &ZoneSettings) -> Rungs {
        // Numbers are given again after a cluster leaves, so names do not ascend with them.
        let mut clusters: Vec<_> = self.federation.clusters().collect();
        clusters.sort_by_key(|(id, _)| *id);
        Rungs::new(settings, clusters.into_iter().map(|(id, entry)| (id, &entry.topology)))
    }

    fn rebuild_rungs(&mut self) {
        for zone in 0..self.zones.len() {
            self.zones[zone].rungs = self.rungs_of(&self.zones[zone].settings);
        }
    }
}

// === impl Effects ===

impl Effects {
    fn record(&mut self, before: Plans, after: Plans) {
        for (zone, (before, after)) in before.into_iter().zip(after).enumerate() {
            self.record_one(zone, before, after);
        }
    }

    fn record_one(&mut self, zone: usize, before: ServicePlan, after: ServicePlan) {
        if before.left_out != after.left_out {
            let gone = before.left_out.iter().filter(|left| !after.left_out.contains(left));
            self.no_longer_left_out.extend(gone.cloned());
            let new = after.left_out.iter().filter(|left| !before.left_out.contains(left));
            self.newly_left_out.extend(new.cloned());
        }
        if before.names == after.names {
            return;
        }
        let diff = &mut self.diffs[zone];
        let mut had: BTreeMap<Name, Vec<RecordSet>> =
            before.names.into_iter().map(|planned| (planned.name, planned.sets)).collect();
        for planned in after.names {
            let sets = had.remove(&planned.name).unwrap_or_default();
            diff.record(planned.name, sets, planned.sets);
        }
        for (name, sets) in had {
            diff.record(name, sets, Vec::new());
        }
    }
}
