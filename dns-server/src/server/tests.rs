//! Real sockets on loopback: what only they can get wrong.

mod encrypted;
mod guarded;
mod held;
mod policy;
mod tcp;
mod transfers;
mod udp;

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use crate::respond::{Rcode, Transport};
use crate::server::{Addresses, Options, Server, TypeBucket};
use crate::testing::{self, Query};
use crate::transfer::Transfers;
use crate::{Reader, Writer};
use model::RecordType;

/// Long enough for any machine; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

fn store() -> (Writer, Reader) {
    let mut zone = String::from("@ SOA ns hostmaster 1 900 300 604800 60\nwww A 192.0.2.1\n");
    for at in 0..100 {
        zone += &format!("big A 10.0.0.{at}\n");
    }
    testing::store(&[testing::zone("example.com", &zone)])
}

fn loopback() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)
}

fn server(options: Options) -> (Writer, Server) {
    let (writer, reader) = store();
    (
        writer,
        Server::bind_with(&Addresses::plain(&[loopback()]), options, reader, transfers()).unwrap(),
    )
}

/// Nobody may have anything.
fn transfers() -> Arc<Transfers> {
    Arc::new(Transfers::new(super::system_time))
}

fn udp_client(to: SocketAddr) -> UdpSocket {
    let any: IpAddr = match to {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let client = UdpSocket::bind((any, 0)).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.connect(to).unwrap();
    client
}

fn ask_udp(client: &UdpSocket, question: &str) -> String {
    client.send(&Query::parse(question).bytes()).unwrap();
    let mut answer = [0; 2000];
    let length = client.recv(&mut answer).unwrap();
    testing::text_of(&answer[..length])
}

fn tcp_client(to: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(to).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client
}

fn frame(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes(), message].concat()
}

fn read_frame(client: &mut TcpStream) -> Vec<u8> {
    let mut length = [0; 2];
    client.read_exact(&mut length).unwrap();
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    client.read_exact(&mut message).unwrap();
    message
}

fn ask_tcp(client: &mut TcpStream, question: &str) -> String {
    client.write_all(&frame(&Query::parse(question).bytes())).unwrap();
    testing::text_of(&read_frame(client))
}

const WWW: &str = "NOERROR aa\nan www.example.com. 300 A 192.0.2.1\n";

#[test]
fn a_port_that_is_taken_is_named() {
    let (_writer, reader) = store();
    let tcp = std::net::TcpListener::bind(loopback()).unwrap();
    let address = tcp.local_addr().unwrap();
    let error = Server::bind(&[address], 1, reader.clone()).err().unwrap();
    assert_eq!((error.address, error.transport), (address, Transport::Tcp));
    assert_eq!(error.to_string(), format!("cannot listen on {address}/tcp"));
    drop(tcp);
    let udp = UdpSocket::bind(address).unwrap();
    let error = Server::bind(&[address], 1, reader).err().unwrap();
    assert_eq!((error.address, error.transport), (address, Transport::Udp));
    drop(udp);
}

/// Two servers of one user would otherwise share the port in silence.
#[test]
fn a_second_server_is_refused_and_a_later_one_is_not() {
    let (_writer, reader) = store();
    let first = Server::bind(&[loopback()], 2, reader.clone()).unwrap();
    let address = first.local_addrs()[0];
    assert!(Server::bind(&[address], 2, reader.clone()).is_err());
    assert_eq!(ask_udp(&udp_client(address), "www.example.com"), WWW);
    assert_eq!(ask_tcp(&mut tcp_client(address), "www.example.com"), WWW);
    first.stop();
    let second = Server::bind(&[address], 2, reader).unwrap();
    assert_eq!(ask_udp(&udp_client(address), "www.example.com"), WWW);
    second.stop();
}

#[test]
fn several_addresses_of_both_families_and_several_workers() {
    let (_writer, reader) = store();
    let listen = [loopback(), loopback(), "[::1]:0".parse().unwrap()];
    let server = Server::bind(&listen, 2, reader).unwrap();
    assert_eq!(server.local_addrs().len(), 3);
    for address in server.local_addrs() {
        for _ in 0..8 {
            assert_eq!(ask_udp(&udp_client(*address), "www.example.com"), WWW);
            assert_eq!(ask_tcp(&mut tcp_client(*address), "www.example.com"), WWW);
        }
    }
    server.stop();
}

#[test]
fn what_came_and_went_is_counted() {
    let (_writer, server) = server(Options { workers: 2, ..Options::default() });
    let address = server.local_addrs()[0];
    let client = udp_client(address);
    for question in ["www.example.com", "nope.example.com AAAA", "example.org", "big.example.com"] {
        ask_udp(&client, question);
    }
    client.send(b"junk").unwrap();
    ask_udp(&client, "www.example.com TYPE4711");
    let mut tcp = tcp_client(address);
    ask_tcp(&mut tcp, "big.example.com");
    let traffic = server.traffic();
    let udp = traffic.iter().find(|sum| sum.transport == Transport::Udp).unwrap();
    assert_eq!((udp.address, udp.dropped, udp.send_errors), (address, 1, 0));
    let zone_named = |zone: Option<&str>| {
        let zone = zone.map(testing::name);
        &udp.zones.iter().find(|(name, _)| *name == zone).unwrap().1
    };
    let (ours, foreign) = (zone_named(Some("example.com")), zone_named(None));
    assert_eq!(
        ours.requests_by_type().collect::<Vec<_>>(),
        [
            (TypeBucket::One(RecordType::A), 2),
            (TypeBucket::One(RecordType::AAAA), 1),
            (TypeBucket::Other, 1),
        ]
    );
    assert_eq!(
        ours.responses_by_rcode().collect::<Vec<_>>(),
        [(Rcode::NOERROR, 3), (Rcode::NXDOMAIN, 1)]
    );
    assert_eq!(ours.truncated, 1);
    assert_eq!(ours.response_sizes.iter().sum::<u64>(), 4);
    assert_eq!(ours.request_bytes, 33 + 34 + 33 + 33);
    assert_eq!(foreign.responses_by_rcode().collect::<Vec<_>>(), [(Rcode::REFUSED, 1)]);
    let tcp_traffic = traffic.iter().find(|sum| sum.transport == Transport::Tcp).unwrap();
    assert_eq!((tcp_traffic.connections, tcp_traffic.zones.len()), (1, 1));
    assert_eq!(tcp_traffic.zones[0].1.truncated, 0);
    server.stop();
}
