//! What survives a restart: each cluster's last shards, each zone's serial and history.
//!
//! - [`lines`]: checksummed lines, the form of every state file
//! - [`cluster_file`]: one cluster's shards as a snapshot and the changes since
//! - [`zone_file`]: one zone's serial
//! - [`zone_pair`]: the two files that it stands in, and what to do when they are damaged
//! - [`history_file`]: what a zone's changes were
//! - [`writer_id`]: who writes at providers; [`guard_file`]: what a mirror's guard holds
//! - [`folder`]: the state folder: its lock, its files, what happens to damaged ones
//! - [`access`]: whether a state folder could be used, for a check
//! - [`writer`]: writes behind, in groups, on a thread of its own
//!
//! Answers never wait for any of this.

pub mod lines;
pub mod cluster_file;
pub mod zone_file;
pub mod zone_pair;
pub mod history_file;
pub mod folder;
pub mod access;
pub mod writer;
pub mod writer_id;
pub mod guard_file;

pub use cluster_file::Line;
pub use folder::{StateError, StateFolder};
pub use history_file::ZoneHistory;
pub use writer::{ClusterNote, Ownership, StateWriter};
pub use zone_file::{SavedZone, SerialReserve};
