//! What stands between a record's name and its data: TTL, class and type.

use model::RecordType;

use crate::problem::{Fault, Problem};
use crate::ttl;
use crate::words::{Word, Words};

const WANTED: &str = "a record type";
const WANTED_TTL: &str = "a TTL in seconds, or with units as in 1h30m";
/// RFC 2181 section 8.
const TTL_MAX: u32 = (1 << 31) - 1;

/// Which TTL a record without one has.
#[derive(Debug, Default)]
pub struct Ttls {
    /// What `$TTL` said last (RFC 2308 section 4).
    pub default: Option<u32>,
    /// What the last record with a TTL had (RFC 1035 section 5.1).
    last: Option<u32>,
}

/// TTL and class may come in either order or not at all; then the type.
pub fn read_ttl_and_type(words: &mut Words<'_>) -> Result<(Option<u32>, RecordType), Fault> {
    let (mut ttl, mut has_class) = (None, false);
    loop {
        let word = words.expect(WANTED)?;
        if ttl.is_none() && word.bytes.first().is_some_and(u8::is_ascii_digit) {
            ttl = Some(read_ttl(word)?);
        } else if !has_class && is_class(word)? {
            has_class = true;
        } else {
            return Ok((ttl, read_type(word)?));
        }
    }
}

/// A TTL, which fits 31 bits.
pub fn read_ttl(word: Word<'_>) -> Result<u32, Fault> {
    match ttl::seconds(word) {
        Some(ttl @ ..=TTL_MAX) => Ok(ttl),
        Some(_) => Err(word.fault(Problem::TtlTooLarge { found: word.excerpt() })),
        None => Err(word.unexpected(WANTED_TTL)),
    }
}

/// True for class IN, false for what is no class.
fn is_class(word: Word<'_>) -> Result<bool, Fault> {
    let bytes = word.bytes;
    if bytes.eq_ignore_ascii_case(b"IN") || bytes.eq_ignore_ascii_case(b"CLASS1") {
        return Ok(true);
    }
    let has_name = ["CH", "CHAOS", "HS", "HESIOD", "CS"];
    let is_numbered = bytes.len() > 5
        && bytes[..5].eq_ignore_ascii_case(b"CLASS")
        && bytes[5..].iter().all(u8::is_ascii_digit);
    if is_numbered || has_name.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(bytes)) {
        return Err(word.fault(Problem::WrongClass { found: word.excerpt() }));
    }
    Ok(false)
}

fn read_type(word: Word<'_>) -> Result<RecordType, Fault> {
    let unknown = || word.fault(Problem::UnknownType { found: word.excerpt() });
    let text = word.plain(WANTED).map_err(|_| unknown())?;
    let record_type = text.parse().map_err(|_| unknown())?;
    crate::rdata::refuse_meta_type(record_type, word.offset)?;
    Ok(record_type)
}

// === impl Ttls ===

impl Ttls {
    /// The record's own TTL, else that of `$TTL`, else that of the record before it. A SOA that none
    /// of these reaches has its last field, the minimum TTL, and so has what follows it.
    pub fn resolve(
        &mut self,
        own: Option<u32>,
        record_type: RecordType,
        data: &[u8],
    ) -> Option<u32> {
        if own.is_some() {
            self.last = own;
            return own;
        }
        if self.default.or(self.last).is_none() && record_type == RecordType::SOA {
            let minimum = data.last_chunk().map(|minimum| u32::from_be_bytes(*minimum));
            self.default = minimum.filter(|&minimum| minimum <= TTL_MAX);
        }
        self.default.or(self.last)
    }
}
