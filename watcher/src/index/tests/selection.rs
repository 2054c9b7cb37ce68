//! Which Services make a shard, and what it carries.

use super::fixture::{Cluster, lb, lb_with, slice};
use crate::settings::ServiceSettings;

const CLUSTER_IP: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: ClusterIP, selector: {app: web}}\n";

#[test]
fn other_types_are_listed_with_the_reason_and_a_change_of_type_acts_at_once() {
    let ready = slice("a", "web", "ready");
    Cluster::new(ServiceSettings::default(), Default::default())
        .list_all(&[CLUSTER_IP.to_owned(), ready])
        .check("view\nweb: left out, its type is ClusterIP, not LoadBalancer")
        // Its slices are known already.
        .apply(&lb("web", "192.0.2.1"))
        .check("web: [192.0.2.1] healthy")
        .apply(CLUSTER_IP)
        .check("web: left out, its type is ClusterIP, not LoadBalancer");
}

#[test]
fn external_traffic_policy_and_labels_have_no_effect() {
    let local = "selector: {app: web}, externalTrafficPolicy: Local";
    Cluster::listed(&[lb("web", "192.0.2.1"), slice("a", "web", "ready")])
        .apply(&lb_with("web", "labels: {a: b}, resourceVersion: '7'", local, "192.0.2.1"))
        .check("");
}

#[test]
fn annotations_act_at_once() {
    let excluded = "annotations: {fedns.io/exclude: 'true'}";
    Cluster::listed(&[lb("web", "192.0.2.1"), slice("a", "web", "ready")])
        .apply(&lb_with("web", excluded, "selector: {app: web}", "192.0.2.1"))
        .check("web: left out, its annotation fedns.io/exclude is \"true\"")
        .apply(&lb("web", "192.0.2.1"))
        .check("web: [192.0.2.1] healthy");
}

#[test]
fn addresses_are_sorted_and_unique() {
    Cluster::listed(&[slice("a", "web", "ready")])
        .apply(&lb("web", "192.0.2.9 2001:db8::1 192.0.2.1 192.0.2.9"))
        .check("web: [192.0.2.1 192.0.2.9 2001:db8::1] healthy")
        .apply(&lb("web", "2001:db8::1 192.0.2.1 192.0.2.9"))
        .check("");
}

#[test]
fn named_ports_are_told() {
    let ports = "ports: [{name: https, port: 443}, {port: 9}, {name: http, port: 80}]";
    Cluster::listed(&[])
        .apply(&lb_with("web", "", ports, "192.0.2.1"))
        .check("web: [192.0.2.1] healthy, http/tcp=80, https/tcp=443");
}
