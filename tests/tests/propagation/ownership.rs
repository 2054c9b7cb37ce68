use propagator::Standing;
use tests::eventually::{GENEROUS, eventually};
use tests::need::Need;
use tests::suite::Test;

use super::federation::{Federation, answers};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            what_is_not_ours_is_left_alone_until_it_is_adopted,
            a_conflict_is_a_condition_as_long_as_it_lasts,
            a_share_that_meets_a_conflict_goes_to_the_others,
            a_share_comes_back_by_rebalance_once_its_pods_are_ready,
            what_is_adopted_keeps_its_replicas,
            replicas_leave_a_cluster_that_refuses_their_deployment,
            a_namespace_that_exists_is_shared,
            objects_go_where_their_selector_says,
            overrides_differ_per_cluster,
            a_namespace_that_goes_elsewhere_is_told,
            what_is_forbidden_names_the_missing_rule;
    }
}

const COLOUR: &str = "get configmap web -o jsonpath={.data.colour}";

fn what_is_not_ours_is_left_alone_until_it_is_adopted() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    let beijing = federation.member("beijing");
    beijing.run("create configmap web --from-literal=colour=theirs --from-literal=size=1");
    let version = "get configmap web -o jsonpath={.metadata.resourceVersion}";
    let before = beijing.run(version);
    federation.kubectl().run("create configmap web --from-literal=colour=ours");
    answers(federation.member("hangzhou"), COLOUR, "ours");
    federation.event("ConflictInCluster", r#"ConfigMap "default/web" is there already"#);
    let status = federation.status("a conflict", |status| {
        status.clusters.values().any(|cluster| !cluster.conflicts.is_empty())
    });
    let conflicts: Vec<usize> =
        status.clusters.values().map(|cluster| cluster.conflicts.len()).collect();
    assert_eq!(conflicts, [1, 0]);
    assert_eq!(beijing.run(version), before);

    // Without a copy of ours, the object goes and leaves theirs.
    federation.kubectl().run("delete configmap web");
    federation.comes_to_rest();
    assert_eq!(beijing.run(version), before);

    federation.kubectl().run("create configmap web --from-literal=colour=ours");
    federation.kubectl().run("annotate configmap web fedns.io/adopt=true");
    answers(beijing, COLOUR, "ours");
    federation.event("AdoptInCluster", r#"Adopted ConfigMap "default/web" in cluster beijing"#);
    federation.kubectl().run("delete configmap web");
    federation.in_no_member("get configmap web");
}

fn a_conflict_is_a_condition_as_long_as_it_lasts() {
    let mut federation = Federation::start(&["beijing", "hangzhou"]);
    let kubectl = &federation.kubectl().clone();
    let beijing = &federation.member("beijing").clone();
    beijing.run("create service clusterip web --tcp=80");
    beijing.run("create deployment web --image=theirs");
    kubectl.run("create service clusterip web --tcp=80");
    kubectl.run("create deployment web --image=ours --replicas=2");
    for kind in ["service", "deployment"] {
        kubectl.run(&format!(
            "wait {kind}/web --for=condition=fedns.io/Propagated=false --timeout=60s"
        ));
        let path = r#"jsonpath={.status.conditions[?(@.type=="fedns.io/Propagated")].message}"#;
        let message = kubectl.args(&["get", kind, "web", "-o", path]);
        assert!(message.starts_with("cluster beijing: "), "{message}");
        assert!(message.contains("is not this federation's"), "{message}");
    }
    // It is tried again, and as long as it is the same nothing is written.
    let version = "get service,deployment web -o jsonpath={.items[*].metadata.resourceVersion}";
    let before = kubectl.run(version);
    kubectl.run("create configmap later");
    federation.in_every_member("get configmap later -o jsonpath={.metadata.name}", "later");
    assert_eq!(kubectl.run(version), before);

    // What is known stays while its member is away, and when another begins to write meanwhile.
    let condition = r#"jsonpath={.status.conditions[?(@.type=="fedns.io/Propagated")]}"#;
    let conditions =
        || ["service", "deployment"].map(|it| kubectl.args(&["get", it, "web", "-o", condition]));
    let standing = conditions();
    federation.propagator().set_standing("beijing", Standing::Offline);
    let replicas = "get deployment web -o jsonpath={.spec.replicas}";
    answers(federation.member("hangzhou"), replicas, "2");
    federation.comes_to_rest();
    assert_eq!(conditions(), standing);
    federation.stop_propagator();
    federation.start_propagator();
    kubectl.run("create configmap last");
    federation.in_every_member("get configmap last -o jsonpath={.metadata.name}", "last");
    federation.status("the conflicts are found again", |status| {
        status.clusters.values().map(|cluster| cluster.conflicts.len()).sum::<usize>() == 2
    });
    assert_eq!(conditions(), standing);

    beijing.run("delete service,deployment web");
    let conditions = r#"get deployment web -o jsonpath={.status.conditions[?(@.type=="fedns.io/Propagated")].status}"#;
    answers(kubectl, conditions, "");
    answers(kubectl, "get service web -o jsonpath={.status.conditions}", "");
    answers(
        beijing,
        "get deployment web -o jsonpath={.spec.template.spec.containers[0].image}",
        "ours",
    );
}

const REPLICAS: &str = "get deployment web -o jsonpath={.spec.replicas}";
const REBALANCE: &str = r#"federation.kubernetes.io/deployment-preferences={"rebalance":true,"clusters":{"*":{"weight":1}}}"#;

fn a_share_that_meets_a_conflict_goes_to_the_others() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    let (beijing, hangzhou) = (federation.member("beijing"), federation.member("hangzhou"));
    beijing.run("create deployment web --image=theirs --replicas=3");
    federation.kubectl().run("create deployment web --image=ours --replicas=4");
    answers(hangzhou, REPLICAS, "4");
    federation.event("ConflictInCluster", r#"Deployment "default/web" is there already"#);
    assert_eq!(beijing.run(REPLICAS), "3");

    federation.kubectl().run("annotate deployment web fedns.io/adopt=true");
    answers(beijing, REPLICAS, "2");
    answers(hangzhou, REPLICAS, "2");
    federation.event(
        "AdoptInCluster",
        r#"Adopted Deployment "default/web" in cluster beijing and scaled it from 3 to 2 replicas"#,
    );
}

fn a_share_comes_back_by_rebalance_once_its_pods_are_ready() {
    let mut federation = Federation::start(&["beijing", "hangzhou"]);
    let beijing = &federation.member("beijing").clone();
    let hangzhou = &federation.member("hangzhou").clone();
    beijing.run("create deployment web --image=theirs");
    federation.kubectl().run("create deployment web --image=ours --replicas=4");
    federation.kubectl().args(&["annotate", "deployment", "web", REBALANCE]);
    answers(hangzhou, REPLICAS, "4");
    federation.comes_to_rest_but_for_conflicts();
    let generation = "get deployment web -o jsonpath={.metadata.generation}";
    let before = hangzhou.run(generation);

    // Whoever writes next knows of the conflict by the condition, and moves nothing.
    federation.stop_propagator();
    federation.start_propagator();
    federation.kubectl().run("create configmap last");
    federation.in_every_member("get configmap last -o jsonpath={.metadata.name}", "last");
    federation.status("the conflict is found again", |status| {
        status.clusters.values().any(|cluster| !cluster.conflicts.is_empty())
    });
    federation.comes_to_rest_but_for_conflicts();
    assert_eq!(hangzhou.run(generation), before);

    beijing.run("delete deployment web");
    answers(beijing, REPLICAS, "2");
    federation.comes_to_rest();
    assert_eq!(hangzhou.run(REPLICAS), "4", "nothing is ready in beijing yet");
    let ready = r#"{"status":{"replicas":2,"readyReplicas":2}}"#;
    let change = ["--subresource=status", "--type=merge", "-p", ready];
    beijing.args(&[&["patch", "deployment", "web"][..], &change].concat());
    answers(hangzhou, REPLICAS, "2");
}

fn what_is_adopted_keeps_its_replicas() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    let (beijing, hangzhou) = (federation.member("beijing"), federation.member("hangzhou"));
    beijing.run("create deployment web --image=theirs --replicas=5");
    let label = r#"{"app":"web"}"#;
    federation.kubectl().apply(&format!(
        r#"{{"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {{"name": "web", "annotations": {{"fedns.io/adopt": "true"}}}},
            "spec": {{"replicas": 5, "selector": {{"matchLabels": {label}}}, "template": {{
                "metadata": {{"labels": {label}}},
                "spec": {{"containers": [{{"name": "theirs", "image": "ours"}}]}}}}}}}}"#
    ));
    let event = r#"Adopted Deployment "default/web" in cluster beijing with its replicas: 5"#;
    federation.event("AdoptInCluster", event);
    answers(hangzhou, REPLICAS, "0");
    federation.comes_to_rest();
    assert_eq!((beijing.run(REPLICAS), hangzhou.run(REPLICAS)), ("5".into(), "0".into()));
    federation.kubectl().run("scale deployment web --replicas=6");
    answers(hangzhou, REPLICAS, "1");
    assert_eq!(beijing.run(REPLICAS), "5");
}

fn replicas_leave_a_cluster_that_refuses_their_deployment() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    let (beijing, hangzhou) = (federation.member("beijing"), federation.member("hangzhou"));
    beijing.run("create quota none --hard=count/deployments.apps=0");
    // Nobody else counts there.
    let counted = r#"{"status":{"hard":{"count/deployments.apps":"0"},"used":{"count/deployments.apps":"0"}}}"#;
    let change = ["--subresource=status", "--type=merge", "-p", counted];
    beijing.args(&[&["patch", "quota", "none"][..], &change].concat());
    eventually(GENEROUS, "the quota counts", || {
        match beijing.try_run("create deployment other --image=other --dry-run=server") {
            Err(error) if error.contains("quota") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    federation.kubectl().run("create deployment web --image=web --replicas=4");
    answers(hangzhou, REPLICAS, "4");
    federation.event("CreateInClusterFailed", "quota");
    beijing.run("delete quota none");
    answers(beijing, REPLICAS, "0");
}

fn a_namespace_that_exists_is_shared() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    let (kubectl, beijing) = (federation.kubectl(), federation.member("beijing"));
    beijing.run("create namespace shop");
    let version = "get namespace shop -o jsonpath={.metadata.resourceVersion}";
    let before = beijing.run(version);
    kubectl.run("create namespace shop");
    kubectl.run("-n shop create configmap web --from-literal=colour=red");
    federation.in_every_member(&format!("-n shop {COLOUR}"), "red");
    federation.comes_to_rest();
    assert_eq!(beijing.run(version), before);
    let label = "get namespace shop -o jsonpath={.metadata.labels.fedns\\.io/federation}";
    assert_eq!(federation.member("hangzhou").run(label), "fed");
}

fn objects_go_where_their_selector_says() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    let kubectl = federation.kubectl();
    let (beijing, hangzhou) = (federation.member("beijing"), federation.member("hangzhou"));
    kubectl.apply(
        r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "annotations": {
            "federation.alpha.kubernetes.io/cluster-selector":
                "[{\"key\": \"name\", \"operator\": \"in\", \"values\": [\"beijing\"]}]"}},
            "data": {"colour": "red"}}"#,
    );
    answers(beijing, COLOUR, "red");
    let other = r#"federation.alpha.kubernetes.io/cluster-selector=[{"key":"name","operator":"=","values":["hangzhou"]}]"#;
    kubectl.args(&["annotate", "--overwrite", "configmap", "web", other]);
    answers(hangzhou, COLOUR, "red");
    super::federation::is_absent(beijing, "get configmap web");
    assert_eq!(hangzhou.run("get configmap web -o jsonpath={.metadata.annotations}"), "");

    let none = r#"federation.alpha.kubernetes.io/cluster-selector=[{"key":"name","operator":"=","values":["nowhere"]}]"#;
    kubectl.args(&["annotate", "--overwrite", "configmap", "web", none]);
    federation.event("NoClusterSelected", "beijing");
    federation.in_no_member("get configmap web");

    // What was meant is not known: nothing is made and nothing is taken away.
    kubectl.args(&["annotate", "--overwrite", "configmap", "web", other]);
    answers(hangzhou, COLOUR, "red");
    let broken = "federation.alpha.kubernetes.io/cluster-selector=beijing";
    kubectl.args(&["annotate", "--overwrite", "configmap", "web", broken]);
    federation.event("InvalidAnnotation", "federation.alpha.kubernetes.io/cluster-selector");
    federation.comes_to_rest();
    assert_eq!(hangzhou.run(COLOUR), "red");
}

fn overrides_differ_per_cluster() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    federation.kubectl().apply(
        r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "annotations": {
            "fedns.io/overrides": "{\"beijing\": [{\"op\": \"replace\", \"path\": \"/data/colour\", \"value\": \"blue\"}]}"}},
            "data": {"colour": "red"}}"#,
    );
    answers(federation.member("beijing"), COLOUR, "blue");
    answers(federation.member("hangzhou"), COLOUR, "red");
}

fn a_namespace_that_goes_elsewhere_is_told() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    let kubectl = federation.kubectl();
    kubectl.apply(
        r#"{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "annotations": {
            "federation.alpha.kubernetes.io/cluster-selector":
                "[{\"key\": \"name\", \"operator\": \"in\", \"values\": [\"beijing\"]}]"}}}"#,
    );
    kubectl.run("-n shop create configmap web --from-literal=colour=red");
    answers(federation.member("beijing"), &format!("-n shop {COLOUR}"), "red");
    federation.event("NamespaceMissing", "cluster hangzhou has no namespace \"shop\"");
}

fn what_is_forbidden_names_the_missing_rule() {
    let mut federation = Federation::start_without_propagator(&["beijing", "hangzhou"]);
    let beijing = federation.member("beijing");
    beijing.run("create clusterrole most --verb=get,list,watch --resource=*.*");
    beijing.run("create clusterrole maps --verb=get,list,watch,create,patch,update,delete --resource=configmaps");
    for role in ["most", "maps"] {
        beijing
            .run(&format!("create clusterrolebinding {role} --clusterrole={role} --group=limited"));
    }
    federation.limit_member("beijing", "limited");
    federation.start_propagator();
    federation.kubectl().run("create configmap web --from-literal=colour=red");
    federation.in_every_member(COLOUR, "red");
    federation.kubectl().run("create secret generic web --from-literal=key=value");
    federation.event(
        "CreateInClusterFailed",
        r#"cannot patch resource "secrets" in API group "" in the namespace "default""#,
    );
    answers(federation.member("hangzhou"), "get secret web -o jsonpath={.data.key}", "dmFsdWU=");
}
