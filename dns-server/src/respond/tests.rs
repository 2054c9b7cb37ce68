//! Small zones, questions, and the answers they must have. Test names cite what asks for them.

mod chains;
mod delegations;
mod clients;
mod cookies_of_others;
mod edns;
mod headers;
mod likeness;
mod options;
mod negative;
mod nested_zones;
mod positive;
mod sizes;
mod sources;
mod wildcards;

use model::ZoneContents;

use crate::respond::{Client, Transport, UDP_SIZE_MAX, respond};
use crate::testing::{self, Query};

/// The zone `example.com` with the records of `text` besides its SOA and NS.
fn example(text: &str) -> ZoneContents {
    let apex = "
        @ 3600 SOA ns1 hostmaster 1 900 300 604800 60
        @ 3600 NS ns1
        ns1 A 192.0.2.53
    ";
    testing::zone("example.com", &(testing::lines(apex) + &testing::lines(text)))
}

/// The SOA of [`example`] as negative answers have it.
const SOA: &str =
    "au example.com. 60 SOA ns1.example.com. hostmaster.example.com. 7 900 300 604800 60";

#[track_caller]
fn check(zone: &ZoneContents, question: &str, expect: &str) {
    check_in(std::slice::from_ref(zone), question, expect);
}

#[track_caller]
fn check_in(zones: &[ZoneContents], question: &str, expect: &str) {
    let (_writer, reader) = testing::store(zones);
    let mut out = [0; UDP_SIZE_MAX];
    let query = Query::parse(question).edns(UDP_SIZE_MAX as u16).bytes();
    let reply =
        respond(&reader.snapshot(), &query, &Client::anyone(Transport::Udp), &mut out).unwrap();
    let expect = testing::lines(&expect.replace("SOA!", SOA));
    assert_eq!(testing::text_of(&out[..reply.length]), expect, "{question}");
}

/// The bytes of the answer; empty where there is none.
fn ask(zones: &[ZoneContents], transport: Transport, query: &[u8]) -> Vec<u8> {
    ask_as(zones, &Client::anyone(transport), query)
}

fn ask_as(zones: &[ZoneContents], client: &Client<'_>, query: &[u8]) -> Vec<u8> {
    let (_writer, reader) = testing::store(zones);
    let mut out = vec![0; 65_535];
    match respond(&reader.snapshot(), query, client, &mut out) {
        Some(reply) => out[..reply.length].to_vec(),
        None => Vec::new(),
    }
}
