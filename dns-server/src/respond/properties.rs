//! What holds for any bytes whatsoever.

use hickory_proto::op::Message;
use proptest::prelude::*;

use crate::respond::{Client, Request, Transport, UDP_SIZE_MAX, answer, respond};
use crate::testing::message::Answer;
use crate::testing::{self, EdnsQuery, Query};
use crate::{Reader, Writer};

thread_local! {
    /// Everything that an answer can be made of, in two zones of which one is below the other.
    static STORE: (Writer, Reader) = {
        let parent = testing::zone("example", include_str!("properties/example.zone"));
        let child = testing::zone("child.example", include_str!("properties/child.example.zone"));
        testing::store(&[parent, child])
    };
}

/// Labels of the two zones, and some that they do not have.
const LABELS: [&str; 19] = [
    "example", "child", "www", "alias", "chain", "loop", "*", "wild", "sub", "ns", "deep", "dname",
    "mx", "srv", "big", "long", "ent", "x", "nope",
];
const TYPES: [u16; 16] = [1, 2, 5, 6, 12, 15, 16, 28, 33, 39, 43, 46, 251, 252, 255, 65_280];

#[track_caller]
fn check(query: &[u8], transport: Transport, buffer: usize) {
    STORE.with(|(_, reader)| check_with(reader, query, transport, buffer));
}

#[track_caller]
fn check_with(reader: &Reader, query: &[u8], transport: Transport, buffer: usize) {
    let mut out = vec![0xee; buffer];
    let Some(reply) = respond(&reader.snapshot(), query, &Client::anyone(transport), &mut out)
    else {
        assert!(query.len() < 12 || query[2] & 0x80 != 0 || buffer < UDP_SIZE_MAX);
        return;
    };
    let answer = &out[..reply.length];
    let limit = if transport == Transport::Udp { UDP_SIZE_MAX } else { 65_535 };
    assert!(reply.length <= limit.min(buffer));
    assert_eq!(answer[..2], query[..2], "the identifier");
    assert_eq!(answer[2] & 0x80, 0x80, "it is a response");
    let second_opinion = Message::from_vec(answer).unwrap();
    assert_eq!(second_opinion.metadata.truncation, reply.truncated);
    let parsed = Answer::parse(answer);
    assert_eq!(parsed.rcode, reply.rcode.0);
    assert!(!parsed.is_repetitive, "{parsed}");
    if answer[5] == 1 {
        let end = 12 + question_length(answer);
        assert_eq!(answer[12..end], query[12..end], "the question");
    }
    if parsed.edns.is_none() && transport == Transport::Udp {
        assert!(reply.length <= 512);
    }
}

fn question_length(message: &[u8]) -> usize {
    let mut position = 12;
    while message[position] != 0 {
        position += 1 + usize::from(message[position]);
    }
    position + 5 - 12
}

fn queries() -> impl Strategy<Value = Query> {
    let labels = prop::collection::vec(prop::sample::select(&LABELS[..]), 0..7);
    let edns = (any::<u16>(), prop_oneof![9 => Just(0), 1 => any::<u8>()], any::<bool>());
    let class = prop_oneof![9 => Just(1), 1 => any::<u16>()];
    let record_type = prop_oneof![9 => prop::sample::select(&TYPES[..]), 1 => any::<u16>()];
    (any::<u16>(), labels, any::<bool>(), record_type, class, prop::option::of(edns)).prop_map(
        |(id, labels, is_below, record_type, class, edns)| {
            let suffix = if is_below { "example" } else { "" };
            let text = labels.into_iter().chain([suffix]).collect::<Vec<_>>().join(".");
            let text = if text.is_empty() { ".".to_owned() } else { text };
            let edns =
                edns.map(|(size, version, dnssec_ok)| EdnsQuery { size, version, dnssec_ok });
            let name = testing::name(&text).wire().to_vec();
            Query { id, flags: 0, name, record_type, class, edns }
        },
    )
}

fn transports() -> impl Strategy<Value = Transport> {
    prop_oneof![Just(Transport::Udp), Just(Transport::Tcp), Just(Transport::Tls)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_question_gets_a_sound_answer(query in queries(), transport in transports()) {
        check(&query.bytes(), transport, 65_535);
    }

    #[test]
    fn any_change_of_a_query_gets_a_sound_answer_or_none(
        query in queries(),
        transport in transports(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        tail in prop::collection::vec(any::<u8>(), 0..20),
        length in any::<prop::sample::Index>(),
    ) {
        let mut bytes = [query.bytes(), tail].concat();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        check(&bytes, transport, 65_535);
        check(&bytes[..length.index(bytes.len())], transport, 65_535);
    }

    #[test]
    fn any_bytes_get_a_sound_answer_or_none(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        transport in transports(),
    ) {
        check(&bytes, transport, 65_535);
    }

    /// As a worker does it: the place is used again, the answers come after all has been read.
    #[test]
    fn a_request_is_as_good_as_new_each_time(
        queries in prop::collection::vec((queries(), any::<prop::sample::Index>()), 2..5),
    ) {
        let packets: Vec<Vec<u8>> = queries
            .into_iter()
            .map(|(query, length)| {
                let bytes = query.bytes();
                // Every other one is whole.
                let length = length.index(2 * bytes.len()).min(bytes.len());
                bytes[..length].to_vec()
            })
            .collect();
        let mut request = Request::new();
        STORE.with(|(_, reader)| {
            let snapshot = reader.snapshot();
            for packet in &packets {
                let [mut fresh, mut again] = [[0; 1232]; 2];
                let expect = respond(&snapshot, packet, &Client::anyone(Transport::Udp), &mut fresh);
                let reply = match request.parse(packet, &snapshot) {
                    true => answer(&snapshot, packet, &request, &Client::anyone(Transport::Udp), &mut again),
                    false => None,
                };
                prop_assert_eq!(reply, expect);
                prop_assert_eq!(fresh, again);
            }
            Ok(())
        })?;
    }

    #[test]
    fn any_buffer_will_do(query in queries(), transport in transports(), buffer in 0_usize..1500) {
        check(&query.bytes(), transport, buffer);
    }
}
