//! Checking signatures, with another library than the client has.

use std::collections::BTreeMap;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::UnixTime;
use ring::{digest, hmac};

use super::account::Account;
use super::call::SignatureVersion;
use super::refusal::Refusal;
use crate::fakes::http_server::Request;

const API_VERSION: &str = "2015-01-09";
const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// The headers of the third version that may come; each that comes must be signed.
const KNOWN_HEADERS: [&str; 9] = [
    "x-acs-action",
    "x-acs-version",
    "x-acs-date",
    "x-acs-signature-nonce",
    "x-acs-content-sha256",
    "x-acs-security-token",
    "x-acs-accesskey-id",
    "x-acs-signature-type",
    "x-acs-credentials-provider",
];

/// The parameters of the first version that are not the action's.
const COMMON_PARAMETERS: [&str; 12] = [
    "AccessKeyId",
    "Action",
    "Format",
    "RegionId",
    "SecurityToken",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureType",
    "SignatureVersion",
    "Timestamp",
    "Version",
];

/// Who signed what.
pub(super) struct Signed {
    pub(super) version: SignatureVersion,
    pub(super) action: String,
    pub(super) access_key_id: String,
    /// Those of the action.
    pub(super) parameters: BTreeMap<String, String>,
    check: Check,
}

/// What is to be checked once the call is in the log.
struct Check {
    api_version: String,
    date: String,
    nonce: String,
    token: Option<String>,
    string_to_sign: String,
    signature: String,
}

// === impl Signed ===

impl Signed {
    /// Understands a request as signed one way or the other.
    pub(super) fn read(
        request: &Request,
        parameters: BTreeMap<String, String>,
    ) -> Result<Self, Refusal> {
        match request.header("authorization") {
            Some(authorization) => v3(request, authorization, parameters),
            None => v1(request, parameters),
        }
    }

    /// Checks key, token, time, signature and nonce, in this order.
    pub(super) fn verify(&self, account: &mut Account, now: UnixTime) -> Result<(), Refusal> {
        let Check { api_version, date, nonce, token, string_to_sign, signature } = &self.check;
        if api_version != API_VERSION {
            return Err(Refusal::new(
                "InvalidVersion",
                "Specified parameter Version is not valid.",
            ));
        }
        let secret = account.key(&self.access_key_id)?.secret.clone();
        account.check_token(&self.access_key_id, token.as_deref(), now)?;
        account.check_time(date, now)?;
        let expected = match self.version {
            SignatureVersion::V3 => hex(&hmac(hmac::HMAC_SHA256, &secret, string_to_sign)),
            SignatureVersion::V1 => STANDARD.encode(hmac(
                hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
                &format!("{secret}&"),
                string_to_sign,
            )),
        };
        if expected != *signature {
            // The vendor's older client compares what follows the colon with its own text.
            let message = format!(
                "Specified signature is not matched with our calculation. server string to sign \
                 is:{string_to_sign}"
            );
            return Err(Refusal::new("SignatureDoesNotMatch", message));
        }
        account.use_nonce(nonce)
    }
}

fn v1(request: &Request, parameters: BTreeMap<String, String>) -> Result<Signed, Refusal> {
    let mut signed = parameters.clone();
    let signature = signed.remove("Signature").ok_or_else(|| missing("Signature"))?;
    let of = |name: &str| signed.get(name).cloned().ok_or_else(|| missing(name));
    for (name, expected) in
        [("SignatureMethod", "HMAC-SHA1"), ("SignatureVersion", "1.0"), ("Format", "JSON")]
    {
        if of(name)? != expected {
            return Err(Refusal::parameter(name));
        }
    }
    let query = canonical_query(&signed);
    let check = Check {
        api_version: of("Version")?,
        date: of("Timestamp")?,
        nonce: of("SignatureNonce")?,
        token: signed.get("SecurityToken").cloned(),
        string_to_sign: format!("{}&%2F&{}", request.method, encode(&query)),
        signature,
    };
    Ok(Signed {
        version: SignatureVersion::V1,
        action: of("Action")?,
        access_key_id: of("AccessKeyId")?,
        parameters: parameters
            .into_iter()
            .filter(|(name, _)| !COMMON_PARAMETERS.contains(&name.as_str()))
            .collect(),
        check,
    })
}

fn v3(
    request: &Request,
    authorization: &str,
    parameters: BTreeMap<String, String>,
) -> Result<Signed, Refusal> {
    let Authorization { credential, signed_headers, signature } = parts(authorization)?;
    check_headers(request, &signed_headers)?;
    let of = |name: &str| request.header(name).map(str::to_owned).ok_or_else(|| missing(name));
    let body_hash = hex(digest::digest(&digest::SHA256, &request.body).as_ref());
    if of("x-acs-content-sha256")? != body_hash {
        return Err(Refusal::parameter("x-acs-content-sha256"));
    }
    let mut canonical = format!("{}\n/\n{}\n", request.method, canonical_query_of(request)?);
    for name in &signed_headers {
        writeln!(canonical, "{name}:{}", of(name)?.trim()).expect("a String takes all");
    }
    write!(canonical, "\n{}\n{body_hash}", signed_headers.join(";")).expect("a String takes all");
    let hash = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let check = Check {
        api_version: of("x-acs-version")?,
        date: of("x-acs-date")?,
        nonce: of("x-acs-signature-nonce")?,
        token: request.header("x-acs-security-token").map(str::to_owned),
        string_to_sign: format!("{ALGORITHM}\n{hash}"),
        signature,
    };
    Ok(Signed {
        version: SignatureVersion::V3,
        action: of("x-acs-action")?,
        access_key_id: credential,
        parameters,
        check,
    })
}

struct Authorization {
    credential: String,
    signed_headers: Vec<String>,
    signature: String,
}

fn parts(authorization: &str) -> Result<Authorization, Refusal> {
    let incomplete =
        || Refusal::new("IncompleteSignature", "The request signature does not conform to rules.");
    let rest = authorization.strip_prefix(ALGORITHM).ok_or_else(incomplete)?.trim_start();
    let parts: BTreeMap<&str, &str> =
        rest.split(',').filter_map(|part| part.trim().split_once('=')).collect();
    let part = |name: &str| parts.get(name).map(|it| (*it).to_owned()).ok_or_else(incomplete);
    Ok(Authorization {
        credential: part("Credential")?,
        signed_headers: part("SignedHeaders")?.split(';').map(str::to_owned).collect(),
        signature: part("Signature")?,
    })
}

fn check_headers(request: &Request, signed: &[String]) -> Result<(), Refusal> {
    let incomplete = |name: &str| {
        Refusal::new("IncompleteSignature", format!("The header {name} is not signed or known."))
    };
    let mut sorted = signed.to_vec();
    sorted.sort();
    sorted.dedup();
    if sorted != signed {
        return Err(incomplete("list"));
    }
    let is_signed = |name: &str| signed.iter().any(|it| it == name);
    for name in ["host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce"] {
        if !is_signed(name) {
            return Err(incomplete(name));
        }
    }
    for (name, _) in &request.headers {
        let must = name.starts_with("x-acs-") || name == "content-type";
        let is_known = !name.starts_with("x-acs-") || KNOWN_HEADERS.contains(&name.as_str());
        if !is_known || (must && !is_signed(name)) {
            return Err(incomplete(name));
        }
    }
    Ok(())
}

/// The query alone: a form is signed through the hash of the body.
fn canonical_query_of(request: &Request) -> Result<String, Refusal> {
    let query_only = Request { body: Vec::new(), ..request.clone() };
    Ok(canonical_query(&super::call::parameters(&query_only)?))
}

fn canonical_query(parameters: &BTreeMap<String, String>) -> String {
    let pairs =
        parameters.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn encode(text: &str) -> String {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| match unreserved(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

fn hmac(algorithm: hmac::Algorithm, key: &str, text: &str) -> Vec<u8> {
    let key = hmac::Key::new(algorithm, key.as_bytes());
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn missing(name: &str) -> Refusal {
    Refusal::new(&format!("Missing{name}"), format!("{name} is mandatory for this action."))
}
