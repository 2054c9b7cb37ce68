//! An honest client: one query at a time, sent again when no answer comes, over TCP where the answer was cut.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use model::RecordType;
use serde::{Deserialize, Serialize};
use socket2::{Domain, Socket, Type};

use crate::latency::{Latency, milliseconds};
use crate::pace::pause;
use crate::query::{has_records, name, query};
use crate::static_zone::host;

/// For one answer, before the query is sent again; as resolvers do.
const PATIENCE: Duration = Duration::from_millis(400);
const TRIES: usize = 3;
/// Between two queries.
const REST: Duration = Duration::from_millis(5);
/// TC, in the third byte.
const CUT: u8 = 2;

#[derive(Debug, Serialize, Deserialize)]
pub struct Heard {
    pub asked: u64,
    /// With records, within the tries.
    pub answered: u64,
    pub over_tcp: u64,
    /// Milliseconds of those that were answered.
    pub median: f64,
    pub p99: f64,
}

// === impl Heard ===

impl Heard {
    pub fn percent(&self) -> f64 {
        self.answered as f64 * 100.0 / self.asked as f64
    }

    pub fn cells(&self) -> [String; 5] {
        let Self { asked, over_tcp, median, p99, .. } = self;
        let percent = format!("{:.2} %", self.percent());
        [
            asked.to_string(),
            percent,
            over_tcp.to_string(),
            format!("{median:.2}"),
            format!("{p99:.2}"),
        ]
    }
}

/// Asks for so long, from this address.
pub fn ask(
    from: Ipv4Addr,
    to: SocketAddrV4,
    hosts: usize,
    over_tcp: bool,
    length: Duration,
) -> Heard {
    let began = Instant::now();
    let (mut asked, mut tcp, mut times) = (0, 0, Vec::new());
    while began.elapsed() < length {
        let at = (asked as usize).wrapping_mul(2_654_435_761) % hosts;
        let query = query(asked as u16, &name(&host(at)), RecordType::A);
        let start = Instant::now();
        let answered = (0..TRIES).find_map(|_| one(from, to, &query, over_tcp));
        if let Some(was_tcp) = answered {
            times.push(milliseconds(start, Instant::now()));
            tcp += u64::from(was_tcp);
        }
        asked += 1;
        pause(REST);
    }
    let answered = times.len() as u64;
    let times = if times.is_empty() { vec![f64::NAN] } else { times };
    let times = Latency::new(times);
    Heard { asked, answered, over_tcp: tcp, median: times.median(), p99: times.p99() }
}

/// Whether it took TCP; `None` without an answer.
fn one(from: Ipv4Addr, to: SocketAddrV4, query: &[u8], over_tcp: bool) -> Option<bool> {
    if !over_tcp {
        let answer = over_udp(from, to, query)?;
        if answer[2] & CUT == 0 {
            return has_records(&answer).then_some(false);
        }
    }
    has_records(&by_connection(from, to, query)?).then_some(true)
}

fn over_udp(from: Ipv4Addr, to: SocketAddrV4, query: &[u8]) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind((from, 0)).expect("the address is here");
    socket.connect(to).expect("there is a route");
    socket.set_read_timeout(Some(PATIENCE)).expect("a socket can be told so");
    socket.send(query).ok()?;
    let mut answer = vec![0; 1500];
    let length = socket.recv(&mut answer).ok().filter(|length| *length >= 12)?;
    answer.truncate(length);
    Some(answer)
}

fn by_connection(from: Ipv4Addr, to: SocketAddrV4, query: &[u8]) -> Option<Vec<u8>> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddrV4::new(from, 0).into()).expect("the address is here");
    socket.connect_timeout(&to.into(), PATIENCE).ok()?;
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket can be told so");
    let length = u16::try_from(query.len()).expect("a query is short").to_be_bytes();
    stream.write_all(&[&length, query].concat()).ok()?;
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer).ok()?;
    (answer.len() >= 12).then_some(answer)
}
