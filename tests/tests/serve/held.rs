use std::collections::BTreeSet;
use std::fs;

use tests::eventually::{GENEROUS, eventually};
use tests::serving::Fedns;
use tests::suite::Test;

use super::folder::{Folder, entries, prepared, service};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => settings_that_publish_too_little_are_held,
            settings_that_keep_enough_are_carried_out,
            another_folder_of_a_cluster_is_looked_at_first,
            a_folder_that_is_not_there_is_waited_for,
            a_newer_file_takes_the_place_of_a_waiting_one,
            what_is_seen_only_after_an_approval_is_looked_at_then,
            an_approval_is_of_one_config,
            what_leaves_is_logged;
    }
}

/// The global name of Service `s{number}`.
fn name(number: u8) -> String {
    format!("s{number}.default.fed.svc.example.com")
}

fn fill(folder: &Folder, numbers: std::ops::RangeInclusive<u8>, annotations: &str) {
    for number in numbers {
        let text = service(&format!("s{number}"), &format!("192.0.2.{number}"));
        let text = text.replace("namespace: default", &format!("namespace: default{annotations}"));
        folder.write(&format!("s{number}.yaml"), &text);
    }
}

/// One cluster with ten Services, `marked` of which are annotated for publication.
fn serving(marked: u8) -> (Fedns, Folder) {
    let (mut fedns, mut folders) = prepared(&["a"], "levels: [global]\n");
    let folder = folders.remove(0);
    fill(&folder, 1..=10, "");
    let publish = ", annotations: {fedns.io/publish: \"true\"}";
    fill(&folder, 1..=marked, publish);
    fedns.start();
    fedns.is_ready();
    fedns.answers(&name(10), "NOERROR 192.0.2.10");
    (fedns, folder)
}

/// Waits until a reload is held, and returns what is said of it.
fn held(fedns: &Fedns) -> String {
    eventually(GENEROUS, "the reload is held", || {
        let page = fedns.page("/readyz?verbose")?.body;
        let line = page.lines().find_map(|line| line.strip_prefix("[+]reload held: "));
        line.map(str::to_owned).ok_or(page)
    })
}

fn nothing_is_held(fedns: &Fedns) {
    eventually(GENEROUS, "nothing is held", || {
        let plan = fedns.command(&["plan"]);
        let text = String::from_utf8_lossy(&plan.stdout).into_owned();
        let is_so = (text.as_str(), plan.status.code()) == ("nothing is held\n", Some(0));
        if is_so { Ok(()) } else { Err(text) }
    });
}

fn approve(fedns: &Fedns, held: &str) {
    let hash = held.rsplit(' ').next().expect("a hash");
    let printed = fedns.printed(&["plan", "approve", hash]);
    assert_eq!(printed, "the config is reloaded\n");
}

const ANNOTATED: &str = "levels: [global]\nservices: {publish: annotated}\n";

fn settings_that_publish_too_little_are_held() {
    let (fedns, _folder) = serving(2);
    nothing_is_held(&fedns);
    fedns.configure(&entries(&["a"]), ANNOTATED);
    let line = held(&fedns);
    assert!(line.starts_with("16 of 22 names would vanish "), "{line}");
    for number in 1..=10 {
        assert_eq!(fedns.ask(&name(number)), format!("NOERROR 192.0.2.{number}"));
    }
    let plan = fedns.command(&["plan"]);
    assert_eq!(plan.status.code(), Some(2));
    let text = String::from_utf8(plan.stdout).expect("text");
    let listed: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix("- ")).collect();
    let vanishing = (3..=10).flat_map(|number| {
        let name = name(number);
        [format!("_http._tcp.{name}."), format!("{name}.")]
    });
    assert_eq!(listed, vanishing.collect::<Vec<_>>().iter().map(String::as_str).collect());
    assert!(text.ends_with(&format!("reload held: {line}\n")), "{text}");

    approve(&fedns, &line);
    assert_eq!(fedns.ask(&name(3)), "NXDOMAIN");
    assert_eq!(fedns.ask(&name(2)), "NOERROR 192.0.2.2");
    nothing_is_held(&fedns);
}

fn settings_that_keep_enough_are_carried_out() {
    let (fedns, folder) = serving(8);
    fedns.configure(&entries(&["a"]), ANNOTATED);
    fedns.answers(&name(9), "NXDOMAIN");
    assert_eq!(fedns.ask(&name(8)), "NOERROR 192.0.2.8");
    nothing_is_held(&fedns);
    // The new watcher is the one that is listened to.
    fs::remove_file(folder.path().join("s8.yaml")).expect("remove a manifest");
    fedns.answers(&name(8), "NXDOMAIN");
}

const OTHER_FOLDER: &str = "{name: a, manifests: ./other}";

fn another_folder_of_a_cluster_is_looked_at_first() {
    let (fedns, _folder) = serving(0);
    let other = Folder::new(&fedns, "other", "cn-a");
    fill(&other, 1..=3, "");
    fedns.configure(&[OTHER_FOLDER.to_owned()], "levels: [global]\n");
    let line = held(&fedns);
    assert!(line.starts_with("14 of 22 names would vanish "), "{line}");
    assert_eq!(fedns.ask(&name(10)), "NOERROR 192.0.2.10");
    approve(&fedns, &line);
    assert_eq!(fedns.ask(&name(10)), "NXDOMAIN");
    assert_eq!(fedns.ask(&name(3)), "NOERROR 192.0.2.3");
}

fn a_folder_that_is_not_there_is_waited_for() {
    let (fedns, _folder) = serving(0);
    fedns.configure(&[OTHER_FOLDER.to_owned()], "levels: [global]\n");
    let line = held(&fedns);
    assert!(line.starts_with("not seen yet under the new settings: a (FolderMissing: "), "{line}");
    fedns.sees("a", "Live");
    assert_eq!(fedns.ask(&name(10)), "NOERROR 192.0.2.10");

    let ready = fedns.home().join("ready");
    let folder = Folder::new(&fedns, "ready", "cn-a");
    fill(&folder, 1..=10, "");
    folder.write("s10.yaml", &service("s10", "192.0.2.110"));
    fs::rename(ready, fedns.home().join("other")).expect("put the folder in its place");
    fedns.answers(&name(10), "NOERROR 192.0.2.110");
    nothing_is_held(&fedns);
}

fn a_newer_file_takes_the_place_of_a_waiting_one() {
    let (fedns, _folder) = serving(0);
    fedns.configure(&[OTHER_FOLDER.to_owned()], "levels: [global]\n");
    held(&fedns);
    fedns.configure(&entries(&["a"]), "levels: [global]\n");
    eventually(GENEROUS, "nothing is held", || {
        let page = fedns.page("/readyz?verbose")?.body;
        if page.contains("held") { Err(page) } else { Ok(()) }
    });
    fedns.configure(&[OTHER_FOLDER.to_owned()], "levels: [global]\n");
    held(&fedns);
}

/// An approval of what nobody has seen lets the rest go ahead, and is none of what shows up later.
fn what_is_seen_only_after_an_approval_is_looked_at_then() {
    let (fedns, _folder) = serving(0);
    fedns.configure(&[OTHER_FOLDER.to_owned()], "levels: [global]\nttl: 60s\n");
    let line = held(&fedns);
    approve(&fedns, &line);
    assert_eq!(fedns.ask(&name(10)), "NOERROR 192.0.2.10");
    nothing_is_held(&fedns);
    fedns.sees("a", "Live");

    let other = Folder::new(&fedns, "ready", "cn-a");
    fill(&other, 1..=3, "");
    fs::rename(other.path(), fedns.home().join("other")).expect("put the folder in its place");
    let line = held(&fedns);
    assert!(line.starts_with("14 of 22 names would vanish "), "{line}");
    assert_eq!(fedns.ask(&name(10)), "NOERROR 192.0.2.10");
    approve(&fedns, &line);
    assert_eq!(fedns.ask(&name(10)), "NXDOMAIN");
    assert_eq!(fedns.ask(&name(3)), "NOERROR 192.0.2.3");
    nothing_is_held(&fedns);
}

/// The same clusters are not seen, and another config stands in the file.
fn an_approval_is_of_one_config() {
    let (fedns, _folder) = serving(0);
    fedns.configure(&[OTHER_FOLDER.to_owned()], "levels: [global]\n");
    let first = held(&fedns);
    fedns.configure(&[OTHER_FOLDER.to_owned()], "levels: [global]\nttl: 60s\n");
    let second = eventually(GENEROUS, "another reload is held", || {
        let line = held(&fedns);
        if line == first { Err(line) } else { Ok(line) }
    });
    let hash = first.rsplit(' ').next().expect("a hash");
    assert_eq!(fedns.command(&["plan", "approve", hash]).status.code(), Some(1));
    approve(&fedns, &second);
}

fn what_leaves_is_logged() {
    let (fedns, folder) = serving(0);
    folder.write("s1.yaml", &service("s1", "192.0.2.111"));
    fedns.answers(&name(1), "NOERROR 192.0.2.111");
    fs::remove_file(folder.path().join("s2.yaml")).expect("remove a manifest");
    fedns.answers(&name(2), "NXDOMAIN");
    eventually(GENEROUS, "what left is logged", || {
        let log = fedns.process().log();
        let told = [
            "left: the load balancer has others cluster=a service=default/s1 addresses=[192.0.2.1]",
            "left: the Service is gone cluster=a service=default/s2 addresses=[192.0.2.2]",
        ];
        if told.iter().all(|line| log.contains(line)) { Ok(()) } else { Err(log) }
    });
}
