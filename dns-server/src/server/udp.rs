//! One thread, one socket: receive a batch, answer it on one snapshot, send the answers.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::respond::{Reply, Request, Transport, answer};
use crate::server::bind::is_wildcard;
use crate::server::counters::Counters;
use crate::server::special::{Asked, Outcome, Special};
use crate::server::sys::{self, BATCH, Batch, Packets};
use crate::store::{Reader, Snapshot};
use crate::transfer::Transfers;

/// After an error that is not of one packet; there is nothing to wait for.
const ERROR_PAUSE: Duration = Duration::from_millis(10);

pub(crate) struct UdpWorker {
    socket: Arc<UdpSocket>,
    reader: Reader,
    special: Special,
    counters: Arc<Counters>,
    stopping: Arc<AtomicBool>,
    batch: Batch,
    requests: Box<[Request; BATCH]>,
}

/// Ends a worker from another thread.
pub(crate) struct Stop {
    socket: Arc<UdpSocket>,
    stopping: Arc<AtomicBool>,
}

// === impl UdpWorker ===

impl UdpWorker {
    pub fn new(
        socket: UdpSocket,
        address: SocketAddr,
        reader: Reader,
        transfers: Arc<Transfers>,
        counters: Arc<Counters>,
    ) -> io::Result<Self> {
        socket.set_nonblocking(false)?;
        let batch = Batch::new(is_wildcard(address.ip()));
        let stopping = Arc::new(AtomicBool::new(false));
        let requests = Box::new([const { Request::new() }; BATCH]);
        let special = Special { reader: reader.clone(), transfers };
        Ok(Self { socket: Arc::new(socket), reader, special, counters, stopping, batch, requests })
    }

    pub fn stop(&self) -> Stop {
        Stop { socket: Arc::clone(&self.socket), stopping: Arc::clone(&self.stopping) }
    }

    pub fn run(mut self) {
        while !self.stopping.load(Ordering::Relaxed) {
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
        let Self { socket, reader, special, counters, stopping: _, batch, requests } = self;
        batch.begin_answers();
        {
            let snapshot = reader.snapshot();
            let (packets, mut answers) = batch.split(received);
            let mut are_queries = [false; BATCH];
            for (index, packet) in packets.iter().enumerate() {
                are_queries[index] = requests[index].parse(packet, &snapshot);
                snapshot.prefetch_slots(requests[index].hash());
            }
            for request in &requests[..received] {
                snapshot.prefetch_node(request.hash());
            }
            for (index, packet) in packets.iter().enumerate() {
                let buffer = answers.buffer(index);
                let request = &requests[index];
                let reply = match are_queries[index] {
                    true if request.is_special() => {
                        answer_special(special, &snapshot, &packets, index, request, buffer)
                    }
                    true => answer(&snapshot, packet, request, Transport::Udp, buffer),
                    false => None,
                };
                counters.count(packet.len(), reply.as_ref());
                if let Some(reply) = reply {
                    answers.send(index, reply.length);
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
    packets: &Packets<'_>,
    index: usize,
    request: &Request,
    out: &mut [u8],
) -> Option<Reply> {
    let (packet, peer) = (packets.iter().nth(index)?, packets.peer(index)?);
    let asked = Asked { packet, request, transport: Transport::Udp, peer };
    match special.answer(snapshot, asked, out) {
        Outcome::Reply(reply) => reply,
        // Datagrams carry no streams.
        Outcome::Transfer(_) => None,
    }
}

// === impl Stop ===

impl Stop {
    /// The thread may be waiting for a packet: shutting the socket down ends the wait.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        sys::shut_down(&self.socket);
    }
}
