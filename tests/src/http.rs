//! The smallest HTTP client: one request on one connection to a plain port, on loopback or on a real node.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

/// The status and body of an answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

pub fn get(port: u16, path: &str) -> Result<Answer, String> {
    exchange(loopback(port), "GET", path, "")
}

/// The same from a load balancer's address.
pub fn get_from(address: SocketAddr, path: &str) -> Result<Answer, String> {
    exchange(address, "GET", path, "")
}

pub fn post(port: u16, path: &str, body: &str) -> Result<Answer, String> {
    exchange(loopback(port), "POST", path, body)
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// HTTP/1.0 keeps this small: the answer ends where the connection ends, and is never chunked.
fn exchange(address: SocketAddr, method: &str, path: &str, body: &str) -> Result<Answer, String> {
    let request = format!(
        "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let text = send(address, &request).map_err(|error| format!("{method} {path}: {error}"))?;
    parse(&text).ok_or_else(|| format!("{method} {path}: not HTTP: {text:?}"))
}

fn send(address: SocketAddr, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: body.to_owned() })
}
