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
        [Need::Kubernetes] =>
            a_service_of_two_clusters_stands_at_the_provider,
            one_of_two_servers_writes_and_the_other_takes_over;
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
         providers: [{{kind: alidns, configFile: ./alidns.ini, owner: shop, nameServers: [], endpoint: \"{}\"}}]\n",
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

/// A server on a folder with one Service, among others that ask for the same Lease.
fn replica(alidns: &FakeAliDns, api: &ApiServer) -> Fedns {
    let more = format!(
        "lameDuck: 0s\nservices: {{publish: all, privateAddresses: publish}}\n\
         leaderElection: {{kubeconfig: ./kubeconfig, context: lease, namespace: default, name: fedns}}\n\
         providers: [{{kind: alidns, configFile: ./alidns.ini, owner: shop, nameServers: [], endpoint: \"{}\"}}]\n",
        alidns.endpoint()
    );
    let fedns = Fedns::prepared(&["{name: a, manifests: ./a, region: r}".to_owned()], &more);
    let write = |file: &str, text: &str| {
        fs::write(fedns.home().join(file), text).expect("write a file");
    };
    write("kubeconfig", &kubeconfig(&[api.context()]));
    let key = format!("[Global]\naccess-key-id = {KEY_ID}\naccess-key-secret = {KEY_SECRET}\n");
    write("alidns.ini", &key);
    fs::create_dir(fedns.home().join("a")).expect("make a folder");
    set_address(&fedns, "192.0.2.1");
    fedns
}

fn set_address(fedns: &Fedns, address: &str) {
    let manifest = format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: nginx, namespace: default}}\n\
         spec: {{type: LoadBalancer, ports: [{{port: 80}}]}}\n\
         status: {{loadBalancer: {{ingress: [{{ip: {address}}}]}}}}\n"
    );
    fs::write(fedns.home().join("a/nginx.yaml"), manifest).expect("write a manifest");
}

fn names(address: &str) -> [String; 2] {
    ["nginx.default.fed.svc", "nginx.default.fed.svc.r"]
        .map(|name| format!("{name} A default 180 {address}"))
}

fn hold(alidns: &FakeAliDns, address: &str) {
    let names = names(address);
    holds(alidns, &[&names[0], &names[1]]);
}

/// Waits until the server's mirror stands so.
fn is(fedns: &Fedns, words: &str) {
    tests::eventually::eventually(GENEROUS, words, || {
        let page = fedns.page("/readyz?verbose")?.body;
        if page.contains(words) { Ok(()) } else { Err(page) }
    });
}

fn one_of_two_servers_writes_and_the_other_takes_over() {
    let alidns = FakeAliDns::start();
    alidns.add_domain(DOMAIN, None, Plan::enterprise_standard());
    alidns.put(DOMAIN, NewRecord::new("www", "A", 600, "203.0.113.80"));
    let api = ApiServer::start("lease");
    let (mut first, mut second) = (replica(&alidns, &api), replica(&alidns, &api));
    first.start();
    hold(&alidns, "192.0.2.1");
    is(&first, " InSync, ");
    second.start();
    second.answers("nginx.default.fed.svc.example.com", "NOERROR 192.0.2.1");

    // Both see the change, and one of them writes.
    set_address(&second, "192.0.2.2");
    is(&second, " MayNotWrite, ");
    is(&second, "standby: ");
    hold(&alidns, "192.0.2.1");
    set_address(&first, "192.0.2.2");
    hold(&alidns, "192.0.2.2");

    // A clean stop hands over.
    assert!(first.stop().success());
    set_address(&second, "192.0.2.3");
    hold(&alidns, "192.0.2.3");

    // After a kill, the lease runs out.
    first.start();
    set_address(&first, "192.0.2.4");
    is(&first, " MayNotWrite, ");
    second.kill();
    hold(&alidns, "192.0.2.4");
    let holder = "{.spec.holderIdentity}";
    let lease = api.kubectl().run(&format!("get lease fedns -o jsonpath={holder}"));
    let id = fs::read_to_string(first.home().join("state/writer-id")).expect("the id");
    assert!(lease.ends_with(id.trim()), "{lease}");
}
