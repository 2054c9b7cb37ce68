//! AWS Signature Version 4, as the service checks it.

use jiff::Timestamp;
use jiff::fmt::strtime;
use ring::{digest, hmac};

use super::server::Refusal;
use crate::fakes::http_server::Request;

/// A signature may be so old, in seconds.
const AGE_MAX: i64 = 15 * 60;
const SCOPE: &str = "us-east-1/route53/aws4_request";

/// The parts of an Authorization header.
struct Authorization<'a> {
    key: &'a str,
    date: &'a str,
    signed: Vec<&'a str>,
    signature: &'a str,
}

/// Whose request it is, if its signature is right. `secret` is that of a key.
pub fn key_of(
    request: &Request,
    secret: impl Fn(&str) -> Option<&'static str>,
) -> Result<&str, Refusal> {
    let header = request.header("authorization");
    let header = header.ok_or_else(|| denied("MissingAuthenticationToken", "Missing token"))?;
    let incomplete = || denied("IncompleteSignature", "Authorization header is not complete");
    let authorization = parse(header).ok_or_else(incomplete)?;
    let secret = secret(authorization.key).ok_or_else(|| {
        denied("InvalidClientTokenId", "The security token included in the request is invalid.")
    })?;
    let time = request.header("x-amz-date").ok_or_else(incomplete)?;
    if !["host", "x-amz-date"].iter().all(|must| authorization.signed.contains(must)) {
        return Err(incomplete());
    }
    if !time.starts_with(authorization.date) || !is_now(time) {
        return Err(mismatch("Signature expired"));
    }
    let canonical = canonical(request, &authorization.signed).ok_or_else(incomplete)?;
    let hash = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let date = authorization.date;
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{date}/{SCOPE}\n{hash}");
    let expected = hex(sign(&signing_key(secret, date), &to_sign).as_ref());
    match expected == authorization.signature {
        true => Ok(authorization.key),
        false => Err(mismatch(
            "The request signature we calculated does not match the signature you provided.",
        )),
    }
}

fn parse(header: &str) -> Option<Authorization<'_>> {
    let fields = header.strip_prefix("AWS4-HMAC-SHA256 ")?;
    let field = |name: &str| {
        fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
    };
    let (key, scope) = field("Credential")?.split_once('/')?;
    let (date, scope) = scope.split_once('/')?;
    let signed = field("SignedHeaders")?.split(';').collect();
    (scope == SCOPE).then_some(Authorization { key, date, signed, signature: field("Signature")? })
}

fn is_now(time: &str) -> bool {
    let time = strtime::parse("%Y%m%dT%H%M%SZ", time).and_then(|it| it.to_datetime());
    let time = time.and_then(|it| it.to_zoned(jiff::tz::TimeZone::UTC));
    time.is_ok_and(|time| {
        (time.timestamp().as_second() - Timestamp::now().as_second()).abs() <= AGE_MAX
    })
}

fn canonical(request: &Request, signed: &[&str]) -> Option<String> {
    let mut query: Vec<&str> = request.query.split('&').filter(|part| !part.is_empty()).collect();
    query.sort_unstable();
    let mut text = format!("{}\n{}\n{}\n", request.method, request.path, query.join("&"));
    for name in signed {
        let value = request.header(name)?;
        text.push_str(&format!("{name}:{}\n", value.trim()));
    }
    let hash = hex(digest::digest(&digest::SHA256, &request.body).as_ref());
    text.push_str(&format!("\n{}\n{hash}", signed.join(";")));
    Some(text)
}

fn signing_key(secret: &str, date: &str) -> Vec<u8> {
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in std::iter::once(date).chain(SCOPE.split('/')) {
        key = sign(&key, part).as_ref().to_vec();
    }
    key
}

fn sign(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mismatch(message: &str) -> Refusal {
    denied("SignatureDoesNotMatch", message)
}

fn denied(code: &'static str, message: &str) -> Refusal {
    Refusal::new(403, code, message)
}
