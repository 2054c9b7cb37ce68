//! HIP (RFC 8005 section 5): lengths of the two keys first, then the keys and the rendezvous servers.

use super::binary::{decode_base64, hex_digit, push_base64, push_hex};
use super::wire::Wire;
use crate::name::{Case, print_name, push_name};
use crate::problem::Fault;
use crate::words::Words;

const WANTED_ALGORITHM: &str = "the key's algorithm, a number from 0 to 255";
const WANTED_TAG: &str = "the host identity tag: 1 to 255 bytes in hex, as one word";
const WANTED_KEY: &str = "the public key: 1 to 65535 bytes in base 64, as one word";

pub fn read(words: &mut Words<'_>, origin: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    let algorithm = words.expect(WANTED_ALGORITHM)?.number(u8::MAX.into(), WANTED_ALGORITHM)?;
    let word = words.expect(WANTED_TAG)?;
    let digits: Option<Vec<u8>> = word.plain(WANTED_TAG)?.bytes().map(hex_digit).collect();
    let digits = digits
        .filter(|digits| digits.len().is_multiple_of(2) && (2..=2 * 255).contains(&digits.len()))
        .ok_or_else(|| word.unexpected(WANTED_TAG))?;
    let word = words.expect(WANTED_KEY)?;
    let mut key = Vec::new();
    decode_base64(word.plain(WANTED_KEY)?.as_bytes(), &mut key)
        .ok_or_else(|| word.unexpected(WANTED_KEY))?;
    let key_length = u16::try_from(key.len()).ok().filter(|&length| length > 0);
    let key_length = key_length.ok_or_else(|| word.unexpected(WANTED_KEY))?;
    out.extend_from_slice(&[(digits.len() / 2) as u8, algorithm as u8]);
    out.extend_from_slice(&key_length.to_be_bytes());
    out.extend(digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low));
    out.extend(key);
    words.try_for_each(|word| push_name(word, origin, Case::AsWritten, out))
}

pub fn print(wire: &mut Wire<'_>, text: &mut String) -> Option<()> {
    let (tag_length, algorithm, key_length) = (wire.u8()?, wire.u8()?, wire.u16()?);
    let (tag, key) = (wire.take(tag_length.into())?, wire.take(key_length.into())?);
    if tag.is_empty() || key.is_empty() {
        return None;
    }
    text.push_str(&format!("{algorithm} "));
    push_hex(tag, text);
    text.push(' ');
    push_base64(key, text);
    while !wire.is_empty() {
        text.push(' ');
        print_name(wire.name()?, text);
    }
    Some(())
}
