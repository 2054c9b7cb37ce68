//! DNS messages: questions and updates written, answers read.

mod read;

use model::{Name, Rdata, RecordType};

pub const CLASS_IN: u16 = 1;
pub const CLASS_NONE: u16 = 254;
pub const CLASS_ANY: u16 = 255;
pub(crate) const TYPE_TSIG: RecordType = RecordType::TSIG;

/// The longest message over TCP (RFC 1035 section 4.2.2).
pub const MESSAGE_LENGTH_MAX: usize = 65_535;
const HEADER_LENGTH: usize = 12;
const OPCODE_UPDATE: u8 = 5;

/// The sections of a message, by their place in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The prerequisites of an update (RFC 2136 section 2.4).
    Prerequisite = 1,
    /// The changes of an update (RFC 2136 section 2.5).
    Update = 2,
}

/// A message in the making.
#[derive(Clone, Debug)]
pub struct MessageWriter {
    bytes: Vec<u8>,
    /// The name in the question, which stands right behind the header: owners below it point to it.
    about: Name,
}

/// An answer as far as it is of use here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub id: u16,
    pub rcode: u8,
    pub is_authoritative: bool,
    /// It did not fit: the same over TCP (RFC 7766 section 5).
    pub is_truncated: bool,
    /// The server looks up what it does not know itself.
    pub offers_recursion: bool,
    pub answers: Vec<Record>,
    pub authority: Vec<Record>,
    /// The signature left out.
    pub additional: Vec<Record>,
    pub tsig: Option<TsigRecord>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub name: Name,
    pub record_type: RecordType,
    pub ttl: u32,
    pub rdata: Rdata,
}

/// The data of a TSIG record and where it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TsigRecord {
    /// Where the record begins in its message.
    pub start: usize,
    pub key_name: Name,
    pub algorithm: Name,
    /// Seconds since 1970.
    pub time_signed: u64,
    pub fudge: u16,
    pub mac: Vec<u8>,
    pub original_id: u16,
    pub error: u16,
    pub other: Vec<u8>,
}

/// Bytes that are no DNS message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no DNS message of this kind")]
pub struct Malformed;

// === impl MessageWriter ===

impl MessageWriter {
    pub fn query(name: &Name, record_type: RecordType) -> Self {
        Self::new(0, name, record_type)
    }

    /// Asks for recursion (RFC 1035 section 4.1.1).
    pub fn recursive_query(name: &Name, record_type: RecordType) -> Self {
        let mut query = Self::query(name, record_type);
        query.bytes[2] |= 0x01;
        query
    }

    pub fn update(zone: &Name) -> Self {
        Self::new(OPCODE_UPDATE, zone, RecordType::SOA)
    }

    fn new(opcode: u8, name: &Name, record_type: RecordType) -> Self {
        let mut bytes = vec![0; HEADER_LENGTH];
        bytes[2] = opcode << 3;
        bytes[5] = 1;
        bytes.extend_from_slice(name.wire());
        bytes.extend_from_slice(&record_type.0.to_be_bytes());
        bytes.extend_from_slice(&CLASS_IN.to_be_bytes());
        Self { bytes, about: name.clone() }
    }

    /// Records of one section must come after all of the sections before it.
    pub fn push(
        &mut self,
        section: Section,
        name: &Name,
        record_type: RecordType,
        class: u16,
        ttl: u32,
        rdata: &[u8],
    ) {
        let owner = self.compressed(name);
        append_record(&mut self.bytes, &owner, record_type, class, ttl, rdata);
        let at = 4 + 2 * section as usize;
        let count = u16::from_be_bytes([self.bytes[at], self.bytes[at + 1]]).wrapping_add(1);
        self.bytes[at..at + 2].copy_from_slice(&count.to_be_bytes());
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.len() <= HEADER_LENGTH
    }

    pub fn finish(mut self, id: u16) -> Vec<u8> {
        self.bytes[..2].copy_from_slice(&id.to_be_bytes());
        self.bytes
    }

    fn compressed(&self, name: &Name) -> Vec<u8> {
        if self.about.is_root() || !name.is_at_or_below(&self.about) {
            return name.wire().to_vec();
        }
        let own = &name.wire()[..name.wire().len() - self.about.wire().len()];
        [own, &[0xc0, HEADER_LENGTH as u8]].concat()
    }
}

pub(crate) fn append_record(
    message: &mut Vec<u8>,
    owner: &[u8],
    record_type: RecordType,
    class: u16,
    ttl: u32,
    rdata: &[u8],
) {
    message.extend_from_slice(owner);
    message.extend_from_slice(&record_type.0.to_be_bytes());
    message.extend_from_slice(&class.to_be_bytes());
    message.extend_from_slice(&ttl.to_be_bytes());
    // Longer data comes from nowhere: it was read from a message or fits into a name's records.
    message.extend_from_slice(&(rdata.len() as u16).to_be_bytes());
    message.extend_from_slice(rdata);
}

#[cfg(test)]
mod tests;
