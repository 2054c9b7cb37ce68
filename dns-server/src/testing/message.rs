//! Reads any server's answers, names in their data uncompressed, so that they can be compared.

use std::collections::BTreeSet;
use std::fmt;

use model::{Name, Rdata, RecordType};

pub(crate) struct Answer {
    pub rcode: u16,
    /// AA, TC, RD, RA, AD, CD.
    pub flags: [bool; 6],
    /// Answer, authority, additional without OPT.
    pub sections: [BTreeSet<RecordText>; 3],
    /// Version and DO.
    pub edns: Option<(u8, bool)>,
    /// EDNS options, code and data.
    pub options: Vec<(u16, Vec<u8>)>,
    /// Some record is in the same section twice.
    pub is_repetitive: bool,
}

/// Owner and the rest as master-file text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RecordText {
    pub owner: Name,
    pub record_type: RecordType,
    pub ttl: u32,
    pub data: String,
}

struct Decoder<'b> {
    bytes: &'b [u8],
    position: usize,
}

impl Answer {
    /// Panics where the bytes are no message.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut decoder = Decoder { bytes, position: 2 };
        let flags = decoder.u16();
        let counts = [(); 4].map(|()| decoder.u16());
        for _ in 0..counts[0] {
            decoder.name();
            decoder.take(4);
        }
        let mut answer = Self {
            rcode: flags & 0x0f,
            flags: [0x400, 0x200, 0x100, 0x80, 0x20, 0x10].map(|bit| flags & bit != 0),
            sections: Default::default(),
            edns: None,
            options: Vec::new(),
            is_repetitive: false,
        };
        for (section, count) in counts[1..].iter().enumerate() {
            (0..*count).for_each(|_| answer.read_record(section, &mut decoder));
        }
        assert_eq!(decoder.position, bytes.len(), "bytes behind the last record");
        answer
    }

    /// The data of the only option with this code.
    pub fn option(&self, code: u16) -> Option<Vec<u8>> {
        let mut found = self.options.iter().filter(|(found, _)| *found == code);
        let option = found.next();
        assert!(found.next().is_none(), "option {code} is there twice");
        option.map(|(_, data)| data.clone())
    }

    /// RFC 8914: its code, without a text.
    pub fn extended_error(&self) -> Option<u16> {
        self.option(15).map(|data| u16::from_be_bytes(data.try_into().unwrap()))
    }

    fn read_record(&mut self, section: usize, decoder: &mut Decoder<'_>) {
        let owner = decoder.name();
        let record_type = RecordType(decoder.u16());
        let _class = decoder.u16();
        let ttl = u32::from(decoder.u16()) << 16 | u32::from(decoder.u16());
        if record_type == RecordType::OPT {
            self.rcode |= (ttl >> 24 << 4) as u16;
            self.edns = Some(((ttl >> 16) as u8, ttl & 0x8000 != 0));
            self.options = decoder.options();
            return;
        }
        let rdata = decoder.rdata(record_type);
        let data = zone_files::rdata_text(record_type, &Rdata::from_wire(rdata));
        let record = RecordText { owner, record_type, ttl, data };
        self.is_repetitive |= !self.sections[section].insert(record);
    }
}

/// Owner, type, TTL and data of each record of the answer section, in their order.
pub(crate) fn answers(bytes: &[u8]) -> Vec<(Name, u16, u32, Vec<u8>)> {
    let mut decoder = Decoder { bytes, position: 4 };
    let [questions, answers, ..] = [(); 4].map(|()| decoder.u16());
    for _ in 0..questions {
        decoder.name();
        decoder.take(4);
    }
    let mut record = || {
        let owner = decoder.name();
        let record_type = RecordType(decoder.u16());
        let _class = decoder.u16();
        let ttl = u32::from(decoder.u16()) << 16 | u32::from(decoder.u16());
        (owner, record_type.0, ttl, decoder.rdata(record_type))
    };
    (0..answers).map(|_| record()).collect()
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", crate::Rcode(self.rcode))?;
        for (name, is_set) in ["aa", "tc", "rd", "ra", "ad", "cd"].iter().zip(self.flags) {
            if is_set {
                write!(f, " {name}")?;
            }
        }
        writeln!(f)?;
        for (name, section) in ["an", "au", "ad"].iter().zip(&self.sections) {
            let mut lines: Vec<String> =
                section.iter().map(|record| format!("{name} {record}")).collect();
            lines.sort();
            lines.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        }
        Ok(())
    }
}

impl fmt::Display for RecordText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, record_type, ttl, data } = self;
        write!(f, "{owner} {ttl} {record_type} {data}")
    }
}

impl Decoder<'_> {
    fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.take(2).try_into().unwrap())
    }

    fn take(&mut self, length: usize) -> &[u8] {
        let start = self.position;
        self.position += length;
        &self.bytes[start..self.position]
    }

    /// Compression pointers may only lead backwards.
    fn name(&mut self) -> Name {
        let (mut wire, mut position, mut end) = (Vec::new(), self.position, None);
        loop {
            let length = usize::from(self.bytes[position]);
            if length >= 0xc0 {
                end = end.or(Some(position + 2));
                let target = (length & 0x3f) << 8 | usize::from(self.bytes[position + 1]);
                assert!(target < position, "a pointer that does not lead backwards");
                position = target;
                continue;
            }
            wire.extend_from_slice(&self.bytes[position..=position + length]);
            position += 1 + length;
            if length == 0 {
                self.position = end.unwrap_or(position);
                return Name::from_wire(&wire).unwrap();
            }
        }
    }

    fn options(&mut self) -> Vec<(u16, Vec<u8>)> {
        let length = usize::from(self.u16());
        let end = self.position + length;
        let mut options = Vec::new();
        while self.position < end {
            let (code, length) = (self.u16(), self.u16());
            options.push((code, self.take(usize::from(length)).to_vec()));
        }
        assert_eq!(self.position, end, "options end with their record");
        options
    }

    fn rdata(&mut self, record_type: RecordType) -> Vec<u8> {
        let end = usize::from(self.u16()) + self.position;
        let prefix = match record_type {
            RecordType::MX => 2,
            RecordType::SRV => 6,
            _ => 0,
        };
        let names = match record_type {
            RecordType::SOA => 2,
            RecordType::MX | RecordType::SRV => 1,
            record_type if record_type.is_single_name() => 1,
            _ => 0,
        };
        let mut data = self.take(prefix).to_vec();
        (0..names).for_each(|_| data.extend_from_slice(self.name().wire()));
        let rest = end - self.position;
        data.extend_from_slice(self.take(rest));
        data
    }
}
