use std::process::Output;

use serde_json::{Value, json};
use tests::eventually::{GENEROUS, eventually};
use tests::need::Need;
use tests::product::{self, Plugin};
use tests::suite::Test;

use super::init::{Host, printed};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes, Need::RealNodes] => the_one_that_writes_is_asked_over_the_hosts_context;
    }
}

const NAME: &str = "web-0.default.fed.svc.cn-hangzhou-b.cn-hangzhou.example.com";
/// Three names each, so that enough vanish at once to be held.
const SERVICES: usize = 4;

/// `fedns WORDS --context=hangzhou`, with the user's kubeconfig.
fn ask(host: &Host, words: &[&str]) -> Output {
    let mut command = product::fedns();
    command.args(words).arg("--context=hangzhou").env("KUBECONFIG", host.kubeconfig());
    command.output().expect("fedns runs")
}

fn answer(host: &Host, words: &[&str]) -> String {
    printed(&ask(host, words))
}

fn services() -> String {
    let service = |n: usize| {
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"namespace": "default", "name": format!("web-{n}")},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
        })
    };
    let items: Vec<Value> = (0..SERVICES).map(service).collect();
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}

/// A federation of its host alone, with Services that have addresses.
fn federation() -> Host {
    let host = Host::start();
    let line = "label node hangzhou topology.kubernetes.io/region=cn-hangzhou \
                topology.kubernetes.io/zone=cn-hangzhou-b";
    host.kubectl().run(line);
    printed(&host.init(&[
        "--federation-name=fed",
        "--dns-zone-name=example.com.",
        "--replicas=2",
        "--api-server-service-type=NodePort",
        "--dns-service-type=ClusterIP",
    ]));
    let mut join = product::fedns();
    join.args(["join", "hangzhou", "--context=federation", "--host-cluster-context=hangzhou"]);
    join.env("KUBECONFIG", host.kubeconfig());
    printed(&join.output().expect("fedns runs"));
    host.kubectl().context("federation").apply(&services());
    for n in 0..SERVICES {
        let name = format!("web-{n}");
        eventually(GENEROUS, "the member has the Service", || {
            host.kubectl().try_run(&format!("get service {name}"))
        });
        host.kubectl().set_load_balancer("default", &name, &[&format!("192.0.2.{}", n + 1)]);
    }
    host
}

/// All Services vanish from DNS with the config that the ConfigMap has then.
fn publish_nothing(host: &Host) {
    let map = host.kubectl().json("-n federation-system get configmap fedns");
    let config = map["data"]["fedns.yaml"].as_str().expect("there is a config");
    let changed = config.replace("publish: all", "publish: annotated");
    assert_ne!(config, changed);
    let patch = json!({"data": {"fedns.yaml": changed}}).to_string();
    let target = ["-n", "federation-system", "patch", "configmap", "fedns", "--type=merge", "-p"];
    host.kubectl().args(&[target.as_slice(), &[&patch]].concat());
}

fn the_one_that_writes_is_asked_over_the_hosts_context() {
    let host = federation();
    eventually(GENEROUS, "all names are served", || {
        let output = ask(&host, &["records", "web-", "-o", "name"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        match text.lines().count() {
            count if count == 3 * SERVICES => Ok(()),
            _ => Err(text + &String::from_utf8_lossy(&output.stderr)),
        }
    });
    let status = answer(&host, &["status"]);
    assert!(status.contains("federation fed: this server writes"), "{status}");
    assert!(status.contains("hangzhou   Ready"), "{status}");
    let clusters = answer(&host, &["clusters"]);
    assert!(clusters.contains("cn-hangzhou-b"), "{clusters}");
    let explained = answer(&host, &["explain", NAME]);
    assert!(explained.contains("192.0.2.1") && explained.contains("hangzhou"), "{explained}");
    assert_eq!(answer(&host, &["plan"]), "nothing is held\n");
    let refused = ask(&host, &["plan", "approve", "c0ffee"]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&refused.stderr), "fedns: nothing is held\n");

    publish_nothing(&host);
    let hash = eventually(GENEROUS * 2, "the reload is held", || {
        let plan: Value = serde_json::from_slice(&ask(&host, &["plan", "-o", "json"]).stdout)
            .map_err(|error| error.to_string())?;
        let hash = plan["held"][0]["hash"].as_str().map(str::to_owned);
        hash.ok_or_else(|| plan.to_string())
    });
    assert_eq!(ask(&host, &["plan"]).status.code(), Some(2));
    let approved = answer(&host, &["plan", "approve", &hash]);
    assert_eq!(approved, "the config is reloaded\n");
    assert_eq!(answer(&host, &["records", "web-", "-o", "name"]), "");

    // Whoever takes over is found, and kubectl knows the way.
    let leader = "-n federation-system get pods -l fedns.io/leader=true -o name";
    let before = host.kubectl().run(leader);
    host.kubectl().run(&format!("-n federation-system delete {}", before.trim()));
    let plugin = Plugin::install();
    eventually(GENEROUS, "another one writes", || {
        let mut command = plugin.kubectl(&host.kubeconfig(), &["fedns", "status"]);
        let output = command.output().expect("kubectl runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        match text.contains("federation fed: this server writes") {
            true => Ok(()),
            false => Err(text + &String::from_utf8_lossy(&output.stderr)),
        }
    });
    assert_ne!(host.kubectl().run(leader), before);
}
