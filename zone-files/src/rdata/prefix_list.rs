//! APL (RFC 3123): a list of address prefixes, each of which may be negated.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::wire::Wire;
use crate::problem::Fault;
use crate::words::{Word, Words};

const WANTED: &str = "a prefix as [!]1:192.0.2.0/24 or [!]2:2001:db8::/32";
const NEGATED: u8 = 0x80;

/// All words that are left; none at all is an empty list.
pub fn read(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    words.try_for_each(|word| read_prefix(word, out).ok_or_else(|| word.unexpected(WANTED)))
}

fn read_prefix(word: Word<'_>, out: &mut Vec<u8>) -> Option<()> {
    let text = word.plain(WANTED).ok()?;
    let (negated, text) = match text.strip_prefix('!') {
        Some(text) => (NEGATED, text),
        None => (0, text),
    };
    let (family, text) = text.split_once(':')?;
    let (address, prefix) = text.rsplit_once('/')?;
    let (family, octets, bits) = match family {
        "1" => (1u16, address.parse::<Ipv4Addr>().ok()?.octets().to_vec(), 32),
        "2" => (2, address.parse::<Ipv6Addr>().ok()?.octets().to_vec(), 128),
        _ => return None,
    };
    let is_number = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
    let prefix: u8 = is_number.then(|| prefix.parse().ok())?.filter(|&prefix| prefix <= bits)?;
    // Zero bytes at the end are left out (RFC 3123 section 4).
    let length = octets.iter().rposition(|&octet| octet != 0).map_or(0, |last| last + 1);
    out.extend_from_slice(&family.to_be_bytes());
    out.extend_from_slice(&[prefix, negated | length as u8]);
    out.extend_from_slice(&octets[..length]);
    Some(())
}

pub fn print(wire: &mut Wire<'_>, text: &mut String) -> Option<()> {
    let mut separator = "";
    while !wire.is_empty() {
        let (family, prefix, length) = (wire.u16()?, wire.u8()?, wire.u8()?);
        let octets = wire.take(usize::from(length & !NEGATED))?;
        let (address, bits) = match family {
            1 => (IpAddr::from(filled::<4>(octets)?), 32),
            2 => (IpAddr::from(filled::<16>(octets)?), 128),
            _ => return None,
        };
        if prefix > bits {
            return None;
        }
        let negation = if length & NEGATED != 0 { "!" } else { "" };
        text.push_str(&format!("{separator}{negation}{family}:{address}/{prefix}"));
        separator = " ";
    }
    Some(())
}

/// The address whose zero bytes at the end were left out.
fn filled<const N: usize>(octets: &[u8]) -> Option<[u8; N]> {
    let mut address = [0; N];
    address.get_mut(..octets.len())?.copy_from_slice(octets);
    (octets.last() != Some(&0)).then_some(address)
}
