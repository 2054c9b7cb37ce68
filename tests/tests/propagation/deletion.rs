use std::time::Duration;

use propagator::Standing;
use tests::eventually::{GENEROUS, eventually};
use tests::fault_proxy::{Fault, FaultProxy, Request};
use tests::kubectl::Kubectl;
use tests::need::Need;
use tests::suite::Test;

use super::federation::{Federation, Propagator, access, answers, is_absent, member};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            orphaned_copies_stay_and_are_ours_no_more,
            foreground_waits_for_the_copies,
            deletions_are_carried_out_that_were_made_while_nobody_looked,
            what_is_deleted_while_it_is_made_leaves_no_copy,
            what_an_earlier_holder_makes_late_goes_with_its_object,
            a_cluster_without_contact_owes_its_deletion,
            a_debt_is_void_once_the_object_is_there_again,
            a_wiped_federation_deletes_nothing,
            a_member_that_leaves_keeps_its_copies;
    }
}

const COLOUR: &str = "get configmap web -o jsonpath={.data.colour}";
const MAKE: &str = "create configmap web --from-literal=colour=red";
const GET: &str = "get configmap web";
const DEBTS: &str = "-n federation-system get configmap fedns-debts-hangzhou";

fn orphaned_copies_stay_and_are_ours_no_more() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    federation.kubectl().run(MAKE);
    federation.in_every_member(COLOUR, "red");
    federation.kubectl().run("delete configmap web --cascade=orphan");
    is_absent(federation.kubectl(), GET);
    federation
        .in_every_member("get configmap web -o jsonpath={.metadata.labels}{.data.colour}", "red");
    federation.event("OrphanInCluster", r#"Orphaned ConfigMap "default/web" in cluster beijing"#);
    federation.kubectl().run("create configmap web --from-literal=colour=blue");
    federation.event("ConflictInCluster", "is there already");
    assert_eq!(federation.member("beijing").run(COLOUR), "red");
}

fn foreground_waits_for_the_copies() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    federation.kubectl().run(MAKE);
    federation.in_every_member(COLOUR, "red");
    let beijing = federation.member("beijing");
    beijing.args(&[
        "patch",
        "configmap",
        "web",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":["test.io/held"]}}"#,
    ]);
    federation.kubectl().run("delete configmap web --cascade=foreground --wait=false");
    collect(federation.member("hangzhou"), "web");
    is_absent(federation.member("hangzhou"), GET);
    answers(
        beijing,
        "get configmap web -o jsonpath={.metadata.finalizers}",
        r#"["test.io/held","foregroundDeletion"]"#,
    );
    assert_eq!(federation.kubectl().run(COLOUR), "red");
    beijing.args(&[
        "patch",
        "configmap",
        "web",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":null}}"#,
    ]);
    is_absent(beijing, GET);
    is_absent(federation.kubectl(), GET);
}

fn what_is_deleted_while_it_is_made_leaves_no_copy() {
    let federation = Federation::start(&["beijing"]);
    let proxy = &federation.proxies[0];
    proxy.inject_where(makes, Fault::Delay(Duration::from_secs(5)));
    federation.kubectl().run(MAKE);
    is_asked(proxy, makes);
    federation.kubectl().run("delete configmap web");
    federation.comes_to_rest();
    is_absent(federation.member("beijing"), GET);
}

fn makes(request: &Request) -> bool {
    request.method == "PATCH" && request.path.ends_with("/configmaps/web")
}

fn deletes(request: &Request) -> bool {
    request.method == "DELETE" && request.path.ends_with("/configmaps/web")
}

#[track_caller]
fn is_asked(proxy: &FaultProxy, is_it: fn(&Request) -> bool) {
    eventually(GENEROUS, "the request is made", || {
        let requests = proxy.requests();
        if requests.iter().any(is_it) { Ok(()) } else { Err(format!("{requests:?}")) }
    });
}

/// The member carries out what the earlier one began, after the next one has looked there.
fn what_an_earlier_holder_makes_late_goes_with_its_object() {
    let federation = Federation::start(&["beijing"]);
    let (api, beijing) = (&federation.api, &federation.members[0]);
    federation.proxies[0].inject_where(makes, Fault::Hold);
    federation.kubectl().run(MAKE);
    is_asked(&federation.proxies[0], makes);
    federation.propagator().lose_lease();
    federation.status("it does not write", |status| !status.writes);

    federation.kubectl().run("delete configmap web --wait=false");
    let way = FaultProxy::start(&beijing.context());
    let way_there = beijing.context().through(way.url()).renamed("next");
    let next = access(api, &api.context().renamed("next"));
    let _next = Propagator::start(next, vec![member(beijing, &way_there)]);
    is_absent(federation.kubectl(), GET);
    assert!(!way.requests().iter().any(deletes), "there is nothing to delete yet");

    federation.proxies[0].heal();
    is_asked(&way, deletes);
    is_absent(beijing.kubectl(), GET);
}

fn deletions_are_carried_out_that_were_made_while_nobody_looked() {
    let mut federation = Federation::start(&["beijing", "hangzhou"]);
    for name in ["background", "orphan", "foreground"] {
        federation.kubectl().run(&format!("create configmap {name}"));
    }
    for name in ["background", "orphan", "foreground"] {
        federation
            .in_every_member(&format!("get configmap {name} -o jsonpath={{.metadata.name}}"), name);
    }
    federation.stop_propagator();
    for cascade in ["background", "orphan", "foreground"] {
        federation
            .kubectl()
            .run(&format!("delete configmap {cascade} --cascade={cascade} --wait=false"));
    }
    federation.start_propagator();
    for name in ["beijing", "hangzhou"] {
        collect(federation.member(name), "foreground");
    }
    for name in ["background", "orphan", "foreground"] {
        is_absent(federation.kubectl(), &format!("get configmap {name}"));
    }
    federation.in_no_member("get configmap foreground");
    federation.in_no_member("get configmap background");
    federation.in_every_member(
        "get configmap orphan -o jsonpath={.metadata.name}{.metadata.labels}",
        "orphan",
    );
}

/// Plays the garbage collector of a member, for an object on which nothing depends.
fn collect(member: &Kubectl, name: &str) {
    let finalizers = format!("get configmap {name} -o jsonpath={{.metadata.finalizers}}");
    answers(member, &finalizers, r#"["foregroundDeletion"]"#);
    let none = r#"{"metadata":{"finalizers":null}}"#;
    member.args(&["patch", "configmap", name, "--type=merge", "-p", none]);
}

fn a_cluster_without_contact_owes_its_deletion() {
    let mut federation = Federation::start(&["beijing", "hangzhou"]);
    federation.kubectl().run(MAKE);
    federation.in_every_member(COLOUR, "red");
    federation.proxies[1].refuse();
    federation.propagator().set_standing("hangzhou", Standing::Offline);
    federation.kubectl().run("delete configmap web");
    is_absent(federation.member("beijing"), GET);
    federation.kubectl().run(DEBTS);
    assert_eq!(federation.member("hangzhou").run(COLOUR), "red");

    // Whoever writes next knows of it.
    federation.stop_propagator();
    federation.proxies[1].heal();
    federation.start_propagator();
    is_absent(federation.member("hangzhou"), GET);
    is_absent(federation.kubectl(), DEBTS);
}

fn a_debt_is_void_once_the_object_is_there_again() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    federation.kubectl().run(MAKE);
    federation.in_every_member(COLOUR, "red");
    let uid = "get configmap web -o jsonpath={.metadata.uid}";
    let before = federation.member("hangzhou").run(uid);
    federation.proxies[1].refuse();
    federation.propagator().set_standing("hangzhou", Standing::Offline);
    federation.kubectl().run("delete configmap web");
    federation.kubectl().run(DEBTS);
    federation.kubectl().run("create configmap web --from-literal=colour=blue");
    answers(federation.member("beijing"), COLOUR, "blue");
    federation.proxies[1].heal();
    federation.propagator().set_standing("hangzhou", Standing::Ready);
    answers(federation.member("hangzhou"), COLOUR, "blue");
    is_absent(federation.kubectl(), DEBTS);
    assert_eq!(federation.member("hangzhou").run(uid), before);
}

fn a_wiped_federation_deletes_nothing() {
    let mut federation = Federation::start(&["beijing", "hangzhou"]);
    federation.kubectl().run("create namespace shop");
    federation.kubectl().run("-n shop create configmap web --from-literal=colour=red");
    federation.kubectl().run(MAKE);
    federation.in_every_member(&format!("-n shop {COLOUR}"), "red");
    federation.in_every_member(COLOUR, "red");
    let writes = federation.writes_to_members().len();
    federation.api.replace_by_new_cluster();
    federation.kubectl().run("create namespace federation-system");
    // What is made now shows that the emptiness was seen.
    federation.kubectl().run("create configmap new --from-literal=colour=red");
    federation.in_every_member("get configmap new -o jsonpath={.data.colour}", "red");
    federation.comes_to_rest();
    federation.in_every_member(&format!("-n shop {COLOUR}"), "red");
    federation.in_every_member(COLOUR, "red");
    assert_eq!(federation.writes_to_members().len(), writes + 2);
}

fn a_member_that_leaves_keeps_its_copies() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    federation.kubectl().run(MAKE);
    federation.in_every_member(COLOUR, "red");
    let hangzhou = federation.member("hangzhou");
    federation.propagator().remove("hangzhou");
    federation.kubectl().run("delete configmap web");
    is_absent(federation.member("beijing"), GET);
    is_absent(federation.kubectl(), GET);
    assert_eq!(hangzhou.run(COLOUR), "red");
}
