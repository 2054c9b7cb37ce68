//! Texts and what is found in them.

use super::*;

/// The keys of the objects, or `line:column: message`.
#[track_caller]
fn check(format: Format, text: &str, expect: &str) {
    let found = match parse(format, text) {
        Ok(Parsed { objects, .. }) => {
            let keys: Vec<String> = objects.iter().map(|object| object.key().to_string()).collect();
            keys.join(", ")
        }
        Err(Finding { line, column, message }) => format!("{line}:{column}: {message}"),
    };
    assert_eq!(found, expect, "{text}");
}

const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: n}\n";
const NODE: &str = "kind: Node\nmetadata: {name: n1}\napiVersion: v1\n";

#[test]
fn a_yaml_file_holds_one_document_or_several() {
    check(Format::Yaml, SERVICE, "Service n/a");
    check(Format::Yaml, &format!("{SERVICE}---\n{NODE}"), "Service n/a, Node n1");
    check(
        Format::Yaml,
        &format!("---\n# first\n{SERVICE}...\n---  # second\n{NODE}---\n"),
        "Service n/a, Node n1",
    );
    check(Format::Yaml, &format!("%YAML 1.2\n---\n{SERVICE}"), "Service n/a");
    check(Format::Yaml, &format!("\u{feff}{SERVICE}"), "Service n/a");
    check(Format::Yaml, "--- {apiVersion: v1, kind: Node, metadata: {name: x}}\n", "Node x");
    check(Format::Yaml, "", "");
    check(Format::Yaml, "# nothing\n---\n# here\n", "");
    check(Format::Yaml, "---\nnull\n", "");
}

#[test]
fn three_dashes_inside_a_text_divide_nothing() {
    let text = "apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n    ---\n    x\n";
    check(Format::Yaml, &format!("{text}---\n{SERVICE}"), "Service n/a");
}

#[test]
fn lists_of_v1_are_opened() {
    let list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata: {name: a}\n- kind: Secret\n  apiVersion: v1\n- null\n";
    check(Format::Yaml, list, "Service default/a");
    check(
        Format::Yaml,
        "apiVersion: v1\nkind: NodeList\nitems:\n- metadata: {name: x}\n",
        "Node x",
    );
    check(Format::Yaml, "apiVersion: v1\nkind: List\nitems:\n", "");
    check(
        Format::Yaml,
        "apiVersion: v1\nkind: List\nitems:\n- null\n- 5\n",
        "5:3: items[1]: found 5, wanted a map of fields; correct it",
    );
    check(
        Format::Yaml,
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSliceList\nitems:\n- metadata: {name: x}\n",
        "EndpointSlice default/x",
    );
}

#[test]
fn other_kinds_are_ignored_whatever_they_look_like() {
    check(
        Format::Yaml,
        "apiVersion: apps/v1\nkind: Deployment\nspec: {selector: {matchLabels: {a: b}}, type: 3}\n",
        "",
    );
    check(Format::Yaml, "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: 7\n", "");
    check(Format::Yaml, "replicas: 3\n", "");
}

#[test]
fn what_is_wrong_is_told_by_place_key_found_and_wanted() {
    let yaml = |rest: &str, expect: &str| check(Format::Yaml, rest, expect);
    let service = |rest: &str, expect: &str| {
        let text = format!("{NODE}---\napiVersion: v1\nkind: Service\n{rest}\n");
        check(Format::Yaml, &text, expect);
    };
    service(
        "metadata: {name: a}\nspec: {ports: [{port: http}]}",
        "8:23: spec.ports[0].port: found \"http\", wanted a number from 0 to 65535, like 80; correct it",
    );
    service(
        "metadata: {name: a}\nspec: {ports: [{port: 1}, {port: 70000}]}",
        "8:34: spec.ports[1].port: found 70000, wanted a number from 0 to 65535, like 80; correct it",
    );
    service(
        "metadata: {name: a}\nspec: {ports: [{name: a}]}",
        "8:16: spec.ports[0].port: found nothing, wanted a number from 0 to 65535, like 80; add port",
    );
    service(
        "metadata: {name: a}\nspec: {ports: {port: 1}}",
        "8:15: spec.ports: found a map, wanted a list; correct it",
    );
    service(
        "metadata: {namespace: shop}",
        "7:11: metadata.name: found nothing, wanted a name like nginx; add name",
    );
    service(
        "metadata: [a]",
        "7:11: metadata: found a list, wanted a map with the field name; correct it",
    );
    service(
        "spec: {}",
        "5:1: metadata: found nothing, wanted a map with the field name; add metadata",
    );
    service(
        "metadata: {name: a, labels: {a: [b]}}",
        "7:33: metadata.labels.a: found a list, wanted a text; correct it",
    );
    service(
        "metadata: {name: 1, namespace: n, labels: {a: yes}}\nspec: {ports: [7]}",
        "8:16: spec.ports[0]: found 7, wanted a map with the field port; correct it",
    );
    service(
        "metadata: {name: a}\nstatus: {loadBalancer: {ingress: [192.0.2.1]}}",
        "8:35: status.loadBalancer.ingress[0]: found \"192.0.2.1\", wanted a map of fields; correct it",
    );
    yaml(
        "kind: [\n",
        "1:7: found unclosed bracket '[', wanted YAML; correct the bracket, quote, key or indentation there",
    );
    yaml("kind: [a]\n", "1:7: kind: found a list, wanted a kind like Service; correct it");
    yaml("a: b\nkind: c\nkind: d\n", "3:1: kind: found twice, wanted once; remove one of the two");
    yaml("- a\n", "1:1: the document: found a list, wanted a map of fields; correct it");
    yaml(
        "apiVersion: v1\nkind: List\nitems: {a: b}\n",
        "3:8: items: found a map, wanted a list; correct it",
    );
    yaml(
        "apiVersion: v1\nkind: NodeList\nitems: [{metadata: {name: yes}}]\n",
        "3:27: items[0].metadata.name: found true, wanted a name like nginx; put it in quotes",
    );
    let list = "# a list\n---\napiVersion: v1\nkind: List\nitems:\n";
    yaml(
        &format!("{list}- {{apiVersion: v1, kind: Node}}\n"),
        "6:3: items[0].metadata: found nothing, wanted a map with the field name; add metadata",
    );
    yaml(
        &format!("{list}- {{apiVersion: v1, kind: Service, metadata: {{name: A}}}}\n"),
        "6:52: items[0].metadata.name: found \"A\", wanted lower-case letters, digits and hyphens, with no hyphen at an end; rename it",
    );
}

#[test]
fn names_that_no_api_server_takes_are_refused() {
    let wanted =
        "wanted lower-case letters, digits and hyphens, with no hyphen at an end; rename it";
    for (rest, place, found) in [
        ("metadata: {name: '*'}", "7:18", "metadata.name: found \"*\""),
        ("metadata: {name: a.b}", "7:18", "metadata.name: found \"a.b\""),
        ("metadata: {name: -a}", "7:18", "metadata.name: found \"-a\""),
        ("metadata: {name: a, namespace: Up}", "7:32", "metadata.namespace: found \"Up\""),
        (
            "metadata: {name: a}\nspec: {ports: [{name: a b, port: 80}]}",
            "8:23",
            "spec.ports[0].name: found \"a b\"",
        ),
    ] {
        let text = format!("{NODE}---\napiVersion: v1\nkind: Service\n{rest}\n");
        check(Format::Yaml, &text, &format!("{place}: {found}, {wanted}"));
    }
}

/// What is said of a text that is read.
#[track_caller]
fn check_slips(text: &str, expect: &[&str]) {
    let slips = parse(Format::Yaml, text).unwrap().slips;
    let found: Vec<String> =
        slips.iter().map(|it| format!("{}:{}: {}", it.line, it.column, it.message)).collect();
    assert_eq!(found, expect, "{text}");
}

#[test]
fn slips_of_the_pen_are_told_with_the_nearest_word() {
    check_slips(
        "apiVersion: v1\nkind: Sevice\nmetadata: {name: a}\n",
        &[
            "2:7: kind: found \"Sevice\", which Kubernetes does not have, so the object is ignored; wanted Service? correct it",
        ],
    );
    check_slips(
        "apiVersion: v1\nkind: service\n",
        &[
            "2:7: kind: found \"service\", which Kubernetes does not have, so the object is ignored; wanted Service? correct it",
        ],
    );
    // A key that is merged in and said again stands there once.
    check_slips(
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  <<: {type: X, port: []}\n  type: LoadBalancer\n",
        &[
            "5:7: spec.port: found a field that Kubernetes does not have, so it is ignored; wanted ports? rename it",
        ],
    );
    check_slips(
        "apiVersion: v1\nmetadata: {name: a}\n",
        &["1:1: kind: found nothing, so the object is ignored; wanted one like Service; add kind"],
    );
    check_slips(
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items: []\n",
        &[
            "5:9: items[0].kind: found \"List\" as an item of a list, so it is ignored; wanted its items; put them in its place",
        ],
    );
    check_slips(
        "kind: Service\nmetadata: {name: a}\n",
        &["1:1: apiVersion: found nothing, so this Service is ignored; wanted v1? correct it"],
    );
    check_slips(
        "apiVersion: v1\nKind: Service\n",
        &[
            "2:1: Kind: found a field that Kubernetes does not have, so the object is ignored; wanted kind? rename it",
        ],
    );
    check_slips(
        "apiVersion: discovery.k8s.io/v2\nkind: EndpointSlice\n",
        &[
            "1:13: apiVersion: found \"discovery.k8s.io/v2\", so this EndpointSlice is ignored; wanted discovery.k8s.io/v1? correct it",
        ],
    );
    check_slips(
        "apiVersion: v1\nkind: EndpointSlice\n",
        &[
            "1:13: apiVersion: found \"v1\", so this EndpointSlice is ignored; wanted discovery.k8s.io/v1? correct it",
        ],
    );
    let service = |rest: &str, expect: &[&str]| check_slips(&format!("{SERVICE}{rest}"), expect);
    service(
        "status: {loadBalancr: {ingress: [{ip: 192.0.2.1}]}}\n",
        &[
            "4:10: status.loadBalancr: found a field that Kubernetes does not have, so it is ignored; wanted loadBalancer? rename it",
        ],
    );
    service(
        "status: {loadBalancer: {ingres: [{ip: 192.0.2.1}]}}\n",
        &[
            "4:25: status.loadBalancer.ingres: found a field that Kubernetes does not have, so it is ignored; wanted ingress? rename it",
        ],
    );
    service(
        "status: {loadBalancer: {ingress: [{ip: 192.0.2.1}, {hostnme: a}]}}\n",
        &[
            "4:53: status.loadBalancer.ingress[1].hostnme: found a field that Kubernetes does not have, so it is ignored; wanted hostname? rename it",
        ],
    );
    service(
        "stauts: {}\n",
        &[
            "4:1: stauts: found a field that Kubernetes does not have, so it is ignored; wanted status? rename it",
        ],
    );
    service(
        "spec: {type: Loadbalancer}\n",
        &[
            "4:14: spec.type: found \"Loadbalancer\", which Kubernetes does not have; wanted LoadBalancer? correct it",
        ],
    );
    let slice = "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n";
    check_slips(
        &format!("{slice}metadata: {{name: a, labels: {{kubernetes.io/servicename: a}}}}\n"),
        &[
            "3:30: metadata.labels.kubernetes.io/servicename: found a key that means nothing; wanted kubernetes.io/service-name? rename it",
        ],
    );
    check_slips(
        &format!("{slice}metadata: {{name: a}}\nendpoints: [{{condition: {{ready: true}}}}]\n"),
        &[
            "4:14: endpoints[0].condition: found a field that Kubernetes does not have, so it is ignored; wanted conditions? rename it",
        ],
    );
    check_slips(
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Nde\n- apiVersion: v1\n  kind: Node\n  metadata: {name: a, lables: {}}\n",
        &[
            "5:9: items[0].kind: found \"Nde\", which Kubernetes does not have, so the object is ignored; wanted Node? correct it",
            "8:23: items[1].metadata.lables: found a field that Kubernetes does not have, so it is ignored; wanted labels? rename it",
        ],
    );
}

#[test]
fn what_kubernetes_has_and_what_is_somebody_elses_is_no_slip() {
    check_slips("apiVersion: apps/v1\nkind: Deployment\nspec: {}\n", &[]);
    check_slips("apiVersion: serving.knative.dev/v1\nkind: Service\n", &[]);
    check_slips("apiVersion: example.net/v1\nkind: Servce\n", &[]);
    for kind in ["Pod", "Secret", "ServiceAccount", "Endpoints", "ConfigMap", "Frobnicator"] {
        check_slips(&format!("apiVersion: v1\nkind: {kind}\n"), &[]);
    }
    check_slips("replicas: 3\nking: of the hill\n", &[]);
    let whole = "metadata:
  name: a
  uid: 1
  creationTimestamp: 2026-01-01T00:00:00Z
  labels: {app: web, app.kubernetes.io/name: web}
  annotations: {fedns.io/exclude: 'true', example.net/exlude: 'x'}
  ownerReferences: []
  managedFields: []
spec:
  type: LoadBalancer
  clusterIP: 10.0.0.1
  ipFamilies: [IPv4]
  ports: [{name: http, protocol: TCP, appProtocol: http, port: 80, targetPort: web, nodePort: 30080}]
  selector: {}
status:
  conditions: []
  loadBalancer:
    ingress: [{ip: 192.0.2.1, ipMode: VIP, ports: [{port: 80, protocol: TCP}]}, {hostname: a.example.net}]
";
    check_slips(&format!("apiVersion: v1\nkind: Service\n{whole}"), &[]);
}

#[test]
fn json_is_read_as_well() {
    let service = r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}"#;
    check(Format::Json, service, "Service default/a");
    check(
        Format::Json,
        &format!("{service}\n\n{service}\n"),
        "Service default/a, Service default/a",
    );
    check(
        Format::Json,
        &format!(r#"{{"apiVersion": "v1", "items": [{service}], "kind": "List"}}"#),
        "Service default/a",
    );
    check(Format::Json, &format!("\u{feff}{service}"), "Service default/a");
    check(Format::Json, "", "");
    check(
        Format::Json,
        "{\n  \"kind\": ",
        "2:10: found EOF while parsing a value, wanted JSON; correct the bracket, quote or comma there",
    );
    check(
        Format::Json,
        &format!("{service}\n{{\"apiVersion\": \"v1\", \"kind\": \"Node\",\n \"metadata\": 7}}"),
        "3:14: metadata: found 7, wanted a map with the field name; correct it",
    );
    let twice =
        r#"{"apiVersion": "v1", "kind": "Pod", "kind": "Service", "metadata": {"name": "a"}}"#;
    check(Format::Json, twice, "1:42: duplicate field `kind`");
}

#[test]
fn json_may_be_indented_with_tabs() {
    let text = "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Node\",\n\t\"metadata\": {\n\t\t\"name\": 7\n\t}\n}\n";
    let found = "5:11: metadata.name: found 7, wanted a name like nginx; put it in quotes";
    check(Format::Json, text, found);
}

#[test]
fn a_large_file_is_no_attack() {
    let text = format!("{SERVICE}more: [{}]\n", "1,".repeat(300_000));
    check(Format::Yaml, &text, "Service n/a");
}

#[test]
fn addresses_that_are_none_are_refused() {
    let status =
        |ip: &str| format!("{SERVICE}status:\n  loadBalancer:\n    ingress: [{{ip: {ip}}}]\n");
    for good in ["192.0.2.10", "'2001:db8::1'", "''", "~"] {
        check(Format::Yaml, &status(good), "Service n/a");
    }
    for bad in ["192.0.2.300", "192.0.2.10/32", "192.0.2.010", "2001:db8::g", "lb.example.org"] {
        let message = format!(
            "6:20: status.loadBalancer.ingress[0].ip: found {bad:?}, wanted an IP address like \
             192.0.2.10; correct it"
        );
        check(Format::Yaml, &status(bad), &message);
    }
    let list = r#"{"apiVersion": "v1", "kind": "List", "items": [
  {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"},
   "status": {"loadBalancer": {"ingress": [{"ip": "x"}]}}}]}"#;
    check(
        Format::Json,
        list,
        "3:51: items[0].status.loadBalancer.ingress[0].ip: found \"x\", wanted an IP address like \
         192.0.2.10; correct it",
    );
}
