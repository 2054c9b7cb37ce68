//! Pipelined queries over TCP, and over TLS.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use tests::certificates::client_config;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConnection, StreamOwned};

use super::generator::Counted;
use super::workload::Workload;

const CONNECTIONS: usize = 20;
const PIPELINED: usize = 16;
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks a port of loopback for so long: each connection has so many queries on their way at a time.
pub fn ask(port: u16, workload: &Workload, duration: Duration) -> Counted {
    ask_over((0..CONNECTIONS).map(|_| connect(port)).collect(), PIPELINED, workload, duration)
}

/// The same over TLS, one query at a time: NSD leaves those that came with another one unanswered. Each
/// connection is made anew, handshake included.
pub fn ask_over_tls(port: u16, workload: &Workload, duration: Duration) -> Counted {
    let config = client_config();
    let connect = |_| {
        let name = ServerName::try_from("localhost").expect("a name");
        let client = ClientConnection::new(config.clone(), name).expect("a good configuration");
        StreamOwned::new(client, connect(port))
    };
    ask_over((0..CONNECTIONS).map(connect).collect(), 1, workload, duration)
}

fn ask_over(
    mut streams: Vec<impl Read + Write>,
    pipelined: usize,
    workload: &Workload,
    duration: Duration,
) -> Counted {
    let mut queries = workload.queries();
    let mut counted = Counted::default();
    let mut bytes = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < duration {
        for stream in &mut streams {
            bytes.clear();
            for query in queries.by_ref().take(pipelined) {
                let length = u16::try_from(query.len()).expect("a query is short");
                bytes.extend_from_slice(&length.to_be_bytes());
                bytes.extend_from_slice(query);
            }
            stream.write_all(&bytes).expect("the server reads");
        }
        for stream in &mut streams {
            read_answers(stream, pipelined, &mut counted);
        }
    }
    counted
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the server listens");
    stream.set_nodelay(true).expect("a socket can be told so");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket can be told so");
    stream
}

fn read_answers(stream: &mut impl Read, mut left: usize, counted: &mut Counted) {
    let mut buffer = [0; 16 << 10];
    let mut filled = 0;
    while left > 0 {
        let length = stream.read(&mut buffer[filled..]).expect("the server answers");
        assert!(length > 0, "the server closed the connection");
        filled += length;
        let mut at = 0;
        while let Some(answer) = answer_at(&buffer[at..filled]) {
            let rcode = answer[3] & 0xf;
            counted.answers += 1;
            counted.found += u64::from(rcode == 0 && answer[6..8] != [0, 0]);
            counted.absent += u64::from(rcode == 3);
            (at, left) = (at + 2 + answer.len(), left - 1);
        }
        buffer.copy_within(at..filled, 0);
        filled -= at;
    }
}

/// The first whole answer, without the length before it.
fn answer_at(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.get(..usize::from(u16::from_be_bytes(*length)))
}
