//! Addresses: IPv4, IPv6, EUI-48 and EUI-64, ILNP locators, NSAP.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::binary::{hex_digit, push_hex};
use crate::problem::Fault;
use crate::words::Words;

const WANTED_IPV4: &str = "an IPv4 address";
const WANTED_IPV6: &str = "an IPv6 address";
const WANTED_EUI: &str = "pairs of hex digits with hyphens between them, as many as the type has";
const WANTED_LOCATOR: &str = "four groups of hex digits with colons between them";
const WANTED_NSAP: &str = "0x and pairs of hex digits";

pub fn read_ipv4(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let word = words.expect(WANTED_IPV4)?;
    let text = word.plain(WANTED_IPV4)?;
    let address: Ipv4Addr = text.parse().map_err(|_| word.unexpected(WANTED_IPV4))?;
    out.extend_from_slice(&address.octets());
    Ok(())
}

pub fn print_ipv4(octets: [u8; 4], text: &mut String) {
    text.push_str(&Ipv4Addr::from(octets).to_string());
}

pub fn read_ipv6(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let word = words.expect(WANTED_IPV6)?;
    let text = word.plain(WANTED_IPV6)?;
    let address: Ipv6Addr = text.parse().map_err(|_| word.unexpected(WANTED_IPV6))?;
    out.extend_from_slice(&address.octets());
    Ok(())
}

pub fn print_ipv6(octets: [u8; 16], text: &mut String) {
    text.push_str(&Ipv6Addr::from(octets).to_string());
}

/// RFC 7043.
pub fn read_eui(length: usize, words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let word = words.expect(WANTED_EUI)?;
    let pairs = || -> Option<Vec<u8>> {
        let pairs = word.plain(WANTED_EUI).ok()?.split('-');
        pairs.map(|pair| (pair.len() == 2).then(|| group(pair))?.map(|byte| byte as u8)).collect()
    };
    let bytes = pairs().filter(|bytes| bytes.len() == length);
    out.extend(bytes.ok_or_else(|| word.unexpected(WANTED_EUI))?);
    Ok(())
}

pub fn print_eui(bytes: &[u8], text: &mut String) {
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 {
            text.push('-');
        }
        push_hex(&[*byte], text);
    }
}

/// RFC 6742 sections 2.1.2 and 2.3.2; zeros at the start of a group may be left out.
pub fn read_locator(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let word = words.expect(WANTED_LOCATOR)?;
    let groups =
        || -> Option<Vec<u16>> { word.plain(WANTED_LOCATOR).ok()?.split(':').map(group).collect() };
    let groups = groups().filter(|groups| groups.len() == 4);
    let groups = groups.ok_or_else(|| word.unexpected(WANTED_LOCATOR))?;
    out.extend(groups.into_iter().flat_map(u16::to_be_bytes));
    Ok(())
}

pub fn print_locator(bytes: [u8; 8], text: &mut String) {
    for (index, group) in bytes.as_chunks::<2>().0.iter().enumerate() {
        if index > 0 {
            text.push(':');
        }
        push_hex(group, text);
    }
}

/// One to four hex digits.
fn group(text: &str) -> Option<u16> {
    if !(1..=4).contains(&text.len()) {
        return None;
    }
    text.bytes().try_fold(0, |value, byte| Some(value << 4 | u16::from(hex_digit(byte)?)))
}

/// RFC 1706; dots may stand anywhere and mean nothing.
pub fn read_nsap(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let word = words.expect(WANTED_NSAP)?;
    let digits = || -> Option<Vec<u8>> {
        let text = word.plain(WANTED_NSAP).ok()?;
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
        digits.bytes().filter(|&byte| byte != b'.').map(hex_digit).collect()
    };
    let digits = digits().filter(|digits| !digits.is_empty() && digits.len().is_multiple_of(2));
    let digits = digits.ok_or_else(|| word.unexpected(WANTED_NSAP))?;
    out.extend(digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low));
    Ok(())
}

pub fn print_nsap(bytes: &[u8], text: &mut String) -> Option<()> {
    text.push_str("0x");
    push_hex(bytes, text);
    (!bytes.is_empty()).then_some(())
}
