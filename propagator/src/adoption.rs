//! From copies without an object in the federation to the object that they would be copies of. Pure.
//!
//! A member keeps the list of the fields that we applied. What stands in these fields is what the object
//! said, so that an object made of them changes no copy. What differs from member to member becomes
//! overrides, and replicas their sum; where only some members have a copy, the object goes to these.

use std::collections::{BTreeMap, BTreeSet};

use clusters::federation::names::{CLUSTER_LABEL, FEDERATION_LABEL};
use kube::core::{ApiResource, DynamicObject, TypeMeta};
use model::ClusterName;
use planner::annotations::{CLUSTER_SELECTOR, OVERRIDES};
use serde_json::{Map, Value, json};

use crate::desired::{desired, without_generated};
use crate::kinds::{BESIDE, Kinds, Role};
use crate::object::{Federated, is_our_apply, key_of};

/// What a federation would be given.
#[derive(Clone, Debug, PartialEq)]
pub struct Adopted {
    pub object: Value,
    /// Members whose copies differ from the first one's.
    pub overridden: BTreeSet<ClusterName>,
    /// Not all members have a copy: the object selects those that do.
    pub is_selective: bool,
}

/// `None` without a copy. `members` are all of the federation.
pub fn adopt(
    resource: &ApiResource,
    copies: &BTreeMap<ClusterName, DynamicObject>,
    members: &BTreeSet<ClusterName>,
    federation: &str,
) -> Option<Adopted> {
    let role = role(resource);
    let mut bodies =
        copies.iter().map(|(name, copy)| (name, body(resource, role, copy, federation)));
    let (_, mut object) = bodies.next()?;
    let mut overrides = BTreeMap::new();
    for (name, other) in bodies {
        let mut operations = Vec::new();
        differences(&object, &other, "", &mut operations);
        if !operations.is_empty() {
            overrides.insert(name.clone(), operations);
        }
    }
    for field in divided(role) {
        if let Some(sum) = sum(copies, field) {
            object["spec"][*field] = sum.into();
        }
    }
    if let Some(labels) = object.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(FEDERATION_LABEL);
    }
    // A namespace that is there is shared, and what is in it goes where it goes.
    let is_selective =
        role != Role::Namespace && members.iter().any(|name| !copies.contains_key(name));
    let mut annotations = Map::new();
    if !overrides.is_empty() {
        annotations.insert(OVERRIDES.to_owned(), json!(texts(&overrides)).to_string().into());
    }
    if is_selective {
        let values: Vec<&str> = copies.keys().map(ClusterName::as_str).collect();
        let selector = json!([{"key": CLUSTER_LABEL, "operator": "In", "values": values}]);
        annotations.insert(CLUSTER_SELECTOR.to_owned(), selector.to_string().into());
    }
    for (key, value) in annotations {
        object["metadata"]["annotations"][key] = value;
    }
    Some(Adopted { object, overridden: overrides.into_keys().collect(), is_selective })
}

fn texts(overrides: &BTreeMap<ClusterName, Vec<Value>>) -> BTreeMap<&str, &Vec<Value>> {
    overrides.iter().map(|(name, operations)| (name.as_str(), operations)).collect()
}

fn role(resource: &ApiResource) -> Role {
    let kinds = Kinds::default();
    let id = kinds.named(&resource.api_version, &resource.kind);
    id.map_or(Role::Plain, |id| kinds.get(id).role)
}

/// Fields of the spec of which each member has a part.
fn divided(role: Role) -> &'static [&'static str] {
    match role {
        Role::Deployment | Role::ReplicaSet => &["replicas"],
        Role::Job => &["parallelism", "completions"],
        Role::HorizontalPodAutoscaler => &["minReplicas", "maxReplicas"],
        _ => &[],
    }
}

fn sum(copies: &BTreeMap<ClusterName, DynamicObject>, field: &str) -> Option<u64> {
    copies.values().filter_map(|copy| copy.data["spec"][field].as_u64()).reduce(u64::saturating_add)
}

/// What we applied to a copy, without its part of what is divided; without a list of that, all that
/// somebody may have meant.
fn body(resource: &ApiResource, role: Role, copy: &DynamicObject, federation: &str) -> Value {
    let managed = copy.metadata.managed_fields.iter().flatten();
    let applied = managed.clone().find(|entry| is_our_apply(entry));
    let mut body = match applied.and_then(|entry| entry.fields_v1.as_ref()) {
        Some(fields) => kept(&json!(copy), &fields.0),
        None => {
            let key = key_of(BESIDE, copy);
            let types =
                TypeMeta { api_version: resource.api_version.clone(), kind: resource.kind.clone() };
            let copy = DynamicObject { types: Some(types), ..copy.clone() };
            desired(&key, role, &Federated::new(copy), federation)
        }
    };
    body["apiVersion"] = resource.api_version.clone().into();
    body["kind"] = resource.kind.clone().into();
    body["metadata"]["name"] = json!(copy.metadata.name);
    if let Some(namespace) = &copy.metadata.namespace {
        body["metadata"]["namespace"] = namespace.clone().into();
    }
    body["metadata"]["labels"][FEDERATION_LABEL] = federation.into();
    if role == Role::Job {
        // A list of fields does not tell labels that the member added to none of ours.
        without_generated(&mut body);
    }
    if let Some(spec) = body.get_mut("spec").and_then(Value::as_object_mut) {
        spec.retain(|field, _| !divided(role).contains(&field.as_str()));
    }
    body
}

/// Of a value what `fields`, in the form of `managedFields`, names.
fn kept(value: &Value, fields: &Value) -> Value {
    let Some(fields) = fields.as_object().filter(|fields| !fields.is_empty()) else {
        return value.clone();
    };
    match value {
        Value::Object(map) => {
            let named = fields.iter().filter_map(|(step, below)| {
                let name = step.strip_prefix("f:")?;
                Some((name.to_owned(), kept(map.get(name)?, below)))
            });
            Value::Object(named.collect())
        }
        Value::Array(items) => {
            let step_of = |item: &Value| fields.iter().find(|(step, _)| names(step, item));
            let kept = items.iter().filter_map(|item| Some(kept(item, step_of(item)?.1)));
            Value::Array(kept.collect())
        }
        value => value.clone(),
    }
}

/// Whether a step of `managedFields` names the item of a list.
fn names(step: &str, item: &Value) -> bool {
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    match step.split_once(':') {
        Some(("k", keys)) => value(keys)
            .as_object()
            .is_some_and(|keys| keys.iter().all(|(key, it)| item[key] == *it)),
        Some(("v", text)) => value(text) == *item,
        _ => false,
    }
}

/// JSON Patch (RFC 6902) from one value to another; lists are exchanged as a whole.
fn differences(from: &Value, to: &Value, path: &str, operations: &mut Vec<Value>) {
    let (Value::Object(before), Value::Object(after)) = (from, to) else {
        if from != to {
            operations.push(json!({"op": "replace", "path": path, "value": to}));
        }
        return;
    };
    let below = |field: &str| format!("{path}/{}", field.replace('~', "~0").replace('/', "~1"));
    for (field, value) in after {
        match before.get(field) {
            Some(known) => differences(known, value, &below(field), operations),
            None => {
                operations.push(json!({"op": "add", "path": below(field), "value": value}));
            }
        }
    }
    for field in before.keys().filter(|field| !after.contains_key(*field)) {
        operations.push(json!({"op": "remove", "path": below(field)}));
    }
}

#[cfg(test)]
mod tests {
    use kube::core::GroupVersionKind;
    use planner::overrides::Overrides;

    use super::*;
    use crate::compare::difference;
    use crate::key::Key;
    use crate::object::Copy;

    fn resource(group: &str, kind: &str, plural: &str) -> ApiResource {
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1", kind), plural)
    }

    fn members(names: &[&str]) -> BTreeSet<ClusterName> {
        names.iter().map(|name| ClusterName::new(name)).collect()
    }

    fn copies(of: &[(&str, Value)]) -> BTreeMap<ClusterName, DynamicObject> {
        of.iter()
            .map(|(name, value)| {
                (ClusterName::new(name), serde_json::from_value(value.clone()).unwrap())
            })
            .collect()
    }

    /// As a member has it: with defaults, and the list of what we applied.
    fn deployment(replicas: u32, image: &str) -> Value {
        json!({"metadata": {"name": "web", "namespace": "shop", "uid": "u", "generation": 2,
            "labels": {"app": "web", "fedns.io/federation": "fed", "theirs": "x"},
            "annotations": {"deployment.kubernetes.io/revision": "3"},
            "managedFields": [{"manager": "fedns-propagation", "operation": "Apply", "apiVersion": "apps/v1",
                "fieldsType": "FieldsV1", "fieldsV1": {
                    "f:metadata": {"f:labels": {"f:app": {}, "f:fedns.io/federation": {}}},
                    "f:spec": {"f:replicas": {}, "f:selector": {}, "f:template": {"f:spec": {
                        "f:containers": {"k:{\"name\":\"web\"}": {".": {}, "f:name": {},
                            "f:image": {}, "f:args": {}}}}}}}}]},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
                "revisionHistoryLimit": 10, "template": {"spec": {"containers": [
                    {"name": "injected", "image": "proxy"},
                    {"name": "web", "image": image, "args": ["a", "b"], "imagePullPolicy": "Always"}]}}},
            "status": {"replicas": replicas}})
    }

    #[test]
    fn an_object_is_what_was_applied_and_the_sum_of_replicas() {
        let resource = resource("apps", "Deployment", "deployments");
        let copies = copies(&[("beijing", deployment(2, "a")), ("hangzhou", deployment(1, "a"))]);
        let adopted = adopt(&resource, &copies, &members(&["beijing", "hangzhou"]), "fed").unwrap();
        let expect = json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
            "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}},
                "template": {"spec": {"containers": [
                    {"name": "web", "image": "a", "args": ["a", "b"]}]}}}});
        assert_eq!(adopted.object, expect);
        assert!(adopted.overridden.is_empty() && !adopted.is_selective);
    }

    #[test]
    fn what_differs_becomes_overrides_that_change_no_copy() {
        let resource = resource("apps", "Deployment", "deployments");
        let mut other = deployment(1, "b");
        other["metadata"]["labels"]["app"] = "other/web".into();
        let copies = copies(&[("beijing", deployment(2, "a")), ("hangzhou", other)]);
        let adopted = adopt(&resource, &copies, &members(&["beijing", "hangzhou"]), "fed").unwrap();
        assert_eq!(adopted.overridden, members(&["hangzhou"]));
        let text = adopted.object["metadata"]["annotations"][OVERRIDES].as_str().unwrap();
        let overrides = Overrides::parse(text).unwrap();
        let federated: DynamicObject = serde_json::from_value(adopted.object.clone()).unwrap();
        let key = Key { kind: BESIDE, namespace: "shop".into(), name: "web".into() };
        for (name, copy) in copies {
            let mut body =
                desired(&key, Role::Deployment, &Federated::new(federated.clone()), "fed");
            body["spec"]["replicas"] = copy.data["spec"]["replicas"].clone();
            overrides.apply(&name, &mut body).unwrap();
            let types = TypeMeta { api_version: "apps/v1".into(), kind: "Deployment".into() };
            let copy = Copy::new(DynamicObject { types: Some(types), ..copy }, "fed");
            assert_eq!(difference(&body, &copy.body, &copy.applied), None, "{name}");
        }
    }

    #[test]
    fn an_object_goes_only_where_it_is() {
        let map = json!({"metadata": {"name": "web", "namespace": "shop",
            "labels": {"fedns.io/federation": "fed"}}, "data": {"a": "1"}});
        let copies = copies(&[("beijing", map)]);
        let resource = resource("", "ConfigMap", "configmaps");
        let adopted = adopt(&resource, &copies, &members(&["beijing", "hangzhou"]), "fed").unwrap();
        assert!(adopted.is_selective);
        let annotations = &adopted.object["metadata"]["annotations"];
        assert_eq!(
            annotations[CLUSTER_SELECTOR],
            r#"[{"key":"fedns.io/cluster","operator":"In","values":["beijing"]}]"#
        );
        assert_eq!(
            adopted.object["data"],
            json!({"a": "1"}),
            "without a list of fields, all of it"
        );
        assert_eq!(adopt(&resource, &BTreeMap::new(), &members(&[]), "fed"), None);
    }

    #[test]
    fn a_job_is_adopted_without_what_its_member_generated() {
        let generated = json!({"batch.kubernetes.io/controller-uid": "u", "job-name": "web"});
        let job = json!({"metadata": {"name": "web", "namespace": "shop",
            "labels": {"fedns.io/federation": "fed"},
            "managedFields": [{"manager": "fedns-propagation", "operation": "Apply",
                "apiVersion": "batch/v1", "fieldsType": "FieldsV1", "fieldsV1": {
                    "f:metadata": {"f:labels": {"f:fedns.io/federation": {}}},
                    "f:spec": {"f:template": {"f:metadata": {"f:labels": {}},
                        "f:spec": {"f:restartPolicy": {}}}}}}]},
            "spec": {"selector": {"matchLabels": generated},
                "template": {"metadata": {"labels": generated}, "spec": {"restartPolicy": "Never"}}}});
        let copies = copies(&[("beijing", job)]);
        let resource = resource("batch", "Job", "jobs");
        let adopted = adopt(&resource, &copies, &members(&["beijing"]), "fed").unwrap();
        let template = json!({"metadata": {"labels": {}}, "spec": {"restartPolicy": "Never"}});
        assert_eq!(adopted.object["spec"], json!({"template": template}));
    }

    #[test]
    fn differences_are_a_patch() {
        let (from, to) = (
            json!({"a": {"b/c": 1, "gone": [1]}, "list": [1]}),
            json!({"a": {"b/c": 2, "new": {"x": 1}}, "list": [2]}),
        );
        let mut operations = Vec::new();
        differences(&from, &to, "", &mut operations);
        let expect = [
            json!({"op": "replace", "path": "/a/b~1c", "value": 2}),
            json!({"op": "add", "path": "/a/new", "value": {"x": 1}}),
            json!({"op": "remove", "path": "/a/gone"}),
            json!({"op": "replace", "path": "/list", "value": [2]}),
        ];
        assert_eq!(operations, expect);
    }
}
