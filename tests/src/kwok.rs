//! A cluster whose workloads come alive: controllers and scheduler are stock, kwok plays the nodes.

use std::process::Command;

use crate::api_server::{ApiServer, Options};
use crate::eventually::{GENEROUS, eventually};
use crate::kubectl::Node;
use crate::parts;
use crate::process::Process;

/// An API server with everything that makes the pods of a Deployment Ready, but no machine behind
/// them. Fields drop in order: what talks to the API ends before it.
pub struct KwokCluster {
    pub kwok: Process,
    pub scheduler: Process,
    pub controller_manager: Process,
    pub api: ApiServer,
}

impl KwokCluster {
    /// Starts a cluster and waits until its nodes take pods.
    pub fn start(name: &str, nodes: &[Node<'_>]) -> Self {
        Self::start_with(name, nodes, Options::default())
    }

    pub fn start_with(name: &str, nodes: &[Node<'_>], options: Options) -> Self {
        let api = ApiServer::start_with(name, Options { with_controllers: true, ..options });
        let folder = api.scratch().path();
        let cluster = Self {
            kwok: Process::start("kwok", &kwok(&api), folder),
            scheduler: Process::start("kube-scheduler", &scheduler(&api), folder),
            controller_manager: Process::start(
                "kube-controller-manager",
                &controller_manager(&api),
                folder,
            ),
            api,
        };
        for &node in nodes {
            cluster.api.kubectl().create_node(node);
        }
        cluster.wait_until_nodes_take_pods(nodes.len());
        cluster
    }

    /// A node is Ready a moment before its controller lifts the taint that keeps pods away.
    fn wait_until_nodes_take_pods(&self, count: usize) {
        eventually(GENEROUS, "all nodes take pods", || {
            self.assert_running();
            let nodes = self.api.kubectl().json("get nodes");
            let ready =
                nodes["items"].as_array().into_iter().flatten().filter(|node| takes_pods(node));
            match ready.count() {
                ready if ready == count => Ok(()),
                ready => Err(format!("{ready} of {count} nodes")),
            }
        });
    }

    fn assert_running(&self) {
        let Self { kwok, scheduler, controller_manager, api } = self;
        for process in [kwok, scheduler, controller_manager, api.process()] {
            process.assert_running();
        }
    }
}

/// Ready, and without a taint.
pub(crate) fn takes_pods(node: &serde_json::Value) -> bool {
    let conditions = node["status"]["conditions"].as_array();
    let is_ready = conditions.is_some_and(|conditions| {
        conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True")
    });
    is_ready && node["spec"]["taints"].is_null()
}

fn kwok(api: &ApiServer) -> Command {
    let mut command = parts::kwok();
    command.arg("--kubeconfig").arg(api.scratch().path().join("kubeconfig")).args([
        "--manage-all-nodes",
        "--cidr",
        &api.ranges().pods,
    ]);
    command
}

pub(crate) fn scheduler(api: &ApiServer) -> Command {
    alone(parts::kubernetes("kube-scheduler"), api)
}

pub(crate) fn controller_manager(api: &ApiServer) -> Command {
    let mut command = alone(parts::kubernetes("kube-controller-manager"), api);
    command
        .arg("--service-account-private-key-file")
        .arg(api.scratch().path().join("service-accounts.key"))
        .arg("--root-ca-file")
        .arg(api.scratch().path().join("ca.crt"));
    command
}

/// One instance needs neither a lease nor a port of its own.
fn alone(mut command: Command, api: &ApiServer) -> Command {
    command
        .arg("--kubeconfig")
        .arg(api.scratch().path().join("kubeconfig"))
        .args(["--leader-elect=false", "--secure-port=0"]);
    command
}
