//! What is kept of the objects that API servers send.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use clusters::federation::names::{COPY_MANAGER, FEDERATION_LABEL};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use kube::core::DynamicObject;
use serde_json::{Map, Value, json};

use crate::key::Key;
use crate::kinds::KindId;

/// What a table of objects needs to know of each.
pub trait Versioned {
    /// Grows with every change of the object; zero if the API server does not tell a number.
    fn version(&self) -> u64;

    /// Tells objects of one name apart.
    fn uid(&self) -> &str;
}

/// An object of the federation.
#[derive(Clone, PartialEq)]
pub struct Federated {
    pub uid: String,
    pub resource_version: String,
    pub generation: i64,
    pub is_deleted: bool,
    pub finalizers: Vec<String>,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    /// All but metadata and status.
    pub body: Value,
    pub status: Value,
    /// Of [`ALLOCATED`] and of the Service's ports ([`port_id`]) those with a value that a person set.
    pub chosen: BTreeSet<String>,
}

/// An object of a member.
#[derive(Clone, PartialEq)]
pub struct Copy {
    pub uid: String,
    pub resource_version: String,
    pub generation: i64,
    pub is_deleted: bool,
    pub owner: Owner,
    /// Labels, annotations and all but the rest of metadata and status, as one object.
    pub body: Value,
    pub status: Value,
    /// What we applied, as `managedFields` tells it.
    pub applied: Value,
    /// True if an autoscaler sets the number of replicas.
    pub is_scaled: bool,
}

/// Whose an object in a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// This federation's.
    Us,
    Other,
}

/// Fields in the spec of Services that the API allocates if nobody sets them.
pub const ALLOCATED: [&str; 5] =
    ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort"];

pub fn key_of(kind: KindId, object: &DynamicObject) -> Key {
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    let ObjectMeta { namespace, name, .. } = &object.metadata;
    Key { kind, namespace: text(namespace), name: text(name) }
}

/// Objects may hold secrets, which no debug output shows.
impl fmt::Debug for Federated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Federated({} at {})", self.uid, self.resource_version)
    }
}

/// The same of copies.
impl fmt::Debug for Copy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Copy({} at {}, {:?})", self.uid, self.resource_version, self.owner)
    }
}

// === impl Federated ===

impl Federated {
    pub fn new(object: DynamicObject) -> Arc<Self> {
        let (body, status) = parts(object.types.as_ref(), object.data);
        let metadata = object.metadata;
        let managed = metadata.managed_fields.unwrap_or_default();
        Arc::new(Self {
            uid: metadata.uid.unwrap_or_default(),
            resource_version: metadata.resource_version.unwrap_or_default(),
            generation: metadata.generation.unwrap_or_default(),
            is_deleted: metadata.deletion_timestamp.is_some(),
            finalizers: metadata.finalizers.unwrap_or_default(),
            labels: metadata.labels.unwrap_or_default(),
            annotations: metadata.annotations.unwrap_or_default(),
            chosen: chosen(&managed),
            body,
            status,
        })
    }

    pub fn has_finalizer(&self, name: &str) -> bool {
        self.finalizers.iter().any(|it| it == name)
    }

    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.get(key).map(String::as_str)
    }
}

impl Versioned for Federated {
    fn version(&self) -> u64 {
        self.resource_version.parse().unwrap_or(0)
    }

    fn uid(&self) -> &str {
        &self.uid
    }
}

// === impl Copy ===

impl Copy {
    pub fn new(object: DynamicObject, federation: &str) -> Arc<Self> {
        let (mut body, status) = parts(object.types.as_ref(), object.data);
        let metadata = object.metadata;
        let managed = metadata.managed_fields.unwrap_or_default();
        let labels = metadata.labels.unwrap_or_default();
        let applied = managed.iter().find(|entry| is_our_apply(entry));
        let owner = match (labels.get(FEDERATION_LABEL), applied) {
            (Some(label), _) if label == federation => Owner::Us,
            // Somebody took our label away.
            (None, Some(_)) => Owner::Us,
            _ => Owner::Other,
        };
        body["metadata"] = json!({
            "name": metadata.name,
            "namespace": metadata.namespace,
            "labels": labels,
            "annotations": metadata.annotations.unwrap_or_default(),
        });
        Arc::new(Self {
            uid: metadata.uid.unwrap_or_default(),
            resource_version: metadata.resource_version.unwrap_or_default(),
            generation: metadata.generation.unwrap_or_default(),
            is_deleted: metadata.deletion_timestamp.is_some(),
            owner,
            body,
            status,
            applied: applied
                .and_then(|entry| entry.fields_v1.clone())
                .map_or(Value::Null, |fields| fields.0),
            is_scaled: managed.iter().any(is_autoscaler),
        })
    }

    /// `spec.replicas`.
    pub fn replicas(&self) -> Option<u32> {
        self.body["spec"]["replicas"].as_u64()?.try_into().ok()
    }
}

impl Versioned for Copy {
    fn version(&self) -> u64 {
        self.resource_version.parse().unwrap_or(0)
    }

    fn uid(&self) -> &str {
        &self.uid
    }
}

/// Autoscalers go through the scale subresource: that of Kubernetes, which others ride on, and those that
/// are called so. People's tools do, too, which in a member is a change like any other, and undone.
fn is_autoscaler(entry: &ManagedFieldsEntry) -> bool {
    let manager = entry.manager.as_deref().unwrap_or_default();
    entry.subresource.as_deref() == Some("scale")
        && (manager == "kube-controller-manager" || manager.contains("autoscal"))
}

pub fn is_our_apply(entry: &ManagedFieldsEntry) -> bool {
    entry.manager.as_deref() == Some(COPY_MANAGER)
        && entry.operation.as_deref() == Some("Apply")
        && entry.subresource.as_deref().unwrap_or_default().is_empty()
}

/// The object without its metadata and status, and its status.
fn parts(types: Option<&kube::core::TypeMeta>, data: Value) -> (Value, Value) {
    let mut body = match data {
        Value::Object(body) => body,
        _ => Map::new(),
    };
    let status = body.remove("status").unwrap_or(Value::Null);
    if let Some(types) = types {
        body.insert("apiVersion".into(), types.api_version.clone().into());
        body.insert("kind".into(), types.kind.clone().into());
    }
    (Value::Object(body), status)
}

/// A field has an owner if a person set it: the API allocates its own values after it has noted who
/// owns what.
fn chosen(managed: &[ManagedFieldsEntry]) -> BTreeSet<String> {
    let mut chosen = BTreeSet::new();
    let fields = managed.iter().filter_map(|entry| entry.fields_v1.as_ref());
    for spec in fields.filter_map(|fields| fields.0.get("f:spec")) {
        let owned = ALLOCATED.iter().filter(|field| spec.get(format!("f:{field}")).is_some());
        chosen.extend(owned.map(|field| (*field).to_owned()));
        let ports = spec.get("f:ports").and_then(Value::as_object).into_iter().flatten();
        let with_node_port = ports.filter(|(_, fields)| fields.get("f:nodePort").is_some());
        chosen.extend(with_node_port.map(|(port, _)| port.clone()));
    }
    chosen
}

/// A port of a Service as `managedFields` names it.
pub fn port_id(port: &Value) -> String {
    format!("k:{}", json!({"port": port["port"], "protocol": port["protocol"]}))
}
