//! A catalog zone (RFC 9432): secondaries that others wrote learn our zones by themselves.

use std::fmt::Write as _;
use std::fs;

use tests::catalog_consumer::{CatalogConsumer, Consumer};
use tests::eventually::{GENEROUS, eventually, eventually_equal};
use tests::name_daemon::TransferKey;
use tests::need::{DIG, KNOTD, NAMED};
use tests::secondary::{dig, secret_file};
use tests::serving::Fedns;
use tests::suite::Test;

use crate::serve::folder::{Folder, service};

pub(crate) fn tests() -> Vec<Test> {
    tests::tests! {
        [DIG, NAMED, KNOTD] => zones_come_and_go_at_secondaries_with_the_config;
        [DIG] => a_catalog_says_what_the_standard_asks_for,
            only_secondaries_have_the_catalog;
    }
}

const CATALOG: &str = "catalog.invalid";
/// One of four goes: a reload in which more than 30 % of all names vanish would be held.
const BEFORE: [&str; 4] = ["one.example", "two.example", "four.example", "five.example"];
const AFTER: [&str; 4] = ["one.example", "three.example", "four.example", "five.example"];
const KEY: TransferKey = TransferKey {
    name: "transfer.",
    algorithm: "hmac-sha256",
    secret: "YSBzZWNyZXQgZm9yIHRlc3RzIG9uIGxvb3BiYWNrIG9ubHk=",
};

/// A primary that serves nothing yet, and the folder of its cluster, where the Service `web` is.
fn prepared() -> (Fedns, Folder) {
    let fedns = Fedns::prepared(&[], "");
    secret_file(fedns.home(), &KEY);
    let folder = Folder::new(&fedns, "a", "cn-a");
    folder.write("web.yaml", &service("web", "192.0.2.1"));
    (fedns, folder)
}

/// Writes the config: these zones, and `notify` for all of them and their catalog.
fn configure(fedns: &Fedns, zones: &[&str], notify: &[u16]) {
    let notify: Vec<String> = notify.iter().map(|port| format!("\"127.0.0.1:{port}\"")).collect();
    let mut config = format!(
        "apiVersion: fedns.io/v1\nkind: Config\nfederation: fed\nstateDir: ./state\nlameDuck: 0s\n\
         listen: {{dns: [\"127.0.0.1:{}\"], admin: \"127.0.0.1:{}\"}}\n\
         clusters: [{{name: a, manifests: ./a}}]\n\
         tsigKeys: [{{name: transfer., secretFile: ./transfer.key}}]\n\
         transfer: {{allow: [\"key:transfer.\"], notify: [{}]}}\n\
         catalogZone: {CATALOG}\nnameServers: [ns1.example.net.]\nzones:\n",
        fedns.dns_port(),
        fedns.admin_port(),
        notify.join(", ")
    );
    for zone in zones {
        writeln!(config, "  - {{name: {zone}}}").expect("a String takes all text");
    }
    fs::write(fedns.home().join("fedns.yaml"), config).expect("write the config");
}

fn web(zone: &str) -> String {
    format!("web.default.fed.svc.{zone}")
}

fn zones_come_and_go_at_secondaries_with_the_config() {
    let (mut fedns, folder) = prepared();
    let mut consumers = [Consumer::Bind, Consumer::Knot].map(CatalogConsumer::prepared);
    let ports = consumers.each_ref().map(CatalogConsumer::port);
    configure(&fedns, &BEFORE, &ports);
    fedns.start();
    fedns.is_ready();
    for consumer in &mut consumers {
        consumer.start(CATALOG, fedns.dns_port(), &KEY);
    }
    let all_answer = |zone: &str, expect: &str| {
        for consumer in &consumers {
            let what = format!("{:?} answers for {zone}", consumer.consumer);
            eventually_equal(GENEROUS, &what, &expect.to_owned(), || consumer.ask(&web(zone), "A"));
        }
    };
    all_answer("one.example", "NOERROR, 192.0.2.1");
    all_answer("two.example", "NOERROR, 192.0.2.1");
    // What they have learned they follow as any secondary does.
    folder.write("web.yaml", &service("web", "192.0.2.2"));
    all_answer("one.example", "NOERROR, 192.0.2.2");
    all_answer("two.example", "NOERROR, 192.0.2.2");
    configure(&fedns, &AFTER, &ports);
    all_answer("three.example", "NOERROR, 192.0.2.2");
    all_answer("two.example", "REFUSED");
    all_answer("one.example", "NOERROR, 192.0.2.2");
}

fn transferred(fedns: &Fedns, kind: &str) -> Result<Vec<String>, String> {
    let TransferKey { name, algorithm, secret } = KEY;
    let text =
        dig(fedns.dns_port(), &["-y", &format!("{algorithm}:{name}:{secret}"), CATALOG, kind])?;
    let lines = text.lines().filter(|line| !line.starts_with(';') && !line.contains("TSIG"));
    let lines = lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    Ok(lines.filter(|line| !line.is_empty()).collect())
}

fn pointers(lines: &[String]) -> Vec<&String> {
    lines.iter().filter(|line| line.contains(" PTR ")).collect()
}

#[track_caller]
fn serial(lines: &[String]) -> u32 {
    let soa = lines[0].split(' ').nth(5).and_then(|word| word.parse().ok());
    soa.unwrap_or_else(|| panic!("{lines:?}"))
}

fn a_catalog_says_what_the_standard_asks_for() {
    let (mut fedns, folder) = prepared();
    configure(&fedns, &BEFORE, &[]);
    fedns.start();
    fedns.is_ready();
    let before = transferred(&fedns, "AXFR").expect("a zone");
    let first = serial(&before);
    let soa = format!("{CATALOG}. 3600 SOA invalid. hostmaster.invalid. {first} 900 300 604800 60");
    assert_eq!((&before[0], before.last()), (&soa, Some(&soa)));
    assert!(before.contains(&format!("{CATALOG}. 3600 NS invalid.")), "{before:?}");
    assert!(before.contains(&format!("version.{CATALOG}. 0 TXT \"2\"")), "{before:?}");
    assert_eq!((before.len(), pointers(&before).len()), (8, 4), "{before:?}");
    let one = before.iter().find(|line| line.ends_with(" PTR one.example.")).expect("a pointer");
    assert!(
        one.split(' ').next().is_some_and(|owner| owner.ends_with(&format!(".zones.{CATALOG}.")))
    );

    // What happens in zones is nothing to the catalog.
    folder.write("web.yaml", &service("web", "192.0.2.2"));
    fedns.answers(&web("one.example"), "NOERROR 192.0.2.2");
    assert_eq!(transferred(&fedns, "AXFR").expect("a zone"), before);

    configure(&fedns, &AFTER, &[]);
    let after = eventually(GENEROUS, "the catalog has the new zone", || {
        let lines = transferred(&fedns, "AXFR")?;
        match lines.iter().any(|line| line.ends_with(" PTR three.example.")) {
            true => Ok(lines),
            false => Err(format!("{lines:?}")),
        }
    });
    assert!(after.contains(one), "its label is what it was: {after:?}");
    assert_eq!(pointers(&after).len(), 4, "{after:?}");
    assert_eq!(serial(&after), first + 1);
    let difference = transferred(&fedns, &format!("IXFR={first}")).expect("a difference");
    let changed: Vec<&str> =
        pointers(&difference).iter().filter_map(|line| line.rsplit(' ').next()).collect();
    assert_eq!(changed, ["two.example.", "three.example."], "{difference:?}");

    // The serial is kept like those of other zones.
    assert!(fedns.stop().success());
    fedns.start();
    fedns.is_ready();
    let [mut after, mut again] = [after, transferred(&fedns, "AXFR").expect("a zone")];
    after.sort();
    again.sort();
    assert_eq!(again, after);
}

fn only_secondaries_have_the_catalog() {
    let (mut fedns, _folder) = prepared();
    configure(&fedns, &["one.example"], &[]);
    fedns.start();
    fedns.is_ready();
    assert!(dig(fedns.dns_port(), &[CATALOG, "AXFR"]).is_err());
    // No Service has names in it.
    let records = fedns.printed(&["records", "-o", "name"]);
    assert!(records.contains("one.example") && !records.contains(&web(CATALOG)), "{records}");
}
