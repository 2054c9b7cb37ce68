//! What differs in one cluster: JSON Patches (RFC 6902) of a federated object, by annotation.

use std::collections::BTreeMap;
use std::fmt;

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, PatchOperation, RemoveOperation, ReplaceOperation};
use model::ClusterName;
use serde_json::Value;

use crate::annotations::{AnnotationError, Field, OVERRIDES, is_ours, parse_json};

/// The annotation `fedns.io/overrides`: for each cluster its operations, in order.
///
/// ```json
/// {"hangzhou": [{"op": "replace", "path": "/spec/template/spec/nodeSelector", "value": {"gpu": "yes"}}]}
/// ```
///
/// They are applied to what would else be sent to that cluster, so `spec.replicas` may be overridden,
/// too; the planner does not know of it. A name that no cluster has does no harm: it may join later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    clusters: BTreeMap<ClusterName, Vec<PatchOperation>>,
}

/// An operation that cannot be applied to the object; nothing of its cluster's overrides is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{OVERRIDES}: {cluster}[{index}]: {verb} {path}: {problem}")]
pub struct OverrideError {
    pub cluster: ClusterName,
    /// The operation's place in its cluster's list, from 0.
    pub index: usize,
    /// `add`, `remove` or `replace`.
    pub verb: &'static str,
    /// A JSON pointer (RFC 6901).
    pub path: String,
    pub problem: OverrideProblem,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OverrideProblem {
    /// The path, or for `add` its parent, is not in the object.
    NoSuchPath,
    /// It would change what makes the object the one it is, named here.
    Protected(String),
}

const VERBS: [&str; 3] = ["add", "remove", "replace"];
/// What makes an object the one it is, and what keeps it until it is cleaned up.
const PROTECTED: [&str; 6] = [
    "/apiVersion",
    "/kind",
    "/metadata/name",
    "/metadata/namespace",
    "/metadata/uid",
    "/metadata/finalizers",
];

impl Overrides {
    /// Reads the annotation's value. Operations are `add`, `remove` and `replace`.
    pub fn parse(text: &str) -> Result<Self, AnnotationError> {
        let value = parse_json(OVERRIDES, text)?;
        let mut overrides = Self::default();
        for (cluster, field) in Field::root(OVERRIDES, &value).entries()? {
            let operations = field.items()?.iter().map(read).collect::<Result<_, _>>()?;
            overrides.clusters.insert(ClusterName::new(cluster), operations);
        }
        Ok(overrides)
    }

    /// The clusters that have overrides, for telling of names that no cluster has.
    pub fn clusters(&self) -> impl Iterator<Item = &ClusterName> {
        self.clusters.keys()
    }

    /// Changes `object`, as it would be sent to `cluster`; with an error it is left as it was.
    pub fn apply(&self, cluster: &ClusterName, object: &mut Value) -> Result<(), OverrideError> {
        let Some(operations) = self.clusters.get(cluster).filter(|list| !list.is_empty()) else {
            return Ok(());
        };
        let identity = Identity::of(object);
        let mut changed = object.clone();
        for (index, operation) in operations.iter().enumerate() {
            let error = |problem| OverrideError {
                cluster: cluster.clone(),
                index,
                verb: verb(operation),
                path: operation.path().to_string(),
                problem,
            };
            json_patch::patch(&mut changed, std::slice::from_ref(operation))
                .map_err(|_| error(OverrideProblem::NoSuchPath))?;
            if let Some(field) = identity.differs_in(&Identity::of(&changed)) {
                return Err(error(OverrideProblem::Protected(field)));
            }
        }
        *object = changed;
        Ok(())
    }
}

fn read(field: &Field<'_>) -> Result<PatchOperation, AnnotationError> {
    let fields = field.entries()?.into_iter().collect::<BTreeMap<_, _>>();
    if let Some(key) = fields.keys().find(|key| !["op", "path", "value"].contains(key)) {
        return Err(field.error(format!("the key {key:?}"), "op, path or value"));
    }
    let required = |name: &'static str| {
        fields.get(name).ok_or_else(|| field.error(format!("no {name}"), format!("the {name}")))
    };
    let op = required("op")?;
    let verb = op.text()?;
    if !VERBS.contains(&verb) {
        return Err(op.wanted(crate::annotations::one_of(&VERBS)));
    }
    let path_field = required("path")?;
    let path = PointerBuf::parse(path_field.text()?)
        .map_err(|_| path_field.wanted("a JSON pointer such as /spec/replicas"))?;
    if verb == "remove" {
        return Ok(PatchOperation::Remove(RemoveOperation { path }));
    }
    let value = required("value")?.value.clone();
    Ok(match verb {
        "add" => PatchOperation::Add(AddOperation { path, value }),
        _ => PatchOperation::Replace(ReplaceOperation { path, value }),
    })
}

fn verb(operation: &PatchOperation) -> &'static str {
    match operation {
        PatchOperation::Add(_) => "add",
        PatchOperation::Remove(_) => "remove",
        _ => "replace",
    }
}

impl fmt::Display for OverrideProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchPath => f.write_str("the object has no such path"),
            Self::Protected(field) => write!(f, "{field} may not be overridden"),
        }
    }
}

// === Identity ===

/// The parts of an object that overrides may not change, by whatever path they would.
#[derive(PartialEq, Eq)]
struct Identity(BTreeMap<String, Value>);

impl Identity {
    fn of(object: &Value) -> Self {
        let mut parts: BTreeMap<String, Value> = PROTECTED
            .iter()
            .filter_map(|path| Some(((*path).to_owned(), object.pointer(path)?.clone())))
            .collect();
        for path in ["/metadata/annotations", "/metadata/labels"] {
            let entries = object.pointer(path).and_then(Value::as_object).into_iter().flatten();
            let ours = entries.filter(|(key, _)| is_ours(key));
            parts.extend(ours.map(|(key, value)| {
                (format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), value.clone())
            }));
        }
        Self(parts)
    }

    /// The first part that is not the same.
    fn differs_in(&self, other: &Self) -> Option<String> {
        let paths = self.0.keys().chain(other.0.keys());
        paths.filter(|path| self.0.get(*path) != other.0.get(*path)).min().cloned()
    }
}
