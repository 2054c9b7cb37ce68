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

pub mod settings;
pub mod selector;
pub mod object;
mod address;
mod entry;
pub mod topology;
mod reading;
pub mod memory;
mod index;
mod freshness;
pub mod resolver;
mod clock;
mod event;
mod engine;
mod start;
mod api_server;
pub mod manifests;
pub mod watch;

pub use event::{ClusterEvent, Listener, NobodyListens};
pub use memory::{Memory, Saved};
pub use resolver::{Resolver, ResolverSettings};
pub use selector::LabelSelector;
pub use settings::{Namespaces, PrivateAddresses, Publish, ServiceSettings};
pub use watch::{Problems, WatchHandle, start};
