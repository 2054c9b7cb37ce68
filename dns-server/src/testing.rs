//! Zones from text, queries by hand, and answers as text, for the tests of this crate.

pub(crate) mod message;
pub(crate) mod peers;

use std::thread;
use std::time::{Duration, Instant};

use model::{Name, RecordSet, RecordType, Serial, ZoneContents};
use zone_files::{NoIncludes, Reader as RecordReader, Source};

use crate::{Reader, Store, Writer};

use message::Answer;

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// Master-file text without any check of what it means: tests also serve what no one should.
pub(crate) fn zone(apex: &str, text: &str) -> ZoneContents {
    let apex = name(apex);
    let mut contents = ZoneContents::new(apex.clone());
    let mut no_includes = NoIncludes;
    let source = Source { file: "test.zone", text: text.as_bytes() };
    for record in RecordReader::new(source, &apex, &mut no_includes).with_default_ttl(300) {
        let record = record.unwrap();
        let present = contents.get(&record.name, record.record_type);
        let values = present.map_or(&[][..], RecordSet::values).iter().cloned();
        let values = values.chain([record.rdata]);
        let set = RecordSet::new(record.record_type, record.ttl, values).unwrap();
        contents.insert(record.name, set);
    }
    contents
}

/// Serial of the zones that [`store`] publishes.
pub(crate) const SERIAL: Serial = Serial(7);

pub(crate) fn store(zones: &[ZoneContents]) -> (Writer, Reader) {
    let (mut writer, reader) = Store::new();
    for contents in zones {
        let published = writer.publish(contents, SERIAL).unwrap();
        assert_eq!(published.left_out, []);
    }
    (writer, reader)
}

/// Frees all that the store has replaced. The tests of other stores, which run at the same time,
/// may hold it up.
pub(crate) fn reclaim_all(writer: &mut Writer) {
    let start = Instant::now();
    while writer.reclaim() > 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "somebody holds a snapshot for ever");
        thread::yield_now();
    }
}

/// A query as bytes, part by part.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub id: u16,
    pub flags: u16,
    /// Wire form, in whatever case.
    pub name: Vec<u8>,
    pub record_type: u16,
    pub class: u16,
    pub edns: Option<EdnsQuery>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct EdnsQuery {
    pub size: u16,
    pub version: u8,
    pub dnssec_ok: bool,
}

impl Query {
    /// `www.example.com A`; the type may be left out where it is A.
    pub fn parse(text: &str) -> Self {
        let (owner, record_type) = text.split_once(' ').unwrap_or((text, "A"));
        let record_type: RecordType = record_type.parse().unwrap();
        Self {
            id: 0x1234,
            flags: 0,
            name: name(owner).wire().to_vec(),
            record_type: record_type.0,
            class: 1,
            edns: None,
        }
    }

    pub fn edns(mut self, size: u16) -> Self {
        self.edns = Some(EdnsQuery { size, version: 0, dnssec_ok: false });
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let additionals = u16::from(self.edns.is_some());
        let mut bytes = Vec::new();
        for number in [self.id, self.flags, 1, 0, 0, additionals] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&self.name);
        for number in [self.record_type, self.class] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        if let Some(EdnsQuery { size, version, dnssec_ok }) = self.edns {
            bytes.extend_from_slice(&[0, 0, 41]);
            bytes.extend_from_slice(&size.to_be_bytes());
            bytes.extend_from_slice(&[0, version, u8::from(dnssec_ok) << 7, 0, 0, 0]);
        }
        bytes
    }
}

/// An answer as text: code and flags, then each record with the first letters of its section. The
/// other library must be able to read it, too.
pub(crate) fn text_of(bytes: &[u8]) -> String {
    let second_opinion = hickory_proto::op::Message::from_vec(bytes).unwrap();
    let answer = Answer::parse(bytes);
    assert!(!answer.is_repetitive, "{answer}");
    assert_eq!(answer.sections[0].len(), second_opinion.answers.len());
    assert_eq!(answer.sections[1].len(), second_opinion.authorities.len());
    answer.to_string()
}

/// Indented lines as they are compared: without indentation and empty lines.
pub(crate) fn lines(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| format!("{line}\n")).collect()
}
