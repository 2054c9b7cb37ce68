//! ACS3-HMAC-SHA256: a signature over method, query, headers and body, in the header `authorization`.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::{Parameters, canonical_query, hex};
use crate::secret::Secret;

/// The name of the algorithm as it stands in the signature.
pub const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// Everything that is signed, but the secret.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub method: &'a str,
    /// As the header `host` has it: with the port unless it is the scheme's own.
    pub host: &'a str,
    pub action: &'a str,
    pub version: &'a str,
    /// UTC, `2023-10-26T10:22:32Z`.
    pub date: &'a str,
    pub nonce: &'a str,
    pub query: &'a Parameters,
    pub body: &'a [u8],
    pub security_token: Option<&'a Secret>,
}

/// What is sent beside method, query and body. It has no Debug: the token stands in it as it is.
pub struct Headers {
    /// Lower-case names and values, sorted; `host` is among them.
    pub signed: BTreeMap<&'static str, String>,
    /// The value of `authorization`.
    pub authorization: String,
}

/// The headers of a signed request.
pub fn sign(request: &Request<'_>, access_key_id: &str, access_key_secret: &Secret) -> Headers {
    let signed = signed_headers(request);
    let names = signed.keys().copied().collect::<Vec<_>>().join(";");
    let text = string_to_sign(&canonical_request(request, &signed, &names));
    let key = access_key_secret.expose().as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length is taken");
    mac.update(text.as_bytes());
    let signature = hex(&mac.finalize().into_bytes());
    let authorization = format!(
        "{ALGORITHM} Credential={access_key_id},SignedHeaders={names},Signature={signature}"
    );
    Headers { signed, authorization }
}

fn signed_headers(request: &Request<'_>) -> BTreeMap<&'static str, String> {
    let Request { method: _, host, action, version, date, nonce, query: _, body, security_token } =
        *request;
    let mut headers = BTreeMap::from([
        ("host", host.to_owned()),
        ("x-acs-action", action.to_owned()),
        ("x-acs-content-sha256", hex(&Sha256::digest(body))),
        ("x-acs-date", date.to_owned()),
        ("x-acs-signature-nonce", nonce.to_owned()),
        ("x-acs-version", version.to_owned()),
    ]);
    if let Some(token) = security_token {
        headers.insert("x-acs-security-token", token.expose().to_owned());
    }
    headers
}

pub(super) fn canonical_request(
    request: &Request<'_>,
    signed: &BTreeMap<&'static str, String>,
    names: &str,
) -> String {
    let lines: String = signed.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let query = canonical_query(request.query);
    let body_hash = &signed["x-acs-content-sha256"];
    format!("{}\n/\n{query}\n{lines}\n{names}\n{body_hash}", request.method)
}

pub(super) fn string_to_sign(canonical_request: &str) -> String {
    format!("{ALGORITHM}\n{}", hex(&Sha256::digest(canonical_request)))
}
