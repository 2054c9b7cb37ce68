//! The client's side: asks, reads, and keeps a copy.

use std::collections::BTreeSet;
use std::ops::AddAssign;

use hickory_proto::op::Message;
use model::{Name, Rdata, RecordType, Serial};

use super::{NOW, apex};
use crate::Reader;
use crate::respond::CookieStanding;
use crate::testing::Query;
use crate::testing::message::answers;
use crate::transfer::{Head, Kind, Slot, Transfer, Transfers};
use crate::tsig::{self, TsigKey};

/// How the zone came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    pub soa_only: u32,
    pub changes: u32,
    pub whole: u32,
}

/// Owner, type, TTL and data, the SOA left aside.
pub type Record = (Name, u16, u32, Vec<u8>);

pub struct Secondary {
    serial: Option<Serial>,
    records: BTreeSet<Record>,
}

impl AddAssign for Kinds {
    fn add_assign(&mut self, other: Self) {
        self.soa_only += other.soa_only;
        self.changes += other.changes;
        self.whole += other.whole;
    }
}

impl Secondary {
    /// A copy of what is there.
    pub fn new(reader: &Reader) -> Self {
        let mut secondary = Self { serial: None, records: BTreeSet::new() };
        secondary.refresh(reader);
        secondary
    }

    /// The messages of a transfer.
    pub fn fetch(&self, reader: &Reader, kind: Kind, key: Option<&TsigKey>) -> Vec<Vec<u8>> {
        let mut request = Query::parse("example.com AXFR").bytes();
        let question = request[12..].to_vec();
        let signer = key.map(|key| {
            let start = request.len();
            key.sign_request(&mut request, NOW);
            tsig::verify(std::slice::from_ref(key), &request, start, NOW).unwrap()
        });
        let slot: Slot = std::sync::Arc::new(Transfers::new(|| NOW)).slot().unwrap();
        let head = Head { id: [1, 2], recursion_desired: false, question, edns: Some(true) };
        let clock = || NOW;
        let cookie = CookieStanding::Absent;
        let transfer = Transfer { zone: apex(), kind, head, signer, clock, cookie, slot };
        let mut messages = Vec::new();
        let sent = transfer.run(reader, |message| {
            messages.push(message);
            Ok(())
        });
        assert_eq!(sent, Ok(messages.iter().map(Vec::len).sum()));
        let signatures = messages.iter().map(|message| message[11]).collect::<Vec<_>>();
        let expect = |at: usize| u8::from(at == 0) + u8::from(key.is_some());
        assert!(signatures.iter().enumerate().all(|(at, count)| *count == expect(at)));
        messages
    }

    /// Asks for what has changed.
    pub fn refresh(&mut self, reader: &Reader) -> Kinds {
        let kind = self.serial.map_or(Kind::Whole, Kind::Since);
        let messages = self.fetch(reader, kind, None);
        let records: Vec<Record> = messages.iter().flat_map(|message| read(message)).collect();
        self.take(&records)
    }

    fn take(&mut self, records: &[Record]) -> Kinds {
        let is_soa = |record: &Record| record.1 == RecordType::SOA.0;
        let (first, rest) = records.split_first().unwrap();
        assert!(is_soa(first));
        let serial = Some(serial_of(first));
        let Some((last, middle)) = rest.split_last() else {
            assert_eq!(self.serial, serial, "there is nothing new");
            return Kinds { soa_only: 1, ..Kinds::default() };
        };
        assert_eq!(first, last);
        if !middle.first().is_some_and(is_soa) {
            assert!(!middle.iter().any(is_soa));
            self.records = middle.iter().cloned().collect();
            assert_eq!(self.records.len(), middle.len(), "each record once");
            self.serial = serial;
            return Kinds { whole: 1, ..Kinds::default() };
        }
        let mut soas = 0;
        for record in middle {
            if is_soa(record) {
                soas += 1;
                let known = Some(serial_of(record));
                if soas % 2 == 1 {
                    assert_eq!(self.serial, known);
                } else {
                    self.serial = known;
                }
            } else if soas % 2 == 1 {
                assert!(self.records.remove(record), "{record:?} was never there");
            } else {
                assert!(self.records.insert(record.clone()), "{record:?} was there already");
            }
        }
        assert_eq!(self.serial, serial);
        Kinds { changes: 1, ..Kinds::default() }
    }

    #[track_caller]
    pub fn assert_equal(&self, reader: &Reader, round: u32) {
        let snapshot = reader.snapshot();
        let view = snapshot.zone(&apex()).unwrap();
        let mut records = BTreeSet::new();
        for (owner, sets) in view.names() {
            for set in sets.iter().filter(|set| set.record_type != RecordType::SOA) {
                records.extend(set.values().iter().map(|rdata: &Rdata| {
                    (owner.clone(), set.record_type.0, set.ttl, rdata.wire().to_vec())
                }));
            }
        }
        assert_eq!(self.serial, view.serial(), "round {round}");
        assert_eq!(self.records, records, "round {round}");
    }
}

pub fn serial_of((.., rdata): &Record) -> Serial {
    let numbers: &[u8; 20] = rdata.last_chunk().unwrap();
    Serial(u32::from_be_bytes(*numbers.first_chunk().unwrap()))
}

/// The answer section in its order. The other library must be able to read it, too.
pub fn read(message: &[u8]) -> Vec<Record> {
    let second_opinion = Message::from_vec(message).unwrap();
    let records = answers(message);
    assert_eq!(records.len(), second_opinion.answers.len());
    records
}
