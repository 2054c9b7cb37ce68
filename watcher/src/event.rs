//! What comes out of watching a cluster.

use std::time::Instant;

use model::{ClusterChange, ClusterName};

/// One step in what is known of one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterEvent {
    pub cluster: ClusterName,
    pub change: ClusterChange,
    /// When the watch event was read that led to this one.
    pub received: Instant,
}
