use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use ::clap::Args;
use model::{Name, RecordType};
use serde::Deserialize;

use super::client::Server;
use super::{AdminAddress, CommandResult, Failure, print};
use crate::config::reachable;
use crate::dns_message::{self, AnswerText};

/// How long one try waits, and how often UDP is tried.
const TIMEOUT: Duration = Duration::from_secs(2);
const TRIES: usize = 3;
/// Where name servers are asked.
const PORT: u16 = 53;

/// Ask a DNS server for a name, by default the one on this machine
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns query nginx.default.fed.svc.example.com
  fedns query nginx.default.fed.svc.example.com AAAA --server 192.0.2.53:53

The first line is the response code; records follow as in a master file.")]
pub struct Query {
    /// A domain name
    name: Name,
    /// A record type, like A, AAAA, SRV, TXT
    #[arg(default_value = "A", value_name = "TYPE")]
    record_type: RecordType,
    /// Address of the server, with a port if it is not 53
    #[arg(
        long,
        env = "FEDNS_SERVER",
        default_value = "127.0.0.1:5300",
        value_name = "ADDRESS",
        value_parser = parse_server
    )]
    server: SocketAddr,
    /// Ask over TCP at once
    #[arg(long)]
    tcp: bool,
    /// Also print what differs from run to run: time, size, the authority section
    #[arg(long)]
    stats: bool,
    #[command(flatten)]
    admin: AdminAddress,
}

impl Query {
    pub fn run(self) -> CommandResult {
        let id = (std::process::id() & 0xffff) as u16;
        let query = dns_message::query(id, &self.name, self.record_type).map_err(Failure::one)?;
        let started = Instant::now();
        let bytes = self.ask(&query)?;
        let elapsed = started.elapsed();
        let server = self.server;
        let answer = dns_message::read(id, &bytes)
            .map_err(|error| Failure::one(format!("{server}: {error}")))?;
        let mut text = format!(";; {}\n", answer.status());
        text.extend(answer.answers.iter().map(|record| record.line() + "\n"));
        if self.stats {
            text += &stats(&answer, server, bytes.len(), elapsed);
        }
        print(text)
    }

    /// UDP first, and TCP where the answer was cut short (RFC 7766 section 5).
    fn ask(&self, query: &[u8]) -> Result<Vec<u8>, Failure> {
        let failed = |error: std::io::Error| {
            let server = self.server;
            Failure::one(format!("{server}: no answer: {error}; {}", self.remedy()))
        };
        if !self.tcp {
            let answer = ask_udp(self.server, query).map_err(failed)?;
            if !is_truncated(&answer) {
                return Ok(answer);
            }
        }
        ask_tcp(self.server, query).map_err(failed)
    }
}

impl Query {
    /// A fedns on this machine may answer elsewhere, or nowhere.
    fn remedy(&self) -> String {
        #[derive(Deserialize)]
        struct Info {
            dns: Vec<SocketAddr>,
        }
        let found = Server::at(&self.admin).and_then(|server| server.get_json("/api/v1/server"));
        let admin = self.admin.text();
        match found.ok().map(|Info { dns }| dns.into_iter().map(reachable).next()) {
            Some(Some(address)) if address != self.server => {
                format!("the fedns at {admin} answers at {address}: --server {address}")
            }
            Some(None) => format!(
                "the fedns at {admin} opens no DNS port (its config has no listen.dns): name the provider's \
                 name server with --server, or see fedns records and fedns explain"
            ),
            _ => "name another server with --server".into(),
        }
    }
}

fn parse_server(text: &str) -> Result<SocketAddr, &'static str> {
    let with_port = text.parse();
    with_port.or_else(|_| text.parse::<IpAddr>().map(|address| (address, PORT).into())).map_err(|_| {
        "wanted an IP address with or without a port, like 192.0.2.53, 127.0.0.1:5300 or [::1]:5300"
    })
}

fn stats(answer: &AnswerText, server: SocketAddr, size: usize, elapsed: Duration) -> String {
    let mut text = String::new();
    for record in &answer.authorities {
        text += &format!(";; authority {}\n", record.line());
    }
    for record in &answer.additionals {
        text += &format!(";; additional {}\n", record.line());
    }
    let micros = elapsed.as_micros();
    text + &format!(";; {size} bytes from {server} in {micros} us\n")
}

/// Each try comes from another port: what is on the way may remember one for a server that is gone.
fn ask_udp(server: SocketAddr, query: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut result = try_udp(server, query);
    for _ in 1..TRIES {
        if result.is_ok() {
            break;
        }
        result = try_udp(server, query);
    }
    result
}

fn try_udp(server: SocketAddr, query: &[u8]) -> std::io::Result<Vec<u8>> {
    let any = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any)?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    socket.send(query)?;
    let mut answer = vec![0; 65_535];
    let length = socket.recv(&mut answer).map_err(|error| match error.kind() {
        ErrorKind::WouldBlock => std::io::Error::new(ErrorKind::TimedOut, "timed out"),
        _ => error,
    })?;
    answer.truncate(length);
    Ok(answer)
}

fn ask_tcp(server: SocketAddr, query: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let length = u16::try_from(query.len()).map_err(std::io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), query].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut answer = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

fn is_truncated(answer: &[u8]) -> bool {
    answer.get(2).is_some_and(|flags| flags & 0x02 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_a_port_is_asked_at_53() {
        for (text, expect) in [
            ("192.0.2.53", "192.0.2.53:53"),
            ("192.0.2.53:5300", "192.0.2.53:5300"),
            ("2001:db8::53", "[2001:db8::53]:53"),
            ("[::1]:5300", "[::1]:5300"),
        ] {
            assert_eq!(parse_server(text).unwrap().to_string(), expect);
        }
        for text in ["", "ns1.example.com", "192.0.2.53:", "192.0.2.53:65536", "192.0.2"] {
            assert!(parse_server(text).is_err(), "{text}");
        }
    }
}
