//! ReplicaSets.

use serde::{Deserialize, Serialize};

use super::conditions::{Reports, any_true, find};
use super::{Condition, Summary, is_zero};

/// `.status` of a ReplicaSet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReplicaSetStatus {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    pub replicas: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub fully_labeled_replicas: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub ready_replicas: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub available_replicas: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// Sums; ReplicaFailure where it is so in any cluster.
pub fn sum_replica_sets(summary: &Summary<'_, ReplicaSetStatus>) -> ReplicaSetStatus {
    let members = summary.members.iter();
    let failures: Reports<'_> = members
        .map(|member| (&member.cluster, find(&member.status.conditions, "ReplicaFailure")))
        .collect();
    ReplicaSetStatus {
        observed_generation: summary.observed_generation(|status| status.observed_generation),
        replicas: summary.sum(|status| status.replicas),
        fully_labeled_replicas: summary.sum(|status| status.fully_labeled_replicas),
        ready_replicas: summary.sum(|status| status.ready_replicas),
        available_replicas: summary.sum(|status| status.available_replicas),
        conditions: any_true("ReplicaFailure", &failures).into_iter().collect(),
    }
}
