//! The keys of zones: `zone` and `zones`, and what each zone falls back to.

use std::path::PathBuf;

use model::{EmptyLevels, Label, Levels, Name, NameError};
use planner::NameServer;

use super::values::{read_levels, read_ttl};
use super::{providers, refuse_later, transfers};
use crate::config::ZoneConfig;
use crate::config::places::Subject;
use crate::config::read::{MapReader, Reader};
use crate::config::tree::{Node, Place, Value};

const TTL_DEFAULT: u32 = 180;

/// Keys of a single zone that a later version serves, with what they are for.
const LATER_KEYS: [(&str, &str); 1] = [("services", "settings of a single zone's Services")];

/// What a zone falls back to: the keys at the top level.
struct ZoneKeys<'n> {
    ttl: Option<&'n Node>,
    levels: Option<&'n Node>,
    empty_levels: Option<&'n Node>,
    name_servers: Option<&'n Node>,
    hostmaster: Option<&'n Node>,
    static_records: Option<&'n Node>,
    transfer: Option<&'n Node>,
    providers: Option<&'n Node>,
}

type PlacedZone = (ZoneConfig, Place);

/// All zones. `served` is false where no DNS port is open: name servers are then not needed.
pub(super) fn zones(
    reader: &mut Reader<'_>,
    map: &mut MapReader<'_>,
    federation: Option<&Label>,
    served: bool,
    keys: &[Name],
) -> Vec<ZoneConfig> {
    let top = ZoneKeys::take(map);
    let short = map.take("zone");
    let long = map.take("zones");
    match (short, long) {
        (Some(node), None) => zone(reader, node, top, served, keys).into_iter().collect(),
        (None, Some(node)) => {
            let zones = zone_list(reader, node, &top, served, keys);
            if let Some(federation) = federation {
                check_nesting(reader, federation, &zones);
            }
            zones.into_iter().map(|(zone, _)| zone).collect()
        }
        (Some(_), Some(node)) => {
            reader.problem(node.place, "both \"zone\" and \"zones\" are given; keep one of them");
            Vec::new()
        }
        (None, None) => {
            reader.missing(map, "zone", "a name like example.com.");
            Vec::new()
        }
    }
}

fn zone_list(
    reader: &mut Reader<'_>,
    node: &Node,
    top: &ZoneKeys<'_>,
    served: bool,
    tsig_keys: &[Name],
) -> Vec<PlacedZone> {
    let entries = reader.list(node);
    if entries.is_empty() {
        reader.value_problem(node, "no zone is given; wanted a list like [{name: example.com.}]");
    }
    let mut zones: Vec<PlacedZone> = Vec::new();
    for entry in entries {
        let mut map = reader.map(entry, "a map like {name: example.com.}");
        let name = reader.required(&mut map, "name", "a name like example.com.");
        let keys = ZoneKeys::take(&mut map).or(top);
        let zone =
            name.and_then(|node| Some((zone(reader, node, keys, served, tsig_keys)?, node.place)));
        refuse_later(reader, &mut map, &LATER_KEYS);
        reader.finish(map);
        let Some((zone, place)) = zone else { continue };
        match zones.iter().find(|(known, _)| known.name == zone.name) {
            Some((_, first)) => {
                let message =
                    format!("zone {} stands in line {} already; keep one", zone.name, first.line);
                reader.problem(place, message);
            }
            None => zones.push((zone, place)),
        }
    }
    zones
}

/// A zone that begins where another has its services' names would leave that one without any.
fn check_nesting(reader: &mut Reader<'_>, federation: &Label, zones: &[PlacedZone]) {
    for (outer, _) in zones {
        let Ok(services) = outer.name.child(b"svc") else { continue };
        let Ok(of_federation) = services.child(federation.as_bytes()) else { continue };
        let takes_names = |name: &Name| *name == services || name.is_at_or_below(&of_federation);
        for (inner, place) in zones.iter().filter(|(inner, _)| takes_names(&inner.name)) {
            let message = format!(
                "zone {} stands where zone {} has the names of its services, \
                 SERVICE.NAMESPACE.{of_federation}; choose another name for one of them",
                inner.name, outer.name
            );
            reader.problem(*place, message);
        }
    }
}

/// One zone; every key is read, whatever is wrong with the others.
fn zone(
    reader: &mut Reader<'_>,
    node: &Node,
    keys: ZoneKeys<'_>,
    served: bool,
    tsig_keys: &[Name],
) -> Option<ZoneConfig> {
    let ZoneKeys { ttl, levels, empty_levels, name_servers, hostmaster, .. } = keys;
    let ZoneKeys { static_records, transfer, providers, .. } = keys;
    let name = reader.name(node);
    if let Some(name) = &name {
        reader.note(Subject::Zone(name.clone()), node.place);
    }
    let hostmaster = match hostmaster {
        Some(node) => reader.parsed(node, "a mailbox as a domain name", mailbox),
        None => name.as_ref().and_then(|name| default_hostmaster(reader, node, name)),
    };
    let empty_words = [("all", EmptyLevels::All), ("present", EmptyLevels::Present)];
    let ttl = ttl.and_then(|node| read_ttl(reader, node));
    let levels = levels.and_then(|node| read_levels(reader, node));
    let empty_levels = empty_levels.and_then(|node| reader.word(node, &empty_words));
    let static_records: Vec<PathBuf> = reader.items(static_records, static_file);
    let is_bare = name_servers.is_none_or(|node| reader.list(node).is_empty());
    let name_servers = read_name_servers(reader, name_servers);
    let transfer = transfers::transfer(reader, transfer, tsig_keys);
    let provider_node = providers;
    let providers = providers::providers(reader, provider_node);
    let name = name?;
    if let Some(node) = provider_node {
        providers::check_hosted(reader, &name, &providers, node);
    }
    if served && static_records.is_empty() {
        if is_bare {
            no_name_server(reader, node, &name);
        }
        check_glue(reader, &name, &name_servers);
    }
    Some(ZoneConfig {
        ttl: ttl.unwrap_or(TTL_DEFAULT),
        levels: levels.unwrap_or(Levels::ALL),
        empty_levels: empty_levels.unwrap_or_default(),
        name_servers: name_servers.into_iter().map(|(server, _)| server).collect(),
        hostmaster: hostmaster?,
        static_records,
        transfer,
        providers,
        name,
    })
}

fn static_file(reader: &mut Reader<'_>, node: &Node) -> Option<PathBuf> {
    let path = reader.path(node)?;
    reader.note(Subject::StaticRecords(path.clone()), node.place);
    Some(path)
}

/// RFC 1035 section 8: the first label is what stands before the `@`.
fn mailbox(text: &str) -> Result<Name, String> {
    match text.split_once('@') {
        Some((local, domain)) if !local.ends_with('\\') => Err(format!(
            "a dot stands in place of the @, like {}.{domain}",
            local.replace('.', "\\.")
        )),
        _ => text.parse().map_err(|error: NameError| error.to_string()),
    }
}

fn default_hostmaster(reader: &mut Reader<'_>, node: &Node, zone: &Name) -> Option<Name> {
    let hostmaster = zone.child(b"hostmaster");
    if let Err(error) = &hostmaster {
        let message = format!("hostmaster.{zone} is no domain name: {error}; give \"hostmaster\"");
        reader.problem(node.place, message);
    }
    hostmaster.ok()
}

fn no_name_server(reader: &mut Reader<'_>, node: &Node, zone: &Name) {
    let message = format!(
        "zone {zone} has no name server; give nameServers, like [{{name: ns1.{zone}, addresses: \
         [192.0.2.53]}}]"
    );
    reader.problem(node.place, message);
}

/// Static files may bring the address, so only without them is a missing one certain.
fn check_glue(reader: &mut Reader<'_>, zone: &Name, servers: &[(NameServer, Place)]) {
    let is_bare = |server: &NameServer| server.addresses.is_empty();
    for (NameServer { name, .. }, place) in servers.iter().filter(|(server, _)| is_bare(server)) {
        if name.is_at_or_below(zone) {
            let message = format!(
                "name server {name} lies inside zone {zone} and needs addresses, which \
                 delegations give as glue; wanted {{name: {name}, addresses: [192.0.2.53]}}"
            );
            reader.problem(*place, message);
        }
    }
}

fn read_name_servers(reader: &mut Reader<'_>, node: Option<&Node>) -> Vec<(NameServer, Place)> {
    let mut servers: Vec<(NameServer, Place)> = Vec::new();
    for node in node.map_or(&[][..], |node| reader.list(node)) {
        let Some(server) = name_server(reader, node) else { continue };
        if servers.iter().any(|(known, _)| known.name == server.name) {
            let message =
                format!("name server {} stands in this list twice; remove one", server.name);
            reader.problem(node.place, message);
        } else {
            servers.push((server, node.place));
        }
    }
    servers
}

/// `None` where something is wrong with it, its addresses included.
fn name_server(reader: &mut Reader<'_>, node: &Node) -> Option<NameServer> {
    if let Value::Text(_) = node.value {
        return Some(NameServer { name: reader.name(node)?, addresses: Vec::new() });
    }
    let mut map = reader.map(node, "a map like {name: ns1.example.com., addresses: [192.0.2.53]}");
    let name = reader.required(&mut map, "name", "a name like ns1.example.com.");
    let name = name.and_then(|node| reader.name(node));
    let node = map.take("addresses");
    let addresses = reader.items(node, Reader::address);
    let given = node.map_or(0, |node| reader.list(node).len());
    reader.finish(map);
    (addresses.len() == given).then_some(NameServer { name: name?, addresses })
}

// === impl ZoneKeys ===

impl<'n> ZoneKeys<'n> {
    fn take(map: &mut MapReader<'n>) -> Self {
        Self {
            ttl: map.take("ttl"),
            levels: map.take("levels"),
            empty_levels: map.take("emptyLevels"),
            name_servers: map.take("nameServers"),
            hostmaster: map.take("hostmaster"),
            static_records: map.take("staticRecords"),
            transfer: map.take("transfer"),
            providers: map.take("providers"),
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
            transfer: self.transfer.or(top.transfer),
            providers: self.providers.or(top.providers),
        }
    }
}
