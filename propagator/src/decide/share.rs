//! How much of an object each member gets: replicas, the work of a Job, the bounds of an autoscaler.

use std::collections::{BTreeMap, BTreeSet};

use model::ClusterName;
use planner::annotations::{
    AnnotationError, DEPLOYMENT_PREFERENCES, JOB_PREFERENCES, REPLICA_SET_PREFERENCES,
};
use planner::replicas::{
    JobRequest, Preferences, SpreadRequest, split_autoscaler, split_job, spread,
};
use serde_json::{Value, json};

use crate::kinds::Role;
use crate::object::Copy;

use super::{MemberSituation, Reach, Situation, Sought};

/// What the members get.
#[derive(Debug)]
pub(super) enum Shares {
    /// All of it, wherever it goes.
    Whole,
    /// Members that are not named get no object, or keep what they have.
    Divided { members: BTreeMap<ClusterName, Share>, unplaced: Option<String> },
    /// It cannot be said yet: a member that counts has not told what it has.
    Unknown,
}

/// Fields of the spec that differ.
pub(super) type Share = Vec<(&'static str, Option<u32>)>;

impl Shares {
    pub(super) fn of(
        situation: &Situation<'_>,
        selected: &BTreeSet<ClusterName>,
    ) -> Result<Self, AnnotationError> {
        let role = situation.kind.role;
        let annotation = match role {
            Role::Deployment => Some(DEPLOYMENT_PREFERENCES),
            Role::ReplicaSet => Some(REPLICA_SET_PREFERENCES),
            Role::Job => Some(JOB_PREFERENCES),
            Role::HorizontalPodAutoscaler => None,
            _ => return Ok(Self::Whole),
        };
        let counted = situation
            .members
            .iter()
            .filter(|(name, there)| there.counts && selected.contains(**name));
        let is_open = |there: &MemberSituation<'_>| {
            there.reach == Reach::Unknown || there.sought == Some(&Sought::UnderWay)
        };
        if counted.clone().any(|(_, there)| is_open(there)) {
            return Ok(Self::Unknown);
        }
        let text = annotation.and_then(|key| Some((key, situation.object.annotation(key)?)));
        let preferences = text.map(|(key, text)| Preferences::parse(key, text)).transpose()?;
        let preferences = preferences.unwrap_or_default();
        let clusters = counted.map(|(name, there)| ((*name).clone(), there.standing)).collect();
        let division = Division { situation, selected, preferences, clusters };
        Ok(match role {
            Role::Job => division.job(),
            Role::HorizontalPodAutoscaler => division.autoscaler(),
            _ => division.replicas(),
        })
    }
}

struct Division<'a> {
    situation: &'a Situation<'a>,
    selected: &'a BTreeSet<ClusterName>,
    preferences: Preferences,
    clusters: BTreeMap<ClusterName, planner::replicas::Standing>,
}

// === impl Division ===

impl Division<'_> {
    fn replicas(&self) -> Shares {
        let total = count(&self.situation.object.body, "replicas").unwrap_or(1);
        let key = self.situation.key.path();
        let spread = spread(&SpreadRequest {
            total,
            key: &key,
            clusters: &self.clusters,
            preferences: &self.preferences,
        });
        let shares = spread
            .clusters
            .iter()
            .map(|(cluster, share)| (cluster.clone(), vec![("replicas", Some(share.replicas()))]));
        let is_scaled = self.situation.is_autoscaled;
        let unplaced = (spread.unplaced > 0 && !is_scaled)
            .then(|| format!("{} of {total} replicas fit in no cluster", spread.unplaced));
        Shares::Divided { members: shares.collect(), unplaced }
    }

    fn job(&self) -> Shares {
        let body = &self.situation.object.body;
        let completions = count(body, "completions");
        let standing = self.situation.members.iter().filter_map(|(name, there)| {
            let completions = count(&there.copy?.body, "completions")?;
            self.selected.contains(*name).then(|| ((*name).clone(), completions))
        });
        let standing: BTreeMap<ClusterName, u32> = standing.collect();
        let key = self.situation.key.path();
        let split_over = |clusters: &BTreeMap<ClusterName, _>| {
            split_job(&JobRequest {
                parallelism: count(body, "parallelism").unwrap_or(1),
                completions,
                key: &key,
                clusters,
                standing_completions: &standing,
                preferences: &self.preferences,
            })
        };
        let mut split = split_over(&self.clusters);
        if body["spec"]["completionMode"] == "Indexed" {
            // Each member counts from 0: divided, some indexes would be done twice and others never.
            let largest = split.clusters.iter().max_by_key(|(_, share)| share.completions);
            let one = standing.keys().next().or(largest.map(|(name, _)| name)).cloned();
            let mut clusters = self.clusters.clone();
            clusters.retain(|name, _| Some(name) == one.as_ref());
            split = split_over(&clusters);
        }
        let shares = split.clusters.iter().map(|(cluster, share)| {
            let mut fields = vec![("parallelism", Some(share.parallelism))];
            fields.extend(share.completions.map(|completions| ("completions", Some(completions))));
            (cluster.clone(), fields)
        });
        let unplaced = (split.unplaced_completions > 0)
            .then(|| format!("{} completions fit in no cluster", split.unplaced_completions));
        Shares::Divided { members: shares.collect(), unplaced }
    }

    fn autoscaler(&self) -> Shares {
        let body = &self.situation.object.body;
        let clusters: BTreeSet<ClusterName> = self.clusters.keys().cloned().collect();
        let shares = split_autoscaler(
            count(body, "minReplicas").unwrap_or(1),
            count(body, "maxReplicas").unwrap_or(1),
            &clusters,
            &self.preferences,
            &self.situation.key.path(),
        );
        let shares = shares.into_iter().map(|(cluster, share)| {
            let fields = vec![
                ("minReplicas", Some(share.min_replicas)),
                ("maxReplicas", Some(share.max_replicas)),
            ];
            (cluster, fields)
        });
        Shares::Divided { members: shares.collect(), unplaced: None }
    }
}

/// Puts a member's share into the body of its copy.
pub(super) fn put(share: &Share, body: &mut Value) {
    for (field, value) in share {
        match value {
            Some(value) => body["spec"][*field] = json!(value),
            None => {
                if let Some(spec) = body["spec"].as_object_mut() {
                    spec.remove(*field);
                }
            }
        }
    }
}

/// Replicas that an autoscaler sets are not ours to say. As long as nobody else owns the number that we
/// once applied, it stays as it is: to leave it out would set it to the API's own value.
pub(super) fn leave_to_autoscaler(share: &mut Share, copy: Option<&Copy>) {
    let is_applied = |copy: &&Copy| !copy.applied["f:spec"]["f:replicas"].is_null();
    let kept = copy.filter(is_applied).and_then(|copy| count(&copy.body, "replicas"));
    *share = vec![("replicas", kept)];
}

fn count(body: &Value, field: &str) -> Option<u32> {
    body["spec"][field].as_u64().and_then(|count| count.try_into().ok())
}

/// What a copy has, of what is divided.
pub(super) fn kept(role: Role, copy: Option<&Copy>) -> Share {
    let fields: &[&'static str] = match role {
        Role::Job => &["parallelism", "completions"],
        Role::HorizontalPodAutoscaler => &["minReplicas", "maxReplicas"],
        _ => &["replicas"],
    };
    let of_copy = |field| copy.and_then(|copy| count(&copy.body, field));
    fields.iter().map(|field| (*field, of_copy(field))).collect()
}
