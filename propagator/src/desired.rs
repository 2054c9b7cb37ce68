//! What a copy shall be: the federated object without what is the federation's own.

use clusters::federation::names::FEDERATION_LABEL;
use serde_json::{Map, Value, json};

use crate::key::Key;
use crate::kinds::Role;
use crate::object::{ALLOCATED, Federated, port_id};

/// Annotations that tell of the object in the federation, not of its copies.
const FEDERATION_ANNOTATIONS: [&str; 2] =
    ["kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision"];
/// Labels that the API's own Job strategy puts on a Job and its pods.
const GENERATED_JOB_LABELS: [&str; 4] = [
    "controller-uid",
    "job-name",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
];
/// The namespace controller of each cluster puts its own.
const NAMESPACE_NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// The same for every cluster.
pub fn desired(key: &Key, role: Role, object: &Federated, federation: &str) -> Value {
    let mut body = object.body.clone();
    drop_nulls(&mut body);
    match role {
        Role::Namespace => drop_field(&mut body, "spec"),
        Role::Service => without_allocated(&mut body, object),
        Role::Job => without_generated(&mut body),
        _ => {}
    }
    let mut metadata = Map::new();
    metadata.insert("name".into(), key.name.clone().into());
    if !key.namespace.is_empty() {
        metadata.insert("namespace".into(), key.namespace.clone().into());
    }
    let mut labels = object.labels.clone();
    if role == Role::Namespace {
        labels.remove(NAMESPACE_NAME_LABEL);
    }
    if role == Role::Job && !has_manual_selector(&object.body) {
        labels.retain(|label, _| !GENERATED_JOB_LABELS.contains(&label.as_str()));
    }
    labels.insert(FEDERATION_LABEL.to_owned(), federation.to_owned());
    metadata.insert("labels".into(), json!(labels));
    let annotations = object.annotations.iter().filter(|(key, _)| !is_of_federation(key));
    let annotations: Map<String, Value> =
        annotations.map(|(key, value)| (key.clone(), value.clone().into())).collect();
    if !annotations.is_empty() {
        metadata.insert("annotations".into(), Value::Object(annotations));
    }
    body["metadata"] = Value::Object(metadata);
    body
}

fn is_of_federation(annotation: &str) -> bool {
    planner::annotations::is_ours(annotation) || FEDERATION_ANNOTATIONS.contains(&annotation)
}

/// An API server takes null for a field that is to be removed.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn drop_field(value: &mut Value, field: &str) {
    if let Some(fields) = value.as_object_mut() {
        fields.remove(field);
    }
}

fn without_allocated(body: &mut Value, object: &Federated) {
    let is_headless = body["spec"]["clusterIP"] == "None";
    let is_name = body["spec"]["type"] == "ExternalName";
    let Some(spec) = body.get_mut("spec").and_then(Value::as_object_mut) else { return };
    for field in ALLOCATED {
        let keeps_address = is_headless && matches!(field, "clusterIP" | "clusterIPs");
        // An address of the federation's own range means nothing in a member.
        let is_address = matches!(field, "clusterIP" | "clusterIPs");
        let is_chosen = object.chosen.contains(field) && !is_address;
        if !(keeps_address || is_chosen) || is_name && is_address {
            spec.remove(field);
        }
    }
    let ports = spec.get_mut("ports").and_then(Value::as_array_mut);
    for port in ports.into_iter().flatten() {
        if !object.chosen.contains(&port_id(port)) {
            drop_field(port, "nodePort");
        }
    }
}

fn has_manual_selector(body: &Value) -> bool {
    body["spec"]["manualSelector"] == true
}

/// The selector of a Job, and the labels for it, hold the UID of the object in the federation.
fn without_generated(body: &mut Value) {
    if has_manual_selector(body) {
        return;
    }
    let Some(spec) = body.get_mut("spec") else { return };
    drop_field(spec, "selector");
    if let Some(labels) =
        spec.pointer_mut("/template/metadata/labels").and_then(Value::as_object_mut)
    {
        labels.retain(|label, _| !GENERATED_JOB_LABELS.contains(&label.as_str()));
    }
}
