//! Each case is a name; what `explain` says of it stands in `explain/CASE.txt`, and the clusters are
//! the folders beside it.

use std::fs;
use std::path::{Path, PathBuf};

use tests::golden;
use tests::serving::Fedns;
use tests::suite::Test;

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => explain_says_why;
    }
}

const LIVE: [(&str, &str); 10] = [
    ("an-address-served", "web.default.fed.svc.example.com"),
    ("an-address-of-one-zone", "web.default.fed.svc.cn-beijing-a.cn-beijing.example.com"),
    ("a-port", "_http._tcp.web.default.fed.svc.cn-beijing.example.com"),
    ("no-ready-endpoint", "unready.default.fed.svc.example.com"),
    ("a-cname-level", "unready.default.fed.svc.cn-beijing.example.com"),
    ("a-static-clash", "static.default.fed.svc.example.com"),
    ("a-static-name", "www.example.com"),
    ("no-such-service", "nobody.default.fed.svc.example.com"),
    ("no-such-place", "web.default.fed.svc.cn-nowhere.example.com"),
    ("no-name-of-a-service", "nothing.example.com"),
];

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

    fs::rename(fedns.home().join("hangzhou"), fedns.home().join("away")).expect("move a folder");
    fedns.sees("hangzhou", "Stale FolderMissing");
    check(&fedns, &STALE);
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
