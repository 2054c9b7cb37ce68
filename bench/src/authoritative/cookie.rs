//! A cookie that a server gives to this machine (RFC 7873).

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use model::RecordType;

use crate::query::{name, query};
use crate::static_zone::host;

const CODE: [u8; 2] = [0, 10];
const CLIENT: &[u8; 8] = b"measured";
/// The client's 8 bytes and the server's 16 (RFC 9018).
const WHOLE: usize = 24;
const PATIENCE: Duration = Duration::from_secs(5);

/// The option with which a client from loopback shows that it is who it says: valid for an hour.
pub fn option_of(port: u16) -> Vec<u8> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("the system has a port");
    socket.connect((Ipv4Addr::LOCALHOST, port)).expect("loopback is there");
    socket.set_read_timeout(Some(PATIENCE)).expect("a socket can be told so");
    let mut query = query(1, &name(&host(1)), RecordType::A);
    query.truncate(query.len() - 2);
    query.extend_from_slice(&[0, 12]);
    query.extend_from_slice(&option(CLIENT));
    socket.send(&query).expect("loopback takes it");
    let mut answer = [0; 1500];
    let length = socket.recv(&mut answer).expect("the server answers");
    let given = answer[..length].windows(CLIENT.len()).position(|bytes| bytes == CLIENT);
    let given = given.expect("the server gives cookies");
    option(&answer[given..given + WHOLE])
}

fn option(cookie: &[u8]) -> Vec<u8> {
    let length = u16::try_from(cookie.len()).expect("a cookie is short");
    [&CODE[..], &length.to_be_bytes(), cookie].concat()
}
