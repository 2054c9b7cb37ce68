//! etcd: one member, which only the API server may talk to.

use serde_json::{Value, json};

use super::pod::{Part, Volume, no_capabilities};
use super::{ETCD_CLAIM, ETCD_SERVICE, Known, disruption_budget, labels, object, secrets};
use crate::control_plane::settings::{Etcd, Settings, Storage};

pub const MODULE: &str = "federation-etcd";
const CERTIFICATES: &str = "/etc/federation/etcd";
const DATA: &str = "/var/lib/etcd";

/// None, where etcd is somebody else's.
pub fn objects(settings: &Settings, known: &Known) -> Vec<Value> {
    let Etcd::Own(storage) = &settings.etcd else { return Vec::new() };
    // Never two pods of it at once: a Deployment could start one before the other has ended.
    let mut set = object(settings, "apps/v1", "StatefulSet", "etcd", MODULE);
    set["spec"] = json!({
        "replicas": 1,
        "serviceName": ETCD_SERVICE,
        // With the other policy a pod that never started is not replaced by one that can.
        "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": labels(MODULE)},
        "template": part(settings, storage).template(settings, known),
    });
    vec![set, disruption_budget(settings, "etcd", MODULE)]
}

fn part<'a>(settings: &'a Settings, storage: &Storage) -> Part<'a> {
    let data = match storage {
        Storage::Memory => json!({"emptyDir": {}}),
        Storage::Volume { .. } => json!({"persistentVolumeClaim": {"claimName": ETCD_CLAIM}}),
    };
    let data = Volume { name: "data", path: DATA, source: data, is_read_only: false };
    let get = |path: &str| json!({"path": path, "port": "metrics", "scheme": "HTTP"});
    Part {
        module: MODULE,
        secret: secrets::ETCD,
        name: "etcd",
        image: &settings.images.etcd,
        command: vec!["etcd"],
        arguments: arguments(settings),
        environment: json!([]),
        ports: json!([
            {"name": "client", "containerPort": 2379, "protocol": "TCP"},
            {"name": "metrics", "containerPort": 2381, "protocol": "TCP"},
        ]),
        startup: Some(get("/readyz")),
        liveness: get("/livez"),
        readiness: get("/readyz"),
        readiness_seconds: 2,
        requests: json!({"cpu": "50m", "memory": "128Mi"}),
        volumes: vec![data, Volume::secret("certificates", CERTIFICATES, secrets::ETCD)],
        capabilities: no_capabilities(),
        service_account: None,
        grace_seconds: 30,
    }
}

fn arguments(settings: &Settings) -> Vec<String> {
    let file = |name: &str| format!("{CERTIFICATES}/{name}");
    let peer = "http://127.0.0.1:2380";
    let flags = [
        ("name", "etcd".to_owned()),
        // The volume's own folder may hold a lost+found, and belongs to the group alone.
        ("data-dir", format!("{DATA}/data")),
        ("listen-client-urls", "https://0.0.0.0:2379".to_owned()),
        (
            "advertise-client-urls",
            format!("https://{ETCD_SERVICE}.{}.svc:2379", settings.namespace),
        ),
        ("listen-peer-urls", peer.to_owned()),
        ("initial-advertise-peer-urls", peer.to_owned()),
        ("initial-cluster", format!("etcd={peer}")),
        ("listen-metrics-urls", "http://0.0.0.0:2381".to_owned()),
        ("client-cert-auth", "true".to_owned()),
        ("trusted-ca-file", file("ca.crt")),
        ("cert-file", file("server.crt")),
        ("key-file", file("server.key")),
    ];
    super::arguments(&flags, &Default::default())
}
