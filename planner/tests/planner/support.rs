//! Small words for building states in tests.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{
    ClusterChange, ClusterName, EmptyLevels, Health, Label, Levels, Location, Name, Observed,
    ServiceKey, ServiceShard, Topology, ZoneContents, ZoneDiff,
};
use planner::base::{NameServer, StaticNames, base_contents};
use planner::{Planner, ZoneSettings};

pub fn name(text: &str) -> Name {
    Name::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

pub fn key(text: &str) -> ServiceKey {
    let (namespace, name) = text.split_once('/').expect("namespace/name");
    ServiceKey::new(namespace, name)
}

/// `region/zone` or `region`, any number of them.
pub fn topology<'a>(places: impl IntoIterator<Item = &'a str>) -> Topology {
    let locations: BTreeSet<Location> = places
        .into_iter()
        .map(|place| match place.split_once('/') {
            Some((region, zone)) => Location::new(label(region), Some(label(zone))),
            None => Location::new(label(place), None),
        })
        .collect();
    Topology { locations, ..Topology::default() }
}

/// A shard with these addresses.
pub fn shard(health: Health, addresses: &[&str]) -> ServiceShard {
    let addresses = addresses.iter().map(|text| text.parse().expect("an address"));
    ServiceShard { health, ..ServiceShard::healthy(addresses) }
}

pub fn settings(zone: &str, federation: &str, statics: Option<ZoneContents>) -> ZoneSettings {
    let zone = name(zone);
    let federation = label(federation);
    let name_server = NameServer {
        name: Name::parse_relative("ns1", &zone).unwrap(),
        addresses: vec!["192.0.2.53".parse().unwrap()],
    };
    let hostmaster = Name::parse_relative("hostmaster", &zone).unwrap();
    let base = base_contents(&zone, &[name_server], &hostmaster, statics).unwrap();
    ZoneSettings {
        static_names: StaticNames::new(&base, &federation, std::slice::from_ref(&zone)),
        zone,
        federation,
        ttl: 180,
        levels: Levels::ALL,
        empty_levels: EmptyLevels::All,
        has_services: true,
        base: Arc::new(base.into()),
    }
}

/// A planner of one zone together with the zone that its diffs lead to.
pub struct World {
    pub planner: Planner,
    pub zone: ZoneContents,
    /// Since the last [`World::take_diff`].
    pub diff: ZoneDiff,
}

impl World {
    pub fn new(settings: ZoneSettings) -> Self {
        let planner = Planner::new(vec![settings]);
        let zone = planner.zone_contents(0);
        Self { planner, zone, diff: ZoneDiff::default() }
    }

    pub fn apply(&mut self, cluster: &str, change: ClusterChange) {
        let mut effects = self.planner.no_effects();
        let cluster = ClusterName::new(cluster);
        self.planner.apply(&cluster, change, &mut effects);
        let diff = effects.diffs.remove(0);
        self.zone.apply(&diff);
        self.diff.merge(diff);
    }

    pub fn place(&mut self, cluster: &str, places: &[&str]) {
        self.apply(cluster, ClusterChange::Topology(topology(places.iter().copied())));
    }

    pub fn shard(&mut self, cluster: &str, service: &str, shard: ServiceShard) {
        self.apply(cluster, ClusterChange::Service(key(service), Some(Observed::Shard(shard))));
    }

    pub fn remove(&mut self, cluster: &str, service: &str) {
        self.apply(cluster, ClusterChange::Service(key(service), None));
    }

    pub fn take_diff(&mut self) -> ZoneDiff {
        std::mem::take(&mut self.diff)
    }

    /// `A 192.0.2.1 192.0.2.2`, sets apart by `; `, or `–` where nothing stands.
    pub fn at(&self, owner: &str) -> String {
        let sets = self.zone.sets(&name(owner));
        let text = |set: &model::RecordSet| {
            format!("{} {}", set.record_type, set.value_texts().collect::<Vec<_>>().join(" "))
        };
        match sets {
            [] => "–".into(),
            sets => sets.iter().map(text).collect::<Vec<_>>().join("; "),
        }
    }
}
