//! What a packet asks, read once into a value that the rest can rely on.

use model::RecordType;

use crate::respond::options::Options;
use crate::respond::{Rcode, TCP_SIZE_MAX, Transport, UDP_SIZE_MAX, UDP_SIZE_WITHOUT_EDNS};
use crate::store::Snapshot;

pub(crate) const HEADER_LENGTH: usize = 12;
const LABEL_LENGTH_MAX: usize = 63;
const NAME_LENGTH_MAX: usize = 255;
const CLASS_IN: u16 = 1;
const CLASS_CH: u16 = 3;
const OPCODE_QUERY: u8 = 0;
const OPCODE_NOTIFY: u8 = 4;
const TSIG: RecordType = RecordType(250);

/// A packet that deserves an answer, if only that it is refused. It is a place to be used again for
/// packet after packet, and does not keep the packet itself.
#[derive(Clone)]
pub struct Request {
    /// Where the question ends; [`HEADER_LENGTH`] where there is none to be echoed.
    pub(crate) question_end: usize,
    pub(crate) record_type: RecordType,
    pub(crate) edns: Option<Edns>,
    /// Of the OPT record, if it has some; else those of any packet before.
    pub(crate) options: Options,
    /// Where the signature's record begins (RFC 8945), which is the last one.
    pub(crate) tsig: Option<usize>,
    /// It asks for a whole zone or for its changes.
    pub(crate) is_transfer: bool,
    /// What is done where the question will not be looked up.
    pub(crate) instead: Option<Instead>,
    /// Of the name, in the store that the snapshot given to `parse` was of.
    hash: u64,
    name: NameBuffer,
}

/// What the OPT record of a query says (RFC 6891 section 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edns {
    pub udp_size: u16,
    pub version: u8,
    pub dnssec_ok: bool,
    pub has_options: bool,
}

/// Other things than to look the question up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instead {
    Fail(Rcode),
    /// There is no question: the client only wants a cookie (RFC 7873 section 5.4).
    GiveCookie,
    /// Class CH asks about the server itself.
    Identify,
}

/// An uncompressed name in lower case on the stack.
#[derive(Clone)]
pub(crate) struct NameBuffer {
    /// Anything behind the name.
    bytes: [u8; NAME_BUFFER_LENGTH],
    length: u8,
}

/// A whole number of chunks for [`NameBuffer::lower`].
const NAME_BUFFER_LENGTH: usize = 256;
const CHUNK_LENGTH: usize = 32;

struct Question {
    record_type: RecordType,
    class: u16,
    end: usize,
}

/// The packet does not read as a message.
pub(crate) struct Malformed;

// === impl Request ===

impl Request {
    /// Without a packet.
    pub const fn new() -> Self {
        Self {
            question_end: HEADER_LENGTH,
            record_type: RecordType(0),
            edns: None,
            options: Options::NONE,
            tsig: None,
            is_transfer: false,
            instead: None,
            hash: 0,
            name: NameBuffer::ROOT,
        }
    }

    /// Reads a packet in place of the last one. False for what gets no answer at all: a response,
    /// or less than a header.
    #[inline]
    pub fn parse(&mut self, packet: &[u8], snapshot: &Snapshot<'_>) -> bool {
        let Some(header) = packet.first_chunk::<HEADER_LENGTH>() else { return false };
        if header[2] & 0x80 != 0 {
            return false;
        }
        self.question_end = HEADER_LENGTH;
        self.edns = None;
        self.tsig = None;
        self.is_transfer = false;
        self.instead = self.read(packet, header, snapshot).err();
        true
    }

    /// The hash of the name that is asked for.
    #[inline]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// Whether there is more to it than a question: it is signed, or asks for a zone.
    #[inline]
    pub(crate) fn is_special(&self) -> bool {
        self.is_transfer || self.tsig.is_some()
    }

    /// Lower-cased wire form.
    pub(crate) fn name(&self) -> &[u8] {
        self.name.as_bytes()
    }

    /// It asks how long an idle connection is kept (RFC 7828).
    pub(crate) fn asks_keepalive(&self) -> bool {
        self.edns.is_some_and(|edns| edns.has_options) && self.options.keepalive
    }

    pub(crate) fn has_question(&self) -> bool {
        self.question_end > HEADER_LENGTH
    }

    /// How long the answer may be, whatever the buffer.
    pub(crate) fn answer_size_max(&self, transport: Transport) -> usize {
        match (transport, self.edns) {
            (Transport::Tcp | Transport::Tls | Transport::Https | Transport::Quic, _) => {
                TCP_SIZE_MAX
            }
            (Transport::Udp, None) => UDP_SIZE_WITHOUT_EDNS,
            (Transport::Udp, Some(edns)) => {
                usize::from(edns.udp_size).clamp(UDP_SIZE_WITHOUT_EDNS, UDP_SIZE_MAX)
            }
        }
    }

    /// The order of the checks decides which error a packet with several gets.
    #[inline]
    fn read(
        &mut self,
        packet: &[u8],
        header: &[u8; HEADER_LENGTH],
        snapshot: &Snapshot<'_>,
    ) -> Result<(), Instead> {
        let opcode = header[2] >> 3 & 0x0f;
        if !matches!(opcode, OPCODE_QUERY | OPCODE_NOTIFY) {
            return Err(Instead::Fail(self.read_other(packet, header)));
        }
        let question = self.read_sections(packet, header)?;
        if let Some(Edns { version, has_options, .. }) = self.edns
            && (version != 0 || has_options && self.options.malformed)
        {
            // Of another version nothing but its number can be read.
            let rcode = if version == 0 { Rcode::FORMERR } else { Rcode::BADVERS };
            return Err(Instead::Fail(rcode));
        }
        let Some(Question { record_type, class, .. }) = question else {
            let has_options = self.edns.is_some_and(|edns| edns.has_options);
            let has_cookie = has_options && self.options.cookie.is_some();
            let wants_cookie = has_cookie && opcode == OPCODE_QUERY;
            return Err(if wants_cookie { Instead::GiveCookie } else { Malformed.into() });
        };
        if opcode == OPCODE_NOTIFY {
            return Err(Instead::Fail(notice(record_type, class)));
        }
        if class != CLASS_IN {
            let is_chaos = class == CLASS_CH;
            return Err(if is_chaos { Instead::Identify } else { Instead::Fail(Rcode::REFUSED) });
        }
        self.hash = snapshot.key(self.name()).hash;
        if matches!(record_type, RecordType::AXFR | RecordType::IXFR) {
            self.is_transfer = true;
            return Err(Instead::Fail(Rcode::REFUSED));
        }
        Ok(())
    }

    /// What opcodes that we have not mean by their sections is not known, and nothing of them is echoed;
    /// but an OPT record and a signature where queries have them are answered (RFC 6891 section 6.1.1,
    /// RFC 8945 section 5.3).
    #[cold]
    fn read_other(&mut self, packet: &[u8], header: &[u8; HEADER_LENGTH]) -> Rcode {
        let is_read = self.read_sections(packet, header).is_ok();
        self.question_end = HEADER_LENGTH;
        match self.edns {
            Some(edns) if is_read && edns.version != 0 => Rcode::BADVERS,
            _ => Rcode::NOTIMP,
        }
    }

    /// The question, and what is behind it.
    #[inline]
    fn read_sections(
        &mut self,
        packet: &[u8],
        header: &[u8; HEADER_LENGTH],
    ) -> Result<Option<Question>, Malformed> {
        let count = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let question = match count(4) {
            0 => None,
            1 => Some(self.read_question(packet)?),
            _ => return Err(Malformed),
        };
        let counts = [count(6), count(8), count(10)];
        (self.edns, self.tsig) =
            read_records(packet, self.question_end, counts, &mut self.options)?;
        Ok(question)
    }

    #[inline]
    fn read_question(&mut self, packet: &[u8]) -> Result<Question, Malformed> {
        let question = Question::read(packet)?;
        self.name.set_lower(&packet[HEADER_LENGTH..question.end - 4]);
        self.question_end = question.end;
        self.record_type = question.record_type;
        Ok(question)
    }
}

/// To whoever tells of a change (RFC 1996): of no zone are we a secondary.
fn notice(record_type: RecordType, class: u16) -> Rcode {
    match (record_type, class) {
        (RecordType::SOA, CLASS_IN) => Rcode::NOTAUTH,
        (_, CLASS_IN) => Rcode::FORMERR,
        _ => Rcode::NOTIMP,
    }
}

impl Default for Request {
    fn default() -> Self {
        Self::new()
    }
}

// === impl Instead ===

impl From<Malformed> for Instead {
    fn from(Malformed: Malformed) -> Self {
        Self::Fail(Rcode::FORMERR)
    }
}

// === impl Question ===

impl Question {
    /// A compressed name cannot be: nothing stands before it that it could point at.
    #[inline]
    fn read(packet: &[u8]) -> Result<Self, Malformed> {
        let mut position = HEADER_LENGTH;
        loop {
            let length = usize::from(*packet.get(position).ok_or(Malformed)?);
            position += 1 + length;
            match length {
                0 => break,
                1..=LABEL_LENGTH_MAX => {}
                _ => return Err(Malformed),
            }
        }
        if position - HEADER_LENGTH > NAME_LENGTH_MAX {
            return Err(Malformed);
        }
        let [t0, t1, c0, c1] =
            *packet.get(position..).and_then(<[u8]>::first_chunk).ok_or(Malformed)?;
        let record_type = RecordType(u16::from_be_bytes([t0, t1]));
        Ok(Self { record_type, class: u16::from_be_bytes([c0, c1]), end: position + 4 })
    }
}

// === impl NameBuffer ===

impl NameBuffer {
    const ROOT: Self = Self { bytes: [0; NAME_BUFFER_LENGTH], length: 1 };

    /// A copy of a well-formed name in lower case.
    pub fn lower(wire: &[u8]) -> Self {
        let mut name = Self::ROOT;
        name.set_lower(wire);
        name
    }

    /// Becomes [`Self::lower`] of `wire`. Length bytes are below any letter, so they stay as they are.
    #[inline]
    fn set_lower(&mut self, wire: &[u8]) {
        self.bytes[..wire.len()].copy_from_slice(wire);
        let (chunks, _) = self.bytes.as_chunks_mut::<CHUNK_LENGTH>();
        for chunk in &mut chunks[..wire.len().div_ceil(CHUNK_LENGTH)] {
            chunk.make_ascii_lowercase();
        }
        self.length = wire.len() as u8;
    }

    /// `labels`, without a root, on top of `suffix`; None where that is too long.
    pub fn join(labels: &[u8], suffix: &[u8]) -> Option<Self> {
        let length = labels.len() + suffix.len();
        let mut name = Self { length: u8::try_from(length).ok()?, ..Self::ROOT };
        name.bytes[..labels.len()].copy_from_slice(labels);
        name.bytes[labels.len()..length].copy_from_slice(suffix);
        Some(name)
    }

    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

// === the records behind the question ===

/// Finds the OPT record and where the TSIG record begins; all other records of a query mean nothing
/// here, but must be well-formed.
#[inline]
fn read_records(
    packet: &[u8],
    start: usize,
    [answers, authorities, additionals]: [u16; 3],
    options: &mut Options,
) -> Result<(Option<Edns>, Option<usize>), Malformed> {
    if let ([0, 0, 1], Some(edns)) =
        ([answers, authorities, additionals], Edns::alone(&packet[start..]))
    {
        return Ok((Some(edns), None));
    }
    let before = u32::from(answers) + u32::from(authorities);
    let all = before + u32::from(additionals);
    let (mut edns, mut tsig) = (None, None);
    let mut position = start;
    for number in 0..all {
        let record = RawRecord::read(packet, position)?;
        if record.record_type == TSIG {
            if number < before || number + 1 < all {
                return Err(Malformed);
            }
            tsig = Some(position);
        }
        position = record.end;
        if record.record_type == RecordType::OPT {
            let misplaced = number < before || edns.is_some() || !record.owner_is_root;
            if misplaced {
                return Err(Malformed);
            }
            if !record.rdata.is_empty() {
                *options = Options::read(record.rdata, record.end - record.rdata.len());
            }
            edns = Some(record.edns());
        }
    }
    if position == packet.len() { Ok((edns, tsig)) } else { Err(Malformed) }
}

struct RawRecord<'p> {
    owner_is_root: bool,
    record_type: RecordType,
    class: u16,
    ttl: [u8; 4],
    rdata: &'p [u8],
    end: usize,
}

impl<'p> RawRecord<'p> {
    #[inline]
    fn read(packet: &'p [u8], start: usize) -> Result<Self, Malformed> {
        let owner_end = skip_name(packet, start)?;
        let fixed: &[u8; 10] =
            packet.get(owner_end..).and_then(<[u8]>::first_chunk).ok_or(Malformed)?;
        let number = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
        let rdata_start = owner_end + fixed.len();
        let end = rdata_start + usize::from(number(8));
        Ok(Self {
            owner_is_root: packet[start] == 0,
            record_type: RecordType(number(0)),
            class: number(2),
            ttl: [fixed[4], fixed[5], fixed[6], fixed[7]],
            rdata: packet.get(rdata_start..end).ok_or(Malformed)?,
            end,
        })
    }

    fn edns(&self) -> Edns {
        Edns { has_options: !self.rdata.is_empty(), ..Edns::new(self.class, self.ttl) }
    }
}

// === impl Edns ===

impl Edns {
    fn new(class: u16, ttl: [u8; 4]) -> Self {
        let dnssec_ok = ttl[2] & 0x80 != 0;
        Self { udp_size: class, version: ttl[1], dnssec_ok, has_options: false }
    }

    /// What nearly all queries end in: one OPT record without options.
    #[inline]
    fn alone(records: &[u8]) -> Option<Self> {
        match *records {
            [0, 0, 41, s0, s1, t0, t1, t2, t3, 0, 0] => {
                Some(Self::new(u16::from_be_bytes([s0, s1]), [t0, t1, t2, t3]))
            }
            _ => None,
        }
    }
}

/// Where a name that may end in a compression pointer ends.
pub(crate) fn skip_name(packet: &[u8], start: usize) -> Result<usize, Malformed> {
    let mut position = start;
    while position - start <= NAME_LENGTH_MAX {
        let length = usize::from(*packet.get(position).ok_or(Malformed)?);
        match length {
            0 => return Ok(position + 1),
            1..=LABEL_LENGTH_MAX => position += 1 + length,
            0xc0.. => return Ok(position + 2),
            _ => return Err(Malformed),
        }
    }
    Err(Malformed)
}
