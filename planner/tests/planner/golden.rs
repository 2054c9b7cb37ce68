//! The rows of the first federation's own tests, and the cases where its answer was not good.

use crate::support::{World, key, settings, shard, topology};
use model::{ClusterChange, Health, LeftOut, Observed};

const NAMES: [&str; 5] = [
    "nginx.test.ufp.svc.example.com",
    "nginx.test.ufp.svc.fooregion.example.com",
    "nginx.test.ufp.svc.foozone.fooregion.example.com",
    "nginx.test.ufp.svc.barregion.example.com",
    "nginx.test.ufp.svc.barzone.barregion.example.com",
];
const SERVICE: &str = "test/nginx";

fn world() -> World {
    let mut world = World::new(settings("example.com", "ufp", None));
    world.place("c1", &["fooregion/foozone"]);
    world.place("c2", &["barregion/barzone"]);
    world
}

fn healthy(world: &mut World, cluster: &str, addresses: &[&str]) {
    world.shard(cluster, SERVICE, shard(Health::Healthy, addresses));
}

fn unready(world: &mut World, cluster: &str, addresses: &[&str]) {
    world.shard(cluster, SERVICE, shard(Health::NoReadyEndpoint, addresses));
}

/// Global, c1's region and zone, c2's region and zone.
#[track_caller]
fn check(world: &World, expect: [&str; 5]) {
    let found = NAMES.map(|name| world.at(name));
    let expect = expect.map(|text| match text {
        "^G" => format!("CNAME {}.", NAMES[0]),
        "^FR" => format!("CNAME {}.", NAMES[1]),
        "^BR" => format!("CNAME {}.", NAMES[3]),
        text => text.to_owned(),
    });
    assert_eq!(found, expect);
    assert_eq!(world.zone, world.planner.zone_contents(0), "the diffs lead elsewhere");
}

const NONE: [&str; 5] = ["–"; 5];
const EMPTY_LADDER: [&str; 5] = ["–", "^G", "^FR", "^G", "^BR"];
const ONE: &str = "A 198.51.100.1";
const TWO: &str = "A 198.51.200.1";

#[test]
fn row_1_no_shard_no_names() {
    check(&world(), NONE);
}

#[test]
fn row_2_one_cluster_has_an_address() {
    let mut world = world();
    healthy(&mut world, "c1", &["198.51.100.1"]);
    healthy(&mut world, "c2", &[]);
    check(&world, [ONE, ONE, ONE, "^G", "^BR"]);
}

#[test]
fn row_4_no_cluster_has_an_address() {
    let mut world = world();
    healthy(&mut world, "c1", &[]);
    healthy(&mut world, "c2", &[]);
    check(&world, EMPTY_LADDER);
}

#[test]
fn row_5_both_clusters_have_an_address() {
    let mut world = world();
    healthy(&mut world, "c1", &["198.51.100.1"]);
    healthy(&mut world, "c2", &["198.51.200.1"]);
    check(&world, ["A 198.51.100.1 198.51.200.1", ONE, ONE, TWO, TWO]);
}

#[test]
fn row_6_a_deleted_service_leaves_nothing() {
    let mut world = world();
    let bare = world.zone.clone();
    healthy(&mut world, "c1", &["198.51.100.1"]);
    healthy(&mut world, "c2", &["198.51.200.1"]);
    world.remove("c1", SERVICE);
    world.remove("c2", SERVICE);
    check(&world, NONE);
    assert_eq!(world.zone, bare);
}

#[test]
fn two_zones_of_one_region() {
    let mut world = World::new(settings("example.com", "ufp", None));
    world.place("c1", &["r/a"]);
    world.place("c2", &["r/b"]);
    healthy(&mut world, "c1", &["198.51.100.1"]);
    healthy(&mut world, "c2", &["198.51.200.1"]);
    let both = "A 198.51.100.1 198.51.200.1";
    assert_eq!(world.at("nginx.test.ufp.svc.r.example.com"), both);
    assert_eq!(world.at("nginx.test.ufp.svc.example.com"), both);
    assert_eq!(world.at("nginx.test.ufp.svc.a.r.example.com"), ONE);
    assert_eq!(world.at("nginx.test.ufp.svc.b.r.example.com"), TWO);

    unready(&mut world, "c2", &["198.51.200.1"]);
    assert_eq!(world.at("nginx.test.ufp.svc.r.example.com"), ONE);
    let up = "CNAME nginx.test.ufp.svc.r.example.com.";
    assert_eq!(world.at("nginx.test.ufp.svc.b.r.example.com"), up);
}

#[test]
fn two_clusters_in_one_zone_one_unhealthy() {
    let mut world = World::new(settings("example.com", "ufp", None));
    world.place("c1", &["r/a"]);
    world.place("c2", &["r/a"]);
    healthy(&mut world, "c1", &["198.51.100.1"]);
    unready(&mut world, "c2", &["198.51.200.1"]);
    for owner in ["", "r.", "a.r."] {
        assert_eq!(world.at(&format!("nginx.test.ufp.svc.{owner}example.com")), ONE);
    }
}

#[test]
fn every_zone_of_a_cluster_has_a_name() {
    let mut world = World::new(settings("example.com", "ufp", None));
    world.place("c1", &["r/a", "r/b"]);
    healthy(&mut world, "c1", &["198.51.100.1"]);
    assert_eq!(world.at("nginx.test.ufp.svc.a.r.example.com"), ONE);
    assert_eq!(world.at("nginx.test.ufp.svc.b.r.example.com"), ONE);
}

#[test]
fn a_member_without_the_service_points_up() {
    let mut world = world();
    healthy(&mut world, "c1", &["198.51.100.1"]);
    check(&world, [ONE, ONE, ONE, "^G", "^BR"]);
}

#[test]
fn v6_addresses_stand_apart() {
    let mut world = world();
    healthy(&mut world, "c1", &["198.51.100.1", "2001:db8::1"]);
    healthy(&mut world, "c2", &["2001:db8::2"]);
    check(
        &world,
        [
            "A 198.51.100.1; AAAA 2001:db8::1 2001:db8::2",
            "A 198.51.100.1; AAAA 2001:db8::1",
            "A 198.51.100.1; AAAA 2001:db8::1",
            "AAAA 2001:db8::2",
            "AAAA 2001:db8::2",
        ],
    );
}

#[test]
fn an_address_of_two_clusters_stands_once_and_stays_until_both_are_gone() {
    let mut world = world();
    healthy(&mut world, "c1", &["198.51.100.1"]);
    healthy(&mut world, "c2", &["198.51.100.1"]);
    check(&world, [ONE; 5]);
    world.remove("c1", SERVICE);
    check(&world, [ONE, "^G", "^FR", ONE, ONE]);
}

#[test]
fn other_types_make_no_names() {
    let mut world = world();
    let observed = Observed::LeftOut(LeftOut::NotLoadBalancer("ClusterIP".into()));
    world.apply("c1", ClusterChange::Service(key(SERVICE), Some(observed)));
    check(&world, NONE);
}

#[test]
fn a_changed_type_leaves_nothing_behind() {
    let mut world = world();
    healthy(&mut world, "c1", &["198.51.100.1"]);
    let observed = Observed::LeftOut(LeftOut::NotLoadBalancer("ClusterIP".into()));
    world.apply("c1", ClusterChange::Service(key(SERVICE), Some(observed)));
    check(&world, NONE);
}

#[test]
fn an_unjoined_cluster_takes_its_names_along() {
    let mut world = world();
    healthy(&mut world, "c1", &["198.51.100.1"]);
    healthy(&mut world, "c2", &["198.51.200.1"]);
    world.apply("c2", ClusterChange::Gone);
    check(&world, [ONE, ONE, ONE, "–", "–"]);
}

#[test]
fn a_stale_cluster_keeps_what_it_gave() {
    let mut world = world();
    healthy(&mut world, "c1", &["198.51.100.1"]);
    healthy(&mut world, "c2", &["198.51.200.1"]);
    world.take_diff();
    let reason = model::StaleReason::Unreachable("timed out".into());
    let stale = model::Freshness::Stale { since: None, reason };
    world.apply("c2", ClusterChange::Freshness(stale));
    assert!(world.take_diff().is_empty());
    check(&world, ["A 198.51.100.1 198.51.200.1", ONE, ONE, TWO, TWO]);
}

#[test]
fn a_relist_replaces_the_view_in_one_step() {
    let mut world = world();
    healthy(&mut world, "c1", &["198.51.100.1"]);
    let kept = shard(Health::Healthy, &["198.51.100.1"]);
    let view = model::ClusterView {
        topology: topology(["fooregion/foozone"]),
        services: [(key(SERVICE), Observed::Shard(kept))].into(),
    };
    world.take_diff();
    world.apply("c1", ClusterChange::View(view));
    assert!(world.take_diff().is_empty(), "an equal view changes nothing");
    world.apply("c1", ClusterChange::View(model::ClusterView::default()));
    check(&world, NONE);
}
