//! The parameters of SVCB and HTTPS records (RFC 9460 section 2).
//!
//! They may be written in any order and stand in the data in the order of their keys.

mod key;
mod value;

use std::collections::BTreeMap;

use super::wire::Wire;
use crate::problem::{Excerpt, Fault, Problem};
use crate::words::{Word, Words};
use key::Key;

/// The wire form of each parameter's value.
type Parameters = BTreeMap<Key, Vec<u8>>;

const WANTED: &str = "a service parameter as key or key=value";

// === text to wire ===

/// All words that are left.
pub fn read(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let offset = words.offset();
    let mut parameters = Parameters::new();
    while let Some(word) = words.next() {
        let (key, value) = read_parameter(word, words)?;
        if parameters.insert(key, value).is_some() {
            return Err(word.fault(broken(format!("{key} comes twice"))));
        }
    }
    check_together(&parameters).map_err(|detail| Fault::new(offset, broken(detail)))?;
    for (key, value) in parameters {
        let length = u16::try_from(value.len());
        let length = length.map_err(|_| {
            Fault::new(offset, broken(format!("{key} has a value above 65535 bytes")))
        })?;
        out.extend_from_slice(&key.0.to_be_bytes());
        out.extend_from_slice(&length.to_be_bytes());
        out.extend(value);
    }
    Ok(())
}

/// `key`, `key=value`, or `key=` with a quoted value right behind it.
fn read_parameter<'a>(word: Word<'a>, words: &mut Words<'a>) -> Result<(Key, Vec<u8>), Fault> {
    if word.is_quoted {
        return Err(word.unexpected(WANTED));
    }
    let equals = word.bytes.iter().position(|&byte| byte == b'=');
    let name = &word.bytes[..equals.unwrap_or(word.bytes.len())];
    let name = std::str::from_utf8(name).map_err(|_| word.unexpected(WANTED))?;
    let key = Key::parse(name).ok_or_else(|| word.unexpected(WANTED))?;
    let value_word = equals.map(|equals| value_word(word, equals, words));
    let bad_value = || {
        let found = Excerpt::new(value_word.map_or(b"", |value_word| value_word.bytes));
        word.fault(broken(format!("{found} is no value for {key}: wanted {}", value::wanted(key))))
    };
    let mut text = Vec::new();
    if let Some(value_word) = value_word {
        value_word.unescape(&mut text)?;
    }
    let value = if Key::is_generic(name) {
        value::is_valid(key, &text).then_some(text)
    } else {
        value::read(key, &text)
    };
    Ok((key, value.ok_or_else(bad_value)?))
}

fn value_word<'a>(word: Word<'a>, equals: usize, words: &mut Words<'a>) -> Word<'a> {
    let is_cut = equals + 1 == word.bytes.len();
    if let Some(quoted) = words.peek().filter(|next| is_cut && next.is_inside) {
        words.next();
        return Word { is_inside: false, ..quoted };
    }
    Word { bytes: &word.bytes[equals + 1..], offset: word.offset + equals + 1, ..word }
}

fn broken(detail: String) -> Problem {
    Problem::ServiceParameters { detail }
}

/// RFC 9460 sections 7.1.1 and 8: what one parameter asks of the others.
fn check_together(parameters: &Parameters) -> Result<(), String> {
    let has = |key: &Key| parameters.contains_key(key);
    if has(&Key::NO_DEFAULT_ALPN) && !has(&Key::ALPN) {
        return Err("no-default-alpn stands without alpn".to_owned());
    }
    let mandatory = parameters.get(&Key::MANDATORY).map_or(&[][..], Vec::as_slice);
    let mut mandatory =
        mandatory.as_chunks::<2>().0.iter().map(|key| Key(u16::from_be_bytes(*key)));
    match mandatory.find(|key| !has(key)) {
        Some(missing) => Err(format!("{missing} is mandatory but not there")),
        None => Ok(()),
    }
}

// === wire to text ===

/// `None` unless keys grow, values have the form of their key, and all fit together.
pub fn print(wire: &mut Wire<'_>, text: &mut String) -> Option<()> {
    let mut parameters = Parameters::new();
    while !wire.is_empty() {
        let (key, length) = (Key(wire.u16()?), wire.u16()?);
        let value = wire.take(usize::from(length))?;
        let grows = parameters.last_key_value().is_none_or(|(&last, _)| last < key);
        if !grows || !value::is_valid(key, value) {
            return None;
        }
        parameters.insert(key, value.to_vec());
    }
    check_together(&parameters).ok()?;
    for (index, (key, value)) in parameters.iter().enumerate() {
        if index > 0 {
            text.push(' ');
        }
        text.push_str(&key.to_string());
        value::print(*key, value, text);
    }
    Some(())
}
