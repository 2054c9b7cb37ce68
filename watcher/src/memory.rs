//! What a watcher needs to know of the time before it: kept by the caller, across restarts.

use model::{ClusterView, UnixTime};
use serde::{Deserialize, Serialize};

use crate::topology::RememberedLocation;

/// What a watcher learns and wants to be told again. Small; to be saved beside the shards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The UID of the cluster's kube-system namespace: another one is another cluster.
    #[serde(default)]
    pub uid: Option<String>,
    /// The last moment at which the view was known to be true.
    #[serde(default)]
    pub last_contact: Option<UnixTime>,
    /// Sorted by location. Empty where the cluster's entry says where it is.
    #[serde(default)]
    pub locations: Vec<RememberedLocation>,
}

/// What stands at the start, until the cluster has been listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    pub memory: Memory,
    /// What the cluster contributes now. After a restart: the saved shards; when settings change:
    /// the view of the watcher before.
    pub view: ClusterView,
}
