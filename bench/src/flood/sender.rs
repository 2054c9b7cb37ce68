//! Queries whose senders are made up, at a rate.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use model::RecordType;
use serde::{Deserialize, Serialize};

use super::raw::{BATCH, RawSocket};
use crate::query::{name, query};
use crate::static_zone::host;

/// Different packets, sent over and over.
const PACKETS: u32 = 1 << 17;

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Sent {
    pub queries: u64,
    pub seconds: f64,
}

// === impl Sent ===

impl Sent {
    pub fn a_second(&self) -> u64 {
        if self.queries == 0 { 0 } else { (self.queries as f64 / self.seconds) as u64 }
    }
}

/// Sends for so long, so many a second or as many as it can: half of them for one name, the others for
/// names that are not there, from so many /24 of 10.0.0.0/8.
pub fn send(to: SocketAddrV4, hosts: usize, prefixes: u32, rate: u64, length: Duration) -> Sent {
    let packets: Vec<Vec<u8>> = (0..PACKETS).map(|at| packet(to, hosts, prefixes, at)).collect();
    let mut socket = RawSocket::open(*to.ip()).expect("this needs root");
    let began = Instant::now();
    let mut queries = 0;
    for batch in packets.chunks_exact(BATCH).cycle() {
        if began.elapsed() >= length {
            break;
        }
        queries += socket.send(batch) as u64;
        let due = Duration::from_secs_f64(queries as f64 / rate as f64);
        while began.elapsed() < due.min(length) {
            std::hint::spin_loop();
        }
    }
    Sent { queries, seconds: began.elapsed().as_secs_f64() }
}

fn packet(to: SocketAddrV4, hosts: usize, prefixes: u32, at: u32) -> Vec<u8> {
    let number = at as usize;
    let owner = match number % 2 {
        0 => host(hosts / 2),
        _ => format!("x{:07x}.example.com", number.wrapping_mul(2_654_435_761) & 0xfff_ffff),
    };
    // Each prefix with all of its hosts.
    let from = Ipv4Addr::from(0x0a00_0000 | (at % prefixes) << 8 | (at / prefixes) & 0xff);
    let from = SocketAddrV4::new(from, 1024 + (at % 60_000) as u16);
    datagram(from, to, &query(at as u16, &name(&owner), RecordType::A))
}

/// With the headers of IPv4 (RFC 791; the system fills in the length, the number and the sum) and of UDP
/// (RFC 768; no sum).
fn datagram(from: SocketAddrV4, to: SocketAddrV4, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + data.len()).expect("a query is short");
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0];
    packet.extend_from_slice(&from.ip().octets());
    packet.extend_from_slice(&to.ip().octets());
    for number in [from.port(), to.port(), length, 0] {
        packet.extend_from_slice(&number.to_be_bytes());
    }
    packet.extend_from_slice(data);
    packet
}
