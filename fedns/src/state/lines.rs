//! Checksummed lines: eight hex digits of CRC-32, a space, one JSON value.
//!
//! A file that was cut in the middle of its last line is told apart from one with a wrong line:
//! the first is what a power failure leaves, the second is damage.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The values of a file that is whole, or whole up to a last line that was cut.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded<T> {
    pub values: Vec<T>,
    /// The last line had no end and was left out.
    pub cut: bool,
}

/// Why a file is not what was written.
#[derive(Debug, PartialEq, Eq)]
pub enum Damage {
    Empty,
    /// Counted from 1.
    BadLine {
        line: usize,
    },
    /// Written by a version whose format this one does not know.
    LaterFormat {
        found: u32,
        known: u32,
    },
    /// The snapshot has fewer entries than its first line says.
    Short {
        expected: usize,
        found: usize,
    },
    /// The file is another thing's state.
    WrongSubject {
        found: String,
    },
}

/// Appends one line.
pub fn encode(value: &impl Serialize, out: &mut Vec<u8>) {
    let json = serde_json::to_vec(value).expect("state values have string keys and finite numbers");
    out.extend_from_slice(format!("{:08x} ", crc32fast::hash(&json)).as_bytes());
    out.extend_from_slice(&json);
    out.push(b'\n');
}

/// Reads all lines back.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<Decoded<T>, Damage> {
    if bytes.is_empty() {
        return Err(Damage::Empty);
    }
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut values = Vec::new();
    for (index, line) in bytes[..whole].split_inclusive(|byte| *byte == b'\n').enumerate() {
        values.push(decode_line(line).ok_or(Damage::BadLine { line: index + 1 })?);
    }
    if values.is_empty() {
        return Err(Damage::BadLine { line: 1 });
    }
    Ok(Decoded { values, cut: whole < bytes.len() })
}

fn decode_line<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let line = line.strip_suffix(b"\n")?;
    let (sum, json) = line.split_at_checked(8)?;
    let json = json.strip_prefix(b" ")?;
    let sum = u32::from_str_radix(std::str::from_utf8(sum).ok()?, 16).ok()?;
    if sum != crc32fast::hash(json) {
        return None;
    }
    serde_json::from_slice(json).ok()
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "it is empty"),
            Self::BadLine { line } => write!(f, "line {line} is not as it was written"),
            Self::LaterFormat { found, known } => {
                write!(f, "its format is {found}; this version knows {known}")
            }
            Self::Short { expected, found } => {
                write!(f, "it has {found} of {expected} entries")
            }
            Self::WrongSubject { found } => write!(f, "it is the state of {found:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(&"one", &mut bytes);
        encode(&"two", &mut bytes);
        bytes
    }

    #[test]
    fn lines_come_back() {
        let decoded: Decoded<String> = decode(&file()).unwrap();
        assert_eq!(decoded, Decoded { values: vec!["one".into(), "two".into()], cut: false });
    }

    #[test]
    fn a_cut_is_told_from_damage() {
        let bytes = file();
        let cut: Decoded<String> = decode(&bytes[..bytes.len() - 3]).unwrap();
        assert_eq!(cut, Decoded { values: vec!["one".into()], cut: true });
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            match decode::<String>(&flipped) {
                Err(Damage::BadLine { .. }) => {}
                // Without its last end of line the file counts as cut.
                Ok(decoded) if at == bytes.len() - 1 => assert!(decoded.cut),
                other => panic!("byte {at}: {other:?}"),
            }
        }
        assert_eq!(decode::<String>(b""), Err(Damage::Empty));
    }
}
