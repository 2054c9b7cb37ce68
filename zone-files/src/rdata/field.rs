//! The kinds of field that record data is made of.

use super::wire::Wire;
use super::{
    address, binary, gateway, host_identity, location, number, prefix_list, record_types, service,
    string, timestamp,
};
use crate::name::{Case, print_name, push_name};
use crate::problem::Fault;
use crate::words::Words;

/// One field; most take one word, and those at the end of a record all that are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    U8,
    U16,
    U32,
    /// Seconds, or with units as a TTL.
    Time,
    /// RFC 4034 section 3.2: a date and time, or seconds since 1970.
    Timestamp,
    Ipv4,
    Ipv6,
    Name(Case),
    /// A character string: up to 255 bytes behind a length byte.
    Text,
    TextIfAny,
    /// One character string or more.
    Texts,
    /// One string without a length byte, to the end of the data.
    TextToEnd,
    /// Letters and digits behind a length byte (RFC 8659 section 4.1).
    Tag,
    Hex,
    /// Hex whose length follows from the byte before it.
    Digest(&'static [(u8, usize)]),
    Base64,
    Base64IfAny,
    /// Hex behind a length byte, `-` for none (RFC 5155 section 3.3).
    Salt,
    /// Base 32 with the extended hex alphabet behind a length byte (RFC 5155 section 3.3).
    NextHash,
    /// A DNSSEC algorithm by number or mnemonic.
    Algorithm,
    /// RFC 4398 section 2.1.
    CertificateType,
    RecordTypeName,
    /// A bit for each record type (RFC 4034 section 4.1.2).
    RecordTypes,
    Eui(usize),
    /// 64 bits in four groups (RFC 6742 section 2.1.2).
    Locator64,
    Nsap,
    Location,
    PrefixList,
    IpsecGateway,
    MulticastRelay,
    HostIdentity,
    ServiceParameters,
}

/// Reads a field's words and puts its wire form behind the bytes of `out`.
pub fn read(
    field: Field,
    words: &mut Words<'_>,
    origin: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    match field {
        Field::U8 => number::read_u8(words, out),
        Field::U16 => number::read_u16(words, out),
        Field::U32 => number::read_u32(words, out),
        Field::Time => number::read_time(words, out),
        Field::Timestamp => timestamp::read(words, out),
        Field::Ipv4 => address::read_ipv4(words, out),
        Field::Ipv6 => address::read_ipv6(words, out),
        Field::Name(case) => push_name(words.expect("a domain name")?, origin, case, out),
        Field::Text => string::read_one(words, out),
        Field::TextIfAny => string::read_if_any(words, out),
        Field::Texts => string::read_all(words, out),
        Field::TextToEnd => string::read_to_end(words, out),
        Field::Tag => string::read_tag(words, out),
        Field::Hex => binary::read_some_hex(words, out),
        Field::Digest(lengths) => binary::read_digest(lengths, words, out),
        Field::Base64 => binary::read_some_base64(words, out),
        Field::Base64IfAny => binary::read_base64(words, out),
        Field::Salt => binary::read_salt(words, out),
        Field::NextHash => binary::read_next_hash(words, out),
        Field::Algorithm => number::read_algorithm(words, out),
        Field::CertificateType => number::read_certificate_type(words, out),
        Field::RecordTypeName => record_types::read_one(words, out),
        Field::RecordTypes => record_types::read_bitmap(words, out),
        Field::Eui(length) => address::read_eui(length, words, out),
        Field::Locator64 => address::read_locator(words, out),
        Field::Nsap => address::read_nsap(words, out),
        Field::Location => location::read(words, out),
        Field::PrefixList => prefix_list::read(words, out),
        Field::IpsecGateway => gateway::read_ipsec(words, origin, out),
        Field::MulticastRelay => gateway::read_relay(words, origin, out),
        Field::HostIdentity => host_identity::read(words, origin, out),
        Field::ServiceParameters => service::read(words, out),
    }
}

/// Appends a field's text; `None` where the bytes do not fit the field.
pub fn print(field: Field, wire: &mut Wire<'_>, text: &mut String) -> Option<()> {
    match field {
        Field::U8 | Field::Algorithm => number::push(u32::from(wire.u8()?), text),
        Field::U16 | Field::CertificateType => number::push(u32::from(wire.u16()?), text),
        Field::U32 | Field::Time => number::push(wire.u32()?, text),
        Field::Timestamp => timestamp::print(wire.u32()?, text),
        Field::Ipv4 => address::print_ipv4(wire.array()?, text),
        Field::Ipv6 => address::print_ipv6(wire.array()?, text),
        Field::Name(_) => print_name(wire.name()?, text),
        Field::Text => string::push_quoted(wire.string()?, text),
        Field::TextIfAny if wire.is_empty() => {}
        Field::TextIfAny => string::push_quoted(wire.string()?, text),
        Field::Texts => return string::print_all(wire, text),
        Field::TextToEnd => string::push_quoted(wire.take_rest(), text),
        Field::Tag => return string::print_tag(wire.string()?, text),
        Field::Hex => return binary::print_some(wire.take_rest(), text, binary::push_hex),
        Field::Digest(lengths) => return binary::print_digest(lengths, wire, text),
        Field::Base64 => return binary::print_some(wire.take_rest(), text, binary::push_base64),
        Field::Base64IfAny => binary::push_base64(wire.take_rest(), text),
        Field::Salt => binary::print_salt(wire.string()?, text),
        Field::NextHash => return binary::print_some(wire.string()?, text, binary::push_base32),
        Field::RecordTypeName => record_types::push(wire.u16()?, text),
        Field::RecordTypes => return record_types::print_bitmap(wire.take_rest(), text),
        Field::Eui(length) => address::print_eui(wire.take(length)?, text),
        Field::Locator64 => address::print_locator(wire.array()?, text),
        Field::Nsap => return address::print_nsap(wire.take_rest(), text),
        Field::Location => return location::print(wire, text),
        Field::PrefixList => return prefix_list::print(wire, text),
        Field::IpsecGateway => return gateway::print_ipsec(wire, text),
        Field::MulticastRelay => return gateway::print_relay(wire, text),
        Field::HostIdentity => return host_identity::print(wire, text),
        Field::ServiceParameters => return service::print(wire, text),
    }
    Some(())
}
