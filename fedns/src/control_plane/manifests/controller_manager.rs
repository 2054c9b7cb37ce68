//! A stock kube-controller-manager with only the controllers that an API without nodes needs: none that
//! makes pods or endpoints, and none that collects garbage, which fedns answers for.

use serde_json::{Value, json};

use super::pod::{Part, Volume, no_capabilities};
use super::{Known, disruption_budget, labels, object, secrets};
use crate::control_plane::settings::Settings;

const MODULE: &str = "federation-controller-manager";
pub const CREDENTIALS: &str = "/etc/federation/controller-manager";
const CONTROLLERS: [&str; 8] = [
    "namespace-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "legacy-serviceaccount-token-cleaner-controller",
    "token-cleaner-controller",
    "root-ca-certificate-publisher-controller",
    "clusterrole-aggregation-controller",
    "validatingadmissionpolicy-status-controller",
];

pub fn objects(settings: &Settings, known: &Known) -> Vec<Value> {
    let name = "controller-manager";
    let mut deployment = object(settings, "apps/v1", "Deployment", name, MODULE);
    deployment["spec"] = json!({
        "replicas": 1,
        "selector": {"matchLabels": labels(MODULE)},
        "template": part(settings).template(settings, known),
    });
    vec![deployment, disruption_budget(settings, name, MODULE)]
}

fn part(settings: &Settings) -> Part<'_> {
    let get = json!({"path": "/healthz", "port": "https", "scheme": "HTTPS"});
    Part {
        module: MODULE,
        secret: secrets::CONTROLLER_MANAGER,
        name: "controller-manager",
        image: &settings.images.controller_manager,
        command: vec!["kube-controller-manager"],
        arguments: arguments(settings),
        environment: json!([]),
        ports: json!([{"name": "https", "containerPort": 10257, "protocol": "TCP"}]),
        startup: Some(get.clone()),
        liveness: get.clone(),
        readiness: get,
        readiness_seconds: 2,
        requests: json!({"cpu": "50m", "memory": "64Mi"}),
        volumes: vec![Volume::secret("credentials", CREDENTIALS, secrets::CONTROLLER_MANAGER)],
        capabilities: no_capabilities(),
        service_account: None,
        grace_seconds: 30,
    }
}

fn arguments(settings: &Settings) -> Vec<String> {
    let file = |name: &str| format!("{CREDENTIALS}/{name}");
    let flags = [
        ("kubeconfig", file("kubeconfig")),
        ("controllers", CONTROLLERS.join(",")),
        // Each controller has the rights of its own account, and no more.
        ("use-service-account-credentials", "true".to_owned()),
        ("service-account-private-key-file", file("service-accounts.key")),
        ("root-ca-file", file("ca.crt")),
        ("profiling", "false".to_owned()),
    ];
    super::arguments(&flags, &settings.controller_manager_flags)
}
