//! Alibaba Cloud DNS (AliDNS), OpenAPI version 2015-01-09.
//!
//! - [`client::Client`]: signed calls with pace, retries and a budget for them
//! - [`records`]: the records of a domain, listed whole, added, updated, deleted
//! - [`plan_limits`]: what the domain's plan allows
//! - [`zone::AliDnsZone`]: a domain as a [`crate::Provider`]: record sets there and back
//! - [`credentials`]: the key file, the environment, the role of an ECS instance
//! - [`config_file`]: the file with `[Global]` that names key and zones
//! - [`error`]: every refusal in one line with its cause and remedy
//! - [`signature`]: both signatures, pure
//!
//! ```text
//!  [ records, plan_limits ] -> [ client ] -> [ throttle ] -> [ signature ] -> https
//!                                 ^  |                           ^
//!                                 '--' retries        [ credentials ] -> file, environment, ECS
//! ```
//!
//! The words here are AliDNS's own: a host record (`rr`) is a name below the domain, `@` for the domain
//! itself; each address is a record of its own with an id; a line is the group of clients that it
//! answers. Nothing here knows who owns a record.

pub mod client;
pub mod records;
pub mod plan_limits;
pub mod zone;

pub mod credentials;
pub mod config_file;
pub mod error;
pub mod signature;

mod access_key;
mod answer;
pub mod domain;
mod nonce;
mod retry;

pub use client::{Client, Options, RetryPolicy, SignatureVersion};
pub use config_file::ConfigFile;
pub use credentials::{CredentialSource, Credentials};
pub use error::{Class, Error};
pub use plan_limits::{Delegation, Domain, Limit, PlanLimits};
pub use records::{LINE_DEFAULT, Record, RecordFields, RecordId};
pub use zone::AliDnsZone;
