//! From Kubernetes objects to what DNS needs of them.
//!
//! - [`object`]: the few fields of Services, EndpointSlices and Nodes that matter
//! - [`settings`], [`selector`]: which Services are published, and how
//! - [`topology`]: regions and availability zones from node labels; pure
//! - [`memory`]: what is to be remembered across a restart
//! - `index`: one cluster's objects, and what changes when one of them does; pure
//! - [`resolver`]: what load balancers' host names resolve to
//! - [`watch`]: one cluster being watched; begins with [`start`]
//!
//! ```text
//!  API server --.
//!               +--> [ engine: Index, freshness ] --> ClusterEvent
//!  folder ------'              ^
//!                              '-- [ Resolver ] <-- name servers
//! ```
//!
//! Nothing here knows how names are made of addresses, or of any other cluster.

mod address;
mod api_server;
mod clock;
mod engine;
mod entry;
mod freshness;
mod index;
pub mod manifests;
pub mod memory;
pub mod object;
mod reading;
pub mod resolver;
pub mod selector;
pub mod settings;
pub mod topology;
pub mod watch;

pub use memory::{Memory, Saved};
pub use resolver::{Resolver, ResolverSettings};
pub use selector::LabelSelector;
pub use settings::{Namespaces, PrivateAddresses, Publish, ServiceSettings};
pub use watch::{ClusterEvent, WatchHandle, start};
