//! The zone store and the DNS protocol. It knows nothing of Kubernetes, clouds or configuration.
//!
//! - [`store`]: all zones in one table: one [`Writer`], many [`Reader`]s that never wait
//! - [`policy`]: what the operator decides about clients
//! - [`mod@respond`]: query bytes in, answer bytes out: the only place where an answer is decided
//! - [`transfer`]: whole zones and their changes, a stream of messages beside the answers
//! - [`notify`]: secondaries are told of changes
//! - [`server`]: sockets: UDP threads and TCP connections that carry bytes to `respond`

pub mod store;
pub mod prefix;
pub mod policy;
pub mod respond;
mod tsig;
pub mod transfer;
pub mod notify;
pub mod server;
mod wire;

pub use policy::Policy;
pub use prefix::Prefix;
pub use respond::{Client, CookieSecrets, Rcode, Reply, Request, Transport, answer, respond};
pub use server::{BindError, Server};
pub use store::{
    BadHistory, Histories, HistoryLimits, PublishError, Published, Reader, SavedHistory, Snapshot,
    Store, Writer, ZoneView,
};
pub use tsig::{TsigAlgorithm, TsigKey};

#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(test)]
mod testing;
