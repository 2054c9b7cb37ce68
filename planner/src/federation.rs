//! The state that everything is decided from: clusters, services, and the shards between them.
//!
//! Clusters and services are kept by small numbers, so that a million shards stay cheap: a shard
//! is listed once, at its service, and its cluster knows the service's number.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::{
    ClusterName, Freshness, LeftOut, Observed, ServiceKey, ServiceShard, StaleReason, Topology,
};

/// A cluster's number, valid until the cluster is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClusterId(u32);

/// A service's number, valid until no cluster has it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceId(u32);

/// One member cluster.
#[derive(Clone, Debug)]
pub struct ClusterEntry {
    pub name: ClusterName,
    pub freshness: Freshness,
    pub topology: Topology,
    /// The services that the cluster has, left-out ones included.
    services: BTreeSet<ServiceId>,
}

/// One service with what each cluster says of it.
#[derive(Clone, Debug)]
pub struct ServiceEntry {
    pub key: ServiceKey,
    /// Sorted by cluster; never empty.
    pub observed: Vec<(ClusterId, Observed)>,
}

/// All clusters and services.
#[derive(Clone, Debug, Default)]
pub struct Federation {
    clusters: Slab<ClusterEntry>,
    cluster_ids: BTreeMap<ClusterName, ClusterId>,
    services: Slab<ServiceEntry>,
    service_ids: HashMap<ServiceKey, ServiceId>,
}

// === impl Federation: reading ===

impl ClusterId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Federation {
    pub fn cluster_id(&self, name: &ClusterName) -> Option<ClusterId> {
        self.cluster_ids.get(name).copied()
    }

    pub fn cluster(&self, id: ClusterId) -> &ClusterEntry {
        self.clusters.get(id.0)
    }

    /// Sorted by name.
    pub fn clusters(&self) -> impl Iterator<Item = (ClusterId, &ClusterEntry)> {
        self.cluster_ids.values().map(|id| (*id, self.cluster(*id)))
    }

    pub fn service(&self, key: &ServiceKey) -> Option<&ServiceEntry> {
        self.service_ids.get(key).map(|id| self.service_by_id(*id))
    }

    pub fn service_by_id(&self, id: ServiceId) -> &ServiceEntry {
        self.services.get(id.0)
    }

    pub fn service_id(&self, key: &ServiceKey) -> Option<ServiceId> {
        self.service_ids.get(key).copied()
    }

    /// In no particular order.
    pub fn services(&self) -> impl Iterator<Item = &ServiceEntry> {
        self.services.iter()
    }

    /// In no particular order.
    pub fn service_ids(&self) -> impl Iterator<Item = ServiceId> + '_ {
        self.service_ids.values().copied()
    }

    pub fn service_count(&self) -> usize {
        self.service_ids.len()
    }
}

impl ClusterEntry {
    /// The services that the cluster has, left-out ones included.
    pub fn services(&self) -> impl ExactSizeIterator<Item = ServiceId> + '_ {
        self.services.iter().copied()
    }
}

impl ServiceEntry {
    /// Sorted by cluster.
    pub fn shards(&self) -> impl Iterator<Item = (ClusterId, &ServiceShard)> {
        self.observed.iter().filter_map(|(cluster, observed)| Some((*cluster, observed.shard()?)))
    }

    /// The clusters whose Service of this name makes no shard.
    pub fn left_out(&self) -> impl Iterator<Item = (ClusterId, &LeftOut)> {
        self.observed.iter().filter_map(|(cluster, observed)| match observed {
            Observed::LeftOut(reason) => Some((*cluster, reason)),
            Observed::Shard(_) => None,
        })
    }

    pub fn of_cluster(&self, cluster: ClusterId) -> Option<&Observed> {
        let at = self.observed.binary_search_by_key(&cluster, |(id, _)| *id).ok()?;
        Some(&self.observed[at].1)
    }
}

// === impl Federation: writing ===

impl Federation {
    /// The cluster's number; a new one starts stale, with nothing listed.
    pub(crate) fn join(&mut self, name: &ClusterName) -> ClusterId {
        if let Some(id) = self.cluster_id(name) {
            return id;
        }
        let id = ClusterId(self.clusters.insert(ClusterEntry {
            name: name.clone(),
            freshness: Freshness::Stale { since: None, reason: StaleReason::NotListed },
            topology: Topology::default(),
            services: BTreeSet::new(),
        }));
        self.cluster_ids.insert(name.clone(), id);
        id
    }

    /// Forgets a cluster that has no services left.
    pub(crate) fn leave(&mut self, id: ClusterId) {
        let entry = self.clusters.remove(id.0);
        debug_assert!(entry.services.is_empty());
        self.cluster_ids.remove(&entry.name);
    }

    pub(crate) fn set_freshness(&mut self, id: ClusterId, freshness: Freshness) {
        self.clusters.get_mut(id.0).freshness = freshness;
    }

    pub(crate) fn set_topology(&mut self, id: ClusterId, topology: Topology) {
        self.clusters.get_mut(id.0).topology = topology;
    }

    /// Puts in what `cluster` says of a service, or takes it out.
    pub(crate) fn set_observed(
        &mut self,
        cluster: ClusterId,
        key: &ServiceKey,
        observed: Option<Observed>,
    ) {
        match observed {
            Some(observed) => self.insert_observed(cluster, key, observed),
            None => self.remove_observed(cluster, key),
        }
    }

    fn insert_observed(&mut self, cluster: ClusterId, key: &ServiceKey, observed: Observed) {
        let id = match self.service_ids.get(key) {
            Some(id) => *id,
            None => {
                let entry = ServiceEntry { key: key.clone(), observed: Vec::with_capacity(1) };
                let id = ServiceId(self.services.insert(entry));
                self.service_ids.insert(key.clone(), id);
                id
            }
        };
        self.clusters.get_mut(cluster.0).services.insert(id);
        let all = &mut self.services.get_mut(id.0).observed;
        match all.binary_search_by_key(&cluster, |(id, _)| *id) {
            Ok(at) => all[at].1 = observed,
            Err(at) => {
                all.reserve_exact(1);
                all.insert(at, (cluster, observed));
            }
        }
    }

    fn remove_observed(&mut self, cluster: ClusterId, key: &ServiceKey) {
        let Some(id) = self.service_id(key) else {
            return;
        };
        self.clusters.get_mut(cluster.0).services.remove(&id);
        let all = &mut self.services.get_mut(id.0).observed;
        all.retain(|(id, _)| *id != cluster);
        if all.is_empty() {
            self.services.remove(id.0);
            self.service_ids.remove(key);
        }
    }
}

// === Slab ===

/// Values by small numbers that are used again after removal.
#[derive(Clone, Debug)]
struct Slab<T> {
    slots: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    fn insert(&mut self, value: T) -> u32 {
        if let Some(index) = self.free.pop() {
            self.slots[index as usize] = Some(value);
            return index;
        }
        let index = u32::try_from(self.slots.len()).expect("fewer than 2^32 entries fit in memory");
        self.slots.push(Some(value));
        index
    }

    fn remove(&mut self, index: u32) -> T {
        self.free.push(index);
        self.slots[index as usize].take().expect("a number is removed once")
    }

    fn get(&self, index: u32) -> &T {
        self.slots[index as usize].as_ref().expect("a number is used only while its entry lives")
    }

    fn get_mut(&mut self, index: u32) -> &mut T {
        self.slots[index as usize].as_mut().expect("a number is used only while its entry lives")
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().flatten()
    }
}
