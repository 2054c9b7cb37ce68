//! Transaction signatures (RFC 8945): pure, the time is an argument.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use model::Name;
use sha2::{Sha256, Sha384, Sha512};

use crate::dns_message::{CLASS_ANY, TYPE_TSIG, TsigRecord, append_record};

/// How far clocks may be apart, in seconds (RFC 8945 section 10).
pub const FUDGE: u16 = 300;
/// Messages of a stream without a signature in a row (RFC 8945 section 5.3.1).
const UNSIGNED_MAX: u32 = 99;

/// A key that a name server shares with us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TsigKey {
    pub name: Name,
    pub algorithm: Algorithm,
    secret: SecretBytes,
}

#[derive(Clone, PartialEq, Eq)]
struct SecretBytes(Arc<[u8]>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    HmacSha256,
    HmacSha384,
    HmacSha512,
}

/// Why an answer is not taken for the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TsigError {
    /// It has no signature.
    Unsigned,
    /// Its signature is another key's, or it was changed on its way.
    Wrong,
    /// Its time is too far from ours, which is ahead by so many seconds.
    Time { ahead: i64 },
    /// The server could not verify our signature: its error code.
    Rejected(u16),
}

pub const BADSIG: u16 = 16;
pub const BADKEY: u16 = 17;
pub const BADTIME: u16 = 18;

/// Verifies the answer to one request, which may be a stream of messages.
#[derive(Clone, Debug)]
pub struct Verifier {
    key: TsigKey,
    /// That of the request, later that of the last signed message.
    mac: Vec<u8>,
    /// Messages since the last signature.
    pending: Vec<u8>,
    unsigned: u32,
    is_first: bool,
}

// === impl TsigKey ===

impl TsigKey {
    pub fn new(name: Name, algorithm: Algorithm, secret: Vec<u8>) -> Self {
        Self { name, algorithm, secret: SecretBytes(secret.into()) }
    }

    /// Adds a signature to a message; the verifier is for its answer.
    pub fn sign(&self, message: &mut Vec<u8>, now: u64) -> Verifier {
        let mac = self.mac(&[message, &self.variables(now, 0, &[])]);
        let id = message.first_chunk::<2>().copied().unwrap_or_default();
        let rdata = [
            self.algorithm.name().wire(),
            &time_and_fudge(now),
            // A digest has at most 64 bytes.
            &(mac.len() as u16).to_be_bytes(),
            &mac,
            &id,
            &[0; 4],
        ]
        .concat();
        append_record(message, self.name.wire(), TYPE_TSIG, CLASS_ANY, 0, &rdata);
        let additional = u16::from_be_bytes([message[10], message[11]]) + 1;
        message[10..12].copy_from_slice(&additional.to_be_bytes());
        let key = self.clone();
        Verifier { key, mac, pending: Vec::new(), unsigned: 0, is_first: true }
    }

    /// What is signed beside the message itself (RFC 8945 section 4.3.3).
    fn variables(&self, time: u64, error: u16, other: &[u8]) -> Vec<u8> {
        [
            self.name.wire(),
            &CLASS_ANY.to_be_bytes(),
            &[0; 4],
            self.algorithm.name().wire(),
            &time_and_fudge(time),
            &error.to_be_bytes(),
            &(other.len() as u16).to_be_bytes(),
            other,
        ]
        .concat()
    }

    fn mac(&self, parts: &[&[u8]]) -> Vec<u8> {
        let Self { algorithm, secret: SecretBytes(secret), .. } = self;
        match algorithm {
            Algorithm::HmacSha256 => digest::<Hmac<Sha256>>(secret, parts),
            Algorithm::HmacSha384 => digest::<Hmac<Sha384>>(secret, parts),
            Algorithm::HmacSha512 => digest::<Hmac<Sha512>>(secret, parts),
        }
    }
}

fn digest<M: Mac + KeyInit>(secret: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(secret).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

/// 48 bits of seconds, 16 bits of fudge.
fn time_and_fudge(time: u64) -> [u8; 8] {
    ((time << 16) | u64::from(FUDGE)).to_be_bytes()
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

// === impl Algorithm ===

impl Algorithm {
    const ALL: [(&str, Self); 3] = [
        ("hmac-sha256", Self::HmacSha256),
        ("hmac-sha384", Self::HmacSha384),
        ("hmac-sha512", Self::HmacSha512),
    ];

    /// A name of RFC 8945 section 6, with or without the final dot.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix('.').unwrap_or(text);
        let known = Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        known.map(|(_, algorithm)| *algorithm)
    }

    fn name(self) -> Name {
        let known = Self::ALL.iter().find(|(_, algorithm)| *algorithm == self);
        known.and_then(|(name, _)| Name::parse(name).ok()).expect("each algorithm has a name")
    }
}

// === impl Verifier ===

impl Verifier {
    /// Takes in the next message of the answer. A message of a stream, but not the first, may have no
    /// signature; the next signature covers it, and [`Verifier::finish`] tells whether there was one.
    pub fn verify(
        &mut self,
        message: &[u8],
        tsig: Option<&TsigRecord>,
        now: u64,
    ) -> Result<(), TsigError> {
        let Some(tsig) = tsig else {
            self.unsigned += 1;
            if self.is_first || self.unsigned > UNSIGNED_MAX {
                return Err(TsigError::Unsigned);
            }
            self.pending.extend_from_slice(message);
            return Ok(());
        };
        if tsig.mac.is_empty() && tsig.error != 0 {
            return Err(TsigError::Rejected(tsig.error));
        }
        self.pending.extend(unsigned_form(message, tsig));
        let time = self.signed_tail(tsig);
        let length = (self.mac.len() as u16).to_be_bytes();
        let expect = self.key.mac(&[&length, &self.mac, &self.pending, &time]);
        if tsig.key_name != self.key.name
            || tsig.algorithm != self.key.algorithm.name()
            || !is_same(&expect, &tsig.mac)
        {
            return Err(TsigError::Wrong);
        }
        // Only now is anything of it the server's word.
        if tsig.error == BADTIME {
            return Err(TsigError::Time { ahead: difference(now, server_time(tsig)) });
        }
        if tsig.error != 0 {
            return Err(TsigError::Rejected(tsig.error));
        }
        let ahead = difference(now, tsig.time_signed);
        if ahead.unsigned_abs() > u64::from(FUDGE) {
            return Err(TsigError::Time { ahead });
        }
        self.mac = expect;
        self.pending.clear();
        (self.unsigned, self.is_first) = (0, false);
        Ok(())
    }

    /// The last message must have been signed.
    pub fn finish(&self) -> Result<(), TsigError> {
        match self.is_first || !self.pending.is_empty() {
            true => Err(TsigError::Unsigned),
            false => Ok(()),
        }
    }

    /// All variables in the first message of an answer, times alone in those after it.
    fn signed_tail(&self, tsig: &TsigRecord) -> Vec<u8> {
        let time = ((tsig.time_signed << 16) | u64::from(tsig.fudge)).to_be_bytes();
        if !self.is_first {
            return time.to_vec();
        }
        let mut variables = self.key.variables(0, tsig.error, &tsig.other);
        let at = self.key.name.wire().len() + 6 + self.key.algorithm.name().wire().len();
        variables[at..at + 8].copy_from_slice(&time);
        variables
    }
}

/// The message as it was before it was signed.
fn unsigned_form(message: &[u8], tsig: &TsigRecord) -> Vec<u8> {
    let mut bytes = message[..tsig.start].to_vec();
    bytes[..2].copy_from_slice(&tsig.original_id.to_be_bytes());
    let additional = u16::from_be_bytes([bytes[10], bytes[11]]).wrapping_sub(1);
    bytes[10..12].copy_from_slice(&additional.to_be_bytes());
    bytes
}

/// Compares without telling by its time where they differ.
fn is_same(expect: &[u8], found: &[u8]) -> bool {
    let difference = expect.iter().zip(found).fold(0, |all, (a, b)| all | (a ^ b));
    expect.len() == found.len() && difference == 0
}

fn server_time(tsig: &TsigRecord) -> u64 {
    match *tsig.other {
        [a, b, c, d, e, f] => u64::from_be_bytes([0, 0, a, b, c, d, e, f]),
        _ => tsig.time_signed,
    }
}

fn difference(ours: u64, theirs: u64) -> i64 {
    i64::try_from(i128::from(ours) - i128::from(theirs)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
