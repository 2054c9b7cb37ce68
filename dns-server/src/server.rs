//! Sockets that carry queries to [`crate::respond()`] and its answers back.
//!
//! ```text
//! each worker, each address:  1 thread  | recvmmsg -> respond -> sendmmsg        (UDP)
//! each worker:                1 thread  | tokio: accept, read, respond, write    (TCP)
//! ```
//!
//! Every worker has its own sockets, which share their port (SO_REUSEPORT): the kernel deals the
//! clients out. A UDP thread waits in `recvmmsg` itself; with one socket to each thread there is
//! nothing to poll. No two threads write to the same counter. Signed queries and zone transfers leave
//! this way for `special`.

mod bind;
mod counters;
mod special;
mod sys;
mod shared_policy;
mod rate_limit;
mod udp;
mod tcp;
#[cfg(test)]
mod tests;

use std::array;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use model::UnixTime;
use tokio::sync::watch;

use crate::policy::Policy;
use crate::respond::Transport;
use crate::store::Reader;
use crate::transfer::Transfers;

use bind::Sockets;
use counters::Counters;
use shared_policy::SharedPolicy;
use special::Special;
use tcp::{TcpShared, TcpWorker};
use udp::{LimiterMaker, UdpWorker};

pub use bind::{BindError, BindProtocol, Inherited, Listeners};
pub use counters::{SIZE_BOUNDS, Traffic, TypeBucket, ZoneTraffic};
pub(crate) use sys::random_bytes;
#[cfg(test)]
pub(crate) use sys::unix_seconds;
pub use sys::{CPUS_MAX, usable_cpus};

/// Between two attempts to wake a thread that is to end.
const STOP_PAUSE: Duration = Duration::from_millis(1);

/// How a server uses the machine, and treats its clients at first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Threads for UDP at each address, and threads for TCP; at least one.
    pub workers: usize,
    /// Each thread stays on one of these CPUs, dealt out in turn; if there are none, the system moves
    /// them as it likes. Below [`CPUS_MAX`].
    pub cpus: Vec<usize>,
    /// So many TCP connections may be open at once; further ones are closed when they arrive.
    pub tcp_connections_max: usize,
    /// A TCP connection without a complete query, or with an answer that the client does not
    /// read, is closed after this time (RFC 7766 section 6.2.3).
    pub tcp_idle: Duration,
    pub policy: Policy,
}

/// Sockets and threads that answer from a store. Dropping it stops them.
pub struct Server {
    addresses: Vec<SocketAddr>,
    reader: Reader,
    transfers: Arc<Transfers>,
    counters: Vec<Arc<Counters>>,
    tcp: Arc<TcpShared>,
    policy: Arc<SharedPolicy>,
    cpus: Vec<usize>,
    udp_stop: Arc<AtomicBool>,
    tcp_stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

// === impl Options ===

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: 1,
            cpus: Vec::new(),
            tcp_connections_max: 1024,
            tcp_idle: Duration::from_secs(10),
            policy: Policy::PLAIN,
        }
    }
}

// === impl Server ===

impl Server {
    /// Listens on UDP and TCP at each address and answers from `reader`'s store. For port 0 the
    /// system picks one that both protocols have free.
    pub fn bind(listen: &[SocketAddr], workers: usize, reader: Reader) -> Result<Self, BindError> {
        let transfers = Arc::new(Transfers::new(system_time));
        Self::bind_with(listen, Options { workers, ..Options::default() }, reader, transfers)
    }

    /// [`Self::bind`] with all that can be chosen.
    pub fn bind_with(
        listen: &[SocketAddr],
        options: Options,
        reader: Reader,
        transfers: Arc<Transfers>,
    ) -> Result<Self, BindError> {
        let listeners = Listeners::bind(listen, options.workers, &mut Inherited::default())?;
        Self::start_on(listeners, options, reader, transfers)
    }

    /// Answers on sockets that are bound already.
    ///
    /// # Errors
    ///
    /// The first address for which there is no thread, or none on the CPU that it should have.
    pub fn start_on(
        listeners: Listeners,
        options: Options,
        reader: Reader,
        transfers: Arc<Transfers>,
    ) -> Result<Self, BindError> {
        sys::allow_interrupts();
        let workers = options.workers.max(1);
        let sockets = listeners.into_sockets();
        let (tcp_stop, tcp_stopped) = watch::channel(false);
        let mut server = Self {
            addresses: sockets.iter().map(|sockets| sockets.address).collect(),
            reader,
            transfers,
            counters: Vec::new(),
            tcp: Arc::new(TcpShared::new(&options)),
            policy: SharedPolicy::new(options.policy),
            cpus: options.cpus,
            udp_stop: Arc::default(),
            tcp_stop,
            threads: Vec::new(),
        };
        server.start(sockets, workers, &tcp_stopped)?;
        Ok(server)
    }

    /// Where the server listens, in the order that was asked for, with the ports that were picked.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
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

    /// How many TCP connections are open.
    pub fn tcp_connections(&self) -> usize {
        self.tcp.open()
    }

    /// Ends all threads and closes all sockets. What has been received is answered; TCP
    /// connections are closed.
    pub fn stop(self) {
        drop(self);
    }

    fn start(
        &mut self,
        sockets: Vec<Sockets>,
        workers: usize,
        stopped: &watch::Receiver<bool>,
    ) -> Result<(), BindError> {
        let mut listeners: Vec<Vec<_>> = (0..workers).map(|_| Vec::new()).collect();
        for Sockets { address, udp, tcp } in sockets {
            let sharers = udp.len();
            for (worker, socket) in udp.into_iter().enumerate() {
                self.start_udp(socket, address, sharers, worker)
                    .map_err(|source| BindError::new(address, BindProtocol::Udp, source))?;
            }
            for (worker, listener) in tcp.into_iter().enumerate() {
                let counters = self.counters_for(address, Transport::Tcp);
                listeners[worker % workers].push((address, listener, counters));
            }
        }
        for (worker, listeners) in listeners.into_iter().enumerate() {
            self.start_tcp(listeners, stopped.clone(), worker)?;
        }
        Ok(())
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
        let stop = Arc::clone(&self.udp_stop);
        let special = self.special();
        let worker = UdpWorker::new(socket, address, special, counters, policy, limits, stop)?;
        self.spawn("dns-udp", number, move || worker.run())
    }

    fn start_tcp(
        &mut self,
        listeners: Vec<(SocketAddr, std::net::TcpListener, Arc<Counters>)>,
        stopped: watch::Receiver<bool>,
        number: usize,
    ) -> Result<(), BindError> {
        let Some(&(address, ..)) = listeners.first() else { return Ok(()) };
        let special = self.special();
        let worker = TcpWorker::new(listeners, special, &self.tcp, self.policy.reader())
            .map_err(|source| BindError::new(address, BindProtocol::Tcp, source))?;
        self.spawn("dns-tcp", number, move || worker.run(stopped))
            .map_err(|source| BindError::new(address, BindProtocol::Tcp, source))
    }

    fn special(&self) -> Special {
        Special { reader: self.reader.clone(), transfers: Arc::clone(&self.transfers) }
    }

    fn counters_for(&mut self, address: SocketAddr, transport: Transport) -> Arc<Counters> {
        let counters = Arc::new(Counters::new(address, transport));
        self.counters.push(Arc::clone(&counters));
        counters
    }

    fn spawn(
        &mut self,
        name: &str,
        number: usize,
        run: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run)?;
        let cpu = self.cpus.get(number % self.cpus.len().max(1));
        let pinned = cpu.map_or(Ok(()), |cpu| sys::pin(&thread, *cpu));
        self.threads.push(thread);
        pinned
    }
}

/// The clock, read at the edge.
fn system_time() -> UnixTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    UnixTime(since.map_or(0, |since| since.as_secs()))
}

impl Drop for Server {
    fn drop(&mut self) {
        self.udp_stop.store(true, Ordering::Relaxed);
        self.tcp_stop.send_replace(true);
        for thread in self.threads.drain(..) {
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
