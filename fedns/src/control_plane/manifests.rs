//! From settings and certificates to Kubernetes objects; pure.
//!
//! - [`services`]: how the parts are reached
//! - [`secrets`]: what each part may know
//! - [`etcd`], [`api_server`], [`controller_manager`], [`fedns`]: the parts
//! - [`federation`]: what stands in the federation's own API
//! - `pod`: what all pods have in common

mod pod;
pub mod services;
pub mod secrets;
mod etcd;
mod api_server;
mod controller_manager;
mod fedns;
pub mod federation;

use std::collections::BTreeMap;

use clusters::federation::names::{
    CONTEXT_ANNOTATION, FEDERATION_NAME_ANNOTATION, ZONE_NAME_ANNOTATION,
};
use serde_json::{Map, Value, json};

use super::settings::{Etcd, Settings, Storage};

/// Everything that was made for a control plane carries it.
pub const APP_LABEL: (&str, &str) = ("app", "federated-cluster");
/// Which part an object belongs to.
pub const MODULE_LABEL: &str = "module";
pub use fedns::MODULE as FEDNS_MODULE;
/// No pod of the namespace may have more rights than ours.
pub const POD_SECURITY_LABEL: &str = "pod-security.kubernetes.io/enforce";

pub const API_SERVICE: &str = "apiserver";
pub const ETCD_SERVICE: &str = "etcd";
pub const ETCD_CLAIM: &str = "apiserver-etcd-claim";

/// What is known only in the host cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Cluster addresses of Services, by name.
    pub cluster_addresses: BTreeMap<String, String>,
    /// Of each Secret that pods read at their start, by name.
    pub fingerprints: BTreeMap<String, String>,
}

// === impl Known ===

impl Known {
    /// Where a Service is found in the cluster, in the form that URLs have.
    fn host(&self, settings: &Settings, service: &str) -> String {
        match self.cluster_addresses.get(service) {
            Some(address) if address.contains(':') => format!("[{address}]"),
            Some(address) => address.clone(),
            None => format!("{service}.{}.svc", settings.namespace),
        }
    }

    /// The federation's API, from inside.
    pub fn api_url(&self, settings: &Settings) -> String {
        format!("https://{}", self.host(settings, API_SERVICE))
    }
}

pub fn namespace(settings: &Settings) -> Value {
    let mut namespace =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": settings.namespace}});
    namespace["metadata"]["annotations"] = json!({
        FEDERATION_NAME_ANNOTATION: settings.federation,
        CONTEXT_ANNOTATION: settings.name,
        ZONE_NAME_ANNOTATION: settings.zone,
    });
    namespace["metadata"]["labels"] = json!({
        APP_LABEL.0: APP_LABEL.1,
        POD_SECURITY_LABEL: "restricted",
    });
    namespace
}

/// The volume of etcd, if it has one.
pub fn claim(settings: &Settings) -> Option<Value> {
    let Etcd::Own(Storage::Volume { capacity, class }) = &settings.etcd else { return None };
    let mut spec = json!({
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": capacity}},
    });
    if let Some(class) = class {
        spec["storageClassName"] = json!(class);
    }
    let mut claim = object(settings, "v1", "PersistentVolumeClaim", ETCD_CLAIM, "federation-etcd");
    claim["spec"] = spec;
    Some(claim)
}

/// Empty; its data are the caller's.
pub fn config_map(settings: &Settings, name: &str) -> Value {
    object(settings, "v1", "ConfigMap", name, fedns::MODULE)
}

/// Everything that runs, and what it may do.
pub fn deployments(settings: &Settings, known: &Known) -> Vec<Value> {
    let mut objects = etcd::objects(settings, known);
    objects.extend(api_server::objects(settings, known));
    objects.extend(controller_manager::objects(settings, known));
    objects.extend(fedns::objects(settings, known));
    objects
}

/// An object of the control plane's namespace.
fn object(settings: &Settings, version: &str, kind: &str, name: &str, module: &str) -> Value {
    json!({
        "apiVersion": version,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": settings.namespace,
            "labels": labels(module),
            "annotations": {FEDERATION_NAME_ANNOTATION: settings.federation},
        },
    })
}

fn labels(module: &str) -> Value {
    json!({APP_LABEL.0: APP_LABEL.1, MODULE_LABEL: module})
}

/// Drains of nodes take one pod of a part at a time.
fn disruption_budget(settings: &Settings, name: &str, module: &str) -> Value {
    let mut budget = object(settings, "policy/v1", "PodDisruptionBudget", name, module);
    budget["spec"] = json!({"maxUnavailable": 1, "selector": {"matchLabels": labels(module)}});
    budget
}

/// Flags as arguments; those that a user gave come in place of ours.
fn arguments(ours: &[(&str, String)], users: &BTreeMap<String, String>) -> Vec<String> {
    let mut flags: BTreeMap<&str, &str> =
        ours.iter().map(|(flag, value)| (*flag, value.as_str())).collect();
    flags.extend(users.iter().map(|(flag, value)| (flag.as_str(), value.as_str())));
    flags.iter().map(|(flag, value)| format!("--{flag}={value}")).collect()
}

/// Base64, as `data` of a Secret has it.
fn secret_data<'a>(entries: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Value {
    let entries = entries
        .into_iter()
        .map(|(key, bytes)| (key.to_owned(), json!(k8s_openapi::ByteString(bytes.to_vec()))));
    Value::Object(entries.collect::<Map<_, _>>())
}
