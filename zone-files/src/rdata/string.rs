//! Character strings (RFC 1035 section 3.3) and strings that go to the end of the data.

use super::wire::Wire;
use crate::name::push_decimal_escape;
use crate::problem::Fault;
use crate::words::Words;

const WANTED: &str = "a string";
const WANTED_TAG: &str = "a tag of letters and digits";
/// What the one length byte of a tag can say.
const TAG_LENGTH_MAX: usize = 255;

pub fn read_one(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    words.expect(WANTED)?.character_string(out)
}

pub fn read_if_any(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    words.next().map_or(Ok(()), |word| word.character_string(out))
}

pub fn read_all(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    read_one(words, out)?;
    words.try_for_each(|word| word.character_string(out))
}

pub fn read_to_end(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    words.expect(WANTED)?.unescape(out)
}

pub fn read_tag(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let word = words.expect(WANTED_TAG)?;
    let tag = word.plain(WANTED_TAG)?;
    if !is_tag(tag.as_bytes()) {
        return Err(word.unexpected(WANTED_TAG));
    }
    out.push(tag.len() as u8);
    out.extend_from_slice(tag.as_bytes());
    Ok(())
}

pub fn print_all(wire: &mut Wire<'_>, text: &mut String) -> Option<()> {
    push_quoted(wire.string()?, text);
    while !wire.is_empty() {
        text.push(' ');
        push_quoted(wire.string()?, text);
    }
    Some(())
}

pub fn print_tag(tag: &[u8], text: &mut String) -> Option<()> {
    text.extend(tag.iter().copied().map(char::from));
    is_tag(tag).then_some(())
}

fn is_tag(bytes: &[u8]) -> bool {
    (1..=TAG_LENGTH_MAX).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_alphanumeric)
}

pub fn push_quoted(bytes: &[u8], text: &mut String) {
    text.push('"');
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            0x20..=0x7e => text.push(char::from(byte)),
            _ => push_decimal_escape(byte, text),
        }
    }
    text.push('"');
}
