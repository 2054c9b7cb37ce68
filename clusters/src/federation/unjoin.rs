//! How a cluster leaves the federation.
//!
//! - [`local`]: the `Cluster` object and the Secret, which are ours to end at once
//! - [`remote`]: what stands in the member: removed in a few seconds, or listed; [`inventory`]: what that is
//!
//! ```text
//! federation: Cluster -> host: Secret, debts -> (fedns lets go, or is not waited for) -> member: leftovers
//! ```
//!
//! DNS loses the member's share with the first step. A member that is gone for good stops nothing.

pub mod local;
pub mod remote;
pub mod inventory;

/// What stays, and the command that removes it later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    pub what: String,
    pub why: String,
    /// For a shell; without it nothing need be done.
    pub command: Option<String>,
}
