use std::fs;
use std::os::unix::fs::PermissionsExt;

use tests::eventually::{GENEROUS, eventually};
use tests::http;
use tests::serving::Fedns;
use tests::suite::Test;

/// From other machines.
mod afar;

pub(crate) fn tests() -> Vec<Test> {
    let own = tests::tests! {
        [] =>
            a_held_reload_is_carried_out_when_approved,
            what_left_the_config_while_nobody_served_is_told,
            orders_are_taken_over_the_socket_only,
            an_order_that_cannot_be_carried_out_says_why;
    };
    own.into_iter().chain(afar::tests()).collect()
}

const KEPT: &str = "{name: kept, manifests: ./kept, region: r1}";
const LEAVING: &str = "{name: leaving, manifests: ./leaving, region: r2}";

/// Twelve Services of which all names but one's would go with the cluster `leaving`.
fn serving() -> Fedns {
    let mut fedns = Fedns::prepared(&[KEPT.to_owned(), LEAVING.to_owned()], "lameDuck: 0s\n");
    manifests(&fedns, "kept", 1..2);
    manifests(&fedns, "leaving", 1..13);
    fedns.start();
    fedns.is_ready();
    fedns
}

fn manifests(fedns: &Fedns, folder: &str, numbers: std::ops::Range<u8>) {
    let folder = fedns.home().join(folder);
    fs::create_dir(&folder).unwrap();
    for number in numbers {
        let manifest = format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: s{number}, namespace: default}}\n\
             spec: {{type: LoadBalancer, ports: [{{port: 80}}]}}\n\
             status: {{loadBalancer: {{ingress: [{{ip: 192.0.2.{number}}}]}}}}\n"
        );
        fs::write(folder.join(format!("s{number}.yaml")), manifest).unwrap();
    }
}

/// Waits until the reload is held, and returns its hash.
fn held(fedns: &Fedns) -> String {
    eventually(GENEROUS, "the reload is held", || {
        let page = fedns.page("/readyz?verbose")?.body;
        let line = page.lines().find(|line| line.starts_with("[+]reload held: "));
        let hash = line.and_then(|line| line.rsplit(' ').next());
        hash.map(str::to_owned).ok_or(page)
    })
}

#[track_caller]
fn refused(fedns: &Fedns, words: &[&str], because: &str) {
    let output = fedns.command(words);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains(because), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

fn a_held_reload_is_carried_out_when_approved() {
    let fedns = serving();
    let leaving = "s12.default.fed.svc.example.com";
    fedns.answers(leaving, "NOERROR 192.0.2.12");

    fedns.configure(&[KEPT.to_owned()], "lameDuck: 0s\n");
    let hash = held(&fedns);
    assert_eq!(fedns.ask(leaving), "NOERROR 192.0.2.12");
    refused(&fedns, &["plan", "approve", "0123456789abcdef"], &hash);
    assert_eq!(fedns.ask(leaving), "NOERROR 192.0.2.12");

    // Taken back, nothing is held any more, and the old approval is good for nothing.
    fedns.configure(&[KEPT.to_owned(), LEAVING.to_owned()], "lameDuck: 0s\n");
    eventually(GENEROUS, "nothing is held", || {
        let page = fedns.page("/readyz?verbose")?.body;
        if page.contains("held") { Err(page) } else { Ok(()) }
    });
    refused(&fedns, &["plan", "approve", &hash], "nothing is held");

    fedns.configure(&[KEPT.to_owned()], "lameDuck: 0s\n");
    assert_eq!(held(&fedns), hash, "the same names have the same hash");
    fedns.printed(&["plan", "approve", &hash]);
    assert_eq!(fedns.ask(leaving), "NXDOMAIN");
    assert_eq!(fedns.ask("s1.default.fed.svc.example.com"), "NOERROR 192.0.2.1");
    assert!(!fedns.page("/readyz?verbose").unwrap().body.contains("held"));
}

/// A start asks nobody, so it says what it leaves out.
fn what_left_the_config_while_nobody_served_is_told() {
    let mut fedns = serving();
    fedns.answers("s12.default.fed.svc.example.com", "NOERROR 192.0.2.12");
    assert!(fedns.stop().success());
    fedns.configure(&[KEPT.to_owned()], "lameDuck: 0s\n");
    fedns.start();
    fedns.is_ready();
    let log = fedns.process().log();
    let told = "this saved cluster is not in the config, and its addresses are not served";
    assert_eq!(log.matches(told).count(), 1, "{log}");
    assert!(log.contains("state/clusters/leaving.state"), "{log}");
}

fn orders_are_taken_over_the_socket_only() {
    let mut fedns = serving();
    let socket = fedns.home().join("state/admin.sock");
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for path in ["/api/v1/plan/approve?hash=1", "/api/v1/clusters/kept/accept"] {
        let answer = http::post(fedns.admin_port(), path, "").unwrap();
        assert_eq!((answer.status, &*answer.body), (405, "the admin address is read-only\n"));
    }
    assert!(fedns.stop().success());
    assert!(!socket.exists());
}

fn an_order_that_cannot_be_carried_out_says_why() {
    let fedns = serving();
    refused(&fedns, &["clusters", "accept", "nobody"], "no cluster nobody is configured");
    refused(&fedns, &["clusters", "accept", "kept"], "no other cluster answers");
    refused(&fedns, &["plan", "approve", "1"], "nothing is held");
    let log = fedns.process().log();
    assert!(log.contains("not done: no cluster nobody is configured"), "{log}");
}
