//! Complete lists: what makes a view, and what is missing from one.

use super::fixture::{Cluster, lb, node, slice};
use crate::object::Kind;
use crate::settings::ServiceSettings;

fn fresh() -> Cluster {
    Cluster::new(ServiceSettings::default(), Default::default())
}

fn web() -> [String; 2] {
    [lb("web", "192.0.2.1"), slice("a", "web", "ready")]
}

#[test]
fn a_view_counts_only_when_all_three_kinds_have_been_listed() {
    fresh()
        .list(Kind::Service, &web())
        .check("")
        .list(Kind::EndpointSlice, &web())
        .check("")
        .list(Kind::Node, &[])
        .check("view\nweb: [192.0.2.1] healthy");
    fresh()
        .list(Kind::Node, &[node("n", "r", "z")])
        .list(Kind::EndpointSlice, &web())
        .list(Kind::Service, &web())
        .check("view\nat z.r\nweb: [192.0.2.1] healthy");
}

#[test]
fn nodes_that_may_not_be_listed_count_as_listed() {
    fresh()
        .nodes_unreadable()
        .list(Kind::Service, &web())
        .list(Kind::EndpointSlice, &web())
        .check("view\nnote: the nodes cannot be listed: 403\nweb: [192.0.2.1] healthy")
        .list(Kind::Node, &[node("n", "r", "z")])
        .check("topology\nat z.r");
}

#[test]
fn events_between_the_lists_are_part_of_the_view() {
    fresh()
        .list(Kind::Service, &web())
        .apply(&lb("web", "192.0.2.9"))
        .apply(&lb("shop", "192.0.2.8"))
        .delete(Kind::Service, "shop")
        .list(Kind::EndpointSlice, &web())
        .delete(Kind::EndpointSlice, "a")
        .list(Kind::Node, &[])
        .check("view\nweb: [192.0.2.9] a selector, but no EndpointSlice");
}

#[test]
fn objects_that_a_later_list_lacks_are_gone() {
    let more = [lb("shop", "192.0.2.2"), slice("b", "shop", "ready")];
    let all = [web(), more].concat();
    let mut cluster = Cluster::listed(&all);
    assert_eq!(cluster.missing(Kind::Service, &web()), "Service default/shop");
    assert_eq!(cluster.missing(Kind::EndpointSlice, &web()), "EndpointSlice default/b");
    assert_eq!(cluster.missing(Kind::Service, &all), "");
    cluster
        .list(Kind::EndpointSlice, &web())
        .check("shop: [192.0.2.2] a selector, but no EndpointSlice")
        .list(Kind::Service, &web())
        .check("shop: gone");
}

#[test]
fn nodes_that_a_later_list_lacks_are_asked_for_too() {
    let cluster = Cluster::listed(&[node("n1", "r", "a"), node("n2", "r", "b")]);
    assert_eq!(cluster.missing(Kind::Node, &[node("n1", "r", "a")]), "Node n2");
}

#[test]
fn what_holds_addresses_is_asked_for_first() {
    let other = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {type: ClusterIP}\n";
    let cluster = Cluster::listed(&[lb("web", "192.0.2.1"), other.to_owned()]);
    assert_eq!(cluster.missing(Kind::Service, &[]), "Service default/web, Service default/a");
}

#[test]
fn an_object_on_its_way_out_is_in_the_list() {
    let dying = super::fixture::lb_with("web", "deletionTimestamp: '2026-01-01T00:00:00Z'", "", "");
    let mut cluster = Cluster::listed(&web());
    assert_eq!(cluster.missing(Kind::Service, std::slice::from_ref(&dying)), "");
    cluster.list(Kind::Service, &[dying]).check("web: gone");
}

#[test]
fn a_slice_that_takes_another_ones_place_leaves_no_gap() {
    Cluster::listed(&web())
        .apply(&lb("web", ""))
        .check("web: [192.0.2.1] healthy, held until 130")
        .list(Kind::EndpointSlice, &[slice("b", "web", "ready")])
        .check("");
}

#[test]
fn a_list_that_is_the_same_changes_nothing() {
    Cluster::listed(&web()).list_all(&web()).check("");
}

#[test]
fn another_cluster_takes_over_in_one_step() {
    let mut cluster = Cluster::listed(&[web().to_vec(), vec![node("n", "r", "z")]].concat());
    cluster.index.begin_other_cluster();
    let other =
        [lb("web", ""), slice("a", "web", "ready"), lb("shop", "192.0.2.2"), node("m", "s", "y")];
    assert_eq!(cluster.missing(Kind::Service, &[]), "");
    cluster
        .list(Kind::Service, &other)
        .list(Kind::EndpointSlice, &other)
        .check("")
        .list(Kind::Node, &other)
        // Nothing of the cluster before is held.
        .check("view\nat y.s\nshop: [192.0.2.2] a selector, but no EndpointSlice\nweb: [] healthy");
}

#[test]
fn changes_of_one_service_before_it_is_told_are_told_once() {
    Cluster::listed(&web())
        .apply(&lb("web", "192.0.2.2"))
        .apply(&lb("web", "192.0.2.3"))
        .apply(&lb("web", "192.0.2.4"))
        .check("web: [192.0.2.4] healthy");
}
