//! Counts of one thread at one address, and their sums.
//!
//! Each thread adds to its own numbers with plain loads and stores; whoever asks reads them all.

use std::array;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use model::{Name, RecordType};

use crate::respond::{CookieStanding, Rcode, Reply, Transport};
use crate::server::rate_limit::Verdict;
use crate::store::{Snapshot, ZoneIndex};

/// Upper bounds of the buckets in which sizes are counted, in bytes; a last one has no bound.
pub const SIZE_BOUNDS: [u32; 14] =
    [0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16_000, 32_000, 48_000, 64_000];
const SIZE_BUCKETS: usize = SIZE_BOUNDS.len() + 1;
/// Slot 0 is for questions outside of our zones, the last one for all zones beyond the others.
const ZONE_SLOTS: usize = 64;

/// Types that are counted each on its own; the others together.
const TYPES: [RecordType; 21] = [
    RecordType::A,
    RecordType::AAAA,
    RecordType::CNAME,
    RecordType::NS,
    RecordType::SOA,
    RecordType::SRV,
    RecordType::TXT,
    RecordType::MX,
    RecordType::PTR,
    RecordType::DS,
    RecordType::DNSKEY,
    RecordType::NSEC,
    RecordType::NSEC3,
    RecordType::RRSIG,
    RecordType::HTTPS,
    RecordType::SVCB,
    RecordType::CAA,
    RecordType::DNAME,
    RecordType::ANY,
    RecordType::AXFR,
    RecordType::IXFR,
];
const TYPE_BUCKETS: usize = TYPES.len() + 1;

/// A counter with one writer.
#[derive(Default)]
struct Count(AtomicU64);

/// One thread's, on cache lines of its own.
#[repr(align(128))]
pub(crate) struct Counters {
    pub address: SocketAddr,
    pub transport: Transport,
    zones: Box<[ZoneCounters]>,
    dropped: Count,
    limited_dropped: Count,
    limited_cut_short: Count,
    /// Client cookie only, invalid, valid.
    cookies: [Count; 3],
    send_errors: Count,
    receive_errors: Count,
    connections: Count,
    connections_refused: Count,
    connections_displaced: Count,
    handshake_failures: Count,
}

#[derive(Default)]
#[repr(align(128))]
struct ZoneCounters {
    requests: [Count; TYPE_BUCKETS],
    responses: [Count; Rcode::END],
    truncated: Count,
    request_sizes: [Count; SIZE_BUCKETS],
    request_bytes: Count,
    response_sizes: [Count; SIZE_BUCKETS],
    response_bytes: Count,
}

/// What came and went at one address by one protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traffic {
    pub address: SocketAddr,
    pub transport: Transport,
    /// By zone; None for questions outside of our zones and packets without a question.
    pub zones: Vec<(Option<Name>, ZoneTraffic)>,
    /// Packets that are no queries and got no answer.
    pub dropped: u64,
    /// Queries without an answer, as it was above the rate limit.
    pub limited_dropped: u64,
    /// Answers that were cut short, as they were above the rate limit.
    pub limited_cut_short: u64,
    /// Queries with a client cookie only.
    pub cookies_client_only: u64,
    /// Queries with a server cookie that is not ours, or too old.
    pub cookies_invalid: u64,
    /// Queries with a server cookie of ours.
    pub cookies_valid: u64,
    /// Answers that the system would not send.
    pub send_errors: u64,
    pub receive_errors: u64,
    /// Connections accepted.
    pub connections: u64,
    /// Connections closed on arrival, as too many were open.
    pub connections_refused: u64,
    /// Connections that were silent longest and closed for others, as too many were open.
    pub connections_displaced: u64,
    /// Connections that ended before they were encrypted.
    pub handshake_failures: u64,
}

/// Questions and answers of one zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZoneTraffic {
    pub requests: [u64; TYPE_BUCKETS],
    /// By response code.
    pub responses: [u64; Rcode::END],
    pub truncated: u64,
    /// By [`SIZE_BOUNDS`], each bucket apart from the ones below it.
    pub request_sizes: [u64; SIZE_BUCKETS],
    pub request_bytes: u64,
    pub response_sizes: [u64; SIZE_BUCKETS],
    pub response_bytes: u64,
}

/// A type that is counted on its own, or all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeBucket {
    One(RecordType),
    Other,
}

// === impl Count ===

impl Count {
    #[inline]
    fn add(&self, number: u64) {
        self.0.store(self.0.load(Ordering::Relaxed) + number, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

// === impl Counters ===

impl Counters {
    pub fn new(address: SocketAddr, transport: Transport) -> Self {
        Self {
            address,
            transport,
            zones: (0..ZONE_SLOTS).map(|_| ZoneCounters::default()).collect(),
            dropped: Count::default(),
            limited_dropped: Count::default(),
            limited_cut_short: Count::default(),
            cookies: Default::default(),
            send_errors: Count::default(),
            receive_errors: Count::default(),
            connections: Count::default(),
            connections_refused: Count::default(),
            connections_displaced: Count::default(),
            handshake_failures: Count::default(),
        }
    }

    /// Counts a query and what became of it.
    #[inline]
    pub fn count(&self, request_length: usize, reply: Option<&Reply>) {
        let Some(reply) = reply else { return self.dropped.add(1) };
        let zone = self.count_request(request_length, reply);
        Self::count_response(zone, reply);
    }

    /// The same, of a query whose answer the rate limit had its say about.
    #[inline]
    pub fn count_limited(&self, request_length: usize, reply: &Reply, verdict: Verdict) {
        let zone = self.count_request(request_length, reply);
        match verdict {
            Verdict::Send => {}
            Verdict::CutShort => self.limited_cut_short.add(1),
            Verdict::Drop => return self.limited_dropped.add(1),
        }
        Self::count_response(zone, reply);
    }

    #[inline]
    fn count_request(&self, request_length: usize, reply: &Reply) -> &ZoneCounters {
        match reply.cookie {
            CookieStanding::Absent => {}
            CookieStanding::ClientOnly => self.cookies[0].add(1),
            CookieStanding::Invalid => self.cookies[1].add(1),
            CookieStanding::Valid => self.cookies[2].add(1),
        }
        let zone = &self.zones[slot(reply.zone)];
        zone.requests[reply.record_type.map_or(TYPES.len(), type_bucket)].add(1);
        zone.request_sizes[size_bucket(request_length)].add(1);
        zone.request_bytes.add(request_length as u64);
        zone
    }

    #[inline]
    fn count_response(zone: &ZoneCounters, reply: &Reply) {
        zone.responses[usize::from(reply.rcode.0).min(Rcode::END - 1)].add(1);
        if reply.truncated {
            zone.truncated.add(1);
        }
        zone.response_sizes[size_bucket(reply.length)].add(1);
        zone.response_bytes.add(reply.length as u64);
    }

    pub fn send_error(&self) {
        self.send_errors.add(1);
    }

    pub fn receive_error(&self) {
        self.receive_errors.add(1);
    }

    pub fn connection(&self) {
        self.connections.add(1);
    }

    pub fn connection_refused(&self) {
        self.connections_refused.add(1);
    }

    pub fn connection_displaced(&self) {
        self.connections_displaced.add(1);
    }

    pub fn handshake_failure(&self) {
        self.handshake_failures.add(1);
    }

    /// Adds what this thread counted, under the names that the snapshot knows.
    pub fn add_to(&self, traffic: &mut Traffic, snapshot: &Snapshot<'_>) {
        let Self { address: _, transport: _, zones, .. } = self;
        traffic.dropped += self.dropped.get();
        traffic.limited_dropped += self.limited_dropped.get();
        traffic.limited_cut_short += self.limited_cut_short.get();
        let [client_only, invalid, valid] = &self.cookies;
        traffic.cookies_client_only += client_only.get();
        traffic.cookies_invalid += invalid.get();
        traffic.cookies_valid += valid.get();
        traffic.send_errors += self.send_errors.get();
        traffic.receive_errors += self.receive_errors.get();
        traffic.connections += self.connections.get();
        traffic.connections_refused += self.connections_refused.get();
        traffic.connections_displaced += self.connections_displaced.get();
        traffic.handshake_failures += self.handshake_failures.get();
        for (slot, counters) in zones.iter().enumerate() {
            if counters.responses.iter().all(|count| count.get() == 0) {
                continue;
            }
            let name = zone_of(slot, snapshot);
            let at = traffic.zones.iter().position(|(zone, _)| *zone == name);
            let at = at.unwrap_or_else(|| {
                traffic.zones.push((name, ZoneTraffic::default()));
                traffic.zones.len() - 1
            });
            counters.add_to(&mut traffic.zones[at].1);
        }
    }
}

impl ZoneCounters {
    fn add_to(&self, traffic: &mut ZoneTraffic) {
        let Self {
            requests,
            responses,
            truncated,
            request_sizes,
            request_bytes,
            response_sizes,
            response_bytes,
        } = self;
        add_all(requests, &mut traffic.requests);
        add_all(responses, &mut traffic.responses);
        traffic.truncated += truncated.get();
        add_all(request_sizes, &mut traffic.request_sizes);
        traffic.request_bytes += request_bytes.get();
        add_all(response_sizes, &mut traffic.response_sizes);
        traffic.response_bytes += response_bytes.get();
    }
}

fn add_all(counts: &[Count], sums: &mut [u64]) {
    sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count.get());
}

fn slot(zone: Option<ZoneIndex>) -> usize {
    zone.map_or(0, |zone| (usize::from(zone.0) + 1).min(ZONE_SLOTS - 1))
}

/// Zones that are gone, or share the last slot, have no name of their own.
fn zone_of(slot: usize, snapshot: &Snapshot<'_>) -> Option<Name> {
    let index = slot.checked_sub(1).filter(|_| slot < ZONE_SLOTS - 1)?;
    snapshot.zone_at(ZoneIndex(index as u16)).map(|zone| zone.apex())
}

#[inline]
fn type_bucket(record_type: RecordType) -> usize {
    TYPES.iter().position(|known| *known == record_type).unwrap_or(TYPES.len())
}

#[inline]
fn size_bucket(length: usize) -> usize {
    SIZE_BOUNDS.iter().filter(|bound| length > **bound as usize).count()
}

// === impl Traffic ===

impl Traffic {
    pub(crate) fn new(address: SocketAddr, transport: Transport) -> Self {
        Self {
            address,
            transport,
            zones: Vec::new(),
            dropped: 0,
            limited_dropped: 0,
            limited_cut_short: 0,
            cookies_client_only: 0,
            cookies_invalid: 0,
            cookies_valid: 0,
            send_errors: 0,
            receive_errors: 0,
            connections: 0,
            connections_refused: 0,
            connections_displaced: 0,
            handshake_failures: 0,
        }
    }
}

impl ZoneTraffic {
    /// Requests by the type asked for, those that were asked.
    pub fn requests_by_type(&self) -> impl Iterator<Item = (TypeBucket, u64)> + '_ {
        let buckets: [TypeBucket; TYPE_BUCKETS] = array::from_fn(|at| {
            TYPES.get(at).map_or(TypeBucket::Other, |known| TypeBucket::One(*known))
        });
        buckets.into_iter().zip(self.requests).filter(|(_, count)| *count > 0)
    }

    /// Responses by code, those that were given.
    pub fn responses_by_rcode(&self) -> impl Iterator<Item = (Rcode, u64)> + '_ {
        let codes = self.responses.iter().enumerate();
        codes.map(|(code, count)| (Rcode(code as u16), *count)).filter(|(_, count)| *count > 0)
    }
}

impl std::fmt::Display for TypeBucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::One(record_type) => record_type.fmt(f),
            Self::Other => f.pad("other"),
        }
    }
}
