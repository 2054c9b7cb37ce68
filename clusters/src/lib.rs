//! Who is in the federation, how to reach it, and whether it can be reached.
//!
//! - [`definition`]: a cluster as the config or a `Cluster` object names it
//! - [`access`]: from a kubeconfig to a client, again and again as credentials change
//! - [`kubeconfig`]: kubeconfig files as their users keep them, put together and changed in place
//! - [`identity`]: which cluster answers: the UID of its kube-system namespace
//! - [`failure`]: why a request to an API server failed, in one line without secrets
//! - [`health`]: what a row of probes says of a cluster; pure
//! - [`probe`]: one probe
//! - [`federation`]: what a federation with an API of its own keeps in its objects
//! - [`lease`]: one among several, by a Lease in a cluster; [`boot_time`]: the clock for it
//! - [`holder_pod`]: the label of the one's pod
//!
//! ```text
//! [ Cluster ] -> [ access ] -> [ Connection ] -> [ probe ] -> [ Health ]
//!                    ^                              |
//!                    '--- credentials refused ------'
//! ```
//!
//! Nothing here knows of Services or of DNS.

pub mod definition;
pub mod access;
#[cfg(feature = "federation")]
pub mod kubeconfig;
mod fingerprint;
pub mod failure;
pub mod identity;
pub mod health;
pub mod probe;
pub mod boot_time;
pub mod lease;
pub mod holder_pod;
pub mod federation;

pub use access::{AccessError, Connection};
pub use definition::{Access, Cluster, KubeconfigAccess, MemberAccess, Source, TopologyOverride};
pub use failure::Failure;
pub use health::{Health, Standing};
