//! The preferences annotation: `{"rebalance": bool, "clusters": {"NAME" or "*": {…}}}`.

use std::collections::BTreeMap;

use model::ClusterName;

use crate::annotations::{AnnotationError, Field, parse_json};

/// How a person wants replicas spread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// Whether running replicas may move to reach the preferred spread.
    pub rebalance: bool,
    /// Clusters with an entry of their own; it replaces `others` completely.
    pub named: BTreeMap<ClusterName, ClusterPreference>,
    /// The entry `*`: every other cluster. Without it they get nothing.
    pub others: Option<ClusterPreference>,
}

/// What one cluster is to get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClusterPreference {
    /// Given before anything is shared by weight, as far as replicas and capacity reach.
    pub min_replicas: u32,
    /// `None`: no limit. Never below `min_replicas`.
    pub max_replicas: Option<u32>,
    /// The cluster's part of what is left beyond the minimums, relative to the other weights.
    pub weight: u32,
}

impl Default for Preferences {
    /// Every cluster alike; nothing moves without need.
    fn default() -> Self {
        let alike = ClusterPreference { weight: 1, ..ClusterPreference::default() };
        Self { rebalance: false, named: BTreeMap::new(), others: Some(alike) }
    }
}

impl Preferences {
    /// Reads the value of `annotation`. All keys are optional and may be in any case; without
    /// `clusters` every cluster is alike.
    ///
    /// The first federation took what it could not read for no preferences; here the caller
    /// decides, with an error that names annotation, place, what was found and what was wanted.
    pub fn parse(annotation: &'static str, text: &str) -> Result<Self, AnnotationError> {
        let value = parse_json(annotation, text)?;
        let fields = Field::root(annotation, &value).known(&["rebalance", "clusters"])?;
        let mut preferences = Self::default();
        if let Some(rebalance) = fields.get("rebalance") {
            preferences.rebalance = rebalance.boolean()?;
        }
        if let Some(clusters) = fields.get("clusters") {
            preferences.others = None;
            for (name, field) in clusters.entries()? {
                let preference = ClusterPreference::read(&field)?;
                match name {
                    "*" => preferences.others = Some(preference),
                    name => drop(preferences.named.insert(ClusterName::new(name), preference)),
                }
            }
        }
        Ok(preferences)
    }

    /// What is preferred for `cluster`; `None` if it is neither named nor meant by `*`.
    pub fn of(&self, cluster: &ClusterName) -> Option<ClusterPreference> {
        self.named.get(cluster).copied().or(self.others)
    }
}

impl ClusterPreference {
    fn read(field: &Field<'_>) -> Result<Self, AnnotationError> {
        let fields = field.known(&["minReplicas", "maxReplicas", "weight"])?;
        let count = |key| fields.get(key).map(Field::count).transpose();
        let min_replicas = count("minReplicas")?.unwrap_or(0);
        let max_replicas = count("maxReplicas")?;
        if let Some(max) = max_replicas.filter(|max| *max < min_replicas) {
            let found = format!("minReplicas {min_replicas} above maxReplicas {max}");
            return Err(field.error(found, "minReplicas at most maxReplicas"));
        }
        Ok(Self { min_replicas, max_replicas, weight: count("weight")?.unwrap_or(0) })
    }
}
