//! Record types as data: one of them, or a bit for each (RFC 4034 section 4.1.2).

use std::collections::BTreeSet;

use model::RecordType;

use crate::problem::Fault;
use crate::words::{Word, Words};

const WANTED: &str = "a record type";

pub fn read_one(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let record_type = record_type(words.expect(WANTED)?)?;
    out.extend_from_slice(&record_type.0.to_be_bytes());
    Ok(())
}

fn record_type(word: Word<'_>) -> Result<RecordType, Fault> {
    word.plain(WANTED)?.parse().map_err(|_| word.unexpected(WANTED))
}

pub fn push(number: u16, text: &mut String) {
    text.push_str(&RecordType(number).to_string());
}

/// All words that are left; none at all is an empty set.
pub fn read_bitmap(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let record_types: BTreeSet<RecordType> = words.map(record_type).collect::<Result<_, _>>()?;
    let mut windows: Vec<(u8, Vec<u8>)> = Vec::new();
    for RecordType(number) in record_types {
        let [window, low] = number.to_be_bytes();
        if windows.last().is_none_or(|(last, _)| *last != window) {
            windows.push((window, Vec::new()));
        }
        if let Some((_, bits)) = windows.last_mut() {
            let at = usize::from(low / 8);
            bits.resize(bits.len().max(at + 1), 0);
            bits[at] |= 0x80 >> (low % 8);
        }
    }
    for (window, bits) in windows {
        out.extend_from_slice(&[window, bits.len() as u8]);
        out.extend(bits);
    }
    Ok(())
}

/// `None` unless the windows grow, have 1 to 32 bytes, and end in a byte that is not zero.
pub fn print_bitmap(mut windows: &[u8], text: &mut String) -> Option<()> {
    let mut previous = None;
    let mut separator = "";
    while let [window, length, rest @ ..] = windows {
        let (bits, rest) = rest.split_at_checked(usize::from(*length))?;
        let grows = previous.is_none_or(|previous| previous < *window);
        if !grows || bits.len() > 32 || bits.last().is_none_or(|&last| last == 0) {
            return None;
        }
        for low in 0..=u8::MAX {
            let is_set =
                bits.get(usize::from(low / 8)).is_some_and(|byte| byte << (low % 8) & 0x80 != 0);
            if is_set {
                text.push_str(separator);
                push(u16::from_be_bytes([*window, low]), text);
                separator = " ";
            }
        }
        previous = Some(*window);
        windows = rest;
    }
    windows.is_empty().then_some(())
}
