//! A zone of plain hosts and aliases, and queries for it.

use dns_server::{Published, Reader, Store, Writer};
use model::{Name, Rdata, RecordSet, RecordType, Serial};

use crate::query::{name, query};

/// Queries of one kind.
pub const QUERIES: usize = 20_000;
const ALIASES: usize = 1000;

/// What a query finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Hit,
    NoData,
    NxDomain,
    DeepNxDomain,
    Cname,
    Refused,
}

impl Kind {
    pub const ALL: [Self; 6] =
        [Self::Hit, Self::Cname, Self::NoData, Self::NxDomain, Self::DeepNxDomain, Self::Refused];

    pub fn word(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::NoData => "nodata",
            Self::NxDomain => "nxdomain",
            Self::DeepNxDomain => "deep-nxdomain",
            Self::Cname => "cname",
            Self::Refused => "refused",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Queries for names all over a zone with so many hosts.
    pub fn queries(self, hosts: usize) -> Vec<Vec<u8>> {
        let spread = (0..QUERIES).map(|at| at.wrapping_mul(2_654_435_761) % hosts);
        let record_type = if self == Self::NoData { RecordType::AAAA } else { RecordType::A };
        spread.map(|at| query(1, &name(&self.owner(at)), record_type)).collect()
    }

    fn owner(self, at: usize) -> String {
        match self {
            Self::Hit | Self::NoData => host(at),
            Self::NxDomain => format!("n{at:07}.example.com"),
            Self::DeepNxDomain => format!("a.b.c.d.e.f.g.h{at}.example.com"),
            Self::Cname => format!("alias{}.example.com", at % ALIASES),
            Self::Refused => format!("h{at:07}.example.org"),
        }
    }
}

pub fn apex() -> Name {
    name("example.com")
}

pub fn host(at: usize) -> String {
    format!("h{at:07}.example.com")
}

/// Two A records.
pub fn addresses(at: usize) -> Vec<RecordSet> {
    let first = u32::try_from(at).expect("fewer than 2^32 hosts");
    let [a, b] = [first, first ^ 0xffff_0000].map(|ip| Rdata::a(ip.into()));
    RecordSet::new(RecordType::A, 180, [a, b]).into_iter().collect()
}

/// A store with that zone, which has so many hosts and a thousand aliases.
pub fn loaded(hosts: usize) -> (Writer, Reader) {
    let (mut writer, reader) = Store::new();
    load(&mut writer, hosts);
    (writer, reader)
}

pub fn load(writer: &mut Writer, hosts: usize) {
    let Published { left_out } =
        writer.load(&apex(), Serial(1), names(hosts)).expect("it has a SOA");
    assert!(left_out.is_empty());
}

fn names(hosts: usize) -> impl Iterator<Item = (Name, Vec<RecordSet>)> {
    let server = name("ns1.example.com");
    let soa = Rdata::soa(&server, &server, 1, [900, 300, 604_800, 60]);
    let soa = RecordSet::single(RecordType::SOA, 3600, soa);
    let all = (0..hosts).map(|at| (name(&host(at)), addresses(at)));
    let aliases = (0..ALIASES).map(|at| {
        let target = Rdata::name(&name(&host(at)));
        let alias = name(&format!("alias{at}.example.com"));
        (alias, vec![RecordSet::single(RecordType::CNAME, 180, target)])
    });
    std::iter::once((apex(), vec![soa])).chain(all).chain(aliases)
}
