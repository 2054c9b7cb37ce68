//! What is no ordinary question: signed ones, and requests for zones. Off the hot path: memory is
//! allocated here, and the clock is read.
//!
//! An ordinary question that is signed is answered by [`crate::respond()`] all the same; the answer
//! is then signed here.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use model::{Name, RecordType, Serial};

use crate::respond::likeness::Likeness;
use crate::respond::{
    Client, Rcode, Reply, Request, Transport, answer, answer_code, cookie_standing, skip_name,
};
use crate::store::{Reader, Snapshot};
use crate::transfer::{Head, Kind, Transfer, Transfers};
use crate::tsig::{self, Rejection, Signer};

const HEADER_LENGTH: usize = 12;

/// What the workers know beside the packet.
pub(crate) struct Special {
    pub reader: Reader,
    pub transfers: Arc<Transfers>,
}

pub(crate) enum Outcome {
    /// The answer is in the buffer; None where there is none.
    Reply(Option<Reply>),
    Transfer(Box<Transfer>),
}

/// One such packet.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub packet: &'a [u8],
    pub request: &'a Request,
    pub client: &'a Client<'a>,
}

impl Special {
    pub fn answer(&self, snapshot: &Snapshot<'_>, asked: Asked<'_>, out: &mut [u8]) -> Outcome {
        let Asked { packet, request, client } = asked;
        if !client.policy.query_access.allows(client.address) {
            // No key lifts this, so none is looked at.
            return Outcome::Reply(answer(snapshot, packet, request, client, out));
        }
        let policy = self.transfers.policy();
        let now = self.transfers.now();
        let verified = request.tsig.map(|start| tsig::verify(&policy.keys, packet, start, now));
        let mut signer = match verified.transpose() {
            Ok(signer) => signer,
            Err(rejection) => return Outcome::Reply(self.reject(asked, rejection, out)),
        };
        let room = room(asked, signer.as_ref().map_or(0, Signer::length), out);
        let is_authenticated = signer.is_some();
        let reply = if request.is_transfer {
            match self.grant(snapshot, asked, signer.as_ref()) {
                Ok(transfer) if client.transport == Transport::Udp => {
                    return Outcome::Reply(self.send_datagram(transfer, asked, out));
                }
                Ok(transfer) => return Outcome::Transfer(Box::new(transfer)),
                Err(rcode) => code(asked, rcode, &mut out[..room]),
            }
        } else {
            answer(snapshot, packet, request, client, &mut out[..room])
        };
        let reply = reply.and_then(|reply| self.sign(reply, signer.as_mut(), out));
        Outcome::Reply(reply.map(|reply| Reply { is_authenticated, ..reply }))
    }

    /// Who may have it is asked before anything is told of the zone.
    fn grant(
        &self,
        snapshot: &Snapshot<'_>,
        asked: Asked<'_>,
        signer: Option<&Signer>,
    ) -> Result<Transfer, Rcode> {
        let Asked { packet, request, client } = asked;
        let zone = Name::from_wire(request.name()).map_err(|_| Rcode::FORMERR)?;
        let Some(view) = snapshot.zone(&zone) else { return Err(Rcode::NOTAUTH) };
        let policy = self.transfers.policy();
        let key = signer.map(Signer::key_name);
        let is_allowed =
            policy.zones.get(&zone).is_some_and(|zone| zone.allows(client.address, key));
        // Neither a request over HTTP nor a stream of QUIC is a stream of messages here.
        let is_carried = !matches!(client.transport, Transport::Https | Transport::Quic);
        if !is_allowed || !is_carried || !self.transfers.is_open() {
            return Err(Rcode::REFUSED);
        }
        let kind = match request.record_type {
            RecordType::IXFR => Kind::Since(known_serial(packet, request).ok_or(Rcode::FORMERR)?),
            // RFC 5936 section 4.2 knows it over TCP alone.
            _ if client.transport == Transport::Udp => return Err(Rcode::REFUSED),
            _ => Kind::Whole,
        };
        view.serial().ok_or(Rcode::SERVFAIL)?;
        let slot = self.transfers.slot().ok_or(Rcode::REFUSED)?;
        let (clock, cookie) = (self.transfers.clock(), cookie_standing(packet, request, client));
        Ok(Transfer { zone, kind, head: head(asked), signer: signer.cloned(), clock, cookie, slot })
    }

    fn send_datagram(&self, transfer: Transfer, asked: Asked<'_>, out: &mut [u8]) -> Option<Reply> {
        let size_max = room(asked, 0, out);
        let (cookie, is_authenticated) = (transfer.cookie, transfer.signer.is_some());
        let message = transfer.datagram(&self.reader, size_max)?;
        out.get_mut(..message.len())?.copy_from_slice(&message);
        let given = asked.request.record_type;
        Some(Reply {
            length: message.len(),
            rcode: Rcode::NOERROR,
            record_type: Some(given),
            zone: None,
            truncated: false,
            cookie,
            is_authenticated,
            likeness: Likeness::From { name: asked.request.hash(), given }.number(),
        })
    }

    fn reject(&self, asked: Asked<'_>, rejection: Rejection, out: &mut [u8]) -> Option<Reply> {
        match rejection {
            Rejection::Malformed => code(asked, Rcode::FORMERR, out),
            Rejection::Unsigned(record) => {
                let room = room(asked, record.len(), out);
                let reply = code(asked, Rcode::NOTAUTH, &mut out[..room])?;
                extend(reply, out, |message| tsig::append_unsigned(message, &record))
            }
            Rejection::Signed(mut signer) => {
                let room = room(asked, signer.length(), out);
                let reply = code(asked, Rcode::NOTAUTH, &mut out[..room])?;
                self.sign(reply, Some(&mut signer), out)
            }
        }
    }

    fn sign(&self, reply: Reply, signer: Option<&mut Signer>, out: &mut [u8]) -> Option<Reply> {
        let Some(signer) = signer else { return Some(reply) };
        let now = self.transfers.now();
        extend(reply, out, |message| signer.sign(message, now))
    }
}

fn code(asked: Asked<'_>, rcode: Rcode, out: &mut [u8]) -> Option<Reply> {
    let Asked { packet, request, client } = asked;
    answer_code(packet, request, client, rcode, out)
}

/// How long an answer may be that something of `length` bytes is added to.
fn room(asked: Asked<'_>, length: usize, out: &[u8]) -> usize {
    let size_max = asked.request.answer_size_max(asked.client.transport).min(out.len());
    size_max.saturating_sub(length)
}

/// Adds something to the answer that the buffer has.
fn extend(reply: Reply, out: &mut [u8], add: impl FnOnce(&mut Vec<u8>)) -> Option<Reply> {
    let mut message = out[..reply.length].to_vec();
    add(&mut message);
    out.get_mut(..message.len())?.copy_from_slice(&message);
    Some(Reply { length: message.len(), ..reply })
}

fn head(Asked { packet, request, .. }: Asked<'_>) -> Head {
    Head {
        id: [packet[0], packet[1]],
        recursion_desired: packet[2] & 1 != 0,
        question: packet[HEADER_LENGTH..request.question_end].to_vec(),
        edns: request.edns.map(|edns| edns.dnssec_ok),
    }
}

/// The serial in the SOA of the authority section (RFC 1995 section 3), which is its only record.
fn known_serial(packet: &[u8], request: &Request) -> Option<Serial> {
    let counts = [packet.get(6..8)?, packet.get(8..10)?];
    if counts != [&[0, 0], &[0, 1]] {
        return None;
    }
    let mut at = skip_name(packet, request.question_end).ok()?;
    let fixed: &[u8; 10] = packet.get(at..)?.first_chunk()?;
    if fixed[..2] != RecordType::SOA.0.to_be_bytes() {
        return None;
    }
    let end = at + 10 + usize::from(u16::from_be_bytes([fixed[8], fixed[9]]));
    at = skip_name(packet, at + 10).ok()?;
    at = skip_name(packet, at).ok()?;
    // Two names, then five numbers, the serial first (RFC 1035 section 3.3.13).
    let serial = packet.get(at..end)?.first_chunk::<20>()?.first_chunk::<4>()?;
    Some(Serial(u32::from_be_bytes(*serial)))
}
