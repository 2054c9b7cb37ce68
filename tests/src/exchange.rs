//! Many queries to one server, many of them on their way at once.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

/// Queries on their way over UDP: few enough for all answers to fit into a socket's buffer.
const DATAGRAMS: usize = 48;
/// Queries on their way over one TCP connection.
const FRAMES: usize = 16;
/// Without an answer for so long, what is missing is asked for again.
const PATIENCE: Duration = Duration::from_millis(200);
/// How often. On loopback a datagram is hardly ever lost; a busy machine is what takes time.
const ATTEMPTS: usize = 100;

/// The answer to each query; None where the server says nothing. Queries whose answers could not be
/// told apart, by their identifiers, must not be in one call.
pub fn ask_over_udp(server: SocketAddr, queries: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("the system has a free port");
    socket.connect(server).expect("loopback is there");
    socket.set_read_timeout(Some(PATIENCE)).expect("a socket takes a time limit");
    let mut answers = vec![None; queries.len()];
    for (queries, answers) in queries.chunks(DATAGRAMS).zip(answers.chunks_mut(DATAGRAMS)) {
        for _ in 0..ATTEMPTS {
            if exchange_datagrams(&socket, queries, answers).is_ok() {
                break;
            }
        }
    }
    answers
}

/// An error where answers are missing.
fn exchange_datagrams(
    socket: &UdpSocket,
    queries: &[&[u8]],
    answers: &mut [Option<Vec<u8>>],
) -> io::Result<()> {
    for (query, _) in queries.iter().zip(&*answers).filter(|(_, answer)| answer.is_none()) {
        socket.send(query)?;
    }
    let mut buffer = vec![0; 65_535];
    while answers.iter().any(Option::is_none) {
        let length = socket.recv(&mut buffer)?;
        take(queries, answers, &buffer[..length]);
    }
    Ok(())
}

/// The same over TCP.
pub fn ask_over_tcp(server: SocketAddr, queries: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
    let mut answers = vec![None; queries.len()];
    let mut stream = connect(server);
    for (queries, answers) in queries.chunks(FRAMES).zip(answers.chunks_mut(FRAMES)) {
        for _ in 0..ATTEMPTS {
            if exchange_frames(&mut stream, queries, answers).is_ok() {
                break;
            }
            stream = connect(server);
        }
    }
    answers
}

fn connect(server: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(server).expect("the server takes connections");
    stream.set_nodelay(true).expect("a socket takes this");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket takes a time limit");
    stream
}

fn exchange_frames(
    stream: &mut TcpStream,
    queries: &[&[u8]],
    answers: &mut [Option<Vec<u8>>],
) -> io::Result<()> {
    let mut frames = Vec::new();
    for (query, _) in queries.iter().zip(&*answers).filter(|(_, answer)| answer.is_none()) {
        frames.extend_from_slice(&(query.len() as u16).to_be_bytes());
        frames.extend_from_slice(query);
    }
    stream.write_all(&frames)?;
    while answers.iter().any(Option::is_none) {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut answer)?;
        take(queries, answers, &answer);
    }
    Ok(())
}

/// What is no answer to any of these is a late answer to one before.
fn take(queries: &[&[u8]], answers: &mut [Option<Vec<u8>>], answer: &[u8]) {
    let number = queries.iter().position(|query| answer.len() > 2 && answer[..2] == query[..2]);
    if let Some(number) = number {
        answers[number] = Some(answer.to_vec());
    }
}
