//! What every command prints of a record is master-file text that other servers read.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tests::need::{LDNS_READ_ZONE, NAMED_CHECKZONE, find_program};
use tests::serving::Fedns;
use tests::suite::Test;

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [LDNS_READ_ZONE, NAMED_CHECKZONE] => what_is_printed_reads_back_as_the_source;
        [NAMED_CHECKZONE] => of_several_zones_one_must_be_named;
    }
}

const SOURCE: &str = include_str!("master_files/all-types.zone");

fn what_is_printed_reads_back_as_the_source() {
    let fedns = serving_source();
    let wanted = canonical(&fedns, SOURCE);
    assert!(wanted.len() >= 50, "{wanted:#?}");

    let zone = fedns.printed(&["records", "-o", "zone"]);
    assert_same("records -o zone", &canonical(&fedns, &zone), &wanted);
    let bind = checkzone(&fedns, "example.com", &zone);
    assert!(bind.status.success(), "{bind:?}\n{zone}");

    let rows = rows(&fedns);
    let listed: String = rows.iter().flat_map(|row| &row.lines).cloned().collect();
    assert_same("records -o json", &canonical(&fedns, &listed), &wanted);

    let server = format!("127.0.0.1:{}", fedns.dns_port());
    let queried = rows.iter().map(|Row { name, record_type, .. }| {
        let words = ["query", name, record_type, "--server", &server];
        fedns.printed(&words)
    });
    assert_same("query", &canonical(&fedns, &queried.collect::<String>()), &wanted);

    let explained = rows.iter().map(|Row { name, .. }| explained(&fedns, name));
    assert_same("explain", &canonical(&fedns, &explained.collect::<String>()), &wanted);
}

/// The zone of [`SOURCE`], without any cluster.
fn serving_source() -> Fedns {
    let mut fedns = Fedns::prepared(&[], "staticRecords: [./all-types.zone]\nlameDuck: 0s\n");
    fs::write(fedns.home().join("all-types.zone"), SOURCE).expect("write a zone");
    fedns.start();
    fedns.is_ready();
    fedns
}

/// One record set of `fedns records`.
struct Row {
    name: String,
    record_type: String,
    /// `name ttl IN type data`, whole lines.
    lines: Vec<String>,
}

fn rows(fedns: &Fedns) -> Vec<Row> {
    let json = fedns.printed(&["records", "-o", "json"]);
    let rows: Vec<Value> = serde_json::from_str(&json).expect("JSON");
    let row = |row: &Value| {
        let text = |key: &str| row[key].as_str().expect("a text").to_owned();
        let (name, record_type, ttl) = (text("name"), text("type"), &row["ttl"]);
        let values = row["values"].as_array().expect("values").iter();
        let line = |value: &Value| {
            format!("{name} {ttl} IN {record_type} {}\n", value.as_str().expect("a text"))
        };
        Row { lines: values.map(line).collect(), name, record_type }
    };
    rows.iter().map(row).collect()
}

/// The records that `explain` tells of a name, as lines.
fn explained(fedns: &Fedns, name: &str) -> String {
    let json = fedns.printed(&["explain", name, "-o", "json"]);
    let explained: Value = serde_json::from_str(&json).expect("JSON");
    let records = explained["kind"]["records"].as_array().expect("records");
    records.iter().map(|record| format!("{name} 300 IN {}\n", record.as_str().unwrap())).collect()
}

/// The zone as ldns reads it: sorted lines, and the serial, which is the server's own, left out.
#[track_caller]
fn canonical(fedns: &Fedns, text: &str) -> BTreeSet<String> {
    let file = fedns.home().join("judged.zone");
    fs::write(&file, text).expect("write a zone");
    let output = run("ldns-read-zone", &["-z"], &file);
    assert!(output.status.success(), "{output:?}\n{text}");
    let lines = String::from_utf8(output.stdout).expect("ASCII");
    lines.lines().map(without_serial).collect()
}

fn without_serial(line: &str) -> String {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    if words.get(3) == Some(&"SOA") {
        words[6] = "SERIAL";
    }
    words.join(" ")
}

fn checkzone(fedns: &Fedns, zone: &str, text: &str) -> Output {
    let file = fedns.home().join("judged.zone");
    fs::write(&file, text).expect("write a zone");
    run("named-checkzone", &["-i", "local", "-k", "ignore", zone], &file)
}

fn run(program: &str, arguments: &[&str], file: &Path) -> Output {
    let program = find_program(program).expect("the test asked for it");
    Command::new(program).args(arguments).arg(file).output().expect("it runs")
}

#[track_caller]
fn assert_same(command: &str, found: &BTreeSet<String>, wanted: &BTreeSet<String>) {
    let more: Vec<_> = found.difference(wanted).collect();
    let less: Vec<_> = wanted.difference(found).collect();
    assert!(more.is_empty() && less.is_empty(), "{command}\n+ {more:#?}\n- {less:#?}");
}

fn of_several_zones_one_must_be_named() {
    let mut fedns = Fedns::prepared(&[], "lameDuck: 0s\n");
    let file = fedns.home().join("fedns.yaml");
    let config = fs::read_to_string(&file).expect("read the config");
    let two = "zones: [{name: example.com.}, {name: sub.example.com.}]\n";
    let name_servers = "nameServers: [{name: ns.example.net.}]\n";
    let config: String = config
        .lines()
        .map(|line| match line.split_once(':') {
            Some(("zone", _)) => two.to_owned(),
            Some(("nameServers", _)) => name_servers.to_owned(),
            _ => format!("{line}\n"),
        })
        .collect();
    fs::write(&file, config).expect("write the config");
    fedns.start();
    fedns.is_ready();

    let refused = fedns.command(&["records", "-o", "zone"]);
    assert_eq!(refused.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&refused.stderr);
    let expected = "a master file holds one zone, and 2 are served (example.com., sub.example.com.); \
                    name one, like --zone example.com.\n";
    assert!(errors.ends_with(expected), "{errors}");
    for zone in ["example.com", "sub.example.com"] {
        let text = fedns.printed(&["records", "--zone", zone, "-o", "zone"]);
        let bind = checkzone(&fedns, zone, &text);
        assert!(bind.status.success(), "{bind:?}\n{text}");
    }
    let all = fedns.printed(&["records", "-o", "name"]);
    assert_eq!(all, "example.com.\nsub.example.com.\n");
}
