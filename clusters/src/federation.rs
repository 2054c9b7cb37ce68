//! The federation that has an API of its own: its members are objects there.
//!
//! - [`names`]: labels, annotations, finalizers and names that all parts share
//! - [`cluster_object`]: the `Cluster` object, and its definition for API servers
//! - [`member_secret`]: a member's credentials as they stand in the host cluster

pub mod names;
pub mod cluster_object;
pub mod member_secret;
