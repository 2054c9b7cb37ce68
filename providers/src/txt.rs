//! TXT data and its text (RFC 1035 sections 3.3.14 and 5.1).

use model::Rdata;

/// One character-string holds so many bytes (RFC 1035 section 3.3).
const STRING_MAX: usize = 255;

/// The data of one TXT record with this text, in as many strings as it needs.
pub fn rdata(text: &[u8]) -> Rdata {
    let mut wire = Vec::with_capacity(text.len() + text.len() / STRING_MAX + 1);
    let empty = text.is_empty().then_some(&[][..]);
    for string in text.chunks(STRING_MAX).chain(empty) {
        // A chunk has at most 255 bytes.
        wire.push(string.len() as u8);
        wire.extend_from_slice(string);
    }
    Rdata::from_wire(wire)
}

/// The bytes of all strings of one TXT record, put together; `None` where it is no TXT data.
pub fn bytes(rdata: &Rdata) -> Option<Vec<u8>> {
    let mut rest = rdata.wire();
    let mut bytes = Vec::with_capacity(rest.len());
    while let Some((&length, tail)) = rest.split_first() {
        let (string, tail) = tail.split_at_checked(usize::from(length))?;
        bytes.extend_from_slice(string);
        rest = tail;
    }
    Some(bytes)
}

/// Reads quoted strings with `\"`, `\\` and `\DDD`, or one unquoted word, as master files and most
/// providers write them. The strings stay apart, since a provider compares them so.
pub fn parse(text: &str) -> Option<Rdata> {
    let mut wire = Vec::with_capacity(text.len());
    let mut rest = text.trim().as_bytes();
    while !rest.is_empty() {
        let (string, tail) = match rest.split_first() {
            Some((b'"', quoted)) => string(quoted, Some(b'"'))?,
            _ => string(rest, None)?,
        };
        wire.push(u8::try_from(string.len()).ok()?);
        wire.extend_from_slice(&string);
        rest = tail.trim_ascii_start();
    }
    Some(Rdata::from_wire(wire))
}

/// Up to `end`, or to a blank where there is none.
fn string(mut rest: &[u8], end: Option<u8>) -> Option<(Vec<u8>, &[u8])> {
    let mut bytes = Vec::new();
    loop {
        rest = match rest {
            [] if end.is_some() => return None,
            [] => return Some((bytes, rest)),
            [byte, tail @ ..] if Some(*byte) == end => return Some((bytes, tail)),
            [b' ' | b'\t', tail @ ..] if end.is_none() => return Some((bytes, tail)),
            [b'\\', digits @ ..] if digits.first().is_some_and(u8::is_ascii_digit) => {
                let (number, tail) = digits.split_first_chunk::<3>()?;
                let number = std::str::from_utf8(number).ok()?;
                bytes.push(number.parse().ok()?);
                tail
            }
            [b'\\', byte, tail @ ..] => {
                bytes.push(*byte);
                tail
            }
            [b'\\'] => return None,
            [byte, tail @ ..] => {
                bytes.push(*byte);
                tail
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_in_and_out() {
        for text in ["", "a", "a b", &"x".repeat(255), &"y".repeat(600)] {
            assert_eq!(bytes(&rdata(text.as_bytes())).unwrap(), text.as_bytes());
        }
        assert_eq!(rdata(b"").wire(), [0]);
        assert_eq!(rdata("y".repeat(256).as_bytes()).wire().len(), 258);
    }

    #[track_caller]
    fn reads(text: &str, expect: Option<&[u8]>) {
        assert_eq!(parse(text).as_ref().map(Rdata::wire), expect, "{text}");
    }

    #[test]
    fn quoted_strings_are_read() {
        reads(r#""a b""#, Some(b"\x03a b"));
        reads(r#""a" "b""#, Some(b"\x01a\x01b"));
        reads(r#""a""b""#, Some(b"\x01a\x01b"));
        reads(r#""a\"b\\c""#, Some(b"\x05a\"b\\c"));
        reads(r#""\000\255""#, Some(b"\x02\x00\xff"));
        reads("word", Some(b"\x04word"));
        reads(r#""""#, Some(b"\x00"));
        reads("two words", Some(b"\x03two\x05words"));
    }

    #[test]
    fn what_has_no_end_is_refused() {
        for text in [r#""a"#, r#""a\"#, r#""\25"#, r#""\256""#, &format!("\"{}\"", "x".repeat(256))]
        {
            reads(text, None);
        }
    }
}
