//! The TSIG record as bytes (RFC 8945 section 4.2).

use model::Name;

const TYPE_TSIG: u16 = 250;
const CLASS_ANY: u16 = 255;

/// All of the record but the signature and the identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    pub key_name: Name,
    pub algorithm: Name,
    /// Seconds since 1970, 48 bits.
    pub time: u64,
    pub fudge: u16,
    pub error: u16,
    pub other: Vec<u8>,
}

/// The record at the end of a message.
#[derive(Debug)]
pub struct TsigRecord<'p> {
    /// Where it begins.
    start: usize,
    pub fields: Fields,
    pub mac: &'p [u8],
    pub original_id: [u8; 2],
}

// === impl Fields ===

impl Fields {
    /// What is signed beside the message itself (RFC 8945 section 4.3.3).
    pub fn variables(&self) -> Vec<u8> {
        [
            self.key_name.wire(),
            &CLASS_ANY.to_be_bytes(),
            &[0; 4],
            self.algorithm.wire(),
            &self.times(),
            &self.error.to_be_bytes(),
            &(self.other.len() as u16).to_be_bytes(),
            &self.other,
        ]
        .concat()
    }

    pub fn times(&self) -> [u8; 8] {
        (self.time << 16 | u64::from(self.fudge)).to_be_bytes()
    }

    pub fn record(&self, mac: &[u8], original_id: [u8; 2]) -> Vec<u8> {
        let rdata = [
            self.algorithm.wire(),
            &self.times(),
            // A digest has at most 64 bytes.
            &(mac.len() as u16).to_be_bytes(),
            mac,
            &original_id,
            &self.error.to_be_bytes(),
            &(self.other.len() as u16).to_be_bytes(),
            &self.other,
        ]
        .concat();
        [
            self.key_name.wire(),
            &TYPE_TSIG.to_be_bytes(),
            &CLASS_ANY.to_be_bytes(),
            &[0; 4],
            &(rdata.len() as u16).to_be_bytes(),
            &rdata,
        ]
        .concat()
    }
}

// === impl TsigRecord ===

impl<'p> TsigRecord<'p> {
    /// The record that begins at `start` and ends with the message.
    pub fn read(packet: &'p [u8], start: usize) -> Option<Self> {
        let mut bytes = packet.get(start..)?;
        let key_name = take_name(&mut bytes)?;
        let [t0, t1, c0, c1, 0, 0, 0, 0, ..] = *take(&mut bytes, 8)? else { return None };
        if [t0, t1] != TYPE_TSIG.to_be_bytes() || [c0, c1] != CLASS_ANY.to_be_bytes() {
            return None;
        }
        if usize::from(take_u16(&mut bytes)?) != bytes.len() {
            return None;
        }
        let algorithm = take_name(&mut bytes)?;
        let times = u64::from_be_bytes(*take(&mut bytes, 8)?.first_chunk()?);
        let mac_length = usize::from(take_u16(&mut bytes)?);
        let mac = take(&mut bytes, mac_length)?;
        let original_id = *take(&mut bytes, 2)?.first_chunk()?;
        let error = take_u16(&mut bytes)?;
        let other_length = usize::from(take_u16(&mut bytes)?);
        let other = take(&mut bytes, other_length)?.to_vec();
        let (time, fudge) = (times >> 16, times as u16);
        let fields = Fields { key_name, algorithm, time, fudge, error, other };
        bytes.is_empty().then_some(Self { start, fields, mac, original_id })
    }

    /// The message as it was before it was signed.
    pub fn unsigned_form(&self, packet: &[u8]) -> Vec<u8> {
        let mut bytes = packet[..self.start].to_vec();
        bytes[..2].copy_from_slice(&self.original_id);
        let additional = u16::from_be_bytes([bytes[10], bytes[11]]).wrapping_sub(1);
        bytes[10..12].copy_from_slice(&additional.to_be_bytes());
        bytes
    }
}

/// Adds a record to the end of a message with a whole header.
pub fn append(message: &mut Vec<u8>, record: &[u8]) {
    message.extend_from_slice(record);
    let additional = u16::from_be_bytes([message[10], message[11]]) + 1;
    message[10..12].copy_from_slice(&additional.to_be_bytes());
}

/// How long a record is.
pub fn length(key_name: &Name, algorithm: &Name, mac: usize, other: usize) -> usize {
    key_name.wire().len() + 10 + algorithm.wire().len() + 8 + 2 + mac + 6 + other
}

fn take<'p>(bytes: &mut &'p [u8], length: usize) -> Option<&'p [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn take_u16(bytes: &mut &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(*take(bytes, 2)?.first_chunk()?))
}

/// Nobody compresses the names of this record.
fn take_name(bytes: &mut &[u8]) -> Option<Name> {
    let (name, length) = Name::read_wire(bytes).ok()?;
    *bytes = &bytes[length..];
    Some(name)
}
