use propagator::{Standing, Status};
use serde_json::json;
use tests::eventually::{GENEROUS, eventually};
use tests::fault_proxy::Fault;
use tests::need::Need;
use tests::suite::Test;

use super::federation::{Federation, answers};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            a_dead_or_silent_member_delays_no_other,
            a_member_that_returns_gets_what_it_missed,
            without_the_lease_nothing_is_written,
            a_federation_that_was_restarted_goes_on,
            errors_of_a_member_are_tried_again,
            a_thousand_objects_reach_five_members_and_are_written_once;
    }
}

const COLOUR: &str = "get configmap web -o jsonpath={.data.colour}";

fn a_dead_or_silent_member_delays_no_other() {
    let federation = Federation::start(&["beijing", "hangzhou", "shanghai"]);
    federation.kubectl().run("create configmap first --from-literal=colour=red");
    federation.in_every_member("get configmap first -o jsonpath={.data.colour}", "red");
    federation.proxies[1].refuse();
    federation.proxies[2].inject(Fault::Silence);
    for number in 0..40 {
        federation.kubectl().run(&format!("create configmap map-{number}"));
    }
    for number in 0..40 {
        let line = format!("get configmap map-{number} -o jsonpath={{.metadata.name}}");
        answers(federation.member("beijing"), &line, &format!("map-{number}"));
    }
    federation.kubectl().run("create configmap web --from-literal=colour=red");
    answers(federation.member("beijing"), COLOUR, "red");
}

fn a_member_that_returns_gets_what_it_missed() {
    let federation = Federation::start(&["beijing", "hangzhou"]);
    federation.kubectl().run("create configmap web --from-literal=colour=red");
    federation.in_every_member(COLOUR, "red");
    federation.proxies[1].refuse();
    federation.propagator().set_standing("hangzhou", Standing::Offline);
    federation.kubectl().args(&[
        "patch",
        "configmap",
        "web",
        "-p",
        r#"{"data":{"colour":"blue"}}"#,
    ]);
    federation.kubectl().run("create configmap new");
    answers(federation.member("beijing"), COLOUR, "blue");
    federation.proxies[1].heal();
    federation.propagator().set_standing("hangzhou", Standing::Ready);
    answers(federation.member("hangzhou"), COLOUR, "blue");
    answers(federation.member("hangzhou"), "get configmap new -o jsonpath={.metadata.name}", "new");
}

fn without_the_lease_nothing_is_written() {
    let federation = Federation::start(&["beijing"]);
    federation.kubectl().run("create configmap web --from-literal=colour=red");
    federation.in_every_member(COLOUR, "red");
    federation.propagator().lose_lease();
    federation.status("it does not write", |status| !status.writes);
    let objects = federation.propagator().status().federation.objects;
    let writes = (federation.writes_to_members(), federation.writes_to_federation());
    federation.kubectl().run("create configmap new --from-literal=colour=red");
    federation.kubectl().args(&[
        "patch",
        "configmap",
        "web",
        "-p",
        r#"{"data":{"colour":"blue"}}"#,
    ]);
    federation.status("it has seen the new one", |status| status.federation.objects > objects);
    assert_eq!((federation.writes_to_members(), federation.writes_to_federation()), writes);
    federation.propagator().win_lease();
    federation.in_every_member("get configmap new -o jsonpath={.data.colour}", "red");
    federation.in_every_member(COLOUR, "blue");
}

fn a_federation_that_was_restarted_goes_on() {
    let mut federation = Federation::start(&["beijing"]);
    federation.kubectl().run("create configmap web --from-literal=colour=red");
    federation.in_every_member(COLOUR, "red");
    federation.api.restart();
    federation.kubectl().args(&[
        "patch",
        "configmap",
        "web",
        "-p",
        r#"{"data":{"colour":"blue"}}"#,
    ]);
    federation.in_every_member(COLOUR, "blue");
    federation.members[0].restart();
    federation.kubectl().args(&[
        "patch",
        "configmap",
        "web",
        "-p",
        r#"{"data":{"colour":"green"}}"#,
    ]);
    federation.in_every_member(COLOUR, "green");
}

fn errors_of_a_member_are_tried_again() {
    let federation = Federation::start(&["beijing"]);
    federation.proxies[0].inject_where(|request| request.method == "PATCH", Fault::Status(500));
    federation.kubectl().run("create configmap web --from-literal=colour=red");
    federation.event("CreateInClusterFailed", "500");
    federation.proxies[0].heal();
    federation.in_every_member(COLOUR, "red");
    federation.comes_to_rest();
}

fn a_thousand_objects_reach_five_members_and_are_written_once() {
    const OBJECTS: usize = 1000;
    let members = ["beijing", "hangzhou", "shanghai", "shenzhen", "zhangjiakou"];
    let federation = Federation::start(&members);
    let maps: Vec<_> = (0..OBJECTS)
        .map(|number| {
            json!({"apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": format!("map-{number}")}, "data": {"number": number.to_string()}})
        })
        .collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": maps});
    let file = federation.api.scratch().write("maps.json", list.to_string());
    federation.kubectl().args(&["create", "-f", &file.display().to_string()]);
    let everything =
        |status: &Status| status.clusters.values().all(|cluster| cluster.copies == OBJECTS);
    eventually(4 * GENEROUS, "all copies stand", || {
        let status = federation.propagator().status();
        if everything(&status) { Ok(()) } else { Err(format!("{status:?}")) }
    });
    federation.comes_to_rest();
    assert_eq!(federation.writes_to_federation().len(), OBJECTS);
    assert_eq!(federation.writes_to_members().len(), OBJECTS * members.len());

    // Whoever writes next finds everything as it should be.
    let mut federation = federation;
    federation.stop_propagator();
    federation.start_propagator();
    federation.status("all is known again", everything);
    federation.kubectl().run("create configmap web --from-literal=colour=red");
    federation.in_every_member(COLOUR, "red");
    assert_eq!(federation.writes_to_members().len(), (OBJECTS + 1) * members.len());
}
