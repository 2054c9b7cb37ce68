//! Amazon Route53, API version 2013-04-01.
//!
//! - [`client::Client`]: the vendor's client with our pace, and where its credentials come from
//! - [`zones`]: which hosted zone is meant: by its id, its name, or the longest one that holds ours
//! - [`zone::Route53Zone`]: a hosted zone as a [`crate::Provider`]
//! - [`error`]: every refusal in one line with its cause and remedy
//! - `sets`, `text`: record sets and names in Route53's words, and back
//! - `batch`: changes as one batch, and how many fit into it
//!
//! A batch lands as a whole or not at all. Each change deletes exactly what was listed and creates what
//! is wanted, so that a change by anybody else fails the batch and is never overwritten.

pub mod client;
pub mod zones;
pub mod zone;

pub mod error;

mod zone_id;

mod batch;
mod sets;
mod text;

pub use client::{Client, Options};
pub use zone::Route53Zone;
pub use zone_id::ZoneId;
pub use zones::HostedZone;
