//! Credentials of members, renewed by fedns itself before they grow old.
//!
//! - [`held`]: which credential stands in the host, how old it is, and what is due; pure
//! - `claims`: what a token says of itself; pure
//! - [`renew`]: the calls to the member and to the host
//!
//! ```text
//! due --> member: new token --> tried at the member --> host: Secret
//!                                                          | readers take it up
//! settled --> member: the token Secret of before goes <----'
//! ```
//!
//! A token of a Secret has two names in the member that take turns. Whatever a crash leaves under the name that
//! is not in use is used or removed by the next round, so nothing need be remembered. What was used before is
//! removed only after a while: other replicas read the new one first.

mod claims;
pub mod held;
pub mod renew;

pub use held::{HeldCredential, Token};
pub use renew::{RenewError, Renewal};
