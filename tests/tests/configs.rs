//! `configs/bad/X.yaml` is refused with the lines of `configs/bad/X.txt`; `configs/good/X.yaml` is
//! taken, and `fedns config` prints `configs/good/X.txt`; `configs/doubtful/X.yaml` is taken with the
//! warnings of `configs/doubtful/X.txt`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use tests::suite::Test;
use tests::{golden, product};

/// Texts that are too long, too deep or no text at all.
mod hostile;

pub(crate) fn tests() -> Vec<Test> {
    let own = tests::tests! {
        [] => bad_configs_are_refused_with_every_error,
            good_configs_are_printed_with_every_default,
            doubtful_configs_are_taken_with_every_warning,
            what_is_printed_is_a_config_that_is_printed_the_same,
            json_says_what_yaml_says,
            every_command_that_takes_a_config_refuses_a_bad_one,
            without_a_file_the_places_that_were_tried_are_named,
            the_config_of_the_working_folder_is_taken;
    };
    own.into_iter().chain(hostile::tests()).collect()
}

fn bad_configs_are_refused_with_every_error() {
    let folder = folder("bad");
    for file in configs(&folder) {
        let output = fedns(&folder, &["check", "--config", &file]);
        let errors = without_modes(&text(&folder, &output.stderr));
        golden::compare(&folder.join(&file).with_extension("txt"), &errors);
        assert_eq!(output.status.code(), Some(1), "{file}");
        assert_eq!(text(&folder, &output.stdout), "", "{file}");
    }
}

fn good_configs_are_printed_with_every_default() {
    let folder = folder("good");
    for file in configs(&folder) {
        let checked = fedns(&folder, &["check", "--config", &file]);
        assert!(checked.status.success(), "{file}: {}", text(&folder, &checked.stderr));
        assert!(text(&folder, &checked.stdout).starts_with(&format!("FOLDER/{file}: fine: ")));
        assert_eq!(without_modes(&text(&folder, &checked.stderr)), "", "{file}");
        let printed = printed(&folder, &["config", "--config", &file]);
        golden::compare(&folder.join(&file).with_extension("txt"), &text(&folder, &printed));
    }
}

fn doubtful_configs_are_taken_with_every_warning() {
    let folder = folder("doubtful");
    for file in configs(&folder) {
        let output = fedns(&folder, &["check", "--config", &file]);
        let warnings = text(&folder, &output.stderr);
        golden::compare(&folder.join(&file).with_extension("txt"), &warnings);
        assert!(output.status.success(), "{file}: {warnings}");
        assert!(text(&folder, &output.stdout).starts_with(&format!("FOLDER/{file}: fine: ")));
    }
}

fn what_is_printed_is_a_config_that_is_printed_the_same() {
    let folder = folder("good");
    let scratch = tests::scratch::Scratch::new("configs");
    for file in configs(&folder) {
        for format in ["yaml", "json"] {
            let words = |file| ["config", "-o", format, "--config", file];
            let once = printed(&folder, &words(&file));
            scratch.write("again.yaml", &once);
            let twice = printed(scratch.path(), &words("again.yaml"));
            let (once, twice) = (String::from_utf8_lossy(&once), String::from_utf8_lossy(&twice));
            assert_eq!(once, twice, "{file} as {format}");
        }
    }
}

fn json_says_what_yaml_says() {
    let folder = folder("good");
    let scratch = tests::scratch::Scratch::new("configs");
    for file in configs(&folder) {
        let json = printed(&folder, &["config", "-o", "json", "--config", &file]);
        let value: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
        assert_eq!(value["kind"], "Config");
        scratch.write("as-json.yaml", &json);
        let of_json = printed(scratch.path(), &["config", "--config", "as-json.yaml"]);
        let of_yaml = printed(&folder, &["config", "--config", &file]);
        assert_eq!(of_json, of_yaml, "{file}");
    }
}

fn every_command_that_takes_a_config_refuses_a_bad_one() {
    let folder = folder("bad");
    let expected = fs::read_to_string(folder.join("several.txt")).expect("read several.txt");
    for command in ["check", "config", "serve"] {
        let output = fedns(&folder, &[command, "--config", "several.yaml"]);
        assert_eq!(text(&folder, &output.stderr), expected, "fedns {command}");
        assert_eq!(output.status.code(), Some(1), "fedns {command}");
        assert!(output.stdout.is_empty(), "fedns {command}");
    }
    assert!(!folder.join("state").exists(), "a bad config makes no state");
}

fn without_a_file_the_places_that_were_tried_are_named() {
    let scratch = tests::scratch::Scratch::new("configs");
    if Path::new("/etc/fedns/fedns.yaml").exists() {
        // This machine has a config of its own; nothing can be absent.
        return;
    }
    let output = fedns(scratch.path(), &["check"]);
    let expected = "fedns: no config file: tried fedns.yaml and /etc/fedns/fedns.yaml; name one \
                    with --config FILE\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
    assert_eq!(output.status.code(), Some(1));
}

fn the_config_of_the_working_folder_is_taken() {
    let scratch = tests::scratch::Scratch::new("configs");
    let config = fs::read(folder("good").join("least.yaml")).expect("read least.yaml");
    scratch.write("fedns.yaml", config);
    let output = fedns(scratch.path(), &["check"]);
    let expected = "fedns.yaml: fine: zones example.com.; no cluster\n";
    assert!(String::from_utf8_lossy(&output.stdout).ends_with(expected), "{output:?}");
    assert!(output.status.success());
}

fn folder(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/configs")).join(name)
}

/// The names of all configs of a folder, each with its expected text beside it.
fn configs(folder: &Path) -> BTreeSet<String> {
    let (mut configs, mut texts) = (BTreeSet::new(), BTreeSet::new());
    for entry in fs::read_dir(folder).expect("read the folder") {
        let path = entry.expect("read the folder").path();
        let stem = path.file_stem().and_then(OsStr::to_str).expect("a name").to_owned();
        match path.extension().and_then(OsStr::to_str) {
            Some("yaml") => configs.insert(format!("{stem}.yaml")),
            Some("txt") => texts.insert(format!("{stem}.yaml")),
            _ => continue,
        };
    }
    assert!(texts.is_subset(&configs), "no config stands beside some texts");
    assert!(!configs.is_empty());
    configs
}

/// Runs fedns in a folder that is also its user's home, with no kubeconfig but those named.
fn fedns(folder: &Path, words: &[&str]) -> Output {
    let mut command = product::fedns();
    command.args(words).current_dir(folder).env("HOME", folder).env_remove("KUBECONFIG");
    command.env_remove("KUBERNETES_SERVICE_HOST").output().expect("fedns runs")
}

#[track_caller]
fn printed(folder: &Path, words: &[&str]) -> Vec<u8> {
    let output = fedns(folder, words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A checkout has no files that only their owner may read.
fn without_modes(lines: &str) -> String {
    let lines = lines.split_inclusive('\n');
    lines.filter(|line| !line.contains("; chmod o-r FOLDER/files/")).collect()
}

/// With the folder's own path left out.
fn text(folder: &Path, bytes: &[u8]) -> String {
    let text = str::from_utf8(bytes).expect("fedns prints UTF-8");
    text.replace(&*folder.to_string_lossy(), "FOLDER")
}
