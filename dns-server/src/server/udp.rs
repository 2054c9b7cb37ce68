//! One thread, one socket: receive a batch, answer it on one snapshot, send the answers.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::policy::Policy;
use crate::respond::{Client, CookieStanding, Rcode, Reply, Request, Transport, answer, cut_short};
use crate::server::bind::is_wildcard;
use crate::server::counters::Counters;
use crate::server::gate::Gate;
use crate::server::rate_limit::{RateLimiter, Verdict};
use crate::server::shared_policy::PolicyReader;
use crate::server::special::{Asked, Outcome, Special};
use crate::server::sys::{self, BATCH, Batch};
use crate::store::Snapshot;

/// After an error that is not of one packet; there is nothing to wait for.
const ERROR_PAUSE: Duration = Duration::from_millis(10);

pub(crate) struct UdpWorker {
    socket: UdpSocket,
    special: Special,
    counters: Arc<Counters>,
    gate: Arc<Gate>,
    batch: Batch,
    requests: Box<[Request; BATCH]>,
    policy: PolicyReader,
    limiter: Option<Box<RateLimiter>>,
    limits: LimiterMaker,
}

/// What a thread needs besides a policy to keep its part of the limit.
#[derive(Clone, Copy)]
pub(crate) struct LimiterMaker {
    /// Threads at the same address.
    pub sharers: usize,
    pub seeds: [u64; 3],
}

// === impl UdpWorker ===

impl UdpWorker {
    pub fn new(
        socket: UdpSocket,
        address: SocketAddr,
        special: Special,
        counters: Arc<Counters>,
        policy: PolicyReader,
        limits: LimiterMaker,
        gate: Arc<Gate>,
    ) -> io::Result<Self> {
        socket.set_nonblocking(false)?;
        let batch = Batch::new(is_wildcard(address.ip()));
        let requests = Box::new([const { Request::new() }; BATCH]);
        let limiter = limits.make(policy.get());
        Ok(Self { socket, special, counters, gate, batch, requests, policy, limiter, limits })
    }

    /// Answers while the gate is open. Who closes it interrupts the wait for queries.
    pub fn run(mut self) {
        while self.gate.is_open() || self.gate.wait() {
            match self.batch.receive(&self.socket) {
                Ok(received) => self.answer(received),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    self.counters.receive_error();
                    thread::park_timeout(ERROR_PAUSE);
                }
            }
        }
    }

    fn answer(&mut self, received: usize) {
        if self.policy.refresh() {
            self.limiter = self.limits.make(self.policy.get());
        }
        let Self { socket, special, counters, batch, requests, policy, limiter, .. } = self;
        let policy = policy.get();
        let now = sys::unix_seconds();
        batch.begin_answers();
        {
            let snapshot = special.reader.snapshot();
            let (packets, mut answers) = batch.split(received);
            let mut are_queries = [false; BATCH];
            for (index, packet) in packets.iter().enumerate() {
                are_queries[index] = requests[index].parse(packet, &snapshot);
                snapshot.prefetch_slots(requests[index].hash());
            }
            for request in &requests[..received] {
                snapshot.prefetch_node(request.hash());
            }
            let client = |index| Client {
                transport: Transport::Udp,
                address: packets.peer(index),
                now,
                keepalive: 0,
                policy,
            };
            let mut accounts = [const { None }; BATCH];
            for (index, packet) in packets.iter().enumerate() {
                let buffer = answers.buffer(index);
                let (client, request) = (client(index), &requests[index]);
                let reply = match are_queries[index] {
                    true if request.is_special() => {
                        let asked = Asked { packet, request, client: &client };
                        answer_special(special, &snapshot, asked, buffer)
                    }
                    true => answer(&snapshot, packet, request, &client, buffer),
                    false => None,
                };
                match (reply, limiter.as_deref()) {
                    (Some(reply), Some(limiter))
                        if reply.cookie != CookieStanding::Valid
                            && !reply.is_authenticated
                            && !limiter.is_exempt(client.address) =>
                    {
                        let key = limiter.key(client.address, reply.likeness);
                        limiter.prefetch(key);
                        accounts[index] = Some((reply, key));
                    }
                    (reply, _) => {
                        counters.count(packet.len(), reply.as_ref());
                        if let Some(reply) = reply {
                            answers.send(index, reply.length);
                        }
                    }
                }
            }
            if let Some(limiter) = limiter {
                let clock = sys::coarse_nanoseconds();
                for (index, packet) in packets.iter().enumerate() {
                    let Some((mut reply, key)) = accounts[index] else { continue };
                    let (request, client) = (&requests[index], client(index));
                    let buffer = answers.buffer(index);
                    let verdict = limiter.check(key, clock);
                    let verdict = carry_out(verdict, packet, request, &client, &mut reply, buffer);
                    counters.count_limited(packet.len(), &reply, verdict);
                    if verdict != Verdict::Drop {
                        answers.send(index, reply.length);
                    }
                }
            }
        }
        batch.send(socket, || counters.send_error());
    }
}

#[cold]
fn answer_special(
    special: &Special,
    snapshot: &Snapshot<'_>,
    asked: Asked<'_>,
    out: &mut [u8],
) -> Option<Reply> {
    match special.answer(snapshot, asked, out) {
        Outcome::Reply(reply) => reply,
        // Datagrams carry no streams.
        Outcome::Transfer(_) => None,
    }
}

/// Errors are short, and mean something to who asked: they go out as they are where others are cut
/// short.
#[inline]
fn carry_out(
    verdict: Verdict,
    packet: &[u8],
    request: &Request,
    client: &Client<'_>,
    reply: &mut Reply,
    buffer: &mut [u8],
) -> Verdict {
    if verdict != Verdict::CutShort || !matches!(reply.rcode, Rcode::NOERROR | Rcode::NXDOMAIN) {
        return verdict;
    }
    match cut_short(packet, request, client, buffer) {
        Some(length) => {
            *reply = Reply { length, rcode: Rcode::NOERROR, truncated: true, ..*reply };
            Verdict::CutShort
        }
        None => Verdict::Drop,
    }
}

// === impl LimiterMaker ===

impl LimiterMaker {
    fn make(&self, policy: &Policy) -> Option<Box<RateLimiter>> {
        let settings = policy.rate_limit.as_ref()?;
        Some(Box::new(RateLimiter::new(settings, self.sharers, self.seeds)))
    }
}
