//! Google Cloud DNS, API version 1.
//!
//! - [`client::Client`]: the vendor's client with our pace, for one project
//! - [`credentials`]: which account asks, and for which project: a file, the environment, the machine
//! - [`zones`]: which zone is meant: by its id, its name, or the longest one that holds ours
//! - [`zone::CloudDnsZone`]: a zone as a [`crate::Provider`]
//! - [`error`]: every refusal in one line with its cause and remedy
//! - `sets`, `batch`: record sets and changes in Cloud DNS's words, and back
//! - `quota`, `rights`, `server_time`: what the project allows, what the account may do, what time it is there
//!
//! A change lands as a whole or not at all. It deletes exactly what was listed and adds what is wanted, so
//! that a change by anybody else fails it and is never overwritten. The service takes a change first and
//! carries it out after that: the next one waits until it is done.

pub mod client;
pub mod credentials;
pub mod zones;
pub mod zone;

pub mod error;

mod zone_id;

mod batch;
mod options;
mod quota;
mod rights;
mod server_time;
mod sets;

pub use client::Client;
pub use options::Options;
pub use zone::CloudDnsZone;
pub use zone_id::ZoneId;
pub use zones::ManagedZone;
