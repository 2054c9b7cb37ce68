//! Our own calls over HTTP: TLS with ring, and what is common to all answers.

use std::error::Error;
use std::sync::Arc;

use reqwest::{Client, ClientBuilder, Response, redirect};
use rustls_platform_verifier::BuilderVerifierExt;

/// A client that trusts what the machine trusts and follows no redirection: a signature is for one
/// host.
pub(crate) fn client(
    configure: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Result<Client, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|error| format!("no TLS: {error}; install the package ca-certificates"))?
        .with_no_client_auth();
    let builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirect::Policy::none())
        .user_agent(concat!("fedns/", env!("CARGO_PKG_VERSION")));
    configure(builder).build().map_err(|error| innermost(&error))
}

/// Reads a whole body, of at most `length_max` bytes.
pub(crate) async fn body(response: &mut Response, length_max: usize) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| innermost(&error))? {
        if body.len() + chunk.len() > length_max {
            return Err(format!("the answer is longer than {length_max} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Errors of the transport wrap one another, and the outer ones repeat the URL, which may hold what
/// is not to be shown; the innermost says what happened.
pub(crate) fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match innermost.downcast_ref::<reqwest::Error>() {
        // It wraps nothing, so only its kind can be told without the URL.
        Some(_) if error.is_connect() => "no connection".to_owned(),
        Some(_) => "the connection broke".to_owned(),
        None => innermost.to_string(),
    }
}
