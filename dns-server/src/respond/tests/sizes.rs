//! How long an answer may be, and what goes when it is too long.

use hickory_proto::op::Message;

use super::{ask, example};
use crate::respond::{Client, Transport, UDP_SIZE_MAX, respond};
use crate::testing::{self, Query};

/// `www` with so many addresses: 16 bytes each behind 33 bytes of header and question.
fn addresses(count: usize) -> String {
    (0..count).map(|at| format!("www A 10.0.{}.{}\n", at / 256, at % 256)).collect()
}

fn sizes(count: usize, edns: Option<u16>, transport: Transport) -> (usize, usize, bool) {
    let mut query = Query::parse("www.example.com");
    if let Some(size) = edns {
        query = query.edns(size);
    }
    let answer = ask(&[example(&addresses(count))], transport, &query.bytes());
    let message = Message::from_vec(&answer).unwrap();
    (answer.len(), message.answers.len(), message.metadata.truncation)
}

#[test]
fn rfc1035_4_2_1_512_bytes_without_edns() {
    assert_eq!(sizes(29, None, Transport::Udp), (33 + 29 * 16, 29, false));
    assert_eq!(sizes(30, None, Transport::Udp), (33, 0, true));
}

#[test]
fn rfc6891_6_2_5_as_much_as_the_client_takes_up_to_1232() {
    let most = (UDP_SIZE_MAX - 33 - 11) / 16;
    for size in [1232, 4096, 65_535] {
        assert_eq!(sizes(most, Some(size), Transport::Udp).1, most);
        assert_eq!(sizes(most + 1, Some(size), Transport::Udp), (44, 0, true));
    }
    assert_eq!(sizes(40, Some(33 + 11 + 40 * 16), Transport::Udp).1, 40);
    assert_eq!(sizes(40, Some(33 + 11 + 40 * 16 - 1), Transport::Udp), (44, 0, true));
}

#[test]
fn rfc6891_6_2_3_less_than_512_counts_as_512() {
    for size in [0, 100, 511] {
        assert_eq!(sizes(29, Some(size), Transport::Udp), (44 + 29 * 16, 29, false));
        assert_eq!(sizes(30, Some(size), Transport::Udp), (44, 0, true));
    }
}

#[test]
fn rfc7766_5_all_of_it_over_tcp() {
    assert_eq!(sizes(4000, None, Transport::Tcp), (33 + 4000 * 16, 4000, false));
    assert_eq!(sizes(4094, None, Transport::Tcp), (33, 0, true));
}

#[test]
fn rfc2181_9_additional_data_goes_without_a_word() {
    let mut text = String::from("mx MX 1 www\n");
    text += &addresses(60);
    let query = Query::parse("mx.example.com MX").bytes();
    let answer = ask(&[example(&text)], Transport::Udp, &query);
    assert_eq!(
        testing::text_of(&answer),
        "NOERROR aa\nan mx.example.com. 300 MX 1 www.example.com.\n"
    );
}

#[test]
fn rfc9471_3_glue_that_is_needed_does_not_go_without_a_word() {
    let glue = |owner: &str| addresses(60).replace("www", owner);
    let needed = example(&format!("sub NS ns.sub\n{}", glue("ns.sub")));
    let sibling = example(&format!("sub NS ns.other\nother NS ns.other\n{}", glue("ns.other")));
    let query = Query::parse("x.sub.example.com").bytes();
    assert_eq!(
        testing::text_of(&ask(&[needed], Transport::Udp, &query)),
        "NOERROR tc\nau sub.example.com. 300 NS ns.sub.example.com.\n"
    );
    assert_eq!(
        testing::text_of(&ask(&[sibling], Transport::Udp, &query)),
        "NOERROR\nau sub.example.com. 300 NS ns.other.example.com.\n"
    );
}

#[test]
fn a_chain_that_does_not_fit_keeps_its_beginning() {
    let zone = example(&format!("alias CNAME www\n{}", addresses(60)));
    let query = Query::parse("alias.example.com").bytes();
    assert_eq!(
        testing::text_of(&ask(&[zone], Transport::Udp, &query)),
        "NOERROR aa tc\nan alias.example.com. 300 CNAME www.example.com.\n"
    );
}

#[test]
fn a_buffer_that_holds_no_question_gets_no_answer() {
    let (_writer, reader) = testing::store(&[example("www A 192.0.2.1")]);
    let query = Query::parse("www.example.com").edns(1232).bytes();
    for length in 0..200 {
        let mut out = vec![0; length];
        let reply = respond(&reader.snapshot(), &query, &Client::anyone(Transport::Udp), &mut out);
        assert_eq!(reply.is_some(), length >= 44, "{length}");
        assert_eq!(reply.is_some_and(|reply| !reply.truncated), length >= 60, "{length}");
    }
}
