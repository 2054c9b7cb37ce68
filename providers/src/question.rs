//! Unsigned questions to a name server, over UDP and TCP.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use model::{Name, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout, timeout_at};

use crate::dns_message::{Answer, MESSAGE_LENGTH_MAX, MessageWriter};

/// Of one attempt.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Attempts over UDP, where messages get lost.
const ATTEMPTS: u32 = 2;

/// Which way a question goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// What does not fit comes cut short.
    Udp,
    Tcp,
    /// UDP first, and TCP for what does not fit (RFC 7766 section 5).
    Any,
}

/// Asks one server once, or twice where a message may have been lost.
///
/// # Errors
///
/// Nobody answers there, or not in DNS.
pub async fn ask(
    server: SocketAddr,
    (name, record_type): (&Name, RecordType),
    recursive: bool,
    transport: Transport,
) -> io::Result<Answer> {
    let id = random_id();
    let query = match recursive {
        true => MessageWriter::recursive_query(name, record_type),
        false => MessageWriter::query(name, record_type),
    };
    let query = query.finish(id);
    if transport != Transport::Tcp {
        let answer = udp(server, &query, id).await?;
        if transport == Transport::Udp || !answer.is_truncated {
            return Ok(answer);
        }
    }
    timeout(TIMEOUT, tcp(server, &query, id)).await.unwrap_or_else(|_| Err(no_answer()))
}

async fn udp(server: SocketAddr, query: &[u8], id: u16) -> io::Result<Answer> {
    let any = match server {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any).await?;
    // From then on only this server is heard.
    socket.connect(server).await?;
    let mut bytes = vec![0; MESSAGE_LENGTH_MAX];
    for _ in 0..ATTEMPTS {
        socket.send(query).await?;
        let end = Instant::now() + TIMEOUT;
        while let Ok(received) = timeout_at(end, socket.recv(&mut bytes)).await {
            // What is no answer to this question may be a stranger's.
            if let Ok(answer) = read(&bytes[..received?], id) {
                return Ok(answer);
            }
        }
    }
    Err(no_answer())
}

async fn tcp(server: SocketAddr, query: &[u8], id: u16) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(server).await?;
    // A query is far shorter than 64 KiB.
    let length = (query.len() as u16).to_be_bytes();
    stream.write_all(&[&length, query].concat()).await?;
    let mut bytes = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut bytes).await?;
    read(&bytes, id)
}

fn read(bytes: &[u8], id: u16) -> io::Result<Answer> {
    let answer = Answer::read(bytes).ok().filter(|answer| answer.id == id);
    answer.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is no DNS message"))
}

fn no_answer() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", TIMEOUT.as_secs()))
}

fn random_id() -> u16 {
    use std::hash::{BuildHasher, RandomState};
    // The lowest bits are as random as any.
    RandomState::new().hash_one(0) as u16
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn name() -> Name {
        Name::parse("a.example").unwrap()
    }

    /// The query turned into an answer without records, with these further flags.
    fn answer_to(query: &[u8], flags: u8) -> Vec<u8> {
        let mut answer = query.to_vec();
        answer[2] |= 0x80 | flags;
        answer
    }

    #[tokio::test]
    async fn what_is_cut_short_is_asked_for_over_tcp() {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = tcp.local_addr().unwrap();
        let udp = UdpSocket::bind(server).await.unwrap();
        let serving = async {
            let mut bytes = [0; 512];
            for flags in [0x02, 0x02] {
                let (length, client) = udp.recv_from(&mut bytes).await.unwrap();
                // A stranger's answer comes before.
                let mut other = answer_to(&bytes[..length], 0);
                other[0] ^= 1;
                udp.send_to(&other, client).await.unwrap();
                udp.send_to(&answer_to(&bytes[..length], flags), client).await.unwrap();
            }
            let (mut stream, _) = tcp.accept().await.unwrap();
            let mut query = vec![0; usize::from(stream.read_u16().await.unwrap())];
            stream.read_exact(&mut query).await.unwrap();
            let answer = answer_to(&query, 0x04);
            let length = u16::try_from(answer.len()).unwrap();
            stream.write_u16(length).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        };
        let name = name();
        let question = (&name, RecordType::A);
        let asking = async {
            let short = ask(server, question, false, Transport::Udp).await.unwrap();
            assert!(short.is_truncated && !short.is_authoritative);
            let whole = ask(server, question, false, Transport::Any).await.unwrap();
            assert!(!whole.is_truncated && whole.is_authoritative);
        };
        tokio::join!(serving, asking);
    }

    #[tokio::test]
    async fn where_nobody_is_the_error_says_so_at_once() {
        let free = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let error = ask(free, (&name(), RecordType::A), true, Transport::Any).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
