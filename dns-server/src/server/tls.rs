//! TLS of the encrypted transports: one certificate for all of them, which may be put in another's
//! place while connections are open.

mod validity;

use std::fmt;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use model::UnixTime;
use quinn::crypto::rustls::QuicServerConfig;
use rustls::crypto::ring::{Ticketer, default_provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ProducesTickets, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{Error, InconsistentKeys, ServerConfig, SupportedProtocolVersion};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use validity::Validity;

const DOT_PROTOCOLS: [&[u8]; 1] = [b"dot"];
/// The first that the client has, too, is spoken.
const DOH_PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];
const DOQ_PROTOCOLS: [&[u8]; 1] = [b"doq"];
const HTTPS_PROTOCOLS: [&[u8]; 1] = [b"http/1.1"];
const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// What the server shows of itself: a chain of certificates, and the private key of the first.
#[derive(Clone)]
pub struct Certificate {
    key: Arc<CertifiedKey>,
    validity: Validity,
}

/// A certificate cannot be shown. No text of a key is told.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CertificateError {
    #[error("there is no certificate in PEM")]
    NoCertificate,
    #[error("the certificate cannot be read")]
    UnreadableCertificate,
    #[error("there is no private key in PEM, or it is encrypted")]
    NoKey,
    #[error("the private key is none of RSA, ECDSA or Ed25519")]
    UnusableKey,
    #[error("the private key is not the one of the certificate")]
    OtherKey,
    /// Since this time.
    #[error("the certificate has expired")]
    Expired(UnixTime),
    /// Until this time.
    #[error("the certificate is not valid yet")]
    NotYetValid(UnixTime),
}

/// TLS as each transport wants it; all show the same certificate.
pub(crate) struct Tls {
    shown: Arc<ShownCertificate>,
    pub dot: TlsAcceptor,
    pub doh: TlsAcceptor,
    /// As QUIC has it.
    pub doq: Arc<QuicServerConfig>,
}

/// TLS before HTTP/1.1 that is no DNS, by the same rules.
pub struct HttpsAcceptor(TlsAcceptor);

/// The certificate of handshakes from now on.
struct ShownCertificate(RwLock<Certificate>);

// === impl Certificate ===

impl Certificate {
    /// Of a chain and a private key in PEM (RFC 7468).
    ///
    /// # Errors
    ///
    /// One of them is missing or cannot be used, or they do not belong together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|_| CertificateError::UnreadableCertificate)?;
        let first = chain.first().ok_or(CertificateError::NoCertificate)?;
        let validity = Validity::of(first).ok_or(CertificateError::UnreadableCertificate)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| CertificateError::NoKey)?;
        let key = default_provider()
            .key_provider
            .load_private_key(key)
            .map_err(|_| CertificateError::UnusableKey)?;
        let key = CertifiedKey::new(chain, key);
        match key.keys_match() {
            // A key that does not tell is believed.
            Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {
                Ok(Self { key: Arc::new(key), validity })
            }
            Err(Error::InconsistentKeys(_)) => Err(CertificateError::OtherKey),
            Err(_) => Err(CertificateError::UnreadableCertificate),
        }
    }

    /// # Errors
    ///
    /// At `now` clients would not take it.
    pub fn check_time(&self, now: UnixTime) -> Result<(), CertificateError> {
        let Validity { not_before, not_after } = self.validity;
        match () {
            () if now > not_after => Err(CertificateError::Expired(not_after)),
            () if now < not_before => Err(CertificateError::NotYetValid(not_before)),
            () => Ok(()),
        }
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Validity { not_before, not_after } = self.validity;
        f.debug_struct("Certificate")
            .field("not_before", &not_before)
            .field("not_after", &not_after)
            .finish_non_exhaustive()
    }
}

/// The same certificates with the same key.
impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        // Of one certificate there is one key.
        self.key.cert == other.key.cert
    }
}

impl Eq for Certificate {}

// === impl CertificateError ===

impl CertificateError {
    /// It is the file with the key that is wrong, not the one with the certificate.
    pub fn is_of_key(self) -> bool {
        matches!(self, Self::NoKey | Self::UnusableKey | Self::OtherKey)
    }
}

// === impl Tls ===

impl Tls {
    pub fn new(certificate: Certificate) -> io::Result<Self> {
        let shown = Arc::new(ShownCertificate(RwLock::new(certificate)));
        // Clients that come again need no signature, whichever thread they come to.
        let ticketer = Ticketer::new().map_err(io::Error::other)?;
        let config = |versions: &[&'static SupportedProtocolVersion], protocols: &[&[u8]]| {
            config(&shown, &ticketer, versions, protocols).map(Arc::new).map_err(io::Error::other)
        };
        let dot = TlsAcceptor::from(config(&VERSIONS, &DOT_PROTOCOLS)?);
        let doh = TlsAcceptor::from(config(&VERSIONS, &DOH_PROTOCOLS)?);
        let doq = QuicServerConfig::try_from(config(&[&TLS13], &DOQ_PROTOCOLS)?);
        let doq = Arc::new(doq.map_err(io::Error::other)?);
        Ok(Self { shown, dot, doh, doq })
    }

    /// Shows this one from the next handshake on.
    pub fn show(&self, certificate: Certificate) {
        // It is put there whole, whatever happened to another thread.
        *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = certificate;
    }

    /// Of the certificate that is shown now.
    pub fn not_after(&self) -> UnixTime {
        self.shown.get().validity.not_after
    }
}

// === impl HttpsAcceptor ===

impl HttpsAcceptor {
    /// # Errors
    ///
    /// The system has no randomness.
    pub fn new(certificate: Certificate) -> io::Result<Self> {
        let shown = Arc::new(ShownCertificate(RwLock::new(certificate)));
        let ticketer = Ticketer::new().map_err(io::Error::other)?;
        let config = config(&shown, &ticketer, &VERSIONS, &HTTPS_PROTOCOLS);
        Ok(Self(TlsAcceptor::from(Arc::new(config.map_err(io::Error::other)?))))
    }

    /// # Errors
    ///
    /// The client speaks something else, or does not trust the certificate.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.0.accept(stream).await
    }
}

fn config(
    shown: &Arc<ShownCertificate>,
    ticketer: &Arc<dyn ProducesTickets>,
    versions: &[&'static SupportedProtocolVersion],
    protocols: &[&[u8]],
) -> Result<ServerConfig, Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(shown) as Arc<dyn ResolvesServerCert>);
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    config.ticketer = Arc::clone(ticketer);
    config.send_tls13_tickets = 1;
    Ok(config)
}

// === impl ShownCertificate ===

impl ShownCertificate {
    fn get(&self) -> Certificate {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for ShownCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.get().key)
    }
}

/// Nothing of the key.
impl fmt::Debug for ShownCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShownCertificate").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn pair() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["ns1.example.com".into()]).unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn a_certificate_goes_with_its_own_key_only() {
        let ((chain, key), (_, other_key)) = (pair(), pair());
        let read = |chain: &str, key: &str| {
            Certificate::from_pem(chain.as_bytes(), key.as_bytes()).map(|_| ())
        };
        assert_eq!(read(&chain, &key), Ok(()));
        assert_eq!(read(&chain, &other_key), Err(CertificateError::OtherKey));
        assert_eq!(read("", &key), Err(CertificateError::NoCertificate));
        assert_eq!(read(&key, &chain), Err(CertificateError::NoCertificate));
        assert_eq!(read(&chain, &chain), Err(CertificateError::NoKey));
        let junk = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        assert_eq!(read(junk, &key), Err(CertificateError::UnreadableCertificate));
        let junk = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
        assert_eq!(read(&chain, junk), Err(CertificateError::UnusableKey));
    }

    #[test]
    fn nothing_of_a_key_is_shown() {
        let (chain, key) = pair();
        let certificate = Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        let text = format!("{certificate:?}");
        assert!(text.starts_with("Certificate { not_before: "), "{text}");
        assert!(text.ends_with(", .. }"), "{text}");
    }

    #[test]
    fn the_time_of_a_certificate_comes_and_goes() {
        let (chain, key) = pair();
        let mut certificate = Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        let [not_before, not_after] = [UnixTime(1000), UnixTime(2000)];
        certificate.validity = Validity { not_before, not_after };
        let at = |seconds| certificate.check_time(UnixTime(seconds));
        assert_eq!(at(999), Err(CertificateError::NotYetValid(not_before)));
        assert_eq!([at(1000), at(2000)], [Ok(()), Ok(())]);
        assert_eq!(at(2001), Err(CertificateError::Expired(not_after)));
    }
}
