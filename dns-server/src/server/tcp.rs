//! DNS over TCP (RFC 7766): all queries that have arrived are answered in one write.
//!
//! An idle connection holds no buffer: bytes are read into the thread's own, and only what is left
//! of a half message, or of an answer that the client does not take yet, is kept apart.
//!
//! A transfer runs on a thread of its own, which is at most a few messages ahead of what the client
//! takes; other queries of the same connection wait for its end.

mod connection;
mod sending;

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener as StdTcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, timeout_at};

use crate::policy::Policy;
use crate::respond::{Client, Transport};
use crate::server::Options;
use crate::server::counters::Counters;
use crate::server::shared_policy::PolicyReader;
use crate::server::special::Special;
use crate::server::sys;

use connection::{Buffers, Connection, Turn};

/// After `accept` failed, which it does when descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The patience with idle connections when most of the permitted ones are open.
const CROWDED_IDLE: Duration = Duration::from_secs(1);

/// What the TCP threads of a server have in common.
pub(crate) struct TcpShared {
    open: AtomicUsize,
    connections_max: usize,
    idle: Duration,
}

pub(crate) struct TcpWorker {
    runtime: Runtime,
    listeners: Vec<(TcpListener, Arc<Counters>)>,
    special: Special,
    shared: Arc<TcpShared>,
    policy: PolicyReader,
}

/// One of the connections that may be open.
struct Permit(Arc<TcpShared>);

/// What all connections of one thread use.
struct Thread {
    special: Special,
    shared: Arc<TcpShared>,
    buffers: RefCell<Buffers>,
    policy: RefCell<PolicyReader>,
}

// === impl TcpShared ===

impl TcpShared {
    pub fn new(options: &Options) -> Self {
        let Options { tcp_connections_max, tcp_idle, .. } = *options;
        Self { open: AtomicUsize::new(0), connections_max: tcp_connections_max, idle: tcp_idle }
    }

    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    fn permit(self: &Arc<Self>) -> Option<Permit> {
        let permit = Permit(Arc::clone(self));
        (self.open.fetch_add(1, Ordering::Relaxed) < self.connections_max).then_some(permit)
    }

    fn idle(&self) -> Duration {
        let crowded = self.open() > self.connections_max / 4 * 3;
        if crowded { self.idle.min(CROWDED_IDLE) } else { self.idle }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

// === impl TcpWorker ===

impl TcpWorker {
    pub fn new(
        listeners: Vec<(SocketAddr, StdTcpListener, Arc<Counters>)>,
        special: Special,
        shared: &Arc<TcpShared>,
        policy: PolicyReader,
    ) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let entered = runtime.enter();
        let listeners = listeners
            .into_iter()
            .map(|(_, listener, counters)| Ok((TcpListener::from_std(listener)?, counters)))
            .collect::<io::Result<Vec<_>>>()?;
        drop(entered);
        Ok(Self { runtime, listeners, special, shared: Arc::clone(shared), policy })
    }

    /// Accepts and answers until told to stop; connections that are open then are closed.
    pub fn run(self, mut stopped: watch::Receiver<bool>) {
        let Self { runtime, listeners, special, shared, policy } = self;
        let buffers = RefCell::new(Buffers::new());
        let policy = RefCell::new(policy);
        let thread = Rc::new(Thread { special, shared, buffers, policy });
        let tasks = LocalSet::new();
        for (listener, counters) in listeners {
            tasks.spawn_local(accept(listener, counters, Rc::clone(&thread)));
        }
        // A server that is gone wants this thread to end, too.
        let end = async { stopped.wait_for(|stopped| *stopped).await.is_ok() };
        tasks.block_on(&runtime, end);
    }
}

// === impl Thread ===

impl Thread {
    fn client<'p>(&self, address: IpAddr, policy: &'p Policy) -> Client<'p> {
        let idle = self.shared.idle().as_millis() / 100;
        let keepalive = u16::try_from(idle).unwrap_or(u16::MAX);
        Client { transport: Transport::Tcp, address, now: sys::unix_seconds(), keepalive, policy }
    }
}

async fn accept(listener: TcpListener, counters: Arc<Counters>, thread: Rc<Thread>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => match thread.shared.permit() {
                Some(permit) => {
                    counters.connection();
                    let (thread, counters) = (Rc::clone(&thread), Arc::clone(&counters));
                    tokio::task::spawn_local(serve(stream, peer.ip(), permit, thread, counters));
                }
                None => counters.connection_refused(),
            },
            Err(_) => {
                counters.receive_error();
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Ends with the client's end of the connection, its first error, or its lack of interest.
async fn serve(
    stream: TcpStream,
    address: IpAddr,
    permit: Permit,
    thread: Rc<Thread>,
    counters: Arc<Counters>,
) {
    // Answers are written whole, so there is nothing to collect; without it they may be late.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut connection = Connection::new(stream);
    let mut deadline = Instant::now() + thread.shared.idle();
    loop {
        let turn = poll_fn(|context| {
            let buffers = &mut *thread.buffers.borrow_mut();
            thread.policy.borrow_mut().refresh();
            let policy = thread.policy.borrow();
            let client = thread.client(address, policy.get());
            connection.poll_turn(context, buffers, &thread.special, &client, &counters)
        });
        match timeout_at(deadline, turn).await {
            // Bytes alone do not count: who sends them one by one gets no more time for it.
            Ok(Ok(Turn::Answered)) => deadline = Instant::now() + thread.shared.idle(),
            Ok(Ok(Turn::Read)) => {}
            Ok(Ok(Turn::Transfer(transfer))) => {
                let reader = thread.special.reader.clone();
                let idle = thread.shared.idle;
                if sending::send(*transfer, reader, &mut connection, idle, &counters).await.is_err()
                {
                    break;
                }
                deadline = Instant::now() + thread.shared.idle();
            }
            Ok(Ok(Turn::Closed) | Err(_)) | Err(_) => break,
        }
    }
    drop(permit);
}
