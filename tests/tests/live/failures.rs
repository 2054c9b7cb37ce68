use tests::api_server::{ApiServer, Options, User};
use tests::fault_proxy::{Fault, FaultProxy, Request};
use tests::kubectl::Node;
use tests::need::Need;
use tests::serving::Fedns;
use tests::suite::Test;

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            killed,
            stopped,
            answering_500,
            answering_empty_lists,
            replaced_by_another_cluster,
            its_resource_versions_expired,
            its_user_withdrawn,
            its_rights_withdrawn;
    }
}

/// Two clusters that run `web`; `only` runs in Beijing alone, so nobody else keeps its names alive.
/// Beijing is reached through a proxy, with a user that may do what fedns needs and no more.
struct Scene {
    fedns: Fedns,
    proxy: FaultProxy,
    beijing: ApiServer,
    hangzhou: ApiServer,
}

const USER_RIGHTS: &str = "create clusterrole reader --verb=get,list,watch \
    --resource=services,endpointslices.discovery.k8s.io,nodes,namespaces";
const GRANT: &str = "create clusterrolebinding reader --clusterrole=reader --group=readers";

const ONLY: &str = "only.default.fed.svc.example.com";
const ONLY_REGION: &str = "only.default.fed.svc.cn-beijing.example.com";
const ONLY_ZONE: &str = "only.default.fed.svc.cn-beijing-a.cn-beijing.example.com";
const WEB: &str = "web.default.fed.svc.example.com";
const WEB_BEIJING: &str = "web.default.fed.svc.cn-beijing.example.com";

fn killed() {
    let mut scene = Scene::start();
    scene.beijing.kill();
    scene.is_frozen("Unreachable: ", "its API server does not answer: ");
    scene.beijing.restart();
    scene.recovers();
}

fn stopped() {
    let scene = Scene::start();
    scene.beijing.pause();
    scene.is_frozen("Unreachable: ", "its API server does not answer: ");
    scene.beijing.resume();
    scene.recovers();
}

fn answering_500() {
    let scene = Scene::start();
    scene.proxy.inject(Fault::Status(500));
    scene.proxy.cut();
    scene.is_frozen("NotReady: ", "its API server is not ready: ");
    // What happens meanwhile is not lost either.
    load_balance(&scene.beijing, "only", "192.0.2.11");
    scene.proxy.heal();
    scene.fedns.answers(ONLY_ZONE, "NOERROR 192.0.2.11");
    scene.recovers();
}

/// Nothing has gone wrong as far as one can see: watches end as they do when a history has expired,
/// and complete lists follow, with no object in them.
fn answering_empty_lists() {
    let scene = Scene::start();
    scene.proxy.inject_where(Request::is_watch, Fault::Status(410));
    scene.proxy.inject(Fault::EmptyList);
    scene.proxy.cut();
    scene.is_frozen("ListDisagrees: ", "its lists disagree with what it has: ");
    scene.proxy.heal();
    scene.recovers();
}

fn replaced_by_another_cluster() {
    let mut scene = Scene::start();
    scene.beijing.replace_by_new_cluster();
    // It admits the same user, and it is not empty: what it has must not get in by itself.
    grant_rights(&scene.beijing);
    populate(&scene.beijing, "cn-beijing", &[("web", "203.0.113.1"), ("only", "203.0.113.2")]);
    scene.is_frozen("ClusterChanged: ", "another cluster answers at its address: ");

    scene.fedns.printed(&["clusters", "accept", "beijing"]);
    scene.fedns.answers(ONLY_ZONE, "NOERROR 203.0.113.2");
    assert_eq!(scene.fedns.ask(WEB_BEIJING), "NOERROR 203.0.113.1");
    scene.fedns.sees("beijing", "Live");
    load_balance(&scene.beijing, "only", "203.0.113.3");
    scene.fedns.answers(ONLY, "NOERROR 203.0.113.3");
}

/// The cluster is away for a moment, and the history that fedns knows is gone when it is back.
fn its_resource_versions_expired() {
    let mut scene = Scene::start();
    scene.proxy.refuse();
    // Nobody will ever tell of these two in a watch.
    scene.beijing.kubectl().run("delete service web");
    load_balance(&scene.beijing, "only", "192.0.2.11");
    scene.beijing.expire_resource_versions();
    let lists_before = scene.full_lists();
    scene.proxy.heal();

    scene.fedns.answers(ONLY_ZONE, "NOERROR 192.0.2.11");
    scene.fedns.answers(WEB, "NOERROR 198.51.100.1");
    assert!(scene.full_lists() > lists_before, "a new list is the only way to know this");
    scene.fedns.sees("beijing", "Live");
    let log = scene.fedns.process().log();
    assert!(!log.contains("the cluster is stale"), "{log}");
}

fn its_user_withdrawn() {
    let mut scene = Scene::start();
    scene.beijing.set_users(Vec::new());
    scene.is_frozen("Forbidden: ", "credentials or rights are missing: ");
    scene.beijing.set_users(vec![user()]);
    scene.recovers();
}

/// The user is known and may do nothing any more; watches that run already go on until they end.
fn its_rights_withdrawn() {
    let scene = Scene::start();
    scene.beijing.kubectl().run("delete clusterrolebinding reader");
    scene.proxy.cut();
    scene.is_frozen("Forbidden: ", "credentials or rights are missing: ");
    scene.beijing.kubectl().run(GRANT);
    scene.recovers();
}

/// Stopping at once and holding nothing: neither has a part here.
const CONFIG: &str = "lameDuck: 0s\nservices: {holdEmpty: 0s}\n";

impl Scene {
    fn start() -> Self {
        let options = Options { users: vec![user()], ..Options::default() };
        let beijing = ApiServer::start_with("beijing", options);
        let hangzhou = ApiServer::start("hangzhou");
        populate(&beijing, "cn-beijing", &[("web", "192.0.2.2"), ("only", "192.0.2.1")]);
        populate(&hangzhou, "cn-hangzhou", &[("web", "198.51.100.1")]);
        grant_rights(&beijing);
        let context = beijing.context_of(&user());
        let proxy = FaultProxy::start(&context);
        let contexts = [context.through(proxy.url()), hangzhou.context()];
        let fedns = Fedns::on_contexts(&contexts, CONFIG);
        let scene = Self { fedns, proxy, beijing, hangzhou };
        for cluster in ["beijing", "hangzhou"] {
            scene.fedns.sees(cluster, "Live");
        }
        scene.fedns.answers(WEB, "NOERROR 192.0.2.2 198.51.100.1");
        scene.beijing_stands();
        scene
    }

    /// Beijing is stale for this reason, which every page tells, and all its names answer, while
    /// Hangzhou's changes get through.
    #[track_caller]
    fn is_frozen(&self, word: &str, sentence: &str) {
        let Self { fedns, hangzhou, .. } = self;
        fedns.sees("beijing", &format!("Stale {word}"));
        self.beijing_stands();
        for address in ["198.51.100.2", "198.51.100.3"] {
            load_balance(hangzhou, "web", address);
            fedns.answers(WEB, &format!("NOERROR 192.0.2.2 {address}"));
            self.beijing_stands();
        }
        fedns.sees("hangzhou", "Live");
        self.tells(word, sentence);
    }

    #[track_caller]
    fn beijing_stands(&self) {
        for name in [ONLY, ONLY_REGION, ONLY_ZONE] {
            assert_eq!(self.fedns.ask(name), "NOERROR 192.0.2.1", "{name}");
        }
        assert_eq!(self.fedns.ask(WEB_BEIJING), "NOERROR 192.0.2.2");
    }

    /// Freshness says why.
    #[track_caller]
    fn tells(&self, word: &str, sentence: &str) {
        let row = self.fedns.cluster("beijing").expect("the admin address answers");
        assert!(row["since"].as_str().is_some_and(|since| since.ends_with('Z')), "{row}");
        assert_eq!((&row["services"], &row["addresses"]), (&2.into(), &2.into()), "{row}");

        let page = self.fedns.page("/readyz?verbose").expect("the admin address answers");
        assert_eq!(page.status, 200, "{}", page.body);
        let line = format!("[+]cluster beijing stale, frozen: {word}");
        assert!(page.body.contains(&line), "{}", page.body);
        assert!(page.body.contains("[+]cluster hangzhou live\n"), "{}", page.body);

        let text = self.fedns.printed(&["explain", ONLY]);
        assert!(text.contains("stale (last seen 20"), "{text}");
        let why = format!("so its addresses stand as they were: {sentence}");
        assert!(text.contains(&why) && text.contains("    192.0.2.1\n"), "{text}");

        let metrics = self.fedns.page("/metrics").expect("the admin address answers").body;
        assert!(metrics.contains("fedns_cluster_live{cluster=\"beijing\"} 0\n"), "{metrics}");
        assert!(metrics.contains("fedns_cluster_live{cluster=\"hangzhou\"} 1\n"), "{metrics}");
    }

    /// Beijing is live again without a restart, and its changes count: both what is new and what
    /// goes.
    #[track_caller]
    fn recovers(&self) {
        let Self { fedns, beijing, .. } = self;
        fedns.sees("beijing", "Live");
        load_balance(beijing, "only", "192.0.2.12");
        fedns.answers(ONLY_ZONE, "NOERROR 192.0.2.12");
        beijing.kubectl().run("delete service only");
        fedns.answers(ONLY_ZONE, "NXDOMAIN");
        assert_eq!(fedns.ask(WEB_BEIJING), "NOERROR 192.0.2.2");
        fedns.process().assert_running();
    }

    /// Lists of all Services that fedns has asked for.
    fn full_lists(&self) -> usize {
        let is_full = |request: &&Request| {
            request.lists("services") && !request.query.split('&').any(|it| it == "limit=1")
        };
        self.proxy.requests().iter().filter(is_full).count()
    }
}

fn user() -> User {
    User::new("fedns", &["readers"])
}

fn grant_rights(cluster: &ApiServer) {
    cluster.kubectl().run(USER_RIGHTS);
    cluster.kubectl().run(GRANT);
}

/// A node, and Services without a selector: with an address they are healthy.
fn populate(cluster: &ApiServer, region: &str, services: &[(&str, &str)]) {
    cluster.kubectl().create_node(Node::new("node-1", region, &format!("{region}-a")));
    for (service, address) in services {
        cluster.kubectl().apply(&service_manifest(service));
        load_balance(cluster, service, address);
    }
}

fn service_manifest(name: &str) -> String {
    let spec = serde_json::json!({"type": "LoadBalancer", "ports": [{"port": 80}]});
    let metadata = serde_json::json!({"name": name});
    serde_json::json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
        .to_string()
}

fn load_balance(cluster: &ApiServer, service: &str, address: &str) {
    cluster.kubectl().set_load_balancer("default", service, &[address]);
}
