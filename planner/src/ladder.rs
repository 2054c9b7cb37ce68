//! One service's records: the ladder from its global name down to its zone names.
//!
//! A rung with a healthy address holds those addresses. A rung without any is a CNAME to the rung
//! above. The widest rung without any holds nothing, so a chain may end at a name that does not
//! exist: RFC 6604 says how that is answered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use model::service::Protocol;
use model::{
    ClusterName, EmptyLevels, Level, Name, NameError, Rdata, RecordSet, RecordType, ServiceKey,
    ServiceShard,
};

use crate::addresses::address_sets;
use crate::base::StaticClash;
use crate::federation::{ClusterId, Federation, ServiceEntry};
use crate::rungs::{Rung, Rungs};
use crate::settings::ZoneSettings;

/// What one zone should hold for one service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServicePlan {
    pub names: Vec<PlannedName>,
    /// What the service should have had and cannot have.
    pub left_out: Vec<LeftOutName>,
}

/// One name with its record sets, sorted by type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedName {
    pub name: Name,
    pub level: Level,
    pub sets: Vec<RecordSet>,
}

/// A name that is not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOutName {
    /// As text, since it may be too long to be a name.
    pub name: String,
    pub service: ServiceKey,
    pub reason: NameReason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameReason {
    /// The DNS allows no such name.
    Impossible(NameError),
    /// A static record stands there, or above it in a way that hides it.
    Static(StaticClash),
    /// Healthy shards give the same port name different numbers.
    PortConflict { first: (ClusterName, u16), second: (ClusterName, u16) },
}

/// Plans one service; a service without any shard gets nothing.
pub fn plan_service(
    entry: &ServiceEntry,
    federation: &Federation,
    rungs: &Rungs,
    settings: &ZoneSettings,
) -> ServicePlan {
    let shards: Vec<_> = entry.shards().collect();
    if shards.is_empty() || !settings.has_services {
        return ServicePlan::default();
    }
    let mut ladder = Ladder {
        entry,
        federation,
        rungs,
        settings,
        ports_made: BTreeMap::new(),
        plan: ServicePlan::default(),
    };
    for (rung, members) in rungs_with_members(&shards, rungs, settings.empty_levels) {
        ladder.plan_rung(rung, &members);
    }
    ladder.plan
}

type Member<'a> = (ClusterId, &'a ServiceShard);

/// The rungs to make, from wide to narrow, each with the shards that stand on it.
fn rungs_with_members<'a>(
    shards: &[Member<'a>],
    rungs: &Rungs,
    empty_levels: EmptyLevels,
) -> BTreeMap<usize, Vec<Member<'a>>> {
    let mut members: BTreeMap<usize, Vec<Member<'a>>> = match empty_levels {
        EmptyLevels::All => (0..rungs.len()).map(|rung| (rung, Vec::new())).collect(),
        EmptyLevels::Present => BTreeMap::new(),
    };
    for (cluster, shard) in shards {
        for rung in rungs.global().iter().chain(rungs.of_cluster(*cluster)) {
            members.entry(*rung).or_default().push((*cluster, *shard));
        }
    }
    members
}

// === impl Ladder ===

/// A port's name and its protocol.
type PortName = (Box<str>, Protocol);

struct Ladder<'a> {
    entry: &'a ServiceEntry,
    federation: &'a Federation,
    rungs: &'a Rungs,
    settings: &'a ZoneSettings,
    /// The port names that exist at each rung already planned.
    ports_made: BTreeMap<usize, BTreeSet<PortName>>,
    plan: ServicePlan,
}

impl Ladder<'_> {
    fn plan_rung(&mut self, index: usize, members: &[Member<'_>]) {
        let rung = self.rungs.get(index);
        let name = match self.name_at(rung) {
            Ok(name) => name,
            Err(error) => {
                let text = self.name_text(rung);
                return self.leave_out(text, NameReason::Impossible(error));
            }
        };
        let addresses = union(members);
        if !addresses.is_empty() {
            self.add(rung, name.clone(), address_sets(&addresses, self.settings.ttl).collect());
            self.plan_ports(index, &name, members);
        } else if let Some(above) = rung.above {
            // The wider name is shorter than this one, which fits.
            let Ok(target) = self.name_at(self.rungs.get(above)) else {
                return;
            };
            self.add(rung, name.clone(), vec![self.cname(&target)]);
            self.point_ports_up(index, above, &name, &target);
        }
    }

    /// SRV records of the healthy shards' named ports (RFC 2782).
    fn plan_ports(&mut self, index: usize, name: &Name, members: &[Member<'_>]) {
        let rung = self.rungs.get(index);
        let mut made = BTreeSet::new();
        for (port_name, agreed) in agree_on_ports(members) {
            match agreed {
                Ok(port) => {
                    let set = RecordSet::single(
                        RecordType::SRV,
                        self.settings.ttl,
                        Rdata::srv(0, 1, port, name),
                    );
                    self.add_port(rung, name, &port_name, set);
                    made.insert(port_name);
                }
                Err((first, second)) => {
                    let named = |(cluster, port): (ClusterId, u16)| {
                        (self.federation.cluster(cluster).name.clone(), port)
                    };
                    let reason =
                        NameReason::PortConflict { first: named(first), second: named(second) };
                    let text = port_text(&port_name, &name.to_string());
                    self.leave_out(text, reason);
                }
            }
        }
        self.ports_made.insert(index, made);
    }

    /// Below a rung that is a CNAME, the ports that exist one rung up are CNAMEs too.
    fn point_ports_up(&mut self, index: usize, above: usize, name: &Name, target: &Name) {
        let ports = self.ports_made.get(&above).cloned().unwrap_or_default();
        for port_name in &ports {
            if let Ok(port_target) = port_owner(port_name, target) {
                let set = self.cname(&port_target);
                self.add_port(self.rungs.get(index), name, port_name, set);
            }
        }
        self.ports_made.insert(index, ports);
    }

    fn add_port(&mut self, rung: &Rung, name: &Name, port_name: &PortName, set: RecordSet) {
        match port_owner(port_name, name) {
            Ok(owner) => self.add(rung, owner, vec![set]),
            Err(error) => {
                let text = port_text(port_name, &name.to_string());
                self.leave_out(text, NameReason::Impossible(error));
            }
        }
    }

    fn add(&mut self, rung: &Rung, name: Name, sets: Vec<RecordSet>) {
        match self.settings.static_names.clash(&name) {
            Some(clash) => self.leave_out(name.to_string(), NameReason::Static(clash)),
            None => self.plan.names.push(PlannedName { name, level: rung.place.level(), sets }),
        }
    }

    fn leave_out(&mut self, name: String, reason: NameReason) {
        self.plan.left_out.push(LeftOutName { name, service: self.entry.key.clone(), reason });
    }

    fn cname(&self, target: &Name) -> RecordSet {
        RecordSet::single(RecordType::CNAME, self.settings.ttl, Rdata::name(target))
    }

    fn name_at(&self, rung: &Rung) -> Result<Name, NameError> {
        let key = &self.entry.key;
        let suffix = rung.suffix.as_ref().map_err(Clone::clone)?;
        Name::from_labels([key.name.as_bytes(), key.namespace.as_bytes()], suffix)
    }

    /// The name as text, for a name that cannot be.
    fn name_text(&self, rung: &Rung) -> String {
        let key = &self.entry.key;
        let place = match &rung.suffix {
            Ok(suffix) => suffix.to_string(),
            Err(_) => format!("{}.svc.….{}", self.settings.federation, self.settings.zone),
        };
        format!("{}.{}.{place}", key.name, key.namespace)
    }
}

// === pure helpers ===

fn union(members: &[Member<'_>]) -> BTreeSet<IpAddr> {
    members.iter().flat_map(|(_, shard)| shard.healthy_addresses().iter().copied()).collect()
}

type Disagreement = ((ClusterId, u16), (ClusterId, u16));

/// Each named port of the healthy shards with the number that all of them give it.
fn agree_on_ports(members: &[Member<'_>]) -> BTreeMap<PortName, Result<u16, Disagreement>> {
    let mut ports: BTreeMap<PortName, (ClusterId, Result<u16, Disagreement>)> = BTreeMap::new();
    for (cluster, shard) in members {
        if shard.healthy_addresses().is_empty() {
            continue;
        }
        for port in shard.ports.iter() {
            let (first, agreed) = ports
                .entry((port.name.clone(), port.protocol))
                .or_insert((*cluster, Ok(port.port)));
            if let Ok(number) = *agreed
                && number != port.port
            {
                *agreed = Err(((*first, number), (*cluster, port.port)));
            }
        }
    }
    ports.into_iter().map(|(name, (_, agreed))| (name, agreed)).collect()
}

fn port_owner((port, protocol): &PortName, name: &Name) -> Result<Name, NameError> {
    let labels = [format!("_{port}"), format!("_{protocol}")];
    Name::from_labels(labels.iter().map(String::as_bytes), name)
}

fn port_text((port, protocol): &PortName, name: &str) -> String {
    format!("_{port}._{protocol}.{name}")
}

impl NameReason {
    /// The reason as one CamelCase word, for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Impossible(_) => "ImpossibleName",
            Self::Static(_) => "StaticRecord",
            Self::PortConflict { .. } => "PortConflict",
        }
    }

    /// `Word: sentence`, as the API tells reasons.
    pub fn with_word(&self) -> String {
        format!("{}: {self}", self.word())
    }
}

/// The sentence alone, for people.
impl fmt::Display for NameReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Impossible(error) => write!(f, "{error}"),
            Self::Static(clash) => write!(f, "{clash}"),
            Self::PortConflict { first, second } => write!(
                f,
                "cluster {} says port {}, cluster {} says {}",
                first.0, first.1, second.0, second.1
            ),
        }
    }
}
