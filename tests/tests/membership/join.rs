use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tests::eventually::{GENEROUS, eventually};
use tests::need::Need;
use tests::process::Process;
use tests::suite::Test;

use super::stage::{LABEL, Stage};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            the_command_lines_of_the_seeds_make_members,
            a_dry_run_shows_what_api_servers_accept_and_changes_nothing,
            labels_and_regions_that_stand_are_kept_until_they_are_taken_back,
            what_the_secret_knows_outlives_the_object,
            ready_is_waited_for_and_silence_is_told;
    }
}

const HANGZHOU: &str = "join hangzhou --context=federation --cluster-context=hangzhou \
                        --host-cluster-context=hangzhou --timeout=0";
const BEIJING: &str = "join beijing --context=federation --cluster-context=beijing \
                       --host-cluster-context=hangzhou --bound-token --timeout=0";
/// Without `--context`: the current one, which is the federation's.
const SHORT: &str =
    "join hangzhou --host-cluster-context=hangzhou --secret-name=fed-secret-gce --timeout=0";

/// `--timeout=0`: no fedns runs there to see the member.
fn the_command_lines_of_the_seeds_make_members() {
    let stage = Stage::new();
    let printed = stage.printed(HANGZHOU);
    assert!(
        printed.ends_with(&format!("cluster hangzhou joined federation {LABEL}\n")),
        "{printed}"
    );
    let members = stage.kubectl().run("get cluster --context=federation");
    let words: Vec<&str> = members.split_whitespace().collect();
    assert_eq!(words[..4], ["NAME", "STATUS", "AGE", "hangzhou"], "{members}");
    let token = token(&stage, "hangzhou");
    assert!(!printed.contains(&token));

    let before = secrets(&stage);
    let again = stage.printed(HANGZHOU);
    assert!(!again.contains("... changed") && again.contains("... unchanged"), "{again}");
    assert_eq!(secrets(&stage), before);

    let bound = stage.printed(BEIJING);
    assert!(!bound.contains(&self::token(&stage, "beijing")));
    let members = stage.kubectl().run("get clusters --context=federation -o name");
    assert_eq!(members, "cluster.fedns.io/beijing\ncluster.fedns.io/hangzhou\n");

    // kubefed's other line: the Secret gets another name, and the old one goes.
    stage.printed(SHORT);
    let host = stage.hangzhou.api.kubectl();
    let names = host.run("-n federation-system get secrets -l fedns.io/cluster -o name");
    assert_eq!(names, "secret/beijing\nsecret/fed-secret-gce\n");
    only_what_the_role_says(&stage, &self::token(&stage, "fed-secret-gce"));
    listed_as_kubectl_does(&stage);

    // One cluster has one name.
    let error = stage.refused(&BEIJING.replace("join beijing", "join peking"));
    assert!(error.contains("is a member of this federation already, as \"beijing\""), "{error}");
}

fn secrets(stage: &Stage) -> Value {
    stage.hangzhou.api.kubectl().json("-n federation-system get secrets")["items"].clone()
}

fn token(stage: &Stage, secret: &str) -> String {
    let host = stage.hangzhou.api.kubectl();
    let secret = host.json(&format!("-n federation-system get secret {secret}"));
    String::from_utf8(STANDARD.decode(secret["data"]["token"].as_str().unwrap()).unwrap()).unwrap()
}

fn only_what_the_role_says(stage: &Stage, token: &str) {
    let mut context = stage.hangzhou.api.context().renamed("account");
    context.token = token.to_owned();
    stage.contexts(vec![context]);
    let account = stage.kubectl().context("account");
    for may in ["create deployments.apps", "delete services", "list nodes", "get /readyz"] {
        account.run(&format!("auth can-i {may}"));
    }
    let may_not =
        ["create pods", "delete nodes", "create clusterroles", "get persistentvolumes", "* *"];
    for may_not in may_not {
        let error = account.try_run(&format!("auth can-i {may_not}")).expect_err(may_not);
        assert!(!error.contains("rror"), "{may_not}: {error}");
    }
    stage.contexts(vec![]);
}

fn listed_as_kubectl_does(stage: &Stage) {
    let status = r#"{"status":{"phase":"Ready","region":"r1","version":"v1.36.3","services":2}}"#;
    let federation = stage.federation.kubectl();
    federation.args(&[
        "patch",
        "cluster",
        "beijing",
        "--subresource=status",
        "--type=merge",
        "-p",
        status,
    ]);
    let cells = |text: &str| -> Vec<String> {
        let column = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        // The age goes on between the two commands.
        text.lines().flat_map(column).filter(|it| !is_age(it)).collect()
    };
    for options in ["", " -o wide", " -o name", " beijing"] {
        let ours = stage.printed(&format!("get clusters --context=federation{options}"));
        let theirs = stage.kubectl().run(&format!("get clusters --context=federation{options}"));
        assert_eq!(cells(&ours), cells(&theirs), "{ours}{theirs}");
    }
    // Where none is named, the current context is asked, which is the federation's.
    let ours = stage.printed("get clusters -o name --kubeconfig=config");
    assert_eq!(ours, stage.kubectl().run("get clusters -o name"));
    let error = stage.refused("get clusters shanghai --context=federation");
    assert!(error.contains("cluster \"shanghai\" not found"), "{error}");
}

fn is_age(cell: &str) -> bool {
    cell.ends_with(['s', 'm']) && cell.starts_with(|letter: char| letter.is_ascii_digit())
}

fn a_dry_run_shows_what_api_servers_accept_and_changes_nothing() {
    let stage = Stage::new();
    let before = secrets(&stage);
    let text =
        stage.printed(&format!("{HANGZHOU} --dry-run --region=r1 --zone=z1,z2 --labels=a=b"));
    assert_eq!(secrets(&stage), before);
    assert_eq!(stage.federation.kubectl().run("get clusters -o name"), "");
    for document in text.split("---\n").filter(|it| !it.is_empty()) {
        let party = match document.lines().next() {
            Some("# the federation (context federation)") => stage.federation.kubectl(),
            Some("# the host cluster (context hangzhou)" | "# cluster hangzhou") => {
                stage.hangzhou.api.kubectl()
            }
            other => panic!("{other:?}"),
        };
        let file = stage.home().write("document.yaml", document);
        party.run(&format!("apply --dry-run=server -f {}", file.display()));
    }
    assert!(text.contains("REDACTED"), "{text}");
    for kind in ["ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Secret", "Cluster"] {
        assert!(text.contains(&format!("kind: {kind}\n")), "{kind}: {text}");
    }
}

fn labels_and_regions_that_stand_are_kept_until_they_are_taken_back() {
    let stage = Stage::new();
    stage.printed(&format!("{BEIJING} --region=r1 --zone=z1 --labels=a=b,c=d"));
    stage.federation.kubectl().run("label cluster beijing own=yes");
    stage.printed(&format!("{BEIJING} --labels=c=e"));
    let object = stage.federation.kubectl().json("get cluster beijing");
    let expect = json!({"a": "b", "c": "e", "own": "yes"});
    assert_eq!(object["metadata"]["labels"], expect);
    assert_eq!(object["spec"]["region"], "r1");
    assert_eq!(object["spec"]["availabilityZones"], json!(["z1"]));
    let secret = &secrets(&stage)[0]["metadata"]["annotations"];
    assert_eq!(secret["fedns.io/region"], "r1");
    assert_eq!(secret["fedns.io/server"], object["spec"]["server"]);

    stage.printed(&format!("{BEIJING} --region="));
    let spec = &stage.federation.kubectl().json("get cluster beijing")["spec"];
    assert!(spec.get("region").or(spec.get("availabilityZones")).is_none(), "{spec}");
    let secret = &secrets(&stage)[0]["metadata"]["annotations"];
    assert!(
        secret.get("fedns.io/region").or(secret.get("fedns.io/availability-zones")).is_none(),
        "{secret}"
    );
}

fn what_the_secret_knows_outlives_the_object() {
    let stage = Stage::new();
    stage.printed(&format!("{BEIJING} --secret-name=key --region=r1 --zone=z1"));
    // An etcd that is lost tells nobody of a deletion.
    stage.federation.kubectl().run("delete cluster beijing");
    stage.printed(BEIJING);
    let object = stage.federation.kubectl().json("get cluster beijing");
    assert_eq!(object["spec"]["secretRef"]["name"], "key");
    assert_eq!(object["spec"]["region"], "r1");
    assert_eq!(object["spec"]["availabilityZones"], json!(["z1"]));
    assert_eq!(secrets(&stage).as_array().map(Vec::len), Some(1));
}

fn ready_is_waited_for_and_silence_is_told() {
    let stage = Stage::new();
    let line = BEIJING.replace("--timeout=0", "--timeout=1s");
    let error = stage.refused(&line);
    assert!(error.contains("does fedns run in the control plane?"), "{error}");
    tell(&stage, "Ready", "/readyz responded with ok");
    let error = stage.refused(&line);
    assert!(error.contains("has not told what it sees with what this join wrote"), "{error}");

    let out = answered(&stage, "15s", ("Offline", "cluster is not reachable"), 1);
    assert!(out.contains("Offline: cluster is not reachable"), "{out}");
    assert!(out.contains("--cluster-server"), "{out}");
    let out = answered(&stage, "60s", ("Ready", "/readyz responded with ok"), 0);
    assert!(out.contains("cluster beijing is Ready: /readyz responded with ok\n"), "{out}");
}

/// What the last join left, which the control plane repeats.
fn mark(stage: &Stage) -> String {
    let path = r"jsonpath={.metadata.annotations.fedns\.io/join}";
    stage.federation.kubectl().args(&["get", "cluster", "beijing", "-o", path])
}

/// Plays a control plane that has seen the member as the last join left it.
fn tell(stage: &Stage, phase: &str, message: &str) {
    let status = json!({"status": {"phase": phase, "join": mark(stage), "conditions": [{
        "type": phase, "status": "True", "reason": "R", "message": message,
        "lastProbeTime": null, "lastTransitionTime": null,
    }]}});
    let status = status.to_string();
    let patch = ["patch", "cluster", "beijing", "--subresource=status", "--type=merge", "-p"];
    stage.federation.kubectl().args(&[&patch[..], &[&status]].concat());
}

/// What a join prints that the control plane answers while it waits.
fn answered(stage: &Stage, timeout: &str, (phase, message): (&str, &str), code: i32) -> String {
    let before = mark(stage);
    let line = BEIJING.replace("--timeout=0", &format!("--timeout={timeout}"));
    let mut join = Process::start("join", &stage.command(&line), stage.home().path());
    eventually(GENEROUS, "the join has written", || match mark(stage) {
        mark if mark == before => Err(mark),
        _ => Ok(()),
    });
    tell(stage, phase, message);
    let status = join.wait(GENEROUS);
    assert_eq!(status.code(), Some(code), "{}", join.log());
    join.log()
}
