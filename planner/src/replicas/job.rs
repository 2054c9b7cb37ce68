//! Parallelism and completions of a Job over clusters.

use std::collections::BTreeMap;

use model::ClusterName;

use super::preferences::{ClusterPreference, Preferences};
use super::spread::{ClusterSpread, SpreadRequest, Standing, spread};

/// Everything that the division of a Job is decided from.
#[derive(Clone, Copy, Debug)]
pub struct JobRequest<'a> {
    /// `spec.parallelism`, 1 where it is left out.
    pub parallelism: u32,
    /// `spec.completions`; `None` for a Job whose pods share a work queue.
    pub completions: Option<u32>,
    /// `namespace/name`.
    pub key: &'a str,
    /// The clusters that are selected and count for the spread; `current` is their parallelism.
    pub clusters: &'a BTreeMap<ClusterName, Standing>,
    /// The completions of Jobs that stand in members. They cannot be changed there, so they count
    /// against the total and stay, also in clusters that do not count at present.
    pub standing_completions: &'a BTreeMap<ClusterName, u32>,
    pub preferences: &'a Preferences,
}

/// What each cluster gets of a Job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobSplit {
    /// The clusters that get a Job, or have it. Clusters without any part of the work get none.
    pub clusters: BTreeMap<ClusterName, JobShare>,
    /// How the parallelism was decided, for every cluster of the request.
    pub decisions: BTreeMap<ClusterName, ClusterSpread>,
    /// Completions that no cluster takes: the Job cannot complete as things stand.
    pub unplaced_completions: u32,
}

/// One cluster's part of a Job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobShare {
    pub parallelism: u32,
    /// `None` where the federated Job has none.
    pub completions: Option<u32>,
}

/// Divides parallelism by the preferences, and completions among the clusters that work.
///
/// Minimum and maximum are about pods at a time; completions follow the weights alone, or the
/// parallelism where a working cluster has no weight. Each working cluster gets at least one, and
/// all of them together get all. A cluster that would get none is given no Job. Work that is divided
/// by index (`completionMode: Indexed`) repeats indexes in every cluster: give it to one.
pub fn split_job(request: &JobRequest<'_>) -> JobSplit {
    let JobRequest { parallelism, completions, key, clusters, standing_completions, preferences } =
        *request;
    let decided = spread(&SpreadRequest { total: parallelism, key, clusters, preferences });
    let parallel = |cluster| decided.clusters.get(cluster).map_or(0, ClusterSpread::replicas);
    let Some(completions) = completions else {
        let shares = clusters.keys().filter(|cluster| parallel(*cluster) > 0).map(|cluster| {
            (cluster.clone(), JobShare { parallelism: parallel(cluster), completions: None })
        });
        let clusters = shares.collect();
        return JobSplit { clusters, decisions: decided.clusters, unplaced_completions: 0 };
    };

    let fixed = standing_completions.values().fold(0, |sum: u32, count| sum.saturating_add(*count));
    let fresh: BTreeMap<ClusterName, u32> = clusters
        .keys()
        .filter(|cluster| !standing_completions.contains_key(*cluster))
        .map(|cluster| (cluster.clone(), parallel(cluster)))
        .filter(|(_, parallelism)| *parallelism > 0)
        .collect();
    let (new, unplaced_completions) =
        divide_completions(completions.saturating_sub(fixed), &fresh, key, preferences);
    let all = standing_completions.iter().chain(&new).map(|(cluster, completions)| {
        let share = JobShare { parallelism: parallel(cluster), completions: Some(*completions) };
        (cluster.clone(), share)
    });
    JobSplit { clusters: all.collect(), decisions: decided.clusters, unplaced_completions }
}

/// The completions of each of `fresh`, clusters with their parallelism, and what is left over.
fn divide_completions(
    total: u32,
    fresh: &BTreeMap<ClusterName, u32>,
    key: &str,
    preferences: &Preferences,
) -> (BTreeMap<ClusterName, u32>, u32) {
    let weight_of = |cluster| preferences.of(cluster).map_or(0, |preference| preference.weight);
    let all_have_weight = fresh.keys().all(|cluster| weight_of(cluster) > 0);
    let named = fresh.iter().map(|(cluster, parallelism)| {
        let weight = if all_have_weight { weight_of(cluster) } else { *parallelism };
        let preference = ClusterPreference { min_replicas: 1, max_replicas: None, weight };
        (cluster.clone(), preference)
    });
    let preferences = Preferences { rebalance: true, named: named.collect(), others: None };
    let clusters = fresh.keys().map(|cluster| (cluster.clone(), Standing::default())).collect();
    let divided =
        spread(&SpreadRequest { total, key, clusters: &clusters, preferences: &preferences });
    let counts = divided.clusters.into_iter().map(|(cluster, share)| (cluster, share.planned));
    (counts.filter(|(_, completions)| *completions > 0).collect(), divided.unplaced)
}
