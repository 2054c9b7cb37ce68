use std::process::Command;

use tests::api_server::ApiServer;
use tests::eventually::{GENEROUS, eventually_equal};
use tests::kubeconfig::kubeconfig;
use tests::kubectl::Node;
use tests::need::Need;
use tests::port::free_port;
use tests::process::Process;
use tests::product;
use tests::scratch::Scratch;
use tests::suite::Test;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] => what_the_cloud_gives_is_answered_and_outlives_the_api_server;
    }
}

/// Without a selector a Service needs no endpoint to be healthy.
const WEB: &str = r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
    "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}"#;

/// A running `fedns serve` on kubeconfig contexts.
struct Fedns {
    _process: Process,
    scratch: Scratch,
    dns: u16,
}

impl Fedns {
    fn start(clusters: &[&ApiServer]) -> Self {
        let scratch = Scratch::new("fedns");
        let (dns, admin) = (free_port(), free_port());
        let contexts: Vec<_> = clusters.iter().map(|cluster| cluster.context()).collect();
        scratch.write("kubeconfig", kubeconfig(&contexts));
        let entries: String = clusters
            .iter()
            .map(|cluster| {
                let name = cluster.name();
                let context = cluster.context().name;
                format!("  - {{name: {name}, kubeconfig: ./kubeconfig, context: {context}}}\n")
            })
            .collect();
        let config = format!(
            "apiVersion: fedns.io/v1\nkind: Config\nfederation: fed\nzone: example.com.\n\
             nameServers: [{{name: ns1.example.com., addresses: [192.0.2.53]}}]\n\
             listen: {{dns: [\"127.0.0.1:{dns}\"], admin: \"127.0.0.1:{admin}\"}}\n\
             clusters:\n{entries}"
        );
        let file = scratch.write("fedns.yaml", config);
        let mut command = product::fedns();
        command.arg("serve").arg("--config").arg(file);
        let process = Process::start("fedns", &command, scratch.path());
        Self { _process: process, scratch, dns }
    }

    /// The response code and the addresses that `fedns query` prints.
    fn ask(&self, name: &str) -> String {
        let mut command: Command = product::fedns();
        command.args(["query", name, "--server", &format!("127.0.0.1:{}", self.dns)]);
        let output = command.current_dir(self.scratch.path()).output().expect("fedns runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let status = text.lines().next().unwrap_or("no answer");
        let status = status.trim_start_matches(";; ").split(',').next().unwrap_or(status);
        let addresses = text.lines().filter_map(|line| line.split_once(" IN A "));
        let mut words = vec![status.to_owned()];
        words.extend(addresses.map(|(_, address)| address.to_owned()));
        words.join(" ")
    }

    #[track_caller]
    fn answers(&self, name: &str, expect: &str) {
        eventually_equal(GENEROUS, name, &expect.to_owned(), || self.ask(name));
    }
}

fn what_the_cloud_gives_is_answered_and_outlives_the_api_server() {
    let mut beijing = ApiServer::start("beijing");
    let hangzhou = ApiServer::start("hangzhou");
    for (cluster, region) in [(&beijing, "cn-beijing"), (&hangzhou, "cn-hangzhou")] {
        cluster.kubectl().create_node(Node::new("node-1", region, &format!("{region}-a")));
        cluster.kubectl().apply(WEB);
    }
    let fedns = Fedns::start(&[&beijing, &hangzhou]);
    let global = "web.default.fed.svc.example.com";
    let zone = "web.default.fed.svc.cn-beijing-a.cn-beijing.example.com";
    fedns.answers(zone, "NXDOMAIN");

    hangzhou.kubectl().set_load_balancer("default", "web", &["192.0.2.1"]);
    fedns.answers(zone, "NOERROR 192.0.2.1");
    beijing.kubectl().set_load_balancer("default", "web", &["192.0.2.2"]);
    fedns.answers(zone, "NOERROR 192.0.2.2");
    fedns.answers(global, "NOERROR 192.0.2.1 192.0.2.2");

    beijing.kill();
    hangzhou.kubectl().set_load_balancer("default", "web", &["192.0.2.3"]);
    // The change of the other cluster arrives; the dead one's address stands.
    fedns.answers(global, "NOERROR 192.0.2.2 192.0.2.3");

    beijing.restart();
    beijing.kubectl().run("delete service web");
    fedns.answers(zone, "NOERROR 192.0.2.3");
}
