//! Orders from afar: over TLS at the admin address, from whoever shows the token of `adminTokenFile`.
//!
//! Plain HTTP and TLS share the port: the first byte of a connection tells them apart.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use dns_server::server::{Certificate, HttpsAcceptor};
use hyper::header::HeaderValue;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::config::AdminToken;

/// What every connection over TLS begins with: a record with a handshake (RFC 8446 section 5.1).
const TLS_HANDSHAKE: u8 = 22;
/// RFC 6750 section 2.1; its case does not matter (RFC 9110 section 11.1).
const SCHEME: &str = "bearer";

/// Whether orders are taken, and from whom.
#[derive(Default)]
pub struct Afar(RwLock<Option<Door>>);

struct Door {
    acceptor: Arc<HttpsAcceptor>,
    token: AdminToken,
}

/// What a client speaks.
pub enum Begun {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Why an order is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    NoToken,
    WrongToken,
}

/// Waits for the client's first byte, and for TLS where it is that.
pub async fn begin(stream: TcpStream, acceptor: &HttpsAcceptor) -> io::Result<Begun> {
    let mut first = [0];
    let length = stream.peek(&mut first).await?;
    if first[..length] != [TLS_HANDSHAKE] {
        return Ok(Begun::Plain(stream));
    }
    stream.set_nodelay(true)?;
    Ok(Begun::Tls(Box::new(acceptor.accept(stream).await?)))
}

// === impl Afar ===

impl Afar {
    /// Holds for connections and requests from now on.
    ///
    /// # Errors
    ///
    /// The system has no randomness; then nothing changes.
    pub fn configure(&self, door: Option<(Certificate, AdminToken)>) -> io::Result<()> {
        let door = match door {
            None => None,
            Some((certificate, token)) => {
                Some(Door { acceptor: Arc::new(HttpsAcceptor::new(certificate)?), token })
            }
        };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = door;
        Ok(())
    }

    /// `None` where no orders are taken.
    pub fn acceptor(&self) -> Option<Arc<HttpsAcceptor>> {
        let door = self.0.read().unwrap_or_else(PoisonError::into_inner);
        door.as_ref().map(|door| Arc::clone(&door.acceptor))
    }

    /// Looks at the header `Authorization` of an order.
    pub fn admit(&self, header: Option<&HeaderValue>) -> Result<(), Refusal> {
        let shown =
            header.and_then(|header| bearer(header.to_str().ok()?)).ok_or(Refusal::NoToken)?;
        let door = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match door.as_ref() {
            Some(door) if door.token.is(shown) => Ok(()),
            _ => Err(Refusal::WrongToken),
        }
    }
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| token.trim_start_matches(' '))
}

// === impl Refusal ===

impl Refusal {
    /// RFC 6750 section 3.
    pub fn challenge(self) -> &'static str {
        match self {
            Self::NoToken => "Bearer realm=\"fedns\"",
            Self::WrongToken => "Bearer realm=\"fedns\", error=\"invalid_token\"",
        }
    }

    pub fn line(self) -> &'static str {
        match self {
            Self::NoToken => "orders need the token of adminTokenFile",
            Self::WrongToken => "the token is not the one of adminTokenFile",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_admitted_where_no_orders_are_taken() {
        let afar = Afar::default();
        assert!(afar.acceptor().is_none());
        for (header, expect) in [
            (None, Refusal::NoToken),
            (Some("0123456789abcdef"), Refusal::NoToken),
            (Some("Basic 0123456789abcdef"), Refusal::NoToken),
            (Some("Bearer "), Refusal::WrongToken),
            (Some("Bearer 0123456789abcdef"), Refusal::WrongToken),
        ] {
            let header = header.map(HeaderValue::from_static);
            assert_eq!(afar.admit(header.as_ref()), Err(expect), "{header:?}");
        }
    }

    #[test]
    fn the_scheme_is_read_in_any_case() {
        assert_eq!(bearer("Bearer a"), Some("a"));
        assert_eq!(bearer("bEARER  a"), Some("a"));
        assert_eq!(bearer("Bearera"), None);
    }
}
