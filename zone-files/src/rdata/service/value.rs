//! The value of one service parameter (RFC 9460 section 7, RFC 9461, RFC 9540), from text whose
//! escapes are undone.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::key::Key;
use crate::rdata::binary::{decode_base64, push_base64};
use crate::rdata::string::push_quoted;

/// What a value of `key` must be, for messages.
pub fn wanted(key: Key) -> &'static str {
    match key {
        Key::MANDATORY => "different keys with commas between them, without mandatory itself",
        Key::ALPN => "protocols with commas between them",
        Key::NO_DEFAULT_ALPN | Key::OHTTP => "no value",
        Key::PORT => "a number from 0 to 65535",
        Key::IPV4HINT => "IPv4 addresses with commas between them",
        Key::ECH => "base 64",
        Key::IPV6HINT => "IPv6 addresses with commas between them",
        Key::DOHPATH => "a relative URI template in UTF-8",
        _ => "any bytes",
    }
}

/// The wire form of `text`; `None` where it is no value of `key`.
pub fn read(key: Key, text: &[u8]) -> Option<Vec<u8>> {
    let wire = match key {
        Key::MANDATORY => read_mandatory(text)?,
        Key::ALPN => read_protocols(text)?,
        Key::PORT => read_port(text)?,
        Key::IPV4HINT => {
            read_list(text, |item| Some(item.parse::<Ipv4Addr>().ok()?.octets().to_vec()))?
        }
        Key::IPV6HINT => {
            read_list(text, |item| Some(item.parse::<Ipv6Addr>().ok()?.octets().to_vec()))?
        }
        Key::ECH => {
            let mut bytes = Vec::new();
            decode_base64(text, &mut bytes)?;
            bytes
        }
        _ => text.to_vec(),
    };
    is_valid(key, &wire).then_some(wire)
}

/// True where `wire` is a value that `key` can have.
pub fn is_valid(key: Key, wire: &[u8]) -> bool {
    match key {
        Key::MANDATORY => mandatory_keys(wire).is_some(),
        Key::ALPN => protocols(wire).is_some(),
        Key::NO_DEFAULT_ALPN | Key::OHTTP => wire.is_empty(),
        Key::PORT => wire.len() == 2,
        Key::IPV4HINT => !wire.is_empty() && wire.len().is_multiple_of(4),
        Key::ECH => !wire.is_empty(),
        Key::IPV6HINT => !wire.is_empty() && wire.len().is_multiple_of(16),
        Key::DOHPATH => !wire.is_empty() && std::str::from_utf8(wire).is_ok(),
        _ => true,
    }
}

/// Appends `=` and the text of a valid value; nothing for an empty one.
pub fn print(key: Key, wire: &[u8], text: &mut String) {
    if wire.is_empty() {
        return;
    }
    text.push('=');
    match key {
        Key::MANDATORY => push_list(mandatory_keys(wire).unwrap_or_default(), text),
        Key::ALPN => push_protocols(&protocols(wire).unwrap_or_default(), text),
        Key::PORT => {
            push_list(wire.as_chunks().0.iter().map(|port| u16::from_be_bytes(*port)), text)
        }
        Key::IPV4HINT => {
            push_list(wire.as_chunks::<4>().0.iter().map(|octets| Ipv4Addr::from(*octets)), text);
        }
        Key::IPV6HINT => {
            push_list(wire.as_chunks::<16>().0.iter().map(|octets| Ipv6Addr::from(*octets)), text);
        }
        Key::ECH => push_base64(wire, text),
        _ => push_quoted(wire, text),
    }
}

fn push_list(items: impl IntoIterator<Item: ToString>, text: &mut String) {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    text.push_str(&items.join(","));
}

fn read_list(text: &[u8], read: impl Fn(&str) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    let items: Option<Vec<_>> = std::str::from_utf8(text).ok()?.split(',').map(read).collect();
    Some(items?.concat())
}

fn read_port(text: &[u8]) -> Option<Vec<u8>> {
    let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let port: u16 = std::str::from_utf8(text).ok().filter(|_| is_number)?.parse().ok()?;
    Some(port.to_be_bytes().to_vec())
}

fn read_mandatory(text: &[u8]) -> Option<Vec<u8>> {
    let keys: Option<Vec<Key>> =
        std::str::from_utf8(text).ok()?.split(',').map(Key::parse).collect();
    let mut keys = keys?;
    keys.sort();
    Some(keys.into_iter().flat_map(|key| key.0.to_be_bytes()).collect())
}

/// The keys of a valid list: at least one, growing, without `mandatory` itself.
fn mandatory_keys(wire: &[u8]) -> Option<Vec<Key>> {
    let (pairs, rest) = wire.as_chunks::<2>();
    let keys: Vec<Key> = pairs.iter().map(|pair| Key(u16::from_be_bytes(*pair))).collect();
    let is_valid = rest.is_empty()
        && keys.first().is_some_and(|first| *first != Key::MANDATORY)
        && keys.is_sorted_by(|a, b| a < b);
    is_valid.then_some(keys)
}

/// Protocols with commas between them; `\,` and `\\` stand for a comma and a backslash in one
/// (RFC 9460 appendix A.1).
fn read_protocols(text: &[u8]) -> Option<Vec<u8>> {
    let mut items = vec![Vec::new()];
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b',' => items.push(Vec::new()),
            b'\\' => items.last_mut()?.push(bytes.next()?),
            _ => items.last_mut()?.push(byte),
        }
    }
    let mut wire = Vec::new();
    for item in items {
        wire.push(u8::try_from(item.len()).ok()?);
        wire.extend(item);
    }
    Some(wire)
}

/// The protocols of a valid list: at least one, none empty.
fn protocols(mut wire: &[u8]) -> Option<Vec<&[u8]>> {
    let mut items = Vec::new();
    while let Some((&length, rest)) = wire.split_first() {
        let (item, rest) = rest.split_at_checked(usize::from(length))?;
        items.push(item);
        wire = rest;
    }
    (!items.is_empty() && items.iter().all(|item| !item.is_empty())).then_some(items)
}

fn push_protocols(items: &[&[u8]], text: &mut String) {
    let mut list = Vec::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            list.push(b',');
        }
        for &byte in *item {
            if matches!(byte, b',' | b'\\') {
                list.push(b'\\');
            }
            list.push(byte);
        }
    }
    push_quoted(&list, text);
}
