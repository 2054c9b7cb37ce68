//! What must hold for every sequence of changes.

use model::{
    ClusterChange, ClusterName, ClusterView, EmptyLevels, Health, LeftOut, Observed, ServiceShard,
};
use planner::Planner;
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::{World, key, settings, topology};

const CLUSTERS: [&str; 4] = ["c1", "c2", "c3", "c4"];
const SERVICES: [&str; 3] = ["default/a", "default/b", "other/a"];
const PLACES: [&[&str]; 6] =
    [&[], &["r1"], &["r1/a"], &["r1/a", "r1/b"], &["r2/a"], &["r1/b", "r2/a"]];

fn observed() -> impl Strategy<Value = Observed> {
    let address = select(vec!["192.0.2.1", "192.0.2.2", "2001:db8::1"]);
    let health = prop_oneof![3 => Just(Health::Healthy), 1 => Just(Health::NoReadyEndpoint)];
    let shard = (health, prop::collection::vec(address, 0..3)).prop_map(|(health, addresses)| {
        let addresses = addresses.into_iter().map(|text| text.parse().unwrap());
        Observed::Shard(ServiceShard { health, ..ServiceShard::healthy(addresses) })
    });
    let left_out = Just(Observed::LeftOut(LeftOut::Excluded));
    prop_oneof![4 => shard, 1 => left_out]
}

fn view() -> impl Strategy<Value = ClusterView> {
    let services =
        prop::collection::btree_map(select(&SERVICES[..]).prop_map(key), observed(), 0..4);
    (select(&PLACES[..]), services).prop_map(|(places, services)| ClusterView {
        topology: topology(places.iter().copied()),
        services,
    })
}

fn change() -> impl Strategy<Value = (&'static str, ClusterChange)> {
    let service = select(&SERVICES[..]).prop_map(key);
    let change = prop_oneof![
        4 => (service, prop::option::of(observed())).prop_map(|(k, o)| ClusterChange::Service(k, o)),
        2 => select(&PLACES[..])
            .prop_map(|places| ClusterChange::Topology(topology(places.iter().copied()))),
        1 => view().prop_map(ClusterChange::View),
        1 => Just(ClusterChange::Gone),
    ];
    (select(&CLUSTERS[..]), change)
}

fn empty_levels() -> impl Strategy<Value = EmptyLevels> {
    prop_oneof![Just(EmptyLevels::All), Just(EmptyLevels::Present)]
}

proptest! {
    /// Like the catalog of all others.
    #[test]
    fn a_zone_without_services_stays_what_it_is(
        changes in prop::collection::vec(change(), 1..12),
    ) {
        let settings = planner::ZoneSettings {
            has_services: false,
            ..settings("example.com", "fed", None)
        };
        let mut world = World::new(settings);
        let before = world.zone.clone();
        for (cluster, change) in changes {
            world.apply(cluster, change);
        }
        prop_assert_eq!(&world.zone, &before);
        prop_assert_eq!(&world.planner.zone_contents(0), &before);
    }

    /// However the state was reached, step by step or in batches, the zone is that of the state.
    #[test]
    fn any_path_leads_to_the_plan_of_the_state(
        changes in prop::collection::vec(change(), 1..24),
        empty_levels in empty_levels(),
    ) {
        let settings = planner::ZoneSettings {
            empty_levels,
            ..settings("example.com", "fed", None)
        };
        let mut stepwise = World::new(settings.clone());
        let mut at_once = Planner::new(vec![settings.clone()]);
        let mut batched = Planner::new(vec![settings]);
        let mut zone = batched.zone_contents(0);
        for batch in changes.chunks(3) {
            let mut effects = batched.no_effects();
            for (cluster, change) in batch {
                stepwise.apply(cluster, change.clone());
                at_once.absorb(&ClusterName::new(cluster), change.clone());
                batched.apply(&ClusterName::new(cluster), change.clone(), &mut effects);
            }
            zone.apply(&effects.diffs[0]);
            prop_assert_eq!(&stepwise.zone, &stepwise.planner.zone_contents(0));
        }
        at_once.absorbed();
        prop_assert_eq!(&stepwise.zone, &at_once.zone_contents(0));
        prop_assert_eq!(&stepwise.zone, &zone);
    }

    /// When all services are deleted, or all clusters leave, the zone is as it was before them.
    #[test]
    fn deleting_everything_leaves_only_the_base(
        changes in prop::collection::vec(change(), 1..24),
        leave in any::<bool>(),
    ) {
        let mut world = World::new(settings("example.com", "fed", None));
        let bare = world.zone.clone();
        for (cluster, change) in changes {
            world.apply(cluster, change);
        }
        for cluster in CLUSTERS {
            if leave {
                world.apply(cluster, ClusterChange::Gone);
            }
            for service in SERVICES {
                world.remove(cluster, service);
            }
        }
        prop_assert_eq!(world.zone, bare);
    }

    /// A service with a healthy address somewhere never loses its global name, whatever else goes.
    #[test]
    fn a_healthy_address_keeps_the_global_name(changes in prop::collection::vec(change(), 1..24)) {
        let mut world = World::new(settings("example.com", "fed", None));
        for (cluster, change) in changes {
            world.apply(cluster, change);
            for service in SERVICES {
                let entry = world.planner.federation().service(&key(service));
                let healthy = entry.is_some_and(|entry| {
                    entry.shards().any(|(_, shard)| !shard.healthy_addresses().is_empty())
                });
                let (namespace, name) = service.split_once('/').unwrap();
                let global = world.at(&format!("{name}.{namespace}.fed.svc.example.com"));
                prop_assert_eq!(healthy, global != "–");
            }
        }
    }
}
