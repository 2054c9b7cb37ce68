//! The decision about one name, told from the state: who gives what to it, and what does not count.

use std::net::IpAddr;

use model::{
    ClusterName, Freshness, Health, Level, Location, Name, Observed, RecordSet, ServiceKey,
    ShardNotes, UnixTime,
};
use serde::Serialize;

use crate::federation::{ClusterEntry, ClusterId};
use crate::ladder::ServicePlan;
use crate::names::{FederatedName, Place};
use crate::planner::Planner;
use crate::settings::ZoneSettings;

/// What `explain` says of a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    pub name: Name,
    /// The most specific served zone that the name lies in.
    pub zone: Option<Name>,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Kind {
    /// No served zone holds the name.
    Foreign,
    /// Static records, the apex or a name server.
    Static { records: Vec<String> },
    /// Nothing there, and not of the form of a federated name.
    Other,
    /// A name of one service, whether it exists or not.
    Federated(Box<Federated>),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Federated {
    pub service: String,
    pub level: Level,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// False where the zone's `levels` do not name this level, so that no name is made.
    pub level_made: bool,
    /// The levels that the zone makes, from wide to narrow.
    pub levels: Vec<Level>,
    /// False where no member cluster stands at the name's place, so that no name is made.
    pub place_exists: bool,
    /// What the zone should hold at this name: `A 192.0.2.1`.
    pub records: Vec<String>,
    /// The names of the service's ports below this one, with what the zone should hold there.
    pub ports: Vec<PortRecords>,
    /// Why names of this service are missing, this one first.
    pub left_out: Vec<LeftOutText>,
    /// Every member cluster, sorted by name.
    pub clusters: Vec<ClusterShare>,
}

/// A port's own name: `_http._tcp.` and the service's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PortRecords {
    pub name: Name,
    pub records: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOutText {
    pub name: String,
    /// The reason's word and its sentence: `StaticRecord: static records stand at …`.
    pub reason: String,
    /// The sentence alone.
    pub message: String,
}

/// What one cluster gives to the name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterShare {
    pub cluster: ClusterName,
    pub freshness: Freshness,
    pub locations: Vec<String>,
    /// Why parts of the cluster's place are unknown.
    pub location_notes: Vec<String>,
    /// True where the cluster stands at the name's place.
    pub at_place: bool,
    /// The addresses that count here.
    pub addresses: Vec<IpAddr>,
    /// One sentence: why these addresses, or why none.
    pub reason: String,
    /// Host names, and addresses that are left out.
    pub notes: Vec<String>,
    /// The load balancer's list has become empty; its last addresses stand until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_until: Option<UnixTime>,
}

/// How the caller prints a record set: a text for each record, without its owner. Neither the text
/// of record types nor the serial that is served is known here.
pub type PrintSet<'a> = &'a dyn Fn(&RecordSet) -> Vec<String>;

/// Explains `name` from the planner's state.
pub fn explain(planner: &Planner, name: &Name, print_set: PrintSet<'_>) -> Explanation {
    let zone = planner
        .zones()
        .enumerate()
        .filter(|(_, settings)| name.is_at_or_below(&settings.zone))
        .max_by_key(|(_, settings)| settings.zone.label_count());
    let kind = match zone {
        None => Kind::Foreign,
        Some((index, settings)) => explain_in(planner, index, settings, name, print_set),
    };
    let zone = zone.map(|(_, settings)| settings.zone.clone());
    Explanation { name: name.clone(), zone, kind }
}

fn explain_in(
    planner: &Planner,
    zone: usize,
    settings: &ZoneSettings,
    name: &Name,
    print_set: PrintSet<'_>,
) -> Kind {
    let statics = settings.base.sets(name);
    let parsed = FederatedName::parse(name, &settings.federation, &settings.zone);
    match parsed {
        Some(parsed) => {
            Kind::Federated(Box::new(federated(planner, zone, settings, name, &parsed, print_set)))
        }
        None if !statics.is_empty() => {
            Kind::Static { records: statics.iter().flat_map(print_set).collect() }
        }
        None => Kind::Other,
    }
}

fn federated(
    planner: &Planner,
    zone: usize,
    settings: &ZoneSettings,
    name: &Name,
    parsed: &FederatedName,
    print_set: PrintSet<'_>,
) -> Federated {
    let plan = planner.service_plan(zone, &parsed.service);
    let planned = plan.names.iter().find(|planned| planned.name == *name);
    let statics = settings.base.sets(name);
    let own = name.to_string();
    let mut left_out: Vec<LeftOutText> = plan
        .left_out
        .iter()
        .map(|left| LeftOutText {
            name: left.name.clone(),
            reason: left.reason.with_word(),
            message: left.reason.to_string(),
        })
        .collect();
    left_out.sort_by_key(|left| left.name != own);
    let (region, availability_zone) = place_texts(&parsed.place);
    let level_made = settings.levels.contains(parsed.place.level());
    let clusters = shares(planner, &parsed.service, &parsed.place, level_made);
    let sets = planned.map_or(&statics, |planned| &planned.sets);
    Federated {
        service: parsed.service.to_string(),
        level: parsed.place.level(),
        region,
        availability_zone,
        level_made,
        levels: settings.levels.iter().collect(),
        place_exists: parsed.place == Place::Global || clusters.iter().any(|share| share.at_place),
        records: sets.iter().flat_map(print_set).collect(),
        ports: port_records(&plan, name, print_set),
        left_out,
        clusters,
    }
}

fn port_records(plan: &ServicePlan, name: &Name, print_set: PrintSet<'_>) -> Vec<PortRecords> {
    let below = plan.names.iter().filter(|planned| {
        let is_port = planned.name.labels().next().is_some_and(|label| label.starts_with(b"_"));
        is_port && planned.name.parent().and_then(|parent| parent.parent()).as_ref() == Some(name)
    });
    below
        .map(|planned| PortRecords {
            name: planned.name.clone(),
            records: planned.sets.iter().flat_map(print_set).collect(),
        })
        .collect()
}

fn place_texts(place: &Place) -> (Option<String>, Option<String>) {
    match place {
        Place::Global => (None, None),
        Place::Region(region) => (Some(region.to_string()), None),
        Place::Zone { region, availability_zone } => {
            (Some(region.to_string()), Some(availability_zone.to_string()))
        }
    }
}

fn shares(
    planner: &Planner,
    service: &ServiceKey,
    place: &Place,
    level_made: bool,
) -> Vec<ClusterShare> {
    planner
        .federation()
        .clusters()
        .map(|(id, cluster)| share(planner, id, cluster, service, place, level_made))
        .collect()
}

fn share(
    planner: &Planner,
    id: ClusterId,
    cluster: &ClusterEntry,
    service: &ServiceKey,
    place: &Place,
    level_made: bool,
) -> ClusterShare {
    let locations = &cluster.topology.locations;
    let at_place = *place == Place::Global || locations.iter().any(|at| place.holds(at));
    let entry = planner.federation().service(service);
    let observed = entry.and_then(|entry| entry.of_cluster(id));
    let (addresses, reason) = told(observed, at_place, level_made);
    let shard_notes = observed.and_then(Observed::shard).and_then(|shard| shard.notes.as_deref());
    ClusterShare {
        cluster: cluster.name.clone(),
        freshness: cluster.freshness.clone(),
        locations: locations.iter().map(location_text).collect(),
        location_notes: cluster.topology.notes.iter().cloned().collect(),
        at_place,
        addresses,
        reason,
        notes: shard_notes.map_or_else(Vec::new, notes),
        held_until: shard_notes.and_then(|notes| notes.held_until),
    }
}

fn told(observed: Option<&Observed>, at_place: bool, level_made: bool) -> (Vec<IpAddr>, String) {
    let none = |reason: String| (Vec::new(), reason);
    let shard = match observed {
        None => return none("it has no Service of this name".into()),
        Some(Observed::LeftOut(reason)) => return none(format!("left out: {reason}")),
        Some(Observed::Shard(shard)) => shard,
    };
    if shard.health != Health::Healthy {
        let held = count_text(shard.addresses.len());
        return none(format!("{}: {held} left out", shard.health));
    }
    if shard.addresses.is_empty() {
        return none("its load balancer has no address yet".into());
    }
    if !at_place {
        return none("healthy, but not at this place".into());
    }
    if !level_made {
        return none("healthy, but no name of this level is made".into());
    }
    (shard.addresses.clone(), format!("healthy: {}", count_text(shard.addresses.len())))
}

fn count_text(count: usize) -> String {
    match count {
        1 => "1 address".into(),
        count => format!("{count} addresses"),
    }
}

fn location_text(location: &Location) -> String {
    match &location.availability_zone {
        Some(availability_zone) => format!("{}/{availability_zone}", location.region),
        None => location.region.to_string(),
    }
}

fn notes(notes: &ShardNotes) -> Vec<String> {
    let hosts = notes.hosts.iter().map(|host| {
        let addresses: Vec<_> = host.addresses.iter().map(IpAddr::to_string).collect();
        match (&host.failure, addresses.as_slice()) {
            (None, _) => format!("{} resolves to {}", host.host, addresses.join(", ")),
            (Some(failure), []) => format!("{} does not resolve: {failure}", host.host),
            (Some(failure), _) => {
                format!("{} keeps {}: {failure}", host.host, addresses.join(", "))
            }
        }
    });
    let left_out =
        notes.left_out.iter().map(|left| format!("{} left out: {}", left.ingress, left.reason));
    hosts.chain(left_out).collect()
}
