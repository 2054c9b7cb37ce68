//! The answer as it grows: whole sets or nothing, never beyond its limit.

use crate::respond::options::AnswerOptions;
use crate::respond::request::{Edns, HEADER_LENGTH, Request};
use crate::respond::{CookieStanding, ExtendedError, Rcode, UDP_SIZE_MAX};
use crate::store::sets::{RECORD_HEADER_LENGTH, Set};

const OPT_LENGTH: usize = 11;
/// A compression pointer reaches no further (RFC 1035 section 4.1.4).
const POINTER_MAX: u16 = 0x3fff;

/// The sections behind the question.
#[derive(Clone, Copy)]
pub(crate) enum Section {
    Answer,
    Authority,
    Additional,
}

/// Where an uncompressed name begins in the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NameAt(pub u16);

impl NameAt {
    /// The question's name.
    pub const QUESTION: Self = Self(HEADER_LENGTH as u16);

    /// The same name without its first `bytes` bytes, which are whole labels.
    pub fn suffix(self, bytes: usize) -> Self {
        Self::new(usize::from(self.0) + bytes)
    }

    /// No message is longer than what fits.
    pub fn new(position: usize) -> Self {
        Self(position as u16)
    }

    /// None beyond the reach of pointers.
    fn pointer(self) -> Option<[u8; 2]> {
        (self.0 <= POINTER_MAX).then(|| (0xc000 | self.0).to_be_bytes())
    }
}

/// The set does not fit, or its owner is too far into the message to be pointed at.
#[derive(Debug)]
pub(crate) struct Full;

pub(crate) struct Message<'o> {
    out: &'o mut [u8],
    length: usize,
    /// What sets may fill: room for the OPT record is kept.
    limit: usize,
    counts: [u16; 3],
    options: &'o AnswerOptions<'o>,
    pub authoritative: bool,
    pub truncated: bool,
    /// Goes along where EDNS is spoken and there is room left.
    pub extended_error: Option<ExtendedError>,
}

impl<'o> Message<'o> {
    /// Header and question are those of `packet`. None where `size_max` has no room for them.
    #[inline]
    pub fn begin(
        out: &'o mut [u8],
        packet: &[u8],
        request: &Request,
        options: &'o AnswerOptions<'o>,
        size_max: usize,
    ) -> Option<Self> {
        let opt_length = if request.edns.is_some() { OPT_LENGTH + options.length() } else { 0 };
        let limit = size_max.checked_sub(opt_length)?;
        let start = packet.get(..request.question_end)?;
        let length = start.len();
        if length > limit || limit > out.len() {
            return None;
        }
        out[..length].copy_from_slice(start);
        let counts = [0; 3];
        Some(Self {
            out,
            length,
            limit,
            counts,
            options,
            authoritative: false,
            truncated: false,
            extended_error: None,
        })
    }

    /// What the query's COOKIE option proves.
    pub fn cookie(&self) -> CookieStanding {
        self.options.standing
    }

    /// Adds a set under the name at `owner`. Returns where its first record begins.
    #[inline]
    pub fn push(&mut self, section: Section, set: Set<'_>, owner: NameAt) -> Result<usize, Full> {
        let start = self.length;
        let end = start + set.records.len();
        let pointer = owner.pointer().ok_or(Full)?;
        if end > self.limit {
            return Err(Full);
        }
        self.out[start..end].copy_from_slice(set.records);
        if owner != NameAt::QUESTION {
            self.point_owners(start, set, pointer);
        }
        self.length = end;
        let count = &mut self.counts[section as usize];
        // At most 65,535 bytes of records of at least 12 bytes each.
        *count += set.count;
        Ok(start)
    }

    fn point_owners(&mut self, start: usize, set: Set<'_>, pointer: [u8; 2]) {
        for record in set.iter() {
            let at = start + record.offset;
            self.out[at..at + 2].copy_from_slice(&pointer);
        }
    }

    /// Gives the record that begins at `record` another TTL.
    pub fn set_ttl(&mut self, record: usize, ttl: u32) {
        self.out[record + 6..record + 10].copy_from_slice(&ttl.to_be_bytes());
    }

    /// Adds one answer whose data is a name. Returns where that name is.
    pub fn push_cname(&mut self, owner: NameAt, ttl: u32, target: &[u8]) -> Result<NameAt, Full> {
        let rdata = self.length + RECORD_HEADER_LENGTH;
        let end = rdata + target.len();
        let pointer = owner.pointer().ok_or(Full)?;
        if end > self.limit {
            return Err(Full);
        }
        let record = &mut self.out[self.length..end];
        record[0..2].copy_from_slice(&pointer);
        record[2..6].copy_from_slice(&[0, 5, 0, 1]);
        record[6..10].copy_from_slice(&ttl.to_be_bytes());
        record[10..12].copy_from_slice(&(target.len() as u16).to_be_bytes());
        record[12..].copy_from_slice(target);
        self.length = end;
        self.counts[Section::Answer as usize] += 1;
        Ok(NameAt::new(rdata))
    }

    /// Adds one answer of class CH for the question's name: a text of at most 255 bytes.
    pub fn push_chaos_text(&mut self, text: &[u8]) -> Result<(), Full> {
        let length = u8::try_from(text.len()).map_err(|_| Full)?;
        let rdata = self.length + RECORD_HEADER_LENGTH;
        let end = rdata + 1 + text.len();
        if end > self.limit {
            return Err(Full);
        }
        let record = &mut self.out[self.length..end];
        let [high, low] = (u16::from(length) + 1).to_be_bytes();
        record[..12].copy_from_slice(&[0xc0, 12, 0, 16, 0, 3, 0, 0, 0, 0, high, low]);
        record[12] = length;
        record[13..].copy_from_slice(text);
        self.length = end;
        self.counts[Section::Answer as usize] += 1;
        Ok(())
    }

    /// True where an uncompressed `name` stands at `at`, whatever the case of its letters.
    pub fn has_name(&self, at: NameAt, name: &[u8]) -> bool {
        let start = usize::from(at.0);
        let there = self.out.get(start..start + name.len());
        there.is_some_and(|there| there.eq_ignore_ascii_case(name))
    }

    /// Writes header and OPT record; returns the length of the whole.
    #[inline]
    pub fn finish(self, request: &Request, rcode: Rcode) -> usize {
        let Self { out, mut length, limit, counts, options, .. } = self;
        let Self { authoritative, truncated, extended_error, .. } = self;
        let [answers, authorities, mut additionals] = counts;
        if let Some(edns) = request.edns {
            let start = length;
            out[start..start + OPT_LENGTH].copy_from_slice(&opt(edns, rcode));
            length += OPT_LENGTH;
            additionals += 1;
            if edns.has_options || extended_error.is_some() {
                let has_room = start + ExtendedError::OPTION_LENGTH <= limit;
                let extended_error = extended_error.filter(|_| has_room);
                // What was kept for the OPT record is this much.
                let size_max = limit + OPT_LENGTH + options.length();
                length = write_options(out, length, size_max, options, extended_error);
            }
        }
        // Identifier, opcode and RD are the client's, and stand there; RA, AD and, as RFC 4035
        // section 3.1.6 says, CD are not.
        let flags = 0x80 | out[2] & 0x79 | u8::from(authoritative) << 2 | u8::from(truncated) << 1;
        let [[a0, a1], [u0, u1], [d0, d1]] =
            [answers, authorities, additionals].map(u16::to_be_bytes);
        let questions = u8::from(request.has_question());
        let rest = [flags, rcode.0 as u8 & 0x0f, 0, questions, a0, a1, u0, u1, d0, d1];
        out[2..HEADER_LENGTH].copy_from_slice(&rest);
        length
    }
}

/// Behind an OPT record without options, which ends at `start`. Returns the end of the whole.
#[cold]
fn write_options(
    out: &mut [u8],
    start: usize,
    size_max: usize,
    options: &AnswerOptions<'_>,
    extended_error: Option<ExtendedError>,
) -> usize {
    let mut end = start + options.length();
    options.write(&mut out[start..end]);
    if let Some(error) = extended_error {
        error.write(&mut out[end..]);
        end += ExtendedError::OPTION_LENGTH;
    }
    end = options.pad(out, end, size_max);
    out[start - 2..start].copy_from_slice(&((end - start) as u16).to_be_bytes());
    end
}

/// RFC 6891 section 6.1.3: only the DO bit is the client's.
fn opt(edns: Edns, rcode: Rcode) -> [u8; OPT_LENGTH] {
    let [size_high, size_low] = (UDP_SIZE_MAX as u16).to_be_bytes();
    let dnssec_ok = u8::from(edns.dnssec_ok) << 7;
    let extended_rcode = (rcode.0 >> 4) as u8;
    [0, 0, 41, size_high, size_low, extended_rcode, 0, dnssec_ok, 0, 0, 0]
}
