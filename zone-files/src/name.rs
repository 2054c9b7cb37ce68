//! Domain names in master-file text, to wire form and back.

use model::name::{LABEL_LENGTH_MAX, NAME_LENGTH_MAX};
use model::{Name, NameError};

use crate::problem::{Fault, Problem};
use crate::words::{Word, unescape_one};

/// Whether a name's letters are turned to lower case, as the canonical form of most types wants it
/// (RFC 4034 section 6.2, RFC 6840 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    Lower,
    AsWritten,
}

const WANTED: &str = "a domain name";

/// Puts the wire form of the name that `word` writes behind the bytes of `out`. Without a dot at its
/// end it is relative to `origin`, a wire form too; `@` is the origin.
pub fn push_name(
    word: Word<'_>,
    origin: &[u8],
    case: Case,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    if word.is_quoted {
        return Err(word.unexpected(WANTED));
    }
    let start = out.len();
    match word.bytes {
        b"@" => out.extend_from_slice(origin),
        b"." => out.push(0),
        _ => push_labels(word, origin, out)?,
    }
    let length = out.len() - start;
    if length > NAME_LENGTH_MAX {
        return Err(bad_name(word, NameError::NameTooLong { length }));
    }
    if case == Case::Lower {
        // Length bytes are below the letters, so the whole wire form can be lowered at once.
        out[start..].make_ascii_lowercase();
    }
    Ok(())
}

/// The name that `word` writes.
pub fn read_name(word: Word<'_>, origin: &[u8], scratch: &mut Vec<u8>) -> Result<Name, Fault> {
    scratch.clear();
    push_name(word, origin, Case::Lower, scratch)?;
    Name::from_wire(scratch).map_err(|reason| bad_name(word, reason))
}

fn push_labels(word: Word<'_>, origin: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    let (mut length_at, mut at, mut ended_by_dot) = (out.len(), 0, false);
    out.push(0);
    while let Some(&byte) = word.bytes.get(at) {
        ended_by_dot = byte == b'.';
        match byte {
            b'.' => {
                end_label(word, length_at, out)?;
                // Becomes the root's zero byte if the name ends here.
                length_at = out.len();
                out.push(0);
                at += 1;
            }
            b'\\' => {
                let (byte, length) = unescape_one(&word.bytes[at..])
                    .ok_or_else(|| Fault::new(word.offset + at, Problem::BadEscape))?;
                out.push(byte);
                at += length;
            }
            0x80.. => return Err(word.fault(Problem::NameNotAscii { found: word.excerpt() })),
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    if !ended_by_dot {
        end_label(word, length_at, out)?;
        out.extend_from_slice(origin);
    }
    Ok(())
}

/// Writes the length byte of the label that ends `out`.
fn end_label(word: Word<'_>, length_at: usize, out: &mut [u8]) -> Result<(), Fault> {
    let label = &out[length_at + 1..];
    match label.len() {
        0 => Err(bad_name(word, NameError::EmptyLabel)),
        length @ 1..=LABEL_LENGTH_MAX => {
            out[length_at] = length as u8;
            Ok(())
        }
        length => {
            let label = String::from_utf8_lossy(&label[..LABEL_LENGTH_MAX]).into_owned() + "...";
            Err(bad_name(word, NameError::LabelTooLong { label, length }))
        }
    }
}

fn bad_name(word: Word<'_>, reason: NameError) -> Fault {
    word.fault(Problem::BadName { found: word.excerpt(), reason })
}

/// Appends the uncompressed wire-form name `wire` as text with a final dot.
pub fn print_name(wire: &[u8], text: &mut String) {
    if wire == [0] {
        text.push('.');
        return;
    }
    print_labels(wire, text);
}

/// Appends `name` relative to `origin`, which may be the name itself.
pub fn print_relative(name: &Name, origin: &Name, text: &mut String) {
    if name == origin {
        text.push('@');
    } else if name.is_below(origin) {
        print_labels(&name.wire()[..name.wire().len() - origin.wire().len()], text);
        text.pop();
    } else {
        print_name(name.wire(), text);
    }
}

/// Each label with a dot behind it; stops at the root or at the end.
fn print_labels(mut wire: &[u8], text: &mut String) {
    while let Some((&length @ 1.., rest)) = wire.split_first() {
        let (label, rest) = rest.split_at(usize::from(length));
        for &byte in label {
            print_byte(byte, text);
        }
        text.push('.');
        wire = rest;
    }
}

/// Escapes what would end a label or a word, and what is special at the start of one.
fn print_byte(byte: u8, text: &mut String) {
    match byte {
        b'.' | b'"' | b'\\' | b'(' | b')' | b';' | b'@' | b'$' => {
            text.extend(['\\', char::from(byte)]);
        }
        0x21..=0x7e => text.push(char::from(byte)),
        _ => push_decimal_escape(byte, text),
    }
}

/// Appends `\DDD`.
pub fn push_decimal_escape(byte: u8, text: &mut String) {
    let digit = |number: u8| char::from(b'0' + number);
    text.extend(['\\', digit(byte / 100), digit(byte / 10 % 10), digit(byte % 10)]);
}
