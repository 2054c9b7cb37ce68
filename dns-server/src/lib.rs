//! The zone store and the DNS protocol. It knows nothing of Kubernetes, clouds or configuration.
//!
//! - [`store`]: all zones in one table: one [`Writer`], many [`Reader`]s that never wait
//! - [`mod@respond`]: query bytes in, answer bytes out: the only place where an answer is decided
//! - [`server`]: sockets: UDP threads and TCP connections that carry bytes to `respond`

pub mod store;
pub mod respond;
pub mod server;
mod wire;

pub use respond::{Rcode, Reply, Request, Transport, answer, respond};
pub use server::{BindError, Server};
pub use store::{PublishError, Published, Reader, Snapshot, Store, Writer, ZoneView};

#[cfg(test)]
mod testing;
