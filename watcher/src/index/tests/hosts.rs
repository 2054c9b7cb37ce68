//! Host names among the ingress points.

use super::fixture::{Cluster, lb, slice};
use crate::object::Kind;
use crate::settings::{PrivateAddresses, ServiceSettings};

fn ready() -> String {
    slice("a", "web", "ready")
}

#[test]
fn separate_entries_count_all() {
    let mut cluster = Cluster::listed(&[lb("web", "192.0.2.1 2001:db8::1 192.0.2.9"), ready()]);
    assert_eq!(cluster.host_requests(), "");
    cluster
        .apply(&lb("web", "192.0.2.1 lb.example"))
        .check("web: [192.0.2.1] healthy, lb.example=[]");
    assert_eq!(cluster.host_requests(), "use lb.example []");
    cluster.resolve("lb.example", "198.51.100.1 2001:db8::5").check(
        "web: [192.0.2.1 198.51.100.1 2001:db8::5] healthy, lb.example=[198.51.100.1 2001:db8::5]",
    );
}

#[test]
fn a_host_name_that_resolves_to_the_same_changes_nothing() {
    Cluster::listed(&[lb("web", "lb.example"), ready()])
        .resolve("lb.example", "192.0.2.1")
        .check("web: [192.0.2.1] healthy, lb.example=[192.0.2.1]")
        .resolve("lb.example", "192.0.2.1")
        .check("")
        .resolve("other.example", "192.0.2.7")
        .check("");
}

#[test]
fn every_service_that_needs_a_host_name_changes_with_it() {
    let mut cluster = Cluster::listed(&[
        lb("web", "lb.example"),
        lb("shop", "LB.example."),
        ready(),
        slice("b", "shop", "ready"),
    ]);
    assert_eq!(cluster.host_requests(), "use lb.example []");
    cluster.resolve("lb.example", "192.0.2.1").check(
        "shop: [192.0.2.1] healthy, lb.example=[192.0.2.1]
         web: [192.0.2.1] healthy, lb.example=[192.0.2.1]",
    );
    cluster.delete(Kind::Service, "web").check("web: gone");
    assert_eq!(cluster.host_requests(), "");
    cluster.delete(Kind::Service, "shop").check("shop: gone");
    assert_eq!(cluster.host_requests(), "release lb.example");
}

#[test]
fn a_host_name_that_stays_is_not_forgotten_in_between() {
    let mut cluster = Cluster::listed(&[lb("web", "lb.example"), ready()]);
    cluster.host_requests();
    cluster.resolve("lb.example", "192.0.2.1").told();
    cluster
        .apply(&lb("web", "lb.example new.example"))
        .check("web: [192.0.2.1] healthy, lb.example=[192.0.2.1], new.example=[]");
    assert_eq!(cluster.host_requests(), "use new.example []");
    cluster.apply(&lb("web", "new.example")).told();
    assert_eq!(cluster.host_requests(), "release lb.example");
}

#[test]
fn a_load_balancer_that_moves_keeps_its_last_addresses_until_the_new_host_is_known() {
    Cluster::listed(&[lb("web", "192.0.2.1"), ready()])
        .apply(&lb("web", "lb.example"))
        .check("web: [192.0.2.1] healthy, lb.example=[], held until 130")
        .fail("lb.example", "SERVFAIL")
        .check("web: [192.0.2.1] healthy, lb.example=[] (SERVFAIL), held until 130")
        .resolve("lb.example", "198.51.100.1")
        .check("web: [198.51.100.1] healthy, lb.example=[198.51.100.1]");
    Cluster::listed(&[lb("web", "192.0.2.1"), ready()])
        .apply(&lb("web", "lb.example"))
        .check("web: [192.0.2.1] healthy, lb.example=[], held until 130")
        .at(130)
        .check("web: [] healthy, lb.example=[]");
}

#[test]
fn resolved_addresses_are_judged_like_given_ones() {
    let settings =
        ServiceSettings { private_addresses: PrivateAddresses::Skip, ..Default::default() };
    Cluster::listed_with(settings, &[lb("web", "lb.example"), ready()])
        .resolve("lb.example", "10.0.0.1 192.0.2.1")
        .check(
            "web: [192.0.2.1] healthy, lb.example=[10.0.0.1 192.0.2.1], without 10.0.0.1 of lb.example: it is a private address (RFC 1918), and services.privateAddresses is \"skip\"",
        );
}

#[test]
fn first_look_ups_are_awaited() {
    let mut cluster = Cluster::listed(&[lb("web", "lb.example"), ready()]);
    assert!(cluster.index.awaits_hosts());
    cluster.fail("lb.example", "SERVFAIL");
    assert!(!cluster.index.awaits_hosts());
}
