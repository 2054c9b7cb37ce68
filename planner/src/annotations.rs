//! Annotations that people write on federated objects: their keys, and errors that say what is wrong.

use std::collections::BTreeMap;

use serde_json::Value;

/// How replicas of a Deployment are spread; see [`crate::replicas::Preferences`].
pub const DEPLOYMENT_PREFERENCES: &str = "federation.kubernetes.io/deployment-preferences";
/// How replicas of a ReplicaSet are spread; see [`crate::replicas::Preferences`].
pub const REPLICA_SET_PREFERENCES: &str = "federation.kubernetes.io/replica-set-preferences";
/// How parallelism and completions of a Job are divided; see [`crate::replicas::Preferences`].
pub const JOB_PREFERENCES: &str = "federation.kubernetes.io/job-preferences";
/// Which clusters an object goes to; see [`crate::placement::ClusterSelector`].
pub const CLUSTER_SELECTOR: &str = "federation.alpha.kubernetes.io/cluster-selector";
/// What differs from cluster to cluster; see [`crate::overrides::Overrides`].
pub const OVERRIDES: &str = "fedns.io/overrides";
/// What every cluster's load balancer gives; see [`crate::ingresses::ServiceIngresses`].
pub const SERVICE_INGRESSES: &str = "federation.kubernetes.io/service-ingresses";

/// The longest piece of an annotation that an error repeats, in characters.
const FOUND_LENGTH_MAX: usize = 60;

/// An annotation that cannot be used as it stands, in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{annotation}: {at}: found {found}, wanted {wanted}")]
pub struct AnnotationError {
    /// The annotation's key.
    pub annotation: &'static str,
    /// The place inside its value, as a path of JSON keys, or line and column.
    pub at: String,
    /// What stands there, shortened.
    pub found: String,
    /// What may stand there.
    pub wanted: String,
}

/// One place inside an annotation's JSON, from which errors are told.
#[derive(Clone, Debug)]
pub(crate) struct Field<'a> {
    annotation: &'static str,
    at: String,
    pub(crate) value: &'a Value,
}

/// True for the keys of annotations and labels that only fedns, or the federation before it, writes or reads.
pub fn is_ours(key: &str) -> bool {
    let prefix = key.split_once('/').map_or("", |(prefix, _)| prefix);
    matches!(prefix, "fedns.io" | "federation.kubernetes.io" | "federation.alpha.kubernetes.io")
        || prefix.ends_with(".fedns.io")
}

pub(crate) fn parse_json(annotation: &'static str, text: &str) -> Result<Value, AnnotationError> {
    serde_json::from_str(text).map_err(|error| AnnotationError {
        annotation,
        at: format!("line {} column {}", error.line(), error.column()),
        found: if text.trim().is_empty() { "nothing".into() } else { shorten(text) },
        wanted: "JSON".into(),
    })
}

// === impl Field ===

impl<'a> Field<'a> {
    pub(crate) fn root(annotation: &'static str, value: &'a Value) -> Self {
        Self { annotation, at: "the whole".into(), value }
    }

    /// The place `key` below this one.
    pub(crate) fn below(&self, key: &str, value: &'a Value) -> Self {
        let at = match (self.at.as_str(), key.starts_with('[')) {
            ("the whole", _) => key.to_owned(),
            (at, true) => format!("{at}{key}"),
            (at, false) => format!("{at}.{key}"),
        };
        Self { annotation: self.annotation, at, value }
    }

    pub(crate) fn wanted(&self, wanted: impl Into<String>) -> AnnotationError {
        self.error(shorten(&self.value.to_string()), wanted)
    }

    pub(crate) fn error(
        &self,
        found: impl Into<String>,
        wanted: impl Into<String>,
    ) -> AnnotationError {
        AnnotationError {
            annotation: self.annotation,
            at: self.at.clone(),
            found: found.into(),
            wanted: wanted.into(),
        }
    }

    /// The object's entries under any names.
    pub(crate) fn entries(&self) -> Result<Vec<(&'a str, Field<'a>)>, AnnotationError> {
        let object = self.value.as_object().ok_or_else(|| self.wanted("an object"))?;
        Ok(object.iter().map(|(key, value)| (key.as_str(), self.below(key, value))).collect())
    }

    /// The array's items.
    pub(crate) fn items(&self) -> Result<Vec<Field<'a>>, AnnotationError> {
        let items = self.value.as_array().ok_or_else(|| self.wanted("an array"))?;
        let numbered = items.iter().enumerate();
        Ok(numbered.map(|(index, item)| self.below(&format!("[{index}]"), item)).collect())
    }

    /// The object's entries under `known` names in whatever case; null counts as left out.
    pub(crate) fn known(
        &self,
        known: &[&'static str],
    ) -> Result<BTreeMap<&'static str, Field<'a>>, AnnotationError> {
        let mut found = BTreeMap::new();
        for (key, field) in self.entries()? {
            let Some(name) = known.iter().find(|name| name.eq_ignore_ascii_case(key)) else {
                return Err(self.error(format!("the key {key:?}"), one_of(known)));
            };
            if !field.value.is_null() && found.insert(*name, field).is_some() {
                return Err(self.error(format!("the key {key:?} a second time"), "it once"));
            }
        }
        Ok(found)
    }

    pub(crate) fn text(&self) -> Result<&'a str, AnnotationError> {
        self.value.as_str().ok_or_else(|| self.wanted("a string"))
    }

    pub(crate) fn boolean(&self) -> Result<bool, AnnotationError> {
        self.value.as_bool().ok_or_else(|| self.wanted("true or false"))
    }

    /// A count as the Kubernetes API has them.
    pub(crate) fn count(&self) -> Result<u32, AnnotationError> {
        let count = self.value.as_u64().filter(|count| *count <= i32::MAX as u64);
        let count = count.and_then(|count| u32::try_from(count).ok());
        count.ok_or_else(|| self.wanted(format!("an integer from 0 to {}", i32::MAX)))
    }
}

pub(crate) fn one_of(words: &[&str]) -> String {
    match words.split_last() {
        None => "nothing".into(),
        Some((only, [])) => (*only).into(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

/// On one line, and not longer than a person reads.
fn shorten(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(FOUND_LENGTH_MAX) {
        None => line,
        Some((end, _)) => format!("{}…", &line[..end]),
    }
}
