//! The federation that has an API of its own: its members are objects there.
//!
//! - [`names`]: labels, annotations, finalizers and names that all parts share
//! - [`cluster_object`]: the `Cluster` object, and its definition for API servers
//! - [`member_secret`]: a member's credentials as they stand in the host cluster
//! - [`members`]: who is a member, from both of these, as they change
//! - [`join`], [`unjoin`]: how a cluster becomes a member, and how it leaves
//! - [`rotation`]: credentials of members, renewed before they grow old
//! - [`kinds`]: the kinds that are always propagated; [`enabled`]: those that `fedns enable` added;
//!   [`account`]: fedns's account in a member, for all of them
//! - [`discovery`]: which kinds an API server serves; [`roster`]: the members at one moment;
//!   [`orphans`]: copies without an object
//! - [`host`]: what the host cluster tells of its federation; [`tie`]: whether an API belongs to it
//! - [`corefile`]: the server block by which a member's CoreDNS asks fedns; [`coredns`]: where it stands
//! - [`steps`]: objects written one after another, told as they are
//! - [`table`]: the members as kubectl prints them
//!
//! Without the feature `federation` only the names are built.

pub mod names;
#[cfg(feature = "federation")]
pub mod cluster_object;
#[cfg(feature = "federation")]
pub mod member_secret;
#[cfg(feature = "federation")]
mod followed;
#[cfg(feature = "federation")]
pub mod listed;
#[cfg(feature = "federation")]
pub mod members;
#[cfg(feature = "federation")]
pub mod rotation;
#[cfg(feature = "federation")]
pub mod kinds;
#[cfg(feature = "federation")]
pub mod enabled;
#[cfg(feature = "federation")]
pub mod discovery;
#[cfg(feature = "federation")]
pub mod roster;
#[cfg(feature = "federation")]
pub mod orphans;
#[cfg(feature = "federation")]
pub mod account;
#[cfg(feature = "federation")]
pub mod steps;
#[cfg(feature = "federation")]
pub mod host;
#[cfg(feature = "federation")]
pub mod tie;
#[cfg(feature = "federation")]
pub mod table;
#[cfg(feature = "federation")]
pub mod join;
#[cfg(feature = "federation")]
pub mod unjoin;
#[cfg(feature = "federation")]
pub mod corefile;
#[cfg(feature = "federation")]
pub mod coredns;
