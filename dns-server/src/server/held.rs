//! The sockets of a server while another process gets them: held still, served on, or drained.

use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use crate::respond::Transport;
use crate::server::gate::Phase;
use crate::server::streams::Socket;
use crate::server::{Server, sys};

/// How long the threads of a server may take until all of them hold still: long for what they do with one
/// batch, and for telling clients of DoQ.
const HOLD_LIMIT: Duration = Duration::from_secs(5);
/// Between two looks at threads that drain.
const DRAIN_PAUSE: Duration = Duration::from_millis(10);

/// A socket that the server reads, for another process that is to read it later.
#[derive(Debug)]
pub struct ServedSocket {
    pub transport: Transport,
    /// With the port that was picked.
    pub address: SocketAddr,
    pub(crate) socket: OwnedFd,
}

/// A thread does not do what it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotHeld;

impl AsFd for ServedSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Socket {
    /// Another handle of it.
    pub fn handle(&self) -> std::io::Result<OwnedFd> {
        match self {
            Self::Tcp(listener) | Self::Dot(listener, _) | Self::Doh(listener, _) => {
                listener.as_fd().try_clone_to_owned()
            }
            Self::Doq(socket, _) => socket.as_fd().try_clone_to_owned(),
        }
    }
}

// === impl Server ===

impl Server {
    /// All sockets that the server reads, listening ones and those of datagrams.
    pub fn sockets(&self) -> &[ServedSocket] {
        &self.sockets
    }

    /// Takes no more queries and connections: what arrives from now on waits in the sockets, for whoever
    /// reads them next. When this returns, what was received is answered. Open connections are answered on,
    /// but those of DoQ end: their packets come to the same socket as those of new ones.
    ///
    /// # Errors
    ///
    /// A thread does not come to rest; all of them serve on.
    pub fn hold(&self) -> Result<(), NotHeld> {
        self.gate.enter(Phase::Holding);
        let remind = || self.udp_threads.iter().for_each(sys::interrupt);
        let count = self.udp_threads.len() + self.acceptors;
        if self.gate.is_noticed_by(count, HOLD_LIMIT, remind) {
            return Ok(());
        }
        self.serve_on();
        Err(NotHeld)
    }

    /// After [`Self::hold`], takes queries and connections again.
    pub fn serve_on(&self) {
        self.gate.enter(Phase::Serving);
    }

    /// After [`Self::hold`], for good: answers open connections until their clients are idle or gone, or
    /// `limit` is over. Says how many are open then.
    pub fn drain(&self, limit: Duration) -> usize {
        self.tcp_limits.drain();
        self.encrypted_limits.drain();
        self.gate.enter(Phase::Draining);
        let deadline = Instant::now() + limit;
        let is_over = || self.stream_threads.iter().all(thread::JoinHandle::is_finished);
        while !is_over() && Instant::now() < deadline {
            thread::park_timeout(DRAIN_PAUSE);
        }
        self.tcp_connections() + self.encrypted_connections()
    }

    /// Ends all threads, which closes all connections and ends [`Self::drain`], without waiting for it.
    pub fn close(&self) {
        self.gate.enter(Phase::Stopped);
    }
}

impl ServedSocket {
    pub(crate) fn new(transport: Transport, address: SocketAddr, socket: OwnedFd) -> Self {
        Self { transport, address, socket }
    }
}
