//! Clients that ask all the time, over one transport each, and take note of every answer.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use model::Serial;
use tests::certificates::client_config;
use tests::eventually::{GENEROUS, eventually};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConnection, StreamOwned};

use crate::encrypted::stage::framed;
use crate::serve::folder::WEB;

const ADDRESS: [u8; 4] = [192, 0, 2, 1];
const A: u8 = 1;
const SOA: u8 = 6;

/// Clients on threads of their own.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Seen>>,
    answers: Arc<AtomicU64>,
}

/// What one client has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub answers: u64,
    /// Queries that were on their way when the server closed the connection, asked again on the next one
    /// (RFC 7766 section 6.2.4).
    pub asked_again: u64,
    serial: Option<Serial>,
}

enum Way {
    Udp(UdpSocket),
    Tcp(SocketAddr, Option<TcpStream>),
    Tls(SocketAddr, Option<Box<StreamOwned<ClientConnection, TcpStream>>>),
}

impl Load {
    /// Three clients over UDP, two over TCP, and one over TLS where there is a port for it.
    pub fn start(dns: u16, dot: Option<u16>) -> Self {
        let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut ways: Vec<Way> = (0..3).map(|_| Way::Udp(datagrams(address(dns)))).collect();
        ways.extend((0..2).map(|_| Way::Tcp(address(dns), None)));
        ways.extend(dot.map(|port| Way::Tls(address(port), None)));
        let (stop, answers) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let client = |(number, mut way): (usize, Way)| {
            let (stop, answers) = (Arc::clone(&stop), Arc::clone(&answers));
            thread::spawn(move || {
                let mut seen = Seen::default();
                let mut id = (number as u16) << 12;
                while !stop.load(Ordering::Relaxed) {
                    for record_type in [A, SOA] {
                        id = id.wrapping_add(1);
                        way.ask(id, record_type, &mut seen);
                        answers.fetch_add(1, Ordering::Relaxed);
                    }
                }
                seen
            })
        };
        let clients = ways.into_iter().enumerate().map(client).collect();
        Self { stop, clients, answers }
    }

    /// Waits until everybody has had some more answers.
    pub fn goes_on(&self) {
        let before = self.answers.load(Ordering::Relaxed);
        eventually(GENEROUS, "answers come", || {
            let now = self.answers.load(Ordering::Relaxed);
            if now > before + 1_000 { Ok(()) } else { Err(now - before) }
        });
        let ended = self.clients.iter().filter(|client| client.is_finished()).count();
        assert_eq!(ended, 0, "no client has given up");
    }

    /// What each has seen. Whoever lost a query, or saw a wrong answer, has panicked.
    #[track_caller]
    pub fn stop(self) -> Vec<Seen> {
        self.stop.store(true, Ordering::Relaxed);
        let seen = self.clients.into_iter().map(|it| it.join().expect("no query is lost"));
        seen.collect()
    }
}

fn datagrams(server: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("the system has a free port");
    socket.connect(server).expect("loopback is there");
    socket.set_read_timeout(Some(GENEROUS)).expect("a socket takes a time limit");
    socket
}

fn connect(server: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(server).expect("connections are taken at any time");
    stream.set_nodelay(true).expect("a socket takes this");
    stream.set_read_timeout(Some(GENEROUS)).expect("a socket takes a time limit");
    stream
}

fn connect_tls(server: SocketAddr) -> StreamOwned<ClientConnection, TcpStream> {
    let name = ServerName::try_from("localhost").expect("a name");
    let client = ClientConnection::new(client_config(), name).expect("a client");
    StreamOwned::new(client, connect(server))
}

impl Way {
    fn ask(&mut self, id: u16, record_type: u8, seen: &mut Seen) {
        let query = query(id, record_type);
        let answer = match self {
            Self::Udp(socket) => {
                socket.send(&query).expect("loopback takes a datagram");
                let mut answer = vec![0; 4096];
                let length = socket.recv(&mut answer).expect("each query over UDP is answered");
                answer.truncate(length);
                answer
            }
            Self::Tcp(server, stream) => on_stream(stream, || connect(*server), &query, seen),
            Self::Tls(server, stream) => {
                on_stream(stream, || Box::new(connect_tls(*server)), &query, seen)
            }
        };
        seen.take(&answer, id, record_type);
    }
}

/// On a connection that the server may close at any time: then the query goes over the next one, once.
fn on_stream<S: Read + Write>(
    stream: &mut Option<S>,
    connect: impl Fn() -> S,
    query: &[u8],
    seen: &mut Seen,
) -> Vec<u8> {
    for _ in 0..2 {
        match exchange(stream.get_or_insert_with(&connect), query) {
            Ok(answer) => return answer,
            Err(error) => {
                assert!(
                    !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
                    "{error}"
                );
                *stream = None;
                seen.asked_again += 1;
            }
        }
    }
    panic!("a query on a connection that is new was not answered");
}

fn exchange(stream: &mut (impl Read + Write), query: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(&framed(query))?;
    stream.flush()?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

impl Seen {
    fn take(&mut self, answer: &[u8], id: u16, record_type: u8) {
        self.answers += 1;
        assert_eq!(answer[..2], id.to_be_bytes(), "each query has its own answer");
        assert_eq!(answer[3] & 0xf, 0, "no answer is an error: {answer:?}");
        assert!(answer[7] > 0, "every answer has records: {answer:?}");
        if record_type == A {
            assert!(answer.windows(4).any(|window| window == ADDRESS), "{answer:?}");
            return;
        }
        // The SOA's data ends with five numbers; without a question for more, nothing follows it.
        let at = answer.len() - 20;
        let serial = Serial(u32::from_be_bytes(answer[at..at + 4].try_into().expect("four bytes")));
        let before = self.serial.replace(serial);
        let grows = before.is_none_or(|it| it == serial || serial.is_newer_than(it));
        assert!(grows, "{serial} after {before:?}");
    }
}

fn query(id: u16, record_type: u8) -> Vec<u8> {
    let mut query = id.to_be_bytes().to_vec();
    query.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    let name = if record_type == SOA { "example.com" } else { WEB };
    for label in name.split('.') {
        query.push(u8::try_from(label.len()).expect("a short label"));
        query.extend(label.bytes());
    }
    query.extend([0, 0, record_type, 0, 1]);
    query
}
