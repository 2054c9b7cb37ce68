use std::fs;
use std::time::Duration;

use tests::api_server::ApiServer;
use tests::eventually::{GENEROUS, eventually_equal};
use tests::external_dns::{Backend, Webhook};
use tests::fakes::alidns::{FakeAliDns, KEY_ID, KEY_SECRET, NewRecord, Plan};
use tests::kubeconfig::kubeconfig;
use tests::kubectl::Node;
use tests::local_dns_helper::LocalDnsHelper;
use tests::moto::Moto;
use tests::name_server::{NameServer, Software, ZONE};
use tests::need::{DIG, KNOTD, NAMED, NSUPDATE, Need, PDNS_SERVER, SQLITE3};
use tests::scene::{ALIDNS_ZONE, Host, HostedZone, ManagedZone, NO_RESOLVER, Scene};
use tests::serving::Fedns;
use tests::suite::Test;
use tests::webhook::StrictWebhook;

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes, Need::Peers] => a_service_of_two_clusters_stands_at_moto;
        [Need::Kubernetes, Need::Peers, Need::CloudDnsPeer] =>
            a_service_of_two_clusters_stands_at_googles_stand_in;
        [Need::Kubernetes, NAMED, DIG, NSUPDATE] => a_service_of_two_clusters_stands_at_bind;
        [Need::Kubernetes, KNOTD, DIG, NSUPDATE] => a_service_of_two_clusters_stands_at_knot;
        [Need::Kubernetes, PDNS_SERVER, SQLITE3, DIG, NSUPDATE] =>
            a_service_of_two_clusters_stands_at_power_dns;
        [Need::Kubernetes, Need::ExternalDns] =>
            a_service_of_two_clusters_stands_behind_a_webhook;
        [Need::Kubernetes] =>
            a_service_of_two_clusters_stands_at_alidns,
            one_of_two_servers_writes_and_the_other_takes_over;
    }
}

pub(super) const DOMAIN: &str = "example.com";
/// As the name servers have it.
const OTHERS: &str = "www 600 A 203.0.113.80\n";
/// The same at AliDNS.
const OTHERS_AT_ALIDNS: &str = "www A default 600 203.0.113.80";

/// What AliDNS holds besides markers.
fn holds(alidns: &FakeAliDns, expect: &[&str]) {
    let mut expect: Vec<String> = expect.iter().map(|line| (*line).to_owned()).collect();
    expect.push(OTHERS_AT_ALIDNS.to_owned());
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

/// From the first address over an endpoint that is not ready to the end, at any provider.
fn lives_at<H: Host>(host: H) {
    let (beijing, hangzhou) = (cluster("beijing"), cluster("hangzhou"));
    let others = host.data_lines();
    let mut scene = Scene::on_contexts(host, &[beijing.context(), hangzhou.context()]);
    scene.configure_with(", holdEmpty: 0s", "");
    scene.start();
    let holds = |scene: &Scene<H>, lines: &[(&str, &str, &str)]| {
        let zone = scene.host.zone();
        let name = |place: &str| format!("nginx.default.fed.svc.{place}{zone}.");
        let ours = lines.iter().map(|(place, record_type, value)| match *record_type {
            "CNAME" => format!("{} 180 CNAME {}", name(place), name(value)),
            _ => format!("{} 180 {record_type} {value}", name(place)),
        });
        let mut expect: Vec<String> = ours.chain(others.iter().cloned()).collect();
        expect.sort();
        eventually_equal(GENEROUS, "what the provider holds", &expect, || scene.host.data_lines());
    };
    expose(&beijing, "192.0.2.1");
    expose(&hangzhou, "198.51.100.1");
    let both = [
        ("", "A", "192.0.2.1"),
        ("", "A", "198.51.100.1"),
        ("cn-beijing.", "A", "192.0.2.1"),
        ("cn-beijing-a.cn-beijing.", "A", "192.0.2.1"),
        ("cn-hangzhou.", "A", "198.51.100.1"),
        ("cn-hangzhou-a.cn-hangzhou.", "A", "198.51.100.1"),
    ];
    holds(&scene, &both);
    endpoint(&beijing, false);
    let failed_over = [
        ("", "A", "198.51.100.1"),
        ("cn-beijing.", "CNAME", ""),
        ("cn-beijing-a.cn-beijing.", "CNAME", "cn-beijing."),
        ("cn-hangzhou.", "A", "198.51.100.1"),
        ("cn-hangzhou-a.cn-hangzhou.", "A", "198.51.100.1"),
    ];
    holds(&scene, &failed_over);
    endpoint(&beijing, true);
    holds(&scene, &both);
    for cluster in [&beijing, &hangzhou] {
        cluster.kubectl().run("delete service nginx");
    }
    holds(&scene, &[]);
}

fn a_service_of_two_clusters_stands_at_alidns() {
    let alidns = FakeAliDns::start();
    alidns.add_domain(ALIDNS_ZONE, None, Plan::enterprise_standard());
    alidns.put(ALIDNS_ZONE, NewRecord::new("www", "A", 600, "203.0.113.80"));
    lives_at(alidns);
}

fn a_service_of_two_clusters_stands_at_moto() {
    let moto = Moto::start();
    lives_at(HostedZone::create(moto.botocore(), "fed.example.com"));
}

fn a_service_of_two_clusters_stands_at_googles_stand_in() {
    let helper = LocalDnsHelper::start(Duration::ZERO);
    lives_at(ManagedZone::create(helper.google(), "fed.example.com"));
}

fn a_service_of_two_clusters_stands_at_bind() {
    lives_at(NameServer::start(Software::Bind, OTHERS));
}

fn a_service_of_two_clusters_stands_at_knot() {
    lives_at(NameServer::start(Software::Knot, OTHERS));
}

fn a_service_of_two_clusters_stands_at_power_dns() {
    lives_at(NameServer::start(Software::PowerDns, OTHERS));
}

fn a_service_of_two_clusters_stands_behind_a_webhook() {
    let server = Webhook::start(Backend::Memory { zone: ZONE }, "");
    lives_at(StrictWebhook::before(server));
}

/// A server on a folder with one Service, among others that ask for the same Lease.
pub(super) fn replica(alidns: &FakeAliDns, api: &ApiServer) -> Fedns {
    let more = format!(
        "lameDuck: 0s\nresolver: {{servers: [\"{NO_RESOLVER}\"]}}\n\
         services: {{publish: all, privateAddresses: publish}}\n\
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

pub(super) fn set_address(fedns: &Fedns, address: &str) {
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

pub(super) fn hold(alidns: &FakeAliDns, address: &str) {
    let names = names(address);
    holds(alidns, &[&names[0], &names[1]]);
}

/// Waits until the server's mirror stands so.
pub(super) fn is(fedns: &Fedns, words: &str) {
    tests::eventually::eventually(GENEROUS, words, || {
        let page = fedns.page("/readyz?verbose")?.body;
        if page.contains(words) { Ok(()) } else { Err(page) }
    });
}

fn one_of_two_servers_writes_and_the_other_takes_over() {
    let alidns = FakeAliDns::start();
    alidns.add_domain(DOMAIN, None, Plan::enterprise_standard());
    alidns.put(DOMAIN, NewRecord::new("www", "A", 600, "203.0.113.80"));
    let mut api = ApiServer::start("lease");
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

    // A lease that cannot be given back is told.
    api.kill();
    assert!(first.stop().success());
    let log = fs::read_to_string(first.home().join("logs/fedns.log")).expect("the log");
    assert!(log.contains("the lease was not given back, another writer waits"), "{log}");
}
