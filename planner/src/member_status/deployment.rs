//! Deployments.

use serde::{Deserialize, Serialize};

use super::conditions::{Reports, all_true, any_true, find};
use super::{Condition, Summary, is_zero};

/// `.status` of a Deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeploymentStatus {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    #[serde(skip_serializing_if = "is_zero")]
    pub replicas: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub updated_replicas: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub ready_replicas: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub available_replicas: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub unavailable_replicas: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// Sums; Available and Progressing where they are so in every cluster, ReplicaFailure where it is so
/// in any. One cluster that exceeds its progress deadline makes the whole exceed it.
pub fn sum_deployments(summary: &Summary<'_, DeploymentStatus>) -> DeploymentStatus {
    let reports = |kind: &str| -> Reports<'_> {
        let members = summary.members.iter();
        members.map(|member| (&member.cluster, find(&member.status.conditions, kind))).collect()
    };
    let conditions = [
        all_true("Available", &reports("Available"), "MinimumReplicasAvailable"),
        all_true("Progressing", &reports("Progressing"), "NewReplicaSetAvailable"),
        any_true("ReplicaFailure", &reports("ReplicaFailure")),
    ];
    DeploymentStatus {
        observed_generation: summary.observed_generation(|status| status.observed_generation),
        replicas: summary.sum(|status| status.replicas),
        updated_replicas: summary.sum(|status| status.updated_replicas),
        ready_replicas: summary.sum(|status| status.ready_replicas),
        available_replicas: summary.sum(|status| status.available_replicas),
        unavailable_replicas: summary.sum(|status| status.unavailable_replicas),
        conditions: conditions.into_iter().flatten().collect(),
    }
}
