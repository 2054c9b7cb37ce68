//! All zones of the process in one table: one writer, any number of readers that never wait.
//!
//! - [`Writer`]: publishes zones and changes of them, each change as a whole
//! - [`Reader`]: hands out [`Snapshot`]s, on which all answers are computed
//! - [`ZoneView`]: one zone of a snapshot, for listings and transfers
//!
//! ```text
//! model types -> edit (the tree of names) -> table (versions, memory) -> node (bytes)
//! snapshot    ------------------------------^
//! ```

mod reader;
mod writer;
mod published;
pub(crate) mod history;
mod edit;
mod table;
pub(crate) mod node;
pub(crate) mod sets;
#[cfg(test)]
mod stress_tests;
#[cfg(test)]
mod tests;

pub use history::saved::{BadHistory, SavedHistory};
pub use history::{Histories, HistoryLimits};
pub use node::ZoneIndex;
pub use published::{LeftOut, LeftOutReason, Published};
pub use reader::{Reader, Snapshot, ZoneView};
pub use writer::{PublishError, Store, Writer};

pub(crate) use table::{Key, prefetch};
