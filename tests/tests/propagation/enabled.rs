use serde_json::{Value, json};
use tests::kubectl::Kubectl;
use tests::need::Need;
use tests::suite::Test;

use super::federation::{Federation, answers, is_absent};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            a_kind_is_enabled_and_disabled_while_objects_are_propagated,
            a_definition_goes_to_members_and_what_it_defines_behind_it,
            a_member_that_does_not_serve_a_kind_is_told_and_holds_nothing_up,
            a_right_to_list_that_is_missing_is_told;
    }
}

const POLICY: &str = "get networkpolicy web -o jsonpath={.spec.policyTypes[0]}";

/// An entry for the ConfigMap of the host, which here is the federation, too.
fn entry(version: &str, kind: &str, namespaced: bool) -> Value {
    json!({"apiVersion": version, "kind": kind, "namespaced": namespaced})
}

fn policies() -> Value {
    entry("networking.k8s.io/v1", "NetworkPolicy", true)
}

fn set_kinds(federation: &Federation, kinds: &[(&str, Value)]) {
    let data: serde_json::Map<String, Value> =
        kinds.iter().map(|(name, entry)| ((*name).to_owned(), entry.to_string().into())).collect();
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": data,
        "metadata": {"name": "fedns-kinds", "namespace": "federation-system"}});
    federation.kubectl().apply(&map.to_string());
}

fn policy(name: &str) -> String {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": name, "labels": {"app": "web"}},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}})
    .to_string()
}

/// Of Widgets, with a status.
fn definition() -> String {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                    "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}}]}})
    .to_string()
}

fn define(kubectl: &Kubectl) {
    kubectl.apply(&definition());
    kubectl.run("wait --for=condition=Established crd/widgets.example.com");
}

fn widget(colour: &str) -> String {
    json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "web"},
        "spec": {"colour": colour}})
    .to_string()
}

const COLOUR: &str = "get widgets.example.com web -o jsonpath={.spec.colour}";

fn a_kind_is_enabled_and_disabled_while_objects_are_propagated() {
    let mut federation = Federation::start(&["beijing", "hangzhou"]);
    let name = "networkpolicies.networking.k8s.io";
    federation.kubectl().apply(&policy("web"));
    federation.kubectl().run("create configmap web");
    federation.in_every_member("get configmap web -o jsonpath={.metadata.name}", "web");
    federation.in_no_member("get networkpolicy web");

    set_kinds(&federation, &[(name, policies())]);
    federation.in_every_member(POLICY, "Ingress");
    federation
        .event("CreateInCluster", r#"Created NetworkPolicy "default/web" in cluster beijing"#);
    let status = federation.comes_to_rest();
    assert_eq!(status.enabled_kinds.get(name), Some(&true));
    federation.member("beijing").run("delete networkpolicy web");
    federation.in_every_member(POLICY, "Ingress");
    federation.kubectl().apply(&policy("gone"));
    let gone = "get networkpolicy gone -o jsonpath={.metadata.name}";
    federation.in_every_member(gone, "gone");
    federation.kubectl().run("delete networkpolicy gone");
    federation.in_no_member("get networkpolicy gone");

    // Another process finds it enabled.
    federation.stop_propagator();
    federation.start_propagator();
    federation.kubectl().run("label networkpolicy web tier=front");
    let tier = "get networkpolicy web -o jsonpath={.metadata.labels.tier}";
    federation.in_every_member(tier, "front");

    let mut leaving = policies();
    leaving["leaving"] = true.into();
    set_kinds(&federation, &[(name, leaving)]);
    let finalizers = "get networkpolicy web -o jsonpath={.metadata.finalizers}";
    answers(federation.kubectl(), finalizers, "");
    set_kinds(&federation, &[]);
    federation.status("no kind is enabled", |status| status.enabled_kinds.is_empty());
    federation.kubectl().run("delete networkpolicy web --timeout=30s");
    federation.kubectl().run("create configmap later");
    federation.in_every_member("get configmap later -o jsonpath={.metadata.name}", "later");
    federation.comes_to_rest();
    federation.in_every_member(tier, "front");
}

fn a_definition_goes_to_members_and_what_it_defines_behind_it() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    let definitions = entry("apiextensions.k8s.io/v1", "CustomResourceDefinition", false);
    set_kinds(
        &federation,
        &[
            ("customresourcedefinitions.apiextensions.k8s.io", definitions),
            ("widgets.example.com", entry("example.com/v1", "Widget", true)),
        ],
    );
    define(federation.kubectl());
    federation.kubectl().apply(&widget("red"));
    federation.in_every_member(COLOUR, "red");
    federation.kubectl().apply(&widget("blue"));
    federation.in_every_member(COLOUR, "blue");
    // What a member says of its copy stays there.
    let status = r#"{"status":{"phase":"Done"}}"#;
    let patch = ["patch", "widget", "web", "--subresource=status", "--type=merge", "-p", status];
    federation.member("beijing").args(&patch);
    federation.kubectl().run("delete widget web --timeout=60s");
    federation.in_no_member("get widgets.example.com web");
    let status = federation.comes_to_rest();
    assert!(status.clusters.values().all(|it| it.queue.failures.is_empty()), "{status:?}");
}

fn a_member_that_does_not_serve_a_kind_is_told_and_holds_nothing_up() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    define(federation.kubectl());
    define(federation.member("beijing"));
    set_kinds(&federation, &[("widgets.example.com", entry("example.com/v1", "Widget", true))]);
    federation.kubectl().apply(&widget("red"));
    answers(federation.member("beijing"), COLOUR, "red");
    let words = "it does not serve widgets.example.com in v1";
    federation.event("KindMissing", &format!("cluster hangzhou: {words}"));
    federation.status("a kind is missing", |status| {
        let of = |name: &str| {
            let clusters = status.clusters.iter().find(|(cluster, _)| cluster.as_str() == name);
            clusters.and_then(|(_, cluster)| cluster.queue.unlisted.get("Widget").cloned())
        };
        of("beijing").is_none() && of("hangzhou").as_deref() == Some(words)
    });
    federation.kubectl().run("delete widget web --timeout=30s");
    is_absent(federation.member("beijing"), "get widgets.example.com web");

    federation.kubectl().apply(&widget("blue"));
    define(federation.member("hangzhou"));
    federation.in_every_member(COLOUR, "blue");
}

fn a_right_to_list_that_is_missing_is_told() {
    let mut federation = Federation::start_without_propagator(&["beijing", "hangzhou"]);
    let beijing = federation.member("beijing");
    beijing.run("create clusterrole limited --verb=get,list,watch,create,patch --resource=namespaces,configmaps");
    beijing.run("create clusterrolebinding limited --clusterrole=limited --group=limited");
    federation.limit_member("beijing", "limited");
    set_kinds(&federation, &[("networkpolicies.networking.k8s.io", policies())]);
    federation.start_propagator();
    federation.kubectl().apply(&policy("web"));
    answers(federation.member("hangzhou"), POLICY, "Ingress");
    federation.event(
        "ListInClusterFailed",
        r#"cannot list resource "networkpolicies" in API group "networking.k8s.io" at the cluster scope"#,
    );
    federation.kubectl().run("create secret generic web --from-literal=key=value");
    federation.event("ListInClusterFailed", r#"cannot list resource "secrets" in API group """#);
    // As soon as somebody grants it, it arrives.
    let beijing = federation.member("beijing");
    beijing.run("create clusterrole more --verb=get,list,watch,create,patch --resource=networkpolicies.networking.k8s.io");
    beijing.run("create clusterrolebinding more --clusterrole=more --group=limited");
    answers(beijing, POLICY, "Ingress");
}
