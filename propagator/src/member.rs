//! A member as the propagator needs it.

use std::collections::BTreeMap;
use std::sync::Arc;

use clusters::Access;
use model::ClusterName;

/// All members at one moment.
pub type Members = Arc<BTreeMap<ClusterName, Member>>;

/// A cluster that federated objects may go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub name: ClusterName,
    /// Of its `Cluster` object: what placement looks at.
    pub labels: BTreeMap<String, String>,
    pub access: Access,
    pub standing: Standing,
}

/// What whoever probes the clusters says of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Ready,
    /// It answers, and cannot be used.
    NotReady,
    /// It does not answer.
    Offline,
}
