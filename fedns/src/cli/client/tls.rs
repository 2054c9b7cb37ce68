//! A server whose admin address is asked over TLS, and gets orders with a token.

use std::path::Path;
use std::sync::Arc;

use hyper::{Method, StatusCode};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{AdminAddress, BoxError, exchange, in_time, outcome, page};
use crate::cli::Failure;
use crate::config::AdminToken;

pub(super) const SCHEME: &str = "https://";
const PORT_DEFAULT: u16 = 8053;

pub(super) struct TlsServer {
    /// `host:port`.
    authority: String,
    name: ServerName<'static>,
    connector: TlsConnector,
    token: Option<AdminToken>,
}

// === impl TlsServer ===

impl TlsServer {
    /// `authority` is what stands behind [`SCHEME`]. Nothing is asked yet.
    pub fn new(authority: &str, address: &AdminAddress) -> Result<Self, Failure> {
        let authority = with_port(authority.trim_end_matches('/'));
        let failed = |why: &dyn std::fmt::Display| {
            Failure::one(format!("--admin {SCHEME}{authority}: {why}"))
        };
        let host = authority.rsplit_once(':').map_or(&*authority, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host)
            .map_err(|_| failed(&"wanted a host with or without a port, like https://ns1:8053"))?;
        let config = client_config(address.certificate_authority.as_deref())?;
        let token = address.token_file.as_deref().map(read_token).transpose()?;
        let connector = TlsConnector::from(Arc::new(config));
        Ok(Self { authority, name, connector, token })
    }

    /// For people.
    pub fn name(&self) -> String {
        format!("{SCHEME}{}", self.authority)
    }

    pub async fn fetch(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let (status, body) = self.ask(Method::GET, path, None).await?;
        page(&self.name(), path, status, body)
    }

    pub async fn place(&self, path: &str) -> Result<String, Failure> {
        let Some(token) = &self.token else {
            return Err(Failure::one(format!(
                "{}: orders need a token: name the file with the one of the server's adminTokenFile with \
                 --token-file",
                self.name()
            )));
        };
        let (status, body) = self.ask(Method::POST, path, Some(token)).await?;
        outcome(status, &body).map_err(|failure| match status {
            StatusCode::UNAUTHORIZED => {
                Failure::one(format!("{}: {}", self.name(), failure.lines.join(" ")))
            }
            _ => failure,
        })
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&AdminToken>,
    ) -> Result<(StatusCode, Vec<u8>), Failure> {
        let asked: Result<_, BoxError> = async {
            let stream = in_time(TcpStream::connect(&self.authority)).await?;
            let stream = in_time(self.connector.connect(self.name.clone(), stream)).await?;
            exchange(stream, method, &self.authority, path, token).await
        }
        .await;
        asked.map_err(|error| {
            Failure::one(format!(
                "{}: no fedns answers here: {error}; it takes TLS where its config has adminTokenFile, and \
                 --certificate-authority names who signed its certificate",
                self.name()
            ))
        })
    }
}

fn with_port(authority: &str) -> String {
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    // The colons of a bare IPv6 address are its own.
    match has_port || authority.ends_with(']') && authority.contains("]:") {
        true => authority.to_owned(),
        false => format!("{authority}:{PORT_DEFAULT}"),
    }
}

fn client_config(authority: Option<&Path>) -> Result<ClientConfig, Failure> {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::one(format!("no TLS: {error}")))?;
    let Some(file) = authority else {
        let builder = builder.with_platform_verifier().map_err(|error| {
            Failure::one(format!(
                "no TLS: {error}; install the package ca-certificates, or name --certificate-authority"
            ))
        })?;
        return Ok(builder.with_no_client_auth());
    };
    let unusable = |why: &dyn std::fmt::Display| {
        Failure::one(format!("--certificate-authority {}: {why}", file.display()))
    };
    let pem = std::fs::read(file).map_err(|error| unusable(&error))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| unusable(&error))?;
        roots.add(certificate).map_err(|error| unusable(&error))?;
    }
    if roots.is_empty() {
        return Err(unusable(&"there is no certificate in PEM"));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn read_token(file: &Path) -> Result<AdminToken, Failure> {
    AdminToken::read(file)
        .map_err(|why| Failure::one(format!("--token-file {}: {why}", file.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_a_port_has_the_usual_one() {
        for (authority, expect) in [
            ("ns1.example.com", "ns1.example.com:8053"),
            ("ns1.example.com:443", "ns1.example.com:443"),
            ("192.0.2.1", "192.0.2.1:8053"),
            ("[2001:db8::1]", "[2001:db8::1]:8053"),
            ("[2001:db8::1]:443", "[2001:db8::1]:443"),
        ] {
            assert_eq!(with_port(authority), expect);
        }
    }
}
