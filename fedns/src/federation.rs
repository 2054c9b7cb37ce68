//! A federation with an API of its own: its members are `Cluster` objects there, and its objects go to
//! all of them.
//!
//! - [`running`]: the federation while serving: who is a member, and who leaves
//! - [`member_status`]: what is told of each member in its `Cluster` object
//! - `rotation`: the members' credentials, renewed before they grow old
//! - `certificates`: those of its control plane, renewed before they end
//! - `setup`: what `init` gave its API, given again where that has lost it
//! - [`page`]: what is told of it over the API
//! - [`membership`]: from what was found to clusters that are watched; pure
//! - `copies`: the saved state in ConfigMaps of the host cluster
//!
//! ```text
//! [ Cluster objects, Secrets ] --> [ membership ] --> a reload: watchers, pipeline
//!                                        ^                         |
//! [ Cluster status ] <-- [ member_status ] <------ freshness ------'
//! ```
//!
//! A build without the feature `federation` refuses the key `controlPlane`, so there is never one.

pub mod membership;
pub mod page;
#[cfg(feature = "federation")]
mod certificates;
#[cfg(feature = "federation")]
mod copies;
#[cfg(feature = "federation")]
mod member_status;
#[cfg(feature = "federation")]
mod rotation;
#[cfg(feature = "federation")]
mod running;
#[cfg(feature = "federation")]
mod setup;
#[cfg(not(feature = "federation"))]
#[path = "federation/absent.rs"]
mod running;

pub use membership::Membership;
pub use running::Federation;
