//! The data of one record: words to wire form and back.
//!
//! One table says for each record type which fields follow one another; each kind of field knows how
//! it is read and printed. Whatever prints as text reads back to the same bytes, so data in the
//! generic form of RFC 3597 is checked against its type by printing it and reading that again.

mod address;
mod binary;
mod field;
mod format;
mod gateway;
mod host_identity;
mod location;
mod number;
mod prefix_list;
mod record_types;
mod service;
mod string;
mod timestamp;
mod wire;

use model::{Name, Rdata, RecordType};

use crate::lexer::{Entry, Lexer};
use crate::position::Position;
use crate::problem::{Excerpt, Fault, Problem, TextError};
use crate::words::Words;
use wire::Wire;

/// The most that the two length bytes of a record can say (RFC 1035 section 3.2.1).
const DATA_LENGTH_MAX: usize = 65_535;

/// The data of one `record_type` record as it stands in a zone file, with names relative to `origin`.
/// The generic form of RFC 3597 section 5 is understood for every type.
///
/// # Errors
///
/// The first mistake in `text`; its position counts from the start of `text`, which it calls `data`.
pub fn parse_rdata(record_type: RecordType, text: &str, origin: &Name) -> Result<Rdata, TextError> {
    let bytes = text.as_bytes();
    let mut lexer = Lexer::new(bytes);
    let (mut tokens, mut more) = (Vec::new(), Vec::new());
    let (entry, outcome) = lexer.next_entry(bytes, &mut tokens).unwrap_or((Entry::FIRST, Ok(())));
    let mut wire = Vec::new();
    let read = outcome.and_then(|()| {
        refuse_meta_type(record_type, 0)?;
        read_rdata(record_type, Words::new(bytes, &tokens), origin.wire(), &mut wire)?;
        match lexer.next_entry(bytes, &mut more) {
            None => Ok(()),
            Some(_) => Err(trailing_entry(bytes, more.first().map_or(0, |token| token.start))),
        }
    });
    match read {
        Ok(()) => Ok(Rdata::from_wire(wire)),
        Err(Fault { offset, problem }) => {
            let (line, column) = entry.place(bytes, offset);
            let position = Position { file: "data".into(), line, column };
            Err(TextError { position, problem: *problem })
        }
    }
}

/// Master-file text of one record's data, without names being shortened. Types without a text form,
/// and data that does not fit its type, print in the generic form of RFC 3597 section 5.
pub fn rdata_text(record_type: RecordType, rdata: &Rdata) -> String {
    let mut text = String::new();
    print_rdata(record_type, rdata.wire(), &mut text);
    text
}

/// Appends what [`rdata_text`] returns.
pub(crate) fn print_rdata(record_type: RecordType, wire: &[u8], text: &mut String) {
    let start = text.len();
    if print_fields(record_type, wire, text).is_none() {
        text.truncate(start);
        print_generic(wire, text);
    }
}

/// Reads the words behind the record type into `out`, which then holds the canonical wire form.
pub(crate) fn read_rdata(
    record_type: RecordType,
    mut words: Words<'_>,
    origin: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    out.clear();
    let offset = words.offset();
    if words.peek().is_some_and(|word| word.bytes == br"\#" && !word.is_quoted) {
        read_generic(record_type, words, out)?;
    } else {
        let Some(fields) = format::fields(record_type) else {
            return Err(Fault::new(offset, Problem::NoTextForm { record_type }));
        };
        for &field in fields {
            field::read(field, &mut words, origin, out)?;
        }
        words.finish()?;
    }
    match out.len() {
        0..=DATA_LENGTH_MAX => Ok(()),
        length => Err(Fault::new(offset, Problem::DataTooLong { length })),
    }
}

pub(crate) fn refuse_meta_type(record_type: RecordType, offset: usize) -> Result<(), Fault> {
    if record_type.is_meta() || record_type == RecordType(0) {
        return Err(Fault::new(offset, Problem::MetaType { record_type }));
    }
    Ok(())
}

/// `\# <length> <hex>`: the bytes as they are for a type without a format, else as that type's text
/// would have given them.
fn read_generic(
    record_type: RecordType,
    mut words: Words<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    const WANTED: &str = "the length of the data in bytes, up to 65535";
    words.next();
    let length = words.expect(WANTED)?;
    let stated = length.number(DATA_LENGTH_MAX as u32, WANTED)? as usize;
    binary::read_hex(&mut words, out)?;
    if stated != out.len() {
        return Err(length.fault(Problem::LengthDiffers { stated, actual: out.len() }));
    }
    if format::fields(record_type).is_none() {
        return Ok(());
    }
    let mut text = String::new();
    print_fields(record_type, out, &mut text)
        .and_then(|()| reread(record_type, &text, out))
        .ok_or_else(|| length.fault(Problem::DoesNotFit { record_type }))
}

fn reread(record_type: RecordType, text: &str, out: &mut Vec<u8>) -> Option<()> {
    let mut tokens = Vec::new();
    if let Some((_, outcome)) = Lexer::new(text.as_bytes()).next_entry(text.as_bytes(), &mut tokens)
    {
        outcome.ok()?;
    }
    read_rdata(record_type, Words::new(text.as_bytes(), &tokens), &[0], out).ok()
}

/// `None` where `wire` does not fit the type, or the type has no text form.
fn print_fields(record_type: RecordType, wire: &[u8], text: &mut String) -> Option<()> {
    let mut wire = Wire::new(wire);
    for (index, &field) in format::fields(record_type)?.iter().enumerate() {
        let start = text.len();
        if index > 0 {
            text.push(' ');
        }
        let separated = text.len();
        field::print(field, &mut wire, text)?;
        if text.len() == separated {
            text.truncate(start);
        }
    }
    wire.is_empty().then_some(())
}

fn print_generic(wire: &[u8], text: &mut String) {
    text.push_str("\\# ");
    text.push_str(&wire.len().to_string());
    if !wire.is_empty() {
        text.push(' ');
        binary::push_hex(wire, text);
    }
}

fn trailing_entry(text: &[u8], offset: usize) -> Fault {
    let line_end = text[offset..].iter().position(|&byte| byte == b'\n');
    let line = &text[offset..line_end.map_or(text.len(), |length| offset + length)];
    Fault::new(offset, Problem::Trailing { found: Excerpt::new(line) })
}

#[cfg(test)]
mod tests;
