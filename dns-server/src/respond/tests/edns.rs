//! EDNS (RFC 6891).

use hickory_proto::op::Message;

use super::{ask, example};
use crate::respond::Transport;
use crate::testing::{self, EdnsQuery, Query};

fn udp(query: &[u8]) -> Vec<u8> {
    ask(&[example("www A 192.0.2.1")], Transport::Udp, query)
}

fn www() -> Query {
    Query::parse("www.example.com")
}

/// Header and question of a query that says it has so many additional records.
fn with_additionals(count: u8, records: &[u8]) -> Vec<u8> {
    let mut query = [&www().bytes()[..], records].concat();
    query[11] = count;
    query
}

const OPT: [u8; 11] = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];

#[test]
fn rfc6891_7_only_who_uses_it_gets_it() {
    assert!(Message::from_vec(&udp(&www().bytes())).unwrap().edns.is_none());
    let edns = Message::from_vec(&udp(&www().edns(4096).bytes())).unwrap().edns.unwrap();
    assert_eq!((edns.max_payload(), edns.version(), edns.flags().dnssec_ok), (1232, 0, false));
}

#[test]
fn rfc3225_3_the_do_bit_is_copied_and_no_other() {
    let answer = udp(&with_additionals(1, &[0, 0, 41, 4, 208, 0, 0, 0xff, 0xff, 0, 0]));
    let edns = Message::from_vec(&answer).unwrap().edns.unwrap();
    assert!(edns.flags().dnssec_ok);
    assert_eq!(edns.flags().z, 0);
}

#[test]
fn rfc6891_6_1_3_other_versions_are_told_ours() {
    let mut query = www();
    query.edns = Some(EdnsQuery { size: 1232, version: 1, dnssec_ok: true });
    let answer = Message::from_vec(&udp(&query.bytes())).unwrap();
    let edns = answer.edns.unwrap();
    assert_eq!((edns.rcode_high(), edns.version()), (1, 0));
    assert_eq!(u16::from(answer.metadata.response_code), 16);
    assert_eq!(answer.queries.len(), 1);
    assert_eq!(answer.answers, []);
    assert!(!answer.metadata.authoritative);
}

#[test]
fn rfc6891_6_1_1_other_opcodes_get_it_too() {
    for opcode in [1_u8, 2, 3, 5, 6, 15] {
        let mut query = www().edns(4096).bytes();
        query[2] = opcode << 3;
        let answer = udp(&query);
        assert_eq!(testing::text_of(&answer), "NOTIMP\n", "{opcode}");
        assert_eq!(answer[12..], OPT, "{opcode}");
        // Another version, in the last record.
        let version = query.len() - 5;
        query[version] = 1;
        assert_eq!(testing::text_of(&udp(&query)), "BADVERS\n", "{opcode}");
        // What does not read as a query does is no reason for another answer.
        query.truncate(version);
        assert_eq!(testing::text_of(&udp(&query)), "NOTIMP\n", "{opcode}");
    }
}

#[test]
fn rfc6891_6_1_1_misplaced_opt_records() {
    let [twice, owned] = [[&OPT[..], &OPT].concat(), [&b"\x01a"[..], &OPT].concat()];
    for query in [with_additionals(2, &twice), with_additionals(1, &owned)] {
        assert_eq!(testing::text_of(&udp(&query)), "FORMERR\n");
    }
    let mut in_answer = [&www().bytes()[..], &OPT].concat();
    in_answer[7] = 1;
    assert_eq!(testing::text_of(&udp(&in_answer)), "FORMERR\n");
}

#[test]
fn rfc6891_6_1_2_options_are_ignored_if_well_formed() {
    let opt = |data: &[u8]| [&OPT[..9], &[0, data.len() as u8], data].concat();
    for (data, expect) in [
        (&[0xff, 3, 0, 1, 9][..], "NOERROR aa"),
        (&[0xff, 3, 0, 0, 0xff, 4, 0, 0], "NOERROR aa"),
        (&[0xff, 3, 0, 9, 9], "FORMERR"),
        (&[0xff, 3, 0], "FORMERR"),
    ] {
        let answer = testing::text_of(&udp(&with_additionals(1, &opt(data))));
        assert_eq!(answer.lines().next(), Some(expect), "{data:?}");
    }
}

#[test]
fn rfc6891_7_errors_have_it_too() {
    let refused = Query::parse("example.org").edns(1232).bytes();
    assert!(Message::from_vec(&udp(&refused)).unwrap().edns.is_some());
    let mut no_question = [&www().bytes()[..12], &OPT].concat();
    no_question[5] = 0;
    no_question[11] = 1;
    let answer = Message::from_vec(&udp(&no_question)).unwrap();
    assert_eq!(u16::from(answer.metadata.response_code), 1);
    assert!(answer.edns.is_some());
}
