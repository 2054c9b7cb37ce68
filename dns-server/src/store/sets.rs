//! The sets of one name as they lie in a node, and their way from and to the model.
//!
//! ```text
//! set:    type 2 | count 2 | length 2 | records, `length` bytes      (numbers in network order)
//! record: C0 0C | type 2 | class 2 | ttl 4 | rdlength 2 | rdata      (ready for an answer section)
//! ```
//!
//! Sets are sorted by type. The owner is a pointer to the question's name; an answer whose owner
//! stands elsewhere in the message writes its own pointer over it.

use model::{Rdata, RecordSet, RecordType, Serial};

use crate::wire;

const SET_HEADER_LENGTH: usize = 6;
/// Owner, type, class, TTL and the length of the data.
pub(crate) const RECORD_HEADER_LENGTH: usize = 12;
/// The five numbers at the end of a SOA's data.
const SOA_NUMBERS_LENGTH: usize = 20;
const CLASS_IN: u16 = 1;

/// All sets of one name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sets<'a>(&'a [u8]);

/// One set as answer bytes.
#[derive(Clone, Copy)]
pub(crate) struct Set<'a> {
    pub record_type: RecordType,
    /// How many records.
    pub count: u16,
    pub records: &'a [u8],
}

/// One record of a [`Set`].
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    /// Where the record begins in the set.
    pub offset: usize,
    pub ttl: u32,
    pub rdata: &'a [u8],
}

/// A set that no message can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge {
    pub bytes: usize,
}

// === impl Sets ===

impl<'a> Sets<'a> {
    pub const EMPTY: Sets<'static> = Sets(&[]);

    pub fn from_bytes(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub fn get(self, record_type: RecordType) -> Option<Set<'a>> {
        self.iter().find(|set| set.record_type == record_type)
    }

    pub fn iter(self) -> SetsIter<'a> {
        SetsIter { rest: self.0 }
    }

    pub fn to_model(self) -> Vec<RecordSet> {
        self.iter().map(Set::to_model).collect()
    }
}

pub(crate) struct SetsIter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for SetsIter<'a> {
    type Item = Set<'a>;

    #[inline]
    fn next(&mut self) -> Option<Set<'a>> {
        let (header, rest) = self.rest.split_first_chunk::<SET_HEADER_LENGTH>()?;
        let number = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let (records, rest) = rest.split_at(usize::from(number(4)));
        self.rest = rest;
        Some(Set { record_type: RecordType(number(0)), count: number(2), records })
    }
}

// === impl Set ===

impl<'a> Set<'a> {
    pub fn iter(self) -> impl Iterator<Item = Record<'a>> {
        let mut offset = 0;
        std::iter::from_fn(move || {
            let record = Record::read(self.records, offset)?;
            offset += RECORD_HEADER_LENGTH + record.rdata.len();
            Some(record)
        })
    }

    /// The first record, for types of which a name has only one.
    pub fn first(self) -> Option<Record<'a>> {
        Record::read(self.records, 0)
    }

    fn to_model(self) -> RecordSet {
        let ttl = self.first().map_or(0, |record| record.ttl);
        let values = self.iter().map(|record| Rdata::from_wire(record.rdata));
        RecordSet::new(self.record_type, ttl, values).expect("a stored set has a record")
    }
}

impl<'a> Record<'a> {
    fn read(records: &'a [u8], offset: usize) -> Option<Self> {
        let (header, rest) = records[offset..].split_first_chunk::<RECORD_HEADER_LENGTH>()?;
        let ttl = u32::from_be_bytes([header[6], header[7], header[8], header[9]]);
        let rdata = &rest[..usize::from(u16::from_be_bytes([header[10], header[11]]))];
        Some(Self { offset, ttl, rdata })
    }
}

/// Each of some records that stand one after the other.
pub(crate) fn records_of(records: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut offset = 0;
    std::iter::from_fn(move || {
        let start = offset;
        offset += RECORD_HEADER_LENGTH + Record::read(records, start)?.rdata.len();
        Some(&records[start..offset])
    })
}

// === encoding ===

/// Appends `set` to `sets`, whose last set must have a lower type. A set that is too large leaves
/// `sets` as it was.
pub(crate) fn push_set(sets: &mut Vec<u8>, set: &RecordSet) -> Result<(), TooLarge> {
    let bytes: usize = set.values().iter().map(record_length).sum();
    let widest = set.values().iter().map(|rdata| rdata.wire().len()).max().unwrap_or(0);
    let (Ok(length), true) = (u16::try_from(bytes), widest <= usize::from(u16::MAX)) else {
        return Err(TooLarge { bytes });
    };
    let count = set.values().len() as u16;
    for number in [set.record_type.0, count, length] {
        sets.extend_from_slice(&number.to_be_bytes());
    }
    for rdata in set.values() {
        push_record(sets, set.record_type, set.ttl, rdata.wire());
    }
    Ok(())
}

fn record_length(rdata: &Rdata) -> usize {
    RECORD_HEADER_LENGTH + rdata.wire().len()
}

fn push_record(sets: &mut Vec<u8>, record_type: RecordType, ttl: u32, rdata: &[u8]) {
    sets.extend_from_slice(&[0xc0, 0x0c]);
    sets.extend_from_slice(&record_type.0.to_be_bytes());
    sets.extend_from_slice(&CLASS_IN.to_be_bytes());
    sets.extend_from_slice(&ttl.to_be_bytes());
    sets.extend_from_slice(&(rdata.len() as u16).to_be_bytes());
    sets.extend_from_slice(rdata);
}

/// Writes `serial` into the SOA of encoded sets; false where there is no well-formed SOA.
pub(crate) fn set_serial(sets: &mut [u8], serial: Serial) -> bool {
    let Some(end) = soa_end(sets) else { return false };
    let at = end - SOA_NUMBERS_LENGTH;
    sets[at..at + 4].copy_from_slice(&serial.0.to_be_bytes());
    true
}

/// Where the data of the one SOA record ends in `sets`.
fn soa_end(sets: &[u8]) -> Option<usize> {
    let set = Sets(sets).get(RecordType::SOA).filter(|set| set.count == 1)?;
    let record = set.first().filter(|record| is_soa(record.rdata))?;
    let before: usize = Sets(sets)
        .iter()
        .take_while(|set| set.record_type < RecordType::SOA)
        .map(|set| SET_HEADER_LENGTH + set.records.len())
        .sum();
    Some(before + SET_HEADER_LENGTH + RECORD_HEADER_LENGTH + record.rdata.len())
}

/// Two names and five numbers (RFC 1035 section 3.3.13).
pub(crate) fn is_soa(rdata: &[u8]) -> bool {
    let names = wire::name_length(rdata)
        .and_then(|first| Some(first + wire::name_length(&rdata[first..])?));
    names.is_some_and(|names| rdata.len() == names + SOA_NUMBERS_LENGTH)
}

/// The serial and the MINIMUM of a SOA's data.
pub(crate) fn soa_serial_and_minimum(rdata: &[u8]) -> Option<(Serial, u32)> {
    let numbers = rdata.last_chunk::<SOA_NUMBERS_LENGTH>()?;
    let number = |at: usize| {
        u32::from_be_bytes([numbers[at], numbers[at + 1], numbers[at + 2], numbers[at + 3]])
    };
    Some((Serial(number(0)), number(16)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Name;

    fn encode(sets: &[RecordSet]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for set in sets {
            push_set(&mut bytes, set).unwrap();
        }
        bytes
    }

    fn soa(serial: u32) -> RecordSet {
        let name = Name::parse("ns.example.com").unwrap();
        let rdata = Rdata::soa(&name, &name, serial, [1, 2, 3, 60]);
        RecordSet::single(RecordType::SOA, 3600, rdata)
    }

    fn addresses(count: u32) -> RecordSet {
        let values = (0..count).map(|number| Rdata::from_wire(number.to_be_bytes()));
        RecordSet::new(RecordType::A, 180, values).unwrap()
    }

    #[test]
    fn sets_come_back_as_they_went_in() {
        let sets =
            [addresses(3), soa(7), RecordSet::single(RecordType(65280), 0, Rdata::from_wire([]))];
        assert_eq!(Sets(&encode(&sets)).to_model(), sets);
    }

    #[test]
    fn the_serial_is_replaced_and_nothing_else() {
        let mut bytes = encode(&[addresses(2), soa(7)]);
        assert!(set_serial(&mut bytes, Serial(4_000_000_000)));
        assert_eq!(bytes, encode(&[addresses(2), soa(4_000_000_000)]));
        assert!(!set_serial(&mut encode(&[addresses(2)]), Serial(1)));
    }

    #[test]
    fn a_broken_soa_takes_no_serial() {
        for rdata in [&[0u8; 21][..], &[0; 23], &[64; 90], b"\x01a"] {
            let broken = RecordSet::single(RecordType::SOA, 1, Rdata::from_wire(rdata));
            assert!(!set_serial(&mut encode(&[broken]), Serial(1)), "{rdata:?}");
        }
    }

    #[test]
    fn a_set_that_no_message_holds_is_refused_whole() {
        let mut bytes = encode(&[addresses(2)]);
        let before = bytes.clone();
        assert_eq!(push_set(&mut bytes, &addresses(4096)), Err(TooLarge { bytes: 65_536 }));
        assert_eq!(bytes, before);
        let value = Rdata::from_wire(vec![0; 70_000]);
        let wide = RecordSet::single(RecordType::NULL, 1, value);
        assert_eq!(push_set(&mut bytes, &wide), Err(TooLarge { bytes: 70_012 }));
        push_set(&mut bytes, &{
            let mut text = addresses(4095);
            text.record_type = RecordType(300);
            text
        })
        .unwrap();
    }
}
