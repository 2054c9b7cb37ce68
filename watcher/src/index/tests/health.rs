//! Health, and the hold of last addresses.

use std::time::Duration;

use super::fixture::{Cluster, lb, lb_with, slice};
use crate::object::Kind;
use crate::settings::ServiceSettings;

/// What a Service with this spec and these slices looks like.
#[track_caller]
fn check(spec: &str, slices: &[String], expect: &str) {
    let service = lb_with("web", "", spec, "192.0.2.1");
    let mut documents = vec![service];
    documents.extend_from_slice(slices);
    let mut cluster = Cluster::new(ServiceSettings::default(), Default::default());
    let lines = format!("view\nweb: [192.0.2.1] {expect}");
    cluster.list_all(&documents).check(&lines);
}

const SELECTOR: &str = "selector: {app: web}";

#[test]
fn healthy_with_at_least_one_endpoint_in_any_slice_ready_or_without_the_condition() {
    check(SELECTOR, &[slice("a", "web", "ready")], "healthy");
    check(SELECTOR, &[slice("a", "web", "unknown")], "healthy");
    check(SELECTOR, &[slice("a", "web", "unready ready")], "healthy");
    check(SELECTOR, &[slice("a", "web", "unready"), slice("b", "web", "ready")], "healthy");
    check(SELECTOR, &[slice("a", "web", "unready unready")], "no ready endpoint");
    check(SELECTOR, &[slice("a", "web", "")], "no ready endpoint");
}

#[test]
fn a_selector_without_slice_is_not_healthy() {
    check(SELECTOR, &[], "a selector, but no EndpointSlice");
    check(SELECTOR, &[slice("a", "other", "ready")], "a selector, but no EndpointSlice");
}

#[test]
fn no_selector_and_no_slice_is_healthy() {
    check("ports: []", &[], "healthy");
    check("ports: []", &[slice("a", "web", "unready")], "no ready endpoint");
}

#[test]
fn the_health_annotation_overrides() {
    let always = lb_with("web", "annotations: {fedns.io/health: always}", SELECTOR, "192.0.2.1");
    Cluster::new(ServiceSettings::default(), Default::default())
        .list_all(&[always, slice("a", "web", "unready")])
        .check("view\nweb: [192.0.2.1] healthy");
    let other = lb_with("web", "annotations: {fedns.io/health: sometimes}", SELECTOR, "192.0.2.1");
    Cluster::new(ServiceSettings::default(), Default::default())
        .list_all(&[other])
        .check("view\nweb: [192.0.2.1] a selector, but no EndpointSlice");
}

#[test]
fn readiness_of_either_family_counts_for_all_addresses() {
    let service = lb("web", "192.0.2.1 2001:db8::1");
    Cluster::new(ServiceSettings::default(), Default::default())
        .list_all(&[service, slice("v4", "web", "unready"), slice("v6", "web", "ready")])
        .check("view\nweb: [192.0.2.1 2001:db8::1] healthy");
}

#[test]
fn unreadiness_and_readiness_act_at_once() {
    Cluster::listed(&[lb("web", "192.0.2.1"), slice("a", "web", "ready")])
        .apply(&slice("a", "web", "unready"))
        .check("web: [192.0.2.1] no ready endpoint")
        .apply(&slice("a", "web", "ready"))
        .check("web: [192.0.2.1] healthy")
        .delete(Kind::EndpointSlice, "a")
        .check("web: [192.0.2.1] a selector, but no EndpointSlice");
}

#[test]
fn a_second_ready_slice_changes_nothing() {
    Cluster::listed(&[lb("web", "192.0.2.1"), slice("a", "web", "ready")])
        .apply(&slice("b", "web", "ready"))
        .check("")
        .delete(Kind::EndpointSlice, "a")
        .check("");
}

#[test]
fn a_slice_that_goes_to_another_service_leaves_the_first() {
    Cluster::listed(&[lb("web", "192.0.2.1"), lb("shop", "192.0.2.2"), slice("a", "web", "ready")])
        .apply(&slice("a", "shop", "ready"))
        .check("shop: [192.0.2.2] healthy\nweb: [192.0.2.1] a selector, but no EndpointSlice");
}

#[test]
fn a_deletion_timestamp_counts_as_deleted() {
    let dying = lb_with("web", "deletionTimestamp: '2026-01-01T00:00:00Z'", "", "192.0.2.1");
    Cluster::listed(&[lb("web", "192.0.2.1"), slice("a", "web", "ready")])
        .apply(&dying)
        .check("web: gone");
    Cluster::new(ServiceSettings::default(), Default::default()).list_all(&[dying]).check("view");
}

fn held() -> Cluster {
    let mut cluster = Cluster::listed(&[lb("web", "192.0.2.1"), slice("a", "web", "ready")]);
    cluster.at(100).apply(&lb("web", "")).check("web: [192.0.2.1] healthy, held until 130");
    cluster
}

#[test]
fn an_empty_list_keeps_the_last_addresses_for_hold_empty() {
    let mut cluster = held();
    assert_eq!(cluster.index.next_deadline().map(|end| end.0), Some(130));
    cluster.at(129).check("").at(130).check("web: [] healthy");
    assert_eq!(cluster.index.next_deadline(), None);
}

#[test]
fn a_hold_ends_when_there_are_addresses_again() {
    let mut cluster = held();
    cluster.at(110).apply(&lb("web", "192.0.2.1")).check("web: [192.0.2.1] healthy");
    assert_eq!(cluster.index.next_deadline(), None);
    held().apply(&lb("web", "192.0.2.9")).check("web: [192.0.2.9] healthy");
}

#[test]
fn a_hold_is_not_prolonged_by_further_changes() {
    let labelled = lb_with("web", "labels: {a: b}", "selector: {app: web}", "");
    held().at(120).apply(&labelled).check("").at(130).check("web: [] healthy");
}

#[test]
fn a_hold_ends_with_readiness_deletion_and_type() {
    held().apply(&slice("a", "web", "unready")).check("web: [] no ready endpoint");
    held().delete(Kind::Service, "web").check("web: gone").at(130).check("");
    let other = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: NodePort}\n";
    held().apply(other).check("web: left out, its type is NodePort, not LoadBalancer");
}

#[test]
fn a_service_that_was_not_ready_has_nothing_to_hold() {
    Cluster::listed(&[lb("web", "192.0.2.1"), slice("a", "web", "unready")])
        .apply(&lb("web", ""))
        .check("web: [] no ready endpoint")
        .apply(&slice("a", "web", "ready"))
        .check("web: [] healthy");
}

#[test]
fn without_hold_empty_nothing_is_held() {
    let settings = ServiceSettings { hold_empty: Duration::ZERO, ..Default::default() };
    Cluster::listed_with(settings, &[lb("web", "192.0.2.1"), slice("a", "web", "ready")])
        .apply(&lb("web", ""))
        .check("web: [] healthy");
}

#[test]
fn a_list_whose_addresses_are_all_refused_is_not_empty() {
    Cluster::listed(&[lb("web", "192.0.2.1"), slice("a", "web", "ready")])
        .apply(&lb("web", "0.0.0.0"))
        .check("web: [] healthy, without 0.0.0.0: it is the unspecified address");
}
