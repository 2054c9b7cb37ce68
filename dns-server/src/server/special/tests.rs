//! Whatever bytes come: no panic, no answer that is too long, and each one readable.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use hickory_proto::op::Message;
use model::{Serial, UnixTime};
use proptest::prelude::*;

use super::*;
use crate::store::HistoryLimits;
use crate::testing::{self, Query, name};
use crate::transfer::{Allow, TransferPolicy, ZoneTransfer};
use crate::{TsigAlgorithm, TsigKey, Writer};

const NOW: UnixTime = UnixTime(1_800_000_000);
const QUESTIONS: [&str; 6] = [
    "example.com AXFR",
    "example.com IXFR",
    "example.com SOA",
    "www.example.com",
    "example.org AXFR",
    "nope.example.com TXT",
];

fn key() -> TsigKey {
    TsigKey::new(name("key"), TsigAlgorithm::HmacSha256, b"secret")
}

fn special() -> (Writer, Special) {
    let (mut writer, reader) = crate::Store::new();
    let apex = name("example.com");
    reader.histories().keep(std::slice::from_ref(&apex), HistoryLimits::default());
    let zone = |address: u8| {
        let text = format!(
            "@ SOA ns hostmaster 1 900 300 604800 60\nwww A 192.0.2.{address}\nbig TXT {}\n",
            "\"a text of some length\" ".repeat(60)
        );
        testing::zone("example.com", &text)
    };
    for serial in 7..10_u8 {
        let _ = writer.publish(&zone(serial), Serial(u32::from(serial))).unwrap();
    }
    let transfers = Arc::new(Transfers::new(|| NOW));
    let allow = vec![Allow::From("127.0.0.1".parse().unwrap()), Allow::Key(name("key"))];
    let of_zone = ZoneTransfer { allow, notify: Vec::new() };
    transfers.configure(TransferPolicy { keys: vec![key()], zones: [(apex, of_zone)].into() });
    (writer, Special { reader, transfers })
}

thread_local! {
    static SPECIAL: (Writer, Special) = special();
}

/// A question with the SOA of a client that has `serial`, or none, signed or not.
fn packet(question: &str, serial: Option<u32>, edns: bool, is_signed: bool) -> Vec<u8> {
    let mut packet = Query::parse(question).bytes();
    if let Some(serial) = serial {
        packet[9] = 1;
        packet.extend_from_slice(&[0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0]);
        packet.extend_from_slice(&serial.to_be_bytes());
        packet.extend_from_slice(&[0; 16]);
    }
    if edns {
        packet[11] = 1;
        packet.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    }
    if is_signed {
        key().sign_request(&mut packet, NOW);
    }
    packet
}

fn check_message(packet: &[u8], request: &Request, message: &[u8]) {
    assert!(Message::from_vec(message).is_ok(), "{message:?}");
    assert_eq!(message[..2], packet[..2]);
    let end = request.question_end;
    assert_eq!(message[HEADER_LENGTH..end], packet[HEADER_LENGTH..end], "the question");
}

fn check(packet: &[u8], transport: Transport, peer: u8, length: usize) {
    SPECIAL.with(|(_, special)| {
        let snapshot = special.reader.snapshot();
        let mut request = Request::new();
        if !request.parse(packet, &snapshot) || !request.is_special() {
            return;
        }
        let peer = IpAddr::V4(Ipv4Addr::new(127, 0, 0, peer));
        let request = &request;
        let mut out = vec![0; length];
        let size_max = request.answer_size_max(transport).min(length);
        let client = Client { address: peer, ..Client::anyone(transport) };
        match special.answer(&snapshot, Asked { packet, request, client: &client }, &mut out) {
            Outcome::Reply(None) => {}
            Outcome::Reply(Some(reply)) => {
                assert!(reply.length <= size_max, "{} of {size_max}", reply.length);
                check_message(packet, request, &out[..reply.length]);
            }
            Outcome::Transfer(transfer) => {
                assert!(matches!(transport, Transport::Tcp | Transport::Tls), "{transport:?}");
                let sent = transfer.run(&special.reader, |message| {
                    check_message(packet, request, &message);
                    Ok(())
                });
                assert!(sent.is_ok(), "{sent:?}");
            }
        }
    });
}

/// What a signed message with these flags gets, signed.
fn signed_answer_to(flags: u8) -> Rcode {
    SPECIAL.with(|(_, special)| {
        let snapshot = special.reader.snapshot();
        let mut packet = Query::parse("example.com SOA").bytes();
        packet[2] = flags;
        let mac = key().sign_request(&mut packet, NOW);
        let mut request = Request::new();
        assert!(request.parse(&packet, &snapshot) && request.is_special());
        let client = Client::anyone(Transport::Udp);
        let asked = Asked { packet: &packet, request: &request, client: &client };
        let mut out = [0; 512];
        let Outcome::Reply(Some(reply)) = special.answer(&snapshot, asked, &mut out) else {
            panic!("no answer");
        };
        assert!(reply.is_authenticated);
        let answer = &out[..reply.length];
        assert!(key().is_answer(&mac, answer, request.question_end, NOW));
        reply.rcode
    })
}

/// Who signs learns for certain that we copy no zone.
#[test]
fn rfc1996_3_a_signed_notice_gets_a_signed_answer() {
    // The operation, and AA.
    assert_eq!(signed_answer_to(4 << 3 | 4), Rcode::NOTAUTH);
}

/// Else who sends an update takes the answer for a forged one.
#[test]
fn rfc8945_5_3_a_signed_update_gets_a_signed_answer() {
    assert_eq!(signed_answer_to(5 << 3), Rcode::NOTIMP);
}

fn packets() -> impl Strategy<Value = Vec<u8>> {
    let question = prop::sample::select(&QUESTIONS[..]);
    let serial = prop::option::of(5_u32..12);
    (question, serial, any::<bool>(), any::<bool>())
        .prop_map(|(question, serial, edns, is_signed)| packet(question, serial, edns, is_signed))
}

fn transports() -> impl Strategy<Value = Transport> {
    prop::sample::select(vec![
        Transport::Udp,
        Transport::Tcp,
        Transport::Tls,
        Transport::Https,
        Transport::Quic,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked_gets_a_sound_answer(
        packet in packets(),
        transport in transports(),
        peer in 1_u8..3,
        length in 0_usize..3000,
    ) {
        check(&packet, transport, peer, length);
        check(&packet, transport, peer, 65_535);
    }

    #[test]
    fn any_change_of_what_is_asked_gets_a_sound_answer_or_none(
        packet in packets(),
        transport in transports(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        length in any::<prop::sample::Index>(),
    ) {
        let mut packet = packet;
        for (at, value) in changes {
            let at = at.index(packet.len());
            packet[at] = value;
        }
        check(&packet, transport, 1, 65_535);
        check(&packet[..length.index(packet.len())], transport, 1, 65_535);
    }
}
