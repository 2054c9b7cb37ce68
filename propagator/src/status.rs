//! What the propagator tells of itself: for `fedns status`, the API and the metrics.

use std::collections::BTreeMap;

use model::ClusterName;
use serde::Serialize;

/// At one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// True while this process is the one that writes.
    pub writes: bool,
    /// Of the federation's own API.
    pub federation: QueueStatus,
    pub clusters: BTreeMap<ClusterName, ClusterStatus>,
    /// Kinds beside those that are always propagated, as `PLURAL.GROUP`; false for those that are being
    /// disabled.
    pub enabled_kinds: BTreeMap<String, bool>,
    /// Events that were not written, because too many waited.
    pub events_dropped: u64,
}

/// Of one member.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterStatus {
    #[serde(flatten)]
    pub queue: QueueStatus,
    /// Copies that stand there and are ours.
    pub copies: usize,
    /// Objects of others that stand where a copy should be.
    pub conflicts: Vec<Remark>,
    /// Copies whose object is not in the federation, though nobody deleted it there; the first ones.
    pub orphans: Vec<ObjectName>,
    /// All of these.
    pub orphan_count: usize,
    /// Deletions that are owed to it.
    pub debts: Vec<ObjectName>,
    /// Why the debts cannot be read or written in the host cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debts_failure: Option<String>,
}

/// Of one API server.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueStatus {
    /// Writes that wait, for their turn or for their next attempt.
    pub waiting: usize,
    pub in_flight: usize,
    /// The latest failure of each object whose write failed.
    pub failures: Vec<Remark>,
    /// Objects that are known.
    pub objects: usize,
    /// Kinds that were not listed yet, with the reason where there is one; nothing is written for these.
    pub unlisted: BTreeMap<String, String>,
}

/// Something to be said of an object.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Remark {
    pub object: ObjectName,
    pub detail: String,
}

/// An object for people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectName {
    pub kind: String,
    /// Empty for objects without a namespace.
    pub namespace: String,
    pub name: String,
}
