use std::path::{Path, PathBuf};
use std::process::Output;

use tests::api_server::ApiServer;
use tests::golden;
use tests::need::Need;
use tests::product::fedns;
use tests::suite::Test;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            a_dry_run_prints_every_object_without_secrets_and_makes_none,
            what_cannot_work_is_refused_before_anything_is_made;
    }
}

const ZONE: &str = "--dns-zone-name=example.com";
const HOST: &str = "--host-cluster-context=hangzhou";

fn golden_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/control_plane").join(name)
}

fn run(api: &ApiServer, words: &[&str]) -> Output {
    let kubeconfig = api.scratch().path().join("kubeconfig");
    let mut command = fedns();
    command.arg("init").args(words).arg("--kubeconfig").arg(kubeconfig);
    command.output().expect("fedns runs")
}

fn errors(api: &ApiServer, words: &[&str]) -> String {
    let output = run(api, words);
    let text = String::from_utf8(output.stderr).expect("fedns prints UTF-8");
    assert!(!output.status.success(), "fedns init {words:?}");
    text
}

fn a_dry_run_prints_every_object_without_secrets_and_makes_none() {
    let api = ApiServer::start("hangzhou");
    let output = run(&api, &["federation", "--federation-name=fed", HOST, ZONE, "--dry-run"]);
    let text = String::from_utf8(output.stdout).expect("fedns prints UTF-8");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words}");
    let golden = text.replace(&api.uid(), "UID-OF-KUBE-SYSTEM");
    golden::compare(&golden_file("dry-run.yaml"), &golden);
    assert!(!text.contains("PRIVATE KEY"), "{text}");
    assert_eq!(api.kubectl().run("get namespace --ignore-not-found federation-system"), "");
    // The API server takes all of it as it is printed.
    api.kubectl().run("create namespace federation-system");
    let file = api.scratch().write("manifests.yaml", &text);
    let file = file.to_str().expect("a path of this machine");
    api.kubectl().args(&["apply", "--dry-run=server", "--validate=strict", "-f", file]);
}

fn what_cannot_work_is_refused_before_anything_is_made() {
    let api = ApiServer::start("hangzhou");
    let check = |words: &[&str], expect: &str| {
        let text = errors(&api, words);
        assert!(text.contains(expect), "{words:?}: {text}");
    };
    for name in ["Federation", "my_fed", "a.b", "a b", "fed-", ""] {
        check(&[name, HOST, ZONE, "--federation-name=fed"], "is no DNS label");
    }
    check(&["federation", HOST, ZONE, "--federation-name=a.b"], "\"a.b\" is no DNS label");
    check(&["federation", HOST], "--dns-zone-name is missing");
    for zone in ["", ".", "exa mple.com", "example..com"] {
        let flag = format!("--dns-zone-name={zone}");
        check(&["federation", HOST, &flag], "is no domain name: labels of letters");
    }
    check(
        &["federation", HOST, ZONE, "--apiserver-enable-basic-auth"],
        "dropped passwords in 1.19",
    );
    check(
        &[
            "federation",
            HOST,
            ZONE,
            "--image=h/hyperkube-amd64:v1.8.4",
            "--etcd-image=h/etcd:3.1.11",
        ],
        "etcd 3.1 is too old",
    );
    check(&["federation", "--host-cluster-context=nobody", ZONE], "nobody");
    check(
        &["federation", HOST, ZONE, "--dns-provider=coredns", "--dns-owner=us"],
        "is reached through a webhook",
    );
    check(
        &["federation", HOST, ZONE, "--dns-provider=alidns", "--dns-provider-config=/nowhere.yaml"],
        "/nowhere.yaml",
    );
    check(&["hangzhou", HOST, ZONE], "the context \"hangzhou\" is in");
    check(
        &["federation", HOST, ZONE, "--api-server-port=30443"],
        "goes with --api-server-service-type",
    );
    // The context is written last: that it could not be is known first.
    let lock = api.scratch().write("kubeconfig.lock", "");
    let unpublished = "--image=registry.example.com/fedns:v0.1.0";
    check(&["federation", HOST, ZONE, unpublished], "kubeconfig.lock");
    std::fs::remove_file(lock).expect("remove the lock");
    assert_eq!(api.kubectl().run("get namespace --ignore-not-found federation-system"), "");

    // Another federation's name does not take over the one that stands there.
    api.kubectl().run("create namespace federation-system");
    api.kubectl().run(
        "annotate namespace federation-system fedns.io/context=federation \
         federation.alpha.kubernetes.io/federation-name=fed",
    );
    let other = ["other", HOST, "--dns-zone-name=example.org"];
    check(&other, "holds the federation \"federation\" with the label \"fed\", not \"other\"");
    // Nor does the federation that stands there take over somebody's way into another cluster.
    check(&["hangzhou", HOST, ZONE, "--federation-name=fed"], "the context \"hangzhou\" is in");
}
