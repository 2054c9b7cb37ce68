use super::*;
use crate::{Issue, NoIncludes, zone_text};

fn apex() -> Name {
    Name::parse("example.com").unwrap()
}

fn read(texts: &[&str], options: &Options) -> Result<ReadZone, ReadZoneError> {
    let files = ["one", "two", "three"];
    let sources: Vec<Source<'_>> = files
        .iter()
        .zip(texts)
        .map(|(file, text)| Source { file, text: text.as_bytes() })
        .collect();
    read_zone(&apex(), &sources, &mut NoIncludes, options)
}

fn part() -> Options {
    Options { completeness: Completeness::Part, default_ttl: Some(180), ..Options::default() }
}

#[test]
fn records_of_all_sources_come_together() {
    let texts =
        ["b A 192.0.2.2\na A 192.0.2.2", "$ORIGIN x\nb TXT x", "a A 192.0.2.1\na A 192.0.2.2"];
    let zone = read(&texts, &part()).unwrap();
    let expect = "$ORIGIN example.com.\n$TTL 180\n\
        a\t\tIN\tA\t192.0.2.1\n\t\tIN\tA\t192.0.2.2\n\
        b\t\tIN\tA\t192.0.2.2\n\
        b.x\t\tIN\tTXT\t\"x\"\n";
    assert_eq!(zone_text(&zone.contents), expect);
    assert_eq!(zone.warnings, []);
}

#[test]
fn a_set_has_the_ttl_of_its_first_record() {
    let zone =
        read(&["b TXT x\na 5 A 192.0.2.2\nb TXT y\n", "\na 7 A 192.0.2.1"], &part()).unwrap();
    let set = zone.contents.get(&Name::parse("a.example.com").unwrap(), model::RecordType::A);
    assert_eq!((set.unwrap().ttl, set.unwrap().values().len()), (5, 2));
    let warnings: Vec<String> = zone.warnings.iter().map(ToString::to_string).collect();
    let warning = "TTL 7 differs from 5, which the set has from its first record and keeps";
    assert_eq!(warnings, [format!("two:2:1: a.example.com. A: {warning}")]);
}

#[test]
fn every_error_is_told_at_its_place() {
    let text = "a A x\nb TXT \"\nc CNAME d\nc TXT x\nexample.net. A 192.0.2.1\nd MX 1 nowhere";
    let error = read(&[text], &Options { default_ttl: Some(1), ..Options::default() }).unwrap_err();
    let expect = [
        r#"one:1:5: found "x", wanted an IPv4 address"#,
        "one:2:7: this quote is not closed in its line",
        "one:4:1: c.example.com. TXT: a CNAME stands beside other data: TXT",
        "one:5:1: example.net. A: outside the zone",
    ];
    assert_eq!(error.to_string(), expect.join("\n"));
    // What seems to be missing may be in the lines that could not be read.
    assert_eq!(error.warnings, []);
    let error = read(&["$TTL 1\nd MX 1 nowhere\nd A 192.0.2.1"], &Options::default()).unwrap_err();
    let expect =
        "example.com.: the zone has no SOA record\nexample.com.: the zone has no NS records";
    assert_eq!(error.to_string(), expect);
    assert_eq!(error.warnings.len(), 1);
}

#[test]
fn places_are_those_of_the_first_of_equal_records() {
    let text = "b 1 MX 1 n\na 1 TXT x\na 1 TXT x\nb 1 MX 2 m\nb 1 MX 1 N";
    let apex_records = "@ 1 SOA . . 1 2 3 4 5\n@ 1 NS x.";
    let zone = read(&[text, apex_records], &Options::default()).unwrap();
    let places = zone.warnings.iter().map(|warning| warning.position.as_ref().unwrap().to_string());
    assert_eq!(places.collect::<Vec<_>>(), ["one:1:1", "one:4:1"]);
}

#[test]
fn errors_are_bounded() {
    let options = Options { errors_max: 3, ..part() };
    let error = read(&[&"x\n".repeat(3), ""], &options).unwrap_err();
    assert_eq!((error.text_errors.len(), error.stopped), (3, false));
    let error = read(&[&"x\n".repeat(4), "y A z"], &options).unwrap_err();
    assert_eq!((error.text_errors.len(), error.stopped), (3, true));
    assert!(error.to_string().ends_with("\nmore than 3 errors; the rest was not read"));
    let none = Options { errors_max: 0, ..part() };
    let error = read(&["a A 192.0.2.1\nx\n"], &none).unwrap_err();
    assert_eq!(error.to_string(), "more than 0 errors; the rest was not read");
    assert!(read(&["a.org. A 192.0.2.1"], &none).is_err());
    let outside: String = (0..5).rev().map(|i| format!("x{i}. A 192.0.2.1\n")).collect();
    let error = read(&[&outside], &options).unwrap_err();
    let expect = "one:1:1: x4. A: outside the zone\none:2:1: x3. A: outside the zone\n\
        one:3:1: x2. A: outside the zone\nand 2 more of this kind";
    assert_eq!(error.to_string(), expect);
    let twice: String = (0..5).map(|i| format!("x{i}.example.com A 192.0.2.1\n")).collect();
    let zone = read(&[&twice], &options).unwrap();
    assert_eq!((zone.warnings.len(), zone.warnings_left_out), (3, 2));
    assert!(matches!(zone.warnings[0].finding.issue, Issue::ApexTwice { .. }));
}
