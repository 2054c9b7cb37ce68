//! What a watcher needs to know of the time before it: kept by the caller, across restarts.

use clusters::Cluster;
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

// === impl Saved ===

impl Saved {
    /// True where it was learnt of another cluster than the one that is meant.
    pub fn is_of_another(&self, cluster: &Cluster) -> bool {
        match (&self.memory.uid, &cluster.uid) {
            (Some(known), Some(meant)) => known != meant,
            _ => false,
        }
    }

    /// For a watcher of the cluster that is meant: the view stands, and what was learnt of another cluster
    /// is forgotten.
    pub(crate) fn meant_of(mut self, cluster: &Cluster) -> Self {
        if self.is_of_another(cluster) {
            self.memory.locations.clear();
        }
        self.memory.uid = cluster.uid.clone().or(self.memory.uid);
        self
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use clusters::Source;
    use model::ClusterName;

    use super::*;

    fn check(known: Option<&str>, meant: Option<&str>, expect: (bool, Option<&str>)) {
        let saved = Saved {
            memory: Memory { uid: known.map(str::to_owned), ..Memory::default() },
            ..Saved::default()
        };
        let cluster = Cluster {
            name: ClusterName::new("beijing"),
            source: Source::Manifests(PathBuf::new()),
            topology: None,
            uid: meant.map(str::to_owned),
        };
        assert_eq!(saved.is_of_another(&cluster), expect.0, "{known:?} {meant:?}");
        let memory = saved.meant_of(&cluster).memory;
        assert_eq!(memory.uid.as_deref(), expect.1, "{known:?} {meant:?}");
    }

    #[test]
    fn who_is_meant_wins_over_what_was_seen() {
        check(None, None, (false, None));
        check(Some("a"), None, (false, Some("a")));
        check(None, Some("b"), (false, Some("b")));
        check(Some("a"), Some("a"), (false, Some("a")));
        check(Some("a"), Some("b"), (true, Some("b")));
    }
}
