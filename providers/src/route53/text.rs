//! Names and TXT data as Route53 writes them: with octal escapes, where master files have decimal ones.

use model::{Name, Rdata};

/// A name with its final dot. What is no letter, digit, hyphen or underscore is escaped; an asterisk
/// that is a whole label is a wildcard and stays.
pub fn of_name(name: &Name) -> String {
    let mut text = String::new();
    for label in name.labels() {
        match label {
            b"*" => text.push('*'),
            label => label.iter().for_each(|byte| push_name_byte(*byte, &mut text)),
        }
        text.push('.');
    }
    if text.is_empty() { ".".to_owned() } else { text }
}

fn push_name_byte(byte: u8, text: &mut String) {
    match byte {
        b'-' | b'_' => text.push(char::from(byte)),
        byte if byte.is_ascii_alphanumeric() => text.push(char::from(byte)),
        byte => push_octal(byte, text),
    }
}

fn push_octal(byte: u8, text: &mut String) {
    text.push('\\');
    text.extend([byte >> 6, byte >> 3 & 7, byte & 7].map(|digit| char::from(b'0' + digit)));
}

/// Reads a name, with or without its final dot; `None` where it is no domain name.
pub fn name(text: &str) -> Option<Name> {
    if text == "." {
        return Some(Name::root());
    }
    let text = text.strip_suffix('.').unwrap_or(text);
    let mut labels = vec![Vec::new()];
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'.' => labels.push(Vec::new()),
            b'\\' => {
                let (byte, tail) = escaped(rest)?;
                labels.last_mut()?.push(byte);
                rest = tail;
            }
            byte => labels.last_mut()?.push(byte),
        }
    }
    Name::from_labels(labels.iter().map(Vec::as_slice), &Name::root()).ok()
}

/// TXT data as quoted strings with a blank between; `None` where it is no TXT data.
pub fn of_txt(rdata: &Rdata) -> Option<String> {
    let mut rest = rdata.wire();
    let mut text = String::new();
    while let Some((&length, tail)) = rest.split_first() {
        let (string, tail) = tail.split_at_checked(usize::from(length))?;
        if !text.is_empty() {
            text.push(' ');
        }
        text.push('"');
        string.iter().for_each(|byte| push_txt_byte(*byte, &mut text));
        text.push('"');
        rest = tail;
    }
    Some(text)
}

fn push_txt_byte(byte: u8, text: &mut String) {
    match byte {
        b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
        b' '..=b'~' => text.push(char::from(byte)),
        byte => push_octal(byte, text),
    }
}

/// Reads quoted strings; they stay apart, since Route53 compares them so. `None` where they are
/// written in any other way.
pub fn txt(text: &str) -> Option<Rdata> {
    let mut wire = Vec::with_capacity(text.len());
    let mut rest = text.trim().as_bytes();
    while !rest.is_empty() {
        let (string, tail) = quoted(rest.strip_prefix(b"\"")?)?;
        wire.push(u8::try_from(string.len()).ok()?);
        wire.extend_from_slice(&string);
        rest = tail.trim_ascii_start();
    }
    (!wire.is_empty()).then(|| Rdata::from_wire(wire))
}

/// Up to the closing quote, which must be there.
fn quoted(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut bytes = Vec::new();
    loop {
        let (&byte, tail) = rest.split_first()?;
        rest = tail;
        match byte {
            b'"' => return Some((bytes, rest)),
            b'\\' => {
                let (byte, tail) = escaped(rest)?;
                bytes.push(byte);
                rest = tail;
            }
            byte => bytes.push(byte),
        }
    }
}

/// What follows a backslash: three octal digits, or the byte itself.
fn escaped(rest: &[u8]) -> Option<(u8, &[u8])> {
    let is_octal = |byte: &u8| (b'0'..=b'7').contains(byte);
    match rest {
        [high @ b'0'..=b'3', middle, low, tail @ ..] if is_octal(middle) && is_octal(low) => {
            let byte = (high - b'0') << 6 | (middle - b'0') << 3 | (low - b'0');
            Some((byte, tail))
        }
        [byte, tail @ ..] => Some((*byte, tail)),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::txt as master_file;

    #[track_caller]
    fn name_is(labels: &[&[u8]], text: &str) {
        let parsed = Name::from_labels(labels.iter().copied(), &Name::root()).unwrap();
        assert_eq!(of_name(&parsed), text);
        assert_eq!(name(text), Some(parsed.clone()), "{text}");
        assert_eq!(name(text.strip_suffix('.').unwrap()), Some(parsed), "{text}");
    }

    #[test]
    fn names_go_there_and_back() {
        name_is(&[b"www", b"example", b"com"], "www.example.com.");
        name_is(&[b"_http", b"a-b"], "_http.a-b.");
        name_is(&[b"*", b"example"], "*.example.");
        name_is(&[b"a*", b"*", b"example"], "a\\052.*.example.");
        name_is(&[b"a.b", b"\\", b"\xe4"], "a\\056b.\\134.\\344.");
        assert_eq!(of_name(&Name::root()), ".");
        assert_eq!(name("."), Some(Name::root()));
    }

    #[test]
    fn a_wildcard_is_listed_escaped_and_upper_case_is_lower_case() {
        assert_eq!(name("\\052.Example.com."), Some(Name::parse("*.example.com").unwrap()));
    }

    #[test]
    fn what_is_no_name_is_not_read() {
        for text in ["", "a..b.", ".a", "a\\"] {
            assert_eq!(name(text), None, "{text}");
        }
    }

    #[track_caller]
    fn txt_is(wire: &[u8], text: &str) {
        let rdata = Rdata::from_wire(wire);
        assert_eq!(of_txt(&rdata).as_deref(), Some(text));
        assert_eq!(txt(text), Some(rdata), "{text}");
    }

    #[test]
    fn txt_goes_there_and_back() {
        txt_is(b"\x03a b", r#""a b""#);
        txt_is(b"\x01a\x01b", r#""a" "b""#);
        txt_is(b"\x00", r#""""#);
        txt_is(b"\x05a\"b\\c", r#""a\"b\\c""#);
        txt_is(b"\x03\x00\x7f\xff", r#""\000\177\377""#);
        let long = master_file::rdata("x".repeat(300).as_bytes());
        let text = format!("\"{}\" \"{}\"", "x".repeat(255), "x".repeat(45));
        txt_is(long.wire(), &text);
    }

    #[test]
    fn what_is_no_txt_is_not_read() {
        for text in
            ["", "word", r#""a"#, r#""a\""#, r#""a" b"#, &format!("\"{}\"", "x".repeat(256))]
        {
            assert_eq!(txt(text), None, "{text}");
        }
    }
}
