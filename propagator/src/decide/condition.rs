//! The condition that says that the object cannot be everywhere: somebody else's stands in its place.
//!
//! It is there as long as there is a conflict. Of a member of which nothing newer is known, what was told
//! last stays, whoever told it: the condition itself says where. Conditions of others in the list are left
//! alone.

use std::collections::BTreeSet;

use clusters::federation::names::CONFLICT_CONDITION;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use model::{ClusterName, UnixTime};
use serde_json::{Value, json};

use crate::kinds::Role;

use super::Situation;

const REASON: &str = "Conflict";

/// A status without the condition.
pub(super) fn without(status: &Value) -> Value {
    let mut status = status.clone();
    if let Some(conditions) = status.get_mut("conditions").and_then(Value::as_array_mut) {
        conditions.retain(|condition| !is_ours(condition));
    }
    status
}

/// Since when it is told that somebody else's object stands in a member in the place of the copy.
pub fn conflict_since(status: &Value, cluster: &ClusterName) -> Option<UnixTime> {
    let standing = list(status).find(|condition| is_ours(condition))?;
    Told::of(standing)?.of_cluster(cluster)?;
    let since: Timestamp = standing["lastTransitionTime"].as_str()?.parse().ok()?;
    u64::try_from(since.as_second()).ok().map(UnixTime)
}

/// Puts the condition into the patch of a status, or takes it out, if that changes anything. In the members
/// that are `open` it is not known now whether a copy can be made.
pub(super) fn put(
    situation: &Situation<'_>,
    selected: &BTreeSet<ClusterName>,
    open: &BTreeSet<ClusterName>,
    patch: &mut Option<Value>,
) {
    if !has_conditions(situation.kind.role) {
        return;
    }
    let status = &situation.object.status;
    let standing = list(status).find(|condition| is_ours(condition));
    let told = standing.and_then(Told::of);
    let members = situation.members.iter().filter(|(name, _)| selected.contains(**name));
    let conflicts = members.filter_map(|(name, there)| {
        let words = match there.conflict {
            Some(trouble) => trouble.words(),
            None if open.contains(*name) => told.as_ref()?.of_cluster(name)?,
            None => return None,
        };
        Some((*name, words))
    });
    let wanted = message(conflicts).map(|message| condition(message, standing, situation.now));
    let is_patched = patch.as_ref().is_some_and(|patch| patch.get("conditions").is_some());
    if !is_patched && wanted.as_ref() == standing {
        return;
    }
    let others = match patch.as_ref().filter(|_| is_patched) {
        Some(patch) => list(patch).cloned().collect(),
        None => list(&without(status)).cloned().collect::<Vec<_>>(),
    };
    let all: Vec<Value> = others.into_iter().chain(wanted).collect();
    let patch = patch.get_or_insert_with(|| json!({}));
    patch["conditions"] = if all.is_empty() { Value::Null } else { all.into() };
}

/// Whether statuses of a kind have conditions, and are ours to write.
fn has_conditions(role: Role) -> bool {
    match role {
        Role::Service
        | Role::Deployment
        | Role::ReplicaSet
        | Role::DaemonSet
        | Role::StatefulSet
        | Role::Job
        | Role::HorizontalPodAutoscaler => true,
        Role::Namespace | Role::Secret | Role::Ingress | Role::Plain => false,
    }
}

fn list(status: &Value) -> impl Iterator<Item = &Value> {
    status["conditions"].as_array().into_iter().flatten()
}

fn is_ours(condition: &Value) -> bool {
    condition["type"] == CONFLICT_CONDITION
}

/// What a condition says.
struct Told<'a> {
    clusters: Vec<&'a str>,
    words: &'a str,
}

// === impl Told ===

impl<'a> Told<'a> {
    /// Reads what [`message`] wrote; no name of a cluster has a space, comma or colon.
    fn of(condition: &'a Value) -> Option<Self> {
        let (clusters, words) = condition["message"].as_str()?.split_once(": ")?;
        let names = clusters.strip_prefix("clusters ").or(clusters.strip_prefix("cluster "))?;
        Some(Self { clusters: names.split(", ").collect(), words })
    }

    fn of_cluster(&self, name: &ClusterName) -> Option<&'a str> {
        self.clusters.contains(&name.as_str()).then_some(self.words)
    }
}

/// `None` without a conflict.
fn message<'a>(conflicts: impl Iterator<Item = (&'a ClusterName, &'a str)>) -> Option<String> {
    let conflicts: Vec<_> = conflicts.collect();
    let (_, words) = conflicts.first()?;
    let names: Vec<&str> = conflicts.iter().map(|(name, _)| name.as_str()).collect();
    let clusters = if names.len() == 1 { "cluster" } else { "clusters" };
    Some(format!("{clusters} {}: {words}", names.join(", ")))
}

/// The one that stands, where it says the same.
fn condition(message: String, standing: Option<&Value>, now: UnixTime) -> Value {
    let mut condition = match standing {
        Some(standing) => standing.clone(),
        None => json!({
            "type": CONFLICT_CONDITION,
            "status": "False",
            "reason": REASON,
            "lastTransitionTime": time(now),
        }),
    };
    condition["message"] = message.into();
    condition
}

fn time(now: UnixTime) -> Value {
    let seconds = i64::try_from(now.0).unwrap_or(i64::MAX);
    json!(Timestamp::from_second(seconds).map(Time).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(message: &str) -> Value {
        json!({"type": CONFLICT_CONDITION, "status": "False", "reason": REASON,
            "lastTransitionTime": "2026-01-01T00:00:00Z", "message": message})
    }

    #[test]
    fn a_condition_that_says_the_same_keeps_its_time() {
        let now = UnixTime(1_800_000_000);
        let before = standing("one");
        assert_eq!(condition("one".into(), Some(&before), now), before);
        assert_eq!(condition("two".into(), Some(&before), now), standing("two"));
        let fresh = condition("one".into(), None, now);
        assert_eq!(fresh["lastTransitionTime"], "2027-01-15T08:00:00Z");
    }

    #[test]
    fn a_condition_says_since_when_a_member_is_in_conflict() {
        let status = json!({"conditions": [standing("clusters beijing, hangzhou: it is theirs")]});
        let since = |cluster: &str| conflict_since(&status, &ClusterName::new(cluster));
        assert_eq!(since("hangzhou"), Some(UnixTime(1_767_225_600)));
        assert_eq!(since("shanghai"), None);
        assert_eq!(conflict_since(&Value::Null, &ClusterName::new("hangzhou")), None);
    }

    #[test]
    fn conditions_of_others_stay() {
        let other = json!({"type": "Available", "status": "True"});
        let status = json!({"conditions": [other, standing("one")], "replicas": 1});
        assert_eq!(without(&status), json!({"conditions": [other], "replicas": 1}));
        assert_eq!(without(&Value::Null), Value::Null);
    }
}
