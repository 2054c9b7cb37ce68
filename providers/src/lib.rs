//! The mirror: our zones at providers of DNS, and what stands there already.
//!
//! - [`provider`]: what every provider can do; [`hosted`]: record sets as it holds them
//! - [`sync`]: ownership, plans, guard; nothing in it knows a particular provider
//! - [`preflight`]: what must be true before the first write
//! - [`visibility`]: changes that the provider's own name servers do not show yet
//! - [`alidns`]: Alibaba Cloud DNS, with its two signatures
//! - [`rfc2136`]: any name server that takes dynamic updates
//! - [`webhook`]: any provider that has a webhook for ExternalDNS
//! - `clouddns`: Google Cloud DNS, by the vendor's client; a feature of that name
//! - `route53`: Amazon Route53, by the vendor's client; a feature of that name
//! - [`question`]: what any name server answers; [`dns_message`]: the wire form, written and read, pure
//! - [`throttle`]: how often a provider may be asked, and how long to wait after a failure
//! - [`clock`]: the time, so that tests can move it
//! - [`secret`]: text that is never shown
//! - [`txt`]: TXT data and its text
//!
//! Nothing here knows of Kubernetes or of how queries are answered.

pub mod hosted;
pub mod provider;
pub mod sync;
pub mod preflight;
pub mod visibility;

pub mod alidns;
pub mod rfc2136;
pub mod webhook;
#[cfg(feature = "clouddns")]
pub mod clouddns;
#[cfg(feature = "route53")]
pub mod route53;

pub mod question;
pub mod dns_message;

pub mod throttle;
pub mod clock;
pub mod secret;
pub mod txt;

mod http;

#[cfg(test)]
mod testing;

pub use clock::{Clock, SystemClock};
pub use provider::Provider;
pub use secret::Secret;
