//! Any name server that takes dynamic updates (RFC 2136): BIND, Knot DNS, PowerDNS and others.
//!
//! - [`zone::Rfc2136Zone`]: a zone as a [`crate::Provider`]
//! - [`client::Client`]: signed questions, updates and zone transfers over TCP
//! - [`update`]: from changes to one update message; prerequisites name what must still stand
//! - [`transfer`]: from the records of a zone transfer to sets
//! - [`key_file`]: the key in BIND's form
//! - [`tsig`]: signatures (RFC 8945), pure
//! - [`error`]: every failure in one line with its cause and remedy
//!
//! ```text
//!  [ zone ] -> [ update, transfer ] -> [ client ] -> [ tsig ] -> TCP
//!                                         ^
//!                                         '-- [ key_file ]
//! ```
//!
//! A message is carried out whole or not at all (RFC 2136 section 3.7), so a change here is a
//! transaction. Nothing here knows who owns a record.

pub mod zone;
pub mod client;

pub mod update;
pub mod transfer;
pub mod key_file;
pub mod tsig;
pub mod error;

mod server;

pub use client::{Client, Timeouts};
pub use error::Error;
pub use server::Server;
pub use tsig::TsigKey;
pub use zone::Rfc2136Zone;
