use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value};
use tests::api_server::Options;
use tests::etcd::Etcd;
use tests::eventually::{GENEROUS, eventually};
use tests::fault_proxy::{Fault, FaultProxy};
use tests::kubectl::Kubectl;
use tests::need::Need;
use tests::serving::Fedns;
use tests::suite::Test;

use super::stage::{ELECTION, Host, SYSTEM, Stage, copy, holds};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            the_federations_etcd_and_api_server_die_during_changes,
            fedns_is_killed_again_and_again_during_changes,
            what_is_deleted_waits_for_members_that_are_not_known_yet,
            the_host_cluster_is_away_for_a_while,
            a_member_that_dies_is_owed_what_it_missed;
    }
}

const NAME: &str = "web.default.fed.svc.example.com";

/// A change that is taken in spite of everything, perhaps unheard at the first try.
fn make(federation: &Kubectl, name: &str) {
    eventually(GENEROUS, &format!("{name} is made"), || {
        match federation.try_run(&format!("create configmap {name} --from-literal=colour=red")) {
            Err(error) if !error.contains("AlreadyExists") => Err(error),
            _ => Ok(()),
        }
    });
}

/// Every answer that was given while `work` was done, each once.
fn answers_during(fedns: &Fedns, work: impl FnOnce()) -> BTreeSet<String> {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut answers = BTreeSet::new();
            while !is_over.load(Ordering::Relaxed) {
                answers.insert(fedns.ask(NAME));
            }
            answers
        });
        // Also where the work fails: else the scope would wait for ever.
        let over = Over(&is_over);
        work();
        drop(over);
        asking.join().expect("asking does not fail")
    })
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn the_federations_etcd_and_api_server_die_during_changes() {
    const CHANGES: usize = 30;
    let etcd = Arc::new(Etcd::start());
    let options = Options { etcd: Some(Arc::clone(&etcd)), ..Options::default() };
    let mut stage = Stage::of(Host::start(), options);
    let fedns = stage.serve("");
    stage.join("beijing", "--bound-token");
    copy(&stage.beijing, "web", "192.0.2.1");
    fedns.answers(NAME, "NOERROR 192.0.2.1");
    let Stage { federation, beijing, .. } = &mut stage;
    let answers = answers_during(&fedns, || {
        for number in 0..CHANGES {
            match number {
                10 => etcd.kill(),
                // Killed in the middle of whatever it was doing.
                20 => federation.kill(),
                _ => {}
            }
            if matches!(number, 10 | 20) {
                let refused = federation.kubectl().try_run("create configmap lost");
                refused.expect_err("the federation is away");
            }
            match number {
                10 => etcd.restart(),
                20 => federation.restart_unready(),
                _ => {}
            }
            make(federation.kubectl(), &format!("map-{number}"));
        }
    });
    assert_eq!(answers, BTreeSet::from(["NOERROR 192.0.2.1".to_owned()]));
    for number in 0..CHANGES {
        holds(beijing, &format!("map-{number}"), "red");
    }

    // While it is away, members speak for themselves.
    federation.kill();
    copy(beijing, "web", "192.0.2.2");
    fedns.answers(NAME, "NOERROR 192.0.2.2");
    federation.restart();
    make(federation.kubectl(), "last");
    holds(beijing, "last", "red");
    fedns.sees("beijing", "Live");
}

/// Wherever it was: between a finalizer and a copy, or between a copy's end and its object's.
fn fedns_is_killed_again_and_again_during_changes() {
    const CHANGES: usize = 30;
    /// So many objects stand at the same time.
    const STANDING: usize = 5;
    let stage = Stage::new();
    let mut fedns = stage.serve("");
    stage.join("beijing", "--bound-token");
    copy(&stage.beijing, "web", "192.0.2.1");
    fedns.answers(NAME, "NOERROR 192.0.2.1");
    let federation = stage.federation.kubectl();
    for number in 0..CHANGES {
        make(federation, &format!("map-{number}"));
        if let Some(old) = number.checked_sub(STANDING) {
            federation.run(&format!("delete configmap map-{old} --wait=false"));
        }
        if number % 4 == 3 {
            fedns.kill();
            fedns.start();
        }
    }
    for number in 0..CHANGES {
        let name = format!("map-{number}");
        if number + STANDING >= CHANGES {
            holds(&stage.beijing, &name, "red");
        } else {
            is_absent(federation, &format!("configmap {name}"));
            is_absent(stage.beijing.kubectl(), &format!("configmap {name}"));
        }
    }
    fedns.answers(NAME, "NOERROR 192.0.2.1");
}

/// A server that starts may know the federation's objects before it knows its members.
fn what_is_deleted_waits_for_members_that_are_not_known_yet() {
    let stage = Stage::new();
    let proxy = FaultProxy::start(&stage.federation.context());
    let mut fedns = stage.serve_through(&proxy, "");
    stage.join("beijing", "--bound-token");
    let federation = stage.federation.kubectl();
    make(federation, "map");
    holds(&stage.beijing, "map", "red");

    fedns.kill();
    federation.run("delete configmap map --wait=false");
    proxy.inject_where(|request| request.concerns("clusters"), Fault::Status(500));
    fedns.start();
    eventually(GENEROUS, "all objects of the federation are known", || {
        let page = fedns.page("/api/v1/federation")?.body;
        let page: Value = serde_json::from_str(&page).map_err(|error| error.to_string())?;
        assert_eq!(page["membersAreComplete"], false, "{page}");
        let objects = &page["propagation"]["federation"];
        let is_known = objects["unlisted"].as_object().is_some_and(Map::is_empty);
        if is_known && objects["objects"] != 0 { Ok(()) } else { Err(page.to_string()) }
    });
    federation.run("get configmap map");
    federation.run("create configmap later");

    proxy.heal();
    is_absent(federation, "configmap map");
    is_absent(stage.beijing.kubectl(), "configmap map");
    holds(&stage.beijing, "later", "");
}

/// Without the host nobody knows who writes: nobody does, and all answer.
fn the_host_cluster_is_away_for_a_while() {
    let stage = Stage::new();
    let fedns = stage.serve(ELECTION);
    stage.join("beijing", "--bound-token");
    copy(&stage.beijing, "web", "192.0.2.1");
    fedns.answers(NAME, "NOERROR 192.0.2.1");
    make(stage.federation.kubectl(), "before");
    holds(&stage.beijing, "before", "red");

    let answers = answers_during(&fedns, || {
        stage.host_proxy.refuse();
        eventually(GENEROUS, "the lease is lost", || {
            let status = fedns.printed(&["status"]);
            if status.contains("this server stands by") { Ok(()) } else { Err(status) }
        });
        make(stage.federation.kubectl(), "meanwhile");
        stage.federation.kubectl().run("delete configmap before --wait=false");
        holds(&stage.beijing, "before", "red");
        let absent = stage.beijing.kubectl().try_run("get configmap meanwhile");
        absent.expect_err("nobody writes without the lease");
    });
    assert_eq!(answers, BTreeSet::from(["NOERROR 192.0.2.1".to_owned()]));
    copy(&stage.beijing, "web", "192.0.2.2");
    fedns.answers(NAME, "NOERROR 192.0.2.2");

    stage.host_proxy.heal();
    holds(&stage.beijing, "meanwhile", "red");
    is_absent(stage.beijing.kubectl(), "configmap before");
    is_absent(stage.federation.kubectl(), "configmap before");
}

/// What its probes say is enough: no person tells fedns that the member is away.
fn a_member_that_dies_is_owed_what_it_missed() {
    let mut stage = Stage::new();
    let fedns = stage.serve("");
    stage.join("beijing", "--bound-token");
    copy(&stage.beijing, "web", "192.0.2.1");
    fedns.answers(NAME, "NOERROR 192.0.2.1");
    let federation = stage.federation.kubectl().clone();
    for name in ["stays", "goes"] {
        make(&federation, name);
        holds(&stage.beijing, name, "red");
    }

    stage.beijing.kill();
    // Nothing of it blocks: the object goes once its deletion is noted.
    federation.run("delete configmap goes --timeout=60s");
    let blue = r#"{"data":{"colour":"blue"}}"#;
    federation.args(&["patch", "configmap", "stays", "-p", blue]);
    make(&federation, "new");
    fedns.sees("beijing", "Stale Unreachable");
    assert_eq!(fedns.ask(NAME), "NOERROR 192.0.2.1");
    let status = fedns.printed(&["status"]);
    assert!(status.contains("owed: the deletion of ConfigMap \"default/goes\""), "{status}");
    stage.host().run(&format!("{SYSTEM} get configmap fedns-debts-beijing"));

    stage.beijing.restart();
    is_absent(stage.beijing.kubectl(), "configmap goes");
    holds(&stage.beijing, "stays", "blue");
    holds(&stage.beijing, "new", "red");
    is_absent(stage.host(), &format!("configmap fedns-debts-beijing {SYSTEM}"));
    fedns.sees("beijing", "Live");
}

fn is_absent(kubectl: &Kubectl, object: &str) {
    eventually(GENEROUS, &format!("{object} is gone"), || {
        match kubectl.try_run(&format!("get {object}")) {
            Err(error) if error.contains("NotFound") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
}
