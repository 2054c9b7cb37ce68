//! Any packet to an answer.

use std::net::{IpAddr, Ipv4Addr};

use hickory_proto::op::Message;

use crate::policy::Policy;
use crate::respond::{
    Client, TCP_SIZE_MAX, Transport, UDP_SIZE_MAX, UDP_SIZE_WITHOUT_EDNS, respond,
};

use super::{NOW, STAGE};

const HEADER_LENGTH: usize = 12;

/// Answers `packet` in every way that there is.
///
/// # Panics
///
/// Where an answer is not what one must be: a message that another library reads, to this query, with
/// its question, no longer than the transport and the client allow.
pub fn check_query(packet: &[u8]) {
    STAGE.with(|stage| {
        for policy in [&Policy::PLAIN, &stage.policy] {
            for transport in [Transport::Udp, Transport::Tcp] {
                let mut out = [0; TCP_SIZE_MAX];
                let client = client(transport, policy);
                let snapshot = stage.special.reader.snapshot();
                match respond(&snapshot, packet, &client, &mut out) {
                    Some(reply) => check_answer(packet, &out[..reply.length], transport),
                    None => assert!(packet.len() < HEADER_LENGTH || packet[2] & 0x80 != 0),
                }
            }
        }
    });
}

pub(super) fn client(transport: Transport, policy: &Policy) -> Client<'_> {
    let now = NOW.0 as u32;
    Client { transport, address: IpAddr::V4(Ipv4Addr::LOCALHOST), now, keepalive: 100, policy }
}

/// Panics where `answer` cannot be one to `packet`.
pub(super) fn check_answer(packet: &[u8], answer: &[u8], transport: Transport) {
    let message = Message::from_vec(answer).expect("another library reads the answer");
    assert!(answer.len() <= size_max(packet, &message, transport), "the answer is too long");
    assert_eq!(answer[..2], packet[..2], "the identifier is the query's");
    assert_eq!(answer[2] & 0xf8, packet[2] & 0xf8 | 0x80, "it is a response of the same kind");
    if answer[4..6] == [0, 1] {
        let end = HEADER_LENGTH + question_length(&answer[HEADER_LENGTH..]);
        assert_eq!(
            answer[HEADER_LENGTH..end],
            packet[HEADER_LENGTH..end],
            "the question is echoed"
        );
    } else {
        assert_eq!(answer[4..6], [0, 0], "there is one question or none");
    }
}

/// What another library reads in the query counts.
fn size_max(packet: &[u8], answer: &Message, transport: Transport) -> usize {
    if transport == Transport::Tcp {
        return TCP_SIZE_MAX;
    }
    let asked = Message::from_vec(packet).ok().and_then(|query| query.edns);
    match (&answer.edns, asked) {
        (None, _) => UDP_SIZE_WITHOUT_EDNS,
        (Some(_), Some(edns)) => {
            usize::from(edns.max_payload()).clamp(UDP_SIZE_WITHOUT_EDNS, UDP_SIZE_MAX)
        }
        (Some(_), None) => UDP_SIZE_MAX,
    }
}

/// Of the first question of a message that can be read.
fn question_length(bytes: &[u8]) -> usize {
    let mut position = 0;
    while bytes[position] != 0 {
        position += 1 + usize::from(bytes[position]);
    }
    position + 5
}
