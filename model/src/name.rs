//! Domain names: parsed once into a value that cannot be wrong.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest label in bytes (RFC 1035 section 2.3.4).
pub const LABEL_LENGTH_MAX: usize = 63;
/// Longest name in bytes on the wire, length bytes and root included (RFC 1035 section 2.3.4).
pub const NAME_LENGTH_MAX: usize = 255;

/// One label of a domain name: 1 to 63 bytes, lower case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(Box<[u8]>);

/// An absolute domain name.
///
/// Names are kept in wire form and in lower case, so that equality, hashing and order are those of
/// the DNS; the case of a question is echoed from the question itself. The order is the canonical
/// one of RFC 4034 section 6.1: label by label from the right, a parent before its children.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Name {
    /// Length-prefixed labels and the final zero byte; never longer than [`NAME_LENGTH_MAX`].
    wire: Box<[u8]>,
}

/// Why some text or bytes are no domain name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NameError {
    /// Two dots in a row, a dot at the start, or no text at all.
    EmptyLabel,
    /// A label longer than 63 bytes.
    LabelTooLong { label: String, length: usize },
    /// More than 255 bytes on the wire.
    NameTooLong { length: usize },
    /// A backslash without the character or the three digits (000 to 255) that must follow it.
    BadEscape,
    /// The wire form ends early, has a compression pointer, or goes on after the root.
    BadWire,
}

// === impl Label ===

impl Label {
    /// Takes the label's text as it stands; dots and backslashes are ordinary bytes here.
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Self, NameError> {
        let bytes = bytes.as_ref();
        check_label(bytes)?;
        Ok(Self(bytes.to_ascii_lowercase().into()))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_label(&self.0, f)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Label {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl Serialize for Label {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(text).map_err(serde::de::Error::custom)
    }
}

// === impl Name ===

impl Name {
    /// The root, `.`.
    pub fn root() -> Self {
        Self { wire: Box::new([0]) }
    }

    /// Parses master-file text: `\.` and `\DDD` escapes are understood, and a missing final dot is
    /// taken as written (there is no origin here).
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let mut wire = Vec::with_capacity(text.len() + 2);
        parse_labels(text, &mut wire)?;
        wire.push(0);
        Self::from_lower_wire(wire)
    }

    /// Parses text that is relative to `origin` unless it ends with an unescaped dot; `@` is the
    /// origin itself (RFC 1035 section 5.1).
    pub fn parse_relative(text: &str, origin: &Name) -> Result<Self, NameError> {
        if text == "@" {
            return Ok(origin.clone());
        }
        let mut wire = Vec::with_capacity(text.len() + 1 + origin.wire.len());
        match parse_labels(text, &mut wire)? {
            Ending::Dot => wire.push(0),
            Ending::NoDot => wire.extend_from_slice(&origin.wire),
        }
        Self::from_lower_wire(wire)
    }

    /// Takes an uncompressed wire form that must fill `bytes` exactly.
    pub fn from_wire(bytes: &[u8]) -> Result<Self, NameError> {
        let (name, length) = Self::read_wire(bytes)?;
        if length == bytes.len() { Ok(name) } else { Err(NameError::BadWire) }
    }

    /// Reads an uncompressed name at the start of `bytes`; also returns how many bytes it takes.
    pub fn read_wire(bytes: &[u8]) -> Result<(Self, usize), NameError> {
        let mut position = 0;
        loop {
            let length = usize::from(*bytes.get(position).ok_or(NameError::BadWire)?);
            if length > LABEL_LENGTH_MAX {
                return Err(NameError::BadWire);
            }
            position += 1 + length;
            if length == 0 {
                break;
            }
        }
        let wire = bytes.get(..position).ok_or(NameError::BadWire)?.to_ascii_lowercase();
        Ok((Self::from_lower_wire(wire)?, position))
    }

    /// `labels`, left to right, standing on top of `suffix`.
    pub fn from_labels<'a>(
        labels: impl IntoIterator<Item = &'a [u8]>,
        suffix: &Name,
    ) -> Result<Self, NameError> {
        let mut wire = Vec::with_capacity(64 + suffix.wire.len());
        for label in labels {
            check_label(label)?;
            push_label(label, &mut wire);
        }
        wire.extend_from_slice(&suffix.wire);
        Self::from_lower_wire(wire)
    }

    /// This name with one more label at its left.
    pub fn child(&self, label: &[u8]) -> Result<Self, NameError> {
        Self::from_labels([label], self)
    }

    /// The name without its leftmost label; none above the root.
    pub fn parent(&self) -> Option<Self> {
        let length = usize::from(self.wire[0]);
        (length > 0).then(|| Self { wire: self.wire[1 + length..].into() })
    }

    /// The lower-cased, uncompressed wire form with the root's zero byte.
    pub fn wire(&self) -> &[u8] {
        &self.wire
    }

    /// The labels from left to right, without the root.
    pub fn labels(&self) -> Labels<'_> {
        Labels { rest: &self.wire }
    }

    /// How many labels stand before the root.
    pub fn label_count(&self) -> usize {
        self.labels().count()
    }

    pub fn is_root(&self) -> bool {
        self.wire.len() == 1
    }

    /// True for a name whose leftmost label is `*` (RFC 4592).
    pub fn is_wildcard(&self) -> bool {
        self.wire.starts_with(b"\x01*")
    }

    /// True for `ancestor` itself and everything below it.
    pub fn is_at_or_below(&self, ancestor: &Name) -> bool {
        let Some(start) = self.wire.len().checked_sub(ancestor.wire.len()) else {
            return false;
        };
        self.wire[start..] == *ancestor.wire && self.is_label_start(start)
    }

    /// True for everything below `ancestor`, without `ancestor` itself.
    pub fn is_below(&self, ancestor: &Name) -> bool {
        self.wire.len() > ancestor.wire.len() && self.is_at_or_below(ancestor)
    }

    fn is_label_start(&self, start: usize) -> bool {
        let mut position = 0;
        while position < start {
            position += 1 + usize::from(self.wire[position]);
        }
        position == start
    }

    fn from_lower_wire(wire: Vec<u8>) -> Result<Self, NameError> {
        if wire.len() > NAME_LENGTH_MAX {
            return Err(NameError::NameTooLong { length: wire.len() });
        }
        Ok(Self { wire: wire.into_boxed_slice() })
    }
}

/// The labels of a [`Name`], left to right.
#[derive(Clone)]
pub struct Labels<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(self.rest[0]);
        if length == 0 {
            return None;
        }
        let (label, rest) = self.rest[1..].split_at(length);
        self.rest = rest;
        Some(label)
    }
}

impl Ord for Name {
    /// Names of one zone share a long end, so what both have in common is found by bytes, eight at a
    /// time, and only one pair of labels is compared. It begins where both have a label begin: from
    /// there on equal bytes are equal labels, whatever stands before.
    fn cmp(&self, other: &Self) -> Ordering {
        let shared = shared_end(&self.wire, &other.wire);
        let (mut mine, mut theirs) = (EndWalk::new(&self.wire), EndWalk::new(&other.wire));
        mine.walk_to(shared);
        theirs.walk_to(shared);
        while mine.left() != theirs.left() {
            let left = mine.left().min(theirs.left());
            mine.walk_to(left);
            theirs.walk_to(left);
        }
        mine.passed.cmp(&theirs.passed)
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        for label in self.labels() {
            write_label(label, f)?;
            f.write_str(".")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

// === impl NameError ===

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyLabel => write!(f, "a label is empty"),
            Self::LabelTooLong { label, length } => {
                write!(f, "the label {label:?} has {length} bytes; {LABEL_LENGTH_MAX} are allowed")
            }
            Self::NameTooLong { length } => {
                write!(f, "the name has {length} bytes; {NAME_LENGTH_MAX} are allowed")
            }
            Self::BadEscape => {
                write!(f, "a backslash is not followed by a character or by three digits up to 255")
            }
            Self::BadWire => write!(f, "not an uncompressed wire-form name"),
        }
    }
}

impl std::error::Error for NameError {}

// === text and wire helpers ===

enum Ending {
    Dot,
    NoDot,
}

fn parse_labels(text: &str, wire: &mut Vec<u8>) -> Result<Ending, NameError> {
    if text == "." {
        return Ok(Ending::Dot);
    }
    let mut label = Vec::with_capacity(LABEL_LENGTH_MAX);
    let mut bytes = text.bytes();
    let mut ending = Ending::NoDot;
    while let Some(byte) = bytes.next() {
        ending = Ending::NoDot;
        match byte {
            b'.' => {
                check_label(&label)?;
                push_label(&label, wire);
                label.clear();
                ending = Ending::Dot;
            }
            b'\\' => label.push(parse_escape(&mut bytes)?),
            _ => label.push(byte),
        }
    }
    if matches!(ending, Ending::NoDot) {
        check_label(&label)?;
        push_label(&label, wire);
    }
    Ok(ending)
}

fn parse_escape(bytes: &mut impl Iterator<Item = u8>) -> Result<u8, NameError> {
    let first = bytes.next().ok_or(NameError::BadEscape)?;
    if !first.is_ascii_digit() {
        return Ok(first);
    }
    let mut value = u32::from(first - b'0');
    for _ in 0..2 {
        let digit = bytes.next().filter(u8::is_ascii_digit).ok_or(NameError::BadEscape)?;
        value = value * 10 + u32::from(digit - b'0');
    }
    u8::try_from(value).map_err(|_| NameError::BadEscape)
}

fn check_label(label: &[u8]) -> Result<(), NameError> {
    match label.len() {
        0 => Err(NameError::EmptyLabel),
        1..=LABEL_LENGTH_MAX => Ok(()),
        length => Err(NameError::LabelTooLong {
            label: String::from_utf8_lossy(label).into_owned(),
            length,
        }),
    }
}

/// The label must have been checked: its length fits one byte.
fn push_label(label: &[u8], wire: &mut Vec<u8>) {
    wire.push(label.len() as u8);
    wire.extend(label.iter().map(u8::to_ascii_lowercase));
}

/// How many bytes at the end of both are equal.
fn shared_end(mut mine: &[u8], mut theirs: &[u8]) -> usize {
    let length = mine.len().min(theirs.len());
    while let (Some((mine_rest, a)), Some((theirs_rest, b))) =
        (mine.split_last_chunk::<8>(), theirs.split_last_chunk::<8>())
    {
        let difference = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if difference != 0 {
            let left = mine.len().min(theirs.len());
            return length - left + difference.leading_zeros() as usize / 8;
        }
        (mine, theirs) = (mine_rest, theirs_rest);
    }
    let pairs = mine.iter().rev().zip(theirs.iter().rev());
    length - mine.len().min(theirs.len()) + pairs.take_while(|(a, b)| a == b).count()
}

/// Goes through a wire name from the left, a label at a time.
struct EndWalk<'a> {
    wire: &'a [u8],
    at: usize,
    /// The label that was passed last; none before the first, which orders a parent before its
    /// children.
    passed: Option<&'a [u8]>,
}

impl<'a> EndWalk<'a> {
    fn new(wire: &'a [u8]) -> Self {
        Self { wire, at: 0, passed: None }
    }

    /// How many bytes there are from here to the end; never 0, as the root's byte is the last.
    fn left(&self) -> usize {
        self.wire.len() - self.at
    }

    /// Goes on to the first label from which at most `left` bytes, and at least the root's, are left.
    fn walk_to(&mut self, left: usize) {
        while self.left() > left {
            let end = self.at + 1 + usize::from(self.wire[self.at]);
            self.passed = Some(&self.wire[self.at + 1..end]);
            self.at = end;
        }
    }
}

/// Master-file text (RFC 1035 section 5.1): what would end a label or a token is escaped.
fn write_label(label: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use fmt::Write;
    for &byte in label {
        match byte {
            b'.' | b'"' | b'\\' | b'(' | b')' | b';' | b'@' | b'$' => {
                write!(f, "\\{}", char::from(byte))?;
            }
            0x21..=0x7e => f.write_char(char::from(byte))?,
            _ => write!(f, "\\{byte:03}")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
