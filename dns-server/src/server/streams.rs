//! Threads that serve connections: TCP on threads of their own, encrypted transports on others, so that
//! no handshake holds up an answer over TCP.
//!
//! ```text
//! listener -> accept -> stay -> tcp | dot -> tcp | doh | doq
//! ```
//!
//! Everything of one thread runs in turns on it, so its memory is shared without locks. It ends when it is
//! told to, or with its last connection where no more are taken.

pub(crate) mod limits;
pub(crate) mod stays;

use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, TcpListener as StdTcpListener, UdpSocket as StdUdpSocket};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use crate::policy::Policy;
use crate::respond::{Client, Request, Transport, answer};
use crate::server::counters::Counters;
use crate::server::gate::Gate;
use crate::server::shared_policy::PolicyReader;
use crate::server::special::{Asked, Outcome, Special};
use crate::server::tcp::Buffers;
use crate::server::{doh, doq, dot, sys, tcp};

use limits::ConnectionLimits;
use stays::{Stay, Stays};

/// After `accept` failed, which it does when descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// A query that comes alone, one of many on its connection: none that we understand is longer, and
/// more would let clients fill the memory with halves of them.
pub(crate) const LONE_QUERY_MAX: usize = 4096;

/// What connections come from, and how they are served.
pub(crate) enum Socket {
    Tcp(StdTcpListener),
    Dot(StdTcpListener, TlsAcceptor),
    Doh(StdTcpListener, TlsAcceptor),
    Doq(StdUdpSocket, Box<quinn::ServerConfig>),
}

pub(crate) struct StreamWorker {
    runtime: Runtime,
    listeners: Vec<(Listener, Arc<Counters>)>,
    special: Special,
    limits: Arc<ConnectionLimits>,
    gate: Arc<Gate>,
    policy: PolicyReader,
}

/// A socket that the runtime knows.
enum Listener {
    Tcp(TcpListener),
    Dot(TcpListener, TlsAcceptor),
    Doh(TcpListener, TlsAcceptor),
    Doq(StdUdpSocket, Box<quinn::ServerConfig>),
}

/// What all connections of one thread use.
pub(crate) struct Thread {
    pub special: Special,
    pub limits: Arc<ConnectionLimits>,
    pub stays: Rc<Stays>,
    pub gate: Arc<Gate>,
    pub buffers: RefCell<Buffers>,
    pub policy: RefCell<PolicyReader>,
    /// Dropped with the last task that uses this.
    _in_use: oneshot::Sender<Infallible>,
}

/// A connection that may be open.
pub(crate) struct Accepted {
    pub address: IpAddr,
    pub thread: Rc<Thread>,
    pub counters: Arc<Counters>,
    pub stay: Stay,
}

// === impl StreamWorker ===

impl StreamWorker {
    pub fn new(
        sockets: Vec<(Socket, Arc<Counters>)>,
        special: Special,
        limits: &Arc<ConnectionLimits>,
        gate: &Arc<Gate>,
        policy: PolicyReader,
    ) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let entered = runtime.enter();
        let listeners = sockets
            .into_iter()
            .map(|(socket, counters)| Ok((Listener::new(socket)?, counters)))
            .collect::<io::Result<Vec<_>>>()?;
        drop(entered);
        let (limits, gate) = (Arc::clone(limits), Arc::clone(gate));
        Ok(Self { runtime, listeners, special, limits, gate, policy })
    }

    /// Accepts while the gate is open, and answers until the end, or until no connection is left that
    /// could be answered. Connections that are open at the end are closed.
    pub fn run(self) {
        let Self { runtime, listeners, special, limits, gate, policy } = self;
        let buffers = RefCell::new(Buffers::new());
        let policy = RefCell::new(policy);
        let (in_use, unused) = oneshot::channel();
        let stopping = Arc::clone(&gate);
        let stays = Rc::default();
        let thread = Thread { special, limits, stays, gate, buffers, policy, _in_use: in_use };
        let thread = Rc::new(thread);
        let tasks = LocalSet::new();
        let mut farewells = Vec::new();
        for (listener, counters) in listeners {
            let thread = Rc::clone(&thread);
            match listener {
                Listener::Tcp(listener) => {
                    tasks.spawn_local(accept(listener, counters, thread, tcp::serve_accepted));
                }
                Listener::Dot(listener, tls) => {
                    let serve = move |stream, accepted| dot::serve(stream, accepted, tls.clone());
                    tasks.spawn_local(accept(listener, counters, thread, serve));
                }
                Listener::Doh(listener, tls) => {
                    let serve = move |stream, accepted| doh::serve(stream, accepted, tls.clone());
                    tasks.spawn_local(accept(listener, counters, thread, serve));
                }
                Listener::Doq(socket, config) => {
                    let accept = doq::accept(socket, config, counters, thread);
                    farewells.push(tasks.spawn_local(accept));
                }
            }
        }
        drop(thread);
        let end = async {
            stopping.stopped().await;
            for farewell in farewells {
                // However it ended, it has ended.
                let _ = farewell.await;
            }
        };
        tasks.block_on(&runtime, async {
            tokio::select! {
                () = end => {}
                _ = unused => {}
            }
        });
    }
}

impl Listener {
    /// Within a runtime.
    fn new(socket: Socket) -> io::Result<Self> {
        Ok(match socket {
            Socket::Tcp(listener) => Self::Tcp(TcpListener::from_std(listener)?),
            Socket::Dot(listener, tls) => Self::Dot(TcpListener::from_std(listener)?, tls),
            Socket::Doh(listener, tls) => Self::Doh(TcpListener::from_std(listener)?, tls),
            Socket::Doq(socket, config) => Self::Doq(socket, config),
        })
    }
}

// === impl Thread ===

impl Thread {
    /// None for a connection that is to be closed at once.
    pub fn admit(self: &Rc<Self>, address: IpAddr, counters: &Arc<Counters>) -> Option<Accepted> {
        let stay = self.stays.admit(&self.limits, address, counters)?;
        counters.connection();
        let (thread, counters) = (Rc::clone(self), Arc::clone(counters));
        Some(Accepted { address, thread, counters, stay })
    }

    pub fn client<'p>(
        &self,
        transport: Transport,
        address: IpAddr,
        policy: &'p Policy,
    ) -> Client<'p> {
        let keepalive = self.limits.keepalive().as_millis() / 100;
        let keepalive = u16::try_from(keepalive).unwrap_or(u16::MAX);
        Client { transport, address, now: sys::unix_seconds(), keepalive, policy }
    }

    /// Answers a message that came alone, over a transport that carries no transfers. None for what
    /// is no query, or not one that `is_permitted` there.
    pub fn answer(
        &self,
        packet: &[u8],
        (transport, address): (Transport, IpAddr),
        counters: &Counters,
        is_permitted: impl FnOnce(&Request) -> bool,
    ) -> Option<Vec<u8>> {
        let mut buffers = self.buffers.borrow_mut();
        let (request, out) = buffers.for_one();
        let mut policy = self.policy.borrow_mut();
        policy.refresh();
        let client = self.client(transport, address, policy.get());
        let snapshot = self.special.reader.snapshot();
        let reply = if !request.parse(packet, &snapshot) || !is_permitted(request) {
            None
        } else if request.is_special() {
            let asked = Asked { packet, request, client: &client };
            match self.special.answer(&snapshot, asked, out) {
                Outcome::Reply(reply) => reply,
                // It is not granted where it cannot be carried.
                Outcome::Transfer(_) => None,
            }
        } else {
            answer(&snapshot, packet, request, &client, out)
        };
        counters.count(packet.len(), reply.as_ref());
        reply.map(|reply| out[..reply.length].to_vec())
    }
}

async fn accept<F>(
    listener: TcpListener,
    counters: Arc<Counters>,
    thread: Rc<Thread>,
    serve: impl Fn(TcpStream, Accepted) -> F,
) where
    F: Future<Output = ()> + 'static,
{
    let mut doorkeeper = thread.gate.doorkeeper();
    while doorkeeper.opens().await {
        let accepted = tokio::select! {
            biased;
            () = doorkeeper.closes() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                if let Some(accepted) = thread.admit(peer.ip(), &counters) {
                    spawn_local(serve(stream, accepted));
                }
            }
            Err(_) => {
                counters.receive_error();
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
