use std::collections::BTreeMap;

use model::ClusterName;
use planner::replicas::{
    ClusterPreference, JobRequest, Preferences, Spread, SpreadRequest, Standing, split_autoscaler,
    split_job, spread,
};
use proptest::prelude::*;

type Standings = BTreeMap<ClusterName, Standing>;

fn cluster() -> impl Strategy<Value = ClusterName> {
    (0..6_u8).prop_map(|number| ClusterName::new(&format!("c{number}")))
}

fn preference() -> impl Strategy<Value = ClusterPreference> {
    (0..6_u32, prop::option::of(0..12_u32), 0..4_u32).prop_map(|(min, above, weight)| {
        let max_replicas = above.map(|above| min + above);
        ClusterPreference { min_replicas: min, max_replicas, weight }
    })
}

fn preferences(rebalance: impl Strategy<Value = bool>) -> impl Strategy<Value = Preferences> {
    let named = prop::collection::btree_map(cluster(), preference(), 0..4);
    (rebalance, named, prop::option::of(preference()))
        .prop_map(|(rebalance, named, others)| Preferences { rebalance, named, others })
}

fn standings() -> impl Strategy<Value = Standings> {
    let standing = (0..20_u32, 0..20_u32, prop::option::weighted(0.3, 0..15_u32)).prop_map(
        |(current, ready, capacity)| Standing { current, ready: ready.min(current), capacity },
    );
    prop::collection::btree_map(cluster(), standing, 0..6)
}

fn spread_of(total: u32, clusters: &Standings, preferences: &Preferences) -> Spread {
    spread(&SpreadRequest { total, key: "default/web", clusters, preferences })
}

/// The same clusters, with what the spread gave them running.
fn settled(clusters: &Standings, spread: &Spread) -> Standings {
    let run = |(cluster, standing): (&ClusterName, &Standing)| {
        let current = spread.clusters[cluster].planned;
        (cluster.clone(), Standing { current, ..*standing })
    };
    clusters.iter().map(run).collect()
}

fn planned(spread: &Spread) -> u32 {
    spread.clusters.values().map(|share| share.planned).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn bounds_are_kept(
        total in 0..60_u32, clusters in standings(), preferences in preferences(any::<bool>()),
    ) {
        let spread = spread_of(total, &clusters, &preferences);
        prop_assert!(planned(&spread) <= total);
        prop_assert_eq!(spread.clusters.len(), clusters.len());
        let minimums: u32 = clusters
            .keys()
            .filter_map(|cluster| preferences.of(cluster))
            .map(|preference| preference.min_replicas)
            .sum();
        for (cluster, share) in &spread.clusters {
            let capacity = clusters[cluster].capacity.unwrap_or(u32::MAX);
            let Some(preference) = preferences.of(cluster) else {
                prop_assert_eq!(share.replicas(), 0);
                continue;
            };
            prop_assert!(share.planned <= capacity);
            prop_assert!(share.replicas() <= preference.max_replicas.unwrap_or(u32::MAX));
            prop_assert!(share.overflow == 0 || share.planned == capacity);
            if minimums <= total {
                prop_assert!(share.planned >= preference.min_replicas.min(capacity));
            }
        }
    }

    #[test]
    fn everything_is_placed_where_it_may_be(
        total in 0..60_u32, clusters in standings(), preferences in preferences(any::<bool>()),
    ) {
        let spread = spread_of(total, &clusters, &preferences);
        let mut room = 0;
        let mut waiting_room = 0;
        for (cluster, share) in &spread.clusters {
            let preference = preferences.of(cluster).unwrap_or_default();
            let max = preference.max_replicas.unwrap_or(total);
            if preference.weight > 0 {
                let limit = clusters[cluster].capacity.unwrap_or(total).min(max);
                room += limit.saturating_sub(share.planned);
                if clusters[cluster].capacity == Some(share.planned) {
                    waiting_room += max.saturating_sub(share.replicas());
                }
            }
        }
        let missing = total - planned(&spread);
        prop_assert!(missing == 0 || room == 0, "{missing} missing, room for {room}");
        prop_assert!(spread.unplaced == 0 || waiting_room == 0);
        let overflow: u32 = spread.clusters.values().map(|share| share.overflow).sum();
        if preferences.rebalance {
            prop_assert!(overflow + spread.unplaced >= missing);
        } else {
            prop_assert_eq!(overflow + spread.unplaced, missing);
        }
    }

    #[test]
    fn planning_again_changes_nothing(
        total in 0..60_u32, clusters in standings(), preferences in preferences(any::<bool>()),
    ) {
        let first = spread_of(total, &clusters, &preferences);
        let again = spread_of(total, &settled(&clusters, &first), &preferences);
        let numbers = |spread: &Spread| -> Vec<(u32, u32)> {
            spread.clusters.values().map(|share| (share.planned, share.overflow)).collect()
        };
        prop_assert_eq!(numbers(&first), numbers(&again));
        prop_assert_eq!(first.unplaced, again.unplaced);
    }

    #[test]
    fn nothing_moves_without_rebalance(
        total in 0..60_u32, clusters in standings(), preferences in preferences(Just(false)),
    ) {
        // Minimums, maximums and capacities may force a move; they are left out here.
        let free = |preference: &mut ClusterPreference| {
            preference.min_replicas = 0;
            preference.max_replicas = None;
        };
        let mut preferences = preferences;
        preferences.named.values_mut().for_each(free);
        preferences.others.get_or_insert_default();
        preferences.others.iter_mut().for_each(free);
        let clusters: Standings = clusters
            .into_iter()
            .map(|(cluster, standing)| (cluster, Standing { capacity: None, ..standing }))
            .collect();
        let running: u32 = clusters.values().map(|standing| standing.current).sum();
        let spread = spread_of(total, &clusters, &preferences);
        for (cluster, share) in &spread.clusters {
            let current = clusters[cluster].current;
            if running <= total {
                prop_assert!(share.planned >= current, "{cluster} lost replicas");
            } else {
                prop_assert!(share.planned <= current, "{cluster} got replicas of others");
            }
        }
        prop_assert!(running < total || planned(&spread) == total);
    }

    #[test]
    fn one_replica_more_or_less_touches_one_cluster(
        total in 1..60_u32, clusters in standings(), mut preferences in preferences(Just(false)),
        more in any::<bool>(),
    ) {
        // A minimum that is not reached yet takes from others.
        preferences.named.values_mut().for_each(|preference| preference.min_replicas = 0);
        preferences.others.iter_mut().for_each(|preference| preference.min_replicas = 0);
        let first = spread_of(total, &clusters, &preferences);
        let other_total = if more { total + 1 } else { total - 1 };
        let next = spread_of(other_total, &settled(&clusters, &first), &preferences);
        let touched = first
            .clusters
            .iter()
            .filter(|(cluster, share)| next.clusters[*cluster].planned != share.planned)
            .count();
        prop_assert!(touched <= 1, "{first:?} {next:?}");
    }

    #[test]
    fn a_free_spread_is_even_by_weight(total in 0..200_u32, weights in prop::collection::vec(1..9_u32, 1..6)) {
        let named: BTreeMap<ClusterName, ClusterPreference> = weights
            .iter()
            .enumerate()
            .map(|(index, weight)| {
                let preference = ClusterPreference { weight: *weight, ..Default::default() };
                (ClusterName::new(&format!("c{index}")), preference)
            })
            .collect();
        let clusters = named.keys().map(|name| (name.clone(), Standing::default())).collect();
        let preferences = Preferences { rebalance: true, named, others: None };
        let spread = spread_of(total, &clusters, &preferences);
        prop_assert_eq!(planned(&spread), total);
        let sum: u32 = weights.iter().sum();
        for (cluster, share) in &spread.clusters {
            let fair = f64::from(total * preferences.named[cluster].weight) / f64::from(sum);
            let off = (f64::from(share.planned) - fair).abs();
            prop_assert!(off < weights.len() as f64, "{cluster}: {} for {fair}", share.planned);
        }
    }

    #[test]
    fn a_job_is_divided_completely(
        parallelism in 1..30_u32, completions in 1..80_u32, clusters in standings(),
        preferences in preferences(any::<bool>()),
    ) {
        let split = split_job(&JobRequest {
            parallelism,
            completions: Some(completions),
            key: "default/work",
            clusters: &clusters,
            standing_completions: &BTreeMap::new(),
            preferences: &preferences,
        });
        let done: u32 = split.clusters.values().filter_map(|share| share.completions).sum();
        prop_assert_eq!(done + split.unplaced_completions, completions);
        prop_assert!(split.unplaced_completions == 0 || split.clusters.is_empty());
        for share in split.clusters.values() {
            prop_assert!(share.parallelism > 0 && share.completions > Some(0));
        }
    }

    #[test]
    fn autoscalers_keep_the_federated_bounds(
        min in 1..20_u32, above in 0..40_u32, clusters in standings(), weight in 1..5_u32,
    ) {
        let max = min + above;
        let mut preferences = Preferences::default();
        preferences.named.insert(
            ClusterName::new("c0"),
            ClusterPreference { weight, ..ClusterPreference::default() },
        );
        let names = clusters.keys().cloned().collect();
        let shares = split_autoscaler(min, max, &names, &preferences, "default/web");
        if names.is_empty() {
            return Ok(());
        }
        let sum = |of: fn(&planner::replicas::AutoscalerShare) -> u32| -> u32 {
            shares.values().map(of).sum()
        };
        prop_assert_eq!(sum(|share| share.max_replicas), max);
        prop_assert!(sum(|share| share.min_replicas) >= min);
        for share in shares.values() {
            prop_assert!(1 <= share.min_replicas && share.min_replicas <= share.max_replicas);
        }
    }
}
