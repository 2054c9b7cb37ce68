use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tests::eventually::{GENEROUS, eventually, eventually_equal};
use tests::need::Need;
use tests::product;
use tests::suite::Test;

use super::init::{Host, printed};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes, Need::RealNodes] =>
            an_etcd_in_memory_loses_its_pod_and_nothing_stands_still;
    }
}

const NAME: &str = "web.default.fed.svc.example.com";
const ANSWER: &str = "NOERROR 192.0.2.1";
const SYSTEM: &str = "-n federation-system";

/// A federation of its host alone, with a Service that has an address and a ConfigMap.
fn federation() -> Host {
    let host = Host::start();
    host.kubectl().run(
        "label node hangzhou topology.kubernetes.io/region=cn-hangzhou \
         topology.kubernetes.io/zone=cn-hangzhou-b",
    );
    printed(&host.init(&[
        "--federation-name=fed",
        "--dns-zone-name=example.com.",
        "--api-server-service-type=NodePort",
        "--dns-service-type=NodePort",
    ]));
    join(&host);
    let federation = host.kubectl().context("federation");
    let service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"namespace": "default", "name": "web"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
    });
    federation.apply(&service.to_string());
    federation.run("create configmap before --from-literal=colour=red");
    is_there(&host, "service web");
    is_there(&host, "configmap before");
    host.kubectl().set_load_balancer("default", "web", &["192.0.2.1"]);
    host
}

fn join(host: &Host) {
    let mut join = product::fedns();
    join.args(["join", "hangzhou", "--context=federation", "--host-cluster-context=hangzhou"]);
    join.env("KUBECONFIG", host.kubeconfig());
    printed(&join.output().expect("fedns runs"));
}

#[track_caller]
fn is_there(host: &Host, what: &str) {
    eventually(GENEROUS * 2, &format!("the member has {what}"), || {
        host.kubectl().try_run(&format!("get {what}"))
    });
}

fn uid(host: &Host, what: &str) -> String {
    host.kubectl().run(&format!("get {what} -o jsonpath={{.metadata.uid}}"))
}

/// The response code and the addresses: `NOERROR 192.0.2.1`.
fn answer(server: &str) -> String {
    let mut command = product::fedns();
    command.args(["query", NAME, "A", "--server", server]);
    let output = command.output().expect("fedns runs");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let mut lines = text.lines();
    let code = lines.next().and_then(|line| line.split_whitespace().nth(1));
    let code = code.map(|code| code.trim_end_matches(','));
    let addresses = lines.filter_map(|line| line.split_whitespace().last());
    code.into_iter().chain(addresses).collect::<Vec<_>>().join(" ")
}

fn dns_server(host: &Host) -> String {
    let service = host.kubectl().json(&format!("{SYSTEM} get service fedns-dns"));
    let ports = service["spec"]["ports"].as_array().cloned().unwrap_or_default();
    let udp = ports.iter().find(|port| port["protocol"] == "UDP").expect("a port for DNS");
    format!("{}:{}", host.node_address(), udp["nodePort"])
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True")
}

/// Ends the pod at once, and waits until another one of its name is ready.
fn lose_etcd(host: &Host) {
    let uid = |pod: &Value| pod["metadata"]["uid"].clone();
    let before = uid(&host.kubectl().json(&format!("{SYSTEM} get pod etcd-0")));
    host.kubectl().run(&format!("{SYSTEM} delete pod etcd-0 --force --grace-period=0"));
    eventually(GENEROUS, "there is another etcd", || {
        let text = host.kubectl().try_run(&format!("{SYSTEM} get pod etcd-0 -o json"))?;
        let pod: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        if uid(&pod) != before && is_ready(&pod) { Ok(()) } else { Err(pod["status"].to_string()) }
    });
}

fn an_etcd_in_memory_loses_its_pod_and_nothing_stands_still() {
    let host = federation();
    let server = dns_server(&host);
    eventually_equal(GENEROUS, NAME, &ANSWER.to_owned(), || answer(&server));
    let copies = ["service web", "configmap before"];
    let before = copies.map(|copy| uid(&host, copy));

    let is_over = AtomicBool::new(false);
    let answers = std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut answers = BTreeSet::new();
            while !is_over.load(Ordering::Relaxed) {
                answers.insert(answer(&server));
            }
            answers
        });
        let lost = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            lose_etcd(&host);
            // Its API server does not know yet, and takes it all the same.
            let federation = host.kubectl().context("federation");
            eventually(GENEROUS, "an object is taken", || {
                federation.try_run("create configmap after --from-literal=colour=blue")
            });
            is_there(&host, "configmap after");
        }));
        // Also where that failed: else the scope would wait for ever.
        is_over.store(true, Ordering::Relaxed);
        lost.unwrap_or_else(|failure| std::panic::resume_unwind(failure));
        asking.join().expect("asking does not fail")
    });
    assert_eq!(answers, BTreeSet::from([ANSWER.to_owned()]));
    assert_eq!(copies.map(|copy| uid(&host, copy)), before);

    // What makes it a federation is there again; its clusters join as they did.
    let federation = host.kubectl().context("federation");
    assert_eq!(federation.run("get clusters -o name"), "");
    // Its controllers make accounts again, for whoever is not refused before.
    eventually(
        GENEROUS * 2,
        "pods are refused, and nothing else is in the way",
        || match federation.try_run("run web --image=web") {
            Err(refused) if refused.contains("make a Deployment") => Ok(()),
            other => Err(format!("{other:?}")),
        },
    );
    federation.run("create namespace shop");
    federation.run("delete namespace shop --timeout=120s");
    let uid = host.kubectl().run("get namespace kube-system -o jsonpath={.metadata.uid}");
    let path = "jsonpath={.metadata.annotations.fedns\\.io/host-uid}";
    assert_eq!(federation.run(&format!("get crd clusters.fedns.io -o {path}")), uid);
    join(&host);
    let clusters = federation.run("get clusters");
    assert!(clusters.contains("Ready"), "{clusters}");
    federation.run("delete configmap after --timeout=60s");
    assert!(host.kubectl().try_run("get configmap after").is_err());
}
