//! Which keys a config has, and what each means.
//!
//! - [`zones`]: the DNS zones
//! - [`providers`]: where zones are mirrored to
//! - [`transfers`]: keys of zone transfers, and who may have a zone
//! - [`services`]: which Services are published
//! - [`clients`]: how clients of the name server are treated
//! - [`listen`]: where it listens, and what certificate it shows there
//! - [`clusters`]: the members
//! - [`control_plane`]: where members stand instead, in a federation
//! - here: everything else

mod zones;
mod providers;
mod transfers;
mod values;
mod services;
mod clients;
mod listen;
mod clusters;
mod control_plane;

use ::clusters::KubeconfigAccess;
use dns_server::server::CPUS_MAX;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::places::{Places, Subject};
use super::read::{MapReader, Problem, Reader};
use super::tree::{Key, Node, Value};
use super::{Config, LeaderElection, RunAs};

const LAME_DUCK_DEFAULT: Duration = Duration::from_secs(5);
const STARTUP_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
/// Far more than any machine has cores.
const WORKERS_MAX: usize = 1024;

/// Makes a config of the tree; `Err` holds every problem, in the order of the file. `file` is
/// absolute, `shown` is how later errors call it.
pub fn read(root: &Node, file: &Path, shown: &Path) -> Result<Config, Vec<Problem>> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut reader = Reader::new(folder);
    let config = read_root(&mut reader, root, file);
    let (problems, places) = reader.finished();
    match config {
        Some(config) if problems.is_empty() => {
            Ok(Config { places: Places::new(shown, places), ..config })
        }
        _ => Err(problems),
    }
}

fn read_root(reader: &mut Reader<'_>, root: &Node, file: &Path) -> Option<Config> {
    let mut map = reader.map(root, "a map of keys");
    fixed(reader, &mut map, "apiVersion", "fedns.io/v1");
    fixed(reader, &mut map, "kind", "Config");
    let wanted = "the federation's label in names, like fed";
    let federation = reader.required(&mut map, "federation", wanted);
    let federation = federation.and_then(|node| reader.label(node, wanted));
    let is_mirrored = is_mirrored(&map);
    let listen = listen::listen(reader, &mut map, is_mirrored);
    let tsig_keys = transfers::tsig_keys(reader, map.take("tsigKeys"));
    let known: Vec<_> = tsig_keys.iter().map(|key| key.name.clone()).collect();
    let is_served = listen.answers_dns();
    let transfer = map.peek("transfer");
    let zones = zones::zones(reader, &mut map, federation.as_ref(), is_served, &known);
    let catalog = map.take("catalogZone").and_then(|node| {
        let catalog = transfers::catalog(reader, node, transfer, &known)?;
        transfers::check_catalog(reader, node, &catalog, &zones, is_served);
        Some(catalog)
    });
    let control_plane = control_plane::control_plane(reader, &mut map);
    let federated = control_plane.is_some().then(|| federation.clone()).flatten();
    let services = services::services(reader, &mut map, &zones, federated);
    let clusters = clusters::clusters(reader, map.take("clusters"));
    let state_dir = map.take("stateDir").and_then(|node| state_dir(reader, node));
    let resolver = resolver(reader, map.take("resolver"));
    let workers = map.take("workers").and_then(|node| workers(reader, node));
    let cpus = map.take("cpus").map(|node| cpus(reader, node)).unwrap_or_default();
    let user = map.take("user").and_then(|node| user(reader, node));
    let admin_token_file = listen::admin_token_file(reader, &mut map, &listen);
    let tls = listen::tls(reader, &mut map, &listen);
    let clients = clients::clients(reader, &mut map);
    let lame_duck = map.take("lameDuck").and_then(|node| reader.duration(node));
    let startup_timeout = map.take("startupTimeout").and_then(|node| reader.duration(node));
    let leader_election = map.take("leaderElection").and_then(|node| leader_election(reader, node));
    let default_state_dir = reader.folder.join("state");
    reader.finish(map);
    Some(Config {
        file: file.to_owned(),
        federation: federation?,
        zones,
        catalog,
        listen,
        tls,
        admin_token_file,
        tsig_keys,
        state_dir: state_dir.unwrap_or(default_state_dir),
        services,
        clusters,
        resolver,
        workers: workers.unwrap_or_else(|| default_workers(&cpus)),
        cpus,
        user,
        clients,
        lame_duck: lame_duck.unwrap_or(LAME_DUCK_DEFAULT),
        startup_timeout: startup_timeout.unwrap_or(STARTUP_TIMEOUT_DEFAULT),
        control_plane,
        leader_election,
        places: Places::default(),
    })
}

fn is_mirrored(map: &MapReader<'_>) -> bool {
    let of_zones = map.peek("zones").is_some_and(|node| match &node.value {
        Value::List(zones) => zones.iter().any(|zone| zone.has("providers")),
        _ => false,
    });
    of_zones || map.peek("providers").is_some()
}

/// Without kubeconfig and context it is found as kubectl does, in a pod the pod's own cluster.
fn leader_election(reader: &mut Reader<'_>, node: &Node) -> Option<LeaderElection> {
    let mut map = reader.map(node, "a map like {context: hangzhou, namespace: dns, name: fedns}");
    let path = map.take("kubeconfig").and_then(|node| reader.path(node));
    let context = map.take("context").and_then(|node| reader.text(node, "a context's name"));
    let wanted = "the namespace of the Lease, like dns";
    let namespace = reader.required(&mut map, "namespace", wanted);
    let namespace = namespace.and_then(|node| reader.label(node, wanted));
    let wanted = "the name of the Lease, like fedns";
    let name = reader.required(&mut map, "name", wanted);
    let name = name.and_then(|node| reader.label(node, wanted));
    reader.finish(map);
    Some(LeaderElection {
        access: KubeconfigAccess { path, context: context.map(str::to_owned) },
        namespace: namespace?.to_string(),
        name: name?.to_string(),
    })
}

fn state_dir(reader: &mut Reader<'_>, node: &Node) -> Option<PathBuf> {
    reader.note(Subject::StateDir, node.place);
    reader.path(node)
}

fn fixed(reader: &mut Reader<'_>, map: &mut MapReader<'_>, key: &'static str, value: &str) {
    if let Some(node) = reader.required(map, key, &format!("{key}: {value}")) {
        reader.word(node, &[(value, ())]);
    }
}

/// A known key of a later version is told apart from a typing error.
fn refuse_later(
    reader: &mut Reader<'_>,
    map: &mut MapReader<'_>,
    later: &[(&'static str, &'static str)],
) {
    for (key, purpose) in later {
        if let Some((key, node)) = map.take_later(key) {
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

fn workers(reader: &mut Reader<'_>, node: &Node) -> Option<usize> {
    let wanted = format!("a number of threads, from 1 to {WORKERS_MAX}");
    reader.understood(node, &wanted, |text| {
        text.parse().ok().filter(|count| (1..=WORKERS_MAX).contains(count))
    })
}

/// One for each CPU that there is for them.
fn default_workers(cpus: &[usize]) -> usize {
    match cpus.len() {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        count => count,
    }
}

/// Whether the machine has them, the start tells.
fn cpus(reader: &mut Reader<'_>, node: &Node) -> Vec<usize> {
    reader.note(Subject::Cpus, node.place);
    let wanted = format!("the number of a CPU, from 0 to {}", CPUS_MAX - 1);
    reader.items(Some(node), |reader, node| {
        reader.understood(node, &wanted, |text| text.parse().ok().filter(|cpu| *cpu < CPUS_MAX))
    })
}

/// Whether the system knows the user, the start tells.
fn user(reader: &mut Reader<'_>, node: &Node) -> Option<RunAs> {
    reader.note(Subject::User, node.place);
    let wanted = "a user, or a user and a group, like fedns or fedns:dns";
    reader.understood(node, wanted, |text| {
        let (user, group) = match text.split_once(':') {
            Some((user, group)) => (user, Some(group)),
            None => (text, None),
        };
        let is_name = |name: &str| !name.is_empty() && !name.contains([':', '/', ' ']);
        let group = group.map(str::to_owned);
        (is_name(user) && group.as_deref().is_none_or(is_name))
            .then(|| RunAs { user: user.to_owned(), group })
    })
}

fn resolver(reader: &mut Reader<'_>, node: Option<&Node>) -> Vec<SocketAddr> {
    let Some(node) = node else { return Vec::new() };
    let mut map = reader.map(node, "a map like {servers: [\"192.0.2.1:53\"]}");
    let wanted = "an IP address, with or without a port, like 192.0.2.1:53";
    let with_port_53 = |ip: IpAddr| SocketAddr::new(ip, 53);
    let servers = reader.items(map.take("servers"), |reader, node| {
        reader.understood(node, wanted, |text| {
            text.parse().ok().or_else(|| text.parse().ok().map(with_port_53))
        })
    });
    reader.finish(map);
    servers
}
