//! Access lists and rate limits hold for what is signed and for transfers, too.

use std::net::UdpSocket;

use super::transfers::{
    NOTAUTH, NOW, REFUSED, Stage, answer_to, ixfr, key, stage, summary, tcp_answer,
};
use super::{tcp_client, udp_client};
use model::UnixTime;

use crate::TsigKey;
use crate::policy::{Access, Policy, RateLimit};
use crate::respond::{CookieSecrets, Transport};
use crate::server::{Options, Server, Traffic};
use crate::testing::{Query, name};
use crate::transfer::Allow;

const QUERIES: u64 = 100;
const PLAIN_SOA: (u8, u16) = (0, 1);

fn open() -> [Allow; 2] {
    [Allow::Key(name("ours")), Allow::From("127.0.0.0/8".parse().unwrap())]
}

/// One answer a second; all above it are cut short.
fn limited() -> Policy {
    let limit =
        RateLimit { responses_per_second: 1, slip: 1, exempt: Vec::new(), ..RateLimit::default() };
    let cookies = Some(CookieSecrets::random().unwrap());
    Policy { rate_limit: Some(limit), cookies, ..Policy::default() }
}

fn signed(mut request: Vec<u8>, key: &TsigKey, now: UnixTime) -> Vec<u8> {
    key.sign_request(&mut request, now);
    request
}

fn udp_traffic(server: &Server) -> Traffic {
    let traffic = server.traffic();
    traffic.into_iter().find(|sum| sum.transport == Transport::Udp).unwrap()
}

/// How many of the answers say TC.
fn cut_short(client: &UdpSocket, request: &[u8]) -> u64 {
    let answers = (0..QUERIES).map(|_| answer_to(client, request));
    answers.filter(|answer| answer[2] & 2 != 0).count() as u64
}

#[test]
fn who_may_not_ask_gets_no_transfer_and_no_signature_whatever_the_key() {
    let deny = vec!["127.0.0.0/8".parse().unwrap()];
    let policy = Policy { query_access: Access { deny, ..Access::default() }, ..Policy::default() };
    let Stage { server, .. } = stage(&open(), Options { policy, ..Options::default() });
    let address = server.local_addrs()[0];
    let (udp, mut tcp) = (udp_client(address), tcp_client(address));
    let questions = ["example.com AXFR", "example.com SOA", "www.example.com"];
    let plain = questions.map(|question| Query::parse(question).bytes());
    for request in plain.into_iter().chain([ixfr(7)]) {
        let by_stranger = signed(request.clone(), &key("unknown"), NOW);
        let by_key_holder = signed(request.clone(), &key("ours"), NOW);
        for request in [request, by_stranger, by_key_holder] {
            for answer in [answer_to(&udp, &request), tcp_answer(&mut tcp, &request)] {
                assert_eq!(summary(&answer), REFUSED);
                assert_eq!(answer[8..12], [0; 4], "nothing that could be a signature");
            }
        }
    }
    server.set_policy(Policy::PLAIN);
    let axfr = signed(Query::parse("example.com AXFR").bytes(), &key("ours"), NOW);
    assert_eq!(summary(&tcp_answer(&mut tcp, &axfr)), (0, 3));
    server.stop();
}

#[test]
fn changes_over_udp_are_limited_unless_the_address_or_the_key_is_proven() {
    let options = Options { policy: limited(), ..Options::default() };
    let Stage { server, .. } = stage(&open(), options);
    let address = server.local_addrs()[0];
    let udp = udp_client(address);
    // However slow the machine is, a hundred round trips take no hundred seconds.
    let cut = cut_short(&udp, &ixfr(7));
    assert!(cut > QUERIES / 2, "{cut}");
    assert_eq!(udp_traffic(&server).limited_cut_short, cut);
    assert_eq!(cut_short(&udp, &signed(ixfr(7), &key("ours"), NOW)), 0);
    assert_eq!(udp_traffic(&server).limited_cut_short, cut);
    let with_cookie = |cookie: &[u8]| {
        let mut request = ixfr(7);
        let length = cookie.len() as u8;
        request[11] = 1;
        request.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 4 + length]);
        request.extend_from_slice(&[0, 10, 0, length]);
        request.extend_from_slice(cookie);
        request
    };
    let cookie = server_cookie(&udp);
    assert_eq!(cut_short(&udp, &with_cookie(&cookie)), 0);
    assert_eq!(udp_traffic(&server).cookies_valid, QUERIES);
    // TCP is the way for all others.
    let mut tcp = tcp_client(address);
    for _ in 0..QUERIES {
        assert_eq!(summary(&tcp_answer(&mut tcp, &ixfr(7))), PLAIN_SOA);
    }
    server.stop();
}

/// What the server gives to who asks for nothing but a cookie (RFC 7873 section 5.4).
fn server_cookie(udp: &UdpSocket) -> Vec<u8> {
    let mut request = vec![0; 12];
    request[11] = 1;
    request.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 12, 0, 10, 0, 8]);
    request.extend_from_slice(&[1; 8]);
    let answer = crate::testing::message::Answer::parse(&answer_to(udp, &request));
    answer.option(10).unwrap()
}

/// A captured packet can be sent again with another's address for as long as anybody likes.
#[test]
fn answers_to_signatures_that_are_not_good_are_limited() {
    let mut policy = limited();
    policy.rate_limit.as_mut().unwrap().slip = 0;
    let Stage { server, .. } = stage(&open(), Options { policy, ..Options::default() });
    let address = server.local_addrs()[0];
    let udp = udp_client(address);
    let question = || Query { id: 1, ..Query::parse("www.example.com") }.bytes();
    let old = UnixTime(NOW.0 - 1000);
    let mut broken = signed(question(), &key("ours"), NOW);
    let last = broken.len() - 10;
    broken[last] ^= 1;
    let bad =
        [signed(question(), &key("unknown"), NOW), signed(question(), &key("ours"), old), broken];
    let good = signed(
        Query { id: u16::MAX, ..Query::parse("www.example.com") }.bytes(),
        &key("ours"),
        NOW,
    );
    for request in bad.iter().cycle().take(QUERIES as usize) {
        udp.send(request).unwrap();
    }
    // One that is never limited: once it is answered, so are those before it.
    udp.send(&good).unwrap();
    let (mut answers, mut answer) = (0, [0; 1500]);
    loop {
        let length = udp.recv(&mut answer).unwrap();
        if answer[..2] == [0xff; 2] {
            assert_eq!(summary(&answer[..length]), (0, 1));
            break;
        }
        assert_eq!(summary(&answer[..length]), NOTAUTH);
        answers += 1;
    }
    assert_eq!(udp_traffic(&server).limited_dropped + answers, QUERIES);
    assert!(answers < QUERIES / 2, "{answers}");
    server.stop();
}
