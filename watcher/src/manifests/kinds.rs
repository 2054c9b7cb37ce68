//! Which kind of object a document is, and whether it was meant to be another.

use serde::Deserialize;

use super::inspect::{Remark, nearest};
use super::tree::{Tree, Value};
use crate::object::Kind;

/// What says of which kind a document is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
    #[serde(default)]
    api_version: Option<String>,
    #[serde(default)]
    kind: Option<String>,
}

pub(super) enum Meaning {
    Object(Kind),
    /// With the kind of its items, where that goes without saying.
    List(Option<Kind>),
    Other,
}

const CORE_VERSION: &str = "v1";
const SLICE_VERSIONS: [&str; 2] = ["discovery.k8s.io/v1", "discovery.k8s.io/v1beta1"];
/// The kinds that are read, and the version in which each of them is.
const READ: [(&str, &str); 7] = [
    ("Service", CORE_VERSION),
    ("Node", CORE_VERSION),
    ("EndpointSlice", SLICE_VERSIONS[0]),
    ("List", CORE_VERSION),
    ("ServiceList", CORE_VERSION),
    ("NodeList", CORE_VERSION),
    ("EndpointSliceList", SLICE_VERSIONS[0]),
];
/// Other kinds of the core group, which are ignored by right.
const OTHERS: [&str; 17] = [
    "Binding",
    "ComponentStatus",
    "ConfigMap",
    "Endpoints",
    "Event",
    "LimitRange",
    "Namespace",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Pod",
    "PodTemplate",
    "ReplicationController",
    "ResourceQuota",
    "Secret",
    "ServiceAccount",
    "PodList",
    "SecretList",
];

// === impl Meaning ===

impl Meaning {
    pub(super) fn of(head: &Head) -> Self {
        let Head { api_version, kind } = head;
        let version = api_version.as_deref();
        let is_slice_group = version.is_some_and(|version| SLICE_VERSIONS.contains(&version));
        let is_core_group = version == Some(CORE_VERSION);
        match kind.as_deref() {
            Some("Service") if is_core_group => Self::Object(Kind::Service),
            Some("Node") if is_core_group => Self::Object(Kind::Node),
            Some("EndpointSlice") if is_slice_group => Self::Object(Kind::EndpointSlice),
            Some("List") if is_core_group => Self::List(None),
            Some("ServiceList") if is_core_group => Self::List(Some(Kind::Service)),
            Some("NodeList") if is_core_group => Self::List(Some(Kind::Node)),
            Some("EndpointSliceList") if is_slice_group => Self::List(Some(Kind::EndpointSlice)),
            _ => Self::Other,
        }
    }
}

// === impl Head ===

impl Head {
    /// `None` for a document that holds nothing.
    pub(super) fn of(tree: &Tree) -> Option<Self> {
        let word = |key| match &tree.get(key)?.value {
            Value::Text(text) | Value::Number(text) => Some(text.clone()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        };
        let is_empty = matches!(tree.value, Value::Null);
        (!is_empty).then(|| Self { api_version: word("apiVersion"), kind: word("kind") })
    }

    /// What to say of an ignored document that looks as if it was to be read. Kinds of groups that
    /// are not Kubernetes' own are anybody's, and never a slip.
    pub(super) fn slip(&self, tree: &Tree) -> Option<Remark> {
        let Some(kind) = self.kind.as_deref() else { return self.slip_of_key(tree) };
        let version = self.api_version.as_deref();
        let is_ours = version.is_none_or(|version| {
            !version.contains('/')
                || version.starts_with("discovery.k8s.io/")
                || nearest(version, SLICE_VERSIONS).is_some()
        });
        if !is_ours || OTHERS.contains(&kind) {
            return None;
        }
        match READ.iter().find(|(read, _)| *read == kind) {
            // As a document it would be read.
            Some((_, wanted)) if version == Some(wanted) => {
                let message = format!(
                    "kind: found {kind:?} as an item of a list, so it is ignored; wanted its items; put them in \
                     its place"
                );
                Some(Remark { place: tree.get("kind")?.place, message })
            }
            Some((_, wanted)) => {
                let found = version.map_or("nothing".to_owned(), |version| format!("{version:?}"));
                let place = tree.get("apiVersion").map_or(tree.place, |version| version.place);
                let message = format!(
                    "apiVersion: found {found}, so this {kind} is ignored; wanted {wanted}? correct it"
                );
                Some(Remark { place, message })
            }
            None => {
                let known = READ.iter().map(|(read, _)| *read).chain(OTHERS);
                let meant = nearest(kind, known).filter(|meant| !OTHERS.contains(meant))?;
                let message = format!(
                    "kind: found {kind:?}, which Kubernetes does not have, so the object is ignored; \
                     wanted {meant}? correct it"
                );
                Some(Remark { place: tree.get("kind")?.place, message })
            }
        }
    }

    /// A document with a version and without a kind, but with something that looks like one, or else
    /// like an object.
    fn slip_of_key(&self, tree: &Tree) -> Option<Remark> {
        self.api_version.as_ref()?;
        let mut entries = tree.entries().iter();
        let Some(entry) = entries.find(|entry| nearest(&entry.key, ["kind"]).is_some()) else {
            tree.get("metadata")?;
            let message =
                "kind: found nothing, so the object is ignored; wanted one like Service; add kind";
            return Some(Remark { place: tree.place, message: message.to_owned() });
        };
        let message = format!(
            "{}: found a field that Kubernetes does not have, so the object is ignored; wanted kind? \
             rename it",
            entry.key
        );
        Some(Remark { place: entry.key_place, message })
    }
}
