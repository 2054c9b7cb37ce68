//! The gateway of IPSECKEY (RFC 4025) and the relay of AMTRELAY (RFC 8777): nothing, an address or a
//! name, as a type number says.

use super::wire::Wire;
use super::{address, binary};
use crate::name::{Case, print_name, push_name};
use crate::problem::Fault;
use crate::words::Words;

const WANTED_TYPE: &str = "0 for no gateway, 1 for IPv4, 2 for IPv6 or 3 for a name";
const WANTED_ALGORITHM: &str = "the key's algorithm, a number from 0 to 255";
const WANTED_NONE: &str = "a single dot, as type 0 is no gateway";
const WANTED_NAME: &str = "a domain name";
const WANTED_DISCOVERY: &str = "0 or 1, whether discovery is optional";

const DISCOVERY_OPTIONAL: u8 = 0x80;

/// Gateway type, algorithm, gateway, and the key, which algorithm 0 does not need.
pub fn read_ipsec(words: &mut Words<'_>, origin: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    let gateway_type = words.expect(WANTED_TYPE)?.number(3, WANTED_TYPE)?;
    out.push(gateway_type as u8);
    let algorithm = words.expect(WANTED_ALGORITHM)?.number(u8::MAX.into(), WANTED_ALGORITHM)?;
    out.push(algorithm as u8);
    read(gateway_type, words, origin, out)?;
    match algorithm {
        0 => binary::read_base64(words, out),
        _ => binary::read_some_base64(words, out),
    }
}

pub fn print_ipsec(wire: &mut Wire<'_>, text: &mut String) -> Option<()> {
    let (gateway_type, algorithm) = (wire.u8()?, wire.u8()?);
    text.push_str(&format!("{gateway_type} {algorithm} "));
    print(gateway_type, wire, text)?;
    let key = wire.take_rest();
    if !key.is_empty() {
        text.push(' ');
        binary::push_base64(key, text);
    }
    (algorithm == 0 || !key.is_empty()).then_some(())
}

/// The discovery bit, relay type, relay.
pub fn read_relay(words: &mut Words<'_>, origin: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    let discovery = words.expect(WANTED_DISCOVERY)?.number(1, WANTED_DISCOVERY)?;
    let relay_type = words.expect(WANTED_TYPE)?.number(3, WANTED_TYPE)?;
    let discovery_bit = if discovery == 1 { DISCOVERY_OPTIONAL } else { 0 };
    out.push(discovery_bit | relay_type as u8);
    read(relay_type, words, origin, out)
}

pub fn print_relay(wire: &mut Wire<'_>, text: &mut String) -> Option<()> {
    let byte = wire.u8()?;
    let relay_type = byte & !DISCOVERY_OPTIONAL;
    text.push_str(&format!("{} {relay_type} ", byte / DISCOVERY_OPTIONAL));
    print(relay_type, wire, text)
}

fn read(
    gateway_type: u32,
    words: &mut Words<'_>,
    origin: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    match gateway_type {
        0 => {
            let word = words.expect(WANTED_NONE)?;
            (word.bytes == b".").then_some(()).ok_or_else(|| word.unexpected(WANTED_NONE))
        }
        1 => address::read_ipv4(words, out),
        2 => address::read_ipv6(words, out),
        _ => push_name(words.expect(WANTED_NAME)?, origin, Case::AsWritten, out),
    }
}

fn print(gateway_type: u8, wire: &mut Wire<'_>, text: &mut String) -> Option<()> {
    match gateway_type {
        0 => text.push('.'),
        1 => address::print_ipv4(wire.array()?, text),
        2 => address::print_ipv6(wire.array()?, text),
        3 => print_name(wire.name()?, text),
        _ => return None,
    }
    Some(())
}
