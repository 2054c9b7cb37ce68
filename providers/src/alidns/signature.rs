//! The two signatures of Alibaba Cloud, as pure functions: no clock, no random number.
//!
//! [`v3`] is what the vendor's own clients use today, ACS3-HMAC-SHA256 in headers. [`v1`] is the older
//! one, HMAC-SHA1 in base64 as a parameter, which some proxies and private clouds still ask for.

pub mod v1;
pub mod v3;

use std::collections::BTreeMap;
use std::fmt::Write;

/// The parameters of a call, in the order in which they are signed: by bytes, upper case first.
pub type Parameters = BTreeMap<String, String>;

/// `name=value` pairs joined by `&`, both percent-encoded.
pub fn canonical_query(parameters: &Parameters) -> String {
    let mut text = String::new();
    for (name, value) in parameters {
        if !text.is_empty() {
            text.push('&');
        }
        percent_encode_into(&mut text, name);
        text.push('=');
        percent_encode_into(&mut text, value);
    }
    text
}

/// Percent-encoding as RFC 3986 section 2.3 has it: everything but letters, digits, `-`, `_`, `.` and
/// `~`, in upper-case hexadecimal. A space is `%20`, never `+`.
pub fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    percent_encode_into(&mut encoded, text);
    encoded
}

fn percent_encode_into(out: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            _ => write!(out, "%{byte:02X}").expect("writing to a String cannot fail"),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
    }
    text
}

#[cfg(test)]
mod tests;
