//! The mirror: what a zone has, brought to a provider and kept there.
//!
//! ```text
//! list --> [ HostedZone ] --.
//!                            +--> diff --> guard --> Plan --> apply --> [ HostedZone ]
//! zone --> [ Scope ] -------'
//! ```
//!
//! - [`scope`]: which names are ours to manage, and what of the zone goes there
//! - [`filters`]: which Services go there; [`orphans`]: what stays there and is nobody's to keep
//! - [`registry`]: markers that say whose a record set is; [`shards`]: those of many names in one
//!   record, [`shard_names`] in its words
//! - [`hosted_zone`]: what stands at the provider
//! - [`diff`]: what is to be done at one name; [`change`] is that as a value
//! - [`adjust`]: what the provider makes of what is wanted, before that is compared
//! - [`guard`]: what may happen within an hour without being asked for
//! - [`plan`]: all of it as a value, with a hash
//! - [`claim`]: which process writes for an owner
//! - [`mirror`]: the state of one mirror between listings
//! - [`apply`]: changes brought to the provider, the refused ones left out
//! - [`progress`]: how far a long run has come
//! - [`wishes`]: what the zone wants, on its way here
//! - `call_watch`: what a call under way has to suffer
//! - [`engine`]: lists, plans, applies, waits; [`permission`] to write, and the [`status`] it shows

pub mod filters;
pub mod scope;
pub mod registry;
pub mod shard_names;
pub mod shards;
pub mod hosted_zone;
pub mod change;
pub mod diff;
pub mod guard;
pub mod orphans;
pub mod plan;
pub mod claim;
pub mod mirror;
pub mod adjust;
pub mod apply;
pub mod progress;
pub mod permission;
pub mod status;
pub mod wishes;
mod call_watch;
pub mod engine;
