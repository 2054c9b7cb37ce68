//! Datagrams.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use super::{PATIENCE, WWW, ask_udp, server, store, udp_client};
use crate::server::{Options, Server};
use crate::testing::{self, Query};

#[test]
fn a_burst_is_answered_whole_and_each_query_by_its_own_answer() {
    let (_writer, server) = server(Options::default());
    let client = udp_client(server.local_addrs()[0]);
    let queries = (0..200).map(|id| {
        let question = if id % 3 == 0 { "www.example.com" } else { "nope.example.com" };
        Query { id, ..Query::parse(question) }
    });
    let mut missing = [true; 200];
    for query in queries {
        client.send(&query.bytes()).unwrap();
        // More than a batch, less than the smallest socket buffer holds.
        if query.id % 100 == 99 {
            for _ in 0..100 {
                let mut answer = [0; 1500];
                let length = client.recv(&mut answer).unwrap();
                let id = usize::from(u16::from_be_bytes([answer[0], answer[1]]));
                assert!(std::mem::take(&mut missing[id]));
                let text = testing::text_of(&answer[..length]);
                assert_eq!(text == WWW, id % 3 == 0, "{id}: {text}");
            }
        }
    }
    assert!(!missing.contains(&true));
    server.stop();
}

#[test]
fn a_wildcard_socket_answers_from_the_address_that_was_asked() {
    let (_writer, reader) = store();
    let listen: [SocketAddr; 2] = ["0.0.0.0:0".parse().unwrap(), "[::]:0".parse().unwrap()];
    let server = Server::bind(&listen, 1, reader).unwrap();
    let [v4, v6] = [server.local_addrs()[0].port(), server.local_addrs()[1].port()];
    for last in 1..6 {
        let asked = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)), v4);
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.send_to(&Query::parse("www.example.com").bytes(), asked).unwrap();
        let mut answer = [0; 1500];
        let (length, from) = client.recv_from(&mut answer).unwrap();
        assert_eq!(from, asked);
        assert_eq!(testing::text_of(&answer[..length]), WWW);
    }
    assert_eq!(
        ask_udp(&udp_client(SocketAddr::new("::1".parse().unwrap(), v6)), "www.example.com"),
        WWW
    );
    server.stop();
}

#[test]
fn datagrams_of_any_length_do_no_harm() {
    let (_writer, server) = server(Options::default());
    let client = udp_client(server.local_addrs()[0]);
    for length in [0, 1, 11, 2047, 2048, 2049, 9000] {
        // A response, so that nothing comes back.
        client.send(&vec![0xff; length]).unwrap();
    }
    let mut long = Query::parse("www.example.com").bytes();
    long.resize(5000, 0);
    client.send(&long).unwrap();
    let mut answer = [0; 1500];
    let answered = client.recv(&mut answer).unwrap();
    assert_eq!(testing::text_of(&answer[..answered]), "FORMERR\n");
    assert_eq!(ask_udp(&client, "www.example.com"), WWW);
    server.stop();
}

#[test]
fn a_publication_is_seen_by_the_next_query() {
    let (mut writer, server) = server(Options::default());
    let client = udp_client(server.local_addrs()[0]);
    let apex = testing::name("example.com");
    for last in 1..100 {
        let after = testing::zone(
            "example.com",
            &format!("@ SOA ns hostmaster 1 900 300 604800 60\nwww A 192.0.2.{last}"),
        );
        let set = after.sets(&testing::name("www.example.com"));
        let change = (&testing::name("www.example.com"), set);
        let _ = writer.replace_sets(&apex, &[change], testing::SERIAL).unwrap();
        let expect = format!("NOERROR aa\nan www.example.com. 300 A 192.0.2.{last}\n");
        assert_eq!(ask_udp(&client, "www.example.com"), expect);
    }
    server.stop();
}
