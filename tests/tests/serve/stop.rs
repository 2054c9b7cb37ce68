use std::fs;

use tests::eventually::{GENEROUS, eventually_equal};
use tests::http::Answer;
use tests::process::Signal;
use tests::serving::Fedns;
use tests::suite::Test;

use super::folder::{WEB, serving};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => answers_go_on_while_readiness_fails,
            the_drain_ends_by_itself,
            an_interrupt_ends_at_once,
            where_nobody_is_answered_a_stop_waits_for_nobody,
            nothing_is_left_behind;
    }
}

#[track_caller]
fn waits_for_readiness(fedns: &Fedns, status: u16) {
    eventually_equal(GENEROUS, "/readyz", &Some(status), || {
        fedns.page("/readyz").ok().map(|answer| answer.status)
    });
}

fn answers_go_on_while_readiness_fails() {
    let (mut fedns, _folder) = serving("lameDuck: 1h\n");
    fedns.process().signal(Signal::TERM);
    waits_for_readiness(&fedns, 503);
    let Answer { status, body } = fedns.page("/readyz").expect("a page");
    assert_eq!(status, 503);
    assert!(body.contains("[-]draining: fedns is stopping\n"), "{body}");
    assert_eq!(fedns.page("/livez").expect("a page").status, 200);
    assert_eq!(fedns.ask(WEB), "NOERROR 192.0.2.1");
    assert!(fedns.printed(&["records", "-o", "name"]).contains(WEB));
    // A second one does not wait.
    assert_eq!(fedns.stop().code(), Some(0));
}

fn the_drain_ends_by_itself() {
    let (mut fedns, _folder) = serving("lameDuck: 100ms\n");
    assert_eq!(fedns.stop().code(), Some(0));
}

fn an_interrupt_ends_at_once() {
    let (mut fedns, _folder) = serving("lameDuck: 1h\n");
    assert_eq!(fedns.interrupt().code(), Some(0));
}

/// It would take an hour otherwise.
fn where_nobody_is_answered_a_stop_waits_for_nobody() {
    let mut fedns = Fedns::prepared(&[], "");
    let text = format!(
        "apiVersion: fedns.io/v1\nkind: Config\nfederation: fed\nzone: example.com.\nlameDuck: 1h\n\
         listen: {{admin: \"127.0.0.1:{}\"}}\nclusters: []\n",
        fedns.admin_port()
    );
    fs::write(fedns.home().join("fedns.yaml"), text).expect("write the config");
    fedns.start();
    fedns.is_ready();
    assert_eq!(fedns.stop().code(), Some(0));
}

fn nothing_is_left_behind() {
    let (mut fedns, folder) = serving("lameDuck: 0s\n");
    assert!(fedns.home().join("state/admin.sock").exists());
    let serial = fedns.serial();
    assert_eq!(fedns.stop().code(), Some(0));
    assert!(!fedns.home().join("state/admin.sock").exists());
    assert_eq!(fedns.ask(WEB), "no answer");
    // Without its folder, what was saved is all that a new start has.
    fs::remove_dir_all(folder.path()).expect("remove a folder");
    fedns.start();
    fedns.answers(WEB, "NOERROR 192.0.2.1");
    assert_eq!(fedns.serial(), serial);
}
