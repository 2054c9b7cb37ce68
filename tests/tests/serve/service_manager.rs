use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

use tests::eventually::{GENEROUS, eventually};
use tests::need::{DIG, Need, SYSTEMD_SOCKET_ACTIVATE};
use tests::process::Process;
use tests::product;
use tests::service_manager::ServiceManager;
use tests::serving::Fedns;
use tests::suite::Test;

use super::folder::{WEB, prepared, service, serving};

/// Who has no rights beyond everybody's, on every system.
const NOBODY: u32 = 65_534;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [DIG, SYSTEMD_SOCKET_ACTIVATE] => a_socket_that_is_passed_is_answered_on;
        [SYSTEMD_SOCKET_ACTIVATE] => a_socket_that_no_key_names_is_refused;
        [Need::Root] =>
            rights_are_given_up_once_ports_are_bound,
            a_user_that_cannot_be_become_is_refused;
        [] => readiness_and_the_end_are_told,
            threads_stay_on_their_cpus,
            a_cpu_that_is_not_there_is_refused;
    }
}

/// As systemd starts a service for a socket unit: at the first query.
fn activated(fedns: &Fedns, port: u16) -> Process {
    let mut command = Command::new("systemd-socket-activate");
    command.arg("--datagram").arg(format!("--listen=127.0.0.1:{port}"));
    command.arg(product::fedns().get_program());
    command.arg("serve").arg("--config").arg(fedns.home().join("fedns.yaml"));
    fs::create_dir_all(fedns.home().join("logs")).expect("make a folder");
    Process::start("activated", &command, &fedns.home().join("logs"))
}

fn a_socket_that_is_passed_is_answered_on() {
    let (fedns, folders) = prepared(&["a"], "workers: 3\n");
    folders[0].write("web.yaml", &service("web", "192.0.2.1"));
    let mut process = activated(&fedns, fedns.dns_port());
    fedns.answers(WEB, "NOERROR 192.0.2.1");
    // Each with a port of its own: whichever thread gets it answers.
    for _ in 0..20 {
        fedns.resolves(WEB, "A", "NOERROR, A 192.0.2.1");
    }
    assert!(process.terminate(GENEROUS).success(), "{}", process.log());
}

fn a_socket_that_no_key_names_is_refused() {
    let (fedns, _folders) = prepared(&["a"], "");
    let other = Fedns::prepared(&[], "");
    let port = other.dns_port();
    let mut process = activated(&fedns, port);
    let mut client = None;
    eventually(GENEROUS, "it is started", || {
        let client = client
            .get_or_insert_with(|| std::net::UdpSocket::bind("127.0.0.1:0").expect("a free port"));
        // Before the socket is there nobody may be listening.
        let _ = client.send_to(b"wake up", ("127.0.0.1", port));
        let log = process.log();
        if log.contains("fedns: ") { Ok(()) } else { Err(log) }
    });
    assert_eq!(process.wait(GENEROUS).code(), Some(1));
    let wanted = format!(
        "fedns: the service manager passed a socket at 127.0.0.1:{port}/udp, which the config does not name; \
         add it to listen, or remove it from the socket unit\n"
    );
    assert!(process.log().ends_with(&wanted), "{}", process.log());
}

fn readiness_and_the_end_are_told() {
    let (mut fedns, folders) = prepared(&["a"], "lameDuck: 0\n");
    folders[0].write("web.yaml", &service("web", "192.0.2.1"));
    let manager = ServiceManager::start(&mut fedns);
    assert_eq!(manager.told(), "READY=1\nSTATUS=serves example.com.\n");
    assert_eq!(fedns.ask(WEB), "NOERROR 192.0.2.1", "it is ready");
    fedns.stop();
    assert_eq!(manager.told(), "STOPPING=1\n");
}

/// The values of a line like `Uid: 0 0 0 0`.
fn values(status: &str, key: &str) -> BTreeSet<String> {
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    line.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

fn rights_are_given_up_once_ports_are_bound() {
    let (mut fedns, folders) = prepared(&["a"], "user: nobody\n");
    folders[0].write("web.yaml", &service("web", "192.0.2.1"));
    fs::set_permissions(fedns.home(), fs::Permissions::from_mode(0o755)).expect("open the folder");
    fedns.start();
    fedns.answers(WEB, "NOERROR 192.0.2.1");
    let threads =
        fs::read_dir(format!("/proc/{}/task", fedns.process().id())).expect("list threads");
    for thread in threads {
        let status = thread.expect("read a thread").path().join("status");
        let status = fs::read_to_string(status).expect("read a status");
        let is_nobody = |key| values(&status, key) == BTreeSet::from([NOBODY.to_string()]);
        assert!(is_nobody("Uid:") && is_nobody("Gid:"), "{status}");
        assert_eq!(values(&status, "CapEff:"), BTreeSet::from(["0000000000000000".to_owned()]));
    }
    let state = fs::metadata(fedns.home().join("state")).expect("the state has a folder");
    assert_eq!(state.uid(), NOBODY);
    folders[0].write("web.yaml", &service("web", "192.0.2.2"));
    fedns.answers(WEB, "NOERROR 192.0.2.2");
    fedns.stop();
    fedns.start();
    fedns.answers(WEB, "NOERROR 192.0.2.2");
}

/// Runs `fedns serve` where it cannot, and returns what it said.
fn refused(fedns: &Fedns, command: &Command) -> String {
    fs::create_dir_all(fedns.home().join("logs")).expect("make a folder");
    let mut process = Process::start("refused", command, &fedns.home().join("logs"));
    assert_eq!(process.wait(GENEROUS).code(), Some(1), "{}", process.log());
    let config = fedns.home().join("fedns.yaml");
    process.log().replace(&config.display().to_string(), "CONFIG")
}

fn serve(fedns: &Fedns) -> Command {
    on_config(fedns, "serve")
}

fn on_config(fedns: &Fedns, subcommand: &str) -> Command {
    let mut command = product::fedns();
    command.arg(subcommand).arg("--config").arg(fedns.home().join("fedns.yaml"));
    command
}

fn a_user_that_cannot_be_become_is_refused() {
    let (fedns, _folders) = prepared(&["a"], "user: absent\n");
    let line = "CONFIG:8:7: key \"user\": the system knows no user \"absent\"; make it (useradd --system \
                absent), or correct the name\n";
    assert_eq!(refused(&fedns, &serve(&fedns)), format!("fedns: {line}"));
    let checked = on_config(&fedns, "check").output().expect("fedns runs");
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(said.ends_with(line.trim_start_matches("CONFIG")), "{said}");
    assert_eq!(checked.status.code(), Some(1));
    // A config that only root may read would not be read again.
    let (fedns, _folders) = prepared(&["a"], "user: nobody\n");
    let config = fedns.home().join("fedns.yaml");
    fs::set_permissions(config, fs::Permissions::from_mode(0o600)).expect("close the file");
    let said = refused(&fedns, &serve(&fedns));
    assert!(
        said.contains("CONFIG: \"nobody\" cannot read the config, which a reload will: "),
        "{said}"
    );

    let (fedns, _folders) = prepared(&["a"], "user: root\n");
    fs::set_permissions(fedns.home(), fs::Permissions::from_mode(0o755)).expect("open the folder");
    let mut command = Command::new("setpriv");
    command.args([
        format!("--reuid={NOBODY}"),
        format!("--regid={NOBODY}"),
        "--clear-groups".into(),
    ]);
    command.arg(serve(&fedns).get_program()).args(serve(&fedns).get_args());
    assert_eq!(
        refused(&fedns, &command),
        "fedns: CONFIG:8:7: key \"user\": only root may become \"root\"; start fedns as root or as that \
         user, or remove the key\n"
    );
}

fn threads_stay_on_their_cpus() {
    let (fedns, _folder) = serving("cpus: [0]\nworkers: 2\n");
    fedns.answers(WEB, "NOERROR 192.0.2.1");
    let threads =
        fs::read_dir(format!("/proc/{}/task", fedns.process().id())).expect("list threads");
    let mut pinned = 0;
    for thread in threads {
        let folder = thread.expect("read a thread").path();
        let name = fs::read_to_string(folder.join("comm")).expect("read a name");
        let status = fs::read_to_string(folder.join("status")).expect("read a status");
        if name.starts_with("dns-") {
            pinned += 1;
            assert_eq!(values(&status, "Cpus_allowed_list:"), BTreeSet::from(["0".to_owned()]));
        }
    }
    assert_eq!(pinned, 4, "two threads for each protocol");
}

fn a_cpu_that_is_not_there_is_refused() {
    let (fedns, _folders) = prepared(&["a"], "cpus: [0, 1023]\n");
    let wanted = "fedns: CONFIG:8:7: key \"cpus\": CPU 1023 is none that this process may use; use some of 0";
    for subcommand in ["check", "serve"] {
        let said = refused(&fedns, &on_config(&fedns, subcommand));
        assert!(said.starts_with(wanted), "{said}");
    }
}
