//! EDNS options: cookies (RFC 7873), NSID (RFC 5001), keepalive (RFC 7828), padding (RFC 7830), extended
//! errors (RFC 8914).

use hickory_proto::op::Message;
use model::Serial;

use super::{ask_as, example};
use crate::policy::Policy;
use crate::respond::{
    Client, CookieSecrets, CookieStanding, ExtendedError, Request, Transport, UDP_SIZE_MAX,
    cut_short, respond,
};
use crate::testing::message::Answer;
use crate::testing::{self, Query};
use crate::{Rcode, Store};

const NSID: u16 = 3;
const COOKIE: u16 = 10;
const KEEPALIVE: u16 = 11;
const PADDING: u16 = 12;
const NOW: u32 = 1_700_000_000;

fn policy() -> Policy {
    Policy {
        cookies: Some(CookieSecrets::new([7; 16], Vec::new())),
        nsid: Some((*b"ns1").into()),
        ..Policy::default()
    }
}

fn client(policy: &Policy, transport: Transport) -> Client<'_> {
    Client { now: NOW, keepalive: 100, policy, ..Client::anyone(transport) }
}

pub(super) fn with_options(query: &Query, options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut bytes = query.clone().edns(1232).bytes();
    let option = |(code, data): &(u16, &[u8])| {
        [&code.to_be_bytes()[..], &(data.len() as u16).to_be_bytes(), data].concat()
    };
    let data = options.iter().map(option).collect::<Vec<_>>().concat();
    let length = bytes.len();
    bytes[length - 2..].copy_from_slice(&(data.len() as u16).to_be_bytes());
    [bytes, data].concat()
}

fn ask(transport: Transport, options: &[(u16, &[u8])]) -> Answer {
    let query = with_options(&Query::parse("www.example.com"), options);
    let policy = policy();
    let zones = [example("www A 192.0.2.1")];
    let answer = ask_as(&zones, &client(&policy, transport), &query);
    // Others can read it.
    Message::from_vec(&answer).unwrap();
    Answer::parse(&answer)
}

fn server_cookie() -> Vec<u8> {
    ask(Transport::Udp, &[(COOKIE, &[1; 8])]).option(COOKIE).unwrap()
}

#[test]
fn rfc7873_5_2_3_who_sends_a_client_cookie_gets_a_server_cookie() {
    let cookie = server_cookie();
    assert_eq!(cookie.len(), 24);
    assert_eq!(cookie[..12], [&[1; 8][..], &[1, 0, 0, 0]].concat());
    assert_eq!(cookie[12..16], NOW.to_be_bytes());
}

#[test]
fn rfc7873_5_2_5_a_good_cookie_comes_back_as_it_is() {
    let cookie = server_cookie();
    for transport in [Transport::Udp, Transport::Tcp] {
        let answer = ask(transport, &[(COOKIE, &cookie)]);
        assert_eq!(answer.option(COOKIE), Some(cookie.clone()));
        assert_eq!(answer.rcode, 0);
    }
}

#[test]
fn rfc7873_5_2_4_a_bad_cookie_is_answered_with_a_good_one() {
    let mut cookie = server_cookie();
    cookie[23] ^= 1;
    let answer = ask(Transport::Udp, &[(COOKIE, &cookie)]);
    assert_eq!((answer.rcode, answer.sections[0].len()), (0, 1));
    assert_eq!(answer.option(COOKIE), Some(server_cookie()));
}

#[test]
fn rfc7873_5_2_2_cookies_of_impossible_lengths() {
    for length in 0..=48 {
        let answer = ask(Transport::Udp, &[(COOKIE, &vec![1; length])]);
        let is_possible = length == 8 || (16..=40).contains(&length);
        assert_eq!(answer.rcode, if is_possible { 0 } else { 1 }, "{length}");
        assert_eq!(answer.option(COOKIE).is_some(), is_possible);
        // RFC 6891 section 7: an error in an option is told with an OPT record.
        assert!(answer.edns.is_some());
    }
}

#[test]
fn rfc7873_5_2_the_first_cookie_counts() {
    let cookie = server_cookie();
    let answer = ask(Transport::Udp, &[(COOKIE, &cookie), (COOKIE, &[9; 8])]);
    assert_eq!(answer.options.len(), 1);
    assert_eq!(answer.option(COOKIE), Some(cookie));
}

#[test]
fn without_secrets_a_cookie_is_an_unknown_option() {
    let query = with_options(&Query::parse("www.example.com"), &[(COOKIE, &[1; 8])]);
    let zones = [example("www A 192.0.2.1")];
    let answer = Answer::parse(&ask_as(&zones, &Client::anyone(Transport::Udp), &query));
    assert_eq!((answer.rcode, answer.options), (0, Vec::new()));
}

#[test]
fn rfc7873_5_4_a_query_for_a_cookie_only() {
    let bare = |cookie: &[u8], policy: &Policy| {
        let query = with_options(&Query::parse("www.example.com"), &[(COOKIE, cookie)]);
        let opt = 12 + b"\x03www\x07example\x03com\0".len() + 4;
        let mut query = [&query[..12], &query[opt..]].concat();
        query[5] = 0;
        let answer = ask_as(&[example("")], &client(policy, Transport::Udp), &query);
        let answer = Answer::parse(&answer);
        (answer.rcode, answer.option(COOKIE))
    };
    let good = server_cookie();
    assert_eq!(bare(&[1; 8], &policy()), (0, Some(good.clone())));
    assert_eq!(bare(&good, &policy()), (0, Some(good.clone())));
    assert_eq!(bare(&[1; 24], &policy()), (23, Some(good)));
    assert_eq!(bare(&[1; 8], &Policy::PLAIN), (1, None));
}

#[test]
fn what_a_cookie_proves_is_told_to_the_server() {
    let policy = policy();
    let standing = |cookie: &[u8]| {
        let (_writer, reader) = testing::store(&[example("")]);
        let query = with_options(&Query::parse("www.example.com"), &[(COOKIE, cookie)]);
        let client = client(&policy, Transport::Udp);
        respond(&reader.snapshot(), &query, &client, &mut [0; UDP_SIZE_MAX]).unwrap().cookie
    };
    assert_eq!(standing(&[1; 8]), CookieStanding::ClientOnly);
    assert_eq!(standing(&[1; 24]), CookieStanding::Invalid);
    assert_eq!(standing(&server_cookie()), CookieStanding::Valid);
    assert_eq!(standing(&[1; 9]), CookieStanding::Absent);
}

#[test]
fn rfc5001_2_the_server_is_named_to_who_asks() {
    assert_eq!(ask(Transport::Udp, &[(NSID, &[])]).option(NSID), Some(b"ns1".to_vec()));
    assert_eq!(ask(Transport::Udp, &[]).options, []);
    let both = ask(Transport::Udp, &[(NSID, &[]), (COOKIE, &[1; 8])]);
    assert_eq!(both.options.len(), 2);
}

#[test]
fn rfc7828_3_idle_time_is_told_over_tcp_only() {
    let asked = [(KEEPALIVE, &[][..])];
    assert_eq!(ask(Transport::Tcp, &asked).option(KEEPALIVE), Some(vec![0, 100]));
    assert_eq!(ask(Transport::Udp, &asked).options, []);
    assert_eq!(ask(Transport::Tcp, &[]).options, []);
    assert_eq!(ask(Transport::Tcp, &[(KEEPALIVE, &[0])]).rcode, 1);
}

#[test]
fn rfc8914_errors_say_why() {
    let error = |question: &str| {
        let query = Query::parse(question).edns(1232).bytes();
        let client = Client::anyone(Transport::Udp);
        Answer::parse(&ask_as(&[example("")], &client, &query)).extended_error()
    };
    assert_eq!(error("example.org"), Some(ExtendedError::NOT_AUTHORITATIVE.0));
    assert_eq!(error("nope.example.com"), None);
    assert_eq!(error("example.com SOA"), None);
}

#[test]
fn rfc8914_4_15_a_zone_without_contents_is_not_ready() {
    let (mut writer, reader) = Store::new();
    writer.announce(&testing::name("example.com")).unwrap();
    let query = Query::parse("www.example.com").edns(1232).bytes();
    let mut out = [0; UDP_SIZE_MAX];
    let client = Client::anyone(Transport::Udp);
    let reply = respond(&reader.snapshot(), &query, &client, &mut out).unwrap();
    let answer = Answer::parse(&out[..reply.length]);
    assert_eq!(answer.rcode, Rcode::SERVFAIL.0);
    assert_eq!(answer.extended_error(), Some(ExtendedError::NOT_READY.0));
    writer.publish(&example(""), Serial(1)).unwrap();
}

#[test]
fn an_extended_error_goes_only_where_there_is_room() {
    let (_writer, reader) = testing::store(&[example("")]);
    let query = Query::parse("example.org").edns(1232).bytes();
    let client = Client::anyone(Transport::Udp);
    for (room, expect) in [(query.len() + 6, Some(20)), (query.len() + 5, None)] {
        let mut out = vec![0; room];
        let reply = respond(&reader.snapshot(), &query, &client, &mut out).unwrap();
        assert_eq!(Answer::parse(&out[..reply.length]).extended_error(), expect);
    }
}

#[test]
fn an_answer_above_the_limit_is_short_and_has_the_cookie() {
    let policy = policy();
    let client = client(&policy, Transport::Udp);
    let (_writer, reader) = testing::store(&[example("www A 192.0.2.1")]);
    let query = with_options(&Query::parse("www.example.com"), &[(COOKIE, &[1; 8])]);
    let mut request = Request::new();
    assert!(request.parse(&query, &reader.snapshot()));
    let mut out = [0; UDP_SIZE_MAX];
    let length = cut_short(&query, &request, &client, &mut out).unwrap();
    let answer = Answer::parse(&out[..length]);
    assert_eq!(answer.to_string(), "NOERROR tc\n");
    assert_eq!(answer.option(COOKIE), Some(server_cookie()));
    assert_eq!(length, query.len() + 16);
}

const ENCRYPTED: [Transport; 3] = [Transport::Tls, Transport::Https, Transport::Quic];

#[test]
fn rfc8467_4_1_encrypted_answers_to_padded_queries_are_padded() {
    let length_of = |transport, name: &str, options: &[(u16, &[u8])]| {
        let query = with_options(&Query::parse(name), options);
        let records: String = (0..90).map(|at| format!("big A 10.0.0.{at}\n")).collect();
        let zones = [example(&format!("www A 192.0.2.1\n{records}"))];
        let answer = ask_as(&zones, &client(&policy(), transport), &query);
        Message::from_vec(&answer).unwrap();
        let zeros = Answer::parse(&answer).option(PADDING);
        assert!(zeros.as_ref().is_none_or(|zeros| zeros.iter().all(|byte| *byte == 0)));
        (answer.len(), zeros.is_some())
    };
    for transport in ENCRYPTED {
        for padding in [&[][..], &[0; 80]] {
            assert_eq!(length_of(transport, "www.example.com", &[(PADDING, padding)]), (468, true));
            let others: [(u16, &[u8]); 3] = [(NSID, &[]), (PADDING, padding), (COOKIE, &[1; 8])];
            assert_eq!(length_of(transport, "www.example.com", &others), (468, true));
            assert_eq!(length_of(transport, "nope.example.com", &others), (468, true));
            assert_eq!(length_of(transport, "example.org", &others), (468, true));
            assert_eq!(length_of(transport, "big.example.com", &others), (4 * 468, true));
        }
        assert_eq!(length_of(transport, "www.example.com", &[(NSID, &[])]), (67, false));
    }
    for transport in [Transport::Udp, Transport::Tcp] {
        assert_eq!(length_of(transport, "www.example.com", &[(PADDING, &[0; 80])]), (60, false));
    }
}

#[test]
fn rfc8467_4_1_padding_never_makes_an_answer_too_long() {
    let query = with_options(&Query::parse("www.example.com"), &[(PADDING, &[])]);
    let (_writer, reader) = testing::store(&[example("www A 192.0.2.1")]);
    let policy = policy();
    for room in 60..500 {
        let mut out = vec![0xee; room];
        let client = client(&policy, Transport::Tls);
        let reply = respond(&reader.snapshot(), &query, &client, &mut out).unwrap();
        let expect = if room < 64 { 60 } else { room.min(468) };
        assert_eq!(reply.length, expect, "{room}");
        Message::from_vec(&out[..reply.length]).unwrap();
    }
}
