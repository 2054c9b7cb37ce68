use std::collections::BTreeSet;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tests::eventually::{GENEROUS, eventually, eventually_equal};
use tests::need::Need;
use tests::product;
use tests::suite::Test;

use super::asked::{NAME, answer, answers_during, dns_server};
use super::init::{Host, printed};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes, Need::RealNodes] =>
            an_etcd_in_memory_loses_its_pod_and_nothing_stands_still,
            certificates_that_end_soon_are_renewed_in_running_pods;
    }
}

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

    let answers = answers_during(&server, || {
        lose_etcd(&host);
        // Its API server does not know yet, and takes it all the same.
        let federation = host.kubectl().context("federation");
        eventually(GENEROUS, "an object is taken", || {
            federation.try_run("create configmap after --from-literal=colour=blue")
        });
        is_there(&host, "configmap after");
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

/// The certificate that the federation's API shows.
fn shown(host: &Host) -> Result<String, String> {
    let federation = host.kubectl().context("federation");
    let server = federation.run("config view --minify -o jsonpath={.clusters[0].cluster.server}");
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--insecure", "--output", "/dev/null", "--write-out", "%{certs}"]);
    let output = curl.arg(server.trim()).output().expect("curl runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let begin = text.find("-----BEGIN").ok_or_else(|| format!("no certificate: {text}"))?;
    Ok(text[begin..].to_owned())
}

fn secret(host: &Host, name: &str, key: &str) -> String {
    let secret = host.kubectl().json(&format!("{SYSTEM} get secret {name}"));
    let text = secret["data"][key].as_str().expect("a file").to_owned();
    String::from_utf8(STANDARD.decode(text).expect("base64")).expect("PEM or JSON")
}

/// UID and restarts of each pod but fedns's.
fn pods(host: &Host) -> Vec<String> {
    let line = format!("{SYSTEM} get pods -l module!=fedns --sort-by=.metadata.name");
    let items = host.kubectl().json(&line)["items"].as_array().cloned().unwrap_or_default();
    let pod = |pod: &Value| {
        let restarts = &pod["status"]["containerStatuses"][0]["restartCount"];
        format!("{} {restarts}", pod["metadata"]["uid"])
    };
    items.iter().map(pod).collect()
}

fn certificates_that_end_soon_are_renewed_in_running_pods() {
    let host = federation();
    let issued =
        ["apiserver", "etcd-server", "etcd-client", "controller-manager", "fedns", "admin"];
    let all = "federation-certificates";
    let mut certificates: Value =
        serde_json::from_str(&secret(&host, all, "certificates.json")).expect("JSON");
    let before = certificates["issued"].clone();
    for name in issued {
        certificates["issued"][name]["expires"] = 0.into();
    }
    let patch = json!({"stringData": {"certificates.json": certificates.to_string()}}).to_string();
    let target = ["-n", "federation-system", "patch", "secret", all, "--type=merge", "-p", &patch];
    host.kubectl().args(&target);
    let (pods_before, shown_before) = (pods(&host), shown(&host).expect("a certificate"));

    // Whoever begins to write looks at them.
    host.kubectl().run(&format!("{SYSTEM} delete pods -l module=fedns"));
    eventually(GENEROUS, "all are renewed", || {
        let now: Value =
            serde_json::from_str(&secret(&host, all, "certificates.json")).expect("JSON");
        let is_new = |name: &str| now["issued"][name]["key"] != before[name]["key"];
        if issued.into_iter().all(is_new) { Ok(()) } else { Err("not all".to_owned()) }
    });
    let own = |name: &str| {
        let kept = secret(&host, all, "certificates.json");
        let kept: Value = serde_json::from_str(&kept).expect("JSON");
        kept["issued"][name]["certificate"].as_str().expect("PEM").to_owned()
    };
    for (part, file, name) in [
        ("apiserver-credentials", "server.crt", "apiserver"),
        ("apiserver-credentials", "etcd-client.crt", "etcd-client"),
        ("etcd-credentials", "server.crt", "etcd-server"),
        ("controller-manager-kubeconfig", "client.crt", "controller-manager"),
        ("fedns-kubeconfig", "client.crt", "fedns"),
    ] {
        eventually_equal(GENEROUS, file, &own(name), || secret(&host, part, file));
    }
    eventually(GENEROUS * 5, "the API shows the new one", || match shown(&host)? {
        now if now == shown_before => Err("the old one".to_owned()),
        _ => Ok(()),
    });
    // Nothing was started anew for it, here or by `init` afterwards, and all of it works.
    assert_eq!(pods(&host), pods_before);
    let again = printed(&host.init(&[]));
    assert!(!again.contains("Deployment") && !again.contains("StatefulSet"), "{again}");
    assert_eq!(pods(&host), pods_before);
    let federation = host.kubectl().context("federation");
    federation.run("create configmap after --from-literal=colour=blue");
    is_there(&host, "configmap after");
    federation.run("create namespace shop");
    federation.run("delete namespace shop --timeout=120s");
}
