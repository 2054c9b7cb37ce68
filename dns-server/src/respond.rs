//! Query bytes in, answer bytes out. No I/O, no clock, no allocation, no lock, no panic.
//!
//! ```text
//! packet -> Request::parse -> place (where the name is) -> answer -> Message -> bytes
//!                                            Client, Policy --'
//! ```
//!
//! This alone decides an answer, whatever carries it. The steps are apart, so that a batch of
//! packets can be parsed, and their places in memory prefetched, before the first is answered.

mod client;
mod request;
mod options;
pub(crate) mod cookie;
mod siphash;
mod place;
mod message;
mod answer;
pub(crate) mod likeness;
mod identity;
mod source;
mod rcode;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod properties;

use model::RecordType;

use crate::store::{Snapshot, ZoneIndex};

use message::Message;
use options::AnswerOptions;

pub use client::Client;
pub use cookie::{COOKIE_SECRET_LENGTH, CookieSecrets, CookieStanding};
pub use rcode::{ExtendedError, Rcode};
pub use request::Request;
pub(crate) use request::skip_name;
pub use source::{AnswerSource, Standing, answer_source};

/// The largest answer over UDP, and the size that we say we receive (RFC 9715, RFC 6891).
pub const UDP_SIZE_MAX: usize = 1232;
/// The largest answer over UDP to a client without EDNS (RFC 1035 section 4.2.1).
pub const UDP_SIZE_WITHOUT_EDNS: usize = 512;
/// The largest message over TCP (RFC 1035 section 4.2.2).
pub const TCP_SIZE_MAX: usize = 65_535;

/// What carries the query and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    Udp,
    Tcp,
    /// DNS over TLS (RFC 7858).
    Tls,
    /// DNS over HTTPS (RFC 8484).
    Https,
    /// DNS over dedicated QUIC connections (RFC 9250).
    Quic,
}

/// What was answered, for counters; the answer itself is in the caller's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// How many bytes of the buffer are the answer.
    pub length: usize,
    pub rcode: Rcode,
    /// None where the query had no question that could be read.
    pub record_type: Option<RecordType>,
    /// The zone of the question's name, where we have one.
    pub zone: Option<ZoneIndex>,
    /// The answer was cut short, and the client told so.
    pub truncated: bool,
    /// What the query's COOKIE option proves.
    pub cookie: CookieStanding,
    /// The query was signed with a key that we share with the client (RFC 8945).
    pub is_authenticated: bool,
    /// Equal for answers that an attacker could ask for in place of one another: those from one
    /// name and type, from one wildcard or cut, all that say NXDOMAIN below one name, all errors.
    pub likeness: u64,
}

// === impl Transport ===

impl Transport {
    /// Nobody on the way can read the answer, but its length shows.
    pub fn is_encrypted(self) -> bool {
        matches!(self, Self::Tls | Self::Https | Self::Quic)
    }

    /// Messages follow one another on a connection of their own, whose idle time is ours to tell
    /// (RFC 7828): neither HTTP nor QUIC (RFC 9250 section 5.5.2) may be told that way.
    pub fn has_keepalive(self) -> bool {
        matches!(self, Self::Tcp | Self::Tls)
    }
}

/// Answers one query. None means that nothing is to be sent: the bytes are not a query at all.
///
/// `out` should hold [`UDP_SIZE_MAX`] or [`TCP_SIZE_MAX`] bytes; a shorter one makes answers be
/// cut short earlier, and nothing is answered where it could not hold a bare refusal.
pub fn respond(
    snapshot: &Snapshot<'_>,
    packet: &[u8],
    client: &Client<'_>,
    out: &mut [u8],
) -> Option<Reply> {
    let mut request = Request::new();
    if !request.parse(packet, snapshot) {
        return None;
    }
    answer(snapshot, packet, &request, client, out)
}

/// The second half of [`respond`], for a packet and what was read from it. The snapshot may be
/// another one of the same store.
#[inline]
pub fn answer(
    snapshot: &Snapshot<'_>,
    packet: &[u8],
    request: &Request,
    client: &Client<'_>,
    out: &mut [u8],
) -> Option<Reply> {
    let asked_for;
    let options = match request.edns {
        Some(edns) if edns.has_options => {
            asked_for = AnswerOptions::new(request.options, packet, client);
            &asked_for
        }
        _ => &AnswerOptions::NONE,
    };
    let size_max = request.answer_size_max(client.transport).min(out.len());
    let message = Message::begin(out, packet, request, options, size_max)?;
    Some(answer::answer(snapshot, request, client.policy, client.address, message))
}

/// In place of an answer that is above the rate limit: the client may ask again over TCP, or with
/// the cookie that it gets here. Returns its length.
pub(crate) fn cut_short(
    packet: &[u8],
    request: &Request,
    client: &Client<'_>,
    out: &mut [u8],
) -> Option<usize> {
    let options = answer_options(packet, request, client);
    let size_max = request.answer_size_max(client.transport).min(out.len());
    let mut message = Message::begin(out, packet, request, &options, size_max)?;
    message.truncated = true;
    Some(message.finish(request, Rcode::NOERROR))
}

/// Answers with nothing but a code, whatever was asked.
pub(crate) fn answer_code(
    packet: &[u8],
    request: &Request,
    client: &Client<'_>,
    rcode: Rcode,
    out: &mut [u8],
) -> Option<Reply> {
    let options = answer_options(packet, request, client);
    let size_max = request.answer_size_max(client.transport).min(out.len());
    let message = Message::begin(out, packet, request, &options, size_max)?;
    Some(answer::fail(request, message, rcode))
}

/// What a query's COOKIE option proves, for an answer that is made elsewhere.
pub(crate) fn cookie_standing(
    packet: &[u8],
    request: &Request,
    client: &Client<'_>,
) -> CookieStanding {
    answer_options(packet, request, client).standing
}

fn answer_options<'p>(packet: &[u8], request: &Request, client: &Client<'p>) -> AnswerOptions<'p> {
    match request.edns {
        Some(edns) if edns.has_options => AnswerOptions::new(request.options, packet, client),
        _ => AnswerOptions::NONE,
    }
}
