//! Each case is a name; what `explain` says of it stands in `explain/CASE.txt`, and the clusters are
//! the folders beside it.

use std::fs;
use std::path::{Path, PathBuf};

use tests::golden;
use tests::serving::Fedns;
use tests::suite::Test;

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => explain_says_why,
            a_level_that_is_switched_off_and_a_label_that_is_refused_are_named;
    }
}

const LIVE: [(&str, &str); 15] = [
    ("an-address-served", "web.default.fed.svc.example.com"),
    ("an-address-of-one-zone", "web.default.fed.svc.cn-beijing-a.cn-beijing.example.com"),
    ("a-port", "_http._tcp.web.default.fed.svc.cn-beijing.example.com"),
    ("no-ready-endpoint", "unready.default.fed.svc.example.com"),
    ("a-cname-level", "unready.default.fed.svc.cn-beijing.example.com"),
    ("a-static-clash", "static.default.fed.svc.example.com"),
    ("a-static-name", "www.example.com"),
    ("a-port-of-a-cname-level", "_http._tcp.unready.default.fed.svc.cn-beijing.example.com"),
    ("a-wildcard", "a.wild.example.com"),
    ("a-delegation", "sub.example.com"),
    ("below-a-delegation", "www.sub.example.com"),
    ("below-a-dname", "a.old.example.com"),
    ("no-such-service", "nobody.default.fed.svc.example.com"),
    ("no-such-place", "web.default.fed.svc.cn-nowhere.example.com"),
    ("no-name-of-a-service", "nothing.example.com"),
];

/// Where `levels` leaves the region out, and a node's region is no part of a name.
const TWO_LEVELS: [(&str, &str); 1] =
    [("a-level-switched-off", "web.default.fed.svc.cn-beijing.example.com")];

const STALE: [(&str, &str); 2] =
    [("a-stale-cluster", "web.default.fed.svc.example.com"), ("a-foreign-name", "www.example.org")];

fn explain_says_why() {
    let entries = ["beijing", "hangzhou"].map(|it| format!("{{name: {it}, manifests: ./{it}}}"));
    let more = "lameDuck: 0s\nstaticRecords: [./static.zone]\n";
    let mut fedns = Fedns::prepared(&entries, more);
    copy_folder(&golden_folder(), fedns.home());
    fedns.start();
    fedns.is_ready();
    for cluster in ["beijing", "hangzhou"] {
        fedns.sees(cluster, "Live");
    }
    check(&fedns, &LIVE);
    the_apex_has_the_serial_that_is_served(&fedns);

    fs::rename(fedns.home().join("hangzhou"), fedns.home().join("away")).expect("move a folder");
    fedns.sees("hangzhou", "Stale FolderMissing");
    check(&fedns, &STALE);
}

#[track_caller]
fn the_apex_has_the_serial_that_is_served(fedns: &Fedns) {
    let serial = fedns.serial().0;
    let soa = format!("SOA ns1.example.com. hostmaster.example.com. {serial} 900 300 604800 60");
    let text = fedns.printed(&["explain", "example.com"]);
    assert_eq!(text.matches(&soa).count(), 2, "planned and on the wire: {text}");
    let json = fedns.printed(&["explain", "example.com", "-o", "json"]);
    assert!(json.contains(&format!("\"{soa}\"")), "{json}");
}

fn a_level_that_is_switched_off_and_a_label_that_is_refused_are_named() {
    let entries = ["beijing", "hangzhou"].map(|it| format!("{{name: {it}, manifests: ./{it}}}"));
    let mut fedns = Fedns::prepared(&entries, "lameDuck: 0s\nlevels: [global, zone]\n");
    copy_folder(&golden_folder(), fedns.home());
    let node = fedns.home().join("hangzhou/nodes.yaml");
    let text = fs::read_to_string(&node).expect("a Node").replace("cn-hangzhou\n", "cn_hangzhou\n");
    fs::write(&node, text).expect("write a Node");
    fedns.start();
    fedns.is_ready();
    for cluster in ["beijing", "hangzhou"] {
        fedns.sees(cluster, "Live");
    }
    check(&fedns, &TWO_LEVELS);
    let json = fedns.printed(&["explain", TWO_LEVELS[0].1, "-o", "json"]);
    assert!(json.contains("\"levelMade\": false"), "{json}");
}

#[track_caller]
fn check(fedns: &Fedns, cases: &[(&str, &str)]) {
    for (case, name) in cases {
        let text = fedns.printed(&["explain", name]);
        let text = text.replace(&*fedns.home().to_string_lossy(), "FOLDER");
        golden::compare(&golden_folder().join(format!("{case}.txt")), &without_times(&text));
    }
}

/// `2026-01-02T03:04:05Z` becomes `TIME`.
fn without_times(text: &str) -> String {
    let word = |word: &str| {
        let time = word.split([')', ',']).next().unwrap_or(word);
        let is_time = time.len() == 20 && time.ends_with('Z') && time.as_bytes()[10] == b'T';
        if is_time { word.replace(time, "TIME") } else { word.to_owned() }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn golden_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/explain")
}

/// All but the expected texts.
fn copy_folder(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("read a folder") {
        let entry = entry.expect("read a folder");
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            fs::create_dir(&target).expect("make a folder");
            copy_folder(&source, &target);
        } else if source.extension().is_none_or(|ending| ending != "txt") {
            fs::copy(&source, &target).expect("copy a file");
        }
    }
}
