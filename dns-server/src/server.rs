//! Sockets that carry queries to [`crate::respond()`] and its answers back.
//!
//! ```text
//! each worker, each address:  1 thread  | recvmmsg -> respond -> sendmmsg        (UDP)
//! each worker:                1 thread  | tokio: accept, read, respond, write    (TCP)
//! each worker:                1 thread  | the same, encrypted                    (DoT, DoH, DoQ)
//! ```
//!
//! Every worker has its own sockets, which share their port (SO_REUSEPORT): the kernel deals the
//! clients out. A UDP thread waits in `recvmmsg` itself; with one socket to each thread there is
//! nothing to poll. No two threads write to the same counter. Signed queries and zone transfers leave
//! this way for `special`. All threads look at one `gate`, so that another process can take their sockets
//! over.

mod bind;
mod listeners;
mod gate;
mod held;
pub(crate) mod counters;
pub(crate) mod special;
mod sys;
mod shared_policy;
mod rate_limit;
mod udp;
mod streams;
pub(crate) mod tcp;
mod tls;
mod dot;
mod doh;
mod doq;
#[cfg(test)]
mod tests;

use std::array;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use model::UnixTime;

use crate::policy::Policy;
use crate::respond::Transport;
use crate::store::Reader;
use crate::transfer::Transfers;

use bind::Sockets;
use counters::Counters;
use gate::{Gate, Phase};
use listeners::{EncryptedSockets, StreamSockets};
use shared_policy::SharedPolicy;
use special::Special;
use streams::limits::ConnectionLimits;
use streams::{Socket, StreamWorker};
use tls::Tls;
use udp::{LimiterMaker, UdpWorker};

pub use bind::BindError;
pub use counters::{SIZE_BOUNDS, Traffic, TypeBucket, ZoneTraffic};
pub use held::{NotHeld, ServedSocket};
pub use listeners::{Addresses, Inherited, Listeners};
pub(crate) use sys::random_bytes;
#[cfg(test)]
pub(crate) use sys::unix_seconds;
pub use sys::{CPUS_MAX, usable_cpus};
pub use tls::{Certificate, CertificateError, HttpsAcceptor};

/// Between two attempts to wake a thread that is to end.
const STOP_PAUSE: Duration = Duration::from_millis(1);

/// How a server uses the machine, and treats its clients at first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Threads for UDP at each address, threads for TCP, and threads for encrypted transports; at
    /// least one.
    pub workers: usize,
    /// Each thread stays on one of these CPUs, dealt out in turn; if there are none, the system moves
    /// them as it likes. Below [`CPUS_MAX`].
    pub cpus: Vec<usize>,
    /// So many TCP connections may be open at once, and as many encrypted ones; further ones are
    /// closed when they arrive.
    pub connections_max: usize,
    /// So many of each of them from one client: an IPv4 address, or a /64 of IPv6.
    pub client_connections_max: usize,
    /// A connection without a complete query, or with an answer that the client does not read, is
    /// closed after this time (RFC 7766 section 6.2.3).
    pub idle: Duration,
    pub policy: Policy,
    /// Shown by encrypted transports, which need one.
    pub certificate: Option<Certificate>,
}

/// Sockets and threads that answer from a store. Dropping it stops them.
pub struct Server {
    addresses: Vec<SocketAddr>,
    encrypted_addresses: Vec<(Transport, SocketAddr)>,
    reader: Reader,
    transfers: Arc<Transfers>,
    counters: Vec<Arc<Counters>>,
    tcp_limits: Arc<ConnectionLimits>,
    encrypted_limits: Arc<ConnectionLimits>,
    policy: Arc<SharedPolicy>,
    /// None without encrypted transports.
    tls: Option<Tls>,
    cpus: Vec<usize>,
    gate: Arc<Gate>,
    /// Handles of all that the threads read.
    sockets: Vec<ServedSocket>,
    /// Tasks that take connections.
    acceptors: usize,
    udp_threads: Vec<JoinHandle<()>>,
    stream_threads: Vec<JoinHandle<()>>,
}

// === impl Options ===

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: 1,
            cpus: Vec::new(),
            connections_max: 1024,
            client_connections_max: 256,
            idle: Duration::from_secs(10),
            policy: Policy::PLAIN,
            certificate: None,
        }
    }
}

// === impl Server ===

impl Server {
    /// Listens on UDP and TCP at each address and answers from `reader`'s store. For port 0 the
    /// system picks one that both protocols have free.
    pub fn bind(listen: &[SocketAddr], workers: usize, reader: Reader) -> Result<Self, BindError> {
        let transfers = Arc::new(Transfers::new(system_time));
        let addresses = Addresses::plain(listen);
        Self::bind_with(&addresses, Options { workers, ..Options::default() }, reader, transfers)
    }

    /// [`Self::bind`] with all that can be chosen.
    pub fn bind_with(
        addresses: &Addresses,
        options: Options,
        reader: Reader,
        transfers: Arc<Transfers>,
    ) -> Result<Self, BindError> {
        let listeners = Listeners::bind(addresses, options.workers, &mut Inherited::default())?;
        Self::start_on(listeners, options, reader, transfers)
    }

    /// Answers on sockets that are bound already.
    ///
    /// # Errors
    ///
    /// The first address for which there is no thread, none on the CPU that it should have, or no
    /// certificate.
    pub fn start_on(
        listeners: Listeners,
        options: Options,
        reader: Reader,
        transfers: Arc<Transfers>,
    ) -> Result<Self, BindError> {
        sys::allow_interrupts();
        let Options { workers, cpus, .. } = options;
        let Options { connections_max, client_connections_max, idle, policy, certificate, .. } =
            options;
        let limits = || ConnectionLimits::new(connections_max, client_connections_max, idle);
        let Listeners { plain, encrypted } = listeners;
        let mut server = Self {
            addresses: plain.iter().map(|sockets| sockets.address).collect(),
            encrypted_addresses: encrypted.iter().map(|it| (it.transport, it.address)).collect(),
            reader,
            transfers,
            counters: Vec::new(),
            tcp_limits: limits(),
            encrypted_limits: limits(),
            policy: SharedPolicy::new(policy),
            tls: None,
            cpus,
            gate: Gate::new(),
            sockets: Vec::new(),
            acceptors: 0,
            udp_threads: Vec::new(),
            stream_threads: Vec::new(),
        };
        let workers = workers.max(1);
        let encrypted = server.deal_encrypted(encrypted, certificate, workers)?;
        server.start(plain, workers)?;
        for (worker, sockets) in encrypted.into_iter().enumerate() {
            server.start_streams("dns-encrypted", worker, sockets)?;
        }
        Ok(server)
    }

    /// Where the server listens, in the order that was asked for, with the ports that were picked.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The same of encrypted transports.
    pub fn encrypted_addrs(&self) -> &[(Transport, SocketAddr)] {
        &self.encrypted_addresses
    }

    /// What was asked and answered so far, for each address and protocol.
    pub fn traffic(&self) -> Vec<Traffic> {
        let mut traffic: Vec<Traffic> = Vec::new();
        let snapshot = self.reader.snapshot();
        for counters in &self.counters {
            let key = (counters.address, counters.transport);
            let known = traffic.iter().position(|sum| (sum.address, sum.transport) == key);
            let at = known.unwrap_or_else(|| {
                traffic.push(Traffic::new(counters.address, counters.transport));
                traffic.len() - 1
            });
            counters.add_to(&mut traffic[at], &snapshot);
        }
        traffic
    }

    /// Treats clients in this way from the next batch of queries on. Rate limits that change begin
    /// anew.
    pub fn set_policy(&self, policy: Policy) {
        self.policy.set(policy);
    }

    /// Shows this certificate in handshakes from now on. Connections that are open stay.
    pub fn show_certificate(&self, certificate: Certificate) {
        if let Some(tls) = &self.tls {
            tls.show(certificate);
        }
    }

    /// The last second that the certificate is good for which is shown now; None where none is.
    pub fn certificate_end(&self) -> Option<UnixTime> {
        self.tls.as_ref().map(Tls::not_after)
    }

    /// How many TCP connections are open that are not encrypted.
    pub fn tcp_connections(&self) -> usize {
        self.tcp_limits.open()
    }

    /// How many encrypted connections are open.
    pub fn encrypted_connections(&self) -> usize {
        self.encrypted_limits.open()
    }

    /// Ends all threads and closes all sockets. What has been received is answered; connections are
    /// closed.
    pub fn stop(self) {
        drop(self);
    }

    fn start(&mut self, sockets: Vec<Sockets>, workers: usize) -> Result<(), BindError> {
        let mut of_workers = list_of_each(workers);
        for Sockets { address, udp, tcp } in sockets {
            let sharers = udp.len();
            for (worker, socket) in udp.into_iter().enumerate() {
                self.start_udp(socket, address, sharers, worker)
                    .map_err(|source| BindError::new(address, Transport::Udp, source))?;
            }
            for (at, listener) in tcp.into_iter().enumerate() {
                let bound = self.bound(Transport::Tcp, address, Socket::Tcp(listener));
                of_workers[at % workers].push(bound);
            }
        }
        for (worker, sockets) in of_workers.into_iter().enumerate() {
            self.start_streams("dns-tcp", worker, sockets)?;
        }
        Ok(())
    }

    /// The sockets of each worker.
    fn deal_encrypted(
        &mut self,
        encrypted: Vec<EncryptedSockets>,
        certificate: Option<Certificate>,
        workers: usize,
    ) -> Result<Vec<Vec<Bound>>, BindError> {
        let Some(&EncryptedSockets { transport, address, .. }) = encrypted.first() else {
            return Ok(Vec::new());
        };
        let failed = |source| BindError::new(address, transport, source);
        let missing =
            || failed(io::Error::new(io::ErrorKind::InvalidInput, "there is no certificate"));
        let tls = Tls::new(certificate.ok_or_else(missing)?).map_err(failed)?;
        let mut of_workers = list_of_each(workers);
        for (at, of_address) in encrypted.into_iter().enumerate() {
            let EncryptedSockets { transport, address, .. } = of_address;
            for (worker, socket) in secured(of_address, &tls).into_iter().enumerate() {
                // One that is alone goes to a worker that others are not with.
                of_workers[(at + worker) % workers].push(self.bound(transport, address, socket));
            }
        }
        self.tls = Some(tls);
        Ok(of_workers)
    }

    fn bound(&mut self, transport: Transport, address: SocketAddr, socket: Socket) -> Bound {
        Bound { transport, address, socket, counters: self.counters_for(address, transport) }
    }

    fn start_udp(
        &mut self,
        socket: UdpSocket,
        address: SocketAddr,
        sharers: usize,
        number: usize,
    ) -> io::Result<()> {
        let counters = self.counters_for(address, Transport::Udp);
        let random = random_bytes::<24>()?;
        let seeds =
            array::from_fn(|at| u64::from_le_bytes(array::from_fn(|byte| random[8 * at + byte])));
        let limits = LimiterMaker { sharers, seeds };
        let policy = self.policy.reader();
        let gate = Arc::clone(&self.gate);
        let special = self.special();
        let handle = socket.as_fd().try_clone_to_owned()?;
        self.sockets.push(ServedSocket::new(Transport::Udp, address, handle));
        let worker = UdpWorker::new(socket, address, special, counters, policy, limits, gate)?;
        let (thread, pinned) = self.spawn("dns-udp", number, move || worker.run())?;
        self.udp_threads.push(thread);
        pinned
    }

    fn start_streams(
        &mut self,
        name: &str,
        number: usize,
        sockets: Vec<Bound>,
    ) -> Result<(), BindError> {
        let Some(&Bound { transport, address, .. }) = sockets.first() else { return Ok(()) };
        let failed = |source| BindError::new(address, transport, source);
        let limits = match transport.is_encrypted() {
            true => &self.encrypted_limits,
            false => &self.tcp_limits,
        };
        for Bound { transport, address, socket, .. } in &sockets {
            let handle = socket.handle().map_err(failed)?;
            self.sockets.push(ServedSocket::new(*transport, *address, handle));
        }
        self.acceptors += sockets.len();
        let sockets = sockets.into_iter().map(|bound| (bound.socket, bound.counters)).collect();
        let policy = self.policy.reader();
        let worker = StreamWorker::new(sockets, self.special(), limits, &self.gate, policy);
        let worker = worker.map_err(failed)?;
        let (thread, pinned) = self.spawn(name, number, move || worker.run()).map_err(failed)?;
        self.stream_threads.push(thread);
        pinned.map_err(failed)
    }

    fn special(&self) -> Special {
        Special { reader: self.reader.clone(), transfers: Arc::clone(&self.transfers) }
    }

    fn counters_for(&mut self, address: SocketAddr, transport: Transport) -> Arc<Counters> {
        let counters = Arc::new(Counters::new(address, transport));
        self.counters.push(Arc::clone(&counters));
        counters
    }

    /// A thread, and whether it stays where it should.
    fn spawn(
        &self,
        name: &str,
        number: usize,
        run: impl FnOnce() + Send + 'static,
    ) -> io::Result<(JoinHandle<()>, io::Result<()>)> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run)?;
        let cpu = self.cpus.get(number % self.cpus.len().max(1));
        let pinned = cpu.map_or(Ok(()), |cpu| sys::pin(&thread, *cpu));
        Ok((thread, pinned))
    }
}

/// A socket that a worker is to serve.
struct Bound {
    transport: Transport,
    address: SocketAddr,
    socket: Socket,
    counters: Arc<Counters>,
}

/// An empty list for each worker.
fn list_of_each(workers: usize) -> Vec<Vec<Bound>> {
    (0..workers).map(|_| Vec::new()).collect()
}

/// With what each of them shows in handshakes.
fn secured(bound: EncryptedSockets, tls: &Tls) -> Vec<Socket> {
    let with_tls = |listener| match bound.transport {
        Transport::Https => Socket::Doh(listener, tls.doh.clone()),
        _ => Socket::Dot(listener, tls.dot.clone()),
    };
    match bound.sockets {
        StreamSockets::Quic(socket) => vec![Socket::Doq(socket, Box::new(doq::config(tls)))],
        StreamSockets::Tcp(listeners) => listeners.into_iter().map(with_tls).collect(),
    }
}

/// The clock, read at the edge.
fn system_time() -> UnixTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    UnixTime(since.map_or(0, |since| since.as_secs()))
}

impl Drop for Server {
    fn drop(&mut self) {
        self.gate.enter(Phase::Stopped);
        for thread in self.udp_threads.drain(..).chain(self.stream_threads.drain(..)) {
            // Between a look at the flag and the wait for queries an interrupt has no effect.
            while !thread.is_finished() {
                sys::interrupt(&thread);
                thread::park_timeout(STOP_PAUSE);
            }
            // A thread that panicked has said so on its own; the others are still waited for.
            let _ = thread.join();
        }
    }
}
