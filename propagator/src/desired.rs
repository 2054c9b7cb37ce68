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
pub fn without_generated(body: &mut Value) {
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

#[cfg(test)]
mod tests {
    use kube::core::DynamicObject;

    use super::*;
    use crate::kinds::Kinds;

    #[track_caller]
    fn check(role: Role, object: Value, expect: Value) {
        let kinds = Kinds::default();
        let key = Key {
            kind: kinds.of_role(role).unwrap(),
            namespace: object["metadata"]["namespace"].as_str().unwrap_or_default().into(),
            name: "web".into(),
        };
        let object: DynamicObject = serde_json::from_value(object).unwrap();
        assert_eq!(desired(&key, role, &Federated::new(object), "fed"), expect);
    }

    #[test]
    fn what_is_the_federations_own_stays_there() {
        check(
            Role::Plain,
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
                "name": "web", "namespace": "shop", "uid": "u", "resourceVersion": "1",
                "finalizers": ["fedns.io/propagated"], "ownerReferences": [],
                "labels": {"app": "web"},
                "annotations": {"team": "shop", "fedns.io/adopt": "true",
                    "federation.kubernetes.io/service-ingresses": "{}",
                    "kubectl.kubernetes.io/last-applied-configuration": "{}",
                    "deployment.kubernetes.io/revision": "1"}},
                "data": {"a": "b"}, "status": {"x": 1}}),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
                "name": "web", "namespace": "shop",
                "labels": {"app": "web", "fedns.io/federation": "fed"},
                "annotations": {"team": "shop"}},
                "data": {"a": "b"}}),
        );
    }

    #[test]
    fn a_namespace_goes_without_its_finalizers() {
        check(
            Role::Namespace,
            json!({"metadata": {"name": "web", "labels": {"kubernetes.io/metadata.name": "web"}},
                "spec": {"finalizers": ["kubernetes"]}}),
            json!({"metadata": {"name": "web", "labels": {"fedns.io/federation": "fed"}}}),
        );
    }

    #[test]
    fn what_the_api_allocated_is_left_to_each_member() {
        let managed = json!([{"manager": "kubectl", "operation": "Update", "apiVersion": "v1",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:ipFamilyPolicy": {}, "f:ports": {
                "k:{\"port\":81,\"protocol\":\"TCP\"}": {"f:nodePort": {}}}}}}]);
        let metadata = json!({"name": "web", "namespace": "shop", "managedFields": managed});
        let labels = json!({"fedns.io/federation": "fed"});
        check(
            Role::Service,
            json!({"metadata": metadata, "spec": {"type": "LoadBalancer",
                "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ipFamilies": ["IPv4"],
                "ipFamilyPolicy": "PreferDualStack", "ports": [
                    {"port": 80, "protocol": "TCP", "nodePort": 30080},
                    {"port": 81, "protocol": "TCP", "nodePort": 30081}]}}),
            json!({"metadata": {"name": "web", "namespace": "shop", "labels": labels},
                "spec": {"type": "LoadBalancer", "ipFamilyPolicy": "PreferDualStack", "ports": [
                    {"port": 80, "protocol": "TCP"},
                    {"port": 81, "protocol": "TCP", "nodePort": 30081}]}}),
        );
        check(
            Role::Service,
            json!({"metadata": {"name": "web", "namespace": "shop"},
                "spec": {"clusterIP": "None", "clusterIPs": ["None"]}}),
            json!({"metadata": {"name": "web", "namespace": "shop", "labels": labels},
                "spec": {"clusterIP": "None", "clusterIPs": ["None"]}}),
        );
    }

    #[test]
    fn a_job_goes_without_its_generated_selector() {
        let generated = json!({"batch.kubernetes.io/controller-uid": "u", "app": "web"});
        let labels = json!({"fedns.io/federation": "fed"});
        check(
            Role::Job,
            json!({"metadata": {"name": "web", "namespace": "shop"}, "spec": {
                "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "u"}},
                "template": {"metadata": {"labels": generated}}}}),
            json!({"metadata": {"name": "web", "namespace": "shop", "labels": labels},
                "spec": {"template": {"metadata": {"labels": {"app": "web"}}}}}),
        );
        let by_hand = json!({"manualSelector": true, "selector": {"matchLabels": {"a": "b"}}});
        check(
            Role::Job,
            json!({"metadata": {"name": "web", "namespace": "shop"}, "spec": by_hand}),
            json!({"metadata": {"name": "web", "namespace": "shop", "labels": labels},
                "spec": by_hand}),
        );
    }
}
