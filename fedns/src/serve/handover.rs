//! Hot restart: another process takes over what this one serves, and no query is lost.
//!
//! ```text
//! new: reads its config                old: answers
//!      Hello         ------------->
//!                    <-------------    Offer: its sockets and cookie secret
//!      binds what is new
//!      Prepared      ------------->
//!                                      ends mirrors, saves all, publishes nothing, leaves the Lease
//!                    <-------------    State: the lock of the state folder
//!      loads and publishes the zones
//!      Published     ------------->
//!                                      stops reading the sockets, where queries wait from now on
//!                    <-------------    Go
//!      reads the sockets
//!      Serving       ------------->
//!                                      ends the conversation, answers what is open, and ends
//! ```
//!
//! 1. Until `Serving` has come, anything that goes wrong, the end or the silence of the new process too, has the
//!    old one take everything up again.
//! 2. What the new process may have answered with is known by then: the old one goes on with higher serials.
//! 3. The lock is one open file that both have: no third process ever gets it. Before `Serving` the new process
//!    writes nothing in the folder; the old one notes its serials as used.
//! 4. If the old process dies after `State`, the new one has all that there is, and serves.
//! 5. Serials and histories go by way of the state folder, as between any two runs.
//! 6. The Lease stays this replica's, as both processes have one identity: it is not renewed until one of them
//!    goes on with it, so another replica writes only where that takes longer than the Lease lasts.

mod channel;
mod giving;
mod taking;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::SocketAddr;

use model::{Name, Serial};
use serde::{Deserialize, Serialize};

pub use giving::Handed;
pub use taking::{Predecessor, State, Taken};

/// What the new process says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum FromNew {
    Hello {
        version: String,
        /// So many seconds its zones may take until they are published.
        patience: u64,
    },
    Prepared,
    Published {
        serials: Vec<(Name, Serial)>,
    },
    Serving,
}

/// What the old process says. It has no `Debug`: there is a secret in it.
#[derive(Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum FromOld {
    Offer {
        version: String,
        /// One for each descriptor that comes with it, in their order.
        sockets: Vec<Offered>,
        /// Makes DNS cookies where no file has a secret.
        cookie_secret: [u8; 16],
        /// Where the service manager is told how the service stands.
        notify_socket: Option<OsString>,
    },
    /// The lock comes with it.
    State {
        /// The zones have been answered from it.
        is_published: bool,
    },
    Go,
    /// The old process goes on.
    Refused {
        why: String,
    },
}

impl FromOld {
    /// The step, for people.
    fn word(&self) -> &'static str {
        match self {
            Self::Offer { .. } => "what it offers",
            Self::State { .. } => "that its state is here",
            Self::Go => "to go on",
            Self::Refused { .. } => "that it hands nothing over",
        }
    }
}

/// A socket that is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Offered {
    role: Role,
    /// The address as the config has it, and with the port that was picked; none for the socket of orders.
    addresses: Option<(SocketAddr, SocketAddr)>,
}

/// What a socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Role {
    Udp,
    Tcp,
    Dot,
    Doh,
    Doq,
    Admin,
    /// `admin.sock`.
    Orders,
}

/// Why a hand-over does not go on.
#[derive(Debug)]
pub enum HandoverError {
    /// The other process closed the connection.
    Ended,
    /// It said nothing for so many seconds.
    Late(u64),
    Io(io::Error),
    /// It said something else than what comes next.
    Unexpected(String),
    /// This process cannot do its part.
    Failed(String),
}

impl From<io::Error> for HandoverError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset => Self::Ended,
            _ => Self::Io(error),
        }
    }
}

impl fmt::Display for HandoverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => write!(f, "it ended"),
            Self::Late(seconds) => write!(f, "it said nothing for {seconds} s"),
            Self::Io(error) => write!(f, "the connection to it failed: {error}"),
            Self::Unexpected(found) => write!(f, "it said {found}, which was not its turn"),
            Self::Failed(why) => write!(f, "{why}"),
        }
    }
}

impl std::error::Error for HandoverError {}
