//! fedns itself: all replicas answer DNS, and the one that holds the Lease writes.

use serde_json::{Value, json};

use super::pod::{Part, Volume, no_capabilities};
use super::{Known, disruption_budget, labels, object, secrets};
use crate::control_plane::server_config::{
    ADMIN_PORT, CONFIG_FILE, CONFIG_FOLDER, CONFIG_MAP, DNS_PORT, FEDERATION_FOLDER, HOST_FOLDER,
    LEASE, PROVIDER_FILE, PROVIDER_FOLDER, STATE_FOLDER,
};
use crate::control_plane::settings::Settings;

pub const MODULE: &str = "fedns";
const ACCOUNT: &str = "fedns";

pub fn objects(settings: &Settings, known: &Known) -> Vec<Value> {
    let mut deployment = object(settings, "apps/v1", "Deployment", "fedns", MODULE);
    deployment["spec"] = json!({
        "replicas": settings.replicas,
        "selector": {"matchLabels": labels(MODULE)},
        "template": part(settings).template(settings, known),
    });
    let mut objects = Vec::new();
    if !settings.has_host_kubeconfig {
        objects.extend(account(settings));
    }
    objects.push(deployment);
    objects.push(disruption_budget(settings, "fedns", MODULE));
    objects
}

fn part(settings: &Settings) -> Part<'_> {
    let get = |path: &str| json!({"path": path, "port": "admin", "scheme": "HTTP"});
    let of_pod = |name: &str, path: &str| json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}});
    // With them the pod of the one that writes is labelled.
    let mut environment =
        vec![of_pod("POD_NAME", "metadata.name"), of_pod("POD_NAMESPACE", "metadata.namespace")];
    if settings.has_aws_file {
        let value = format!("{PROVIDER_FOLDER}/{PROVIDER_FILE}");
        environment.push(json!({"name": "AWS_SHARED_CREDENTIALS_FILE", "value": value}));
    }
    Part {
        module: MODULE,
        secret: secrets::FEDNS,
        name: "fedns",
        image: &settings.images.fedns,
        command: Vec::new(),
        arguments: vec![
            "serve".to_owned(),
            "--config".to_owned(),
            format!("{CONFIG_FOLDER}/{CONFIG_FILE}"),
        ],
        environment: json!(environment),
        ports: json!([
            {"name": "dns-udp", "containerPort": DNS_PORT, "protocol": "UDP"},
            {"name": "dns-tcp", "containerPort": DNS_PORT, "protocol": "TCP"},
            {"name": "admin", "containerPort": ADMIN_PORT, "protocol": "TCP"},
        ]),
        startup: None,
        liveness: get("/livez"),
        readiness: get("/readyz"),
        // One that ends must be known not to be ready within its lameDuck: only then are clients whose
        // packets are still sent to it sent elsewhere.
        readiness_seconds: 1,
        requests: json!({"cpu": "50m", "memory": "64Mi"}),
        volumes: volumes(settings),
        capabilities: no_capabilities(),
        service_account: (!settings.has_host_kubeconfig).then_some(ACCOUNT),
        grace_seconds: 30,
    }
}

fn volumes(settings: &Settings) -> Vec<Volume> {
    let config = json!({"configMap": {"name": CONFIG_MAP}});
    let mut volumes = vec![
        Volume { name: "config", path: CONFIG_FOLDER, source: config, is_read_only: true },
        Volume::secret("provider", PROVIDER_FOLDER, secrets::PROVIDER),
        Volume::secret("federation", FEDERATION_FOLDER, secrets::FEDNS),
        Volume {
            name: "state",
            path: STATE_FOLDER,
            source: json!({"emptyDir": {}}),
            is_read_only: false,
        },
    ];
    if settings.has_host_kubeconfig {
        volumes.push(Volume::secret("host", HOST_FOLDER, secrets::HOST));
    }
    volumes
}

/// What fedns may do in the host cluster: nothing outside its own namespace.
fn account(settings: &Settings) -> [Value; 3] {
    let mut role = object(settings, "rbac.authorization.k8s.io/v1", "Role", ACCOUNT, MODULE);
    let rule = |group: &str, resource: &str, verbs: &[&str]| json!({"apiGroups": [group], "resources": [resource], "verbs": verbs});
    let mut lease = rule("coordination.k8s.io", "leases", &["get", "update", "patch"]);
    lease["resourceNames"] = json!([LEASE]);
    role["rules"] = json!([
        // Of members; their credentials are renewed, and those of one that leaves are deleted.
        rule("", "secrets", &["get", "list", "watch", "patch", "delete"]),
        // What is owed to members, and what a new pod starts from.
        rule("", "configmaps", &["get", "list", "watch", "create", "update", "patch", "delete"]),
        // The label of the pod that writes. The names of a Deployment's pods cannot be known.
        rule("", "pods", &["patch"]),
        // The name of what is created cannot be restricted.
        rule("coordination.k8s.io", "leases", &["create"]),
        lease,
    ]);
    let mut binding =
        object(settings, "rbac.authorization.k8s.io/v1", "RoleBinding", ACCOUNT, MODULE);
    binding["roleRef"] =
        json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCOUNT});
    let subject =
        json!({"kind": "ServiceAccount", "name": ACCOUNT, "namespace": settings.namespace});
    binding["subjects"] = json!([subject]);
    [object(settings, "v1", "ServiceAccount", ACCOUNT, MODULE), role, binding]
}
