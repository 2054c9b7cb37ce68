use serde_json::{Value, json};
use tests::api_server::ApiServer;
use tests::by_hand;
use tests::eventually::{GENEROUS, eventually, eventually_equal};
use tests::kubectl::Node;
use tests::need::Need;
use tests::serving::Fedns;
use tests::suite::Test;

/// What was saved also stands in the host cluster.
mod copies;

pub(crate) fn tests() -> Vec<Test> {
    [copies::tests(), by_objects()].into_iter().flatten().collect()
}

fn by_objects() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            joined_by_hand_a_cluster_is_answered_and_listed,
            deleted_its_object_takes_its_names_along_and_nothing_else,
            objects_that_are_lost_change_no_answer,
            a_start_without_the_federation_answers_from_what_was_saved,
            before_its_members_are_known_a_name_is_not_denied,
            credentials_that_change_are_taken_up,
        made_in_the_federation_a_service_is_answered;
    }
}

/// A federation's API, and two clusters of which the first is the host, too.
struct Federation {
    api: ApiServer,
    beijing: ApiServer,
    hangzhou: ApiServer,
}

impl Federation {
    fn start() -> Self {
        let api = ApiServer::start("federation");
        let beijing = ApiServer::start("beijing");
        by_hand::prepare(&api, &beijing);
        let hangzhou = ApiServer::start("hangzhou");
        let federation = Self { api, beijing, hangzhou };
        for member in federation.members() {
            let region = format!("cn-{}", member.name());
            member.kubectl().create_node(Node::new("n1", &region, &format!("{region}-b")));
        }
        federation
    }

    fn members(&self) -> [&ApiServer; 2] {
        [&self.beijing, &self.hangzhou]
    }

    fn serve(&self) -> Fedns {
        Fedns::of_federation(&self.api.context(), &self.beijing.context(), "")
    }

    fn join_by_hand(&self, member: &ApiServer) {
        by_hand::join(&self.api, &self.beijing, member);
    }

    /// What `kubectl get clusters` prints below its header, without the column AGE.
    fn listed(&self) -> Vec<String> {
        let text = self.api.kubectl().run("get clusters");
        let row = |line: &str| {
            let cells: Vec<&str> = line.split_whitespace().collect();
            cells[..cells.len() - 1].join(" ")
        };
        text.lines().skip(1).map(row).collect()
    }
}

/// A Service with an address, as the federation makes it in a member.
fn copy(member: &ApiServer, address: &str) {
    service(member, "web", json!({"fedns.io/federation": "fed"}), address);
}

fn service(member: &ApiServer, name: &str, labels: Value, address: &str) {
    let object = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"namespace": "default", "name": name, "labels": labels},
        "spec": {"type": "LoadBalancer", "ports": [{"name": "http", "port": 80}]},
    });
    member.kubectl().apply(&object.to_string());
    member.kubectl().set_load_balancer("default", name, &[address]);
}

fn joined_by_hand_a_cluster_is_answered_and_listed() {
    let federation = Federation::start();
    let fedns = federation.serve();
    for (member, address) in federation.members().into_iter().zip(["192.0.2.1", "192.0.2.2"]) {
        federation.join_by_hand(member);
        copy(member, address);
    }
    service(&federation.beijing, "local", json!({}), "192.0.2.9");
    fedns.answers("web.default.fed.svc.example.com", "NOERROR 192.0.2.1 192.0.2.2");
    fedns.answers("web.default.fed.svc.cn-beijing.example.com", "NOERROR 192.0.2.1");
    let expected = ["beijing Ready".to_owned(), "hangzhou Ready".to_owned()];
    eventually_equal(GENEROUS, "kubectl get clusters", &expected.to_vec(), || federation.listed());
    assert_eq!(fedns.ask("local.default.fed.svc.example.com"), "NXDOMAIN");
    let status = federation.api.kubectl().json("get cluster beijing")["status"].clone();
    assert_eq!(status["region"], "cn-beijing");
    assert_eq!(status["availabilityZones"], json!(["cn-beijing-b"]));
    assert_eq!(status["version"], "v1.36.3");
    assert_eq!(status["services"], 1);
    let explained = fedns.printed(&["explain", "local.default.fed.svc.example.com"]);
    assert!(explained.contains("it was not made in the federation"), "{explained}");
}

fn deleted_its_object_takes_its_names_along_and_nothing_else() {
    let federation = Federation::start();
    let fedns = federation.serve();
    for (member, address) in federation.members().into_iter().zip(["192.0.2.1", "192.0.2.2"]) {
        federation.join_by_hand(member);
        copy(member, address);
    }
    fedns.answers("web.default.fed.svc.example.com", "NOERROR 192.0.2.1 192.0.2.2");
    federation.api.kubectl().run("delete cluster hangzhou --timeout=60s");
    fedns.answers("web.default.fed.svc.example.com", "NOERROR 192.0.2.1");
    fedns.answers("web.default.fed.svc.cn-hangzhou.example.com", "NXDOMAIN");
    fedns.answers("web.default.fed.svc.cn-beijing.example.com", "NOERROR 192.0.2.1");
    eventually_equal(GENEROUS, "kubectl get clusters", &vec!["beijing Ready".to_owned()], || {
        federation.listed()
    });
}

/// The federation's etcd is lost: members whose Secrets stand are members still, and after a restart,
/// too.
fn objects_that_are_lost_change_no_answer() {
    let mut federation = Federation::start();
    let mut fedns = federation.serve();
    for (member, address) in federation.members().into_iter().zip(["192.0.2.1", "192.0.2.2"]) {
        federation.join_by_hand(member);
        copy(member, address);
        let name = member.name();
        let kubectl = federation.beijing.kubectl();
        kubectl.run(&format!("-n federation-system label secret {name} fedns.io/cluster={name}"));
        let server = member.url();
        kubectl
            .run(&format!("-n federation-system annotate secret {name} fedns.io/server={server}"));
    }
    let both = "NOERROR 192.0.2.1 192.0.2.2";
    fedns.answers("web.default.fed.svc.example.com", both);
    federation.api.replace_by_new_cluster();
    federation.api.kubectl().apply(by_hand::DEFINITION);
    copy(&federation.beijing, "192.0.2.3");
    let both = "NOERROR 192.0.2.2 192.0.2.3";
    fedns.answers("web.default.fed.svc.example.com", both);
    fedns.stop();
    fedns.start();
    fedns.answers("web.default.fed.svc.example.com", both);
    fedns.sees("hangzhou", "Live");
}

/// Started while nothing of the federation can be reached, fedns answers what it answered.
fn a_start_without_the_federation_answers_from_what_was_saved() {
    let mut federation = Federation::start();
    let mut fedns = federation.serve();
    federation.join_by_hand(&federation.hangzhou);
    copy(&federation.hangzhou, "192.0.2.2");
    let name = "web.default.fed.svc.example.com";
    fedns.answers(name, "NOERROR 192.0.2.2");
    fedns.stop();
    federation.api.kill();
    federation.beijing.kill();
    fedns.start();
    fedns.answers(name, "NOERROR 192.0.2.2");
    federation.api.restart();
    federation.beijing.restart();
    fedns.sees("hangzhou", "Live");
    copy(&federation.hangzhou, "192.0.2.3");
    fedns.answers(name, "NOERROR 192.0.2.3");
}

/// Nobody knows yet whether there are members: no name is known to be absent.
fn before_its_members_are_known_a_name_is_not_denied() {
    let mut federation = Federation::start();
    federation.api.kill();
    let fedns = federation.serve();
    fedns.answers("web.default.fed.svc.example.com", "SERVFAIL");
    federation.api.restart();
    fedns.answers("web.default.fed.svc.example.com", "NXDOMAIN");
}

/// New credentials are used without a restart; those that are missing are told in the status.
fn credentials_that_change_are_taken_up() {
    let federation = Federation::start();
    let fedns = federation.serve();
    federation.join_by_hand(&federation.hangzhou);
    copy(&federation.hangzhou, "192.0.2.2");
    let name = "web.default.fed.svc.example.com";
    fedns.answers(name, "NOERROR 192.0.2.2");
    let kubectl = federation.beijing.kubectl();
    kubectl.run("-n federation-system delete secret hangzhou");
    eventually(GENEROUS, "the status tells of the missing Secret", || {
        let object = federation.api.kubectl().json("get cluster hangzhou");
        let ready = object["status"]["conditions"][0].clone();
        let message = ready["message"].as_str().unwrap_or_default();
        match ready["status"] == "False" && message.contains("Secret \"hangzhou\"") {
            true => Ok(()),
            false => Err(ready.to_string()),
        }
    });
    assert_eq!(fedns.ask(name), "NOERROR 192.0.2.2");
    federation.join_by_hand(&federation.hangzhou);
    fedns.sees("hangzhou", "Live");
    copy(&federation.hangzhou, "192.0.2.3");
    fedns.answers(name, "NOERROR 192.0.2.3");
}

/// From `kubectl create` in the federation to answers, and back to none.
fn made_in_the_federation_a_service_is_answered() {
    let federation = Federation::start();
    let fedns = federation.serve();
    federation.members().into_iter().for_each(|member| federation.join_by_hand(member));
    federation.api.kubectl().run("create service loadbalancer web --tcp=80");
    for (member, address) in federation.members().into_iter().zip(["192.0.2.1", "192.0.2.2"]) {
        eventually(GENEROUS, "the member has the Service", || {
            member.kubectl().try_run("get service web")
        });
        member.kubectl().run("get service web -o jsonpath={.metadata.labels}");
        member.kubectl().set_load_balancer("default", "web", &[address]);
    }
    let name = "web.default.fed.svc.example.com";
    // The Service selects pods, and no controller has made a slice yet.
    for member in federation.members() {
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {
                "namespace": "default", "name": "web-1",
                "labels": {"kubernetes.io/service-name": "web", "fedns.io/federation": "fed"},
            },
            "addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}],
        });
        member.kubectl().apply(&slice.to_string());
    }
    fedns.answers(name, "NOERROR 192.0.2.1 192.0.2.2");
    federation.api.kubectl().run("delete service web --timeout=60s");
    fedns.answers(name, "NXDOMAIN");
}
