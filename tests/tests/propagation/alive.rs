use propagator::Standing;
use serde_json::json;
use tests::need::Need;
use tests::suite::Test;

use super::federation::{Federation, answers, is_absent};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            a_namespace_lives_and_goes_with_its_content,
            replicas_leave_a_cluster_without_contact_and_come_back,
            replicas_leave_a_cluster_that_is_full,
            replicas_leave_a_cluster_whose_api_refuses_their_pods;
    }
}

const REPLICAS: &str = "get deployment web -o jsonpath={.spec.replicas}";

fn a_namespace_lives_and_goes_with_its_content() {
    let (_controllers, federation) = Federation::start_alive(&["beijing", "hangzhou"]);
    let kubectl = federation.kubectl();
    let (beijing, hangzhou) = (federation.member("beijing"), federation.member("hangzhou"));
    hangzhou.run("create namespace shop");
    hangzhou.run("-n shop create configmap theirs");
    kubectl.run("create namespace shop");
    kubectl.run("-n shop create deployment web --image=web --replicas=3");
    kubectl.run("-n shop expose deployment web --port=80 --type=LoadBalancer");
    kubectl.run("-n shop rollout status deployment web --timeout=60s");
    let line = kubectl.run("-n shop get deployment web --no-headers");
    assert_eq!(line.split_whitespace().take(4).collect::<Vec<_>>(), ["web", "3/3", "3", "3"]);

    beijing.set_load_balancer("shop", "web", &["192.0.2.1"]);
    let annotation = "-n shop get service web -o \
        jsonpath={.metadata.annotations.federation\\.kubernetes\\.io/service-ingresses}";
    let items = r#"{"items":[{"cluster":"beijing","items":[{"ip":"192.0.2.1"}]}]}"#;
    answers(kubectl, annotation, items);
    kubectl.run("-n shop set image deployment web web=web:2");
    kubectl.run("-n shop rollout status deployment web --timeout=60s");
    let images = "-n shop get pods -o jsonpath={.items[*].spec.containers[*].image}";
    answers(hangzhou, images, "web:2");

    kubectl.run("delete namespace shop --timeout=60s");
    is_absent(beijing, "get namespace shop");
    is_absent(hangzhou, "-n shop get deployment web");
    is_absent(hangzhou, "-n shop get service web");
    hangzhou.run("-n shop get configmap theirs");
}

fn replicas_leave_a_cluster_without_contact_and_come_back() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    federation.kubectl().run("create deployment web --image=web --replicas=4");
    federation.in_every_member(REPLICAS, "2");
    federation.proxies[1].refuse();
    federation.propagator().set_standing("hangzhou", Standing::Offline);
    answers(federation.member("beijing"), REPLICAS, "4");
    assert_eq!(federation.member("hangzhou").run(REPLICAS), "2");

    federation.proxies[1].heal();
    federation.propagator().set_standing("hangzhou", Standing::Ready);
    let rebalance = r#"federation.kubernetes.io/deployment-preferences={"rebalance":true,"clusters":{"*":{"weight":1}}}"#;
    federation.kubectl().args(&["annotate", "deployment", "web", rebalance]);
    federation.in_every_member(REPLICAS, "2");
}

fn replicas_leave_a_cluster_that_is_full() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    federation.kubectl().run("create deployment web --image=web --replicas=4");
    federation.in_every_member(REPLICAS, "2");
    let beijing = federation.member("beijing");
    for (name, is_scheduled) in [("web-1", true), ("web-2", false)] {
        let pod = json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "web"}]}});
        beijing.apply(&pod.to_string());
        if !is_scheduled {
            let status = json!({"status": {"conditions": [{"type": "PodScheduled", "status": "False",
                "reason": "Unschedulable", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}});
            let change = ["--subresource=status", "--type=merge", "-p", &status.to_string()];
            beijing.args(&[&["patch", "pod", name][..], &change].concat());
        }
    }
    answers(federation.member("hangzhou"), REPLICAS, "3");
}

fn replicas_leave_a_cluster_whose_api_refuses_their_pods() {
    let (_controllers, federation) = Federation::start_alive(&["beijing", "hangzhou"]);
    let (beijing, hangzhou) = (federation.member("beijing"), federation.member("hangzhou"));
    beijing.run("create quota pods --hard=pods=1");
    answers(beijing, "get quota pods -o jsonpath={.status.hard.pods}", "1");
    federation.kubectl().run("create deployment web --image=web --replicas=4");
    answers(hangzhou, REPLICAS, "3");
    answers(beijing, REPLICAS, "1");
    federation.kubectl().run("rollout status deployment web --timeout=60s");

    // Its fair share is asked for, and waits; meanwhile it runs elsewhere.
    let rebalance = r#"federation.kubernetes.io/deployment-preferences={"rebalance":true,"clusters":{"*":{"weight":1}}}"#;
    federation.kubectl().args(&["annotate", "deployment", "web", rebalance]);
    answers(beijing, REPLICAS, "2");
    federation.comes_to_rest();
    assert_eq!(hangzhou.run(REPLICAS), "3");
    beijing.run("delete quota pods");
    answers(hangzhou, REPLICAS, "2");
    answers(beijing, "get deployment web -o jsonpath={.status.readyReplicas}", "2");
}
