use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::Command;

use tests::eventually::{GENEROUS, eventually};
use tests::http::Answer;
use tests::process::Process;
use tests::product;
use tests::serving::Fedns;
use tests::suite::Test;

use super::folder::{Folder, WEB, entries, prepared, service, serving};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => a_taken_port_is_told_with_its_key,
            a_second_server_on_the_same_state_is_refused,
            listeners_are_told_when_they_answer_with_a_command_that_works,
            ports_that_the_system_picks_are_told,
            before_the_first_publication_the_answer_is_servfail,
            the_wait_for_a_cluster_ends_with_startup_timeout;
    }
}

/// Runs `fedns serve` where it cannot, and returns the exit code with all that it said.
fn refused(fedns: &Fedns) -> (Option<i32>, String) {
    let mut command = product::fedns();
    command.arg("serve").arg("--config").arg(fedns.home().join("fedns.yaml"));
    let mut process = Process::start("refused", &command, fedns.home());
    (process.wait(GENEROUS).code(), process.log())
}

fn a_taken_port_is_told_with_its_key() {
    let (mut fedns, _folders) = prepared(&["a"], "");
    let config = fedns.home().join("fedns.yaml");
    let text = fs::read_to_string(&config).expect("read the config");
    let line = text.lines().nth(5).expect("the sixth line is the key listen");
    let said = |port, key, hint| {
        let config = config.display();
        let column = 1 + line.find(&format!("\"127.0.0.1:{port}\"")).expect("its address");
        format!(
            "fedns: {config}:6:{column}: key \"{key}\": cannot listen on 127.0.0.1:{port}{hint}\n"
        )
    };
    let [dns, admin] = [fedns.dns_port(), fedns.admin_port()].map(loopback);
    let in_use = "Address already in use (os error 98)";
    let hint = "stop what has the port, or choose another";

    let udp = UdpSocket::bind(dns).expect("the port is free");
    let line = said(dns.port(), "listen.dns", format!("/udp: {in_use}; {hint}"));
    assert_eq!(refused(&fedns), (Some(1), line));
    drop(udp);

    let _ = fs::remove_file(fedns.home().join("refused.log"));
    let tcp = TcpListener::bind(dns).expect("a refused start holds no port");
    let line = said(dns.port(), "listen.dns", format!("/tcp: {in_use}; {hint}"));
    assert_eq!(refused(&fedns), (Some(1), line));
    drop(tcp);

    let _ = fs::remove_file(fedns.home().join("refused.log"));
    let tcp = TcpListener::bind(admin).expect("a refused start holds no port");
    let line = said(admin.port(), "listen.admin", format!(": {in_use}; {hint}"));
    assert_eq!(refused(&fedns), (Some(1), line));
    drop(tcp);

    fedns.start();
    fedns.is_ready();
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn a_second_server_on_the_same_state_is_refused() {
    let (fedns, _folder) = serving("");
    let other = Fedns::prepared(&[], "");
    let state = fedns.home().join("state");
    let config = other.home().join("fedns.yaml");
    let text = fs::read_to_string(&config).expect("read the config");
    let shared = format!("stateDir: {}", state.display());
    fs::write(&config, text.replace("stateDir: ./state", &shared)).expect("write the config");

    let (code, said) = refused(&other);
    let path = state.display();
    assert_eq!(
        said,
        format!(
            "fedns: {}:7:11: key \"stateDir\": another fedns serves from {path}; stop it, or give this \
             one a folder of its own\n",
            config.display()
        )
    );
    assert_eq!(code, Some(1));
    assert_eq!(fedns.ask(WEB), "NOERROR 192.0.2.1");
    assert!(!other.home().join("state").exists());
}

fn listeners_are_told_when_they_answer_with_a_command_that_works() {
    let (mut fedns, folders) = prepared(&["a"], "");
    folders[0].write("web.yaml", &service("web", "192.0.2.1"));
    fedns.start();
    let lines = announced(&fedns);
    // Nothing is waited for: what is told is true.
    assert_eq!(fedns.ask(WEB), "NOERROR 192.0.2.1");
    assert!(matches!(fedns.page("/readyz"), Ok(Answer { status: 200, .. })));

    let server = format!("127.0.0.1:{}", fedns.dns_port());
    let program = product::fedns().get_program().to_string_lossy().into_owned();
    let try_it = format!("{program} query {WEB}. --server {server}");
    let expected = [
        format!("fedns {} serves example.com.", env!("CARGO_PKG_VERSION")),
        format!("  dns    {server} (udp and tcp)"),
        format!("  admin  http://127.0.0.1:{}", fedns.admin_port()),
        format!("try: {try_it}"),
    ];
    assert_eq!(lines, expected);

    let output = Command::new("sh").args(["-c", &try_it]).current_dir("/").output();
    let output = output.expect("a shell runs");
    assert!(String::from_utf8_lossy(&output.stdout).contains("192.0.2.1"), "{output:?}");
    assert!(output.status.success());
}

/// The lines on stdout, once the last of them is there.
#[track_caller]
fn announced(fedns: &Fedns) -> Vec<String> {
    eventually(GENEROUS, "the listeners are told", || {
        let log = fedns.process().log();
        let lines = log.lines().skip_while(|line| !line.starts_with("fedns "));
        let lines: Vec<String> = lines.take(4).map(str::to_owned).collect();
        match lines.last() {
            Some(last) if last.starts_with("try: ") => Ok(lines),
            _ => Err(log),
        }
    })
}

fn ports_that_the_system_picks_are_told() {
    let (mut fedns, _folders) = prepared(&["a"], "");
    let config = fedns.home().join("fedns.yaml");
    let text = fs::read_to_string(&config).expect("read the config");
    let listen = text.lines().find(|line| line.starts_with("listen:")).expect("a listener");
    let picked = "listen: {dns: [\"127.0.0.1:0\"], admin: \"127.0.0.1:0\"}";
    fs::write(&config, text.replace(listen, picked)).expect("write the config");
    fedns.start();
    let lines = announced(&fedns);
    let port = |line: &str, before: &str, after: &str| -> u16 {
        let port = line.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
        port.and_then(|port| port.parse().ok()).unwrap_or_else(|| panic!("{line}"))
    };
    let dns = port(&lines[1], "  dns    127.0.0.1:", " (udp and tcp)");
    let admin = port(&lines[2], "  admin  http://127.0.0.1:", "");
    assert!(
        lines[3].ends_with(&format!("query example.com. SOA --server 127.0.0.1:{dns}")),
        "{lines:?}"
    );
    let reply = fedns.printed(&["query", "example.com", "--server", &format!("127.0.0.1:{dns}")]);
    assert_eq!(reply, ";; NOERROR, authoritative\n");
    assert_eq!(tests::http::get(admin, "/livez").expect("a page").status, 200);
}

fn before_the_first_publication_the_answer_is_servfail() {
    let mut fedns = Fedns::prepared(&entries(&["a"]), "startupTimeout: 1h\n");
    fedns.start();
    fedns.answers(WEB, "SERVFAIL");
    fedns.answers("example.com", "SERVFAIL");
    fedns.answers("example.net", "REFUSED");
    fedns.sees("a", "Stale");
    let Answer { status, body } = fedns.page("/readyz").expect("a page");
    assert_eq!(status, 503);
    assert!(body.starts_with("[-]zone example.com. not published yet\n"), "{body}");
    assert!(body.ends_with("readyz failed\n"), "{body}");
    assert_eq!(fedns.page("/livez").expect("a page").status, 200);
    assert_eq!(fedns.printed(&["records"]), "NAME   TYPE   TTL   VALUES\n");
    let explained = fedns.printed(&["explain", WEB]);
    assert!(explained.contains("nothing is published yet: the answer is SERVFAIL"), "{explained}");
    assert!(!fedns.process().log().contains("serves example.com."));

    let folder = Folder::new(&fedns, "a", "cn-a");
    folder.write("web.yaml", &service("web", "192.0.2.1"));
    fedns.is_ready();
    fedns.answers(WEB, "NOERROR 192.0.2.1");
}

fn the_wait_for_a_cluster_ends_with_startup_timeout() {
    let mut fedns = Fedns::prepared(&entries(&["a"]), "startupTimeout: 250ms\n");
    fedns.start();
    fedns.is_ready();
    fedns.answers(WEB, "NXDOMAIN");
    let body = fedns.page("/readyz?verbose").expect("a page").body;
    let folder = fedns.home().join("a");
    let expected = [
        "[+]zone example.com. published".to_owned(),
        format!("[+]cluster a stale, frozen: {}", missing(&folder)),
        "readyz ok".to_owned(),
    ];
    assert_eq!(body.lines().collect::<Vec<_>>(), expected);
}

fn missing(folder: &Path) -> String {
    format!("FolderMissing: {}: No such file or directory (os error 2)", folder.display())
}
