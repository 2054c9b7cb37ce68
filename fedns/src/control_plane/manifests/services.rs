//! How the parts of a control plane are reached.

use clusters::federation::names::DNS_SERVICE;
use serde_json::{Value, json};

use super::{API_SERVICE, ETCD_SERVICE, api_server, etcd, fedns, labels, object};
use crate::control_plane::settings::{Etcd, ServiceType, Settings};

/// The federation's API, DNS, and etcd if it is ours.
pub fn services(settings: &Settings) -> Vec<Value> {
    let mut services = vec![api(settings), dns(settings)];
    if matches!(settings.etcd, Etcd::Own(_)) {
        services.push(etcd_service(settings));
    }
    services
}

fn api(settings: &Settings) -> Value {
    let mut port = json!({"name": "https", "port": 443, "targetPort": "https", "protocol": "TCP"});
    if let Some(number) = settings.api_service.port {
        port["nodePort"] = json!(number);
    }
    let kind = settings.api_service.kind;
    service(settings, API_SERVICE, api_server::MODULE, kind, vec![port])
}

fn dns(settings: &Settings) -> Value {
    let port = |name: &str, protocol: &str| json!({"name": name, "port": 53, "targetPort": name, "protocol": protocol});
    let ports = vec![port("dns-udp", "UDP"), port("dns-tcp", "TCP")];
    service(settings, DNS_SERVICE, fedns::MODULE, settings.dns_service, ports)
}

fn etcd_service(settings: &Settings) -> Value {
    let port = json!({"name": "client", "port": 2379, "targetPort": "client", "protocol": "TCP"});
    service(settings, ETCD_SERVICE, etcd::MODULE, ServiceType::ClusterIp, vec![port])
}

fn service(
    settings: &Settings,
    name: &str,
    module: &str,
    kind: ServiceType,
    ports: Vec<Value>,
) -> Value {
    let mut service = object(settings, "v1", "Service", name, module);
    service["spec"] = json!({"type": kind.word(), "selector": labels(module), "ports": ports});
    service
}
