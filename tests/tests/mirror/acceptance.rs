//! What users of other tools suffered, one test for each; the numbers are those of the issues in which
//! they told it. The rest of these stories is in `alidns::limits` (a plan that is too small),
//! `alidns::others` (two owners) and `external_dns` (another tool in the same zone).

use std::sync::{Arc, Mutex};

use tests::api_server::ApiServer;
use tests::eventually::{GENEROUS, eventually, eventually_equal};
use tests::fakes::alidns::{Domains, FakeAliDns, Fault, Injection, NewRecord, Plan};
use tests::fakes::route53::FakeRoute53;
use tests::fault_proxy::{Fault as ApiFault, FaultProxy, Request};
use tests::kubectl::Node;
use tests::need::Need;
use tests::scene::{ALIDNS_ZONE, HostedZone, Scene};
use tests::suite::Test;

use super::alidns::calls_that_write;

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            an_api_server_that_fails_or_shows_nothing_costs_no_record,
            a_status_that_is_empty_for_a_moment_writes_nothing;
        [] =>
            where_one_cluster_of_two_goes_the_name_answers_at_every_moment,
            an_address_of_two_clusters_stays_until_both_have_left_it,
            when_all_services_are_deleted_nothing_of_ours_is_left,
            a_failover_of_one_cluster_of_two_is_never_held,
            four_of_ten_names_that_would_vanish_wait_for_the_right_hash,
            throttling_is_told_once_and_answered_with_few_calls,
            an_owner_that_is_empty_or_common_starts_nothing;
        [Need::Peers] =>
            one_name_that_is_refused_among_a_thousand_is_set_aside;
    }
}

const GLOBAL: &str = "nginx.default.fed.svc";

fn alidns() -> FakeAliDns {
    let alidns = FakeAliDns::start();
    alidns.add_domain(ALIDNS_ZONE, None, Plan::custom(120, 6));
    alidns
}

/// A cluster in a region of its name, with one node.
fn cluster(name: &str) -> ApiServer {
    let cluster = ApiServer::start(name);
    let region = format!("cn-{name}");
    cluster.kubectl().create_node(Node::new("node-1", &region, &format!("{region}-b")));
    cluster
}

fn expose(cluster: &ApiServer, service: &str, address: &str) {
    let manifest = serde_json::json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": service},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
    });
    cluster.kubectl().apply(&manifest.to_string());
    cluster.kubectl().set_load_balancer("default", service, &[address]);
}

/// Hangzhou's next address at the provider: what came before it has been dealt with.
struct Marks(u8);

impl Marks {
    #[track_caller]
    fn next(&mut self, scene: &Scene<FakeAliDns>, hangzhou: &ApiServer) {
        self.0 += 1;
        let address = format!("198.51.100.{}", self.0);
        expose(hangzhou, "mark", &address);
        let line = format!("mark.default.fed.svc A default 180 {address}");
        eventually(GENEROUS, "the mark", || {
            let lines = scene.host.lines(ALIDNS_ZONE);
            if lines.contains(&line) { Ok(()) } else { Err(format!("{lines:?}")) }
        });
        scene.is_in_sync();
    }
}

/// What stands there of `nginx`, with its markers.
fn nginx(scene: &Scene<FakeAliDns>) -> Vec<String> {
    let mut lines = scene.host.lines(ALIDNS_ZONE);
    lines.retain(|line| line.contains("nginx"));
    lines
}

/// ExternalDNS #2858, #3997, #3140.
fn an_api_server_that_fails_or_shows_nothing_costs_no_record() {
    let (mut beijing, hangzhou) = (cluster("beijing"), cluster("hangzhou"));
    expose(&beijing, "nginx", "192.0.2.1");
    let context = beijing.context();
    let proxy = FaultProxy::start(&context);
    let contexts = [context.through(proxy.url()), hangzhou.context()];
    let mut scene = Scene::on_contexts(alidns(), &contexts);
    scene.configure_with(", holdEmpty: 0s", "");
    scene.start();
    let mut marks = Marks(0);
    marks.next(&scene, &hangzhou);
    let before = nginx(&scene);
    assert_eq!(before.len(), 10, "five names and their markers: {before:?}");

    proxy.inject(ApiFault::Status(500));
    proxy.cut();
    scene.fedns.sees("beijing", "Stale ");
    marks.next(&scene, &hangzhou);
    assert_eq!(nginx(&scene), before, "it answers 500");
    proxy.heal();
    scene.fedns.sees("beijing", "Live");

    proxy.inject_where(Request::is_watch, ApiFault::Status(410));
    proxy.inject(ApiFault::EmptyList);
    proxy.cut();
    scene.fedns.sees("beijing", "Stale ListDisagrees");
    marks.next(&scene, &hangzhou);
    assert_eq!(nginx(&scene), before, "its lists are empty");
    proxy.heal();
    scene.fedns.sees("beijing", "Live");

    beijing.kill();
    scene.fedns.sees("beijing", "Stale ");
    marks.next(&scene, &hangzhou);
    assert_eq!(nginx(&scene), before, "it is gone");
    // Neither does a restart of ours, while it is away.
    scene.fedns.kill();
    scene.start();
    marks.next(&scene, &hangzhou);
    assert_eq!(nginx(&scene), before, "it is gone, and we are new");
}

/// ExternalDNS #2677, #1289, #414.
fn a_status_that_is_empty_for_a_moment_writes_nothing() {
    let (beijing, hangzhou) = (cluster("beijing"), cluster("hangzhou"));
    expose(&beijing, "nginx", "192.0.2.1");
    let contexts = [beijing.context(), hangzhou.context()];
    let mut scene = Scene::on_contexts(alidns(), &contexts);
    scene.configure_with(", holdEmpty: 10m", "");
    scene.start();
    let mut marks = Marks(0);
    marks.next(&scene, &hangzhou);
    let of_nginx = |scene: &Scene<FakeAliDns>| {
        let calls =
            scene.host.calls().into_iter().filter(|call| call.action != "DescribeDomainRecords");
        calls.filter(|call| format!("{call:?}").contains("nginx")).count()
    };
    let (before, calls) = (nginx(&scene), of_nginx(&scene));
    assert!(calls > 0, "the calls of nginx are known by its name");
    for addresses in [&[][..], &["192.0.2.1"], &[]] {
        beijing.kubectl().set_load_balancer("default", "nginx", addresses);
        // From the same cluster, so it comes after.
        expose(&beijing, "after", "192.0.2.9");
        marks.next(&scene, &hangzhou);
    }
    assert_eq!((nginx(&scene), of_nginx(&scene)), (before, calls));
}

/// ExternalDNS #1441, #5916, Kuadrant #293: looked at before each call of ours.
fn where_one_cluster_of_two_goes_the_name_answers_at_every_moment() {
    let mut scene = Scene::prepared(alidns());
    scene.start();
    eventually_equal(GENEROUS, "all names", &12, || scene.host.lines(ALIDNS_ZONE).len());
    scene.is_in_sync();
    let standing = nginx_names(&scene);
    assert_eq!(standing.len(), 5, "{standing:?}");
    let gaps = Arc::new(Mutex::new(Vec::new()));
    let look = {
        let (gaps, standing) = (Arc::clone(&gaps), standing.clone());
        move |domains: &mut Domains| {
            let records = domains.records(ALIDNS_ZONE);
            let has_data = |name: &&String| {
                records.iter().any(|it| it.record.rr == **name && it.record.record_type != "TXT")
            };
            let missing = standing.iter().filter(|name| !has_data(name)).cloned();
            gaps.lock().expect("nobody panics with it").extend(missing);
        }
    };
    scene.host.inject(Injection::of(Fault::Meanwhile(Arc::new(look))).times(1000));
    scene.remove("beijing", "nginx");
    eventually_equal(GENEROUS, "the aliases", &2, || aliases(&scene));
    scene.put("beijing", "nginx", "203.0.113.2");
    eventually_equal(GENEROUS, "the addresses", &12, || scene.host.lines(ALIDNS_ZONE).len());
    scene.is_in_sync();
    assert_eq!(nginx_names(&scene), standing);
    assert_eq!(*gaps.lock().expect("nobody panics with it"), Vec::<String>::new());
}

/// Those that have data.
fn nginx_names(scene: &Scene<FakeAliDns>) -> Vec<String> {
    let records = scene.host.records(ALIDNS_ZONE).into_iter();
    let data = records.filter(|it| it.record.record_type != "TXT");
    let mut names: Vec<String> = data.map(|it| it.record.rr).collect();
    names.sort();
    names.dedup();
    names
}

/// ExternalDNS #5916: the clusters announce one address.
fn an_address_of_two_clusters_stays_until_both_have_left_it() {
    let mut scene = Scene::prepared(alidns());
    scene.put("beijing", "nginx", "203.0.113.1");
    scene.start();
    let global = format!("{GLOBAL} A default 180 203.0.113.1");
    let globals = |scene: &Scene<FakeAliDns>| {
        let mut lines = scene.host.lines(ALIDNS_ZONE);
        lines.retain(|line| line.starts_with(&format!("{GLOBAL} ")));
        lines
    };
    eventually_equal(GENEROUS, "the address, once", &vec![global.clone()], || globals(&scene));
    scene.is_in_sync();
    let id = |scene: &Scene<FakeAliDns>| {
        let records = scene.host.records(ALIDNS_ZONE);
        let global = records.iter().find(|it| it.record.rr == GLOBAL);
        global.map(|it| it.id.clone())
    };
    let first = id(&scene);
    scene.remove("beijing", "nginx");
    eventually_equal(GENEROUS, "the aliases", &2, || aliases(&scene));
    scene.is_in_sync();
    assert_eq!((globals(&scene), id(&scene)), (vec![global], first), "nobody touched it");
    scene.remove("hangzhou", "nginx");
    eventually_equal(GENEROUS, "nothing", &Vec::new(), || globals(&scene));
}

/// Kubernetes #36799, federation #251.
fn when_all_services_are_deleted_nothing_of_ours_is_left() {
    let mut scene = Scene::prepared(alidns());
    scene.host.put(ALIDNS_ZONE, NewRecord::new("www", "A", 600, "198.51.100.1"));
    let others = scene.host.lines(ALIDNS_ZONE);
    // The names of Beijing are aliases, up to the global one.
    scene.remove("beijing", "nginx");
    scene.start();
    eventually_equal(GENEROUS, "all records", &12, || scene.host.lines(ALIDNS_ZONE).len());
    scene.remove("hangzhou", "nginx");
    eventually_equal(GENEROUS, "what others have", &others, || scene.host.lines(ALIDNS_ZONE));
    assert!(scene.fedns.stop().success());
    assert_eq!(scene.host.lines(ALIDNS_ZONE), others);
}

/// More than half of the names change, and each keeps an answer.
fn a_failover_of_one_cluster_of_two_is_never_held() {
    let mut scene = Scene::prepared(alidns());
    for (cluster, address) in [("hangzhou", "203.0.113.1"), ("beijing", "203.0.113.2")] {
        scene.put(cluster, "web", address);
        scene.put(cluster, "mail", address);
    }
    scene.start();
    eventually_equal(GENEROUS, "all markers", &16, || texts(&scene));
    scene.is_in_sync();
    for service in ["nginx", "web", "mail"] {
        scene.remove("beijing", service);
    }
    eventually_equal(GENEROUS, "the aliases", &6, || aliases(&scene));
    scene.is_in_sync();
    let log = scene.fedns.process().log();
    assert!(!log.contains("are held"), "{log}");
}

fn aliases(scene: &Scene<FakeAliDns>) -> usize {
    scene.host.lines(ALIDNS_ZONE).iter().filter(|line| line.contains(" CNAME ")).count()
}

fn texts(scene: &Scene<FakeAliDns>) -> usize {
    scene.host.lines(ALIDNS_ZONE).iter().filter(|line| line.contains(" TXT ")).count()
}

/// octoDNS's plan, ExternalDNS PR #6508: held, counted, approved by the hash of what is held and by no
/// other.
fn four_of_ten_names_that_would_vanish_wait_for_the_right_hash() {
    let mut scene = Scene::prepared(alidns());
    scene.put("hangzhou", "web", "203.0.113.3");
    scene.start();
    eventually_equal(GENEROUS, "all records", &22, || scene.host.lines(ALIDNS_ZONE).len());
    scene.is_in_sync();
    // Half of ten names.
    scene.remove("hangzhou", "web");
    scene.is("; held: ");
    let metric = |scene: &Scene<FakeAliDns>| {
        let page = scene.fedns.page("/metrics").expect("a page").body;
        let line = page.lines().find(|line| line.starts_with("fedns_mirror_held_changes{"));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u32>().ok())
    };
    // Three of ten may go in an hour.
    assert_eq!(metric(&scene), Some(2));
    let hash = held_hash(&scene);

    // Another name goes as well, and what was approved is not what is held any more.
    scene.remove("beijing", "nginx");
    scene.remove("hangzhou", "nginx");
    eventually(GENEROUS, "more is held", || match metric(&scene) {
        Some(held) if held > 2 => Ok(()),
        held => Err(format!("{held:?}")),
    });
    let stale = scene.fedns.command(&["plan", "approve", &hash]);
    assert_eq!(stale.status.code(), Some(1));
    let error = String::from_utf8_lossy(&stale.stderr).into_owned();
    assert!(error.contains(&hash), "{error}");
    assert!(!scene.host.lines(ALIDNS_ZONE).is_empty());

    scene.fedns.printed(&["plan", "approve", &held_hash(&scene)]);
    eventually_equal(GENEROUS, "nothing", &Vec::<String>::new(), || scene.host.lines(ALIDNS_ZONE));
}

#[track_caller]
fn held_hash(scene: &Scene<FakeAliDns>) -> String {
    let page = scene.fedns.page("/readyz?verbose").expect("a page").body;
    let (_, rest) = page.split_once("fedns plan approve ").unwrap_or_else(|| panic!("{page}"));
    let is_of_hash = |it: char| it.is_ascii_alphanumeric();
    rest.chars().take_while(|it| is_of_hash(*it)).collect()
}

/// Gardener's external-dns-management #71, #73: ids of requests in the status made a loop of retries.
fn throttling_is_told_once_and_answered_with_few_calls() {
    let mut scene = Scene::prepared(alidns());
    let fault = Fault::Throttle { retry_after: None };
    scene.host.inject(Injection::of(fault).on("DescribeDomainRecords").times(100_000));
    scene.start();
    scene.is("Throttling.User");
    let shown = |scene: &Scene<FakeAliDns>| {
        let page = scene.fedns.page("/readyz?verbose").expect("a page").body;
        page.lines().find(|line| line.contains("mirror ")).map(str::to_owned)
    };
    let first = shown(&scene);
    assert!(first.as_deref().is_some_and(|it| it.contains("Throttling.User")), "{first:?}");
    let calls = scene.host.count("DescribeDomainRecords");
    eventually(GENEROUS, "three more calls", || match scene.host.count("DescribeDomainRecords") {
        count if count >= calls + 3 => Ok(()),
        count => Err(format!("{count} calls")),
    });
    assert_eq!(shown(&scene), first, "the same failure is the same text");
    let log = scene.fedns.process().log();
    let told = log.lines().filter(|line| line.contains("Throttling.User")).count();
    assert_eq!(told, 1, "{log}");
    assert_eq!(calls_that_write(&scene.host), 0);
}

/// Kuadrant #101.
fn an_owner_that_is_empty_or_common_starts_nothing() {
    for (owner, words) in [("\"\"", "1 to 63 letters"), ("default", "choose a word of your own")] {
        let scene = Scene::owned_by(owner, alidns());
        let output = scene.fedns.command(&["serve", "--config", "fedns.yaml"]);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(errors.contains("key \"owner\"") && errors.contains(words), "{errors}");
        assert_eq!(scene.host.calls().len(), 0);
    }
}

/// ExternalDNS #1517, #3307: 200 Services at five names.
fn one_name_that_is_refused_among_a_thousand_is_set_aside() {
    let fake = FakeRoute53::start();
    let refused = "s7.default.fed.svc.cn-hangzhou.fed.example.com.";
    let mut scene = Scene::prepared(HostedZone::create(fake.botocore(), "fed.example.com"));
    fake.protect(refused, "A");
    scene.remove("hangzhou", "nginx");
    scene.remove("beijing", "nginx");
    scene.put_many("hangzhou", 200, "203.0.113.7");
    scene.start();
    scene.is(" Incomplete, ");
    // Each with its marker; beside them stand SOA, NS and the record that says who writes.
    eventually_equal(GENEROUS, "999 names", &(3 + 2 * 999), || fake.set_count(&scene.host.id));
    let plan = scene.fedns.command(&["plan"]);
    let plan = String::from_utf8(plan.stdout).expect("text");
    assert!(
        plan.lines().any(|line| line.contains(refused) && line.contains("protected")),
        "{plan}"
    );
}
