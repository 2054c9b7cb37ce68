use std::fs;
use std::process::Command;

use tests::eventually::{GENEROUS, eventually};
use tests::need::{Need, SYSTEMD_ANALYZE};
use tests::product;
use tests::scratch::Scratch;
use tests::suite::Test;
use tests::systemd::Systemd;

use super::deploy;
use crate::serve::folder::{WEB, service};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [SYSTEMD_ANALYZE] => its_units_are_understood;
        [Need::Systemd] => a_service_is_started_replaced_and_stopped;
    }
}

fn unit(name: &str) -> String {
    fs::read_to_string(deploy().join("systemd").join(name)).expect("read a unit")
}

/// systemd says nothing of a unit that it likes; of a key that it does not know it only warns.
fn its_units_are_understood() {
    let scratch = Scratch::new("units");
    let program = product::fedns().get_program().to_str().expect("a path of UTF-8").to_owned();
    let paths = ["fedns.service", "fedns.socket"]
        .map(|name| scratch.write(name, unit(name).replace("/usr/local/bin/fedns", &program)));
    let output = Command::new("systemd-analyze").args(["--man=no", "verify"]).args(paths).output();
    let output = output.expect("run systemd-analyze");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{}: {said}", output.status);
}

const CONFIG: &str = "apiVersion: fedns.io/v1\nkind: Config\nfederation: fed\nzone: example.com.\n\
    nameServers: [{name: ns1.example.com., addresses: [192.0.2.53]}]\n\
    listen: {dns: [\"192.0.2.53:53\"], admin: \"127.0.0.1:8053\"}\n\
    stateDir: /var/lib/fedns\nlameDuck: 0s\nclusters:\n  - {name: a, manifests: ./a, region: r}\n";

/// What the docs say to put into the unit.
fn reload_of_the_docs() -> String {
    let docs = fs::read_to_string(deploy().join("../docs/name-server.md")).expect("read the docs");
    let (_, rest) = docs.split_once("```ini\n").expect("the docs have a piece of a unit");
    let (piece, _) = rest.split_once("```").expect("it ends");
    piece.to_owned()
}

#[track_caller]
fn answers(machine: &Systemd) {
    let said = machine.does(&["fedns", "query", WEB, "A", "--server", "192.0.2.53:53"]);
    assert!(said.contains("192.0.2.7"), "{said}");
}

fn stands(machine: &Systemd) -> Vec<String> {
    machine.shows("fedns.service", &["ActiveState", "Result", "NRestarts"])
}

/// The one process of fedns, if it is the service's main one.
fn main_process(machine: &Systemd) -> Result<String, String> {
    let shown = machine.shows("fedns.service", &["MainPID"]).concat();
    let (_, all) = machine.run(&["pgrep", "-x", "fedns"]);
    match format!("MainPID={}", all.trim()) == shown {
        true => Ok(shown),
        false => Err(format!("{shown}, and these run: {all}")),
    }
}

fn a_service_is_started_replaced_and_stopped() {
    let (service_unit, socket_unit, reload) =
        (unit("fedns.service"), unit("fedns.socket"), reload_of_the_docs());
    let units = [
        ("fedns.service", service_unit.as_str()),
        ("fedns.socket", &socket_unit),
        ("fedns.service.d/reload.conf", &reload),
        ("fedns.service.d/log.conf", "[Service]\nStandardError=append:/run/fedns.log\n"),
    ];
    let web = service("web", "192.0.2.7");
    let files = [("/etc/fedns/fedns.yaml", CONFIG), ("/etc/fedns/a/web.yaml", &web)];
    let machine = Systemd::boot(&units, &files);
    machine.does(&["systemctl", "start", "fedns.socket", "fedns.service"]);
    answers(&machine);
    let serves = ["ActiveState=active", "NRestarts=0", "Result=success"];
    let mut before = main_process(&machine).expect("one process");
    for _ in 0..3 {
        machine.does(&["systemctl", "reload", "fedns.service"]);
        before = eventually(GENEROUS, "another process is the main one", || {
            match main_process(&machine)? {
                same if same == before => Err(same),
                other => Ok(other),
            }
        });
        answers(&machine);
        assert_eq!(stands(&machine), serves, "{}", machine.does(&["cat", "/run/fedns.log"]));
    }
    machine.does(&["systemctl", "stop", "fedns.service"]);
    assert_eq!(stands(&machine), ["ActiveState=inactive", "NRestarts=0", "Result=success"]);
    // The socket unit has kept the port.
    machine.does(&["systemctl", "start", "fedns.service"]);
    answers(&machine);
}
