//! Objects of the federation become copies in its members.
//!
//! - [`member`], [`settings`], [`status`]: what goes in and what comes out
//! - [`kinds`]: what is propagated; [`key`]: which object; [`object`]: what is kept of one
//! - [`table`]: the objects of one API server, as lists and watches tell them
//! - [`desired`], [`compare`], [`decide`]: what shall be where, and what is to be done for it; pure
//! - [`queue`]: writes that wait for one API server; pure
//! - `watch`, `write_member`, `write_federation`, `debts`, `events`: the calls
//! - `engine`: one task that owns all of this
//!
//! ```text
//!  federation --watch--> [ Table ] --.                     .--> [ Queue ] --> federation: finalizers, status
//!                                     >-- decide(one key) --<
//!  member ----watch----> [ Table ] --'                     '--> [ Queue ] --> member, each on its own
//!                            ^------------- what a write returned ------------------'
//! ```
//!
//! Nothing here probes a cluster or knows of DNS.

pub mod member;
pub mod settings;
pub mod status;
pub mod kinds;
pub mod key;
pub mod object;
pub mod table;
pub mod desired;
pub mod compare;
pub mod decide;
pub mod queue;
mod endpoint;
mod watch;
mod write_member;
mod write_federation;
mod debts;
mod events;
mod engine;
mod handle;

pub use handle::{Handle, start};
pub use member::{Member, Members, Standing};
pub use settings::Settings;
pub use status::Status;
