//! Any server's answers, read into what can be compared: sections as sets, names uncompressed.

use std::collections::BTreeSet;
use std::fmt;

use model::{Name, Rdata, RecordType};

const OPT: u16 = 41;

pub(super) struct Answer {
    /// The second word of the header but for the code: QR, opcode, AA, TC, RD, RA, Z, AD, CD.
    pub flags: u16,
    /// With the upper bits that the OPT record has.
    pub rcode: u16,
    /// As it stands in the answer.
    pub question: Vec<u8>,
    /// Answer, authority, additional without OPT, names in their own case.
    pub sections: [BTreeSet<Record>; 3],
    pub edns: Option<Edns>,
    /// Some record is in the same section twice.
    pub is_repetitive: bool,
}

/// Names are uncompressed, and compared without regard to case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Record {
    pub owner: Vec<u8>,
    pub record_type: u16,
    pub class: u16,
    pub ttl: u32,
    pub data: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edns {
    pub udp_size: u16,
    pub version: u8,
    pub flags: u16,
    /// Code and data, sorted.
    pub options: Vec<(u16, Vec<u8>)>,
}

pub(super) const AA: u16 = 0x0400;
pub(super) const TC: u16 = 0x0200;
pub(super) const RD: u16 = 0x0100;
pub(super) const AD: u16 = 0x0020;
pub(super) const CD: u16 = 0x0010;

struct Decoder<'b> {
    bytes: &'b [u8],
    position: usize,
}

/// Where a message breaks off, or goes on when it should not.
#[derive(Debug)]
pub(super) struct Unreadable;

// === impl Answer ===

impl Answer {
    pub fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut decoder = Decoder { bytes, position: 2 };
        let flags = decoder.u16()?;
        let counts = [decoder.u16()?, decoder.u16()?, decoder.u16()?, decoder.u16()?];
        for _ in 0..counts[0] {
            decoder.name()?;
            decoder.take(4)?;
        }
        let mut answer = Self {
            flags: flags & 0xfff0,
            rcode: flags & 0x0f,
            question: bytes[12..decoder.position].to_vec(),
            sections: Default::default(),
            edns: None,
            is_repetitive: false,
        };
        for (section, count) in counts[1..].iter().enumerate() {
            for _ in 0..*count {
                answer.read_record(section, &mut decoder)?;
            }
        }
        if decoder.position == bytes.len() { Ok(answer) } else { Err(Unreadable) }
    }

    fn read_record(&mut self, section: usize, decoder: &mut Decoder<'_>) -> Result<(), Unreadable> {
        let owner = decoder.name()?;
        let (record_type, class) = (decoder.u16()?, decoder.u16()?);
        let ttl = u32::from(decoder.u16()?) << 16 | u32::from(decoder.u16()?);
        if record_type == OPT {
            self.rcode |= (ttl >> 24 << 4) as u16;
            self.is_repetitive |= self.edns.is_some();
            let (version, flags) = ((ttl >> 16) as u8, ttl as u16);
            let options = decoder.options()?;
            self.edns = Some(Edns { udp_size: class, version, flags, options });
            return Ok(());
        }
        let data = decoder.rdata(record_type)?;
        let record = Record { owner, record_type, class, ttl, data };
        self.is_repetitive |= !self.sections[section].insert(record);
        Ok(())
    }

    /// The same with all names in lower case.
    pub fn folded(&self) -> [BTreeSet<Record>; 3] {
        self.sections.each_ref().map(|section| section.iter().map(Record::folded).collect())
    }

    pub fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "    rcode {}, opcode {}", self.rcode, self.flags >> 11 & 15)?;
        for (name, flag) in [("aa", AA), ("tc", TC), ("rd", RD), ("ad", AD), ("cd", CD)] {
            if self.has(flag) {
                write!(f, " {name}")?;
            }
        }
        writeln!(f)?;
        if let Some(Edns { udp_size, version, flags, options }) = &self.edns {
            writeln!(f, "    edns {version} {flags:#06x} {udp_size} {options:02x?}")?;
        }
        for (name, section) in ["an", "au", "ad"].iter().zip(&self.sections) {
            section.iter().try_for_each(|record| writeln!(f, "    {name} {record}"))?;
        }
        Ok(())
    }
}

// === impl Record ===

/// How many bytes stand before the names in the data of a type, and how many names follow, where
/// those may be compressed (RFC 3597 section 4).
fn compressed_names(record_type: u16) -> (usize, usize) {
    match RecordType(record_type) {
        RecordType::SOA | RecordType::MINFO => (0, 2),
        RecordType::MX => (2, 1),
        RecordType::DNAME => (0, 0),
        record_type if record_type.is_single_name() => (0, 1),
        _ => (0, 0),
    }
}

/// Types with names in their data, beside SOA (RFC 4034 section 6.2).
const WITH_NAMES: [u16; 16] = [2, 3, 4, 5, 7, 8, 9, 12, 14, 15, 17, 18, 21, 33, 36, 39];

impl Record {
    fn folded(&self) -> Self {
        let mut folded = self.clone();
        folded.owner.make_ascii_lowercase();
        if self.record_type == RecordType::SOA.0 {
            // Behind the names are numbers.
            let end = self.data.len().saturating_sub(20);
            folded.data[..end].make_ascii_lowercase();
        } else if WITH_NAMES.contains(&self.record_type) {
            folded.data.make_ascii_lowercase();
        }
        folded
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, record_type, class, ttl, data } = self;
        let record_type = RecordType(*record_type);
        let owner = Name::from_wire(owner).map_err(|_| fmt::Error)?;
        let data = zone_files::rdata_text(record_type, &Rdata::from_wire(data.clone()));
        let data: String = data.chars().take(80).collect();
        write!(f, "{owner} {ttl} {class} {record_type} {data}")
    }
}

// === impl Decoder ===

impl Decoder<'_> {
    fn u16(&mut self) -> Result<u16, Unreadable> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn take(&mut self, length: usize) -> Result<&[u8], Unreadable> {
        let start = self.position;
        self.position += length;
        self.bytes.get(start..self.position).ok_or(Unreadable)
    }

    /// Compression pointers may only lead backwards.
    fn name(&mut self) -> Result<Vec<u8>, Unreadable> {
        let (mut wire, mut position, mut end) = (Vec::new(), self.position, None);
        loop {
            let length = usize::from(*self.bytes.get(position).ok_or(Unreadable)?);
            if length >= 0xc0 {
                let low = usize::from(*self.bytes.get(position + 1).ok_or(Unreadable)?);
                let target = (length & 0x3f) << 8 | low;
                if target >= position {
                    return Err(Unreadable);
                }
                end = end.or(Some(position + 2));
                position = target;
                continue;
            }
            let label = self.bytes.get(position..=position + length).ok_or(Unreadable)?;
            wire.extend_from_slice(label);
            position += 1 + length;
            if length == 0 {
                self.position = end.unwrap_or(position);
                return Ok(wire);
            }
        }
    }

    fn options(&mut self) -> Result<Vec<(u16, Vec<u8>)>, Unreadable> {
        let end = usize::from(self.u16()?) + self.position;
        let mut options = Vec::new();
        while self.position < end {
            let (code, length) = (self.u16()?, self.u16()?);
            options.push((code, self.take(usize::from(length))?.to_vec()));
        }
        options.sort();
        if self.position == end { Ok(options) } else { Err(Unreadable) }
    }

    fn rdata(&mut self, record_type: u16) -> Result<Vec<u8>, Unreadable> {
        let end = usize::from(self.u16()?) + self.position;
        let (prefix, names) = compressed_names(record_type);
        let mut data = self.take(prefix)?.to_vec();
        for _ in 0..names {
            data.extend_from_slice(&self.name()?);
        }
        let rest = end.checked_sub(self.position).ok_or(Unreadable)?;
        data.extend_from_slice(self.take(rest)?);
        Ok(data)
    }
}
