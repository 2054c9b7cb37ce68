//! The federation's own API: a stock kube-apiserver.
//!
//! One whose etcd was exchanged for an empty one goes on with what it remembers: it takes new objects and
//! tells nobody of them. Its own health checks see an etcd that answers. So the kubelet asks for something
//! that each API server makes at its start, that nobody can delete, and that is read from etcd: a namespace.
//! Where that is gone, the kubelet starts the API server anew.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::pod::{Part, Volume};
use super::{ETCD_SERVICE, Known, disruption_budget, labels, object, secrets};
use crate::control_plane::settings::{Etcd, Settings};

pub const MODULE: &str = "federation-apiserver";
const CREDENTIALS: &str = "/etc/federation/apiserver";
const PORT: u16 = 6443;
/// Addresses of federated Services; nothing is reached by them.
const SERVICE_RANGE: &str = "10.96.0.0/12";
/// Stands in the storage of every API server.
const STORED: &str = "/api/v1/namespaces/kube-system";
pub const POLICY_FILE: &str = "policy.jsonl";
/// Flags with which a user decides who may read that.
const ABOUT_RIGHTS: [&str; 4] =
    ["anonymous-auth", "authentication-config", "authorization-config", "authorization-mode"];

pub fn objects(settings: &Settings, known: &Known) -> Vec<Value> {
    let mut deployment = object(settings, "apps/v1", "Deployment", "apiserver", MODULE);
    deployment["spec"] = json!({
        "replicas": 1,
        "selector": {"matchLabels": labels(MODULE)},
        "template": part(settings, known).template(settings, known),
    });
    vec![deployment, disruption_budget(settings, "apiserver", MODULE)]
}

fn part<'a>(settings: &'a Settings, known: &Known) -> Part<'a> {
    let get = |path: &str| json!({"path": path, "port": "https", "scheme": "HTTPS"});
    let alive = if is_storage_probed(&settings.api_server_flags) { STORED } else { "/livez" };
    Part {
        module: MODULE,
        secret: secrets::API_SERVER,
        name: "apiserver",
        image: &settings.images.api_server,
        command: vec!["kube-apiserver"],
        arguments: arguments(settings, known),
        environment: json!([
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        ]),
        ports: json!([{"name": "https", "containerPort": PORT, "protocol": "TCP"}]),
        startup: Some(get(alive)),
        liveness: get(alive),
        readiness: get("/readyz"),
        readiness_seconds: 2,
        requests: json!({"cpu": "100m", "memory": "256Mi"}),
        volumes: vec![Volume::secret("credentials", CREDENTIALS, secrets::API_SERVER)],
        // The stock program asks for this capability in its file, and does not start where nobody may
        // have it.
        capabilities: json!({"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}),
        service_account: None,
        grace_seconds: 60,
    }
}

/// The kubelet shows no credentials, so what it asks for must be open to everybody.
fn is_storage_probed(flags: &BTreeMap<String, String>) -> bool {
    !ABOUT_RIGHTS.iter().any(|flag| flags.contains_key(*flag))
}

/// What everybody may read, besides health and version: one namespace, which says nothing of the federation.
/// It stands in a file, as no right that is kept in etcd would outlive it.
pub fn policy() -> String {
    let policy = json!({
        "apiVersion": "abac.authorization.kubernetes.io/v1beta1",
        "kind": "Policy",
        "spec": {
            "user": "system:anonymous",
            "apiGroup": "",
            "resource": "namespaces",
            "namespace": "kube-system",
            "readonly": true,
        },
    });
    format!("{policy}\n")
}

fn arguments(settings: &Settings, known: &Known) -> Vec<String> {
    let file = |name: &str| format!("{CREDENTIALS}/{name}");
    let mut flags = vec![
        ("secure-port", PORT.to_string()),
        ("advertise-address", "$(POD_IP)".to_owned()),
        ("endpoint-reconciler-type", "none".to_owned()),
        ("authorization-mode", "RBAC,ABAC".to_owned()),
        ("authorization-policy-file", file(POLICY_FILE)),
        // Templates of pods that ask for privileges are the members' business.
        ("allow-privileged", "true".to_owned()),
        ("profiling", "false".to_owned()),
        ("client-ca-file", file("ca.crt")),
        ("tls-cert-file", file("server.crt")),
        ("tls-private-key-file", file("server.key")),
        ("service-account-issuer", "https://kubernetes.default.svc".to_owned()),
        ("service-account-key-file", file("service-accounts.pub")),
        ("service-account-signing-key-file", file("service-accounts.key")),
        ("service-cluster-ip-range", SERVICE_RANGE.to_owned()),
    ];
    let (servers, has_certificate, has_authority) = match &settings.etcd {
        Etcd::Own(_) => {
            (format!("https://{}:2379", known.host(settings, ETCD_SERVICE)), true, true)
        }
        Etcd::External { servers, has_client_certificate, has_authority } => {
            (servers.join(","), *has_client_certificate, *has_authority)
        }
    };
    flags.push(("etcd-servers", servers));
    if has_authority {
        flags.push(("etcd-cafile", file("etcd-ca.crt")));
    }
    if has_certificate {
        flags.push(("etcd-certfile", file("etcd-client.crt")));
        flags.push(("etcd-keyfile", file("etcd-client.key")));
    }
    if settings.has_token_auth {
        flags.push(("token-auth-file", file("token.csv")));
    }
    super::arguments(&flags, &settings.api_server_flags)
}
