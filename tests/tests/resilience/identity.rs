use tests::eventually::{GENEROUS, eventually};
use tests::kubeconfig::kubeconfig;
use tests::need::Need;
use tests::serving::Fedns;
use tests::suite::Test;

use super::stage::{Stage, copy};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            another_cluster_takes_a_place_when_it_joins,
            which_cluster_is_meant_counts_at_the_first_look;
    }
}

/// Enough for a guard to hold what vanishes.
const SERVICES: u8 = 12;
const ONE: &str = "s1.default.fed.svc.example.com";
const LAST: &str = "s12.default.fed.svc.example.com";

/// The admin's own way in, so that any cluster at the address takes it.
fn join_with_kubeconfig(stage: &Stage) {
    stage.home().write("admin", kubeconfig(&[stage.beijing.context()]));
    stage.join("beijing", "--credentials-kubeconfig=admin --timeout=0");
}

fn status_tells(stage: &Stage, expect: &str) {
    eventually(GENEROUS, "the status tells of another cluster", || {
        let object = stage.federation.kubectl().json("get cluster beijing");
        let message = object["status"]["conditions"][0]["message"].clone();
        match message.as_str().is_some_and(|it| it.contains(expect)) {
            true => Ok(()),
            false => Err(message.to_string()),
        }
    });
}

fn refuses_to_accept(fedns: &Fedns) {
    let output = fedns.command(&["clusters", "accept", "beijing"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("`fedns join beijing` again takes the cluster"), "{error}");
}

fn another_cluster_takes_a_place_when_it_joins() {
    let mut stage = Stage::new();
    let fedns = stage.serve("");
    join_with_kubeconfig(&stage);
    let before = stage.beijing.uid();
    for number in 1..=SERVICES {
        copy(&stage.beijing, &format!("s{number}"), &format!("192.0.2.{number}"));
    }
    fedns.answers(LAST, "NOERROR 192.0.2.12");
    fedns.answers(ONE, "NOERROR 192.0.2.1");

    stage.beijing.replace_by_new_cluster();
    copy(&stage.beijing, "s1", "203.0.113.1");
    fedns.sees("beijing", "Stale ClusterChanged");
    status_tells(&stage, "where that is meant, join the cluster again");
    assert_eq!(fedns.ask(ONE), "NOERROR 192.0.2.1");
    assert_eq!(fedns.ask(LAST), "NOERROR 192.0.2.12");
    refuses_to_accept(&fedns);

    let told = stage.join("beijing", "--credentials-kubeconfig=admin --timeout=0");
    assert!(told.contains(&format!("was {before} and is {}", stage.beijing.uid())), "{told}");
    fedns.answers(ONE, "NOERROR 203.0.113.1");
    assert_eq!(fedns.ask(LAST), "NXDOMAIN", "all of it in one step");
    fedns.sees("beijing", "Live");
    copy(&stage.beijing, "s2", "203.0.113.2");
    fedns.answers("s2.default.fed.svc.example.com", "NOERROR 203.0.113.2");

    // The account of the cluster of before is nothing here; a new one is made.
    stage.beijing.replace_by_new_cluster();
    copy(&stage.beijing, "s3", "203.0.113.3");
    fedns.sees("beijing", "Stale ClusterChanged");
    stage.join("beijing", "--bound-token");
    fedns.answers("s3.default.fed.svc.example.com", "NOERROR 203.0.113.3");
    assert_eq!(fedns.ask(ONE), "NXDOMAIN");
}

/// A server that has never seen the member knows from its object which cluster it is.
fn which_cluster_is_meant_counts_at_the_first_look() {
    let mut stage = Stage::new();
    join_with_kubeconfig(&stage);
    stage.beijing.replace_by_new_cluster();
    copy(&stage.beijing, "s1", "203.0.113.1");
    let fedns = stage.serve("");
    fedns.sees("beijing", "Stale ClusterChanged");
    assert_ne!(fedns.ask(ONE), "NOERROR 203.0.113.1");

    // By hand, as the refusal of `accept` tells it.
    let uid = stage.beijing.uid();
    let line = format!("annotate --overwrite cluster beijing fedns.io/cluster-uid={uid}");
    stage.federation.kubectl().run(&line);
    fedns.answers(ONE, "NOERROR 203.0.113.1");
}
