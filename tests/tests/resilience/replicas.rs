use serde_json::Value;
use tests::eventually::{GENEROUS, eventually};
use tests::fault_proxy::{Fault, FaultProxy, Request};
use tests::need::Need;
use tests::serving::Fedns;
use tests::suite::Test;

use super::stage::{ELECTION, SYSTEM, Stage, copy, holds};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            one_writes_until_it_is_killed_and_then_the_other,
            a_writer_that_was_stopped_starts_no_call_when_it_wakes,
            a_writer_that_ends_hands_over_at_once,
            a_hot_restart_waits_for_nobody_and_writes_nothing_twice;
    }
}

const NAME: &str = "web.default.fed.svc.example.com";
const ANSWER: &str = "NOERROR 192.0.2.1";

/// Two servers of one federation, each with its own way to the federation's API. The first one writes.
struct Replicas {
    first: Fedns,
    second: Fedns,
    of_first: FaultProxy,
    of_second: FaultProxy,
    /// Between both and the member.
    member: FaultProxy,
    stage: Stage,
}

impl Replicas {
    fn start() -> Self {
        let stage = Stage::new();
        let proxy = || FaultProxy::start(&stage.federation.context());
        let (of_first, of_second) = (proxy(), proxy());
        let member = FaultProxy::start(&stage.beijing.context());
        let first = stage.serve_through(&of_first, ELECTION);
        writes(&first);
        let second = stage.serve_through(&of_second, ELECTION);
        stage.join("beijing", &format!("--bound-token --cluster-server={}", member.url()));
        copy(&stage.beijing, "web", "192.0.2.1");
        first.answers(NAME, ANSWER);
        second.answers(NAME, ANSWER);
        Self { first, second, of_first, of_second, member, stage }
    }

    fn holder(&self) -> String {
        let lease = format!("{SYSTEM} get lease fedns -o jsonpath={{.spec.holderIdentity}}");
        self.stage.host().run(&lease)
    }

    /// Made in the federation, it appears in the member.
    fn propagates(&self, name: &str) {
        self.stage.federation.kubectl().run(&format!("create configmap {name}"));
        holds(&self.stage.beijing, name, "");
    }
}

fn writes(fedns: &Fedns) {
    eventually(GENEROUS, "it writes", || {
        let log = fedns.process().log();
        let mut told = log.lines().rev().filter(|line| line.contains("leader election: "));
        match told.next().is_some_and(|line| line.ends_with("this process writes")) {
            true => Ok(()),
            false => Err(log),
        }
    });
}

fn is_write(request: &Request) -> bool {
    request.method != "GET"
}

fn count(proxy: &FaultProxy) -> usize {
    proxy.requests().iter().filter(|request| is_write(request)).count()
}

fn one_writes_until_it_is_killed_and_then_the_other() {
    let mut replicas = Replicas::start();
    replicas.propagates("one");
    let holder = replicas.holder();
    assert_eq!(count(&replicas.of_second), 0, "a standby writes nothing");
    let lease = replicas.stage.host().json(&format!("{SYSTEM} get lease fedns"));
    assert!(lease["spec"]["leaseDurationSeconds"].as_u64().is_some_and(|it| it <= 30), "{lease}");

    replicas.first.kill();
    assert_eq!(replicas.second.ask(NAME), ANSWER);
    replicas.propagates("two");
    assert_ne!(replicas.holder(), holder);
    assert_eq!(replicas.second.ask(NAME), ANSWER);

    let before = count(&replicas.of_first);
    replicas.first.start();
    replicas.first.answers(NAME, ANSWER);
    replicas.propagates("three");
    assert_eq!(count(&replicas.of_first), before, "who comes back stands by");
    let status = replicas.first.printed(&["status"]);
    assert!(status.contains("this server stands by"), "{status}");
}

fn a_writer_that_was_stopped_starts_no_call_when_it_wakes() {
    const MAPS: usize = 40;
    let replicas = Replicas::start();
    let Replicas { first, second, of_first, member, stage, .. } = &replicas;
    // It has calls in flight, and more behind them.
    member.inject_where(|request| request.method == "PATCH", Fault::Silence);
    for number in 0..MAPS {
        stage
            .federation
            .kubectl()
            .run(&format!("create configmap map-{number} --from-literal=colour=red"));
    }
    eventually(GENEROUS, "a call is in flight", || {
        let patches = member.requests().into_iter().filter(|it| it.method == "PATCH");
        if patches.count() > 0 { Ok(()) } else { Err("none") }
    });
    first.process().pause();
    member.heal();
    member.cut();

    writes(second);
    for number in 0..MAPS {
        holds(&stage.beijing, &format!("map-{number}"), "red");
    }
    let blue = r#"{"data":{"colour":"blue"}}"#;
    stage.federation.kubectl().args(&["patch", "configmap", "map-7", "-p", blue]);
    holds(&stage.beijing, "map-7", "blue");
    comes_to_rest(second);
    let before = (count(of_first), count(member));

    first.process().resume();
    eventually(GENEROUS, "it knows that another one writes", || {
        let status = first.printed(&["status"]);
        if status.contains("this server stands by") { Ok(()) } else { Err(status) }
    });
    first.answers(NAME, ANSWER);
    // Whatever it has still to do, it has decided upon by then.
    replicas.propagates("after");
    let after = (count(of_first), count(member));
    assert!(after.0 <= before.0 + 1, "{before:?} {after:?}");
    assert!(after.1 <= before.1 + 2, "one call and that of the new object: {before:?} {after:?}");
    holds(&stage.beijing, "map-7", "blue");
}

fn comes_to_rest(fedns: &Fedns) {
    eventually(GENEROUS, "nothing waits", || {
        let status: Value =
            serde_json::from_str(&fedns.printed(&["status", "-o", "json"])).unwrap();
        let propagation = &status["federation"]["propagation"];
        let queues = [&propagation["federation"], &propagation["clusters"]["beijing"]];
        match queues.iter().all(|queue| queue["waiting"] == 0 && queue["inFlight"] == 0) {
            true => Ok(()),
            false => Err(propagation.to_string()),
        }
    });
}

fn a_writer_that_ends_hands_over_at_once() {
    let mut replicas = Replicas::start();
    let holder = replicas.holder();
    assert!(replicas.first.stop().success());
    // Not run out: given back.
    assert_ne!(replicas.holder(), holder);
    replicas.propagates("one");
    assert_eq!(replicas.second.ask(NAME), ANSWER);
}

/// Who the members are is asked by the new process once it serves: what the old one answered is known without.
fn a_hot_restart_waits_for_nobody_and_writes_nothing_twice() {
    let stage = Stage::new();
    let member = FaultProxy::start(&stage.beijing.context());
    let mut fedns = stage.serve(&format!("{ELECTION}startupTimeout: 1h\n"));
    writes(&fedns);
    assert_eq!(fedns.replace().code(), Some(0), "without any member");
    stage.join("beijing", &format!("--bound-token --cluster-server={}", member.url()));
    copy(&stage.beijing, "web", "192.0.2.1");
    fedns.answers(NAME, ANSWER);
    let propagates = |name: &str| {
        stage.federation.kubectl().run(&format!("create configmap {name}"));
        holds(&stage.beijing, name, "");
    };
    propagates("one");
    comes_to_rest(&fedns);
    let before = count(&member);
    for name in ["two", "three"] {
        assert_eq!(fedns.replace().code(), Some(0));
        assert_eq!(fedns.ask(NAME), ANSWER);
        fedns.sees("beijing", "Live");
        comes_to_rest(&fedns);
        propagates(name);
    }
    comes_to_rest(&fedns);
    assert_eq!(count(&member), before + 2, "{:?}", member.requests());
    copy(&stage.beijing, "web", "192.0.2.2");
    fedns.answers(NAME, "NOERROR 192.0.2.2");
}
