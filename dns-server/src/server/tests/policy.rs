//! Who is answered, how often: what the threads make of a policy.

use std::net::UdpSocket;

use super::{WWW, ask_tcp, server, tcp_client, udp_client};
use crate::policy::{Access, Policy, RateLimit};
use crate::respond::{CookieSecrets, Transport};
use crate::server::{Options, Server, Traffic};
use crate::testing::Query;
use crate::testing::message::Answer;

const QUERIES: usize = 100;

fn limited() -> Policy {
    let limit =
        RateLimit { responses_per_second: 1, slip: 1, exempt: Vec::new(), ..RateLimit::default() };
    let cookies = Some(CookieSecrets::random().unwrap());
    Policy { rate_limit: Some(limit), cookies, ..Policy::default() }
}

fn www(cookie: &[u8]) -> Vec<u8> {
    let mut query = Query::parse("www.example.com").edns(1232).bytes();
    if !cookie.is_empty() {
        let length = query.len();
        query[length - 1] = 4 + cookie.len() as u8;
        query.extend_from_slice(&[0, 10, 0, cookie.len() as u8]);
        query.extend_from_slice(cookie);
    }
    query
}

fn exchange(client: &UdpSocket, query: &[u8]) -> Answer {
    client.send(query).unwrap();
    let mut answer = [0; 1500];
    let length = client.recv(&mut answer).unwrap();
    Answer::parse(&answer[..length])
}

/// How many of the same query are answered in full; every query has an answer.
fn whole(client: &UdpSocket, query: &[u8]) -> usize {
    let answers = (0..QUERIES).map(|_| exchange(client, query));
    answers.filter(|answer| answer.to_string() == WWW).count()
}

fn udp_traffic(server: &Server) -> Traffic {
    let traffic = server.traffic();
    traffic.into_iter().find(|sum| sum.transport == Transport::Udp).unwrap()
}

/// However slow the machine is, a hundred round trips take no hundred seconds.
#[test]
fn equal_answers_above_the_limit_are_cut_short_but_not_those_to_cookie_holders() {
    let (_writer, server) = server(Options { policy: limited(), ..Options::default() });
    let address = server.local_addrs()[0];
    let client = udp_client(address);
    let first = exchange(&client, &www(&[1; 8]));
    let cookie = first.option(10).unwrap();
    let sent = whole(&client, &www(&[]));
    assert!(sent < QUERIES / 2, "{sent}");
    let traffic = udp_traffic(&server);
    assert_eq!(traffic.limited_cut_short, (QUERIES - sent) as u64);
    assert_eq!((traffic.limited_dropped, traffic.cookies_client_only), (0, 1));
    assert_eq!(whole(&client, &www(&cookie)), QUERIES);
    assert_eq!(udp_traffic(&server).cookies_valid, QUERIES as u64);
    // The way of those who have no cookie yet.
    let mut tcp = tcp_client(address);
    for _ in 0..QUERIES {
        assert_eq!(ask_tcp(&mut tcp, "www.example.com"), WWW);
    }
    server.stop();
}

#[test]
fn errors_are_not_cut_short() {
    let (_writer, server) = server(Options { policy: limited(), ..Options::default() });
    let client = udp_client(server.local_addrs()[0]);
    let foreign = Query::parse("example.org").bytes();
    for _ in 0..QUERIES {
        assert_eq!(exchange(&client, &foreign).to_string(), "REFUSED\n");
    }
    assert!(udp_traffic(&server).limited_cut_short > 0);
    server.stop();
}

#[test]
fn without_slip_there_is_no_answer_above_the_limit() {
    let mut policy = limited();
    policy.rate_limit.as_mut().unwrap().slip = 0;
    let (_writer, server) = server(Options { policy, ..Options::default() });
    let client = udp_client(server.local_addrs()[0]);
    for id in 0..QUERIES {
        client.send(&Query { id: id as u16, ..Query::parse("www.example.com") }.bytes()).unwrap();
    }
    // Another account: once it is answered, so are those before it.
    client.send(&Query { id: u16::MAX, ..Query::parse("big.example.com TXT") }.bytes()).unwrap();
    let mut answers = 0;
    let mut answer = [0; 1500];
    loop {
        client.recv(&mut answer).unwrap();
        if answer[..2] == [0xff; 2] {
            break;
        }
        answers += 1;
    }
    let traffic = udp_traffic(&server);
    assert_eq!(traffic.limited_dropped + answers, QUERIES as u64);
    assert!(traffic.limited_dropped > 0);
    let (_, zone) = &traffic.zones[0];
    assert_eq!(zone.requests.iter().sum::<u64>(), QUERIES as u64 + 1);
    assert_eq!(zone.responses.iter().sum::<u64>(), answers + 1);
    server.stop();
}

#[test]
fn another_policy_holds_from_the_next_query_on() {
    let (_writer, server) = server(Options { workers: 2, ..Options::default() });
    let address = server.local_addrs()[0];
    let mut tcp = tcp_client(address);
    let clients: Vec<UdpSocket> = (0..8).map(|_| udp_client(address)).collect();
    let deny = vec!["127.0.0.0/8".parse().unwrap()];
    let closed = Policy { query_access: Access { deny, ..Access::default() }, ..Policy::default() };
    for (policy, expect) in [(closed, "REFUSED\n"), (Policy::PLAIN, WWW), (limited(), WWW)] {
        server.set_policy(policy);
        let first = exchange(&clients[0], &www(&[])).to_string();
        assert_eq!(first, expect);
        assert_eq!(ask_tcp(&mut tcp, "www.example.com"), expect);
        let others = clients[1..].iter().map(|client| exchange(client, &www(&[])).to_string());
        assert!(others.into_iter().all(|it| it == expect || it == "NOERROR tc\n"));
    }
    server.stop();
}

#[test]
fn rfc7828_a_tcp_client_is_told_how_long_it_may_be_idle() {
    use std::io::Write;
    let (_writer, server) = server(Options::default());
    let mut tcp = tcp_client(server.local_addrs()[0]);
    let mut query = Query::parse("www.example.com").edns(1232).bytes();
    let length = query.len();
    query[length - 1] = 4;
    query.extend_from_slice(&[0, 11, 0, 0]);
    tcp.write_all(&super::frame(&query)).unwrap();
    let answer = Answer::parse(&super::read_frame(&mut tcp));
    assert_eq!(answer.option(11), Some(vec![0, 100]));
    server.stop();
}
