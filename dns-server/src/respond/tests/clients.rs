//! What depends on who asks: access lists, and what the server tells of itself.

use super::{ask_as, example};
use crate::policy::{Access, Identity, Policy};
use crate::respond::{Client, ExtendedError, Transport};
use crate::testing::message::Answer;
use crate::testing::{self, Query};

fn ask(policy: &Policy, address: &str, query: &Query) -> Answer {
    let address = address.parse().unwrap();
    let client = Client { address, policy, ..Client::anyone(Transport::Udp) };
    Answer::parse(&ask_as(&[example("www A 192.0.2.1")], &client, &query.bytes()))
}

fn chaos(name: &str, record_type: &str) -> Query {
    Query { class: 3, ..Query::parse(&format!("{name} {record_type}")).edns(1232) }
}

#[track_caller]
fn check(policy: &Policy, query: &Query, expect: &str) {
    assert_eq!(ask(policy, "192.0.2.9", query).to_string(), testing::lines(expect));
}

#[test]
fn who_may_not_ask_is_refused_whatever_the_question() {
    let deny = vec!["192.0.2.0/24".parse().unwrap()];
    let policy = Policy { query_access: Access { deny, ..Access::default() }, ..Policy::default() };
    for question in ["www.example.com", "nope.example.com", "example.org"] {
        let query = Query::parse(question).edns(1232);
        let answer = ask(&policy, "192.0.2.9", &query);
        assert_eq!(answer.to_string(), "REFUSED\n");
        assert_eq!(answer.extended_error(), Some(ExtendedError::PROHIBITED.0));
    }
    check(&policy, &chaos("version.bind", "TXT"), "REFUSED");
    let www = Query::parse("www.example.com");
    assert_eq!(ask(&policy, "192.0.3.9", &www).rcode, 0);
    assert_eq!(ask(&policy, "2001:db8::1", &www).rcode, 0);
}

#[test]
fn rfc4892_nothing_is_told_unless_the_operator_wants_it() {
    for name in ["version.bind", "version.server", "id.server", "hostname.bind", "authors.bind"] {
        check(&Policy::PLAIN, &chaos(name, "TXT"), "REFUSED");
    }
}

#[test]
fn rfc4892_what_the_operator_wants_is_told() {
    let identity = Identity { version: Some((*b"fedns").into()), id: Some((*b"ns1").into()) };
    let policy = Policy { identity, ..Policy::default() };
    for (name, told) in [
        ("version.bind", "fedns"),
        ("VERSION.Server", "fedns"),
        ("id.server", "ns1"),
        ("hostname.bind", "ns1"),
    ] {
        let owner = testing::name(name);
        let text = format!("NOERROR aa\nan {owner} 0 TXT \"{told}\"");
        check(&policy, &chaos(name, "TXT"), &text);
        check(&policy, &chaos(name, "ANY"), &text);
        check(&policy, &chaos(name, "A"), "NOERROR aa");
    }
    check(&policy, &chaos("authors.bind", "TXT"), "REFUSED");
    check(&policy, &chaos("www.example.com", "A"), "REFUSED");
    check(&policy, &Query::parse("version.bind TXT"), "REFUSED");
}

#[test]
fn rfc4892_one_of_the_two_may_be_told_alone() {
    let identity = Identity { id: Some((*b"ns1").into()), ..Identity::default() };
    let policy = Policy { identity, ..Policy::default() };
    check(&policy, &chaos("version.bind", "TXT"), "REFUSED");
    check(&policy, &chaos("id.server", "TXT"), "NOERROR aa\nan id.server. 0 TXT \"ns1\"");
}

#[test]
fn a_text_that_does_not_fit_is_cut_short() {
    let identity = Identity { version: Some([b'v'; 255].into()), ..Identity::default() };
    let policy = Policy { identity, ..Policy::default() };
    let (_writer, reader) = testing::store(&[example("")]);
    let client = Client { policy: &policy, ..Client::anyone(Transport::Udp) };
    let query = Query { edns: None, ..chaos("version.bind", "TXT") }.bytes();
    let whole = query.len() + 12 + 256;
    for (room, truncated) in [(whole, false), (whole - 1, true)] {
        let mut out = vec![0; room];
        let reply = super::respond(&reader.snapshot(), &query, &client, &mut out).unwrap();
        assert_eq!(reply.truncated, truncated);
        assert_eq!(reply.length, if truncated { query.len() } else { whole });
    }
}
