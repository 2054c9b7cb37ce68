//! The bounds of a HorizontalPodAutoscaler over clusters.

use std::collections::{BTreeMap, BTreeSet};

use model::ClusterName;

use super::preferences::{ClusterPreference, Preferences};
use super::spread::{SpreadRequest, Standing, spread};

/// One cluster's autoscaler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AutoscalerShare {
    /// At least 1, unless the federated minimum is 0.
    pub min_replicas: u32,
    /// At least 1, and not below `min_replicas`.
    pub max_replicas: u32,
}

/// Divides the bounds once: what the members' autoscalers do inside theirs does not change them.
///
/// The maximums add up to `max_replicas`, as far as the preferences' own maximums allow; the
/// minimums to `min_replicas`, or to the number of autoscalers where that is more, since none may
/// have less than 1. With fewer replicas than clusters some clusters get no autoscaler: those that
/// come last in the order of [`spread()`].
pub fn split_autoscaler(
    min_replicas: u32,
    max_replicas: u32,
    clusters: &BTreeSet<ClusterName>,
    preferences: &Preferences,
    key: &str,
) -> BTreeMap<ClusterName, AutoscalerShare> {
    let at_least_one = |preference: ClusterPreference| match preference {
        ClusterPreference { weight: 0, .. } | ClusterPreference { max_replicas: Some(0), .. } => {
            preference
        }
        _ => ClusterPreference { min_replicas: preference.min_replicas.max(1), ..preference },
    };
    let wanted = clusters
        .iter()
        .filter_map(|cluster| Some((cluster.clone(), at_least_one(preferences.of(cluster)?))));
    let maximums = divide(max_replicas, wanted.collect(), key);

    let holders = u32::try_from(maximums.len()).unwrap_or(u32::MAX);
    let floor = min_replicas.min(1);
    let bounded = maximums.iter().map(|(cluster, max)| {
        let preference =
            ClusterPreference { min_replicas: floor, max_replicas: Some(*max), weight: *max };
        (cluster.clone(), preference)
    });
    let minimums = divide(min_replicas.max(floor * holders), bounded.collect(), key);
    maximums
        .into_iter()
        .map(|(cluster, max_replicas)| {
            let min_replicas = minimums.get(&cluster).copied().unwrap_or(0);
            (cluster, AutoscalerShare { min_replicas, max_replicas })
        })
        .collect()
}

/// The parts above 0.
fn divide(
    total: u32,
    named: BTreeMap<ClusterName, ClusterPreference>,
    key: &str,
) -> BTreeMap<ClusterName, u32> {
    let clusters = named.keys().map(|cluster| (cluster.clone(), Standing::default())).collect();
    let preferences = Preferences { rebalance: true, named, others: None };
    let divided =
        spread(&SpreadRequest { total, key, clusters: &clusters, preferences: &preferences });
    let parts = divided.clusters.into_iter().map(|(cluster, share)| (cluster, share.planned));
    parts.filter(|(_, part)| *part > 0).collect()
}
