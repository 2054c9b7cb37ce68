//! One certificate authority per test run signs every server, so that a kubeconfig stays valid when
//! a server moves behind a proxy or is replaced by another on the same address.

use std::sync::{Arc, OnceLock};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::scratch::Scratch;

/// A certificate for loopback names with its private key, both as PEM.
pub struct ServerCertificate {
    pub chain: String,
    pub key: String,
}

struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// The authority's own certificate, as PEM.
pub fn authority_certificate() -> String {
    authority().certificate.pem()
}

/// A certificate for `localhost` and the loopback addresses.
pub fn server_certificate() -> ServerCertificate {
    server_certificate_for(&[])
}

/// The same for further names and addresses.
pub fn server_certificate_for(more: &[String]) -> ServerCertificate {
    let key = new_key();
    let mut names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    names.extend_from_slice(more);
    let certificate = CertificateParams::new(names)
        .expect("the names are valid")
        .signed_by(&key, &authority().issuer)
        .expect("sign with a fresh key");
    ServerCertificate { chain: certificate.pem(), key: key.serialize_pem() }
}

/// TLS for a server in this process.
pub fn server_config() -> Arc<ServerConfig> {
    let ServerCertificate { chain, key } = server_certificate();
    let chain = CertificateDer::from_pem_slice(chain.as_bytes()).expect("our own PEM");
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("our own PEM");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks them")
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .expect("the key belongs to the certificate");
    Arc::new(config)
}

/// TLS for a client in this process that trusts the run's servers only.
pub fn client_config() -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(authority().certificate.der().clone()).expect("our own certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks them")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// Writes an API server's keys and certificates where its command line can name them. `more` are
/// names and addresses beside those of loopback.
pub fn write_server_files(scratch: &Scratch, more: &[String]) {
    let ServerCertificate { chain, key } = server_certificate_for(more);
    scratch.write("ca.crt", authority_certificate());
    scratch.write("server.crt", chain);
    scratch.write("server.key", key);
    let service_accounts = new_key();
    scratch.write("service-accounts.key", service_accounts.serialize_pem());
    scratch.write("service-accounts.pub", service_accounts.public_key_pem());
}

fn authority() -> &'static Authority {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    AUTHORITY.get_or_init(|| {
        let key = new_key();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "fedns test run");
        let certificate = params.self_signed(&key).expect("sign with a fresh key");
        Authority { certificate, issuer: Issuer::new(params, key) }
    })
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("make a key")
}
