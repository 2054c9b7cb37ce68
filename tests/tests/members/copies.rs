use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use tests::api_server::ApiServer;
use tests::eventually::{GENEROUS, eventually};
use tests::need::Need;
use tests::serving::Fedns;
use tests::suite::Test;

use super::{Federation, copy};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Kubernetes] =>
            a_start_without_its_volume_answers_from_the_copies_in_the_host,
            only_what_changes_is_copied_and_who_leaves_takes_the_copy_along,
            damaged_copies_are_told_stop_nothing_and_are_mended;
    }
}

const NAME: &str = "web.default.fed.svc.example.com";

/// The text of a member's copied state.
fn copied(host: &ApiServer, cluster: &str) -> Result<String, String> {
    let map = format!("-n federation-system get configmap fedns-state-{cluster}");
    let packed =
        host.kubectl().try_run(&format!(r"{map} -o jsonpath={{.binaryData.state\.gz}}"))?;
    let mut command = Command::new("sh");
    command.args(["-c", "base64 -d | gzip -dc"]).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("start a shell");
    let mut input = child.stdin.take().expect("stdin is piped");
    input.write_all(packed.as_bytes()).expect("the shell reads");
    drop(input);
    let output = child.wait_with_output().expect("wait for the shell");
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// Waits until the copy has all of these texts.
#[track_caller]
fn is_copied(host: &ApiServer, cluster: &str, texts: &[&str]) {
    eventually(GENEROUS, &format!("{texts:?} of {cluster} is copied"), || {
        let copied = copied(host, cluster)?;
        let lacks = texts.iter().any(|text| !copied.contains(&format!("\"{text}\"")));
        if lacks { Err(copied) } else { Ok(()) }
    });
}

#[track_caller]
fn serials_are_copied(host: &ApiServer) {
    let line = "-n federation-system get configmap fedns-serials -o jsonpath={.data.serials}";
    eventually(GENEROUS, "the serials are copied", || match host.kubectl().try_run(line)? {
        text if text.contains("example.com.") => Ok(()),
        text => Err(text),
    });
}

/// As a new pod: nothing is left but the config.
fn lose_volume(fedns: &mut Fedns) {
    fedns.kill();
    fs::remove_dir_all(fedns.home().join("state")).expect("remove the state folder");
}

/// What was logged since.
fn log_since(fedns: &Fedns, seen: usize) -> String {
    fedns.process().log()[seen..].to_owned()
}

fn a_start_without_its_volume_answers_from_the_copies_in_the_host() {
    let mut federation = Federation::start();
    let mut fedns = federation.serve();
    federation.join_by_hand(&federation.hangzhou);
    copy(&federation.hangzhou, "192.0.2.2");
    fedns.answers(NAME, "NOERROR 192.0.2.2");
    is_copied(&federation.beijing, "hangzhou", &["192.0.2.2"]);
    serials_are_copied(&federation.beijing);

    let (serial, seen) = (fedns.serial(), fedns.process().log().len());
    lose_volume(&mut fedns);
    federation.api.kill();
    federation.hangzhou.kill();
    fedns.start();
    fedns.answers(NAME, "NOERROR 192.0.2.2");
    fedns.sees("hangzhou", "Stale");
    let after = fedns.serial();
    assert!(after.is_newer_than(serial), "{after} after {serial}");
    let log = log_since(&fedns, seen);
    assert!(
        log.contains("the cluster's state is taken from its copy in the host cluster"),
        "{log}"
    );

    federation.api.restart();
    federation.hangzhou.restart();
    fedns.sees("hangzhou", "Live");
    copy(&federation.hangzhou, "192.0.2.3");
    fedns.answers(NAME, "NOERROR 192.0.2.3");
}

fn only_what_changes_is_copied_and_who_leaves_takes_the_copy_along() {
    let federation = Federation::start();
    let fedns = federation.serve();
    let host = &federation.beijing;
    let version = || {
        let map = "-n federation-system get configmap fedns-state-hangzhou";
        host.kubectl().run(&format!("{map} -o jsonpath={{.metadata.resourceVersion}}"))
    };
    federation.join_by_hand(&federation.hangzhou);
    copy(&federation.hangzhou, "192.0.2.2");
    // With what is learned of the cluster beside its Services.
    let uid = federation.hangzhou.uid();
    is_copied(host, "hangzhou", &["192.0.2.2", &uid, "cn-hangzhou-b"]);
    let before = version();
    // A later look has copied this one, and had nothing to write for the other.
    federation.join_by_hand(host);
    copy(host, "192.0.2.1");
    is_copied(host, "beijing", &["192.0.2.1"]);
    assert_eq!(version(), before);

    federation.api.kubectl().run("delete cluster hangzhou --timeout=60s");
    fedns.answers(NAME, "NOERROR 192.0.2.1");
    eventually(GENEROUS, "only beijing's state is copied", || {
        let line = "-n federation-system get configmaps -l fedns.io/state=cluster -o name";
        match host.kubectl().run(line).as_str() {
            "configmap/fedns-state-beijing\n" => Ok(()),
            names => Err(names.to_owned()),
        }
    });
}

fn damaged_copies_are_told_stop_nothing_and_are_mended() {
    let federation = Federation::start();
    let mut fedns = federation.serve();
    let host = &federation.beijing;
    federation.join_by_hand(&federation.hangzhou);
    copy(&federation.hangzhou, "192.0.2.2");
    is_copied(host, "hangzhou", &["192.0.2.2"]);
    serials_are_copied(host);
    let patch = |name: &str, patch: &str| {
        let target = ["-n", "federation-system", "patch", "configmap", name, "--type=merge", "-p"];
        host.kubectl().args(&[target.as_slice(), &[patch]].concat());
    };
    let seen = fedns.process().log().len();
    lose_volume(&mut fedns);
    patch("fedns-state-hangzhou", r#"{"binaryData": {"state.gz": "cnViYmlzaA=="}}"#);
    patch("fedns-serials", r#"{"data": {"serials": "rubbish\n"}}"#);
    fedns.start();
    fedns.answers(NAME, "NOERROR 192.0.2.2");
    let log = log_since(&fedns, seen);
    for place in
        ["ConfigMap fedns-state-hangzhou: state.gz: ", "ConfigMap fedns-serials: serials: "]
    {
        let told = format!("a copy of the state is damaged and not used: {place}");
        assert!(log.contains(&told), "{place}: {log}");
    }
    is_copied(host, "hangzhou", &["192.0.2.2"]);
}
