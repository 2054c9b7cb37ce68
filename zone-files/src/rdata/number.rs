//! Numbers, times, and numbers that have names.

use crate::problem::Fault;
use crate::ttl;
use crate::words::{Word, Words};

const WANTED_U8: &str = "a number from 0 to 255";
const WANTED_U16: &str = "a number from 0 to 65535";
const WANTED_U32: &str = "a number from 0 to 4294967295";
const WANTED_TIME: &str = "a time in seconds, or with units as in 1h30m";
const WANTED_ALGORITHM: &str = "a DNSSEC algorithm: its number or mnemonic";
const WANTED_CERTIFICATE: &str = "a certificate type: its number or mnemonic";

/// <https://www.iana.org/assignments/dns-sec-alg-numbers>, with the other spellings in use.
const ALGORITHMS: &[(&str, u16)] = &[
    ("RSAMD5", 1),
    ("DH", 2),
    ("DSA", 3),
    ("RSASHA1", 5),
    ("DSA-NSEC3-SHA1", 6),
    ("NSEC3DSA", 6),
    ("RSASHA1-NSEC3-SHA1", 7),
    ("NSEC3RSASHA1", 7),
    ("RSASHA256", 8),
    ("RSASHA512", 10),
    ("ECC-GOST", 12),
    ("ECCGOST", 12),
    ("ECDSAP256SHA256", 13),
    ("ECDSAP384SHA384", 14),
    ("ED25519", 15),
    ("ED448", 16),
    ("INDIRECT", 252),
    ("PRIVATEDNS", 253),
    ("PRIVATEOID", 254),
];

/// RFC 4398 section 2.1.
const CERTIFICATE_TYPES: &[(&str, u16)] = &[
    ("PKIX", 1),
    ("SPKI", 2),
    ("PGP", 3),
    ("IPKIX", 4),
    ("ISPKI", 5),
    ("IPGP", 6),
    ("ACPKIX", 7),
    ("IACPKIX", 8),
    ("URI", 253),
    ("OID", 254),
];

pub fn read_u8(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let number = words.expect(WANTED_U8)?.number(u32::from(u8::MAX), WANTED_U8)?;
    out.push(number as u8);
    Ok(())
}

pub fn read_u16(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let number = words.expect(WANTED_U16)?.number(u32::from(u16::MAX), WANTED_U16)?;
    out.extend_from_slice(&(number as u16).to_be_bytes());
    Ok(())
}

pub fn read_u32(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let number = words.expect(WANTED_U32)?.number(u32::MAX, WANTED_U32)?;
    out.extend_from_slice(&number.to_be_bytes());
    Ok(())
}

pub fn read_time(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let word = words.expect(WANTED_TIME)?;
    let seconds = ttl::seconds(word).ok_or_else(|| word.unexpected(WANTED_TIME))?;
    out.extend_from_slice(&seconds.to_be_bytes());
    Ok(())
}

pub fn read_algorithm(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let word = words.expect(WANTED_ALGORITHM)?;
    let number = named(word, ALGORITHMS, u8::MAX.into(), WANTED_ALGORITHM)?;
    out.push(number as u8);
    Ok(())
}

pub fn read_certificate_type(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let word = words.expect(WANTED_CERTIFICATE)?;
    let number = named(word, CERTIFICATE_TYPES, u16::MAX, WANTED_CERTIFICATE)?;
    out.extend_from_slice(&number.to_be_bytes());
    Ok(())
}

/// The number itself or one of its `names`.
fn named(
    word: Word<'_>,
    names: &[(&str, u16)],
    max: u16,
    wanted: &'static str,
) -> Result<u16, Fault> {
    let text = word.plain(wanted)?;
    match names.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        Some(&(_, number)) => Ok(number),
        None => Ok(word.number(max.into(), wanted)? as u16),
    }
}

pub fn push(number: u32, text: &mut String) {
    text.push_str(&number.to_string());
}
