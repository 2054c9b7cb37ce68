//! The webhook protocol of ExternalDNS, version 1, as its client: any provider that has a webhook for
//! ExternalDNS takes our records as well.
//!
//! - [`client::Client`]: the four calls, with their limits in bytes and time
//! - [`endpoint`]: record sets in the protocol's words, and back; [`domain_filter`]: what is served
//! - [`zone::WebhookZone`]: the names of one zone as a [`crate::Provider`]
//! - [`error`]: every failure in one line with its cause and remedy
//! - `changes`: what one call is to do; `batches`: how much it may be
//!
//! The protocol knows neither zones nor limits, and has no transactions: a provider carries out a call
//! in an order of its own, may fail in the middle, and may pass over what it does not like. So before
//! each call the records are listed and compared with what is to be changed, and where it is not sure
//! that everything landed, they are listed afterwards, too.

pub mod client;
pub mod domain_filter;
pub mod endpoint;
pub mod error;
pub mod url;
pub mod zone;

mod batches;
mod changes;
mod listing;

pub use client::{Client, Options};
pub use url::WebhookUrl;
pub use zone::WebhookZone;
