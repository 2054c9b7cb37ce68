//! Where the name server is.

use std::fmt;
use std::net::IpAddr;

const DNS_PORT: u16 = 53;

/// An address or a host name, with a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Server {
    pub host: String,
    pub port: u16,
}

impl Server {
    /// `192.0.2.1`, `192.0.2.1:53`, `2001:db8::1`, `[2001:db8::1]:53`, `ns1.example.com:53`; without a
    /// port it is 53.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Self { host: address.to_string(), port: DNS_PORT });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok().filter(|port| *port != 0)?),
            None => (text, DNS_PORT),
        };
        let host = match host.strip_prefix('[') {
            Some(bracketed) => {
                let address = bracketed.strip_suffix(']')?.parse::<std::net::Ipv6Addr>().ok()?;
                address.to_string()
            }
            None => Some(host).filter(|host| is_host(host))?.to_owned(),
        };
        Some(Self { host, port })
    }
}

/// An address of version 4, or labels of letters, digits and hyphens.
fn is_host(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let labels = text.strip_suffix('.').unwrap_or(text).split('.');
    labels.into_iter().all(|label| !label.is_empty() && label.bytes().all(is_plain))
}

/// As it is written in configs.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(text: &str, expect: Option<&str>) {
        let read = Server::parse(text).map(|server| server.to_string());
        assert_eq!(read.as_deref(), expect, "{text}");
    }

    #[test]
    fn addresses_and_names_are_read() {
        reads("192.0.2.1", Some("192.0.2.1:53"));
        reads("192.0.2.1:5353", Some("192.0.2.1:5353"));
        reads("2001:db8::1", Some("[2001:db8::1]:53"));
        reads("[2001:db8::1]:5353", Some("[2001:db8::1]:5353"));
        reads("ns1.example.com", Some("ns1.example.com:53"));
        reads("ns1.example.com.:54", Some("ns1.example.com.:54"));
        for wrong in ["", ":53", "a:", "a:0", "a:65536", "a b", "[::1", "http://a", "a..b"] {
            reads(wrong, None);
        }
    }
}
