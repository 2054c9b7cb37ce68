//! The zones that all servers have.

use std::fmt::Write as _;

use model::{Name, Rdata, RecordType, ZoneContents};
use zone_files::{Completeness, NoIncludes, Options, Source, read_zone};

const TEXTS: [(&str, &str); 3] = [
    ("example.", include_str!("zones/example.zone")),
    ("child.example.", include_str!("zones/child.example.zone")),
    ("odd.test.", include_str!("zones/odd.test.zone")),
];
/// The serial in the files.
const SERIAL: &str = " 7 900 ";

/// Names of the zones with a final dot, and the text of their files.
pub(super) fn texts() -> Vec<(&'static str, String)> {
    TEXTS.iter().map(|(zone, text)| (*zone, complete(zone, text))).collect()
}

/// The same text with another serial.
pub(super) fn with_serial(text: &str, serial: u32) -> String {
    assert_eq!(text.matches(SERIAL).count(), 1);
    text.replacen(SERIAL, &format!(" {serial} 900 "), 1)
}

fn complete(zone: &str, text: &str) -> String {
    let mut text = format!("$ORIGIN {zone}\n$TTL 300\n{text}");
    if zone == "odd.test." {
        add_huge_sets(&mut text);
    }
    text
}

/// From what fits into some datagrams to what just fits into a message.
fn add_huge_sets(text: &mut String) {
    for count in [20, 31, 60, 70, 250, 1500] {
        for number in 0..count {
            let (high, low) = (number / 250, number % 250);
            writeln!(text, "a{count} A 10.1.{high}.{low}").expect("a String takes all text");
        }
    }
    for number in 0..240 {
        let data = format!("{number:03}").repeat(80);
        writeln!(text, "huge TXT \"{data}\"").expect("a String takes all text");
    }
    for number in 0..40 {
        writeln!(text, "manymx MX {number} host{number}\nhost{number} AAAA 2001:db8:2::{number:x}")
            .expect("a String takes all text");
    }
    for number in 0..30 {
        writeln!(text, "manycut NS ns{number}.manycut\nns{number}.manycut A 10.2.0.{number}")
            .expect("a String takes all text");
    }
}

/// All owners, and all names that aliases and redirections lead to.
pub(super) fn names_of(zone: &str, text: &str) -> Vec<Name> {
    let mut names = Vec::new();
    for (name, sets) in contents(zone, text).iter() {
        names.push(name.clone());
        let lead_on = [RecordType::CNAME, RecordType::DNAME];
        for set in sets.iter().filter(|set| lead_on.contains(&set.record_type)) {
            names.extend(set.values().iter().filter_map(Rdata::as_name));
        }
    }
    names
}

fn contents(zone: &str, text: &str) -> ZoneContents {
    let apex = Name::parse(zone).expect("a name");
    let source = Source { file: zone, text: text.as_bytes() };
    let options = Options { default_ttl: None, completeness: Completeness::Whole, errors_max: 10 };
    let read = read_zone(&apex, &[source], &mut NoIncludes, &options);
    read.unwrap_or_else(|error| panic!("{error}")).contents
}
