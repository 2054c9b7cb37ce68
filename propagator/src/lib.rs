//! Objects of the federation become copies in its members.
//!
//! - [`member`], [`settings`], [`status`]: what goes in and what comes out
//! - [`kinds`]: what is propagated; [`key`]: which object; [`object`]: what is kept of one
//! - [`table`]: the objects of one API server, as lists and watches tell them; [`slices`]: whether its
//!   Services have anybody to send to
//! - [`desired`], [`compare`], [`decide`]: what shall be where, and what is to be done for it; pure
//! - [`adoption`]: what the object of copies would be that have none; pure
//! - [`queue`]: writes that wait for one API server; [`repairs`]: fights with others about a copy; pure
//! - `watch`, `write_member`, `write_federation`, `debts`, `pods`, `events`: the calls
//! - `engine`: one task that owns all of this
//!
//! ```text
//!  federation --watch--> [ Table ] --.                     .--> [ Queue ] --> federation: finalizers, status
//!                                     >-- decide(one key) --<
//!  member ----watch----> [ Table ] --'                     '--> [ Queue ] --> member, each on its own
//!                            ^------------- what a write returned ------------------'
//! ```
//!
//! Nothing here probes a cluster or knows of DNS. Without the feature `federation` the crate is empty.

#![cfg(feature = "federation")]

pub mod member;
pub mod settings;
pub mod status;
pub mod kinds;
pub mod key;
pub mod object;
pub mod table;
pub mod slices;
pub mod desired;
pub mod compare;
pub mod decide;
pub mod adoption;
pub mod queue;
pub mod repairs;
mod endpoint;
mod watch;
mod write_member;
mod write_federation;
mod pods;
mod debts;
mod events;
mod engine;
mod handle;

pub use handle::{Handle, start};
pub use member::{Member, Members, Standing};
pub use settings::Settings;
pub use status::Status;
