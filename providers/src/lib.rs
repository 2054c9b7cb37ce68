//! Cloud DNS: clients that list what stands at a provider and change it.
//!
//! - [`alidns`]: Alibaba Cloud DNS, with its two signatures
//! - [`throttle`]: how often a provider may be asked, and how long to wait after a failure
//! - [`clock`]: the time, so that tests can move it
//! - [`secret`]: text that is never shown
//!
//! Nothing here decides which records should stand; a client does what it is told and says what came
//! of it. Nothing here knows of Kubernetes or of the served zone.

pub mod alidns;

pub mod throttle;
pub mod clock;
pub mod secret;

#[cfg(test)]
mod testing;

pub use clock::{Clock, SystemClock};
pub use secret::Secret;
