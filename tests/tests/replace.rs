use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use model::Serial;
use serde_json::json;
use tests::eventually::{GENEROUS, eventually};
use tests::need::{DIG, Need};
use tests::port::free_port;
use tests::process::{Process, Signal};
use tests::secondary::dig;
use tests::service_manager::ServiceManager;
use tests::serving::Fedns;
use tests::suite::Test;

use crate::encrypted::stage::Stage;
use crate::serve::folder::{Folder, WEB, prepared, service, serving};
use load::Load;

/// Clients that ask all the time.
mod load;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => no_query_is_lost_under_load_and_one_process_serves,
            who_cannot_bind_takes_nothing,
            addresses_come_and_go_with_the_new_config,
            a_config_that_is_wrong_asks_for_nothing,
            who_is_killed_in_the_middle_leaves_everything_as_it_was,
            a_stop_in_the_middle_is_a_stop,
            a_stop_of_the_new_process_leaves_the_old_one,
            where_the_old_one_dies_in_the_middle_the_new_one_serves,
            where_nobody_serves_it_is_a_start,
            a_process_of_another_protocol_is_refused_and_this_one_goes_on,
            the_service_manager_hears_of_the_new_process;
        [DIG] => differences_go_on_across_a_replacement_and_a_restart,
            a_damaged_history_is_set_aside;
        [Need::Peers] => who_asks_over_quic_begins_anew_with_the_new_process;
        [Need::Root] => a_process_without_rights_hands_over_to_one_that_gives_its_rights_up;
    }
}

/// With a port that nobody else has, and so a config that a third process could serve.
fn other_config(fedns: &Fedns, change: impl FnOnce(String) -> String) {
    let text = fs::read_to_string(fedns.home().join("fedns.yaml")).expect("read the config");
    fs::write(fedns.home().join("other.yaml"), change(text)).expect("write a config");
}

/// The same at other ports.
fn at_free_ports(fedns: &Fedns) {
    other_config(fedns, |text| {
        let (dns, admin) = (free_port(), free_port());
        let elsewhere =
            format!("listen: {{dns: [\"127.0.0.1:{dns}\"], admin: \"127.0.0.1:{admin}\"}}");
        let is_listen = |line: &&str| line.starts_with("listen: ");
        let listen = text.lines().find(is_listen).expect("the config has it").to_owned();
        text.replace(&listen, &elsewhere)
    });
}

/// A third process gets the lock neither before nor after.
fn is_locked(fedns: &Fedns) {
    at_free_ports(fedns);
    let mut third = fedns.beside("other.yaml", &[]);
    assert_eq!(third.wait(GENEROUS).code(), Some(1), "{}", third.log());
    assert!(third.log().contains("another fedns serves from "), "{}", third.log());
}

#[track_caller]
fn logs(process: &Process, text: &str) {
    eventually(GENEROUS, &format!("the log has {text:?}"), || {
        let log = process.log();
        if log.contains(text) { Ok(()) } else { Err(log) }
    });
}

fn no_query_is_lost_under_load_and_one_process_serves() {
    let mut stage = Stage::prepared("lameDuck: 1s\nworkers: 2\n");
    let folder = Folder::new(&stage.fedns, "a", "cn-a");
    stage.fedns.start();
    stage.fedns.answers(WEB, "NOERROR 192.0.2.1");
    let load = Load::start(stage.fedns.dns_port(), Some(stage.dot));
    load.goes_on();
    for round in 1..=3 {
        let name = format!("web{round}");
        let before = stage.fedns.process().id();
        assert_eq!(stage.fedns.replace().code(), Some(0));
        assert_ne!(stage.fedns.process().id(), before);
        is_locked(&stage.fedns);
        load.goes_on();
        folder.write(&format!("{name}.yaml"), &service(&name, "192.0.2.2"));
        stage.fedns.answers(&WEB.replace("web", &name), "NOERROR 192.0.2.2");
        stage.fedns.is_ready();
    }
    let seen = load.stop();
    assert!(seen.iter().all(|it| it.answers > 0), "{seen:?}");
    assert!(seen[..3].iter().all(|it| it.asked_again == 0), "{seen:?}");
    // No connection is closed more than once a round.
    assert!(seen.iter().all(|it| it.asked_again <= 3), "{seen:?}");
    assert_eq!(stage.fedns.stop().code(), Some(0));
    assert!(!stage.fedns.home().join("state/admin.sock").exists());
}

fn who_asks_over_quic_begins_anew_with_the_new_process() {
    let mut stage = Stage::serving("lameDuck: 0s\n");
    for _ in 0..3 {
        let asked = stage.doq(&[json!(["ask", WEB, "A"])]);
        assert!(asked[0].to_string().contains("192.0.2.1"), "{asked:?}");
        assert_eq!(stage.fedns.replace().code(), Some(0));
    }
    let asked = stage.doq(&[json!(["ask", WEB, "A"])]);
    assert!(asked[0].to_string().contains("192.0.2.1"), "{asked:?}");
}

/// It has the old one's sockets by then, and gives them back by its end.
fn who_cannot_bind_takes_nothing() {
    let (mut fedns, folder) = serving("lameDuck: 0s\n");
    let serial = fedns.serial();
    let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = holder.local_addr().expect("an address").port();
    other_config(&fedns, |text| {
        text.replace("listen: {dns: [", &format!("listen: {{dns: [\"127.0.0.1:{port}\", "))
    });
    let mut second = fedns.beside("other.yaml", &["--replace"]);
    assert_eq!(second.wait(GENEROUS).code(), Some(1), "{}", second.log());
    let line = format!("cannot listen on 127.0.0.1:{port}/tcp");
    assert!(second.log().contains(&line), "{}", second.log());
    logs(fedns.process(), "the other process did not take over, this one goes on: it ended");
    folder.write("web.yaml", &service("web", "192.0.2.2"));
    fedns.answers(WEB, "NOERROR 192.0.2.2");
    assert!(fedns.serial().is_newer_than(serial));
    is_locked(&fedns);
    // What was in vain once is not the next time.
    assert_eq!(fedns.replace().code(), Some(0));
    fedns.answers(WEB, "NOERROR 192.0.2.2");
}

/// A reload does not take them.
fn addresses_come_and_go_with_the_new_config() {
    let (mut fedns, _folder) = serving("lameDuck: 0s\nworkers: 1\n");
    let file = fedns.home().join("fedns.yaml");
    let text = fs::read_to_string(&file).expect("read the config");
    let port = free_port();
    let more = text
        .replace("listen: {dns: [", &format!("listen: {{dns: [\"127.0.0.1:{port}\", "))
        .replace("workers: 1", "workers: 3");
    let answers_there = |fedns: &Fedns| {
        let server = format!("127.0.0.1:{port}");
        fedns.command(&["query", WEB, "A", "--server", &server]).status.success()
    };
    for (config, is_there) in [(&more, true), (&text, false), (&more, true)] {
        fs::write(&file, config).expect("write the config");
        assert_eq!(fedns.replace().code(), Some(0));
        fedns.is_ready();
        // From many ports: each of the threads answers.
        for _ in 0..20 {
            assert_eq!(fedns.ask(WEB), "NOERROR 192.0.2.1");
        }
        assert_eq!(answers_there(&fedns), is_there);
        let listening = std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
        assert_eq!(listening, is_there);
    }
}

fn a_config_that_is_wrong_asks_for_nothing() {
    let (fedns, _folder) = serving("");
    other_config(&fedns, |text| text + "nonsense: 1\n");
    let mut second = fedns.beside("other.yaml", &["--replace"]);
    assert_eq!(second.wait(GENEROUS).code(), Some(1), "{}", second.log());
    assert!(second.log().contains("nonsense"), "{}", second.log());
    assert_eq!(fedns.ask(WEB), "NOERROR 192.0.2.1");
    assert!(!fedns.process().log().contains("wants to take over"), "{}", fedns.process().log());
}

/// A process that waits for a cluster that never answers: it has the lock, and publishes nothing.
pub(crate) fn waiting(fedns: &Fedns, startup_timeout: &str) -> (Process, TcpListener) {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let server = silent.local_addr().expect("an address");
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: silent\n\
         clusters: [{{name: silent, cluster: {{server: \"http://{server}\"}}}}]\n\
         contexts: [{{name: silent, context: {{cluster: silent, user: silent}}}}]\n\
         users: [{{name: silent, user: {{}}}}]\n"
    );
    fs::write(fedns.home().join("silent"), kubeconfig).expect("write a kubeconfig");
    other_config(fedns, |text| {
        text + "  - {name: silent, kubeconfig: ./silent}\nstartupTimeout: " + startup_timeout + "\n"
    });
    let second = fedns.beside("other.yaml", &["--replace"]);
    logs(fedns.process(), "nothing is published until it serves");
    (second, silent)
}

fn who_is_killed_in_the_middle_leaves_everything_as_it_was() {
    let (mut fedns, folder) = serving("lameDuck: 0s\n");
    let serial = fedns.serial();
    let load = Load::start(fedns.dns_port(), None);
    let (mut second, _silent) = waiting(&fedns, "1h");
    // What changes now waits.
    folder.write("late.yaml", &service("late", "192.0.2.9"));
    assert_eq!(fedns.serial(), serial);
    let mut third = fedns.beside("fedns.yaml", &["--replace"]);
    assert_eq!(third.wait(GENEROUS).code(), Some(1), "{}", third.log());
    let line = "does not hand over: another process is taking over already; wait for it";
    assert!(third.log().contains(line), "{}", third.log());
    let order = fedns.command(&["clusters", "accept", "a"]);
    let said = String::from_utf8_lossy(&order.stderr).into_owned();
    assert!(said.contains("another process is taking over; give the order to that one"), "{said}");
    load.goes_on();
    second.kill();
    logs(fedns.process(), "the other process did not take over, this one goes on: it ended");
    fedns.answers("late.default.fed.svc.example.com", "NOERROR 192.0.2.9");
    assert!(fedns.serial().is_newer_than(serial));
    load.goes_on();
    assert_eq!(fedns.replace().code(), Some(0));
    fedns.answers("late.default.fed.svc.example.com", "NOERROR 192.0.2.9");
    load.goes_on();
    load.stop();
    // A crash now starts above all that was served.
    let serial = fedns.serial();
    fedns.kill();
    fedns.start();
    fedns.answers("late.default.fed.svc.example.com", "NOERROR 192.0.2.9");
    assert!(fedns.serial().is_newer_than(serial));
}

fn a_stop_in_the_middle_is_a_stop() {
    let (mut fedns, _folder) = serving("lameDuck: 0s\n");
    let (mut second, _silent) = waiting(&fedns, "1h");
    let serial = fedns.serial();
    assert_eq!(fedns.stop().code(), Some(0));
    assert_eq!(second.wait(GENEROUS).code(), Some(1), "{}", second.log());
    let line = "does not hand over: it was told to stop";
    assert!(second.log().contains(line), "{}", second.log());
    fedns.start();
    fedns.answers(WEB, "NOERROR 192.0.2.1");
    assert_eq!(fedns.serial(), serial, "it was a clean stop");
}

fn a_stop_of_the_new_process_leaves_the_old_one() {
    let (fedns, _folder) = serving("lameDuck: 0s\n");
    let (mut second, _silent) = waiting(&fedns, "1h");
    second.signal(Signal::TERM);
    assert_eq!(second.wait(GENEROUS).code(), Some(0), "{}", second.log());
    logs(fedns.process(), "the other process did not take over, this one goes on: it ended");
    fedns.answers(WEB, "NOERROR 192.0.2.1");
    fedns.is_ready();
    assert!(!fedns.process().log().contains("ERROR"), "{}", fedns.process().log());
}

/// It has all that there is by then.
fn where_the_old_one_dies_in_the_middle_the_new_one_serves() {
    let (mut fedns, folder) = serving("lameDuck: 0s\n");
    let serial = fedns.serial();
    let (second, _silent) = waiting(&fedns, "3s");
    fedns.kill();
    fedns.answers(WEB, "NOERROR 192.0.2.1");
    assert!(second.log().contains("the process before has died"), "{}", second.log());
    assert_eq!(fedns.serial(), serial);
    folder.write("web.yaml", &service("web", "192.0.2.2"));
    fedns.answers(WEB, "NOERROR 192.0.2.2");
    is_locked(&fedns);
}

fn where_nobody_serves_it_is_a_start() {
    let (mut fedns, folders) = prepared(&["a"], "");
    folders[0].write("web.yaml", &service("web", "192.0.2.1"));
    fedns.start_with(&["--replace"]);
    fedns.answers(WEB, "NOERROR 192.0.2.1");
    assert!(fedns.process().log().contains("nobody serves from this state folder yet"));
    // A crash leaves the socket and nobody behind it.
    fedns.kill();
    assert!(fedns.home().join("state/admin.sock").exists());
    fedns.start_with(&["--replace"]);
    fedns.answers(WEB, "NOERROR 192.0.2.1");
    // Nobody serves from another folder, but somebody has the port.
    other_config(&fedns, |text| text.replace("./state", "./elsewhere"));
    let mut second = fedns.beside("other.yaml", &["--replace"]);
    assert_eq!(second.wait(GENEROUS).code(), Some(1), "{}", second.log());
    assert!(second.log().contains("stop what has the port, or choose another"), "{}", second.log());
    assert_eq!(fedns.ask(WEB), "NOERROR 192.0.2.1");
}

fn a_process_of_another_protocol_is_refused_and_this_one_goes_on() {
    use std::io::{Read, Write};
    let (fedns, _folder) = serving("");
    let said = |head: &str, rest: &[u8]| {
        let socket = fedns.home().join("state/admin.sock");
        let mut stream = std::os::unix::net::UnixStream::connect(socket).expect("a socket");
        stream.set_read_timeout(Some(GENEROUS)).expect("a time limit");
        let head = format!("POST /api/v1/replace HTTP/1.1\r\nHost: localhost\r\n{head}\r\n");
        stream.write_all(head.as_bytes()).expect("send a request");
        let mut text = Vec::new();
        while !text.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("an answer");
            text.extend(byte);
        }
        stream.write_all(rest).expect("send rubbish");
        String::from_utf8(text).expect("HTTP")
    };
    let head = |protocol: &str| format!("Connection: upgrade\r\nUpgrade: {protocol}\r\n");
    assert!(said(&head("fedns-handover/999"), b"").starts_with("HTTP/1.1 426 "));
    assert!(said("", b"").starts_with("HTTP/1.1 426 "));
    let rubbish = [&[0, 0, 0, 2, 0, 0, 0, 0][..], b"{}"].concat();
    assert!(said(&head("fedns-handover/1"), &rubbish).starts_with("HTTP/1.1 101 "));
    logs(fedns.process(), "the other process did not take over, this one goes on: ");
    assert_eq!(fedns.ask(WEB), "NOERROR 192.0.2.1");
}

fn the_service_manager_hears_of_the_new_process() {
    let (mut fedns, folders) = prepared(&["a"], "lameDuck: 0\n");
    folders[0].write("web.yaml", &service("web", "192.0.2.1"));
    let manager = ServiceManager::start(&mut fedns);
    let ready = "READY=1\nSTATUS=serves example.com.\n";
    assert_eq!(manager.told(), ready);
    // Nobody tells the new ones where the manager is but the ones before them.
    for _ in 0..3 {
        assert_eq!(fedns.replace().code(), Some(0));
        let mut told = [manager.told(), manager.told()];
        told.sort();
        assert_eq!(told, [format!("MAINPID={}\n", fedns.process().id()), ready.to_owned()]);
    }
    fedns.stop();
    assert_eq!(manager.told(), "STOPPING=1\n");
}

/// The SOA records of an incremental answer begin with the newest, then the oldest: those of a whole zone
/// have a second one at the end alone.
#[track_caller]
fn comes_as_difference(fedns: &Fedns, from: Serial) {
    let text = dig(fedns.dns_port(), &["example.com", &format!("IXFR={from}")]).expect("an answer");
    let second = text.lines().filter(|line| !line.starts_with(';')).nth(1).unwrap_or_default();
    let words: Vec<&str> = second.split_whitespace().collect();
    assert_eq!(words.get(2), Some(&"SOA"), "{text}");
    assert_eq!(words.get(5), Some(&from.to_string().as_str()), "{text}");
}

fn differences_go_on_across_a_replacement_and_a_restart() {
    let (mut fedns, folder) = serving("lameDuck: 0s\ntransfer: {allow: [127.0.0.1]}\n");
    let first = fedns.serial();
    let change = |fedns: &Fedns, number: u8| {
        folder.write("web.yaml", &service("web", &format!("192.0.2.{number}")));
        fedns.answers(WEB, &format!("NOERROR 192.0.2.{number}"));
    };
    change(&fedns, 2);
    let second = fedns.serial();
    assert_eq!(fedns.replace().code(), Some(0));
    assert_eq!(fedns.serial(), second, "nothing has changed");
    comes_as_difference(&fedns, first);
    change(&fedns, 3);
    comes_as_difference(&fedns, first);
    comes_as_difference(&fedns, second);
    let third = fedns.serial();
    fedns.stop();
    fedns.start();
    fedns.answers(WEB, "NOERROR 192.0.2.3");
    assert_eq!(fedns.serial(), third);
    for serial in [first, second] {
        comes_as_difference(&fedns, serial);
    }
    change(&fedns, 4);
    for serial in [first, second, third] {
        comes_as_difference(&fedns, serial);
    }
}

fn a_damaged_history_is_set_aside() {
    let (mut fedns, folder) = serving("lameDuck: 0s\ntransfer: {allow: [127.0.0.1]}\n");
    let first = fedns.serial();
    folder.write("web.yaml", &service("web", "192.0.2.2"));
    fedns.answers(WEB, "NOERROR 192.0.2.2");
    let second = fedns.serial();
    fedns.stop();
    let file = fedns.home().join("state/histories/example.com.state");
    let text = fs::read_to_string(&file).expect("the history is saved");
    fs::write(&file, text.replace(':', ";")).expect("damage the file");
    fedns.start();
    fedns.answers(WEB, "NOERROR 192.0.2.2");
    assert_eq!(fedns.serial(), second, "the serial is another file's");
    assert!(
        fedns.process().log().contains("the state file is damaged; it is set aside and not used")
    );
    let text =
        dig(fedns.dns_port(), &["example.com", &format!("IXFR={first}")]).expect("an answer");
    assert!(text.contains("192.0.2.2") && !text.contains(&format!(" {first} ")), "{text}");
}

fn a_process_without_rights_hands_over_to_one_that_gives_its_rights_up() {
    use std::os::unix::fs::PermissionsExt;
    let (mut fedns, folders) = prepared(&["a"], "user: nobody\nlameDuck: 0s\n");
    folders[0].write("web.yaml", &service("web", "192.0.2.1"));
    fs::set_permissions(fedns.home(), fs::Permissions::from_mode(0o755)).expect("open the folder");
    fedns.start();
    fedns.answers(WEB, "NOERROR 192.0.2.1");
    for number in 2..4 {
        assert_eq!(fedns.replace().code(), Some(0));
        folders[0].write("web.yaml", &service("web", &format!("192.0.2.{number}")));
        fedns.answers(WEB, &format!("NOERROR 192.0.2.{number}"));
        let status = fs::read_to_string(format!("/proc/{}/status", fedns.process().id()));
        assert!(status.expect("read a status").contains("Uid:\t65534\t65534\t65534\t65534"));
    }
    assert_eq!(fedns.stop().code(), Some(0));
}
