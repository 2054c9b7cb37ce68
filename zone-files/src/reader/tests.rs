use std::io;

use super::*;
use crate::rdata::rdata_text;
use crate::{IncludeRequest, NoIncludes};

/// Each record as `name ttl type data`, each error as `file:line:column: problem`, one a line.
fn read_with(text: &str, loader: &mut dyn Load) -> String {
    let origin = Name::parse("example.com").unwrap();
    let source = Source { file: "zone", text: text.as_bytes() };
    let lines = Reader::new(source, &origin, loader).map(|read| match read {
        Err(error) => error.to_string(),
        Ok(Record { name, ttl, record_type, rdata, position: _ }) => {
            format!("{name} {ttl} {record_type} {}", rdata_text(record_type, &rdata))
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn check(text: &str, expect: &[&str]) {
    assert_eq!(read_with(text, &mut NoIncludes), expect.join("\n"), "{text}");
}

#[track_caller]
fn check_with(files: &[(&str, &str)], text: &str, expect: &[&str]) {
    let mut load = |IncludeRequest { path, from: _ }: IncludeRequest<'_>| {
        let file = files.iter().find(|(name, _)| *name == path);
        let (name, text) = file.ok_or_else(|| io::Error::other("no such text"))?;
        Ok(Included { file: (*name).into(), text: text.as_bytes().to_vec() })
    };
    assert_eq!(read_with(text, &mut load), expect.join("\n"), "{text}");
}

#[test]
fn owners() {
    check(
        "@ 1 TXT a\n\t1 TXT b\n\nWww 1 TXT c\n 1 TXT d\nx.org. 1 TXT e\n\\@ 1 TXT f",
        &[
            "example.com. 1 TXT \"a\"",
            "example.com. 1 TXT \"b\"",
            "www.example.com. 1 TXT \"c\"",
            "www.example.com. 1 TXT \"d\"",
            "x.org. 1 TXT \"e\"",
            r#"\@.example.com. 1 TXT "f""#,
        ],
    );
    // Records of a name that cannot be read are checked, but belong to nobody.
    check(
        "a 1 TXT a\nb..c 1 TXT b\n 1 A c\n 1 TXT d\ne 1 TXT e",
        &[
            "a.example.com. 1 TXT \"a\"",
            r#"zone:2:1: "b..c" is no domain name: a label is empty"#,
            r#"zone:3:6: found "c", wanted an IPv4 address"#,
            "e.example.com. 1 TXT \"e\"",
        ],
    );
    check(
        "a 1 TXT a\nb 1 TXT \"b\n 1 TXT c",
        &["a.example.com. 1 TXT \"a\"", "zone:2:9: this quote is not closed in its line"],
    );
    check(" A 192.0.2.1", &["zone:1:4: no TTL: give the record one, or set $TTL above it"]);
    check(
        " 1 A 192.0.2.1",
        &["zone:1:2: the line begins with a blank, but no name stands before it"],
    );
}

#[test]
fn ttl_class_and_type() {
    let record = ["a.example.com. 90 TXT \"x\""];
    for head in ["90 IN", "IN 90", "90", "1m30s in", "class1 1M30S"] {
        check(&format!("a {head} txt x"), &record);
        check(&format!("a {head} type16 x"), &record);
    }
    check("a 1 CH TXT x", &[r#"zone:1:5: class "CH": only IN is served"#]);
    check("a CLASS3 TXT x", &[r#"zone:1:3: class "CLASS3": only IN is served"#]);
    check(
        "a 1h30 TXT x",
        &[r#"zone:1:3: found "1h30", wanted a TTL in seconds, or with units as in 1h30m"#],
    );
    check(
        "a 2147483648 TXT x",
        &[r#"zone:1:3: the TTL "2147483648" is above 2147483647 (RFC 2181 section 8)"#],
    );
    let unknown = "is no known record type; any other is written TYPE<number> \\# <length> <hex>";
    check("a 1 IN IN TXT x", &[&format!(r#"zone:1:8: "IN" {unknown}"#)]);
    check("a 1 1 TXT x", &[&format!(r#"zone:1:5: "1" {unknown}"#)]);
    check("a 1 NOPE x", &[&format!(r#"zone:1:5: "NOPE" {unknown}"#)]);
    check("a 1 \"TXT\" x", &[&format!(r#"zone:1:6: "TXT" {unknown}"#)]);
    check("a 1 AXFR x", &["zone:1:5: AXFR exists only in messages, not in zones"]);
    check("a", &["zone:1:2: the entry ends here, wanted a record type"]);
    check("a 1 IN", &["zone:1:7: the entry ends here, wanted a record type"]);
}

#[test]
fn a_missing_ttl_is_that_of_the_directive_or_of_the_last_record() {
    check(
        "a 5 TXT x\na TXT y\n$TTL 1h\na TXT z\na 7 TXT v\na TXT w",
        &[
            "a.example.com. 5 TXT \"x\"",
            "a.example.com. 5 TXT \"y\"",
            "a.example.com. 3600 TXT \"z\"",
            "a.example.com. 7 TXT \"v\"",
            "a.example.com. 3600 TXT \"w\"",
        ],
    );
    check(
        "@ SOA . . 1 2 3 4 5\na TXT x",
        &["example.com. 5 SOA . . 1 2 3 4 5", "a.example.com. 5 TXT \"x\""],
    );
    let origin = Name::parse("example.com").unwrap();
    let source = Source { file: "zone", text: b"a TXT x\n$TTL 2\na TXT y" };
    let mut loader = NoIncludes;
    let ttls: Vec<u32> = Reader::new(source, &origin, &mut loader)
        .with_default_ttl(180)
        .map(|read| read.unwrap().ttl)
        .collect();
    assert_eq!(ttls, [180, 2]);
}

#[test]
fn records_know_their_place() {
    let source = Source { file: "zone", text: "é 1 TXT x\n \t1 TXT (\ny)\nb 1 TXT z".as_bytes() };
    let (origin, mut loader) = (Name::root(), NoIncludes);
    let places: Vec<String> = Reader::new(source, &origin, &mut loader)
        .map(|read| read.map_or_else(|error| error.position, |record| record.position).to_string())
        .collect();
    assert_eq!(places, ["zone:1:1", "zone:4:1"]);
    let source = Source { file: "zone", text: b"a 1 TXT x\n \t1 TXT (\ny)\nb 1 TXT z" };
    let places: Vec<String> = Reader::new(source, &origin, &mut loader)
        .map(|read| read.unwrap().position.to_string())
        .collect();
    assert_eq!(places, ["zone:1:1", "zone:2:3", "zone:4:1"]);
}

#[test]
fn directives() {
    check(
        "$origin Sub\na 1 NS b\n$ORIGIN org. ; comment\na 1 NSEC b\n$ORIGIN .\na 1 NS b",
        &["a.sub.example.com. 1 NS b.sub.example.com.", "a.org. 1 NSEC b.org.", "a. 1 NS b."],
    );
    check("$ORIGIN Org.\n@ 1 NSEC b", &["org. 1 NSEC b.Org."]);
    check("$TTL", &["zone:1:5: the entry ends here, wanted a TTL"]);
    check("$TTL 1 2", &[r#"zone:1:8: found "2" behind the end of the record"#]);
    check(
        "$FOO 1\n$GENERATE 1-3 a$ A 192.0.2.$\n$TTL x",
        &[
            r#"zone:1:1: "$FOO" is no directive here; $ORIGIN, $TTL and $INCLUDE are"#,
            "zone:2:1: $GENERATE is not understood here; write its records out",
            r#"zone:3:6: found "x", wanted a TTL in seconds, or with units as in 1h30m"#,
        ],
    );
}

#[test]
fn includes_keep_origin_and_owner_but_not_ttl() {
    let files = [
        ("one", " TXT a\n$ORIGIN sub\n$TTL 7\nb TXT b"),
        ("two", "$INCLUDE one deep.example.com.\nc TXT c"),
    ];
    check_with(
        &files,
        "$TTL 5\na TXT x\n$INCLUDE one\n TXT y\nz TXT z\n$INCLUDE \"two\" other.org.",
        &[
            "a.example.com. 5 TXT \"x\"",
            "a.example.com. 5 TXT \"a\"",
            "b.sub.example.com. 7 TXT \"b\"",
            "a.example.com. 7 TXT \"y\"",
            "z.example.com. 7 TXT \"z\"",
            "z.example.com. 7 TXT \"a\"",
            "b.sub.deep.example.com. 7 TXT \"b\"",
            "c.other.org. 7 TXT \"c\"",
        ],
    );
}

#[test]
fn include_errors_name_their_file() {
    let files = [("bad", "\na 1 A x\nb 1 A 192.0.2.1"), ("loop", "$INCLUDE loop")];
    check_with(
        &files,
        "$INCLUDE bad\n$INCLUDE none\n$INCLUDE loop\n$INCLUDE\n$INCLUDE bad x..y\n",
        &[
            r#"bad:2:7: found "x", wanted an IPv4 address"#,
            "b.example.com. 1 A 192.0.2.1",
            r#"zone:2:10: cannot include "none": no such text"#,
            r#"loop:1:10: "loop" includes itself"#,
            "zone:4:9: the entry ends here, wanted a path in UTF-8",
            r#"zone:5:14: "x..y" is no domain name: a label is empty"#,
        ],
    );
    check("$INCLUDE x", &[r#"zone:1:10: cannot include "x": this text may not include others"#]);
}

#[test]
fn includes_end() {
    let mut deeper = |IncludeRequest { path, .. }: IncludeRequest<'_>| {
        let text = format!("$INCLUDE {path}x\n").into_bytes();
        Ok(Included { file: path.into(), text })
    };
    let file = "x".repeat(DEPTH_MAX - 1);
    assert_eq!(
        read_with("$INCLUDE x", &mut deeper),
        format!("{file}:1:10: includes go deeper than {DEPTH_MAX} files")
    );
    // Each level includes the next one twice: 2^16 in all, were they not counted.
    let mut twice = |IncludeRequest { path, .. }: IncludeRequest<'_>| {
        let next = format!("$INCLUDE {path}x\n");
        let text = if path.len() < DEPTH_MAX - 1 { next.repeat(2) } else { String::new() };
        Ok(Included { file: path.into(), text: text.into_bytes() })
    };
    let errors = read_with("$INCLUDE x", &mut twice);
    assert!(errors.lines().all(|line| line.ends_with("more than 10000 includes")), "{errors}");
    assert!(!errors.is_empty());
}
