//! The key `providers`: where a zone is mirrored to, and how.

#[cfg(feature = "clouddns")]
mod clouddns;
#[cfg(feature = "route53")]
mod route53;

use std::collections::BTreeSet;
use std::path::PathBuf;

use model::{Name, RecordType};
use providers::alidns::SignatureVersion;
use providers::rfc2136::Server;
use providers::sync::change::Policy;
use providers::sync::filters::Filters;
use providers::sync::registry::Registry;
use providers::sync::scope::Scope;
use providers::webhook::WebhookUrl;

use super::refuse_later;
use super::values::{read_levels, read_ttl};
use crate::config::places::Subject;
use crate::config::read::{MapReader, Reader};
use crate::config::tree::Node;
use crate::config::{AliDnsConfig, ProviderConfig, ProviderKind, Rfc2136Config, WebhookConfig};

/// Some of those that other tools have, and that have a webhook or stand behind one.
const WEBHOOK_KINDS: [&str; 18] = [
    "akamai",
    "azure",
    "azure-azuredns",
    "cloudflare",
    "coredns",
    "digitalocean",
    "exoscale",
    "gandi",
    "godaddy",
    "hetzner",
    "ionos",
    "linode",
    "oci",
    "ovh",
    "pdns",
    "pihole",
    "scaleway",
    "unifi",
];
const LATER_KEYS: [(&str, &str); 1] = [("zoneId", "zones with one name at a provider")];

/// What stands where a kind is wanted.
const KINDS: &str = "a kind of provider: alidns, aws-route53, google-clouddns, rfc2136 or webhook";

/// A kind that this build serves.
#[derive(Clone, Copy)]
enum Kind {
    AliDns,
    Rfc2136,
    Webhook,
    #[cfg(feature = "clouddns")]
    CloudDns,
    #[cfg(feature = "route53")]
    Route53,
}

/// The owner that other tools take when nobody chooses one.
const COMMON_OWNER: &str = "default";
/// A marker holds it beside a name.
const OWNER_LENGTH_MAX: usize = 63;

pub(super) fn providers(reader: &mut Reader<'_>, node: Option<&Node>) -> Vec<ProviderConfig> {
    let mut providers: Vec<ProviderConfig> = Vec::new();
    for node in node.map_or(&[][..], |node| reader.list(node)) {
        let Some(provider) = provider(reader, node) else { continue };
        let is_same =
            |other: &ProviderConfig| other.kind == provider.kind && other.hosted == provider.hosted;
        if providers.iter().any(is_same) {
            let message = "this provider stands in this list already; two would undo each other's \
                           changes, so keep one";
            reader.problem(node.place, message);
        } else {
            providers.push(provider);
        }
    }
    providers
}

fn provider(reader: &mut Reader<'_>, node: &Node) -> Option<ProviderConfig> {
    let mut map =
        reader.map(node, "a map like {kind: alidns, configFile: ./alidns.yaml, owner: shop}");
    let kind = reader.required(&mut map, "kind", KINDS);
    let kind = kind.and_then(|node| read_kind(reader, node));
    let owner =
        reader.required(&mut map, "owner", "a word that says whose the records are, like shop");
    let owner = owner.and_then(|node| read_owner(reader, node));
    let hosted = map.take("zone").and_then(|node| {
        let name = reader.name(node)?;
        reader.note(Subject::HostedZone(name.clone()), node.place);
        Some(name)
    });
    let ttl = map.take("ttl").and_then(|node| read_ttl(reader, node));
    let levels = map.take("levels").and_then(|node| read_levels(reader, node));
    let types = map.take("types").map(|node| read_types(reader, node));
    let policies = [
        ("sync", Policy::Sync),
        ("upsert-only", Policy::UpsertOnly),
        ("create-only", Policy::CreateOnly),
    ];
    let policy = map.take("policy").and_then(|node| reader.word(node, &policies));
    let registries = [
        ("external-dns", Registry::ExternalDns),
        ("compact", Registry::Compact),
        ("zone", Registry::Zone),
    ];
    let registry = map.take("registry").and_then(|node| reader.word(node, &registries));
    let name_servers = map.take("nameServers").map(|node| read_name_servers(reader, node));
    let filters = map.take("filters").map(|node| read_filters(reader, node));
    let settings = settings(reader, &mut map, kind);
    refuse_later(reader, &mut map, &LATER_KEYS);
    reader.finish(map);
    Some(ProviderConfig {
        kind: settings?,
        hosted,
        owner: owner?,
        ttl,
        levels,
        types: types.unwrap_or_else(Scope::default_types),
        policy: policy.unwrap_or_default(),
        registry: registry.unwrap_or_default(),
        name_servers,
        filters: filters.unwrap_or_default(),
    })
}

/// The keys of one kind; `None` where it is not known, or misses what it needs.
fn settings(
    reader: &mut Reader<'_>,
    map: &mut MapReader<'_>,
    kind: Option<Kind>,
) -> Option<ProviderKind> {
    Some(match kind {
        None => {
            // Whichever was meant, its keys are not what is wrong.
            alidns(reader, map);
            for key in ["project", "region", "server", "zoneId"] {
                map.take(key);
            }
            return None;
        }
        Some(Kind::AliDns) => ProviderKind::AliDns(alidns(reader, map)),
        Some(Kind::Rfc2136) => ProviderKind::Rfc2136(rfc2136(reader, map)?),
        Some(Kind::Webhook) => ProviderKind::Webhook(webhook(reader, map)),
        #[cfg(feature = "clouddns")]
        Some(Kind::CloudDns) => ProviderKind::CloudDns(clouddns::settings(reader, map)),
        #[cfg(feature = "route53")]
        Some(Kind::Route53) => ProviderKind::Route53(route53::settings(reader, map)),
    })
}

fn alidns(reader: &mut Reader<'_>, map: &mut MapReader<'_>) -> AliDnsConfig {
    let config_file = map.take("configFile").and_then(|node| read_file(reader, node));
    let words = [("v3", SignatureVersion::V3), ("v1", SignatureVersion::V1)];
    let signature = map.take("signature").and_then(|node| reader.word(node, &words));
    let endpoint = read_endpoint(reader, map, "a URL like https://alidns.aliyuncs.com");
    AliDnsConfig { config_file, signature: signature.unwrap_or_default(), endpoint }
}

fn rfc2136(reader: &mut Reader<'_>, map: &mut MapReader<'_>) -> Option<Rfc2136Config> {
    let wanted = "the zone's primary name server, like 192.0.2.1:53";
    let server = reader.required(map, "server", wanted);
    let server = server.and_then(|node| reader.understood(node, wanted, Server::parse));
    let wanted = "the file with the key that the server shares with us, as tsig-keygen writes it";
    let config_file = reader.required(map, "configFile", wanted);
    let config_file = config_file.and_then(|node| read_file(reader, node));
    Some(Rfc2136Config { server: server?, config_file: config_file? })
}

fn webhook(reader: &mut Reader<'_>, map: &mut MapReader<'_>) -> WebhookConfig {
    let endpoint = map.take("endpoint").and_then(|node| {
        reader.understood(node, "a URL like http://localhost:8888", WebhookUrl::parse)
    });
    if let Some((_, node)) = map.take_later("configFile") {
        let message = "keys and zones are the webhook's own, in its own settings; remove it";
        reader.value_problem(node, message);
    }
    WebhookConfig { endpoint: endpoint.unwrap_or_default() }
}

/// None of them, and nobody is asked.
fn read_name_servers(reader: &mut Reader<'_>, node: &Node) -> Vec<Server> {
    let wanted = "a name server, like ns1.example.com or 192.0.2.1:53";
    reader.items(Some(node), |reader, node| reader.understood(node, wanted, Server::parse))
}

fn read_file(reader: &mut Reader<'_>, node: &Node) -> Option<PathBuf> {
    let path = reader.path(node)?;
    reader.note(Subject::ProviderFile(path.clone()), node.place);
    Some(path)
}

fn read_endpoint(reader: &mut Reader<'_>, map: &mut MapReader<'_>, wanted: &str) -> Option<String> {
    let node = map.take("endpoint")?;
    let is_url = |text: &str| text.starts_with("https://") || text.starts_with("http://");
    reader.understood(node, wanted, |text| is_url(text).then(|| text.to_owned()))
}

fn read_kind(reader: &mut Reader<'_>, node: &Node) -> Option<Kind> {
    let text = reader.text(node, KINDS)?;
    match text {
        "alidns" => return Some(Kind::AliDns),
        "rfc2136" => return Some(Kind::Rfc2136),
        "webhook" => return Some(Kind::Webhook),
        #[cfg(feature = "clouddns")]
        "google-clouddns" | "clouddns" => return Some(Kind::CloudDns),
        #[cfg(not(feature = "clouddns"))]
        "google-clouddns" | "clouddns" => {
            let message = "this build of fedns has no Cloud DNS; build it with --features clouddns";
            reader.value_problem(node, message);
            return None;
        }
        #[cfg(feature = "route53")]
        "aws-route53" | "route53" => return Some(Kind::Route53),
        #[cfg(not(feature = "route53"))]
        "aws-route53" | "route53" => {
            let message = "this build of fedns has no Route53; build it with --features route53";
            reader.value_problem(node, message);
            return None;
        }
        _ => {}
    }
    if WEBHOOK_KINDS.contains(&text) {
        let message = format!(
            "kind {text} is reached through a webhook for ExternalDNS: start the one of {text}, and write \
             kind: webhook with its endpoint"
        );
        reader.value_problem(node, message);
    } else {
        reader.wanted(node, KINDS);
    }
    None
}

/// It stands in markers among separators, and in the provider's own alphabet.
fn read_owner(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let text = reader.text(node, "a word that says whose the records are, like shop")?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if text.is_empty() || text.len() > OWNER_LENGTH_MAX || !text.bytes().all(is_plain) {
        reader.wanted(node, "1 to 63 letters, digits, hyphens, dots or underscores");
        return None;
    }
    if text == COMMON_OWNER {
        let message = "found \"default\", which other tools take when nobody chooses: their records would \
                       count as ours; choose a word of your own";
        reader.value_problem(node, message);
        return None;
    }
    Some(text.to_owned())
}

fn read_filters(reader: &mut Reader<'_>, node: &Node) -> Filters {
    let mut map = reader.map(node, "a map like {namespaces: [shop, web-*], services: [shop/web]}");
    let mut patterns = |reader: &mut Reader<'_>, key| {
        let node: &Node = map.take(key)?;
        Some(reader.items(Some(node), read_pattern))
    };
    let namespaces = patterns(reader, "namespaces");
    let services = patterns(reader, "services");
    reader.finish(map);
    Filters { namespaces, services }
}

/// What Kubernetes takes in names, stars, and one slash after a namespace.
fn read_pattern(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let wanted = "a name like web, web-* or shop/web, in small letters";
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-*/".contains(&byte);
    let is_pattern = |text: &str| {
        !text.is_empty() && text.bytes().all(is_plain) && text.matches('/').count() <= 1
    };
    reader.understood(node, wanted, |text| is_pattern(text).then(|| text.to_owned()))
}

fn read_types(reader: &mut Reader<'_>, node: &Node) -> BTreeSet<RecordType> {
    let words = [("A", RecordType::A), ("AAAA", RecordType::AAAA), ("CNAME", RecordType::CNAME)];
    if reader.list(node).is_empty() {
        reader.value_problem(node, "no type is mirrored; wanted some of A, AAAA, CNAME");
    }
    reader.items(Some(node), |reader, node| reader.word(node, &words)).into_iter().collect()
}

/// A hosted zone holds the zone that is mirrored.
pub(super) fn check_hosted(
    reader: &mut Reader<'_>,
    zone: &Name,
    providers: &[ProviderConfig],
    node: &Node,
) {
    for hosted in providers.iter().filter_map(|provider| provider.hosted.as_ref()) {
        if !zone.is_at_or_below(hosted) {
            let message = format!(
                "a provider's zone {hosted} does not hold zone {zone}; wanted {zone} or one above it"
            );
            reader.problem(node.place, message);
        }
    }
}
