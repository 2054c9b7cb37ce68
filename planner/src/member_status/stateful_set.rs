//! StatefulSets.

use model::ClusterName;
use serde::{Deserialize, Serialize};

use super::{Member, Summary, is_zero};

/// `.status` of a StatefulSet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StatefulSetStatus {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    pub replicas: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub ready_replicas: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub current_replicas: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub updated_replicas: u32,
    pub available_replicas: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub current_revision: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub update_revision: String,
}

/// Sums. `wanted` is the `spec.replicas` of each member's object.
///
/// Every cluster runs the whole set, so the sum of its ready replicas reaches `spec.replicas` long
/// before all are ready. What says that a rollout is over is that the two revisions are equal: they
/// are, once every cluster has rolled out and has all replicas ready.
pub fn sum_stateful_sets(
    summary: &Summary<'_, StatefulSetStatus>,
    wanted: impl Fn(&ClusterName) -> u32,
) -> StatefulSetStatus {
    let first = summary.members.first();
    let update_revision = first.map(|member| member.status.update_revision.clone());
    let update_revision = update_revision.unwrap_or_default();
    let settled = summary.members.iter().all(|member| is_settled(member, wanted(&member.cluster)));
    let current_revision = if settled {
        update_revision.clone()
    } else {
        let mut currents = summary.members.iter().map(|member| &member.status.current_revision);
        currents.find(|current| **current != update_revision).cloned().unwrap_or_default()
    };
    StatefulSetStatus {
        observed_generation: summary.observed_generation(|status| status.observed_generation),
        replicas: summary.sum(|status| status.replicas),
        ready_replicas: summary.sum(|status| status.ready_replicas),
        current_replicas: summary.sum(|status| status.current_replicas),
        updated_replicas: summary.sum(|status| status.updated_replicas),
        available_replicas: summary.sum(|status| status.available_replicas),
        current_revision,
        update_revision,
    }
}

fn is_settled(member: &Member<StatefulSetStatus>, wanted: u32) -> bool {
    let status = &member.status;
    status.current_revision == status.update_revision && status.ready_replicas >= wanted
}
