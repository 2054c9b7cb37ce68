//! Clusters: their names, where they are, how fresh our view of them is, and what they report.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::name::Label;
use crate::service::{Observed, ServiceKey, ServiceShard};
use crate::time::UnixTime;

/// A cluster's name in the federation: from the config, or that of its `Cluster` object.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClusterName(Arc<str>);

/// Whether what we know of a cluster is what it is now.
///
/// ```text
/// [ Live ] -- probes fail, watch lost, rights withdrawn --> [ Stale ]
/// [ Live ] <-- complete list and good probe --------------- [ Stale ]
/// [ Live | Stale ] -- config or unjoin ----------------> gone: the cluster is no member any more
/// ```
///
/// Stale freezes what the cluster contributes; it never removes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "state")]
pub enum Freshness {
    Live,
    Stale {
        /// The last moment at which the view was known to be true; none before the first contact.
        since: Option<UnixTime>,
        reason: StaleReason,
    },
}

/// Why a cluster is stale.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "reason", content = "detail")]
pub enum StaleReason {
    /// Nothing has been listed since the start; saved shards, if any, stand in.
    NotListed,
    /// The API server does not answer.
    Unreachable(String),
    /// The API server answers that it is not ready.
    NotReady(String),
    /// Credentials or rights are missing.
    Forbidden(String),
    /// A relist lacks objects that the API server still has.
    ListDisagrees(String),
    /// Another cluster answers at this address (the UID of its kube-system namespace differs).
    ClusterChanged(String),
    /// The manifest folder is not there.
    FolderMissing(String),
    /// The cluster's entry cannot be used as it stands: kubeconfig, context, certificate.
    BadAccess(String),
}

/// One place that nodes of a cluster are in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Location {
    pub region: Label,
    /// The cloud's availability zone; `None` where nodes have a region only.
    pub availability_zone: Option<Label>,
}

/// Where a cluster is: every (region, availability zone) pair of its nodes, or what the config says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topology {
    pub locations: BTreeSet<Location>,
    /// What was left out of `locations` and why, one sentence each, sorted.
    #[serde(default)]
    pub notes: BTreeSet<String>,
}

/// One cluster's complete view: what a full list gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterView {
    pub topology: Topology,
    pub services: BTreeMap<ServiceKey, Observed>,
}

/// One step in what we know of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterChange {
    /// Replaces everything that the cluster contributes.
    View(ClusterView),
    /// One Service changed; `None` removes it.
    Service(ServiceKey, Option<Observed>),
    /// Nodes came, went or moved.
    Topology(Topology),
    Freshness(Freshness),
    /// The cluster left the federation, and with it all that it contributed.
    Gone,
}

// === impl ClusterName ===

impl ClusterName {
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// === impl Freshness ===

impl Freshness {
    pub fn is_live(&self) -> bool {
        *self == Self::Live
    }

    /// The STATUS column: Ready, NotReady (it answers but cannot be used), Offline (no contact).
    pub fn phase(&self) -> &'static str {
        match self {
            Self::Live => "Ready",
            Self::Stale { reason, .. } if reason.is_contact() => "Offline",
            Self::Stale { .. } => "NotReady",
        }
    }
}

impl StaleReason {
    /// True where the cluster was not reached at all.
    fn is_contact(&self) -> bool {
        matches!(self, Self::NotListed | Self::Unreachable(_) | Self::FolderMissing(_))
    }

    /// The reason as one CamelCase word, for metrics and conditions.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NotListed => "NotListed",
            Self::Unreachable(_) => "Unreachable",
            Self::NotReady(_) => "NotReady",
            Self::Forbidden(_) => "Forbidden",
            Self::ListDisagrees(_) => "ListDisagrees",
            Self::ClusterChanged(_) => "ClusterChanged",
            Self::FolderMissing(_) => "FolderMissing",
            Self::BadAccess(_) => "BadAccess",
        }
    }

    /// The reason as a sentence for people, without the final dot.
    pub fn sentence(&self) -> String {
        match self {
            Self::NotListed => "nothing has been listed since the start".into(),
            Self::Unreachable(detail) => format!("its API server does not answer: {detail}"),
            Self::NotReady(detail) => format!("its API server is not ready: {detail}"),
            Self::Forbidden(detail) => format!("credentials or rights are missing: {detail}"),
            Self::ListDisagrees(detail) => {
                format!("its lists disagree with what it has: {detail}")
            }
            Self::ClusterChanged(detail) => {
                format!("another cluster answers at its address: {detail}")
            }
            Self::FolderMissing(detail) => format!("its manifest folder is not there: {detail}"),
            Self::BadAccess(detail) => format!("its entry cannot be used: {detail}"),
        }
    }
}

impl fmt::Display for StaleReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self {
            Self::NotListed => Ok(()),
            Self::Unreachable(detail)
            | Self::NotReady(detail)
            | Self::Forbidden(detail)
            | Self::ListDisagrees(detail)
            | Self::ClusterChanged(detail)
            | Self::FolderMissing(detail)
            | Self::BadAccess(detail) => write!(f, ": {detail}"),
        }
    }
}

// === impl Location, Topology, ClusterView ===

impl Location {
    pub fn new(region: Label, availability_zone: Option<Label>) -> Self {
        Self { region, availability_zone }
    }
}

impl Topology {
    pub fn regions(&self) -> BTreeSet<&Label> {
        self.locations.iter().map(|location| &location.region).collect()
    }
}

impl ClusterView {
    /// The Services that make a shard.
    pub fn shards(&self) -> impl Iterator<Item = (&ServiceKey, &ServiceShard)> {
        self.services.iter().filter_map(|(key, observed)| match observed {
            Observed::Shard(shard) => Some((key, shard)),
            Observed::LeftOut(_) => None,
        })
    }
}
