//! The keys of zone transfers: `tsigKeys`, `transfer` of each zone, and `catalogZone`.

use std::net::{IpAddr, SocketAddr};

use dns_server::transfer::{Allow, NotifyTarget, ZoneTransfer};
use dns_server::{Prefix, TsigAlgorithm};
use model::Name;

use crate::config::catalog as catalog_zone;
use crate::config::places::Subject;
use crate::config::read::Reader;
use crate::config::transfers::{Secret, TsigKeyConfig, decode_secret};
use crate::config::tree::{Node, Value};
use crate::config::{CatalogConfig, ZoneConfig};

const DNS_PORT: u16 = 53;
const KEY_PREFIX: &str = "key:";

pub(super) fn tsig_keys(reader: &mut Reader<'_>, node: Option<&Node>) -> Vec<TsigKeyConfig> {
    let mut keys: Vec<TsigKeyConfig> = Vec::new();
    for node in node.map_or(&[][..], |node| reader.list(node)) {
        let Some(key) = tsig_key(reader, node) else { continue };
        if keys.iter().any(|known| known.name == key.name) {
            let message = format!("key {} stands in this list twice; remove one", key.name);
            reader.problem(node.place, message);
        } else {
            keys.push(key);
        }
    }
    keys
}

fn tsig_key(reader: &mut Reader<'_>, node: &Node) -> Option<TsigKeyConfig> {
    let mut map = reader.map(node, "a map like {name: transfer., secretFile: ./transfer.key}");
    let name = reader.required(&mut map, "name", "the key's name, like transfer.");
    let name = name.and_then(|node| reader.name(node));
    let algorithm = map.take("algorithm").map(|node| reader.word(node, &TsigAlgorithm::ALL));
    let file = map.take("secretFile");
    let secret = map.take("secret");
    let secret = match (file, secret) {
        (Some(file), None) => secret_file(reader, file),
        (None, Some(secret)) => inline_secret(reader, secret),
        (Some(_), Some(secret)) => {
            let message = "both \"secretFile\" and \"secret\" are given; keep one of them";
            reader.problem(secret.place, message);
            None
        }
        (None, None) => {
            reader.missing(&map, "secretFile", "a file with the secret in Base64");
            None
        }
    };
    reader.finish(map);
    let algorithm = match algorithm {
        None => TsigAlgorithm::HmacSha256,
        Some(algorithm) => algorithm?,
    };
    Some(TsigKeyConfig { name: name?, algorithm, secret: secret? })
}

fn secret_file(reader: &mut Reader<'_>, node: &Node) -> Option<Secret> {
    let path = reader.path(node)?;
    reader.note(Subject::SecretFile(path.clone()), node.place);
    Some(Secret::File(path))
}

/// No message repeats it.
fn inline_secret(reader: &mut Reader<'_>, node: &Node) -> Option<Secret> {
    let text = reader.text(node, "the secret in Base64")?;
    match decode_secret(text) {
        Ok(bytes) => Some(Secret::Inline(bytes.into())),
        Err(message) => {
            reader.value_problem(node, message);
            None
        }
    }
}

/// Who may have a zone, and who is told of its changes. `keys` are the names of all keys.
pub(super) fn transfer(
    reader: &mut Reader<'_>,
    node: Option<&Node>,
    keys: &[Name],
) -> ZoneTransfer {
    let Some(node) = node else { return ZoneTransfer::default() };
    let wanted = "a map like {allow: [\"key:transfer.\"], notify: [192.0.2.1]}";
    let mut map = reader.map(node, wanted);
    let allow = reader.items(map.take("allow"), |reader, node| allow(reader, node, keys));
    let notify = reader.items(map.take("notify"), |reader, node| notify(reader, node, keys));
    reader.finish(map);
    ZoneTransfer { allow, notify }
}

/// Its name alone, or a map; without `transfer` of its own it goes to whom `top` says.
pub(super) fn catalog(
    reader: &mut Reader<'_>,
    node: &Node,
    top: Option<&Node>,
    keys: &[Name],
) -> Option<CatalogConfig> {
    if !matches!(node.value, Value::Map(_)) {
        let transfer = transfer(reader, top, keys);
        return Some(CatalogConfig { name: reader.name(node)?, transfer });
    }
    let mut map = reader.map(node, "a name like catalog.invalid.");
    let name = reader.required(&mut map, "name", "a name like catalog.invalid.");
    let name = name.and_then(|node| reader.name(node));
    let own = map.take("transfer").or(top);
    let transfer = transfer(reader, own, keys);
    reader.finish(map);
    Some(CatalogConfig { name: name?, transfer })
}

/// It is for secondaries alone, and no part of what is resolved.
pub(super) fn check_catalog(
    reader: &mut Reader<'_>,
    node: &Node,
    catalog: &CatalogConfig,
    zones: &[ZoneConfig],
    is_served: bool,
) {
    let name = &catalog.name;
    let is_nested =
        |zone: &&ZoneConfig| zone.name.is_at_or_below(name) || name.is_at_or_below(&zone.name);
    if let Some(zone) = zones.iter().find(is_nested) {
        let zone = &zone.name;
        let message = format!(
            "{name} and zone {zone} lie in one another, and resolvers would be led astray; choose a name \
             that no zone has, like catalog.invalid."
        );
        reader.value_problem(node, message);
    }
    if name.wire().len() > catalog_zone::NAME_LENGTH_MAX {
        reader
            .value_problem(node, format!("{name} is too long to have names below it; shorten it"));
    }
    if catalog.transfer.allow.is_empty() {
        let message = "nobody may have it; add transfer: {allow: [\"key:transfer.\"]}";
        reader.value_problem(node, message);
    }
    if !is_served {
        let message = "no port is opened for it; add listen: {dns: [\"0.0.0.0:53\"]}";
        reader.value_problem(node, message);
    }
}

fn allow(reader: &mut Reader<'_>, node: &Node, keys: &[Name]) -> Option<Allow> {
    let wanted = "addresses like 192.0.2.0/24, or a key like key:transfer.";
    let text = reader.text(node, wanted)?;
    match text.strip_prefix(KEY_PREFIX) {
        Some(name) => known_key(reader, node, name.trim_start(), keys).map(Allow::Key),
        None => reader.parsed(node, wanted, str::parse::<Prefix>).map(Allow::From),
    }
}

fn known_key(reader: &mut Reader<'_>, node: &Node, text: &str, keys: &[Name]) -> Option<Name> {
    let name = Name::parse(text).ok().filter(|name| keys.contains(name));
    if name.is_none() {
        let known: Vec<String> = keys.iter().map(ToString::to_string).collect();
        let known = match known.is_empty() {
            true => "there are none yet".to_owned(),
            false => format!("those are: {}", known.join(", ")),
        };
        let message = format!("found key {text:?}, which does not stand in tsigKeys; {known}");
        reader.value_problem(node, message);
    }
    name
}

/// An address, or a map with the key that signs.
fn notify(reader: &mut Reader<'_>, node: &Node, keys: &[Name]) -> Option<NotifyTarget> {
    if !matches!(node.value, Value::Map(_)) {
        return Some(NotifyTarget { address: notify_address(reader, node)?, key: None });
    }
    let mut map = reader.map(node, "a map like {address: 192.0.2.1, key: transfer.}");
    let address = reader.required(&mut map, "address", "a secondary's address, like 192.0.2.1");
    let address = address.and_then(|node| notify_address(reader, node));
    let key = map.take("key").map(|node| {
        let text = reader.text(node, "a key's name, like transfer.")?;
        known_key(reader, node, text, keys)
    });
    reader.finish(map);
    let key = match key {
        None => None,
        Some(key) => Some(key?),
    };
    Some(NotifyTarget { address: address?, key })
}

fn notify_address(reader: &mut Reader<'_>, node: &Node) -> Option<SocketAddr> {
    let wanted = "a secondary's address, like 192.0.2.1 or 192.0.2.1:53";
    let with_port = |ip: IpAddr| SocketAddr::new(ip, DNS_PORT);
    reader.understood(node, wanted, |text| {
        text.parse().ok().or_else(|| text.parse().ok().map(with_port))
    })
}
