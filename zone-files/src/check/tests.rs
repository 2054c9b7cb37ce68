//! One row for each rule: a zone that breaks it, and what is said.

use model::{Name, RecordSet};

use super::*;
use crate::{NoIncludes, Options, Source, read_zone};

const HEAD: &str =
    "$TTL 300\n@ SOA ns1 hostmaster 1 900 300 604800 60\n@ NS ns1\nns1 A 192.0.2.53\n";

fn contents(text: &str) -> ZoneContents {
    let apex = Name::parse("example.com").unwrap();
    let mut zone = ZoneContents::new(apex.clone());
    let source = Source { file: "zone", text: text.as_bytes() };
    for record in crate::Reader::new(source, &apex, &mut NoIncludes) {
        let record = record.unwrap();
        let set = zone.get(&record.name, record.record_type);
        let values = set.map_or(&[][..], RecordSet::values).iter().cloned().chain([record.rdata]);
        let set = RecordSet::new(record.record_type, record.ttl, values).unwrap();
        zone.insert(record.name, set);
    }
    zone
}

#[track_caller]
fn check_as(completeness: Completeness, text: &str, severity: Severity, expect: &[&str]) {
    let findings = check(&contents(text), completeness);
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(lines, expect, "{text}");
    assert!(findings.iter().all(|finding| finding.issue.severity() == severity), "{text}");
    // Reading the zone refuses it or warns accordingly.
    let options = Options { completeness, ..Options::default() };
    let apex = Name::parse("example.com").unwrap();
    let source = Source { file: "zone", text: text.as_bytes() };
    let read = read_zone(&apex, &[source], &mut NoIncludes, &options);
    assert_eq!(read.is_err(), severity == Severity::Refusal && !expect.is_empty(), "{text}");
}

#[track_caller]
fn refuses(text: &str, expect: &[&str]) {
    check_as(Completeness::Whole, &format!("{HEAD}{text}"), Severity::Refusal, expect);
}

#[track_caller]
fn warns(text: &str, expect: &[&str]) {
    check_as(Completeness::Whole, &format!("{HEAD}{text}"), Severity::Warning, expect);
}

#[track_caller]
fn says_nothing(text: &str) {
    warns(text, &[]);
}

#[test]
fn apex() {
    let text = "$TTL 300\n@ NS ns1\nns1 A 192.0.2.53";
    let absent = ["example.com.: the zone has no SOA record"];
    check_as(Completeness::Whole, text, Severity::Refusal, &absent);
    check_as(Completeness::Part, text, Severity::Refusal, &[]);
    let text = "$TTL 300\n@ SOA . . 1 2 3 4 5";
    let absent = ["example.com.: the zone has no NS records"];
    check_as(Completeness::Whole, text, Severity::Refusal, &absent);
    check_as(Completeness::Part, text, Severity::Refusal, &[]);
    check_as(Completeness::Part, "", Severity::Refusal, &[]);
    refuses("sub SOA . . 1 2 3 4 5", &["sub.example.com. SOA: a SOA record below the apex"]);
    let several = "SOA: 2 different records; only one may stand at a name";
    refuses("@ SOA . . 1 2 3 4 5", &[&format!("example.com. {several}")]);
    says_nothing("@ SOA NS1 hostmaster 1 900 300 604800 60");
    refuses(
        "@ DS 1 8 2 (0000000000000000 0000000000000000 0000000000000000 0000000000000000)",
        &["example.com. DS: a DS record at the apex; it belongs into the parent zone"],
    );
    refuses("@ CNAME x", &["example.com. CNAME: a CNAME at the apex, where SOA and NS stand"]);
    check_as(
        Completeness::Part,
        "@ 1 CNAME x",
        Severity::Refusal,
        &["example.com. CNAME: a CNAME at the apex, where SOA and NS stand"],
    );
}

#[test]
fn signed() {
    let signature = "A 8 2 300 20300101000000 20260101000000 1 example.com. AAAA";
    let issue = "the zone is signed; it is served as if it were not, so have no DS record for it in its parent";
    warns(&format!("@ RRSIG {signature}"), &[&format!("example.com. RRSIG: {issue}")]);
    says_nothing(&format!("a A 192.0.2.1\na RRSIG {signature}"));
}

#[test]
fn out_of_zone() {
    refuses("example.net. A 192.0.2.1", &["example.net. A: outside the zone"]);
    refuses(". TXT x", &[". TXT: outside the zone"]);
    refuses("badexample.com. NS a.", &["badexample.com. NS: outside the zone"]);
}

#[test]
fn cname_and_dname() {
    let several = "2 different records; only one may stand at a name";
    refuses("c CNAME a\nc CNAME b", &[&format!("c.example.com. CNAME: {several}")]);
    says_nothing("c CNAME a\nc CNAME A\nc CNAME a.example.com.");
    refuses("d DNAME a\nd DNAME b", &[&format!("d.example.com. DNAME: {several}")]);
    refuses(
        "c CNAME a\nc A 192.0.2.1\nc TXT x",
        &[
            "c.example.com. A: a CNAME stands beside other data: A",
            "c.example.com. TXT: a CNAME stands beside other data: TXT",
        ],
    );
    refuses(
        "c CNAME a\nc DNAME a",
        &["c.example.com. DNAME: a CNAME stands beside other data: DNAME"],
    );
    says_nothing(
        "c CNAME a\nc NSEC d CNAME\nc RRSIG CNAME 8 3 300 1 1 1 @ AAAA\nc KEY 256 3 8 AAAA",
    );
    refuses(
        "d DNAME a.\nx.d A 192.0.2.1\ny.x.d TXT y\ne TXT e",
        &[
            "x.d.example.com. A: below the DNAME at d.example.com., which covers it",
            "y.x.d.example.com. TXT: below the DNAME at d.example.com., which covers it",
        ],
    );
    says_nothing("d DNAME a.\nd A 192.0.2.1\ndd A 192.0.2.1");
    refuses(
        "d DNAME a.\nd NS ns1",
        &["d.example.com. DNAME: a DNAME stands beside NS records below the apex"],
    );
    refuses(
        "@ DNAME a.",
        &["ns1.example.com. A: below the DNAME at example.com., which covers it"],
    );
    warns(
        "a CNAME b\nb CNAME c\nc CNAME b\nd CNAME d\ne CNAME a",
        &[
            "b.example.com. CNAME: the CNAME leads back to itself by way of c.example.com.",
            "d.example.com. CNAME: the CNAME leads back to itself by way of d.example.com.",
        ],
    );
    says_nothing("a CNAME b\nb CNAME c\nc CNAME nowhere");
}

#[test]
fn sets_that_no_message_holds() {
    // Each takes 12 bytes before its data, and the answer has 12 + 15 + 4 + 11 beside them.
    let text = |number: usize, length: usize| format!("t TXT \"{number:0length$}\"\n");
    let most: String = (0..305).map(|number| text(number, 201)).collect();
    says_nothing(&format!("{most}{}", text(305, 210)));
    refuses(
        &format!("{most}{}", text(305, 211)),
        &[
            "t.example.com. TXT: the set takes 65536 bytes in an answer; a DNS message has 65535 at most",
        ],
    );
}

#[test]
fn wildcards() {
    says_nothing("* A 192.0.2.1\n*.w CNAME ns1\n*.w2 TXT x");
    refuses("*.w NS ns1", &["*.w.example.com. NS: NS records at a wildcard"]);
    let dname = "a DNAME at a wildcard: resolvers may not agree on what it means";
    warns("*.w DNAME a.", &[&format!("*.w.example.com. DNAME: {dname}")]);
    let inner = "an asterisk that is not the leftmost label is no wildcard";
    warns(
        "x.*.w A 192.0.2.1\n*.*.v TXT x",
        &[&format!("*.*.v.example.com. TXT: {inner}"), &format!("x.*.w.example.com. A: {inner}")],
    );
}

#[test]
fn delegations() {
    says_nothing("d NS ns.d\nd NS ns.other.\nns.d A 192.0.2.1\nns.d AAAA 2001:db8::1");
    says_nothing("d NS d\nd A 192.0.2.1");
    let cut = "below the delegation at d.example.com. and no address: it is never answered";
    warns(
        "d NS ns1\nx.d TXT x\ny.x.d NS ns1",
        &[&format!("x.d.example.com. TXT: {cut}"), &format!("y.x.d.example.com. NS: {cut}")],
    );
    let at = "at a delegation, where only NS, DS and addresses have a use: it is never answered";
    warns("d NS ns1\nd TXT x", &[&format!("d.example.com. TXT: {at}")]);
    let digest = "0000000000000000000000000000000000000000";
    says_nothing(&format!("d NS ns1\nd DS 1 8 1 {digest}"));
    warns(
        &format!("d DS 1 8 1 {digest}"),
        &["d.example.com. DS: a DS record without NS records beside it"],
    );
}

#[test]
fn targets() {
    let no_address = |target: &str| format!("{target}.example.com. has no address in this zone");
    warns("d NS ns.d", &[&format!("d.example.com. NS: {}", no_address("ns.d"))]);
    warns("m MX 1 n", &[&format!("m.example.com. MX: {}", no_address("n"))]);
    warns("s SRV 0 0 1 n", &[&format!("s.example.com. SRV: {}", no_address("n"))]);
    says_nothing("m MX 0 .\ns SRV 0 0 0 .\nm2 MX 1 mail.example.net.\nc CNAME nowhere");
    says_nothing("* A 192.0.2.1\nm MX 1 n\nm2 MX 1 x.y");
    says_nothing("e DNAME f.\nm MX 1 n.e");
    says_nothing("d NS ns1\nm MX 1 n.d");
    let part = format!("{HEAD}m MX 1 n\nd NS n");
    check_as(Completeness::Part, &part, Severity::Warning, &[]);
    let alias = "c.example.com. is a CNAME; it must have addresses itself";
    warns(
        "c CNAME ns1\nd NS c\nm MX 1 c\ns SRV 0 0 1 c",
        &[
            &format!("d.example.com. NS: {alias}"),
            &format!("m.example.com. MX: {alias}"),
            &format!("s.example.com. SRV: {alias}"),
        ],
    );
    let address = "looks like an address that became a name";
    warns(
        "d NS 192.0.2.1\nc CNAME 192.0.2.1.",
        &[
            &format!("c.example.com. CNAME: 192.0.2.1. {address}"),
            &format!("d.example.com. NS: 192.0.2.1.example.com. {address}"),
        ],
    );
    let twice = "has the zone's name twice: was a dot at its end forgotten?";
    warns(
        "a CNAME ns1.example.com\nb.example.com TXT x",
        &[
            &format!("a.example.com. CNAME: ns1.example.com.example.com. {twice}"),
            &format!("b.example.com.example.com. TXT: b.example.com.example.com. {twice}"),
        ],
    );
    says_nothing("notexample.com TXT x");
}
