//! The key `services`: which Services are published, and how.

use model::Label;
use watcher::{Namespaces, PrivateAddresses, Publish, ServiceSettings};

use crate::config::ZoneConfig;
use crate::config::read::{MapReader, Reader};
use crate::config::tree::Node;

/// What goes to a provider is public: which Services, must then be said, and addresses that nobody
/// outside can reach stay out unless they are asked for.
pub(super) fn services(
    reader: &mut Reader<'_>,
    map: &mut MapReader<'_>,
    zones: &[ZoneConfig],
    federation: Option<Label>,
) -> ServiceSettings {
    let is_mirrored = zones.iter().any(|zone| !zone.providers.is_empty());
    let node = map.take("services");
    let says_publish = node.is_some_and(|node| node.has("publish"));
    // Whoever makes a Service in the federation has said it.
    if is_mirrored && !says_publish && federation.is_none() {
        let message = "key \"services.publish\" is missing: with providers, say which Services go there, \
                       services: {publish: all} or {publish: annotated}";
        reader.problem(node.map_or(map.place, |node| node.place), message);
    }
    let private_addresses =
        if is_mirrored { PrivateAddresses::Skip } else { PrivateAddresses::Publish };
    let mut settings = ServiceSettings {
        namespaces: Namespaces { exclude: vec!["kube-system".into()], ..Namespaces::default() },
        own_zones: zones.iter().map(|zone| zone.name.clone()).collect(),
        private_addresses,
        federation,
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
    let mut map = reader.map(node, "a map like {include: [], exclude: [kube-system]}");
    if let Some(node) = map.take("include") {
        namespaces.include = reader.items(Some(node), namespace);
    }
    if let Some(node) = map.take("exclude") {
        namespaces.exclude = reader.items(Some(node), namespace);
    }
    reader.finish(map);
}

/// Kubernetes takes small letters only: any other name would never match.
fn namespace(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let name = reader.text(node, "a namespace, like default")?;
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        reader.wanted(node, "a namespace, like default, which has no capital letters");
        return None;
    }
    reader.label(node, "a namespace, like default").map(|label| label.to_string())
}
