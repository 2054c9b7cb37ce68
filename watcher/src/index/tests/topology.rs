//! Where the cluster is.

use model::{Label, Location, Topology, UnixTime};

use super::super::IndexOptions;
use super::fixture::{Cluster, node};
use crate::memory::{Memory, Saved};
use crate::object::Kind;
use crate::settings::ServiceSettings;
use crate::topology::RememberedLocation;

const DAY: u64 = 24 * 60 * 60;

fn location(region: &str) -> Location {
    Location::new(Label::new(region).unwrap(), None)
}

#[test]
fn nodes_tell_and_a_pair_stays_a_day_after_its_last_node() {
    Cluster::listed(&[node("n1", "r", "a"), node("n2", "r", "b")])
        .apply(&node("n3", "r", "b"))
        .check("")
        .apply(&node("n1", "r", "c"))
        .check("topology\nat a.r\nat b.r\nat c.r")
        .at(100 + DAY)
        .check("topology\nat b.r\nat c.r");
}

#[test]
fn the_config_replaces_labels() {
    let fixed = Topology { locations: [location("fixed")].into(), ..Default::default() };
    let options = IndexOptions { fixed_topology: Some(fixed), ..Default::default() };
    let mut cluster = Cluster::with(options, Saved::default());
    cluster.list(Kind::Service, &[]).list(Kind::EndpointSlice, &[]).check("view\nat fixed");
}

fn remembering(empty_since: Option<u64>) -> Saved {
    let remembered =
        RememberedLocation { location: location("r"), empty_since: empty_since.map(UnixTime) };
    let memory = Memory { locations: vec![remembered], ..Default::default() };
    Saved { memory, ..Default::default() }
}

#[test]
fn locations_are_remembered_across_a_restart() {
    let mut cluster = Cluster::new(ServiceSettings::default(), remembering(None));
    cluster
        .list_all(&[node("n", "s", "z")])
        .check("view\nat r\nat z.s")
        .at(99 + DAY)
        .check("")
        .at(100 + DAY)
        .check("topology\nat z.s");
    assert_eq!(cluster.index.locations().len(), 1);
}

#[test]
fn while_nodes_may_not_be_read_nothing_of_them_ends() {
    let mut cluster = Cluster::new(ServiceSettings::default(), remembering(Some(10)));
    cluster
        .nodes_unreadable()
        .list(Kind::Service, &[])
        .list(Kind::EndpointSlice, &[])
        .check("view\nat r\nnote: the nodes cannot be listed: 403")
        .at(10 + 2 * DAY)
        .check("")
        .list(Kind::Node, &[])
        .check("topology");
}
