//! Which keys a config has, and what each means.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clusters::{Cluster, KubeconfigAccess, Source, TopologyOverride};
use model::{ClusterName, EmptyLevels, Label, Level, Levels, Name};
use planner::NameServer;
use watcher::{Namespaces, PrivateAddresses, Publish, ServiceSettings};

use super::read::{MapReader, Problem, Reader};
use super::tree::{Key, Node, Place, Value};
use super::{Config, Listen, ZoneConfig};

const TTL_DEFAULT: u32 = 180;
const DNS_DEFAULT: [&str; 1] = ["127.0.0.1:5300"];
const ADMIN_DEFAULT: &str = "127.0.0.1:8053";
const LAME_DUCK_DEFAULT: Duration = Duration::from_secs(5);
const STARTUP_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

/// Keys that this version knows and does not serve yet, with what they are for.
const LATER_KEYS: [(&str, &str); 10] = [
    ("providers", "the mirror to cloud DNS"),
    ("tls", "DNS over TLS, HTTPS and QUIC"),
    ("tsigKeys", "zone transfers"),
    ("transfer", "zone transfers"),
    ("acl", "access lists"),
    ("rateLimit", "response rate limiting"),
    ("cookies", "DNS cookies"),
    ("cpus", "pinning threads to cores"),
    ("user", "dropping privileges"),
    ("leaderElection", "one writer among replicas"),
];

/// Makes a config of the tree; `Err` holds every problem, in the order of the file.
pub fn read(root: &Node, file: &Path) -> Result<Config, Vec<Problem>> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut reader = Reader::new(folder);
    let config = read_root(&mut reader, root, file);
    match (config, reader.into_problems()) {
        (Some(config), problems) if problems.is_empty() => Ok(config),
        (_, problems) => Err(problems),
    }
}

fn read_root(reader: &mut Reader<'_>, root: &Node, file: &Path) -> Option<Config> {
    let mut map = reader.map(root, "a map of keys");
    fixed(reader, &mut map, "apiVersion", "fedns.io/v1");
    fixed(reader, &mut map, "kind", "Config");
    refuse_later(reader, &mut map);
    let federation = federation(reader, &mut map);
    let listen = listen(reader, &mut map);
    let zones = zones(reader, &mut map, !listen.dns.is_empty());
    let services = services(reader, map.take("services"), &zones);
    let clusters = clusters(reader, map.take("clusters"));
    let state_dir = map.take("stateDir").and_then(|node| reader.path(node));
    let resolver = resolver(reader, map.take("resolver"));
    let workers = map.take("workers").and_then(|node| reader.count(node, "a number of threads"));
    let lame_duck = map.take("lameDuck").and_then(|node| reader.duration(node));
    let startup_timeout = map.take("startupTimeout").and_then(|node| reader.duration(node));
    let default_state_dir = reader.folder.join("state");
    reader.finish(map);
    Some(Config {
        file: file.to_owned(),
        federation: federation?,
        zones,
        listen,
        state_dir: state_dir.unwrap_or(default_state_dir),
        services,
        clusters,
        resolver,
        workers: workers.unwrap_or_else(default_workers),
        lame_duck: lame_duck.unwrap_or(LAME_DUCK_DEFAULT),
        startup_timeout: startup_timeout.unwrap_or(STARTUP_TIMEOUT_DEFAULT),
    })
}

fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn fixed(reader: &mut Reader<'_>, map: &mut MapReader<'_>, key: &'static str, value: &str) {
    match map.take(key) {
        None => reader.problem(map.place, format!("key {key:?} is missing; wanted {key}: {value}")),
        Some(node) => {
            reader.word(node, &[(value, ())]);
        }
    }
}

/// A known key of a later version is told apart from a typing error.
fn refuse_later(reader: &mut Reader<'_>, map: &mut MapReader<'_>) {
    for (key, purpose) in LATER_KEYS {
        if let Some((key, node)) = map.take_entry(key) {
            refuse(reader, key, node, purpose);
        }
    }
}

/// An empty value asks for nothing and is let through.
fn refuse(reader: &mut Reader<'_>, key: &Key, node: &Node, purpose: &str) {
    let empty = match &node.value {
        Value::Null => true,
        Value::List(nodes) => nodes.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        Value::Text(_) => false,
    };
    if !empty {
        let text = &key.text;
        let message = format!("key {text:?} is not served by this version ({purpose}); remove it");
        reader.problem(key.place, message);
    }
}

fn federation(reader: &mut Reader<'_>, map: &mut MapReader<'_>) -> Option<Label> {
    match map.take("federation") {
        Some(node) => reader.label(node, "the federation's label in names, like fed"),
        None => {
            let message = "key \"federation\" is missing; it is the label in names, like fed";
            reader.problem(map.place, message);
            None
        }
    }
}

// === zones ===

/// What a zone falls back to: the keys at the top level.
struct ZoneKeys<'n> {
    ttl: Option<&'n Node>,
    levels: Option<&'n Node>,
    empty_levels: Option<&'n Node>,
    name_servers: Option<&'n Node>,
    hostmaster: Option<&'n Node>,
    static_records: Option<&'n Node>,
}

impl<'n> ZoneKeys<'n> {
    fn take(map: &mut MapReader<'n>) -> Self {
        Self {
            ttl: map.take("ttl"),
            levels: map.take("levels"),
            empty_levels: map.take("emptyLevels"),
            name_servers: map.take("nameServers"),
            hostmaster: map.take("hostmaster"),
            static_records: map.take("staticRecords"),
        }
    }

    fn or(self, top: &ZoneKeys<'n>) -> Self {
        Self {
            ttl: self.ttl.or(top.ttl),
            levels: self.levels.or(top.levels),
            empty_levels: self.empty_levels.or(top.empty_levels),
            name_servers: self.name_servers.or(top.name_servers),
            hostmaster: self.hostmaster.or(top.hostmaster),
            static_records: self.static_records.or(top.static_records),
        }
    }
}

fn zones(reader: &mut Reader<'_>, map: &mut MapReader<'_>, served: bool) -> Vec<ZoneConfig> {
    let top = ZoneKeys::take(map);
    let short = map.take("zone");
    let long = map.take("zones");
    match (short, long) {
        (Some(node), None) => zone(reader, node, top, served).into_iter().collect(),
        (None, Some(node)) => zone_list(reader, node, &top, served),
        (Some(_), Some(node)) => {
            reader.problem(node.place, "both \"zone\" and \"zones\" are given; keep one of them");
            Vec::new()
        }
        (None, None) => {
            reader.problem(map.place, "key \"zone\" is missing; wanted a name like example.com.");
            Vec::new()
        }
    }
}

fn zone_list(
    reader: &mut Reader<'_>,
    node: &Node,
    top: &ZoneKeys<'_>,
    served: bool,
) -> Vec<ZoneConfig> {
    let mut zones: Vec<ZoneConfig> = Vec::new();
    for entry in reader.list(node) {
        let mut map = reader.map(entry, "a map with the key name");
        for key in ["services", "transfer", "providers"] {
            if let Some((key, node)) = map.take_entry(key) {
                refuse(reader, key, node, "of a single zone");
            }
        }
        let name = map.take("name");
        let keys = ZoneKeys::take(&mut map).or(top);
        let zone = match name {
            Some(node) => zone(reader, node, keys, served).map(|zone| (zone, node.place)),
            None => {
                reader.problem(entry.place, "key \"name\" of this zone is missing");
                None
            }
        };
        reader.finish(map);
        if let Some((zone, place)) = zone {
            if zones.iter().any(|known| known.name == zone.name) {
                reader.problem(place, format!("zone {} stands here twice", zone.name));
            } else {
                zones.push(zone);
            }
        }
    }
    if zones.is_empty() {
        reader.problem(node.place, "no zone is given");
    }
    zones
}

fn zone(
    reader: &mut Reader<'_>,
    node: &Node,
    keys: ZoneKeys<'_>,
    served: bool,
) -> Option<ZoneConfig> {
    let name = reader.name(node)?;
    let hostmaster = match keys.hostmaster {
        Some(node) => reader.name(node)?,
        None => name.child(b"hostmaster").ok()?,
    };
    let name_servers: Vec<NameServer> = match keys.name_servers {
        Some(node) => reader.list(node).iter().filter_map(|n| name_server(reader, n)).collect(),
        None => Vec::new(),
    };
    let static_records: Vec<PathBuf> = match keys.static_records {
        Some(node) => reader.list(node).iter().filter_map(|n| reader.path(n)).collect(),
        None => Vec::new(),
    };
    if served && name_servers.is_empty() && static_records.is_empty() {
        let message = format!(
            "zone {name} has no name server; give nameServers, like [{{name: ns1.{name}, addresses: [192.0.2.53]}}]"
        );
        reader.problem(node.place, message);
    }
    check_glue(reader, keys.name_servers, &name, &name_servers, &static_records);
    Some(ZoneConfig {
        hostmaster,
        ttl: keys.ttl.and_then(|node| ttl(reader, node)).unwrap_or(TTL_DEFAULT),
        levels: keys.levels.and_then(|node| levels(reader, node)).unwrap_or(Levels::ALL),
        empty_levels: keys
            .empty_levels
            .and_then(|node| {
                reader.word(node, &[("all", EmptyLevels::All), ("present", EmptyLevels::Present)])
            })
            .unwrap_or_default(),
        name_servers,
        static_records,
        name,
    })
}

/// Static files may bring the address, so only without them is a missing one certain.
fn check_glue(
    reader: &mut Reader<'_>,
    node: Option<&Node>,
    zone: &Name,
    servers: &[NameServer],
    static_records: &[PathBuf],
) {
    let bare = servers.iter().find(|s| s.name.is_at_or_below(zone) && s.addresses.is_empty());
    if let (Some(node), Some(server), true) = (node, bare, static_records.is_empty()) {
        let message = format!(
            "name server {} lies inside zone {zone} and needs addresses, which delegations give as glue",
            server.name
        );
        reader.problem(node.place, message);
    }
}

fn name_server(reader: &mut Reader<'_>, node: &Node) -> Option<NameServer> {
    if let Value::Text(_) = node.value {
        return Some(NameServer { name: reader.name(node)?, addresses: Vec::new() });
    }
    let mut map = reader.map(node, "a map like {name: ns1.example.com., addresses: [192.0.2.53]}");
    let name = match map.take("name") {
        Some(node) => reader.name(node),
        None => {
            reader.problem(node.place, "key \"name\" of this name server is missing");
            None
        }
    };
    let addresses = map.take("addresses").map_or(&[][..], |node| reader.list(node));
    let addresses = addresses.iter().filter_map(|node| reader.address(node)).collect();
    reader.finish(map);
    Some(NameServer { name: name?, addresses })
}

/// RFC 2181 section 8 allows 0 to 2^31 - 1; we want at least a second.
fn ttl(reader: &mut Reader<'_>, node: &Node) -> Option<u32> {
    let seconds = reader.duration(node)?.as_secs();
    match u32::try_from(seconds) {
        Ok(seconds @ 1..=0x7fff_ffff) => Some(seconds),
        _ => {
            let found = node.describe();
            reader.problem(node.place, format!("found {found}, wanted 1 to 2147483647 seconds"));
            None
        }
    }
}

fn levels(reader: &mut Reader<'_>, node: &Node) -> Option<Levels> {
    let words = Level::ALL.map(|level| (level.to_string(), level));
    let words: Vec<(&str, Level)> =
        words.iter().map(|(word, level)| (word.as_str(), *level)).collect();
    let made: Vec<Level> =
        reader.list(node).iter().filter_map(|node| reader.word(node, &words)).collect();
    let levels = Levels::new(made);
    if levels.is_none() {
        reader.problem(node.place, "no level is made; wanted some of global, region, zone");
    }
    levels
}

// === listeners, services, clusters, resolver ===

fn listen(reader: &mut Reader<'_>, map: &mut MapReader<'_>) -> Listen {
    let default = || Listen {
        dns: DNS_DEFAULT.iter().filter_map(|text| text.parse().ok()).collect(),
        admin: ADMIN_DEFAULT.parse().ok(),
    };
    let Some(node) = map.take("listen") else { return default() };
    let mut map =
        reader.map(node, "a map like {dns: [\"127.0.0.1:5300\"], admin: \"127.0.0.1:8053\"}");
    for key in ["dot", "doh", "doq"] {
        if let Some((key, node)) = map.take_entry(key) {
            refuse(reader, key, node, "encrypted transports");
        }
    }
    // No listen.dns means no DNS port; the default stands only where listen is not written at all.
    let dns = map.take("dns").map_or(&[][..], |node| reader.list(node));
    let mut seen = BTreeSet::new();
    let mut addresses = Vec::new();
    for node in dns {
        let Some(address) = reader.socket_address(node) else { continue };
        if address.port() != 0 && !seen.insert(address) {
            reader.problem(node.place, format!("address {address} stands here twice"));
        } else {
            addresses.push(address);
        }
    }
    let admin = map.take("admin").and_then(|node| reader.socket_address(node));
    reader.finish(map);
    Listen { dns: addresses, admin }
}

fn services(reader: &mut Reader<'_>, node: Option<&Node>, zones: &[ZoneConfig]) -> ServiceSettings {
    let mut settings = ServiceSettings {
        namespaces: Namespaces { exclude: vec!["kube-system".into()], ..Namespaces::default() },
        own_zones: zones.iter().map(|zone| zone.name.clone()).collect(),
        ..ServiceSettings::default()
    };
    let Some(node) = node else { return settings };
    let wanted = "a map with publish, namespaces, selector, holdEmpty, privateAddresses";
    let mut map = reader.map(node, wanted);
    if let Some(node) = map.take("publish") {
        let words = [("all", Publish::All), ("annotated", Publish::Annotated)];
        settings.publish = reader.word(node, &words).unwrap_or(settings.publish);
    }
    if let Some(node) = map.take("namespaces") {
        namespaces(reader, node, &mut settings.namespaces);
    }
    if let Some(node) = map.take("selector") {
        let wanted = "a label selector like app=web,tier in (front)";
        settings.selector = reader.parsed(node, wanted, str::parse).unwrap_or_default();
    }
    if let Some(node) = map.take("holdEmpty") {
        settings.hold_empty = reader.duration(node).unwrap_or(settings.hold_empty);
    }
    if let Some(node) = map.take("privateAddresses") {
        let words = [("publish", PrivateAddresses::Publish), ("skip", PrivateAddresses::Skip)];
        let chosen = reader.word(node, &words);
        settings.private_addresses = chosen.unwrap_or(settings.private_addresses);
    }
    reader.finish(map);
    settings
}

fn namespaces(reader: &mut Reader<'_>, node: &Node, namespaces: &mut Namespaces) {
    let mut map = reader.map(node, "a map with include and exclude");
    let mut names = |node: &Node| -> Vec<String> {
        let nodes = reader.list(node).iter();
        nodes.filter_map(|node| reader.text(node, "a namespace").map(str::to_owned)).collect()
    };
    if let Some(node) = map.take("include") {
        namespaces.include = names(node);
    }
    if let Some(node) = map.take("exclude") {
        namespaces.exclude = names(node);
    }
    reader.finish(map);
}

fn clusters(reader: &mut Reader<'_>, node: Option<&Node>) -> Vec<Cluster> {
    let Some(node) = node else { return Vec::new() };
    let mut clusters: Vec<(Cluster, Place)> = Vec::new();
    for entry in reader.list(node) {
        let Some(cluster) = cluster(reader, entry) else { continue };
        match clusters.iter().find(|(known, _)| known.name == cluster.name) {
            Some((_, first)) => {
                let message =
                    format!("cluster {} stands in line {} already", cluster.name, first.line);
                reader.problem(entry.place, message);
            }
            None => clusters.push((cluster, entry.place)),
        }
    }
    clusters.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    clusters.into_iter().map(|(cluster, _)| cluster).collect()
}

fn cluster(reader: &mut Reader<'_>, node: &Node) -> Option<Cluster> {
    let mut map = reader.map(node, "a map with name and context, kubeconfig or manifests");
    let name = match map.take("name") {
        Some(node) => reader.label(node, "a cluster's name, like beijing"),
        None => {
            reader.problem(node.place, "key \"name\" of this cluster is missing");
            None
        }
    };
    let manifests = map.take("manifests").and_then(|node| reader.path(node));
    let path = map.take("kubeconfig").and_then(|node| reader.path(node));
    let context = map.take("context").and_then(|node| reader.text(node, "a context's name"));
    if manifests.is_some() && (path.is_some() || context.is_some()) {
        let message = "a cluster is a folder of manifests or a kubeconfig context, not both";
        reader.problem(node.place, message);
    }
    let source = match manifests {
        Some(folder) => Source::Manifests(folder),
        None => Source::Kubeconfig(KubeconfigAccess { path, context: context.map(str::to_owned) }),
    };
    let topology = topology(reader, &mut map);
    reader.finish(map);
    let name = ClusterName::new(&name?.to_string());
    Some(Cluster { name, source, topology })
}

fn topology(reader: &mut Reader<'_>, map: &mut MapReader<'_>) -> Option<TopologyOverride> {
    let region = map.take("region");
    let zones = map.take("availabilityZones");
    let Some(region) = region else {
        if let Some(node) = zones {
            reader.problem(node.place, "availabilityZones need the key \"region\" beside them");
        }
        return None;
    };
    let region = reader.label(region, "a region that is one DNS label");
    let zones = zones.map_or(&[][..], |node| reader.list(node));
    let zone = |node| reader.label(node, "an availability zone that is one DNS label");
    let availability_zones: BTreeSet<Label> = zones.iter().filter_map(zone).collect();
    Some(TopologyOverride { region: region?, availability_zones })
}

fn resolver(reader: &mut Reader<'_>, node: Option<&Node>) -> Vec<std::net::SocketAddr> {
    let Some(node) = node else { return Vec::new() };
    let mut map = reader.map(node, "a map like {servers: [\"192.0.2.1:53\"]}");
    let servers = map.take("servers").map_or(&[][..], |node| reader.list(node));
    let servers = servers
        .iter()
        .filter_map(|node| {
            reader.parsed(node, "an address, with or without a port", |text| {
                text.parse().or_else(|_| text.parse().map(|ip| std::net::SocketAddr::new(ip, 53)))
            })
        })
        .collect();
    reader.finish(map);
    servers
}
