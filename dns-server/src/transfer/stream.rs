//! The records of one transfer, in their order.

use model::{Name, RecordType, Serial, UnixTime};

use super::{Head, Messages, Slot, Stopped};
use crate::respond::{CookieStanding, TCP_SIZE_MAX};
use crate::store::history::Delta;
use crate::store::sets::{Set, records_of};
use crate::store::{Reader, ZoneView};
use crate::tsig::Signer;

/// A transfer that is granted.
pub(crate) struct Transfer {
    pub zone: Name,
    pub kind: Kind,
    pub head: Head,
    pub signer: Option<Signer>,
    pub clock: fn() -> UnixTime,
    /// What the request's COOKIE option proves.
    pub cookie: CookieStanding,
    /// Until it ends.
    pub slot: Slot,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// AXFR.
    Whole,
    /// IXFR from a client that has this serial.
    Since(Serial),
}

/// What is sent.
enum Contents {
    /// The client has what there is, or has to ask again over TCP.
    SoaOnly,
    /// All of them as one: secondaries take that in much faster than a long row.
    Changes(Delta),
    Whole,
}

impl Transfer {
    /// Sends the zone as it is now; returns how many bytes that was. `send` may block.
    pub fn run(
        self,
        reader: &Reader,
        mut send: impl FnMut(Vec<u8>) -> Result<(), Stopped>,
    ) -> Result<usize, Stopped> {
        let Self { zone, kind, head, signer, clock, cookie: _, slot } = self;
        let snapshot = reader.snapshot();
        // It may have ended a moment ago.
        let view = snapshot.zone(&zone).ok_or(Stopped::Gone)?;
        let contents = contents(view, &zone, kind, reader)?;
        let mut bytes = 0;
        let counted = |message: Vec<u8>| {
            bytes += message.len();
            send(message)
        };
        let mut messages = Messages::new(head, TCP_SIZE_MAX, signer, clock, counted);
        push(&contents, view, &mut messages)?;
        messages.finish()?;
        drop(slot);
        Ok(bytes)
    }

    /// The answer over UDP: all changes where they fit into `size_max` bytes, else the SOA alone,
    /// which tells the client to come over TCP (RFC 1995 section 2).
    pub fn datagram(self, reader: &Reader, size_max: usize) -> Option<Vec<u8>> {
        let Self { zone, kind, head, signer, clock, cookie: _, slot: _ } = self;
        let snapshot = reader.snapshot();
        let view = snapshot.zone(&zone)?;
        let contents = match contents(view, &zone, kind, reader).ok()? {
            Contents::Whole => Contents::SoaOnly,
            contents => contents,
        };
        let build = |contents: &Contents| {
            let mut datagram = None;
            let only_one = |message: Vec<u8>| match datagram.replace(message) {
                None => Ok(()),
                Some(_) => Err(Stopped::TooLarge),
            };
            let mut messages =
                Messages::new(head.clone(), size_max, signer.clone(), clock, only_one);
            push(contents, view, &mut messages).and_then(|()| messages.finish()).ok()?;
            datagram
        };
        build(&contents).or_else(|| build(&Contents::SoaOnly))
    }
}

fn contents(
    view: ZoneView<'_>,
    zone: &Name,
    kind: Kind,
    reader: &Reader,
) -> Result<Contents, Stopped> {
    let serial = view.serial().ok_or(Stopped::Gone)?;
    Ok(match kind {
        Kind::Whole => Contents::Whole,
        Kind::Since(known) if known == serial || known.is_newer_than(serial) => Contents::SoaOnly,
        Kind::Since(known) => {
            let way = reader.histories().way(zone, known, serial);
            match way.and_then(|deltas| Delta::condensed(&deltas)) {
                Some(delta) if !is_shorter_whole(view, &delta) => Contents::Changes(delta),
                _ => Contents::Whole,
            }
        }
    })
}

/// Whether the zone takes fewer bytes than its changes. A few changes are never worth the count.
fn is_shorter_whole(view: ZoneView<'_>, delta: &Delta) -> bool {
    const FEW: usize = 64 << 10;
    let changes = delta.length();
    if changes <= FEW {
        return false;
    }
    let mut whole = 0;
    view.nodes().all(|node| {
        whole += node.name_length() + node.sets().bytes().len();
        whole < changes
    })
}

fn push<F: FnMut(Vec<u8>) -> Result<(), Stopped>>(
    contents: &Contents,
    view: ZoneView<'_>,
    messages: &mut Messages<F>,
) -> Result<(), Stopped> {
    let apex = view.apex_node();
    let soa = apex.sets().get(RecordType::SOA).ok_or(Stopped::Gone)?.records;
    messages.push(apex.name(), soa)?;
    match contents {
        Contents::SoaOnly => return Ok(()),
        Contents::Changes(delta) => push_delta(delta, apex.name(), messages)?,
        Contents::Whole => {
            for node in view.nodes() {
                let is_other = |set: &Set<'_>| set.record_type != RecordType::SOA;
                for set in node.sets().iter().filter(is_other) {
                    push_all(node.name(), set.records, messages)?;
                }
            }
        }
    }
    messages.push(apex.name(), soa)
}

fn push_delta<F: FnMut(Vec<u8>) -> Result<(), Stopped>>(
    delta: &Delta,
    apex: &[u8],
    messages: &mut Messages<F>,
) -> Result<(), Stopped> {
    messages.push(apex, &delta.soa_before)?;
    delta.names.iter().try_for_each(|it| push_all(&it.name, &it.removed, messages))?;
    messages.push(apex, &delta.soa_after)?;
    delta.names.iter().try_for_each(|it| push_all(&it.name, &it.added, messages))
}

fn push_all<F: FnMut(Vec<u8>) -> Result<(), Stopped>>(
    owner: &[u8],
    records: &[u8],
    messages: &mut Messages<F>,
) -> Result<(), Stopped> {
    records_of(records).try_for_each(|record| messages.push(owner, record))
}
