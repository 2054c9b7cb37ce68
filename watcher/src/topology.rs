//! Where a cluster is, from the labels of its nodes.

use std::collections::{BTreeMap, BTreeSet};

use model::{Label, Location, Topology, UnixTime};
use serde::{Deserialize, Serialize};

use crate::object::{Node, NodeLabels};

/// How long a location stays after its last node.
pub const LOCATION_KEPT_SECONDS: u64 = 24 * 60 * 60;

/// A location that stands, and since when no node is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedLocation {
    pub location: Location,
    /// None while a node is there.
    #[serde(default)]
    pub empty_since: Option<UnixTime>,
}

/// What one node's labels say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NodePlace {
    pub location: Option<Location>,
    /// What was left out, each a sentence without the final dot.
    pub notes: Vec<String>,
}

/// The nodes of a cluster and the locations that they give it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Nodes {
    places: BTreeMap<Box<str>, NodePlace>,
}

/// The locations that stand: those of the nodes, and for a while those that had nodes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Locations {
    /// With the moment since when no node is there.
    standing: BTreeMap<Location, Option<UnixTime>>,
}

/// Reads a node's labels; `topology.kubernetes.io` counts before the keys of old.
pub(crate) fn read_node(node: &Node) -> NodePlace {
    let NodeLabels { region, zone, old_region, old_zone } = &node.metadata.labels;
    let first = |new: &Option<Box<str>>, old: &Option<Box<str>>| {
        let given = new.as_deref().filter(|text| !text.is_empty());
        given.or(old.as_deref().filter(|text| !text.is_empty())).map(str::to_owned)
    };
    let mut notes = Vec::new();
    let mut label = |what: &str, text: Option<String>| {
        let text = text?;
        let label = dns_label(&text);
        if label.is_none() {
            notes.push(format!("the {what} \"{text}\" of a node is no DNS label and is left out"));
        }
        label
    };
    let region = label("region", first(region, old_region));
    let zone = label("zone", first(zone, old_zone));
    let location = match (region, zone) {
        (Some(region), zone) => Some(Location::new(region, zone)),
        (None, Some(zone)) => {
            notes.push(format!("the zone {zone} of a node without a region is ignored"));
            None
        }
        (None, None) => None,
    };
    NodePlace { location, notes }
}

/// A label of RFC 1123 in lower case.
fn dns_label(text: &str) -> Option<Label> {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let is_label = text.chars().all(is_inner) && !text.starts_with('-') && !text.ends_with('-');
    Label::new(text).ok().filter(|_| is_label)
}

// === impl Nodes ===

impl Nodes {
    /// True if the node's place changed.
    pub(crate) fn put(&mut self, name: Box<str>, place: NodePlace) -> bool {
        let is_same = self.places.get(&name) == Some(&place);
        if !is_same {
            self.places.insert(name, place);
        }
        !is_same
    }

    pub(crate) fn remove(&mut self, name: &str) -> bool {
        self.places.remove(name).is_some()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(|name| &**name)
    }

    fn locations(&self) -> BTreeSet<&Location> {
        self.places.values().filter_map(|place| place.location.as_ref()).collect()
    }

    fn notes(&self) -> BTreeSet<String> {
        let mut notes: BTreeSet<String> =
            self.places.values().flat_map(|place| place.notes.iter().cloned()).collect();
        let without = |place: &NodePlace| place.location.is_none();
        if !self.places.is_empty() && self.places.values().all(without) {
            notes.insert("no node has a region label: global names only".to_owned());
        } else if self.places.values().any(without) {
            notes.insert("nodes without a region label count for global names only".to_owned());
        }
        notes
    }
}

// === impl Locations ===

impl Locations {
    pub(crate) fn remembered(locations: &[RememberedLocation]) -> Self {
        let standing = locations
            .iter()
            .map(|remembered| (remembered.location.clone(), remembered.empty_since));
        Self { standing: standing.collect() }
    }

    pub(crate) fn remember(&self) -> Vec<RememberedLocation> {
        let standing = self.standing.iter().map(|(location, empty_since)| RememberedLocation {
            location: location.clone(),
            empty_since: *empty_since,
        });
        standing.collect()
    }

    /// Takes in the nodes as they are at `now`.
    pub(crate) fn update(&mut self, nodes: &Nodes, now: UnixTime) {
        let present = nodes.locations();
        for (location, empty_since) in &mut self.standing {
            match present.contains(location) {
                true => *empty_since = None,
                false => *empty_since = empty_since.or(Some(now)),
            }
        }
        for location in present {
            self.standing.entry(location.clone()).or_default();
        }
        self.expire(now);
    }

    /// Drops what has been empty for too long; true if there was any.
    pub(crate) fn expire(&mut self, now: UnixTime) -> bool {
        let count = self.standing.len();
        self.standing.retain(|_, empty_since| empty_since.is_none_or(|since| now < end(since)));
        self.standing.len() < count
    }

    pub(crate) fn next_deadline(&self) -> Option<UnixTime> {
        self.standing.values().flatten().map(|since| end(*since)).min()
    }

    pub(crate) fn topology(&self, nodes: &Nodes) -> Topology {
        Topology { locations: self.standing.keys().cloned().collect(), notes: nodes.notes() }
    }
}

fn end(since: UnixTime) -> UnixTime {
    UnixTime(since.0.saturating_add(LOCATION_KEPT_SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = LOCATION_KEPT_SECONDS;

    /// `labels` are `key=value` with `region`, `zone`, `old-region` and `old-zone` as keys.
    fn node(labels: &str) -> NodePlace {
        let mut node = Node::default();
        for label in labels.split(' ').filter(|label| !label.is_empty()) {
            let (key, value) = label.split_once('=').unwrap();
            let labels = &mut node.metadata.labels;
            let place = match key {
                "region" => &mut labels.region,
                "zone" => &mut labels.zone,
                "old-region" => &mut labels.old_region,
                "old-zone" => &mut labels.old_zone,
                key => panic!("{key}"),
            };
            *place = Some(value.into());
        }
        read_node(&node)
    }

    /// Locations as `zone.region` or `region`, then the notes.
    fn tell(topology: &Topology) -> String {
        let locations = topology.locations.iter().map(|location| {
            let zone = location.availability_zone.as_ref().map(|zone| format!("{zone}."));
            format!("{}{}", zone.unwrap_or_default(), location.region)
        });
        let parts: Vec<String> = locations.chain(topology.notes.iter().cloned()).collect();
        parts.join("; ")
    }

    #[track_caller]
    fn check(nodes: &[&str], expect: &str) {
        let mut known = Nodes::default();
        for (number, labels) in nodes.iter().enumerate() {
            known.put(format!("n{number}").into(), node(labels));
        }
        let mut locations = Locations::default();
        locations.update(&known, UnixTime(0));
        assert_eq!(tell(&locations.topology(&known)), expect, "{nodes:?}");
    }

    #[test]
    fn every_pair_of_region_and_zone_is_a_location() {
        check(&["region=r zone=a", "region=r zone=b", "region=r zone=a"], "a.r; b.r");
        check(&["region=r zone=a", "region=s zone=a"], "a.r; a.s");
    }

    #[test]
    fn the_new_keys_count_before_the_old() {
        check(&["region=r zone=a old-region=s old-zone=b"], "a.r");
        check(&["old-region=s old-zone=b"], "b.s");
        check(&["region=r old-zone=b"], "b.r");
        check(&["region= old-region=s"], "s");
    }

    #[test]
    fn values_are_lower_cased_and_those_that_are_no_dns_label_left_out() {
        check(&["region=CN-Hangzhou zone=B"], "b.cn-hangzhou");
        check(
            &["region=r zone=not_a_label"],
            "r; the zone \"not_a_label\" of a node is no DNS label and is left out",
        );
        check(
            &["region=a.b zone=z"],
            "no node has a region label: global names only; \
             the region \"a.b\" of a node is no DNS label and is left out; \
             the zone z of a node without a region is ignored",
        );
        check(
            &["region=-r"],
            "no node has a region label: global names only; the region \"-r\" of a node is no DNS label and is left out",
        );
    }

    #[test]
    fn without_a_region_there_are_global_names_only() {
        check(&[""], "no node has a region label: global names only");
        check(&["", "region=r"], "r; nodes without a region label count for global names only");
        check(&[], "");
    }

    #[test]
    fn a_region_without_zone_gives_two_levels() {
        check(&["region=r"], "r");
        check(&["region=r", "region=r zone=a"], "r; a.r");
    }

    #[test]
    fn a_zone_without_region_is_ignored() {
        check(
            &["zone=a"],
            "no node has a region label: global names only; the zone a of a node without a region is ignored",
        );
    }

    #[test]
    fn a_pair_stays_a_day_after_its_last_node() {
        let mut nodes = Nodes::default();
        let mut locations = Locations::default();
        nodes.put("n".into(), node("region=r zone=a"));
        locations.update(&nodes, UnixTime(100));
        assert_eq!(locations.next_deadline(), None);

        nodes.put("n".into(), node("region=r zone=b"));
        locations.update(&nodes, UnixTime(200));
        assert_eq!(tell(&locations.topology(&nodes)), "a.r; b.r");
        assert_eq!(locations.next_deadline(), Some(UnixTime(200 + DAY)));

        locations.expire(UnixTime(199 + DAY));
        assert_eq!(tell(&locations.topology(&nodes)), "a.r; b.r");
        locations.expire(UnixTime(200 + DAY));
        assert_eq!(tell(&locations.topology(&nodes)), "b.r");
    }

    #[test]
    fn a_node_that_comes_back_ends_the_day() {
        let mut nodes = Nodes::default();
        let mut locations = Locations::default();
        nodes.put("n".into(), node("region=r"));
        locations.update(&nodes, UnixTime(0));
        nodes.remove("n");
        locations.update(&nodes, UnixTime(10));
        nodes.put("n".into(), node("region=r"));
        locations.update(&nodes, UnixTime(20));
        assert_eq!(locations.next_deadline(), None);
    }

    #[test]
    fn what_was_remembered_across_a_restart_goes_on_where_it_was() {
        let location = Location::new(Label::new("r").unwrap(), None);
        let remembered =
            |empty_since| [RememberedLocation { location: location.clone(), empty_since }];
        // Empty for an hour before the restart.
        let mut locations = Locations::remembered(&remembered(Some(UnixTime(100))));
        locations.update(&Nodes::default(), UnixTime(3_700));
        assert_eq!(locations.next_deadline(), Some(UnixTime(100 + DAY)));
        // A node was there until the restart; it may have gone any time since.
        let mut locations = Locations::remembered(&remembered(None));
        locations.update(&Nodes::default(), UnixTime(3_700));
        assert_eq!(locations.remember(), remembered(Some(UnixTime(3_700))));
    }

    #[test]
    fn a_node_whose_place_is_the_same_changes_nothing() {
        let mut nodes = Nodes::default();
        assert!(nodes.put("n".into(), node("region=r")));
        assert!(!nodes.put("n".into(), node("region=r")));
        assert!(nodes.put("n".into(), node("region=s")));
        assert!(nodes.remove("n"));
        assert!(!nodes.remove("n"));
    }
}
