//! The key `clusters`: the members, where each is found and where in the world it stands.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use clusters::{Cluster, KubeconfigAccess, Source, TopologyOverride};
use model::ClusterName;

use crate::config::places::Subject;
use crate::config::read::{MapReader, Reader};
use crate::config::tree::{Node, Place};

/// Sorted by name.
pub(super) fn clusters(reader: &mut Reader<'_>, node: Option<&Node>) -> Vec<Cluster> {
    let Some(node) = node else { return Vec::new() };
    let mut clusters: BTreeMap<ClusterName, (Cluster, Place)> = BTreeMap::new();
    for entry in reader.list(node) {
        let Some(cluster) = cluster(reader, entry) else { continue };
        match clusters.entry(cluster.name.clone()) {
            Entry::Occupied(occupied) => {
                let (_, first) = occupied.get();
                let message = format!(
                    "cluster {} stands in line {} already; give one another name",
                    cluster.name, first.line
                );
                reader.problem(entry.place, message);
            }
            Entry::Vacant(vacant) => {
                vacant.insert((cluster, entry.place));
            }
        }
    }
    clusters.into_values().map(|(cluster, _)| cluster).collect()
}

fn cluster(reader: &mut Reader<'_>, node: &Node) -> Option<Cluster> {
    let mut map = reader.map(node, "a map like {name: beijing, context: beijing}");
    let name = reader.required(&mut map, "name", "a cluster's name, like beijing");
    let name = name.and_then(|node| reader.label(node, "a cluster's name, like beijing"));
    let manifests = map.take("manifests");
    let kubeconfig = map.take("kubeconfig");
    let context = map.take("context");
    if manifests.is_some() && (kubeconfig.is_some() || context.is_some()) {
        let message = "a cluster is a folder of manifests or a kubeconfig context, not both; keep \
                       \"manifests\", or \"kubeconfig\" and \"context\"";
        reader.problem(node.place, message);
    }
    let folder = manifests.and_then(|node| reader.path(node));
    let path = kubeconfig.and_then(|node| reader.path(node));
    let named = context.and_then(|node| reader.text(node, "a context's name"));
    let source = match folder {
        Some(folder) => Source::Manifests(folder),
        None => {
            Source::ApiServer(KubeconfigAccess { path, context: named.map(str::to_owned) }.into())
        }
    };
    let topology = topology(reader, &mut map);
    reader.finish(map);
    let name = ClusterName::new(&name?.to_string());
    reader.note(Subject::Cluster(name.clone()), node.place);
    let subjects = [
        (Subject::Manifests(name.clone()), manifests),
        (Subject::Kubeconfig(name.clone()), kubeconfig),
        (Subject::Context(name.clone()), context),
    ];
    for (subject, node) in subjects {
        if let Some(node) = node {
            reader.note(subject, node.place);
        }
    }
    Some(Cluster { name, source, topology, uid: None })
}

fn topology(reader: &mut Reader<'_>, map: &mut MapReader<'_>) -> Option<TopologyOverride> {
    let region = map.take("region");
    let zones = map.take("availabilityZones");
    if let (None, Some(node)) = (region, zones) {
        reader.problem(
            node.place,
            "\"availabilityZones\" need the key \"region\" beside them; add it",
        );
    }
    let region = region.map(|node| reader.label(node, "a region that is one DNS label"));
    let wanted = "an availability zone that is one DNS label";
    let zones = reader.items(zones, |reader, node| reader.label(node, wanted));
    Some(TopologyOverride { region: region??, availability_zones: zones.into_iter().collect() })
}
