use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use tests::suite::Test;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => crates_import_only_from_below, pure_crates_have_no_async_or_kubernetes_in_their_tree;
    }
}

/// Every crate with all crates of the workspace that it may import.
const MAY_IMPORT: [(&str, &[&str]); 11] = [
    ("model", &[]),
    ("planner", &["model"]),
    ("zone-files", &["model"]),
    ("clusters", &["model"]),
    ("dns-server", &["zone-files", "model"]),
    ("providers", &["planner", "model"]),
    ("watcher", &["clusters", "planner", "model"]),
    ("propagator", &["clusters", "planner", "model"]),
    (
        "fedns",
        &[
            "watcher",
            "propagator",
            "clusters",
            "dns-server",
            "providers",
            "planner",
            "zone-files",
            "model",
        ],
    ),
    (
        "tests",
        &[
            "fedns",
            "watcher",
            "propagator",
            "clusters",
            "dns-server",
            "providers",
            "planner",
            "zone-files",
            "model",
        ],
    ),
    ("bench", &["tests", "dns-server", "planner", "zone-files", "model"]),
];

fn crates_import_only_from_below() {
    let packages = packages();
    let members: BTreeSet<&str> = packages.keys().map(String::as_str).collect();
    let drawn: BTreeSet<&str> = MAY_IMPORT.iter().map(|(name, _)| *name).collect();
    assert_eq!(members, drawn, "each crate of the workspace has its place in the drawing");
    for (name, allowed) in MAY_IMPORT {
        for import in packages[name].iter().filter(|import| members.contains(import.as_str())) {
            assert!(allowed.contains(&import.as_str()), "{name} must not import {import}");
        }
    }
}

fn pure_crates_have_no_async_or_kubernetes_in_their_tree() {
    for pure in ["model", "planner", "zone-files"] {
        let tree = cargo(&["tree", "--package", pure, "--edges", "normal", "--prefix", "none"]);
        for outsider in ["tokio", "futures", "hyper", "kube", "k8s-openapi"] {
            let found = tree.lines().any(|line| line.split(' ').next() == Some(outsider));
            assert!(!found, "{outsider} is in the tree of {pure}:\n{tree}");
        }
    }
}

/// The workspace's packages with what each depends on outside of its own tests.
fn packages() -> BTreeMap<String, BTreeSet<String>> {
    let text = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: serde_json::Value = serde_json::from_str(&text).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    packages.iter().map(|package| (text_of(&package["name"]), imports(package))).collect()
}

fn imports(package: &serde_json::Value) -> BTreeSet<String> {
    let dependencies = package["dependencies"].as_array().expect("a list of dependencies");
    let built_in = dependencies.iter().filter(|dependency| dependency["kind"].is_null());
    built_in.map(|dependency| text_of(&dependency["name"])).collect()
}

fn text_of(value: &serde_json::Value) -> String {
    value.as_str().expect("a name").to_owned()
}

fn cargo(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let output = command.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}
