use std::fs;

use tests::api_server::ApiServer;
use tests::eventually::{GENEROUS, eventually_equal};
use tests::fakes::alidns::{FakeAliDns, KEY_ID, KEY_SECRET, NewRecord, Plan};
use tests::kubeconfig::kubeconfig;
use tests::kubectl::Node;
use tests::need::Need;
use tests::serving::Fedns;
use tests::suite::Test;

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] => a_service_of_two_clusters_stands_at_the_provider;
    }
}

const DOMAIN: &str = "example.com";
const OTHERS: &str = "www A default 600 203.0.113.80";

/// What AliDNS holds besides markers.
fn holds(alidns: &FakeAliDns, expect: &[&str]) {
    let mut expect: Vec<String> = expect.iter().map(|line| (*line).to_owned()).collect();
    expect.push(OTHERS.to_owned());
    expect.sort();
    eventually_equal(GENEROUS, "what AliDNS holds", &expect, || {
        let mut lines = alidns.lines(DOMAIN);
        lines.retain(|line| !line.contains(" TXT "));
        lines
    });
}

fn cluster(name: &str) -> ApiServer {
    let cluster = ApiServer::start(name);
    let region = format!("cn-{name}");
    cluster.kubectl().create_node(Node::new("node-1", &region, &format!("{region}-a")));
    cluster
}

fn expose(cluster: &ApiServer, address: &str) {
    let service = r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "nginx"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}"#;
    cluster.kubectl().apply(service);
    cluster.kubectl().set_load_balancer("default", "nginx", &[address]);
}

/// The one endpoint of the Service is ready, or is not.
fn endpoint(cluster: &ApiServer, ready: bool) {
    let slice = serde_json::json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "nginx-1", "labels": {"kubernetes.io/service-name": "nginx"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": ready}}],
        "ports": [{"port": 80}],
    });
    cluster.kubectl().apply(&slice.to_string());
}

fn a_service_of_two_clusters_stands_at_the_provider() {
    let alidns = FakeAliDns::start();
    alidns.add_domain(DOMAIN, None, Plan::enterprise_standard());
    alidns.put(DOMAIN, NewRecord::new("www", "A", 600, "203.0.113.80"));
    let (beijing, hangzhou) = (cluster("beijing"), cluster("hangzhou"));
    let entries = ["beijing", "hangzhou"]
        .map(|name| format!("{{name: {name}, kubeconfig: ./kubeconfig, context: {name}}}"));
    let more = format!(
        "lameDuck: 0s\nservices: {{publish: all, privateAddresses: publish, holdEmpty: 0s}}\n\
         providers: [{{kind: alidns, configFile: ./alidns.ini, owner: shop, endpoint: \"{}\"}}]\n",
        alidns.endpoint()
    );
    let mut fedns = Fedns::prepared(&entries, &more);
    let contexts = [beijing.context(), hangzhou.context()];
    fs::write(fedns.home().join("kubeconfig"), kubeconfig(&contexts)).expect("write a kubeconfig");
    let key = format!("[Global]\naccess-key-id = {KEY_ID}\naccess-key-secret = {KEY_SECRET}\n");
    fs::write(fedns.home().join("alidns.ini"), key).expect("write the key");
    fedns.start();

    expose(&beijing, "192.0.2.1");
    expose(&hangzhou, "198.51.100.1");
    let both = [
        "nginx.default.fed.svc A default 180 192.0.2.1",
        "nginx.default.fed.svc A default 180 198.51.100.1",
        "nginx.default.fed.svc.cn-beijing A default 180 192.0.2.1",
        "nginx.default.fed.svc.cn-beijing-a.cn-beijing A default 180 192.0.2.1",
        "nginx.default.fed.svc.cn-hangzhou A default 180 198.51.100.1",
        "nginx.default.fed.svc.cn-hangzhou-a.cn-hangzhou A default 180 198.51.100.1",
    ];
    holds(&alidns, &both);
    endpoint(&beijing, false);
    holds(
        &alidns,
        &[
            "nginx.default.fed.svc A default 180 198.51.100.1",
            "nginx.default.fed.svc.cn-beijing CNAME default 180 nginx.default.fed.svc.example.com",
            "nginx.default.fed.svc.cn-beijing-a.cn-beijing CNAME default 180 \
             nginx.default.fed.svc.cn-beijing.example.com",
            "nginx.default.fed.svc.cn-hangzhou A default 180 198.51.100.1",
            "nginx.default.fed.svc.cn-hangzhou-a.cn-hangzhou A default 180 198.51.100.1",
        ],
    );
    endpoint(&beijing, true);
    holds(&alidns, &both);
    for cluster in [&beijing, &hangzhou] {
        cluster.kubectl().run("delete service nginx");
    }
    holds(&alidns, &[]);
    eventually_equal(GENEROUS, "all that AliDNS holds", &vec![OTHERS.to_owned()], || {
        alidns.lines(DOMAIN)
    });
}
