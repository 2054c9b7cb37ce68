//! Streams (RFC 7766).

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use super::{WWW, ask_tcp, frame, read_frame, server, tcp_client};
use crate::server::{Options, Traffic};
use crate::testing::{self, Query};

#[test]
fn rfc7766_6_2_1_1_pipelined_queries_are_all_answered() {
    let (_writer, server) = server(Options::default());
    let mut client = tcp_client(server.local_addrs()[0]);
    let queries: Vec<u8> = (0..500)
        .flat_map(|id| frame(&Query { id, ..Query::parse("big.example.com") }.bytes()))
        .collect();
    let mut writing = client.try_clone().unwrap();
    let writer = std::thread::spawn(move || writing.write_all(&queries).unwrap());
    for id in 0..500_u16 {
        let answer = read_frame(&mut client);
        assert_eq!(answer[..2], id.to_be_bytes());
        assert_eq!(answer.len(), 33 + 100 * 16);
    }
    writer.join().unwrap();
    server.stop();
}

#[test]
fn messages_may_come_in_any_pieces() {
    let (_writer, server) = server(Options::default());
    let mut client = tcp_client(server.local_addrs()[0]);
    client.set_nodelay(true).unwrap();
    let one = frame(&Query::parse("www.example.com").bytes());
    let two = [&one[..], &one].concat();
    for cut in 1..two.len() {
        client.write_all(&two[..cut]).unwrap();
        if cut >= one.len() {
            assert_eq!(testing::text_of(&read_frame(&mut client)), WWW);
        }
        client.write_all(&two[cut..]).unwrap();
        if cut < one.len() {
            assert_eq!(testing::text_of(&read_frame(&mut client)), WWW);
        }
        assert_eq!(testing::text_of(&read_frame(&mut client)), WWW);
    }
    server.stop();
}

#[test]
fn lengths_that_make_no_sense_do_no_harm() {
    let (_writer, server) = server(Options::default());
    let mut client = tcp_client(server.local_addrs()[0]);
    // Nothing, three bytes, a response of full length, and then a query.
    client.write_all(&[0, 0, 0, 3, 1, 2, 3]).unwrap();
    client.write_all(&frame(&[0xff; 65_535])).unwrap();
    assert_eq!(ask_tcp(&mut client, "www.example.com"), WWW);
    let mut longest = Query::parse("www.example.com").bytes();
    longest.resize(65_535, 0);
    client.write_all(&frame(&longest)).unwrap();
    assert_eq!(testing::text_of(&read_frame(&mut client)), "FORMERR\n");
    server.stop();
}

#[test]
fn a_client_that_has_finished_gets_its_answers_and_the_end() {
    let (_writer, server) = server(Options::default());
    let mut client = tcp_client(server.local_addrs()[0]);
    let query = frame(&Query::parse("www.example.com").bytes());
    client.write_all(&[&query[..], &query, b"\x00\x20half"].concat()).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut answers = Vec::new();
    client.read_to_end(&mut answers).unwrap();
    assert_eq!(answers.len(), 2 * (2 + 49));
    server.stop();
}

#[test]
fn rfc7766_6_2_3_idle_and_dripping_connections_are_closed() {
    let idle = Duration::from_millis(300);
    let (_writer, server) = server(Options { idle, ..Options::default() });
    let address = server.local_addrs()[0];
    let mut silent = tcp_client(address);
    let mut dripping = tcp_client(address);
    assert_eq!(ask_tcp(&mut dripping, "www.example.com"), WWW);
    // One byte now and then, of a message that never gets whole.
    dripping.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let closed = (0..200).any(|_| {
        let sent = dripping.write_all(&[1]);
        sent.is_err()
            || match dripping.read(&mut [0; 16]) {
                Ok(length) => length == 0,
                Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
            }
    });
    assert!(closed);
    assert_eq!(silent.read(&mut [0; 16]).unwrap(), 0);
    server.stop();
}

#[test]
fn who_does_not_read_is_dropped_and_holds_nobody_up() {
    let idle = Duration::from_millis(500);
    let (_writer, server) = server(Options { idle, ..Options::default() });
    let address = server.local_addrs()[0];
    let greedy = tcp_client(address);
    greedy.set_write_timeout(Some(super::PATIENCE)).unwrap();
    let query = frame(&Query::parse("big.example.com").bytes());
    let mut writing = greedy.try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        // 1633 bytes of answer to each of 35: more than all buffers on the way hold.
        (0..1_000_000).find_map(|_| writing.write_all(&query).err())
    });
    assert_eq!(ask_tcp(&mut tcp_client(address), "www.example.com"), WWW);
    let error = writer.join().unwrap().expect("the server closes the connection");
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
    drop(greedy);
    server.stop();
}

#[test]
fn where_all_connections_are_taken_the_one_silent_longest_makes_way() {
    let options = Options { connections_max: 4, workers: 1, ..Options::default() };
    let (_writer, server) = server(options);
    let address = server.local_addrs()[0];
    let mut clients: Vec<_> = (0..4).map(|_| tcp_client(address)).collect();
    for client in &mut clients {
        assert_eq!(ask_tcp(client, "www.example.com"), WWW);
    }
    assert_eq!(server.tcp_connections(), 4);
    assert_eq!(ask_tcp(&mut clients[0], "www.example.com"), WWW);
    let mut fifth = tcp_client(address);
    assert_eq!(ask_tcp(&mut fifth, "www.example.com"), WWW);
    // The system may say so in either way.
    assert!(matches!(clients.remove(1).read(&mut [0; 16]), Ok(0) | Err(_)));
    for client in clients.iter_mut().chain([&mut fifth]) {
        assert_eq!(ask_tcp(client, "www.example.com"), WWW);
    }
    let traffic = server.traffic();
    let sum = |pick: fn(&Traffic) -> u64| traffic.iter().map(pick).sum::<u64>();
    assert_eq!(sum(|traffic| traffic.connections_displaced), 1);
    assert_eq!(sum(|traffic| traffic.connections_refused), 0);
    server.stop();
}

#[test]
fn a_client_that_has_its_share_of_connections_gets_no_more() {
    let options = Options { client_connections_max: 2, workers: 1, ..Options::default() };
    let (_writer, server) = server(options);
    let address = server.local_addrs()[0];
    let mut clients: Vec<_> = (0..2).map(|_| tcp_client(address)).collect();
    for client in &mut clients {
        assert_eq!(ask_tcp(client, "www.example.com"), WWW);
    }
    let mut third = tcp_client(address);
    // Closed without an answer; the system may say so in either way.
    assert!(matches!(third.read(&mut [0; 16]), Ok(0) | Err(_)));
    for client in &mut clients {
        assert_eq!(ask_tcp(client, "www.example.com"), WWW);
    }
    let refused: u64 = server.traffic().iter().map(|sum| sum.connections_refused).sum();
    assert_eq!(refused, 1);
    server.stop();
}

#[test]
fn stopping_closes_open_connections() {
    let (_writer, server) = server(Options::default());
    let mut client = tcp_client(server.local_addrs()[0]);
    assert_eq!(ask_tcp(&mut client, "www.example.com"), WWW);
    server.stop();
    assert!(matches!(client.read(&mut [0; 16]), Ok(0) | Err(_)));
}
