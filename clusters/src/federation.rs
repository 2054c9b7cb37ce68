//! The federation that has an API of its own: its members are objects there.
//!
//! - [`names`]: labels, annotations, finalizers and names that all parts share
//! - [`cluster_object`]: the `Cluster` object, and its definition for API servers
//! - [`member_secret`]: a member's credentials as they stand in the host cluster
//! - [`members`]: who is a member, from both of these, as they change
//!
//! Without the feature `federation` only the names are built.

pub mod names;
#[cfg(feature = "federation")]
pub mod cluster_object;
#[cfg(feature = "federation")]
pub mod member_secret;
#[cfg(feature = "federation")]
pub mod members;
