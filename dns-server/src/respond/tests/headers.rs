//! Flags, counts, and packets that are no proper queries.

use super::{ask, example};
use crate::respond::Transport;
use crate::testing::{self, Query};

const HEADER_LENGTH: usize = 12;
const NOTIFY: u8 = 4;

fn udp(query: &[u8]) -> Vec<u8> {
    ask(&[example("www A 192.0.2.1")], Transport::Udp, query)
}

fn www() -> Query {
    Query::parse("www.example.com")
}

/// Only a header, with this code.
#[track_caller]
fn check_bare(query: &[u8], rcode: u8) {
    let answer = udp(query);
    assert_eq!(answer.len(), HEADER_LENGTH);
    assert_eq!(answer[..2], query[..2]);
    assert_eq!(answer[2], 0x80 | query[2] & 0x79);
    assert_eq!(answer[3..], [&[rcode][..], &[0; 8]].concat());
}

fn with_byte(mut bytes: Vec<u8>, at: usize, value: u8) -> Vec<u8> {
    bytes[at] = value;
    bytes
}

#[test]
fn responses_and_scraps_get_no_answer() {
    let query = www().bytes();
    assert_eq!(udp(&with_byte(query.clone(), 2, 0x80)), []);
    for length in 0..HEADER_LENGTH {
        assert_eq!(udp(&query[..length]), [], "{length}");
    }
}

#[test]
fn rfc1035_4_1_1_id_opcode_and_rd_are_copied_and_nothing_else() {
    let mut query = www();
    query.id = 0xbeef;
    // AA, TC, RD, RA, Z, AD, CD and a code.
    query.flags = 0x07ff;
    let answer = udp(&query.bytes());
    assert_eq!(answer[..2], [0xbe, 0xef]);
    assert_eq!(testing::text_of(&answer), "NOERROR aa rd\nan www.example.com. 300 A 192.0.2.1\n");
    query.flags = 0x0010;
    assert_eq!(testing::text_of(&udp(&query.bytes())).lines().next(), Some("NOERROR aa"));
}

#[test]
fn the_question_is_echoed_byte_for_byte() {
    let mut query = www();
    query.name = b"\x03wWw\x07EXAMple\x03cOm\0".to_vec();
    let bytes = query.bytes();
    assert_eq!(udp(&bytes)[HEADER_LENGTH..bytes.len()], bytes[HEADER_LENGTH..]);
}

#[test]
fn other_opcodes_are_not_implemented() {
    for opcode in (1..16).filter(|opcode| *opcode != NOTIFY) {
        check_bare(&with_byte(www().bytes(), 2, opcode << 3 | 1), 4);
    }
    // Of an unknown operation not even the sections are known.
    check_bare(&with_byte(www().bytes()[..HEADER_LENGTH].to_vec(), 2, 6 << 3), 4);
}

/// We are nobody's secondary, be the zone ours or not.
#[test]
fn rfc1996_3_notices_are_of_no_zone_that_we_copy() {
    let notice = |question: &str, class| {
        let query = Query { class, ..Query::parse(question) };
        with_byte(query.bytes(), 2, NOTIFY << 3 | 4)
    };
    for (question, class, expect) in [
        ("example.com SOA", 1, "NOTAUTH\n"),
        ("www.example.com SOA", 1, "NOTAUTH\n"),
        ("example.org SOA", 1, "NOTAUTH\n"),
        ("example.com A", 1, "FORMERR\n"),
        ("example.com SOA", 3, "NOTIMP\n"),
        ("id.server TXT", 3, "NOTIMP\n"),
    ] {
        let query = notice(question, class);
        let answer = udp(&query);
        assert_eq!(testing::text_of(&answer), expect, "{question} {class}");
        assert_eq!(answer[2], 0x80 | NOTIFY << 3, "{question}");
        assert_eq!(answer[HEADER_LENGTH..], query[HEADER_LENGTH..], "{question}");
    }
    let notice = notice("example.com SOA", 1);
    check_bare(&with_byte(notice[..HEADER_LENGTH].to_vec(), 5, 0), 1);
    // The zone's new SOA, as primaries send it.
    let soa = [&b"\xc0\x0c\0\x06\0\x01\0\0\0\0\0\x16\0\0"[..], &[0; 20]].concat();
    let with_soa = with_byte([&notice[..], &soa].concat(), 7, 1);
    assert_eq!(testing::text_of(&udp(&with_soa)), "NOTAUTH\n");
}

#[test]
fn rfc9619_3_there_is_exactly_one_question() {
    check_bare(&www().bytes()[..HEADER_LENGTH], 1);
    let query = www().bytes();
    let twice = [&query[..], &query[HEADER_LENGTH..]].concat();
    check_bare(&with_byte(twice, 5, 2), 1);
    check_bare(&with_byte(query[..HEADER_LENGTH].to_vec(), 5, 0), 1);
}

#[test]
fn malformed_questions() {
    let header = &www().bytes()[..HEADER_LENGTH];
    let long = [&[63; 64][..]; 4].concat();
    for question in [
        &b"\x40"[..],
        b"\xc0\x0c\0\x01\0\x01",
        b"\x01a\xc0\x0c\0\x01\0\x01",
        b"\x80\0\x01\0\x01",
        b"\x03www",
        b"\x03www\0",
        b"\x03www\0\0\x01\0",
        &[&long[..], b"\0\0\x01\0\x01"].concat(),
    ] {
        check_bare(&[header, question].concat(), 1);
    }
}

#[test]
fn the_longest_name_is_a_name() {
    let name = [&[63; 64][..], &[63; 64], &[63; 64], &[61; 62], &[0]].concat();
    let query = Query { name, ..www() };
    assert_eq!(testing::text_of(&udp(&query.bytes())), "REFUSED\n");
}

#[test]
fn malformed_records_behind_the_question() {
    let record = [&b"\xc0\x0c"[..], &[0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4]].concat();
    let formerr = "FORMERR\n";
    for (section, tail, expect) in [
        (0, &b"x"[..], formerr),
        (7, b"", formerr),
        (9, b"", formerr),
        (11, b"", formerr),
        (7, &record[..15], formerr),
        (11, &[&record[..], b"x"].concat(), formerr),
        (11, &[&[64][..], &record[2..]].concat(), formerr),
        (7, &record[..], "NOERROR aa\nan www.example.com. 300 A 192.0.2.1\n"),
        (11, &record[..], "NOERROR aa\nan www.example.com. 300 A 192.0.2.1\n"),
    ] {
        let mut query = [&www().bytes()[..], tail].concat();
        if section > 0 {
            query[section] = 1;
        }
        assert_eq!(testing::text_of(&udp(&query)), expect, "{section} {tail:?}");
    }
}

#[test]
fn other_classes_are_refused() {
    for class in [0, 3, 4, 254, 255] {
        let query = Query { class, ..www() };
        assert_eq!(testing::text_of(&udp(&query.bytes())), "REFUSED\n", "{class}");
    }
}
