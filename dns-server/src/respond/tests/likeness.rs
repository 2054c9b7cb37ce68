//! Which answers the rate limit takes for equal.

use super::example;
use crate::Client;
use crate::respond::{Transport, respond};
use crate::testing::{self, Query};

/// A number for each question; the same for those whose answers are alike.
fn likenesses(questions: &[&str]) -> Vec<u64> {
    let zone = example(
        "www A 192.0.2.1
         www AAAA 2001:db8::1
         mail A 192.0.2.2
         alias CNAME www
         dangling CNAME nope
         *.wild A 192.0.2.3
         sub NS ns.sub
         ns.sub A 192.0.2.4
         away DNAME example.org.
         a.b A 192.0.2.5",
    );
    let other = testing::zone("example.net", "@ 3600 SOA ns1 hostmaster 1 900 300 604800 60");
    let (_writer, reader) = testing::store(&[zone, other]);
    let of = |question: &&str| {
        let query = Query::parse(question).edns(1232).bytes();
        let client = Client::anyone(Transport::Udp);
        let reply = respond(&reader.snapshot(), &query, &client, &mut [0; 1232]).unwrap();
        reply.likeness
    };
    questions.iter().map(of).collect()
}

#[track_caller]
fn alike(questions: &[&str]) {
    let likenesses = likenesses(questions);
    assert!(likenesses.iter().all(|it| *it == likenesses[0]), "{questions:?}: {likenesses:x?}");
}

#[test]
fn names_that_are_made_up_share_one_account() {
    alike(&["a1.example.com", "a2.example.com TXT", "x.y.z.example.com", "a1.example.com CNAME"]);
    alike(&["q.www.example.com", "x.y.www.example.com TXT", "a1.www.example.com"]);
    alike(&["q.b.example.com", "x.y.b.example.com"]);
    alike(&["a1.wild.example.com", "a2.wild.example.com", "x.y.wild.example.com"]);
    alike(&["sub.example.com", "a1.sub.example.com", "x.y.sub.example.com TXT"]);
    alike(&["a1.away.example.com", "x.y.away.example.com"]);
    alike(&["example.org", "a1.example.org TXT", "com NS", "example.com AXFR"]);
    alike(&["dangling.example.com", "dangling.example.com TXT"]);
}

#[test]
fn types_that_a_name_does_not_have_share_one_account() {
    alike(&["www.example.com TXT", "www.example.com MX", "www.example.com TYPE4711"]);
    alike(&["alias.example.com TXT", "alias.example.com TYPE4711"]);
    alike(&["a.wild.example.com TXT", "b.wild.example.com MX"]);
    alike(&["b.example.com", "b.example.com TXT"]);
}

#[test]
fn everything_else_has_an_account_of_its_own() {
    let questions = [
        "www.example.com",
        "www.example.com AAAA",
        "www.example.com TXT",
        "mail.example.com",
        "alias.example.com",
        "alias.example.com CNAME",
        "a.wild.example.com",
        "a.wild.example.com TXT",
        "sub.example.com",
        "b.example.com",
        "a.away.example.com",
        "nope.example.com",
        "nope.www.example.com",
        "nope.b.example.com",
        "nope.a.b.example.com",
        "nope.mail.example.com",
        "dangling.example.com",
        "nope.example.net",
        "example.org",
    ];
    let likenesses = likenesses(&questions);
    for (at, likeness) in likenesses.iter().enumerate() {
        let first = likenesses.iter().position(|it| it == likeness).unwrap();
        assert_eq!(questions[at], questions[first]);
    }
}

/// A wildcard is one answer, asked for by its own name or any other.
#[test]
fn a_wildcard_and_its_own_name_are_alike() {
    alike(&["*.wild.example.com", "a.wild.example.com"]);
}
