//! What was saved before a restart, and manifest folders.

use std::collections::BTreeMap;

use model::{
    AddressNote, ClusterView, Observed, ResolvedHost, ServiceKey, ServiceShard, ShardNotes,
    Topology, UnixTime,
};

use super::super::IndexOptions;
use super::fixture::{Cluster, lb, lb_with, slice};
use crate::memory::{Memory, Saved};
use crate::object::Kind;
use crate::settings::ServiceSettings;

fn shard(addresses: &str) -> ServiceShard {
    ServiceShard::healthy(addresses.split_whitespace().map(|text| text.parse().unwrap()))
}

fn saved(services: &[(&str, ServiceShard)]) -> Saved {
    let services: BTreeMap<ServiceKey, Observed> = services
        .iter()
        .map(|(name, shard)| (ServiceKey::new("default", name), Observed::Shard(shard.clone())))
        .collect();
    Saved {
        memory: Memory::default(),
        view: ClusterView { topology: Topology::default(), services },
    }
}

fn with_host(addresses: &str, host: &str, resolved: &str) -> ServiceShard {
    let mut shard = shard(addresses);
    let resolved = resolved.split_whitespace().map(|text| text.parse().unwrap()).collect();
    let host = ResolvedHost { host: host.into(), addresses: resolved, failure: None };
    shard.notes = Some(Box::new(ShardNotes { hosts: vec![host], ..Default::default() }));
    shard
}

fn restarted(saved: Saved) -> Cluster {
    Cluster::new(ServiceSettings::default(), saved)
}

#[test]
fn the_saved_view_stands_until_everything_is_listed() {
    let mut cluster = restarted(saved(&[("web", shard("192.0.2.1"))]));
    let documents = [lb("web", "192.0.2.2"), slice("a", "web", "ready")];
    cluster
        .check("")
        .list(Kind::Service, &documents)
        .list(Kind::EndpointSlice, &documents)
        .check("")
        .list(Kind::Node, &[])
        .check("view\nweb: [192.0.2.2] healthy");
}

#[test]
fn what_the_first_list_lacks_of_the_saved_shards_is_asked_for() {
    let cluster = restarted(saved(&[("web", shard("192.0.2.1")), ("shop", shard("192.0.2.2"))]));
    assert_eq!(cluster.missing(Kind::Service, &[lb("web", "192.0.2.1")]), "Service default/shop");
    assert_eq!(
        cluster.missing(Kind::EndpointSlice, &[slice("a", "web", "unready")]),
        "slices of default/shop"
    );
}

#[test]
fn host_names_of_saved_shards_go_on_being_resolved() {
    let web = with_host("192.0.2.1 198.51.100.1", "lb.example", "198.51.100.1");
    let mut cluster = restarted(saved(&[("web", web)]));
    assert_eq!(cluster.host_requests(), "use lb.example [198.51.100.1]");
    assert!(!cluster.index.awaits_hosts());
    cluster
        .resolve("lb.example", "198.51.100.2")
        .check("web: [192.0.2.1 198.51.100.2] healthy, lb.example=[198.51.100.2]");
    // Listed again, the host name is still known.
    cluster
        .list_all(&[lb("web", "lb.example"), slice("a", "web", "ready")])
        .check("view\nweb: [198.51.100.2] healthy, lb.example=[198.51.100.2]");
    assert_eq!(cluster.host_requests(), "");
}

#[test]
fn a_resolved_address_that_was_left_out_stays_left_out() {
    let mut web = with_host("192.0.2.1", "lb.example", "10.0.0.1 192.0.2.1");
    let note = AddressNote { ingress: "10.0.0.1 of lb.example".into(), reason: "private".into() };
    if let Some(notes) = &mut web.notes {
        notes.left_out.push(note);
    }
    restarted(saved(&[("web", web)])).resolve("lb.example", "10.0.0.1 192.0.2.2").check(
        "web: [192.0.2.2] healthy, lb.example=[10.0.0.1 192.0.2.2], without 10.0.0.1 of lb.example: private",
    );
}

#[test]
fn a_list_that_is_empty_after_a_restart_is_held_like_any_other() {
    restarted(saved(&[("web", shard("192.0.2.1"))]))
        .list_all(&[lb("web", ""), slice("a", "web", "ready")])
        .check("view\nweb: [192.0.2.1] healthy, held until 130")
        .at(130)
        .check("web: [] healthy");
}

#[test]
fn a_hold_goes_on_across_a_restart_as_if_there_had_been_none() {
    let held = |until| {
        let mut web = shard("192.0.2.1");
        let held_until = Some(UnixTime(until));
        web.notes = Some(Box::new(ShardNotes { held_until, ..Default::default() }));
        saved(&[("web", web)])
    };
    let documents = [lb("web", ""), slice("a", "web", "ready")];
    restarted(held(110))
        .list_all(&documents)
        .check("view\nweb: [192.0.2.1] healthy, held until 110")
        .at(110)
        .check("web: [] healthy");
    restarted(held(99)).list_all(&documents).check("view\nweb: [] healthy");
}

fn folder(saved: Saved) -> Cluster {
    let options = IndexOptions { slices_are_optional: true, ..Default::default() };
    Cluster::with(options, saved)
}

#[test]
fn a_folder_without_any_slice_says_nothing_of_health() {
    folder(Saved::default())
        .open_folder(&[lb("web", "192.0.2.1")], false)
        .check("view\nweb: [192.0.2.1] healthy");
    folder(Saved::default())
        .open_folder(&[lb("web", "192.0.2.1"), slice("a", "other", "ready")], false)
        .check("view\nweb: [192.0.2.1] a selector, but no EndpointSlice");
}

#[test]
fn the_first_slice_makes_the_others_missed_once_the_folder_is_quiet() {
    folder(Saved::default())
        .open_folder(&[lb("web", "192.0.2.1"), lb("shop", "192.0.2.2")], false)
        .check("view\nshop: [192.0.2.2] healthy\nweb: [192.0.2.1] healthy")
        .apply(&slice("a", "web", "ready"))
        .check("")
        .apply(&slice("b", "shop", "unready"))
        .check("")
        .settle_folder(false)
        .check("shop: [192.0.2.2] no ready endpoint")
        .delete(Kind::EndpointSlice, "a")
        .check("web: [192.0.2.1] a selector, but no EndpointSlice")
        .delete(Kind::EndpointSlice, "b")
        .told();
}

#[test]
fn the_last_slice_that_goes_makes_all_healthy_again() {
    folder(Saved::default())
        .open_folder(&[lb("web", "192.0.2.1"), slice("a", "web", "unready")], false)
        .check("view\nweb: [192.0.2.1] no ready endpoint")
        .delete(Kind::EndpointSlice, "a")
        .check("web: [192.0.2.1] a selector, but no EndpointSlice")
        .settle_folder(false)
        .check("web: [192.0.2.1] healthy");
}

#[test]
fn with_a_file_that_never_could_be_read_what_was_saved_stays() {
    let saved = saved(&[("web", shard("192.0.2.1")), ("shop", shard("192.0.2.2"))]);
    let documents = [lb("web", "192.0.2.3"), slice("x", "other", "ready")];
    folder(saved.clone())
        .open_folder(&documents, true)
        // The slice of `web` and all of `shop` may be in the file.
        .check("view\nshop: [192.0.2.2] healthy\nweb: [192.0.2.1] healthy")
        .settle_folder(true)
        .check("")
        .apply(&lb("web", "192.0.2.3"))
        .apply(&slice("a", "web", "ready"))
        .check("web: [192.0.2.3] healthy")
        .settle_folder(false)
        .check("shop: gone");
    folder(saved)
        .open_folder(&documents, false)
        .check("view\nweb: [192.0.2.3] a selector, but no EndpointSlice");
}

#[test]
fn a_service_that_is_left_out_now_is_no_saved_shard() {
    let excluded = lb_with("web", "annotations: {fedns.io/exclude: 'true'}", "", "192.0.2.1");
    folder(saved(&[("web", shard("192.0.2.1"))]))
        .open_folder(&[excluded], true)
        .check("view\nweb: left out, its annotation fedns.io/exclude is \"true\"");
}
