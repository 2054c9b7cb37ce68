//! Answers from bytes: names are decompressed, data is made canonical.

use model::{Name, Rdata, RecordType};

use super::{Answer, HEADER_LENGTH, Malformed, Record, TYPE_TSIG, TsigRecord};

/// Pointers in one name; each goes further back, so no name needs more.
const POINTERS_MAX: usize = 127;

struct Reader<'a> {
    message: &'a [u8],
    position: usize,
}

/// The parts that data of a type begins with; whatever comes after them has no names.
#[derive(Clone, Copy)]
enum Part {
    Bytes(usize),
    String,
    Name,
}

// === impl Answer ===

impl Answer {
    pub fn read(message: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader { message, position: 0 };
        let id = reader.u16()?;
        let flags = reader.u16()?;
        let [questions, answers, authority, additional] =
            [reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?];
        if flags & 0x8000 == 0 {
            return Err(Malformed);
        }
        for _ in 0..questions {
            reader.name()?;
            reader.bytes(4)?;
        }
        let answers = reader.records(answers)?;
        let authority = reader.records(authority)?;
        let (additional, tsig) = reader.additional(additional)?;
        if reader.position != message.len() {
            return Err(Malformed);
        }
        Ok(Self {
            id,
            rcode: (flags & 0xf) as u8,
            is_authoritative: flags & 0x0400 != 0,
            is_truncated: flags & 0x0200 != 0,
            offers_recursion: flags & 0x0080 != 0,
            answers,
            authority,
            additional,
            tsig,
        })
    }
}

// === impl Reader ===

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let end = self.position.checked_add(count).ok_or(Malformed)?;
        let bytes = self.message.get(self.position..end).ok_or(Malformed)?;
        self.position = end;
        Ok(bytes)
    }

    fn u16(&mut self) -> Result<u16, Malformed> {
        self.bytes(2)?.try_into().map(u16::from_be_bytes).map_err(|_| Malformed)
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        self.bytes(4)?.try_into().map(u32::from_be_bytes).map_err(|_| Malformed)
    }

    /// A name that may point backwards (RFC 1035 section 4.1.4).
    fn name(&mut self) -> Result<Name, Malformed> {
        let mut wire = Vec::with_capacity(64);
        let mut at = self.position;
        let mut end = None;
        for _ in 0..=POINTERS_MAX {
            let start = at;
            loop {
                let length = usize::from(*self.message.get(at).ok_or(Malformed)?);
                match length {
                    0 => {
                        wire.push(0);
                        self.position = end.unwrap_or(at + 1);
                        return Name::from_wire(&wire).map_err(|_| Malformed);
                    }
                    1..=63 => {
                        let label = self.message.get(at..at + 1 + length).ok_or(Malformed)?;
                        wire.extend_from_slice(label);
                        at += 1 + length;
                        if wire.len() > 255 {
                            return Err(Malformed);
                        }
                    }
                    0xc0.. => break,
                    _ => return Err(Malformed),
                }
            }
            let pointer = self.message.get(at..at + 2).ok_or(Malformed)?;
            end = end.or(Some(at + 2));
            at = usize::from(u16::from_be_bytes([pointer[0] & 0x3f, pointer[1]]));
            if at >= start || at < HEADER_LENGTH {
                return Err(Malformed);
            }
        }
        Err(Malformed)
    }

    fn records(&mut self, count: u16) -> Result<Vec<Record>, Malformed> {
        (0..count).map(|_| self.record()).collect()
    }

    fn record(&mut self) -> Result<Record, Malformed> {
        let name = self.name()?;
        let record_type = RecordType(self.u16()?);
        let _class = self.u16()?;
        let ttl = self.u32()?;
        let length = usize::from(self.u16()?);
        let rdata = self.rdata(record_type, length)?;
        Ok(Record { name, record_type, ttl, rdata })
    }

    fn rdata(&mut self, record_type: RecordType, length: usize) -> Result<Rdata, Malformed> {
        let end = self.position.checked_add(length).ok_or(Malformed)?;
        if end > self.message.len() {
            return Err(Malformed);
        }
        let mut wire = Vec::with_capacity(length);
        for part in parts(record_type) {
            // Updates and their answers have records without data.
            if self.position == end {
                break;
            }
            match part {
                Part::Bytes(count) => wire.extend_from_slice(self.bytes(*count)?),
                Part::String => {
                    let length = self.bytes(1)?;
                    wire.extend_from_slice(length);
                    wire.extend_from_slice(self.bytes(usize::from(length[0]))?);
                }
                Part::Name => wire.extend_from_slice(self.name()?.wire()),
            }
        }
        let rest = end.checked_sub(self.position).ok_or(Malformed)?;
        wire.extend_from_slice(self.bytes(rest)?);
        Ok(Rdata::from_wire(wire))
    }

    /// A signature must stand last (RFC 8945 section 5.1).
    fn additional(&mut self, count: u16) -> Result<(Vec<Record>, Option<TsigRecord>), Malformed> {
        let mut records = Vec::new();
        for left in (0..count).rev() {
            let start = self.position;
            let name = self.name()?;
            if RecordType(self.u16()?) != TYPE_TSIG {
                self.position = start;
                records.push(self.record()?);
                continue;
            }
            if left > 0 {
                return Err(Malformed);
            }
            self.bytes(6)?;
            let length = usize::from(self.u16()?);
            let end = self.position.checked_add(length).ok_or(Malformed)?;
            let tsig = self.tsig_data(start, name)?;
            let is_whole = self.position == end;
            return if is_whole { Ok((records, Some(tsig))) } else { Err(Malformed) };
        }
        Ok((records, None))
    }

    fn tsig_data(&mut self, start: usize, key_name: Name) -> Result<TsigRecord, Malformed> {
        let algorithm = self.name()?;
        let time_signed = (u64::from(self.u16()?) << 32) | u64::from(self.u32()?);
        let fudge = self.u16()?;
        let mac_length = usize::from(self.u16()?);
        let mac = self.bytes(mac_length)?.to_vec();
        let original_id = self.u16()?;
        let error = self.u16()?;
        let other_length = usize::from(self.u16()?);
        let other = self.bytes(other_length)?.to_vec();
        Ok(TsigRecord {
            start,
            key_name,
            algorithm,
            time_signed,
            fudge,
            mac,
            original_id,
            error,
            other,
        })
    }
}

/// Where names stand in data, of the types in which they may be compressed or are compared without
/// case (RFC 3597 section 4, RFC 4034 section 6.2).
fn parts(record_type: RecordType) -> &'static [Part] {
    use Part::{Bytes, Name, String};
    match record_type {
        single if single.is_single_name() => &[Name],
        RecordType::SOA | RecordType::MINFO | RecordType::RP => &[Name, Name],
        RecordType::MX | RecordType::AFSDB | RecordType::RT | RecordType::KX => &[Bytes(2), Name],
        RecordType::PX => &[Bytes(2), Name, Name],
        RecordType::SRV => &[Bytes(6), Name],
        RecordType::NAPTR => &[Bytes(4), String, String, String, Name],
        _ => &[],
    }
}
