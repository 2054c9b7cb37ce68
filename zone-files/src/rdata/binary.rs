//! Bytes as hex, base 64 and base 32 (RFC 4648), spread over as many words as one likes.

use super::wire::Wire;
use crate::problem::{Fault, Problem};
use crate::words::Words;

const WANTED_HEX: &str = "pairs of hex digits";
const WANTED_BASE64: &str = "base 64";
const WANTED_SALT: &str = "a salt of up to 255 bytes in hex, or -";
const WANTED_HASH: &str = "a hash of up to 255 bytes in base 32 with extended hex alphabet";

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

// === hex ===

pub fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

pub fn push_hex(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
}

/// All words that are left; a byte's two digits may stand in two words.
pub fn read_hex(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let mut high = None;
    let mut last = None;
    for word in words {
        word.plain(WANTED_HEX)?;
        for &byte in word.bytes {
            let digit = hex_digit(byte).ok_or_else(|| word.unexpected(WANTED_HEX))?;
            match high.take() {
                None => high = Some(digit),
                Some(high) => out.push(high << 4 | digit),
            }
        }
        last = Some(word);
    }
    match (high, last) {
        (Some(_), Some(word)) => Err(word.unexpected(WANTED_HEX)),
        _ => Ok(()),
    }
}

pub fn read_some_hex(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    match words.peek() {
        None => Err(words.missing(WANTED_HEX)),
        Some(_) => read_hex(words, out),
    }
}

/// Hex whose length `lengths` gives for the digest type, the last byte of `out`; types that are not
/// listed may have any length.
pub fn read_digest(
    lengths: &[(u8, usize)],
    words: &mut Words<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let digest_type = out.last().copied().unwrap_or_default();
    let (start, offset) = (out.len(), words.offset());
    read_some_hex(words, out)?;
    let length = out.len() - start;
    match wanted_length(lengths, digest_type) {
        Some(wanted) if wanted != length => {
            Err(Fault::new(offset, Problem::DigestLength { digest_type, length, wanted }))
        }
        _ => Ok(()),
    }
}

pub fn print_digest(lengths: &[(u8, usize)], wire: &mut Wire<'_>, text: &mut String) -> Option<()> {
    let wanted = wanted_length(lengths, wire.previous()?);
    let digest = wire.take_rest();
    print_some(digest, text, push_hex)?;
    wanted.is_none_or(|wanted| wanted == digest.len()).then_some(())
}

fn wanted_length(lengths: &[(u8, usize)], digest_type: u8) -> Option<usize> {
    lengths.iter().find(|(known, _)| *known == digest_type).map(|&(_, length)| length)
}

/// Text of bytes that may not be empty.
pub fn print_some(bytes: &[u8], text: &mut String, push: fn(&[u8], &mut String)) -> Option<()> {
    push(bytes, text);
    (!bytes.is_empty()).then_some(())
}

/// RFC 5155 section 3.3.
pub fn read_salt(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let word = words.expect(WANTED_SALT)?;
    let text = word.plain(WANTED_SALT)?;
    let digits: Option<Vec<u8>> = match text {
        "-" => Some(Vec::new()),
        _ => text.bytes().map(hex_digit).collect(),
    };
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2) && digits.len() <= 2 * 255);
    let digits = digits.ok_or_else(|| word.unexpected(WANTED_SALT))?;
    out.push((digits.len() / 2) as u8);
    out.extend(digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low));
    Ok(())
}

pub fn print_salt(salt: &[u8], text: &mut String) {
    match salt {
        [] => text.push('-'),
        _ => push_hex(salt, text),
    }
}

// === base 64 ===

/// All words that are left.
pub fn read_base64(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let mut last = None;
    let mut digits = Vec::new();
    for word in words {
        word.plain(WANTED_BASE64)?;
        digits.extend_from_slice(word.bytes);
        last = Some(word);
    }
    match (decode_base64(&digits, out), last) {
        (None, Some(word)) => Err(word.unexpected(WANTED_BASE64)),
        _ => Ok(()),
    }
}

pub fn read_some_base64(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    match words.peek() {
        None => Err(words.missing(WANTED_BASE64)),
        Some(_) => read_base64(words, out),
    }
}

/// Padding is needed, and the bits that it leaves over must be zero.
pub fn decode_base64(digits: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (groups, rest) = digits.as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    for (index, group) in groups.iter().enumerate() {
        let padding = group.iter().rev().take_while(|&&byte| byte == b'=').count();
        if padding > 2 || (padding > 0 && index + 1 < groups.len()) {
            return None;
        }
        let mut bits = 0u32;
        for &byte in &group[..4 - padding] {
            bits = bits << 6 | u32::from(base64_digit(byte)?);
        }
        bits <<= 6 * padding;
        let bytes = bits.to_be_bytes();
        if bytes[4 - padding..].iter().any(|&left_over| left_over != 0) {
            return None;
        }
        out.extend_from_slice(&bytes[1..4 - padding]);
    }
    Some(())
}

fn base64_digit(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

pub fn push_base64(bytes: &[u8], text: &mut String) {
    for group in bytes.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let index = (bits >> (18 - 6 * digit) & 63) as usize;
            text.push(if digit <= group.len() { char::from(BASE64[index]) } else { '=' });
        }
    }
}

// === base 32 ===

/// RFC 5155 section 3.3: no padding, one word.
pub fn read_next_hash(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let word = words.expect(WANTED_HASH)?;
    let mut hash = Vec::new();
    decode_base32(word.plain(WANTED_HASH)?.as_bytes(), &mut hash)
        .filter(|()| (1..=255).contains(&hash.len()))
        .ok_or_else(|| word.unexpected(WANTED_HASH))?;
    out.push(hash.len() as u8);
    out.extend(hash);
    Ok(())
}

fn decode_base32(digits: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (mut bits, mut count) = (0u32, 0);
    for byte in digits {
        let digit = BASE32.iter().position(|digit| *digit == byte.to_ascii_lowercase())?;
        bits = bits << 5 | digit as u32;
        count += 5;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    // What is left over is less than a digit, and zero.
    (count < 5 && bits == 0).then_some(())
}

pub fn push_base32(bytes: &[u8], text: &mut String) {
    for group in bytes.chunks(5) {
        let byte = |index: usize| u64::from(group.get(index).copied().unwrap_or_default());
        let bits = (0..5).fold(0, |bits, index| bits << 8 | byte(index));
        for digit in 0..(group.len() * 8).div_ceil(5) {
            text.push(char::from(BASE32[(bits >> (35 - 5 * digit) & 31) as usize]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn base64_is_strict() {
        let decode = |text: &str| {
            let mut out = Vec::new();
            decode_base64(text.as_bytes(), &mut out).map(|()| out)
        };
        assert_eq!(decode("").unwrap(), b"");
        assert_eq!(decode("Zg==").unwrap(), b"f");
        assert_eq!(decode("Zm9vYg==").unwrap(), b"foob");
        assert_eq!(decode("Zm9vYmE=").unwrap(), b"fooba");
        for text in ["Zg", "Zg=", "Zh==", "Z===", "====", "Zg==Zg==", "Zm9=", "Zm-v"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn bytes_round_trip(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let (mut base64, mut base32) = (String::new(), String::new());
            push_base64(&bytes, &mut base64);
            push_base32(&bytes, &mut base32);
            let (mut from_base64, mut from_base32) = (Vec::new(), Vec::new());
            prop_assert!(decode_base64(base64.as_bytes(), &mut from_base64).is_some());
            prop_assert!(decode_base32(base32.as_bytes(), &mut from_base32).is_some());
            prop_assert_eq!(&from_base64, &bytes);
            prop_assert_eq!(&from_base32, &bytes);
        }
    }
}
