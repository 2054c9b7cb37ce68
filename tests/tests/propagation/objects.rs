use serde_json::{Value, json};
use tests::eventually::{GENEROUS, eventually};
use tests::need::Need;
use tests::suite::Test;

use super::federation::Federation;

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            a_config_map_is_made_changed_and_deleted_in_every_member,
            objects_of_every_kind_appear_with_their_namespace,
            what_a_person_did_in_a_member_is_undone,
            whoever_fights_is_told_and_put_back_later,
            steady_state_writes_nothing,
            a_fresh_federation_writes_nothing,
            what_every_cluster_has_is_never_propagated,
            apply_edit_patch_and_replace_arrive,
            ports_of_a_service_change_and_what_a_member_allocated_stays,
            a_large_config_map_arrives,
            an_immutable_secret_that_differs_is_told;
    }
}

const COLOUR: &str = "get configmap web -o jsonpath={.data.colour}";

fn a_config_map_is_made_changed_and_deleted_in_every_member() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    let kubectl = federation.kubectl();
    kubectl.run("create configmap web --from-literal=colour=red --from-literal=size=1");
    federation.in_every_member(COLOUR, "red");
    federation.in_every_member(
        "get configmap web -o jsonpath={.metadata.labels}",
        r#"{"fedns.io/federation":"fed"}"#,
    );
    federation.event("CreateInCluster", r#"Created ConfigMap "default/web" in cluster beijing"#);
    federation.event("CreateInCluster", r#"Created ConfigMap "default/web" in cluster hangzhou"#);

    kubectl.args(&["patch", "configmap", "web", "-p", r#"{"data":{"colour":"blue","size":null}}"#]);
    federation.in_every_member("get configmap web -o jsonpath={.data}", r#"{"colour":"blue"}"#);
    federation.event("UpdateInCluster", r#"Updated ConfigMap "default/web" in cluster beijing"#);

    kubectl.run("delete configmap web");
    federation.in_no_member("get configmap web");
}

fn objects_of_every_kind_appear_with_their_namespace() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    let kubectl = federation.kubectl();
    kubectl.run("create namespace shop");
    kubectl.apply(&of_every_kind("shop"));
    for kind in [
        "namespace/shop",
        "configmap/web",
        "secret/web",
        "service/web",
        "deployment/web",
        "replicaset/web",
        "daemonset/web",
        "statefulset/web",
        "ingress/web",
        "job/web",
        "horizontalpodautoscaler/web",
    ] {
        let line =
            format!("-n shop get {kind} -o jsonpath={{.metadata.labels.fedns\\.io/federation}}");
        federation.in_every_member(&line, "fed");
    }
    let status = federation.comes_to_rest();
    let failures = status.clusters.values().map(|cluster| cluster.queue.failures.len());
    assert_eq!(failures.sum::<usize>(), 0, "{status:?}");
}

fn what_a_person_did_in_a_member_is_undone() {
    let federation = Federation::start(&["beijing"]);
    federation.kubectl().run("create configmap web --from-literal=colour=red");
    federation.in_every_member(COLOUR, "red");
    let beijing = federation.member("beijing");

    beijing.args(&["patch", "configmap", "web", "-p", r#"{"data":{"colour":"blue"}}"#]);
    federation.in_every_member(COLOUR, "red");
    beijing.args(&["patch", "configmap", "web", "-p", r#"{"data":{"theirs":"kept"}}"#]);
    beijing.run("delete configmap web");
    federation.in_every_member(COLOUR, "red");
    beijing.run("label configmap web fedns.io/federation-");
    let label = "get configmap web -o jsonpath={.metadata.labels.fedns\\.io/federation}";
    federation.in_every_member(label, "fed");
    beijing.args(&["patch", "configmap", "web", "-p", r#"{"data":{"theirs":"kept"}}"#]);
    federation.kubectl().args(&[
        "patch",
        "configmap",
        "web",
        "-p",
        r#"{"data":{"colour":"green"}}"#,
    ]);
    federation.in_every_member(
        "get configmap web -o jsonpath={.data}",
        r#"{"colour":"green","theirs":"kept"}"#,
    );
}

fn whoever_fights_is_told_and_put_back_later() {
    let federation = Federation::start(&["beijing"]);
    federation.kubectl().run("create configmap web --from-literal=colour=red");
    federation.in_every_member(COLOUR, "red");
    let blue = ["patch", "configmap", "web", "-p", r#"{"data":{"colour":"blue"}}"#];
    for _ in 0..3 {
        federation.member("beijing").args(&blue);
        federation.in_every_member(COLOUR, "red");
    }
    federation.event("ChangedInCluster", "is changed again and again by somebody else");
    federation.member("beijing").args(&blue);
    federation.in_every_member(COLOUR, "red");
}

fn steady_state_writes_nothing() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    let kubectl = federation.kubectl();
    kubectl.run("create namespace shop");
    kubectl.apply(&of_every_kind("shop"));
    federation.in_every_member("-n shop get job web -o jsonpath={.metadata.name}", "web");
    federation.in_every_member("-n shop get hpa web -o jsonpath={.metadata.name}", "web");
    federation.comes_to_rest();
    for round in 1..=3 {
        let before = (federation.writes_to_members(), federation.writes_to_federation());
        kubectl.run(&format!("create configmap round-{round}"));
        let line = format!("get configmap round-{round} -o jsonpath={{.metadata.name}}");
        federation.in_every_member(&line, &format!("round-{round}"));
        federation.comes_to_rest();
        let since = |now: Vec<String>, before: &[String]| -> Vec<String> {
            let mut now = now;
            for write in before {
                let place = now.iter().position(|it| it == write).expect("nothing is forgotten");
                now.remove(place);
            }
            now
        };
        let path = format!("PATCH /api/v1/namespaces/default/configmaps/round-{round}");
        assert_eq!(since(federation.writes_to_members(), &before.0), [path.clone(), path.clone()]);
        assert_eq!(since(federation.writes_to_federation(), &before.1), [path]);
    }
}

fn a_fresh_federation_writes_nothing() {
    let federation = Federation::start(&["beijing"]);
    federation.status("all is listed", |status| {
        status.clusters.values().all(|cluster| cluster.queue.unlisted.is_empty())
            && status.federation.unlisted.is_empty()
    });
    federation.comes_to_rest();
    // What comes after all that was there shows that all that was there was decided on.
    federation.kubectl().run("create configmap web --from-literal=colour=red");
    federation.in_every_member(COLOUR, "red");
    let path = "PATCH /api/v1/namespaces/default/configmaps/web";
    assert_eq!(federation.writes_to_members(), [path]);
    assert_eq!(federation.writes_to_federation(), [path]);
    let status = federation.comes_to_rest();
    assert!(status.clusters.values().all(|cluster| cluster.conflicts.is_empty()), "{status:?}");
}

fn what_every_cluster_has_is_never_propagated() {
    let federation = Federation::start(&["beijing"]);
    let kubectl = federation.kubectl();
    kubectl.run("create namespace kube-extra");
    for namespace in ["kube-system", "kube-extra", "federation-system"] {
        kubectl.run(&format!("-n {namespace} create configmap web"));
    }
    kubectl.run("create configmap kube-root-ca.crt");
    kubectl.apply(
        r#"{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token", "annotations":
            {"kubernetes.io/service-account.name": "default"}},
            "type": "kubernetes.io/service-account-token"}"#,
    );
    kubectl.apply(
        r#"{"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "local", "labels": {"fedns.io/local": ""}}}"#,
    );
    kubectl.run("create configmap web --from-literal=colour=red");
    federation.in_every_member(COLOUR, "red");
    federation.comes_to_rest();
    let path = "PATCH /api/v1/namespaces/default/configmaps/web";
    assert_eq!(federation.writes_to_members(), [path]);
    assert_eq!(federation.writes_to_federation(), [path]);
}

fn apply_edit_patch_and_replace_arrive() {
    let federation = Federation::start(&["beijing"]);
    let kubectl = federation.kubectl();
    let map = |data: Value| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": data})
            .to_string()
    };
    let arrives = |data: Value| {
        eventually(GENEROUS, "the data arrives", || {
            let text =
                federation.member("beijing").try_run("get configmap web -o jsonpath={.data}")?;
            let seen: Value = serde_json::from_str(&text).unwrap_or_default();
            if seen == data { Ok(()) } else { Err(text) }
        });
    };
    kubectl.apply(&map(json!({"a": "1", "b": "1"})));
    arrives(json!({"a": "1", "b": "1"}));
    kubectl.apply(&map(json!({"a": "2"})));
    arrives(json!({"a": "2"}));
    let annotations =
        federation.member("beijing").run("get configmap web -o jsonpath={.metadata.annotations}");
    assert_eq!(annotations, "", "what kubectl notes for itself stays in the federation");

    let file = federation.api.scratch().write("map.json", map(json!({"c": "3"})));
    kubectl.args(&["replace", "-f", &file.display().to_string()]);
    arrives(json!({"c": "3"}));
    let file = federation.api.scratch().write("map.json", map(json!({"d": "4"})));
    let file = file.display().to_string();
    kubectl.args(&["apply", "--server-side", "--field-manager=other", "-f", &file]);
    arrives(json!({"c": "3", "d": "4"}));
    kubectl.run("annotate configmap web team=shop");
    kubectl.run("label configmap web tier=front");
    federation
        .in_every_member("get configmap web -o jsonpath={.metadata.annotations.team}", "shop");
    federation.in_every_member("get configmap web -o jsonpath={.metadata.labels.tier}", "front");
    kubectl.run("annotate configmap web team-");
    federation.in_every_member("get configmap web -o jsonpath={.metadata.annotations}", "");
    let finalizers = kubectl.run("get configmap web -o jsonpath={.metadata.finalizers}");
    assert_eq!(finalizers, r#"["fedns.io/propagated"]"#);
}

fn ports_of_a_service_change_and_what_a_member_allocated_stays() {
    let federation = Federation::start(&["beijing"]);
    let (kubectl, beijing) = (federation.kubectl(), federation.member("beijing"));
    kubectl.apply(
        r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec":
            {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [
                {"name": "http", "port": 80}, {"name": "dns", "port": 53, "protocol": "UDP"},
                {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
                {"name": "fixed", "port": 81, "nodePort": 31181}]}}"#,
    );
    let ports =
        "get service web -o jsonpath={range.spec.ports[*]}{.name}={.port}/{.protocol},{end}";
    federation.in_every_member(ports, "http=80/TCP,dns=53/UDP,dns-tcp=53/TCP,fixed=81/TCP,");
    let allocated = "get service web -o jsonpath={.spec.clusterIP},{.spec.ports[0].nodePort}";
    let before = beijing.run(allocated);
    assert_ne!(before, kubectl.run(allocated));
    assert_eq!(beijing.run("get service web -o jsonpath={.spec.ports[3].nodePort}"), "31181");

    let patch = r#"[{"op": "replace", "path": "/spec/ports/0/port", "value": 8080},
        {"op": "remove", "path": "/spec/ports/1"}]"#;
    kubectl.args(&["patch", "service", "web", "--type=json", "-p", patch]);
    let sorted = "get service web -o jsonpath={.spec.ports[*].port}";
    eventually(GENEROUS, "the ports of the member change", || {
        let text = beijing.run(sorted);
        let mut ports: Vec<&str> = text.split(' ').collect();
        ports.sort_unstable();
        if ports == ["53", "8080", "81"] { Ok(()) } else { Err(text) }
    });
    let address = "get service web -o jsonpath={.spec.clusterIP}";
    assert_eq!(beijing.run(address), before.split(',').next().expect("an address"));
    let status = federation.comes_to_rest();
    assert!(status.clusters.values().all(|it| it.queue.failures.is_empty()), "{status:?}");
}

fn a_large_config_map_arrives() {
    let federation = Federation::start(&["beijing"]);
    let text = "x".repeat(1_000_000);
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "large"},
        "data": {"text": text}});
    let file = federation.api.scratch().write("large.json", map.to_string());
    federation.kubectl().args(&["create", "-f", &file.display().to_string()]);
    federation.in_every_member("get configmap large -o jsonpath={.data.text}", &text);
}

fn an_immutable_secret_that_differs_is_told() {
    let federation = Federation::start(&["beijing"]);
    let kubectl = federation.kubectl();
    let secret = |value: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"},
            "immutable": true, "stringData": {"key": value}})
        .to_string()
    };
    kubectl.apply(&secret("one"));
    federation.in_every_member("get secret web -o jsonpath={.data.key}", "b25l");
    // Another of that name, while the first one's copies are let go.
    kubectl.run("delete secret web --cascade=orphan");
    kubectl.apply(&secret("two"));
    kubectl.run("annotate secret web fedns.io/adopt=true");
    federation.event("CreateInClusterFailed", "field is immutable when `immutable` is set");
    federation.in_every_member("get secret web -o jsonpath={.data.key}", "b25l");
    federation.member("beijing").run("delete secret web");
    federation.in_every_member("get secret web -o jsonpath={.data.key}", "dHdv");
}

/// One object of each kind, all named `web`.
pub(super) fn of_every_kind(namespace: &str) -> String {
    let template = json!({"metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": "web:1",
            "env": [{"name": "A", "value": "1"}], "ports": [{"containerPort": 80}],
            "resources": {"requests": {"cpu": "1000m", "memory": "1024Mi"}}}]}});
    let selector = json!({"matchLabels": {"app": "web"}});
    let mut once = template.clone();
    once["spec"]["restartPolicy"] = "Never".into();
    let spec = |kind: &str| match kind {
        "Service" => {
            json!({"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}]})
        }
        "DaemonSet" => json!({"selector": selector, "template": template}),
        "StatefulSet" => json!({"selector": selector, "template": template, "serviceName": "web"}),
        "Ingress" => {
            json!({"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}})
        }
        "Job" => json!({"template": once, "parallelism": 2, "completions": 2}),
        "HorizontalPodAutoscaler" => json!({"minReplicas": 2, "maxReplicas": 4,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "other"}}),
        _ => json!({"selector": selector, "template": template, "replicas": 3}),
    };
    let kinds = [
        ("v1", "Service"),
        ("apps/v1", "Deployment"),
        ("apps/v1", "ReplicaSet"),
        ("apps/v1", "DaemonSet"),
        ("apps/v1", "StatefulSet"),
        ("networking.k8s.io/v1", "Ingress"),
        ("batch/v1", "Job"),
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ];
    let metadata = json!({"name": "web", "namespace": namespace});
    let mut items: Vec<Value> = kinds
        .iter()
        .map(|(version, kind)| {
            json!({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec(kind)})
        })
        .collect();
    for kind in ["ConfigMap", "Secret"] {
        let mut item = json!({"apiVersion": "v1", "kind": kind, "metadata": metadata});
        item["data"] = json!({"key": "dmFsdWU="});
        items.push(item);
    }
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}
