//! Clusters and services made up in this process, always the same.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use model::{
    ClusterChange, ClusterName, ClusterView, EmptyLevels, Label, Levels, Location, Name, Observed,
    ServiceKey, ServiceShard, Topology,
};
use planner::base::StaticNames;
use planner::{NameServer, ZoneSettings, base_contents};

use crate::query::name;

/// Services of which each stands in as many clusters, spread evenly.
#[derive(Clone, Copy, Debug)]
pub struct Population {
    pub clusters: usize,
    pub services: usize,
    pub clusters_per_service: usize,
}

/// Clusters that share a region; each has an availability zone of its own.
const CLUSTERS_PER_REGION: usize = 10;
const SERVICES_PER_NAMESPACE: usize = 100;

impl Population {
    pub fn shards(self) -> usize {
        self.services * self.clusters_per_service
    }

    pub fn cluster_name(cluster: usize) -> ClusterName {
        ClusterName::new(&format!("cluster-{cluster:04}"))
    }

    pub fn key(service: usize) -> ServiceKey {
        let namespace = format!("team-{:05}", service / SERVICES_PER_NAMESPACE);
        ServiceKey::new(&namespace, &format!("service-{service:07}"))
    }

    /// A healthy shard with one address.
    pub fn shard(number: usize) -> Observed {
        let number = u32::try_from(number % (1 << 24)).expect("it is below 2^24");
        let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 0, 0, 0)) + number);
        Observed::Shard(ServiceShard::healthy([IpAddr::V4(address)]))
    }

    /// The number of the cluster that has the service as its `at`th.
    pub fn cluster_of(self, service: usize, at: usize) -> usize {
        (service + at * (self.clusters / self.clusters_per_service)) % self.clusters
    }

    /// All that one cluster has.
    pub fn view(self, cluster: usize) -> ClusterChange {
        let of_cluster = (0..self.clusters_per_service).flat_map(|at| {
            let shift = at * (self.clusters / self.clusters_per_service);
            let first = (cluster + self.clusters - shift) % self.clusters;
            (first..self.services).step_by(self.clusters)
        });
        let services: BTreeMap<ServiceKey, Observed> = of_cluster
            .map(|service| (Self::key(service), Self::shard(service * 31 + cluster)))
            .collect();
        ClusterChange::View(ClusterView { topology: topology(cluster), services })
    }
}

fn topology(cluster: usize) -> Topology {
    let label = |text: String| Label::new(text).expect("a short word of letters and digits");
    let region = label(format!("region-{:03}", cluster / CLUSTERS_PER_REGION));
    let zone = label(format!("zone-{:04}", cluster));
    let locations = BTreeSet::from([Location::new(region, Some(zone))]);
    Topology { locations, notes: BTreeSet::new() }
}

pub fn zone_name() -> Name {
    name("example.com")
}

/// The zone `example.com.` of the federation `fed`, with all levels.
pub fn settings(empty_levels: EmptyLevels) -> ZoneSettings {
    let zone = zone_name();
    let federation = Label::new("fed").expect("a short word");
    let server = NameServer {
        name: name("ns1.example.com"),
        addresses: vec![Ipv4Addr::new(192, 0, 2, 53).into()],
    };
    let base = base_contents(&zone, &[server], &name("hostmaster.example.com"), None)
        .expect("the name server has an address");
    ZoneSettings {
        static_names: StaticNames::new(&base, &federation, std::slice::from_ref(&zone)),
        zone,
        federation,
        ttl: 180,
        levels: Levels::ALL,
        empty_levels,
        has_services: true,
        base: Arc::new(base.into()),
    }
}
