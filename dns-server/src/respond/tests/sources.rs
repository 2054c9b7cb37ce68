//! What an answer is taken from agrees with the answer.

use super::example;
use crate::respond::{AnswerSource, answer_source};
use crate::testing;

const ZONE: &str = "
    *.wild TXT w
    a.b.wild A 192.0.2.1
    sub NS ns.example.net.
    ns.sub A 192.0.2.2
    old DNAME www
    www A 192.0.2.3
";

#[track_caller]
fn check(name: &str, expect: &str) {
    let (_writer, reader) = testing::store(&[example(ZONE)]);
    let source = answer_source(&reader.snapshot(), &testing::name(name));
    let found = match source {
        AnswerSource::Name(sets) => format!("name {}", sets.len()),
        AnswerSource::Wildcard(standing) => format!("wildcard {}", standing.owner),
        AnswerSource::Delegation(standing) => format!("delegation {}", standing.owner),
        AnswerSource::Dname(standing) => format!("dname {}", standing.owner),
        other => format!("{other:?}"),
    };
    assert_eq!(found, expect, "{name}");
}

#[test]
fn names_wildcards_delegations_and_dnames_are_told_apart() {
    check("example.com", "name 2");
    check("www.example.com", "name 1");
    check("b.wild.example.com", "name 0");
    check("x.wild.example.com", "wildcard *.wild.example.com.");
    check("*.wild.example.com", "name 1");
    check("x.b.wild.example.com", "Missing");
    check("sub.example.com", "delegation sub.example.com.");
    check("ns.sub.example.com", "delegation sub.example.com.");
    check("old.example.com", "name 1");
    check("x.old.example.com", "dname old.example.com.");
    check("example.org", "Foreign");
}

#[test]
fn a_zone_without_contents_has_no_source_yet() {
    let (mut writer, reader) = crate::Store::new();
    writer.announce(&testing::name("example.com")).unwrap();
    let source = answer_source(&reader.snapshot(), &testing::name("www.example.com"));
    assert_eq!(source, AnswerSource::Unpublished);
}
