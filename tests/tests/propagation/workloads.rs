use serde_json::{Value, json};
use tests::kubectl::Kubectl;
use tests::need::Need;
use tests::suite::Test;

use super::federation::{Federation, answers};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            replicas_are_spread_and_scaled,
            the_status_of_a_deployment_is_the_sum_and_a_rollout_ends,
            addresses_of_a_service_come_back,
            an_autoscaler_owns_the_replicas,
            a_job_is_divided_and_its_status_comes_back,
            a_job_with_indexes_runs_in_one_cluster,
            daemon_sets_stateful_sets_and_ingresses_tell_of_all_members,
            an_override_of_a_divided_kind_wins_over_its_share;
    }
}

const REPLICAS: &str = "get deployment web -o jsonpath={.spec.replicas}";

fn replicas_are_spread_and_scaled() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    let kubectl = federation.kubectl();
    kubectl.run("create deployment web --image=web --replicas=4");
    federation.in_every_member(REPLICAS, "2");
    kubectl.run("scale deployment web --replicas=6");
    federation.in_every_member(REPLICAS, "3");
    let weights = r#"federation.kubernetes.io/deployment-preferences={"rebalance":true,"clusters":{"beijing":{"weight":2},"hangzhou":{"weight":1}}}"#;
    kubectl.args(&["annotate", "deployment", "web", weights]);
    answers(federation.member("beijing"), REPLICAS, "4");
    answers(federation.member("hangzhou"), REPLICAS, "2");
    for manager in ["kubectl", "k9s"] {
        let patch = format!(
            "patch deployment web --subresource=scale --type=merge --field-manager={manager}"
        );
        let words: Vec<&str> =
            patch.split_whitespace().chain(["-p", r#"{"spec":{"replicas":9}}"#]).collect();
        federation.member("beijing").args(&words);
        answers(federation.member("beijing"), REPLICAS, "4");
    }
}

fn the_status_of_a_deployment_is_the_sum_and_a_rollout_ends() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    let kubectl = federation.kubectl();
    kubectl.run("create deployment web --image=web --replicas=4");
    federation.in_every_member(REPLICAS, "2");
    for name in ["beijing", "hangzhou"] {
        complete(federation.member(name), 2);
    }
    let sums = "get deployment web -o jsonpath={.status.replicas},{.status.readyReplicas},{.status.observedGeneration}";
    answers(kubectl, sums, "4,4,1");
    kubectl.run("rollout status deployment web --timeout=30s");
    let line = kubectl.run("get deployment web --no-headers");
    assert_eq!(line.split_whitespace().take(4).collect::<Vec<_>>(), ["web", "4/4", "4", "4"]);

    kubectl.run("set image deployment web web=web:2");
    let image = "get deployment web -o jsonpath={.spec.template.spec.containers[0].image}";
    federation.in_every_member(image, "web:2");
    complete(federation.member("beijing"), 2);
    let observed = "get deployment web -o jsonpath={.status.observedGeneration}";
    federation.comes_to_rest();
    assert_eq!(kubectl.run(observed), "1");
    complete(federation.member("hangzhou"), 2);
    answers(kubectl, observed, "2");
}

fn addresses_of_a_service_come_back() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    let kubectl = federation.kubectl();
    kubectl.run("create service loadbalancer web --tcp=80");
    federation.in_every_member("get service web -o jsonpath={.spec.type}", "LoadBalancer");
    federation.member("beijing").set_load_balancer("default", "web", &["192.0.2.1"]);
    let addresses =
        "get service web -o jsonpath={.status.loadBalancer.ingress[*]['ip','hostname']}";
    answers(kubectl, addresses, "192.0.2.1");
    let annotation = "get service web -o jsonpath={.metadata.annotations.federation\\.kubernetes\\.io/service-ingresses}";
    answers(kubectl, annotation, r#"{"items":[{"cluster":"beijing","items":null}]}"#);
    slice(federation.member("beijing"), true);
    answers(
        kubectl,
        annotation,
        r#"{"items":[{"cluster":"beijing","items":[{"ip":"192.0.2.1"}]}]}"#,
    );
    federation.member("hangzhou").set_load_balancer("default", "web", &["lb.example.net"]);
    slice(federation.member("hangzhou"), true);
    answers(
        kubectl,
        annotation,
        r#"{"items":[{"cluster":"beijing","items":[{"ip":"192.0.2.1"}]},{"cluster":"hangzhou","items":[{"hostname":"lb.example.net"}]}]}"#,
    );
    slice(federation.member("beijing"), false);
    answers(
        kubectl,
        annotation,
        r#"{"items":[{"cluster":"beijing","items":null},{"cluster":"hangzhou","items":[{"hostname":"lb.example.net"}]}]}"#,
    );
    assert!(kubectl.run("describe service web").contains("192.0.2.1"));
    let copied = "get service web -o jsonpath={.metadata.annotations}";
    assert_eq!(federation.member("beijing").run(copied), "");
}

fn an_autoscaler_owns_the_replicas() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    let kubectl = federation.kubectl();
    kubectl.run("create deployment web --image=web --replicas=4");
    federation.in_every_member(REPLICAS, "2");
    kubectl.run("autoscale deployment web --min=3 --max=9 --cpu=50%");
    let bounds = "get hpa web -o jsonpath={.spec.minReplicas}..{.spec.maxReplicas}";
    answers(federation.member("beijing"), bounds, "1..4");
    answers(federation.member("hangzhou"), bounds, "2..5");
    let beijing = federation.member("beijing");
    let patch = [
        "patch",
        "deployment",
        "web",
        "--subresource=scale",
        "--type=merge",
        "-p",
        r#"{"spec":{"replicas":5}}"#,
        "--field-manager=kube-controller-manager",
    ];
    beijing.args(&patch);
    // A change of another field takes the number along, if anything does.
    kubectl.run("set image deployment web web=web:2");
    let both =
        "get deployment web -o jsonpath={.spec.template.spec.containers[0].image},{.spec.replicas}";
    answers(beijing, both, "web:2,5");
    answers(federation.member("hangzhou"), both, "web:2,2");
}

fn a_job_with_indexes_runs_in_one_cluster() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    federation.kubectl().apply(
        r#"{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "sum"}, "spec": {
            "parallelism": 2, "completions": 4, "completionMode": "Indexed", "template": {"spec": {
                "restartPolicy": "Never", "containers": [{"name": "sum", "image": "sum"}]}}}}"#,
    );
    federation.kubectl().run("create configmap later");
    federation.in_every_member("get configmap later -o jsonpath={.metadata.name}", "later");
    federation.comes_to_rest();
    let work = "get job -o jsonpath={.items[*].spec.parallelism},{.items[*].spec.completions}";
    let mut works = ["beijing", "hangzhou"].map(|name| federation.member(name).run(work));
    works.sort();
    assert_eq!(works, [",", "2,4"]);
}

fn a_job_is_divided_and_its_status_comes_back() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    let kubectl = federation.kubectl();
    kubectl.apply(
        r#"{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "sum"}, "spec": {
            "parallelism": 2, "completions": 4, "template": {"spec": {"restartPolicy": "Never",
                "containers": [{"name": "sum", "image": "sum"}]}}}}"#,
    );
    federation
        .in_every_member("get job sum -o jsonpath={.spec.parallelism},{.spec.completions}", "1,2");
    let uid = kubectl.run("get job sum -o jsonpath={.metadata.uid}");
    for name in ["beijing", "hangzhou"] {
        let job = federation.member(name).run("get job sum -o json");
        assert!(!job.contains(&uid), "the selector is the member's own: {job}");
        let status = json!({"status": {"startTime": "2026-01-01T00:00:00Z", "active": 0,
            "succeeded": 2, "completionTime": "2026-01-01T00:01:00Z",
            "uncountedTerminatedPods": {}, "conditions": [
                {"type": "SuccessCriteriaMet", "status": "True", "lastTransitionTime": "2026-01-01T00:01:00Z", "lastProbeTime": "2026-01-01T00:01:00Z"},
                {"type": "Complete", "status": "True", "lastTransitionTime": "2026-01-01T00:01:00Z", "lastProbeTime": "2026-01-01T00:01:00Z"}]}});
        set_status(federation.member(name), "job", "sum", &status);
    }
    answers(kubectl, "get job sum -o jsonpath={.status.succeeded}", "4");
    kubectl.run("wait job/sum --for=condition=Complete --timeout=30s");
    // Its work cannot be changed in members, and nothing tries to.
    let status = federation.comes_to_rest();
    assert!(status.clusters.values().all(|it| it.queue.failures.is_empty()), "{status:?}");
}

fn daemon_sets_stateful_sets_and_ingresses_tell_of_all_members() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    let kubectl = federation.kubectl();
    kubectl.apply(&super::objects::of_every_kind("default"));
    federation.in_every_member("get ingress web -o jsonpath={.metadata.name}", "web");
    federation.in_every_member("get statefulset web -o jsonpath={.spec.replicas}", "1");
    federation.in_every_member("get daemonset web -o jsonpath={.metadata.name}", "web");
    for (number, name) in ["beijing", "hangzhou"].into_iter().enumerate() {
        let member = federation.member(name);
        let generation = |kind: &str| -> u64 {
            let text = member.run(&format!("get {kind} web -o jsonpath={{.metadata.generation}}"));
            text.parse().expect("a number")
        };
        let count = number + 2;
        set_status(
            member,
            "daemonset",
            "web",
            &json!({"status": {
            "observedGeneration": generation("daemonset"), "desiredNumberScheduled": count,
            "currentNumberScheduled": count, "updatedNumberScheduled": count, "numberReady": count,
            "numberAvailable": count, "numberMisscheduled": 0}}),
        );
        set_status(
            member,
            "statefulset",
            "web",
            &json!({"status": {
            "observedGeneration": generation("statefulset"), "replicas": 1, "readyReplicas": 1,
            "currentReplicas": 1, "updatedReplicas": 1, "availableReplicas": 1,
            "currentRevision": "web-1", "updateRevision": "web-1"}}),
        );
        let address = json!({"ip": format!("192.0.2.{}", number + 1)});
        let status = json!({"status": {"loadBalancer": {"ingress": [address]}}});
        set_status(member, "ingress", "web", &status);
    }
    answers(
        kubectl,
        "get daemonset web -o jsonpath={.status.desiredNumberScheduled},{.status.numberReady}",
        "5,5",
    );
    kubectl.run("rollout status daemonset web --timeout=30s");
    answers(
        kubectl,
        "get statefulset web -o jsonpath={.status.replicas},{.status.readyReplicas}",
        "2,2",
    );
    kubectl.run("rollout status statefulset web --timeout=30s");
    answers(
        kubectl,
        "get ingress web -o jsonpath={.status.loadBalancer.ingress[*].ip}",
        "192.0.2.1 192.0.2.2",
    );
}

fn an_override_of_a_divided_kind_wins_over_its_share() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    let kubectl = federation.kubectl();
    kubectl.run("create deployment web --image=web --replicas=4");
    federation.in_every_member(REPLICAS, "2");
    let overrides = r#"fedns.io/overrides={"beijing":[{"op":"replace","path":"/spec/replicas","value":7},{"op":"add","path":"/spec/minReadySeconds","value":3}]}"#;
    kubectl.args(&["annotate", "deployment", "web", overrides]);
    let both = "get deployment web -o jsonpath={.spec.replicas},{.spec.minReadySeconds}";
    answers(federation.member("beijing"), both, "7,3");
    answers(federation.member("hangzhou"), both, "2,");
    federation.comes_to_rest();
    kubectl.run("annotate deployment web fedns.io/overrides-");
    answers(federation.member("beijing"), both, "2,");
}

/// Plays the controllers of a member: all replicas are there and ready.
fn complete(member: &Kubectl, replicas: u32) {
    let generation: u64 = member
        .run("get deployment web -o jsonpath={.metadata.generation}")
        .parse()
        .expect("a number");
    let condition = |kind: &str, reason: &str| {
        json!({"type": kind, "status": "True", "reason": reason, "message": "as it should",
            "lastUpdateTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z"})
    };
    let status = json!({"status": {"observedGeneration": generation, "replicas": replicas,
        "updatedReplicas": replicas, "readyReplicas": replicas, "availableReplicas": replicas,
        "conditions": [condition("Available", "MinimumReplicasAvailable"),
            condition("Progressing", "NewReplicaSetAvailable")]}});
    set_status(member, "deployment", "web", &status);
}

fn set_status(member: &Kubectl, kind: &str, name: &str, status: &Value) {
    let change = ["--subresource=status", "--type=merge", "-p"];
    member.args(&[&["patch", kind, name][..], &change, &[&status.to_string()]].concat());
}

/// Plays the endpoint controller, which gives slices the labels of their Service.
fn slice(member: &Kubectl, is_ready: bool) {
    let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": "web-1", "labels": {
            "kubernetes.io/service-name": "web", "fedns.io/federation": "fed"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": is_ready}}]});
    member.apply(&slice.to_string());
}
