//! DNS over TLS (RFC 7858), and what all encrypted transports have in common.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::transfers::{Stage, fill, stage_at, summary};
use super::{PATIENCE, WWW, frame, loopback, store, transfers};
use crate::Writer;
use crate::respond::Transport;
use crate::server::{Addresses, Certificate, Options, Server};
use crate::testing::{self, Query};
use crate::transfer::Allow;

type Client = StreamOwned<ClientConnection, TcpStream>;

/// One that signs itself, with the PEM that clients trust.
fn certificate() -> (Certificate, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".into()]).unwrap();
    let chain = params.self_signed(&key).unwrap().pem();
    let certificate = Certificate::from_pem(chain.as_bytes(), key.serialize_pem().as_bytes());
    (certificate.unwrap(), chain)
}

/// One of each encrypted transport.
fn addresses() -> Addresses {
    let [dot, doh, doq] = [vec![loopback()], vec![loopback()], vec![loopback()]];
    Addresses { dns: vec![], dot, doh, doq }
}

fn server(options: Options) -> (Writer, Server, String) {
    let (writer, reader) = store();
    let (certificate, trusted) = certificate();
    let options = Options { certificate: Some(certificate), ..options };
    (writer, Server::bind_with(&addresses(), options, reader, transfers()).unwrap(), trusted)
}

fn address(server: &Server, transport: Transport) -> SocketAddr {
    let addresses = server.encrypted_addrs().iter();
    addresses.filter(|(of, _)| *of == transport).map(|(_, address)| *address).next().unwrap()
}

fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn client_of(stream: TcpStream, trusted: &str, protocols: &[&[u8]]) -> Client {
    let mut roots = RootCertStore::empty();
    let trusted = rustls::pki_types::CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap();
    roots.add(trusted).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let name = ServerName::try_from("localhost").unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream)
}

fn client(server: &Server, trusted: &str) -> Client {
    client_of(connect(address(server, Transport::Tls)), trusted, &[b"dot"])
}

fn read_frame(client: &mut Client) -> Vec<u8> {
    let mut length = [0; 2];
    client.read_exact(&mut length).unwrap();
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    client.read_exact(&mut message).unwrap();
    message
}

fn ask(client: &mut Client, question: &str) -> String {
    client.write_all(&frame(&Query::parse(question).bytes())).unwrap();
    testing::text_of(&read_frame(client))
}

#[test]
fn rfc7858_3_3_pipelined_queries_are_all_answered() {
    let (_writer, server, trusted) = server(Options { workers: 2, ..Options::default() });
    let mut client = client(&server, &trusted);
    for _ in 0..20 {
        let queries: Vec<u8> = (0..100)
            .flat_map(|id| frame(&Query { id, ..Query::parse("big.example.com") }.bytes()))
            .collect();
        client.write_all(&queries).unwrap();
        for id in 0..100_u16 {
            let answer = read_frame(&mut client);
            assert_eq!(answer[..2], id.to_be_bytes());
            assert_eq!(answer.len(), 33 + 100 * 16);
        }
    }
    let traffic = server.traffic();
    let dot = traffic.iter().find(|sum| sum.transport == Transport::Tls).unwrap();
    assert_eq!((dot.connections, dot.zones[0].1.response_sizes.iter().sum::<u64>()), (1, 2000));
    assert_eq!((server.encrypted_connections(), server.tcp_connections()), (1, 0));
    server.stop();
}

#[test]
fn messages_may_come_in_any_pieces() {
    let (_writer, server, trusted) = server(Options::default());
    let mut client = client(&server, &trusted);
    let one = frame(&Query::parse("www.example.com").bytes());
    let two = [&one[..], &one].concat();
    for cut in 1..two.len() {
        // Each write is a record of its own.
        client.write_all(&two[..cut]).unwrap();
        client.write_all(&two[cut..]).unwrap();
        assert_eq!(testing::text_of(&read_frame(&mut client)), WWW);
        assert_eq!(testing::text_of(&read_frame(&mut client)), WWW);
    }
    server.stop();
}

#[test]
fn rfc7858_3_2_the_protocol_is_dot_or_not_named() {
    let (_writer, server, trusted) = server(Options::default());
    let to = address(&server, Transport::Tls);
    let named: [&[&[u8]]; 3] = [&[], &[b"dot"], &[b"doq", b"dot"]];
    for protocols in named {
        let mut client = client_of(connect(to), &trusted, protocols);
        assert_eq!(ask(&mut client, "www.example.com"), WWW);
    }
    let mut other = client_of(connect(to), &trusted, &[b"h2"]);
    assert!(other.write_all(b"\0").is_err() || other.read(&mut [0; 16]).is_err());
    server.stop();
}

/// Waits for the end of a connection to which one byte is sent now and then.
fn is_closed_while_dripping(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    (0..400).any(|_| {
        let is_waiting = |error: &std::io::Error| {
            matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
        };
        stream.write_all(&[0x16]).is_err()
            || stream.read(&mut [0; 16]).map_or_else(|error| !is_waiting(&error), |read| read == 0)
    })
}

#[test]
fn who_never_ends_a_handshake_or_a_request_is_dropped() {
    let idle = Duration::from_millis(300);
    let (_writer, server, _) = server(Options { idle, ..Options::default() });
    for transport in [Transport::Tls, Transport::Https] {
        let mut silent = connect(address(&server, transport));
        assert_eq!(silent.read(&mut [0; 16]).unwrap(), 0, "{transport:?}");
        let mut dripping = connect(address(&server, transport));
        // The beginning of a record that is longer than what follows.
        dripping.write_all(&[0x16, 3, 1, 0x20, 0]).unwrap();
        assert!(is_closed_while_dripping(&mut dripping), "{transport:?}");
    }
    let failures: u64 = server.traffic().iter().map(|sum| sum.handshake_failures).sum();
    assert_eq!(failures, 4);
    server.stop();
}

#[test]
fn half_a_message_earns_no_time() {
    let idle = Duration::from_millis(300);
    let (_writer, server, trusted) = server(Options { idle, ..Options::default() });
    let mut client = client(&server, &trusted);
    assert_eq!(ask(&mut client, "www.example.com"), WWW);
    client.sock.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let closed = (0..400).any(|_| {
        client.write_all(&[1]).is_err()
            || match client.read(&mut [0; 16]) {
                Ok(length) => length == 0,
                Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
            }
    });
    assert!(closed);
    server.stop();
}

#[test]
fn who_does_not_read_is_dropped_and_holds_nobody_up() {
    let idle = Duration::from_millis(500);
    let (_writer, server, trusted) = server(Options { idle, ..Options::default() });
    let mut greedy = client(&server, &trusted);
    greedy.sock.set_write_timeout(Some(PATIENCE)).unwrap();
    let query = frame(&Query::parse("big.example.com").bytes());
    let writer =
        std::thread::spawn(move || (0..1_000_000).find_map(|_| greedy.write_all(&query).err()));
    assert_eq!(ask(&mut client(&server, &trusted), "www.example.com"), WWW);
    let error = writer.join().unwrap().expect("the server closes the connection");
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
    server.stop();
}

#[test]
fn one_client_cannot_have_all_connections() {
    let options = Options { client_connections_max: 3, ..Options::default() };
    let (_writer, server, trusted) = server(options);
    let mut clients: Vec<_> = (0..3).map(|_| client(&server, &trusted)).collect();
    for client in &mut clients {
        assert_eq!(ask(client, "www.example.com"), WWW);
    }
    let mut fourth = connect(address(&server, Transport::Tls));
    assert!(matches!(fourth.read(&mut [0; 16]), Ok(0) | Err(_)));
    // Another address of the loopback network.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 2], 0)).into()).unwrap();
    socket.connect(&address(&server, Transport::Tls).into()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(ask(&mut client_of(socket.into(), &trusted, &[]), "www.example.com"), WWW);
    server.stop();
}

#[test]
fn rfc9103_7_1_a_zone_goes_over_tls() {
    let everybody = [Allow::From("127.0.0.1".parse().unwrap())];
    let (certificate, trusted) = certificate();
    let options = Options { certificate: Some(certificate), ..Options::default() };
    let Stage { mut writer, server, .. } = stage_at(&addresses(), &everybody, options);
    fill(&mut writer, 1000);
    let mut client = client(&server, &trusted);
    client.write_all(&frame(&Query::parse("example.com AXFR").bytes())).unwrap();
    let mut records = 0;
    while records < 1003 {
        let (code, count) = summary(&read_frame(&mut client));
        assert_eq!(code, 0);
        records += count;
    }
    assert_eq!(records, 1003);
    assert_eq!(ask(&mut client, "www.example.com"), WWW);
    server.stop();
}

#[test]
fn another_certificate_is_shown_to_new_connections_and_old_ones_go_on() {
    let (_writer, server, old_trusted) = server(Options { workers: 2, ..Options::default() });
    let mut old = client(&server, &old_trusted);
    assert_eq!(ask(&mut old, "www.example.com"), WWW);
    let (new_certificate, new_trusted) = certificate();
    server.show_certificate(new_certificate);
    assert_eq!(ask(&mut client(&server, &new_trusted), "www.example.com"), WWW);
    let mut distrusting = client(&server, &old_trusted);
    assert!(distrusting.write_all(b"\0").is_err() || distrusting.read(&mut [0; 16]).is_err());
    assert_eq!(ask(&mut old, "www.example.com"), WWW);
    server.stop();
}

#[test]
fn stopping_closes_open_connections() {
    let (_writer, server, trusted) = server(Options::default());
    let mut client = client(&server, &trusted);
    assert_eq!(ask(&mut client, "www.example.com"), WWW);
    server.stop();
    assert!(matches!(client.read(&mut [0; 16]), Ok(0) | Err(_)));
}

#[test]
fn a_port_that_is_taken_is_named() {
    let (_writer, reader) = store();
    let tcp = std::net::TcpListener::bind(loopback()).unwrap();
    let taken = tcp.local_addr().unwrap();
    let (certificate, _) = certificate();
    let addresses = Addresses { doh: vec![taken], ..Addresses::default() };
    let options = Options { certificate: Some(certificate), ..Options::default() };
    let error = Server::bind_with(&addresses, options, reader, transfers()).err().unwrap();
    assert_eq!((error.address, error.transport), (taken, Transport::Https));
    assert_eq!(error.to_string(), format!("cannot listen on {taken}/tcp"));
}
