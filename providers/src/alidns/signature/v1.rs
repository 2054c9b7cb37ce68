//! SignatureVersion 1.0: HMAC-SHA1 over the sorted parameters, in base64, sent as one more parameter.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::{Parameters, canonical_query, percent_encode};
use crate::secret::Secret;

/// The text that is signed. The parameters are all that are sent, but `Signature` itself; their
/// encoded form is encoded once more.
pub fn string_to_sign(method: &str, parameters: &Parameters) -> String {
    format!("{method}&%2F&{}", percent_encode(&canonical_query(parameters)))
}

/// The value of the parameter `Signature`.
pub fn signature(access_key_secret: &Secret, string_to_sign: &str) -> String {
    // The vendor's key ends with an ampersand: a place for a second key that was never used.
    let key = format!("{}&", access_key_secret.expose());
    let mut mac =
        Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("a key of any length is taken");
    mac.update(string_to_sign.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}
