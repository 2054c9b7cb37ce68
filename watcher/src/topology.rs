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
    /// True where there is a region label, and its value cannot be a part of a name.
    pub is_region_refused: bool,
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
    let mut notes = Vec::new();
    let mut label = |what: &str, values: [&Option<Box<str>>; 2]| {
        let (key, text) = first_given(what, values)?;
        let label = dns_label(text);
        if let Err(why) = &label {
            notes.push(format!(
                "the label {key}: {text:?} of a node is left out: a part of a name {why}"
            ));
        }
        Some(label)
    };
    let region = label("region", [region, old_region]);
    let zone = label("zone", [zone, old_zone]);
    let is_region_refused = matches!(region, Some(Err(_)));
    let location = match (region.and_then(Result::ok), zone.and_then(Result::ok)) {
        (Some(region), zone) => Some(Location::new(region, zone)),
        (None, Some(zone)) => {
            let without = match is_region_refused {
                true => "whose region is left out",
                false => "without a region",
            };
            notes.push(format!("the zone {zone} of a node {without} is ignored"));
            None
        }
        (None, None) => None,
    };
    NodePlace { location, is_region_refused, notes }
}

/// The label that counts, by the end of its key; an empty value says nothing.
fn first_given<'a>(what: &str, [new, old]: [&'a Option<Box<str>>; 2]) -> Option<(String, &'a str)> {
    [("topology.kubernetes.io", new), ("failure-domain.beta.kubernetes.io", old)]
        .into_iter()
        .filter_map(|(group, value)| Some((format!("{group}/{what}"), value.as_deref()?)))
        .find(|(_, text)| !text.is_empty())
}

/// A label of RFC 1123 in lower case.
///
/// # Errors
///
/// What a label may not be, behind "a part of a name".
fn dns_label(text: &str) -> Result<Label, String> {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if let Some(wrong) = text.chars().find(|c| !is_inner(*c)) {
        return Err(format!("has letters, digits and hyphens only, and no {wrong:?}"));
    }
    if text.starts_with('-') || text.ends_with('-') {
        return Err("has no hyphen at an end".into());
    }
    Label::new(text).map_err(|_| format!("has at most 63 characters, and this has {}", text.len()))
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
        let without = |place: &&NodePlace| place.location.is_none();
        let without: Vec<&NodePlace> = self.places.values().filter(without).collect();
        let is_refused = without.iter().any(|place| place.is_region_refused);
        let note = match (without.len() == self.places.len(), is_refused) {
            _ if without.is_empty() => return notes,
            (true, false) => "no node has a region label: global names only",
            (true, true) => "no node has a region label that can be used: global names only",
            (false, false) => "nodes without a region label count for global names only",
            (false, true) => "nodes without a usable region label count for global names only",
        };
        notes.insert(note.to_owned());
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
            "r; the label topology.kubernetes.io/zone: \"not_a_label\" of a node is left out: \
             a part of a name has letters, digits and hyphens only, and no '_'",
        );
        check(
            &["region=a.b zone=z"],
            "no node has a region label that can be used: global names only; \
             the label topology.kubernetes.io/region: \"a.b\" of a node is left out: \
             a part of a name has letters, digits and hyphens only, and no '.'; \
             the zone z of a node whose region is left out is ignored",
        );
        check(
            &["old-region=-r", "region=s"],
            "s; nodes without a usable region label count for global names only; \
             the label failure-domain.beta.kubernetes.io/region: \"-r\" of a node is left out: \
             a part of a name has no hyphen at an end",
        );
        check(
            &[&format!("region={}", "r".repeat(64))],
            &format!(
                "no node has a region label that can be used: global names only; \
                 the label topology.kubernetes.io/region: \"{}\" of a node is left out: \
                 a part of a name has at most 63 characters, and this has 64",
                "r".repeat(64)
            ),
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
