//! An answer's bytes to records whose data stands on its own, without compressed names.
//!
//! Compression may stand in the data of the types that RFC 1035 defines, and readers also undo it
//! in the few that RFC 3597 section 4 adds; in all others the bytes are as they are.

use hickory_proto::rr::Name;
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, DecodeError};
use model::{Rdata, RecordType};

/// The number that says what kind of message it is, the flags, and the sections.
pub struct RawMessage {
    pub id: u16,
    pub flags: u16,
    /// The response code with the eight bits that EDNS adds (RFC 6891 section 6.1.3).
    pub rcode: u16,
    pub answers: Vec<RawRecord>,
    pub authorities: Vec<RawRecord>,
    /// Without the OPT record.
    pub additionals: Vec<RawRecord>,
}

pub struct RawRecord {
    /// Wire form, in the case of the message.
    pub owner: Vec<u8>,
    pub record_type: RecordType,
    /// Seconds.
    pub ttl: u32,
    pub rdata: Rdata,
}

/// How the beginning of a record's data reads; what follows is bytes as they are.
#[derive(Clone, Copy)]
enum Field {
    Bytes(usize),
    /// A length byte and that many bytes.
    Text,
    Name,
}

type Decoder<'a> = BinDecoder<'a>;

/// Reads a whole message.
pub fn message(bytes: &[u8]) -> Result<RawMessage, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    let mut numbers = [0; 6];
    for number in &mut numbers {
        *number = decoder.read_u16()?.unverified();
    }
    let [id, flags, questions, counts @ ..] = numbers;
    for _ in 0..questions {
        Name::read(&mut decoder)?;
        decoder.read_slice(4)?;
    }
    let mut section =
        |count: u16| (0..count).map(|_| record(&mut decoder)).collect::<Result<Vec<_>, _>>();
    let [answers, authorities, mut additionals] =
        [section(counts[0])?, section(counts[1])?, section(counts[2])?];
    let is_opt = |record: &RawRecord| record.record_type == RecordType::OPT;
    let opt = additionals.iter().find(|record| is_opt(record));
    let rcode_high = opt.map_or(0, |opt| (opt.ttl >> 24) as u16);
    additionals.retain(|record| !is_opt(record));
    let rcode = rcode_high << 4 | flags & 0x0f;
    Ok(RawMessage { id, flags, rcode, answers, authorities, additionals })
}

fn record(decoder: &mut Decoder<'_>) -> Result<RawRecord, DecodeError> {
    let owner = name(decoder)?;
    let record_type = RecordType(decoder.read_u16()?.unverified());
    decoder.read_u16()?; // The class: questions are asked for IN alone.
    let ttl = decoder.read_u32()?.unverified();
    let length = usize::from(decoder.read_u16()?.unverified());
    let start = decoder.index();
    let mut data = Vec::with_capacity(length);
    for field in fields(record_type).iter().filter(|_| length > 0) {
        match field {
            Field::Bytes(count) => data.extend(decoder.read_slice(*count)?.unverified()),
            Field::Text => {
                let text = decoder.read_character_data()?.unverified();
                data.push(text.len() as u8);
                data.extend(text);
            }
            Field::Name => data.extend(name(decoder)?),
        }
    }
    let read = decoder.index() - start;
    let rest = length.checked_sub(read).ok_or(DecodeError::InsufficientBytes)?;
    data.extend(decoder.read_slice(rest)?.unverified());
    Ok(RawRecord { owner, record_type, ttl, rdata: Rdata::from_wire(data) })
}

/// Wire form without compression.
fn name(decoder: &mut Decoder<'_>) -> Result<Vec<u8>, DecodeError> {
    let mut wire = Vec::new();
    for label in Name::read(decoder)?.iter() {
        wire.push(label.len() as u8);
        wire.extend(label);
    }
    wire.push(0);
    Ok(wire)
}

fn fields(record_type: RecordType) -> &'static [Field] {
    use Field::{Bytes, Name, Text};
    match record_type {
        single if single.is_single_name() => &[Name],
        RecordType::NXT => &[Name],
        RecordType::SOA | RecordType::MINFO | RecordType::RP => &[Name, Name],
        RecordType::MX | RecordType::AFSDB | RecordType::RT | RecordType::KX => &[Bytes(2), Name],
        RecordType::PX => &[Bytes(2), Name, Name],
        RecordType::SRV => &[Bytes(6), Name],
        RecordType::NAPTR => &[Bytes(4), Text, Text, Text, Name],
        RecordType::SIG => &[Bytes(18), Name],
        _ => &[],
    }
}
