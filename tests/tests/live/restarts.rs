use serde_json::Value;
use tests::api_server::ApiServer;
use tests::eventually::{GENEROUS, eventually};
use tests::kubectl::Node;
use tests::need::Need;
use tests::serving::Fedns;
use tests::suite::Test;

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] => a_restart_with_clusters_down_answers_as_before;
    }
}

/// Without a selector a Service needs no endpoint to be healthy.
const WEB: &str = r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
    "spec": {"type": "LoadBalancer", "ports": [{"name": "http", "port": 80}]}}"#;

const GLOBAL: &str = "web.default.fed.svc.example.com";
const BEIJING_A: &str = "web.default.fed.svc.cn-beijing-a.cn-beijing.example.com";
const HANGZHOU_A: &str = "web.default.fed.svc.cn-hangzhou-a.cn-hangzhou.example.com";

fn a_restart_with_clusters_down_answers_as_before() {
    let (mut beijing, mut hangzhou) = (start("beijing"), start("hangzhou"));
    set_address(&beijing, "192.0.2.1");
    set_address(&hangzhou, "198.51.100.1");
    let mut fedns = Fedns::on_contexts(&[beijing.context(), hangzhou.context()], "lameDuck: 0s\n");
    fedns.answers(GLOBAL, "NOERROR 192.0.2.1 198.51.100.1");

    // One is down; the other one's changes count at once.
    beijing.kill();
    restart(&mut fedns, Ending::Stopped);
    restart(&mut fedns, Ending::Killed);
    set_address(&hangzhou, "198.51.100.2");
    fedns.answers(GLOBAL, "NOERROR 192.0.2.1 198.51.100.2");
    fedns.sees("beijing", "Stale Unreachable");
    saved(&fedns, "hangzhou", "198.51.100.2");

    // Both are.
    hangzhou.kill();
    restart(&mut fedns, Ending::Stopped);
    restart(&mut fedns, Ending::Killed);
    restart(&mut fedns, Ending::Killed);
    fedns.sees("hangzhou", "Stale Unreachable");
    assert_eq!(fedns.ask(HANGZHOU_A), "NOERROR 198.51.100.2");

    // Back again: what has not changed is no change, and what has is answered.
    let serial = fedns.serial();
    beijing.restart();
    hangzhou.restart();
    fedns.sees("beijing", "Live");
    fedns.sees("hangzhou", "Live");
    assert_eq!(fedns.serial(), serial);
    set_address(&beijing, "192.0.2.2");
    fedns.answers(BEIJING_A, "NOERROR 192.0.2.2");
    assert!(fedns.serial().is_newer_than(serial));
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// SIGTERM.
    Stopped,
    /// SIGKILL.
    Killed,
}

/// Every record is there from the first answer on, and the serial is the same, or higher where
/// nobody could note it.
#[track_caller]
fn restart(fedns: &mut Fedns, ending: Ending) {
    let names = [GLOBAL, BEIJING_A, HANGZHOU_A];
    let answers = names.map(|name| fedns.ask(name));
    let (records, serial) = (records(fedns), fedns.serial());
    match ending {
        Ending::Stopped => assert!(fedns.stop().success()),
        Ending::Killed => fedns.kill(),
    }
    fedns.start();
    for (name, answer) in names.iter().zip(answers) {
        assert_eq!(first_answer(fedns, name), answer, "{name}");
    }
    fedns.is_ready();
    assert_eq!(self::records(fedns), records);
    let now = fedns.serial();
    match ending {
        Ending::Stopped => assert_eq!(now, serial),
        Ending::Killed => assert!(now.is_newer_than(serial), "{now} after {serial}"),
    }
}

/// Whatever comes first from a server that may not listen yet.
#[track_caller]
fn first_answer(fedns: &Fedns, name: &str) -> String {
    eventually(GENEROUS, &format!("an answer for {name}"), || {
        fedns.process().assert_running();
        let answer = fedns.ask(name);
        if answer == "no answer" { Err(answer) } else { Ok(answer) }
    })
}

/// Everything that is served but the SOA record.
#[track_caller]
fn records(fedns: &Fedns) -> Vec<Value> {
    let text = fedns.printed(&["records", "-o", "json"]);
    let mut rows: Vec<Value> = serde_json::from_str(&text).expect("a JSON list");
    rows.retain(|row| row["type"] != "SOA");
    assert!(rows.len() > 5, "{text}");
    rows
}

/// The disk follows a little behind the answers.
#[track_caller]
fn saved(fedns: &Fedns, cluster: &str, address: &str) {
    let file = fedns.home().join(format!("state/clusters/{cluster}.state"));
    eventually(GENEROUS, &format!("{address} is saved"), || {
        let text = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
        if text.contains(address) { Ok(()) } else { Err(text) }
    });
}

fn start(name: &str) -> ApiServer {
    let server = ApiServer::start(name);
    let region = format!("cn-{name}");
    server.kubectl().create_node(Node::new("node-1", &region, &format!("{region}-a")));
    server.kubectl().apply(WEB);
    server
}

fn set_address(cluster: &ApiServer, address: &str) {
    cluster.kubectl().set_load_balancer("default", "web", &[address]);
}
