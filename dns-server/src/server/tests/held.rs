//! Sockets that go from one server to another while queries arrive.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::{PATIENCE, WWW, ask_tcp, ask_udp, frame, loopback, read_frame, store, tcp_client};
use super::{transfers, udp_client};
use crate::respond::Transport;
use crate::server::{Addresses, Inherited, Listeners, Options, Server};
use crate::testing::Query;
use crate::testing::message::Answer;
use crate::{Reader, Writer};

const WORKERS: usize = 2;

fn first() -> (Writer, Reader, Server, SocketAddr) {
    let (writer, reader) = store();
    let server = Server::bind(&[loopback()], WORKERS, reader.clone()).unwrap();
    let address = server.local_addrs()[0];
    (writer, reader, server, address)
}

/// What another process would get.
fn handles(server: &Server) -> Inherited {
    let mut inherited = Inherited::default();
    for socket in server.sockets() {
        let handle = socket.as_fd().try_clone_to_owned().unwrap();
        match socket.transport {
            Transport::Udp => inherited.udp.push(UdpSocket::from(handle)),
            _ => inherited.tcp.push(TcpListener::from(handle)),
        }
    }
    inherited
}

fn second(first: &Server, reader: Reader) -> Server {
    let addresses = Addresses::plain(first.local_addrs());
    let listeners = Listeners::bind(&addresses, WORKERS, &mut handles(first)).unwrap();
    let options = Options { workers: WORKERS, ..Options::default() };
    Server::start_on(listeners, options, reader, transfers()).unwrap()
}

#[test]
fn each_socket_has_a_handle() {
    let (_writer, _reader, server, address) = first();
    let inherited = handles(&server);
    assert_eq!((inherited.udp.len(), inherited.tcp.len()), (WORKERS, WORKERS));
    assert!(inherited.udp.iter().all(|it| it.local_addr().unwrap() == address));
    assert!(inherited.tcp.iter().all(|it| it.local_addr().unwrap() == address));
}

#[test]
fn what_arrives_meanwhile_waits_for_who_serves_next() {
    for is_taken_over in [true, false] {
        let (_writer, reader, server, address) = first();
        let mut open = tcp_client(address);
        assert_eq!(ask_tcp(&mut open, "www.example.com"), WWW);
        server.hold().unwrap();
        let clients: Vec<UdpSocket> = (0..16).map(|_| udp_client(address)).collect();
        let mut connections: Vec<TcpStream> = (0..16).map(|_| tcp_client(address)).collect();
        for client in &clients {
            client.send(&Query::parse("www.example.com").bytes()).unwrap();
        }
        assert_eq!(ask_tcp(&mut open, "www.example.com"), WWW);
        let next = is_taken_over.then(|| second(&server, reader));
        if next.is_none() {
            server.serve_on();
        }
        for client in &clients {
            assert!(client.recv(&mut [0; 512]).unwrap() > 12);
        }
        for connection in &mut connections {
            assert_eq!(ask_tcp(connection, "www.example.com"), WWW);
        }
        let of = next.as_ref().unwrap_or(&server);
        let udp = of.traffic().into_iter().find(|it| it.transport == Transport::Udp).unwrap();
        let answers: u64 =
            udp.zones.iter().map(|(_, zone)| zone.response_sizes.iter().sum::<u64>()).sum();
        assert_eq!(answers, 16);
    }
}

/// Servers take turns while somebody asks all the time.
#[test]
fn no_query_is_lost_over_any_row_of_servers() {
    let (_writer, reader, mut server, address) = first();
    let done = Arc::new(AtomicBool::new(false));
    let askers: Vec<_> = (0..3)
        .map(|_| {
            let done = Arc::clone(&done);
            thread::spawn(move || {
                let mut asked = 0;
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(ask_udp(&udp_client(address), "www.example.com"), WWW);
                    assert_eq!(ask_tcp(&mut tcp_client(address), "www.example.com"), WWW);
                    asked += 1;
                }
                asked
            })
        })
        .collect();
    for _ in 0..20 {
        server.hold().unwrap();
        let next = second(&server, reader.clone());
        assert_eq!(server.drain(PATIENCE), 0);
        server = next;
        assert_eq!(ask_udp(&udp_client(address), "www.example.com"), WWW);
    }
    done.store(true, Ordering::Relaxed);
    for asker in askers {
        assert!(asker.join().unwrap() > 0);
    }
}

#[test]
fn rfc7828_3_3_2_who_drains_tells_clients_to_go_and_waits_for_them() {
    let (_writer, _reader, server, address) = first();
    let mut open = tcp_client(address);
    assert_eq!(ask_tcp(&mut open, "www.example.com"), WWW);
    server.hold().unwrap();
    let server = Arc::new(server);
    let draining = Arc::clone(&server);
    let drained = thread::spawn(move || draining.drain(PATIENCE));
    let mut query = Query::parse("www.example.com").edns(1232).bytes();
    let length = query.len();
    query[length - 1] = 4;
    query.extend_from_slice(&[0, 11, 0, 0]);
    // The first may come before the server drains.
    let told = (0..2_000).find(|_| {
        open.write_all(&frame(&query)).unwrap();
        let answer = Answer::parse(&read_frame(&mut open));
        answer.option(11) == Some(vec![0, 0])
    });
    assert!(told.is_some());
    drop(open);
    assert_eq!(drained.join().unwrap(), 0);
}

#[test]
fn a_connection_that_stays_open_is_counted_after_the_limit() {
    let (_writer, _reader, server, address) = first();
    let mut open = tcp_client(address);
    assert_eq!(ask_tcp(&mut open, "www.example.com"), WWW);
    server.hold().unwrap();
    assert_eq!(server.drain(Duration::ZERO), 1);
    assert_eq!(ask_tcp(&mut open, "www.example.com"), WWW);
}
