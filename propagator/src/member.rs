//! A member as the propagator needs it.

use std::collections::BTreeMap;

use clusters::Access;
use model::ClusterName;

/// The members at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    pub found: BTreeMap<ClusterName, Member>,
    /// There are no others. Until then nothing is decided: an object that somebody deleted would go
    /// without its copies in a member that is not found yet.
    pub is_complete: bool,
}

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
