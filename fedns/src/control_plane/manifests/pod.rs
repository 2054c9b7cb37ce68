//! What all pods of a control plane have in common: no rights that they do not need.

use serde_json::{Value, json};

use super::{Known, labels};
use crate::control_plane::fingerprint::FINGERPRINT_ANNOTATION;
use crate::control_plane::settings::Settings;

/// Not root; the same number as in the images.
const USER: u32 = 65532;

/// One container, and what its pod has.
pub struct Part<'a> {
    pub module: &'static str,
    /// With what the program reads at its start.
    pub secret: &'static str,
    /// Of the container, too.
    pub name: &'static str,
    pub image: &'a str,
    pub command: Vec<&'static str>,
    pub arguments: Vec<String>,
    pub environment: Value,
    pub ports: Value,
    /// `httpGet` of each probe.
    pub startup: Option<Value>,
    pub liveness: Value,
    pub readiness: Value,
    /// A part that fails three of these in a row gets no more traffic.
    pub readiness_seconds: u32,
    pub requests: Value,
    pub volumes: Vec<Volume>,
    pub capabilities: Value,
    /// Whether it talks to the host cluster.
    pub service_account: Option<&'static str>,
    pub grace_seconds: u32,
}

/// A volume, and where it is mounted.
pub struct Volume {
    pub name: &'static str,
    pub path: &'static str,
    pub source: Value,
    pub is_read_only: bool,
}

// === impl Part ===

impl Part<'_> {
    pub fn template(&self, settings: &Settings, known: &Known) -> Value {
        let mut spec = json!({
            "automountServiceAccountToken": self.service_account.is_some(),
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "terminationGracePeriodSeconds": self.grace_seconds,
            "containers": [self.container(settings)],
            "volumes": self.volumes.iter().map(Volume::value).collect::<Vec<_>>(),
        });
        if let Some(account) = self.service_account {
            spec["serviceAccountName"] = json!(account);
        }
        if !settings.node_selector.is_empty() {
            spec["nodeSelector"] = json!(settings.node_selector);
        }
        if !settings.pull_secrets.is_empty() {
            let secrets = settings.pull_secrets.iter().map(|name| json!({"name": name}));
            spec["imagePullSecrets"] = secrets.collect();
        }
        let mut metadata = json!({"labels": labels(self.module)});
        if let Some(fingerprint) = known.fingerprints.get(self.secret) {
            metadata["annotations"] = json!({FINGERPRINT_ANNOTATION: fingerprint});
        }
        json!({"metadata": metadata, "spec": spec})
    }

    fn container(&self, settings: &Settings) -> Value {
        let mut container = json!({
            "name": self.name,
            "image": self.image,
            "imagePullPolicy": settings.pull_policy.word(),
            "args": self.arguments,
            "ports": self.ports,
            "livenessProbe": probe(&self.liveness, 10, 3),
            "readinessProbe": probe(&self.readiness, self.readiness_seconds, 3),
            "resources": {"requests": self.requests},
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": self.capabilities,
            },
            "volumeMounts": self.volumes.iter().map(Volume::mount).collect::<Vec<_>>(),
        });
        if !self.command.is_empty() {
            container["command"] = json!(self.command);
        }
        if self.environment.as_array().is_some_and(|it| !it.is_empty()) {
            container["env"] = self.environment.clone();
        }
        if let Some(startup) = &self.startup {
            container["startupProbe"] = probe(startup, 2, 60);
        }
        container
    }
}

pub fn no_capabilities() -> Value {
    json!({"drop": ["ALL"]})
}

fn probe(http_get: &Value, period_seconds: u32, failures: u32) -> Value {
    json!({
        "httpGet": http_get,
        "periodSeconds": period_seconds,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    })
}

// === impl Volume ===

impl Volume {
    pub fn secret(name: &'static str, path: &'static str, secret: &str) -> Self {
        let source = json!({"secret": {"secretName": secret, "defaultMode": 0o440}});
        Self { name, path, source, is_read_only: true }
    }

    fn value(&self) -> Value {
        let mut volume = self.source.clone();
        volume["name"] = json!(self.name);
        volume
    }

    fn mount(&self) -> Value {
        json!({"name": self.name, "mountPath": self.path, "readOnly": self.is_read_only})
    }
}
