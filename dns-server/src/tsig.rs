//! Transaction signatures (RFC 8945) as a server has them: requests are verified, answers are signed.
//! Pure: the time is an argument.

mod record;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use model::{Name, UnixTime};
use ring::hmac;

use record::Fields;
pub(crate) use record::TsigRecord;

/// How far clocks may be apart, in seconds (RFC 8945 section 10).
const FUDGE: u16 = 300;
/// The shortest signature that is looked at, whatever the algorithm (RFC 8945 section 5.2.2.1).
const MAC_LENGTH_MIN: usize = 10;

/// Error codes of the TSIG record (RFC 8945 section 3).
const BADSIG: u16 = 16;
const BADKEY: u16 = 17;
const BADTIME: u16 = 18;
const BADTRUNC: u16 = 22;

/// A key that we share with somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TsigKey {
    pub name: Name,
    pub algorithm: TsigAlgorithm,
    secret: Secret,
}

#[derive(Clone, PartialEq, Eq)]
struct Secret(Arc<[u8]>);

/// How a signature is made (RFC 8945 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TsigAlgorithm {
    /// Only for those who can do nothing better.
    HmacSha1,
    HmacSha256,
    HmacSha384,
    HmacSha512,
}

/// Signs the answers to one request, which may be a stream of messages.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    key: TsigKey,
    /// That of the request, later that of the last message.
    mac: Vec<u8>,
    is_first: bool,
    /// The error, and the data that belongs to it.
    error: (u16, Vec<u8>),
    /// The time to be signed where it is not that of the signature.
    time: Option<u64>,
}

/// What a request is answered with that cannot be verified.
#[derive(Clone, Debug)]
pub(crate) enum Rejection {
    /// The record does not read as it should.
    Malformed,
    /// The record to be sent, which nothing signs (RFC 8945 section 5.3.2).
    Unsigned(Vec<u8>),
    /// It was signed with our key, but cannot be taken.
    Signed(Signer),
}

// === impl TsigKey ===

impl TsigKey {
    /// The secret is a text of Base 64 in most other places; here it is what that stands for.
    pub fn new(name: Name, algorithm: TsigAlgorithm, secret: &[u8]) -> Self {
        Self { name, algorithm, secret: Secret(secret.into()) }
    }

    fn mac(&self, parts: &[&[u8]]) -> Vec<u8> {
        let key = hmac::Key::new(self.algorithm.ring(), &self.secret.0);
        let mut context = hmac::Context::with_key(&key);
        parts.iter().for_each(|part| context.update(part));
        context.sign().as_ref().to_vec()
    }

    /// Signs a message of our own that begins something; the answer to it is verified with what is
    /// returned.
    pub(crate) fn sign_request(&self, message: &mut Vec<u8>, now: UnixTime) -> Vec<u8> {
        let fields = self.fields(now.0, 0, &[]);
        let mac = self.mac(&[message, &fields.variables()]);
        let id = message.first_chunk::<2>().copied().unwrap_or_default();
        record::append(message, &fields.record(&mac, id));
        mac
    }

    /// Whether `answer` is signed with this key as the answer to the request with `mac`.
    pub(crate) fn is_answer(&self, mac: &[u8], answer: &[u8], start: usize, now: UnixTime) -> bool {
        let Some(tsig) = TsigRecord::read(answer, start) else { return false };
        let length = (mac.len() as u16).to_be_bytes();
        let unsigned = tsig.unsigned_form(answer);
        let expect = self.mac(&[&length, mac, &unsigned, &tsig.fields.variables()]);
        tsig.fields.key_name == self.name
            && tsig.fields.algorithm == self.algorithm.name()
            && is_same(&expect, tsig.mac)
            && tsig.fields.time.abs_diff(now.0) <= u64::from(FUDGE)
    }

    fn fields(&self, time: u64, error: u16, other: &[u8]) -> Fields {
        Fields {
            key_name: self.name.clone(),
            algorithm: self.algorithm.name(),
            time,
            fudge: FUDGE,
            error,
            other: other.to_vec(),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

// === impl TsigAlgorithm ===

impl TsigAlgorithm {
    pub const ALL: [(&'static str, Self); 4] = [
        ("hmac-sha256", Self::HmacSha256),
        ("hmac-sha384", Self::HmacSha384),
        ("hmac-sha512", Self::HmacSha512),
        ("hmac-sha1", Self::HmacSha1),
    ];

    fn name(self) -> Name {
        let known = Self::ALL.iter().find(|(_, algorithm)| *algorithm == self);
        known.and_then(|(name, _)| Name::parse(name).ok()).expect("each algorithm has a name")
    }

    fn ring(self) -> hmac::Algorithm {
        match self {
            Self::HmacSha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::HmacSha256 => hmac::HMAC_SHA256,
            Self::HmacSha384 => hmac::HMAC_SHA384,
            Self::HmacSha512 => hmac::HMAC_SHA512,
        }
    }

    fn mac_length(self) -> usize {
        self.ring().digest_algorithm().output_len()
    }
}

// === verification ===

/// Verifies a request whose TSIG record begins at `start` (RFC 8945 section 5.2: key, signature,
/// time, in this order).
pub(crate) fn verify(
    keys: &[TsigKey],
    packet: &[u8],
    start: usize,
    now: UnixTime,
) -> Result<Signer, Rejection> {
    let tsig = TsigRecord::read(packet, start).ok_or(Rejection::Malformed)?;
    let is_key = |key: &&TsigKey| {
        key.name == tsig.fields.key_name && key.algorithm.name() == tsig.fields.algorithm
    };
    let Some(key) = keys.iter().find(is_key) else {
        return Err(unsigned(&tsig, BADKEY, now));
    };
    let whole = key.algorithm.mac_length();
    if tsig.mac.len() > whole || tsig.mac.len() < MAC_LENGTH_MIN.max(whole / 2) {
        // One that is too short to say anything is not the same as one that is wrong.
        return Err(Rejection::Malformed);
    }
    let expect = key.mac(&[&tsig.unsigned_form(packet), &tsig.fields.variables()]);
    if !is_same(&expect[..tsig.mac.len()], tsig.mac) {
        return Err(unsigned(&tsig, BADSIG, now));
    }
    let mut signer = Signer {
        key: key.clone(),
        mac: tsig.mac.to_vec(),
        is_first: true,
        error: (0, Vec::new()),
        time: None,
    };
    if tsig.fields.time.abs_diff(now.0) > u64::from(tsig.fields.fudge) {
        // Their time is signed, ours is told (RFC 8945 section 5.2.3).
        signer.error = (BADTIME, now.0.to_be_bytes()[2..].to_vec());
        signer.time = Some(tsig.fields.time);
        return Err(Rejection::Signed(signer));
    }
    if tsig.mac.len() < whole {
        signer.error = (BADTRUNC, Vec::new());
        return Err(Rejection::Signed(signer));
    }
    Ok(signer)
}

fn unsigned(tsig: &TsigRecord<'_>, error: u16, now: UnixTime) -> Rejection {
    let fields =
        Fields { time: now.0, fudge: FUDGE, error, other: Vec::new(), ..tsig.fields.clone() };
    Rejection::Unsigned(fields.record(&[], tsig.original_id))
}

/// Adds a record to a message that nothing signs.
pub(crate) fn append_unsigned(message: &mut Vec<u8>, record: &[u8]) {
    record::append(message, record);
}

// === impl Signer ===

impl Signer {
    pub fn key_name(&self) -> &Name {
        &self.key.name
    }

    /// How many bytes a signature adds to a message.
    pub fn length(&self) -> usize {
        let Self { key, error: (_, other), .. } = self;
        record::length(&key.name, &key.algorithm.name(), key.algorithm.mac_length(), other.len())
    }

    /// Signs the next message. The first has all that there is to sign, the others only times
    /// (RFC 8945 section 5.3.1).
    pub fn sign(&mut self, message: &mut Vec<u8>, now: UnixTime) {
        let Self { key, mac, is_first, error: (error, other), time } = self;
        let fields = key.fields(time.unwrap_or(now.0), *error, other);
        let length = (mac.len() as u16).to_be_bytes();
        let tail = if *is_first { fields.variables() } else { fields.times().to_vec() };
        let next = key.mac(&[&length, mac, message, &tail]);
        let id = message.first_chunk::<2>().copied().unwrap_or_default();
        record::append(message, &fields.record(&next, id));
        (*mac, *is_first) = (next, false);
    }
}

/// Compares without telling by its time where they differ.
fn is_same(expect: &[u8], found: &[u8]) -> bool {
    let difference = expect.iter().zip(found).fold(0, |all, (a, b)| all | (a ^ b));
    expect.len() == found.len() && difference == 0
}
