//! Real API servers with Services, as the measurements want them.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Value, json};
use tests::api_server::ApiServer;
use tests::kubectl::Node;

use crate::api::Api;
use crate::asker::Asker;
use crate::query::name;

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
