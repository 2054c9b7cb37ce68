//! Record types, record data and record sets.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::name::Name;

/// A record type by its number (RFC 1035 section 3.2.2 and the IANA registry).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordType(pub u16);

/// The data of one record in wire form, uncompressed, with embedded names of the types of
/// RFC 4034 section 6.2 in lower case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rdata(Box<[u8]>);

/// All records of one type at one name (RFC 2181 section 5).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecordSet {
    pub record_type: RecordType,
    /// Seconds; the same for each record of the set (RFC 2181 section 5.2).
    pub ttl: u32,
    /// Sorted, without duplicates, at least one.
    values: Vec<Rdata>,
}

// === impl RecordType ===

macro_rules! record_types {
    ($($name:ident = $number:literal),* $(,)?) => {
        impl RecordType {
            $(pub const $name: Self = Self($number);)*

            fn mnemonic(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some(stringify!($name)),)*
                    _ => None,
                }
            }

            fn from_mnemonic(text: &str) -> Option<Self> {
                $(if text.eq_ignore_ascii_case(stringify!($name)) { return Some(Self::$name); })*
                None
            }
        }
    };
}

record_types! {
    A = 1, NS = 2, MD = 3, MF = 4, CNAME = 5, SOA = 6, MB = 7, MG = 8, MR = 9, NULL = 10, WKS = 11,
    PTR = 12, HINFO = 13, MINFO = 14, MX = 15, TXT = 16, RP = 17, AFSDB = 18, X25 = 19, ISDN = 20,
    RT = 21, NSAP = 22, SIG = 24, KEY = 25, PX = 26, GPOS = 27, AAAA = 28, LOC = 29, NXT = 30,
    SRV = 33, NAPTR = 35, KX = 36, CERT = 37, DNAME = 39, OPT = 41, APL = 42, DS = 43, SSHFP = 44,
    IPSECKEY = 45, RRSIG = 46, NSEC = 47, DNSKEY = 48, DHCID = 49, NSEC3 = 50, NSEC3PARAM = 51,
    TLSA = 52, SMIMEA = 53, HIP = 55, NINFO = 56, RKEY = 57, TALINK = 58, CDS = 59, CDNSKEY = 60,
    OPENPGPKEY = 61, CSYNC = 62, ZONEMD = 63, SVCB = 64, HTTPS = 65, SPF = 99, NID = 104, L32 = 105,
    L64 = 106, LP = 107, EUI48 = 108, EUI64 = 109, TKEY = 249, TSIG = 250, IXFR = 251, AXFR = 252,
    MAILB = 253, MAILA = 254, ANY = 255, URI = 256, CAA = 257, AVC = 258, AMTRELAY = 260,
    RESINFO = 261, WALLET = 262, TA = 32768, DLV = 32769,
}

impl RecordType {
    /// True for types that exist only in questions and messages, never in a zone
    /// (RFC 6895 section 3.1: OPT and the range 128 to 255).
    pub fn is_meta(self) -> bool {
        self == Self::OPT || (128..=255).contains(&self.0)
    }

    /// True where the data is exactly one domain name.
    pub fn is_single_name(self) -> bool {
        matches!(
            self,
            Self::NS
                | Self::CNAME
                | Self::PTR
                | Self::DNAME
                | Self::MB
                | Self::MG
                | Self::MR
                | Self::MD
                | Self::MF
        )
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mnemonic() {
            Some(mnemonic) => f.pad(mnemonic),
            None => f.pad(&format!("TYPE{}", self.0)),
        }
    }
}

impl fmt::Debug for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RecordType {
    type Err = UnknownRecordType;

    /// A mnemonic in any case, or `TYPE` and a number (RFC 3597 section 5).
    fn from_str(text: &str) -> Result<Self, UnknownRecordType> {
        if let Some(known) = Self::from_mnemonic(text) {
            return Ok(known);
        }
        let number = text.get(..4).filter(|prefix| prefix.eq_ignore_ascii_case("TYPE"));
        number
            .and_then(|_| text[4..].bytes().all(|byte| byte.is_ascii_digit()).then(|| &text[4..]))
            .and_then(|digits| digits.parse().ok())
            .map(Self)
            .ok_or_else(|| UnknownRecordType(text.to_owned()))
    }
}

/// Text that is neither a known mnemonic nor `TYPE` and a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownRecordType(pub String);

impl fmt::Display for UnknownRecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no record type", self.0)
    }
}

impl std::error::Error for UnknownRecordType {}

impl Serialize for RecordType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RecordType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

// === impl Rdata ===

impl Rdata {
    /// Takes wire bytes as they are; the caller has made them canonical.
    pub fn from_wire(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(bytes.into())
    }

    pub fn a(address: Ipv4Addr) -> Self {
        Self(Box::new(address.octets()))
    }

    pub fn aaaa(address: Ipv6Addr) -> Self {
        Self(Box::new(address.octets()))
    }

    /// For NS, CNAME, PTR, DNAME: one name.
    pub fn name(target: &Name) -> Self {
        Self(target.wire().into())
    }

    /// RFC 2782.
    pub fn srv(priority: u16, weight: u16, port: u16, target: &Name) -> Self {
        let mut wire = Vec::with_capacity(6 + target.wire().len());
        for number in [priority, weight, port] {
            wire.extend_from_slice(&number.to_be_bytes());
        }
        wire.extend_from_slice(target.wire());
        Self(wire.into())
    }

    /// RFC 1035 section 3.3.13; times in seconds.
    pub fn soa(primary: &Name, hostmaster: &Name, serial: u32, timers: [u32; 4]) -> Self {
        let mut wire = [primary.wire(), hostmaster.wire()].concat();
        wire.extend_from_slice(&serial.to_be_bytes());
        for timer in timers {
            wire.extend_from_slice(&timer.to_be_bytes());
        }
        Self(wire.into())
    }

    pub fn wire(&self) -> &[u8] {
        &self.0
    }

    /// The name that the data of a single-name type holds.
    pub fn as_name(&self) -> Option<Name> {
        Name::from_wire(&self.0).ok()
    }

    /// Master-file text for `record_type`; types without a text form here, and data that does not
    /// fit its type, print in the generic form of RFC 3597 section 5.
    pub fn display(&self, record_type: RecordType) -> impl fmt::Display + '_ {
        RdataText { rdata: self, record_type }
    }
}

impl fmt::Debug for Rdata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_generic(&self.0, f)
    }
}

struct RdataText<'a> {
    rdata: &'a Rdata,
    record_type: RecordType,
}

impl fmt::Display for RdataText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wire = self.rdata.wire();
        match typed_text(self.record_type, wire) {
            Some(text) => f.write_str(&text),
            None => write_generic(wire, f),
        }
    }
}

fn typed_text(record_type: RecordType, wire: &[u8]) -> Option<String> {
    match record_type {
        RecordType::A => <[u8; 4]>::try_from(wire).ok().map(|a| Ipv4Addr::from(a).to_string()),
        RecordType::AAAA => <[u8; 16]>::try_from(wire).ok().map(|a| Ipv6Addr::from(a).to_string()),
        single if single.is_single_name() => Name::from_wire(wire).ok().map(|n| n.to_string()),
        RecordType::MX => {
            let (preference, exchange) = wire.split_first_chunk()?;
            let exchange = Name::from_wire(exchange).ok()?;
            Some(format!("{} {exchange}", u16::from_be_bytes(*preference)))
        }
        RecordType::SRV => srv_text(wire),
        RecordType::SOA => soa_text(wire),
        RecordType::TXT | RecordType::SPF => character_strings(wire),
        _ => None,
    }
}

fn srv_text(wire: &[u8]) -> Option<String> {
    let (numbers, target) = wire.split_at_checked(6)?;
    let number = |at: usize| u16::from_be_bytes([numbers[at], numbers[at + 1]]);
    let target = Name::from_wire(target).ok()?;
    Some(format!("{} {} {} {target}", number(0), number(2), number(4)))
}

fn soa_text(wire: &[u8]) -> Option<String> {
    let (primary, length) = Name::read_wire(wire).ok()?;
    let (hostmaster, more) = Name::read_wire(&wire[length..]).ok()?;
    let numbers = <&[u8; 20]>::try_from(&wire[length + more..]).ok()?;
    let mut text = format!("{primary} {hostmaster}");
    for number in numbers.as_chunks::<4>().0 {
        text += &format!(" {}", u32::from_be_bytes(*number));
    }
    Some(text)
}

fn character_strings(mut wire: &[u8]) -> Option<String> {
    let mut strings = Vec::new();
    while let Some((&length, rest)) = wire.split_first() {
        let (string, rest) = rest.split_at_checked(usize::from(length))?;
        strings.push(quoted(string));
        wire = rest;
    }
    (!strings.is_empty()).then(|| strings.join(" "))
}

fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            0x20..=0x7e => text.push(char::from(byte)),
            _ => text += &format!("\\{byte:03}"),
        }
    }
    text.push('"');
    text
}

fn write_generic(wire: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "\\# {}", wire.len())?;
    if !wire.is_empty() {
        f.write_str(" ")?;
    }
    wire.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

// === impl RecordSet ===

impl RecordSet {
    /// Sorts and removes duplicates; `None` without any value, as such a set does not exist.
    pub fn new(
        record_type: RecordType,
        ttl: u32,
        values: impl IntoIterator<Item = Rdata>,
    ) -> Option<Self> {
        let mut values: Vec<Rdata> = values.into_iter().collect();
        values.sort_unstable();
        values.dedup();
        (!values.is_empty()).then_some(Self { record_type, ttl, values })
    }

    /// A set of one record.
    pub fn single(record_type: RecordType, ttl: u32, value: Rdata) -> Self {
        Self { record_type, ttl, values: vec![value] }
    }

    /// Sorted by their wire form, without duplicates, at least one.
    pub fn values(&self) -> &[Rdata] {
        &self.values
    }

    /// Each record's data as master-file text.
    pub fn value_texts(&self) -> impl Iterator<Item = String> + '_ {
        self.values.iter().map(|value| value.display(self.record_type).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(record_type: RecordType, wire: &[u8], expect: &str) {
        let rdata = Rdata::from_wire(wire);
        assert_eq!(rdata.display(record_type).to_string(), expect);
    }

    #[test]
    fn data_prints_as_master_file_text() {
        let name = |text| Name::parse(text).unwrap();
        check(RecordType::A, &[192, 0, 2, 1], "192.0.2.1");
        check(RecordType::AAAA, &Ipv6Addr::LOCALHOST.octets(), "::1");
        check(RecordType::TXT, b"\x05a \"b\\\x01\xff", r#""a \"b\\" "\255""#);
        check(RecordType(65280), &[1, 0xab], r"\# 2 01ab");
        check(RecordType(65280), &[], r"\# 0");
        let srv = Rdata::srv(0, 1, 80, &name("a.b"));
        check(RecordType::SRV, srv.wire(), "0 1 80 a.b.");
        let soa = Rdata::soa(&name("ns"), &name("h.m"), 7, [900, 300, 604_800, 60]);
        check(RecordType::SOA, soa.wire(), "ns. h.m. 7 900 300 604800 60");
    }

    #[test]
    fn data_that_does_not_fit_prints_generically() {
        check(RecordType::A, &[1, 2, 3], r"\# 3 010203");
        check(RecordType::SRV, &[0], r"\# 1 00");
        check(RecordType::TXT, &[5, b'a'], r"\# 2 0561");
    }

    #[test]
    fn types_parse_and_print() {
        for (text, number) in [("a", 1), ("AAAA", 28), ("TYPE65280", 65280), ("type1", 1)] {
            assert_eq!(text.parse(), Ok(RecordType(number)));
        }
        for text in ["", "TYPE", "TYPE65536", "TYPE+1", "NOPE", "ТИП1"] {
            assert!(text.parse::<RecordType>().is_err(), "{text}");
        }
        assert_eq!(RecordType(4711).to_string(), "TYPE4711");
    }

    #[test]
    fn sets_are_sorted_and_free_of_duplicates() {
        let values = [[2, 0, 0, 1], [1, 0, 0, 1], [2, 0, 0, 1]].map(Rdata::from_wire);
        let set = RecordSet::new(RecordType::A, 180, values).unwrap();
        assert_eq!(set.value_texts().collect::<Vec<_>>(), ["1.0.0.1", "2.0.0.1"]);
        assert_eq!(RecordSet::new(RecordType::A, 180, []), None);
    }
}
