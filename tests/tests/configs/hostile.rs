use std::fmt::Write;

use tests::scratch::Scratch;
use tests::suite::Test;

use super::fedns;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => what_is_no_text_is_refused_with_its_place,
            depth_without_end_is_refused,
            aliases_that_multiply_are_refused,
            a_large_config_is_read,
            many_errors_are_all_told,
            how_an_editor_saves_a_file_changes_nothing,
            what_is_no_file_is_refused;
    }
}

const GOOD: &str = "apiVersion: fedns.io/v1\nkind: Config\nfederation: fed\nzone: example.com.\n\
                    nameServers: [ns1.example.org.]\nworkers: 1\n";

/// Runs `fedns check` on these bytes and compares the exit code and the first line.
#[track_caller]
fn check(config: &[u8], code: i32, first_line: &str) -> String {
    let scratch = Scratch::new("configs");
    scratch.write("fedns.yaml", config);
    let output = fedns(scratch.path(), &["check", "--config", "fedns.yaml"]);
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).expect("fedns prints UTF-8");
    let text = text.replace(&format!("{}/", scratch.path().display()), "");
    assert_eq!(text.lines().next().unwrap_or_default(), first_line);
    assert_eq!(output.status.code(), Some(code), "{first_line}");
    text
}

fn what_is_no_text_is_refused_with_its_place() {
    let latin_1 = [GOOD.as_bytes(), b"# caf\xc3\xa9\nstateDir: ./caf\xe9\n"].concat();
    let message = "is no UTF-8, as every config must be; save the file as UTF-8";
    check(&latin_1, 1, &format!("fedns: fedns.yaml:8:16: byte 0xE9 {message}"));
    let utf_16: Vec<u8> =
        format!("\u{feff}{GOOD}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    check(&utf_16, 1, &format!("fedns: fedns.yaml:1:1: byte 0xFF {message}"));
    let cut_short = [GOOD.as_bytes(), b"# caf\xc3"].concat();
    check(&cut_short, 1, &format!("fedns: fedns.yaml:7:6: byte 0xC3 {message}"));
    let nul = "fedns: fedns.yaml:1:1: no valid YAML: unexpected character: `\\u{0}'";
    check(&[0; 100], 1, nul);
}

fn depth_without_end_is_refused() {
    let flow = format!("{GOOD}stateDir: {}\n", "[".repeat(100_000));
    check(flow.as_bytes(), 1, "fedns: fedns.yaml:7:266: no valid YAML: recursion limit exceeded");
    let dashes = format!("{GOOD}stateDir:\n  {}a\n", "- ".repeat(100_000));
    check(dashes.as_bytes(), 1, "fedns: fedns.yaml:8:511: no valid YAML: recursion limit exceeded");
    // Each alias is one level deeper than the one before.
    let chain: String = (1..20_000).map(|n| format!("key{n}: &a{n} [*a{}]\n", n - 1)).collect();
    let chain = format!("{GOOD}key0: &a0 []\n{chain}");
    let message = "the aliases up to here make too many values; write fewer of them";
    check(chain.as_bytes(), 1, &format!("fedns: fedns.yaml:1006:16: {message}"));
}

fn aliases_that_multiply_are_refused() {
    let mut config = format!("{GOOD}key0: &a0 [{}]\n", ["x"; 10].join(", "));
    for n in 1..12 {
        let aliases = vec![format!("*a{}", n - 1); 10].join(", ");
        writeln!(config, "key{n}: &a{n} [{aliases}]").expect("a String takes all");
    }
    let message = "the aliases up to here make too many values; write fewer of them";
    check(config.as_bytes(), 1, &format!("fedns: fedns.yaml:12:47: {message}"));
}

fn a_large_config_is_read() {
    let clusters: String = (0..5_000)
        .map(|n| format!("  - {{name: cluster-{n}, manifests: ., region: region-{n}}}\n"))
        .collect();
    let config = format!("{GOOD}clusters:\n{clusters}");
    let scratch = Scratch::new("configs");
    scratch.write("fedns.yaml", config);
    let output = fedns(scratch.path(), &["config", "-o", "json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(value["clusters"].as_array().map(Vec::len), Some(5_000));
}

fn many_errors_are_all_told() {
    let keys: String = (0..1_000).map(|n| format!("unheard-of-{n}: 1\n")).collect();
    let keys = format!("{GOOD}{keys}");
    let known = "known here: apiVersion, kind, federation, listen, tsigKeys, ttl, levels, \
                 emptyLevels, nameServers, hostmaster, staticRecords, transfer, providers, zone, zones, \
                 catalogZone, controlPlane, services, clusters, stateDir, resolver, workers, cpus, user, adminTokenFile, tls, \
                 acl, cookies, rateLimit, nsid, identity, lameDuck, startupTimeout, leaderElection";
    let first = format!("fedns: fedns.yaml:7:1: unknown key \"unheard-of-0\"; {known}");
    let text = check(keys.as_bytes(), 1, &first);
    assert_eq!(text.lines().count(), 1_000);
}

fn how_an_editor_saves_a_file_changes_nothing() {
    let fine = "fedns.yaml: fine: zones example.com.; no cluster";
    check(format!("\u{feff}{GOOD}").as_bytes(), 0, fine);
    check(GOOD.replace('\n', "\r\n").as_bytes(), 0, fine);
    check(GOOD.trim_end().as_bytes(), 0, fine);
}

fn what_is_no_file_is_refused() {
    let scratch = Scratch::new("configs");
    for (file, message) in [
        ("absent.yaml", "absent.yaml: cannot be read: No such file or directory (os error 2)"),
        (".", ".: cannot be read: Is a directory (os error 21)"),
    ] {
        let output = fedns(scratch.path(), &["check", "--config", file]);
        assert_eq!(String::from_utf8_lossy(&output.stderr), format!("fedns: {message}\n"));
        assert_eq!(output.status.code(), Some(1));
    }
}
