//! The status of federated workloads: the sums of what the members report.
//!
//! The types are the parts of Kubernetes' own status objects that are summed, with their JSON, so
//! that a member's `.status` can be read into them and the sum be written as it stands. What a
//! `kubectl rollout status` or `kubectl wait` concludes from one cluster's status, it concludes
//! rightly from the sum.
//!
//! - [`sum_deployments`], [`sum_replica_sets`], [`sum_daemon_sets`], [`sum_stateful_sets`]
//! - [`sum_jobs`]: beside sums, what has ended and how

mod conditions;
mod deployment;
mod replica_set;
mod daemon_set;
mod stateful_set;
mod job;

use model::ClusterName;
use serde::{Deserialize, Serialize};

pub use daemon_set::{DaemonSetStatus, sum_daemon_sets};
pub use deployment::{DeploymentStatus, sum_deployments};
pub use job::{JobStatus, sum_jobs};
pub use replica_set::{ReplicaSetStatus, sum_replica_sets};
pub use stateful_set::{StatefulSetStatus, sum_stateful_sets};

/// One cluster that an object is meant for, with the status it reports there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member<S> {
    pub cluster: ClusterName,
    /// `metadata.generation` of the member's object after our last write; `None` as long as it was
    /// not written as the federated object is now.
    pub written_generation: Option<i64>,
    /// The default where the member's object is not there yet.
    pub status: S,
}

/// The federated object that a sum is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary<'a, S> {
    /// `metadata.generation` of the federated object.
    pub generation: i64,
    /// What its status is now.
    pub previous: &'a S,
    /// The clusters that are to have the object, sorted by name.
    pub members: &'a [Member<S>],
}

/// A condition of an object's status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_transition_time: Option<Timestamp>,
    /// Deployments have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_update_time: Option<Timestamp>,
    /// Jobs have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_probe_time: Option<Timestamp>,
}

/// A moment as the Kubernetes API writes it: RFC 3339, UTC, whole seconds. So its text is in order
/// of time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub String);

impl<S> Summary<'_, S> {
    /// `observedGeneration` of the federated object: its generation, once every member has observed
    /// what was last written there; below it until then.
    fn observed_generation(&self, of: impl Fn(&S) -> Option<i64>) -> Option<i64> {
        let is_observed = |member: &Member<S>| match (member.written_generation, of(&member.status))
        {
            (Some(written), Some(observed)) => written <= observed,
            _ => false,
        };
        if self.members.iter().all(is_observed) {
            return Some(self.generation);
        }
        let behind = of(self.previous)?.min(self.generation.saturating_sub(1));
        (behind > 0).then_some(behind)
    }

    fn sum(&self, of: impl Fn(&S) -> u32) -> u32 {
        self.members.iter().fold(0, |sum, member| sum.saturating_add(of(&member.status)))
    }
}

/// For fields that the Kubernetes API leaves out where they are 0.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}
