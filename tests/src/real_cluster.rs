//! A cluster whose containers run: a stock control plane on this machine, and one node in namespaces of
//! its own.
//!
//! - `machine`: the namespaces, and what leaves no trace when they end
//! - `node`: containerd, kubelet and kube-proxy in them
//! - `reserve`: addresses that no other test run on this machine has
//!
//! ```text
//! this machine: etcd, kube-apiserver, controllers -- veth pair --[ node: kubelet, containerd, pods ]
//!      \- addresses of load balancers (198.51.100.0/24) are routed to the node
//! ```

mod machine;
mod node;
mod reserve;

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Mutex;

use serde_json::Value;

use self::machine::{Machine, Unreachable};
use self::node::Node;
use self::reserve::{LoadBalancerAddress, reserve_link};
use crate::api_server::{ApiServer, Options};
use crate::eventually::{GENEROUS, eventually};
use crate::kwok::{controller_manager, scheduler, takes_pods};
use crate::lock::lock;
use crate::process::Process;

/// Fields drop in order: what talks to the API ends before it.
pub struct RealCluster {
    unreachable: Vec<Unreachable>,
    addresses: Mutex<Vec<LoadBalancerAddress>>,
    node: Node,
    pub scheduler: Process,
    pub controller_manager: Process,
    machine: Machine,
    pub api: ApiServer,
}

impl RealCluster {
    /// Starts a cluster of one node, and waits until that takes pods. Needs `Need::RealNodes`.
    pub fn start(name: &str) -> Self {
        let link = reserve_link();
        let address = link.outer();
        let machine = Machine::start(name, link);
        let options =
            Options { with_controllers: true, address: Some(address), ..Options::default() };
        let api = ApiServer::start_with(name, options);
        let folder = api.scratch().path();
        let scheduler = Process::start("kube-scheduler", &scheduler(&api), folder);
        let controllers = controller_manager(&api);
        let controller_manager = Process::start("kube-controller-manager", &controllers, folder);
        let node = Node::start(&machine, &api);
        let cluster = Self {
            unreachable: Vec::new(),
            addresses: Mutex::default(),
            node,
            scheduler,
            controller_manager,
            machine,
            api,
        };
        cluster.wait_until_it_takes_pods();
        cluster
    }

    /// The same with a place: `topology.kubernetes.io/region` and `zone` of its node.
    pub fn start_at(name: &str, region: &str, zone: &str) -> Self {
        let cluster = Self::start(name);
        let labels =
            format!("topology.kubernetes.io/region={region} topology.kubernetes.io/zone={zone}");
        cluster.api.kubectl().run(&format!("label node {name} {labels}"));
        cluster
    }

    /// Ends everything of the cluster at once, for good. Whoever asks one of its addresses is told that
    /// nobody is there.
    pub fn lose(&mut self) {
        let mut networks = vec![self.machine.link().network()];
        networks.extend(lock(&self.addresses).iter().map(|address| format!("{}/32", address.ip())));
        self.unreachable = networks.into_iter().map(Unreachable::new).collect();
        self.api.kill();
        self.scheduler.kill();
        self.controller_manager.kill();
        self.machine.end();
    }

    /// This machine's address that nodes and pods reach.
    pub fn outer_address(&self) -> Ipv4Addr {
        self.machine.link().outer()
    }

    /// Puts an image into the node, as if it had been pulled: an oci-archive.
    pub fn load_image(&self, archive: &Path) {
        self.node.load_image(&self.machine, archive);
    }

    /// Gives an image that the node has another name, too.
    pub fn tag_image(&self, image: &str, name: &str) {
        self.node.tag_image(&self.machine, image, name);
    }

    /// Kills the process of a pod's first container; its kubelet starts it again.
    pub fn kill_container(&self, namespace: &str, pod: &str) {
        let path = "{.status.containerStatuses[0].containerID}";
        let line = format!("-n {namespace} get pod {pod} -o jsonpath={path}");
        let id = self.api.kubectl().run(&line);
        let id = id.strip_prefix("containerd://").unwrap_or_else(|| panic!("no container: {id}"));
        self.node.kill_container(&self.machine, id);
    }

    /// Plays the cloud: gives a Service an address of 198.51.100.0/24 that leads to the node.
    pub fn give_address(&self, namespace: &str, service: &str) -> Ipv4Addr {
        let address = LoadBalancerAddress::reserve();
        self.machine.route(address.ip());
        let ip = address.ip();
        self.api.kubectl().set_load_balancer(namespace, service, &[&ip.to_string()]);
        lock(&self.addresses).push(address);
        ip
    }

    /// The pods of a namespace with these labels, once `count` of them are ready.
    #[track_caller]
    pub fn ready_pods(&self, namespace: &str, labels: &str, count: usize) -> Vec<String> {
        eventually(GENEROUS, &format!("{count} pods {labels} are ready"), || {
            let pods = self.api.kubectl().json(&format!("-n {namespace} get pods -l {labels}"));
            let pods = pods["items"].as_array().cloned().unwrap_or_default();
            let name =
                |pod: &Value| pod["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            let ready: Vec<String> = pods.iter().filter(|pod| is_ready(pod)).map(name).collect();
            let states = pods.iter().map(|pod| pod["status"]["containerStatuses"].to_string());
            match ready.len() == count {
                true => Ok(ready),
                false => Err(states.collect::<Vec<_>>().join("\n")),
            }
        })
    }

    fn wait_until_it_takes_pods(&self) {
        eventually(GENEROUS, "the node takes pods", || {
            self.node.assert_running();
            let nodes = self.api.kubectl().json("get nodes");
            let nodes = nodes["items"].as_array().cloned().unwrap_or_default();
            match nodes.first() {
                Some(node) if takes_pods(node) => Ok(()),
                Some(node) => Err(node["status"]["conditions"].to_string()),
                None => Err("no node".to_owned()),
            }
        });
    }
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.is_some_and(|conditions| {
        conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True")
    })
}
