//! Real API servers with Services, as the measurements want them.

use std::net::Ipv4Addr;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tests::api_server::{self, ApiServer};
use tests::kubectl::Node;

use crate::api::Api;
use crate::asker::Asker;
use crate::query::name;

/// Connections that create objects.
const WRITERS: usize = 4;

/// The Service that is changed, without a selector: it needs no endpoint to be healthy.
pub const SERVICE: &str = "web";
/// Its name at the global level.
pub const GLOBAL_NAME: &str = "web.default.fed.svc.example.com";

/// A cluster in a region of its own with one Service that has no address yet.
pub fn cluster(name: &str) -> ApiServer {
    let cluster = ApiServer::start(name);
    cluster.kubectl().create_node(Node::new("node-1", name, &format!("{name}-a")));
    cluster.kubectl().apply(&service(SERVICE, &json!({})).to_string());
    cluster
}

/// A cluster that has room for tens of thousands of Services.
pub fn roomy_cluster(name: &str) -> ApiServer {
    // Each LoadBalancer Service has a node port, and the usual range holds 2,768 of them.
    let flags = vec!["--service-node-port-range=10000-60000".to_owned()];
    let cluster = ApiServer::start_with(name, api_server::Options { flags, ..Default::default() });
    let region = format!("cn-{name}");
    cluster.kubectl().create_node(Node::new("node-1", &region, &format!("{region}-a")));
    cluster
}

pub fn service(name: &str, selector: &Value) -> Value {
    let mut service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}});
    if selector.as_object().is_some_and(|labels| !labels.is_empty()) {
        service["spec"]["selector"] = selector.clone();
    }
    service
}

/// Asks for the Service's global name.
pub fn asker(dns_port: u16) -> Asker {
    Asker::new(dns_port, &name(GLOBAL_NAME))
}

/// Gives the Service its first address and waits until it is answered.
pub fn first_address(cluster: &ApiServer, dns_port: u16, address: Ipv4Addr) {
    Api::new(cluster.context()).set_addresses(SERVICE, &[address]);
    asker(dns_port).until(address, Duration::from_millis(10));
}

/// Addresses for measurements (RFC 2544), another for each number.
pub fn address(number: usize) -> Ipv4Addr {
    let number = u32::try_from(number % (1 << 17)).expect("it is below 2^17");
    Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + number)
}

/// Creates Services `s0`, `s1` … with one ready endpoint each, shared out among a few connections.
pub fn fill(cluster: &ApiServer, services: usize) {
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let context = cluster.context();
            scope.spawn(move || {
                let mut api = Api::new(context);
                for number in (writer..services).step_by(WRITERS) {
                    create(&mut api, number);
                }
            });
        }
    });
}

fn create(api: &mut Api, number: usize) {
    let name = format!("s{number}");
    let service = service(&name, &json!({"app": name}));
    api.create("/api/v1/namespaces/default/services", &service);
    api.set_addresses(&name, &[address(number)]);
    api.create("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", &slice(&name));
}

fn slice(service: &str) -> Value {
    json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": format!("{service}-1"), "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4", "ports": [{"port": 80}],
        "endpoints": [{"addresses": ["10.200.0.1"], "conditions": {"ready": true}}]})
}
