//! What can be wrong with master-file text.

use std::fmt;

use model::{NameError, RecordType};
use thiserror::Error;

use crate::position::Position;

/// One mistake in the text of a zone; prints as `file:line:column: problem`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{position}: {problem}")]
pub struct TextError {
    pub position: Position,
    pub problem: Problem,
}

/// What was found, and what was wanted in its place.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Problem {
    #[error("found {found}, wanted {wanted}")]
    Unexpected { found: Excerpt, wanted: &'static str },
    #[error("the entry ends here, wanted {wanted}")]
    Missing { wanted: &'static str },
    #[error("found {found} behind the end of the record")]
    Trailing { found: Excerpt },

    // --- characters ---
    #[error("this parenthesis is never closed")]
    UnclosedParenthesis,
    #[error("this parenthesis closes none")]
    UnopenedParenthesis,
    #[error("this quote is not closed in its line")]
    UnclosedQuote,
    #[error("this quote begins in the middle of a word: quote the whole, or write \\\"")]
    QuoteInside,
    #[error("a backslash is not followed by a character or by three digits up to 255")]
    BadEscape,
    #[error("the control character {byte:#04x} stands outside quotes")]
    ControlCharacter { byte: u8 },
    #[error("an entry of more than {limit} words")]
    EntryTooLong { limit: usize },

    // --- names ---
    #[error("{found} is no domain name: {reason}")]
    BadName { found: Excerpt, reason: NameError },
    #[error("{found} is no domain name: write its ASCII form (xn--...), or each byte as \\DDD")]
    NameNotAscii { found: Excerpt },
    #[error("the line begins with a blank, but no name stands before it")]
    NoOwner,

    // --- what comes before the data ---
    #[error("no TTL: give the record one, or set $TTL above it")]
    NoTtl,
    #[error("the TTL {found} is above 2147483647 (RFC 2181 section 8)")]
    TtlTooLarge { found: Excerpt },
    #[error("class {found}: only IN is served")]
    WrongClass { found: Excerpt },
    #[error(
        "{found} is no known record type; any other is written TYPE<number> \\# <length> <hex>"
    )]
    UnknownType { found: Excerpt },
    #[error("{record_type} exists only in messages, not in zones")]
    MetaType { record_type: RecordType },

    // --- data ---
    #[error("{record_type} has no text form here; write \\# <length> <hex> (RFC 3597)")]
    NoTextForm { record_type: RecordType },
    #[error("\\# says {stated} bytes, but {actual} follow")]
    LengthDiffers { stated: usize, actual: usize },
    #[error("these bytes do not fit {record_type}")]
    DoesNotFit { record_type: RecordType },
    #[error("a string of {length} bytes; 255 are allowed, so split it into several")]
    StringTooLong { length: usize },
    #[error("a digest of {length} bytes; type {digest_type} has {wanted}")]
    DigestLength { digest_type: u8, length: usize, wanted: usize },
    #[error("{detail}")]
    ServiceParameters { detail: String },
    #[error("data of {length} bytes; 65535 are allowed")]
    DataTooLong { length: usize },

    // --- directives ---
    #[error("{found} is no directive here; $ORIGIN, $TTL and $INCLUDE are")]
    UnknownDirective { found: Excerpt },
    #[error("$GENERATE is not understood here; write its records out")]
    Generate,
    #[error("cannot include {path:?}: {reason}")]
    Include { path: String, reason: String },
    #[error("{path:?} includes itself")]
    IncludeCircle { path: String },
    #[error("includes go deeper than {limit} files")]
    IncludeTooDeep { limit: usize },
    #[error("more than {limit} includes")]
    TooManyIncludes { limit: usize },
}

/// A piece of the text, shortened to one line of a message; prints in double quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt(pub String);

/// A problem and the byte at which it stands in the text that is being read.
#[derive(Debug)]
pub(crate) struct Fault {
    pub offset: usize,
    pub problem: Box<Problem>,
}

// === impl Excerpt ===

const EXCERPT_LENGTH_MAX: usize = 40;

impl Excerpt {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * EXCERPT_LENGTH_MAX)]);
        if bytes.len() <= 4 * EXCERPT_LENGTH_MAX && text.chars().count() <= EXCERPT_LENGTH_MAX {
            return Self(text.into_owned());
        }
        let start: String = text.chars().take(EXCERPT_LENGTH_MAX - 3).collect();
        Self(start + "...")
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for character in self.0.chars() {
            match character {
                control if control.is_control() => write!(f, "{}", control.escape_default())?,
                other => fmt::Write::write_char(f, other)?,
            }
        }
        f.write_str("\"")
    }
}

// === impl Fault ===

impl Fault {
    pub fn new(offset: usize, problem: Problem) -> Self {
        Self { offset, problem: Box::new(problem) }
    }
}
