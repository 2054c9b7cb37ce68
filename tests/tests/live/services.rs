use std::thread;

use tests::eventually::{GENEROUS, eventually};
use tests::kubectl::{Kubectl, Node};
use tests::kwok::KwokCluster;
use tests::need::{DIG, Need};
use tests::serving::Fedns;
use tests::suite::Test;

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes, DIG] => the_life_of_a_service_in_two_regions;
    }
}

const GLOBAL: &str = "nginx.default.fed.svc.example.com";
const BEIJING: &str = "nginx.default.fed.svc.cn-beijing.example.com";
const BEIJING_A: &str = "nginx.default.fed.svc.cn-beijing-a.cn-beijing.example.com";
const BEIJING_C: &str = "nginx.default.fed.svc.cn-beijing-c.cn-beijing.example.com";
const HANGZHOU: &str = "nginx.default.fed.svc.cn-hangzhou.example.com";
const HANGZHOU_B: &str = "nginx.default.fed.svc.cn-hangzhou-b.cn-hangzhou.example.com";

/// Two clusters, and two servers on them that differ in how long they hold what has become empty.
struct Scene {
    /// Holds for a second.
    fedns: Fedns,
    /// Holds for longer than any test runs.
    patient: Fedns,
    beijing: KwokCluster,
    hangzhou: KwokCluster,
}

/// Clusters of this size are slow to start, so one pair of them sees it all.
fn the_life_of_a_service_in_two_regions() {
    let scene = Scene::start();
    scene.an_exposed_service_has_names_before_it_has_an_address();
    scene.an_address_is_answered_at_every_level_of_its_cluster();
    scene.a_second_cluster_adds_its_addresses_and_both_families();
    scene.named_ports_have_srv_records();
    scene.unready_endpoints_take_the_addresses_away_and_back();
    scene.another_type_takes_the_addresses_away();
    scene.an_empty_list_is_held_for_a_while();
    scene.a_node_in_another_zone_adds_its_names();
    scene.deleted_services_leave_nothing();
}

impl Scene {
    fn start() -> Self {
        let node = |region: &str, zone: &str| {
            KwokCluster::start(region, &[Node::new("node-1", &format!("cn-{region}"), zone)])
        };
        let (beijing, hangzhou) = thread::scope(|scope| {
            let beijing = scope.spawn(|| node("beijing", "cn-beijing-a"));
            let hangzhou = node("hangzhou", "cn-hangzhou-b");
            (beijing.join().expect("beijing starts"), hangzhou)
        });
        let contexts = [beijing.api.context(), hangzhou.api.context()];
        let holding = |time: &str| {
            let more = format!("lameDuck: 0s\nservices: {{holdEmpty: {time}}}\n");
            Fedns::on_contexts(&contexts, &more)
        };
        Self { fedns: holding("1s"), patient: holding("1h"), beijing, hangzhou }
    }

    fn beijing(&self) -> &Kubectl {
        self.beijing.api.kubectl()
    }

    fn hangzhou(&self) -> &Kubectl {
        self.hangzhou.api.kubectl()
    }

    /// A chain of CNAMEs ends at a global name without records (RFC 6604).
    fn an_exposed_service_has_names_before_it_has_an_address(&self) {
        expose(self.beijing());
        self.resolves(BEIJING_A, &format!("NXDOMAIN, CNAME {BEIJING}., CNAME {GLOBAL}."));
        self.resolves(HANGZHOU_B, &format!("NXDOMAIN, CNAME {HANGZHOU}., CNAME {GLOBAL}."));
        self.resolves(GLOBAL, "NXDOMAIN");
    }

    fn an_address_is_answered_at_every_level_of_its_cluster(&self) {
        balance(self.beijing(), &["192.0.2.1"]);
        for name in [BEIJING_A, BEIJING, GLOBAL] {
            self.resolves(name, "NOERROR, A 192.0.2.1");
        }
        self.resolves(HANGZHOU, &format!("NOERROR, CNAME {GLOBAL}., A 192.0.2.1"));
        self.fedns.resolves(GLOBAL, "AAAA", "NOERROR");
    }

    fn a_second_cluster_adds_its_addresses_and_both_families(&self) {
        expose(self.hangzhou());
        balance(self.hangzhou(), &["198.51.100.1", "2001:db8::1"]);
        for name in [HANGZHOU_B, HANGZHOU] {
            self.resolves(name, "NOERROR, A 198.51.100.1");
            self.fedns.resolves(name, "AAAA", "NOERROR, AAAA 2001:db8::1");
        }
        self.resolves(GLOBAL, "NOERROR, A 192.0.2.1, A 198.51.100.1");
        self.fedns.resolves(GLOBAL, "AAAA", "NOERROR, AAAA 2001:db8::1");
        self.resolves(BEIJING_A, "NOERROR, A 192.0.2.1");
    }

    fn named_ports_have_srv_records(&self) {
        let of = |name: &str| format!("_http._tcp.{name}");
        self.fedns.resolves(&of(GLOBAL), "SRV", "NXDOMAIN");
        for kubectl in [self.beijing(), self.hangzhou()] {
            let named = r#"[{"op": "add", "path": "/spec/ports/0/name", "value": "http"}]"#;
            kubectl.args(&["patch", "service", "nginx", "--type=json", "-p", named]);
        }
        for name in [GLOBAL, BEIJING, BEIJING_A, HANGZHOU, HANGZHOU_B] {
            self.fedns.resolves(&of(name), "SRV", &format!("NOERROR, SRV 0 1 80 {name}."));
        }
    }

    fn unready_endpoints_take_the_addresses_away_and_back(&self) {
        self.beijing().run("scale deployment nginx --replicas=0");
        self.resolves(
            BEIJING_A,
            &format!("NOERROR, CNAME {BEIJING}., CNAME {GLOBAL}., A 198.51.100.1"),
        );
        self.resolves(GLOBAL, "NOERROR, A 198.51.100.1");
        let srv = format!("_http._tcp.{BEIJING}");
        let chain = format!("NOERROR, CNAME _http._tcp.{GLOBAL}., SRV 0 1 80 {GLOBAL}.");
        self.fedns.resolves(&srv, "SRV", &chain);
        explained(&self.fedns, BEIJING, "no ready endpoint: 1 address left out");

        self.beijing().run("scale deployment nginx --replicas=2");
        self.resolves(BEIJING_A, "NOERROR, A 192.0.2.1");
        self.resolves(GLOBAL, "NOERROR, A 192.0.2.1, A 198.51.100.1");
    }

    /// Whatever holds addresses for a while does not hold these.
    fn another_type_takes_the_addresses_away(&self) {
        let set_type = |service_type: &str| {
            let patch = format!(r#"{{"spec": {{"type": "{service_type}"}}}}"#);
            self.beijing().args(&["patch", "service", "nginx", "-p", &patch]);
        };
        let gone = format!("NOERROR, CNAME {GLOBAL}., A 198.51.100.1");
        set_type("ClusterIP");
        self.resolves(BEIJING, &gone);
        explained(&self.fedns, BEIJING, "left out: its type is ClusterIP, not LoadBalancer");

        // A cloud makes another load balancer, and the old address belongs to nobody meanwhile.
        set_type("LoadBalancer");
        explained(&self.patient, BEIJING, "its load balancer has no address yet");
        explained(&self.fedns, BEIJING, "its load balancer has no address yet");
        self.resolves(BEIJING, &gone);
        balance(self.beijing(), &["192.0.2.2"]);
        self.resolves(BEIJING, "NOERROR, A 192.0.2.2");
    }

    fn an_empty_list_is_held_for_a_while(&self) {
        balance(self.beijing(), &[]);
        // Beyond the one's time and inside the other's.
        let gone = format!("NOERROR, CNAME {BEIJING}., CNAME {GLOBAL}., A 198.51.100.1");
        self.fedns.resolves(BEIJING_A, "A", &gone);
        explained(&self.fedns, BEIJING, "its load balancer has no address yet");
        let text = explained(&self.patient, BEIJING, "its last addresses are held until ");
        let until = text.lines().find_map(|line| line.split_once("held until "));
        assert!(until.is_some_and(|(_, time)| time.ends_with('Z')), "no UTC time: {text}");
        self.patient.resolves(BEIJING_A, "A", "NOERROR, A 192.0.2.2");
        self.patient.resolves(GLOBAL, "A", "NOERROR, A 192.0.2.2, A 198.51.100.1");

        balance(self.beijing(), &["192.0.2.3"]);
        self.resolves(BEIJING_A, "NOERROR, A 192.0.2.3");
        self.resolves(GLOBAL, "NOERROR, A 192.0.2.3, A 198.51.100.1");
        let text = self.patient.printed(&["explain", BEIJING]);
        assert!(!text.contains("held"), "{text}");
    }

    fn a_node_in_another_zone_adds_its_names(&self) {
        self.resolves(BEIJING_C, "NXDOMAIN");
        self.beijing().create_node(Node::new("node-2", "cn-beijing", "cn-beijing-c"));
        for name in [BEIJING_C, BEIJING_A, BEIJING] {
            self.resolves(name, "NOERROR, A 192.0.2.3");
        }
        self.fedns.resolves(
            &format!("_http._tcp.{BEIJING_C}"),
            "SRV",
            &format!("NOERROR, SRV 0 1 80 {BEIJING_C}."),
        );
    }

    fn deleted_services_leave_nothing(&self) {
        self.hangzhou().run("delete service nginx");
        self.resolves(
            HANGZHOU_B,
            &format!("NOERROR, CNAME {HANGZHOU}., CNAME {GLOBAL}., A 192.0.2.3"),
        );
        self.resolves(GLOBAL, "NOERROR, A 192.0.2.3");
        self.beijing().run("delete service nginx");
        for name in [GLOBAL, BEIJING, BEIJING_A, BEIJING_C, HANGZHOU, HANGZHOU_B] {
            self.resolves(name, "NXDOMAIN");
        }
        for fedns in [&self.fedns, &self.patient] {
            assert_eq!(
                fedns.printed(&["records", "-o", "name"]),
                "example.com.\nns1.example.com.\n"
            );
        }
    }

    /// Both servers answer this to a query for A.
    #[track_caller]
    fn resolves(&self, name: &str, expect: &str) {
        self.fedns.resolves(name, "A", expect);
        self.patient.resolves(name, "A", expect);
    }
}

/// A deployment whose pods become ready, behind a load balancer that has no address yet.
fn expose(kubectl: &Kubectl) {
    kubectl.run("create deployment nginx --image=nginx");
    kubectl.run("expose deployment nginx --port=80 --type=LoadBalancer");
}

fn balance(kubectl: &Kubectl, addresses: &[&str]) {
    kubectl.set_load_balancer("default", "nginx", addresses);
}

/// Waits until `fedns explain` says so, and returns all that it says.
#[track_caller]
fn explained(fedns: &Fedns, name: &str, expect: &str) -> String {
    eventually(GENEROUS, &format!("{name} is explained: {expect}"), || {
        let text = fedns.printed(&["explain", name]);
        if text.contains(expect) { Ok(text) } else { Err(text) }
    })
}
