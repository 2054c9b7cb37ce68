//! Kubeconfig files as their users keep them: read for one context, put together, and changed in
//! place without losing anything.
//!
//! - [`Entry`]: a context with its cluster and its user, renamed and freed of other files; pure
//! - [`LocalKubeconfig`]: the files that kubectl of this user reads, changed under kubectl's own lock
//! - `document`: one file's text, in which an entry is put or removed and all else stays; pure
//!
//! ```text
//! [ text ] -> parse -> [ Placed ] -> document: splice the text -> parse -> is it what was wanted?
//!                          '--> [ Node ] -> Entry
//! ```
//!
//! kube's own type for kubeconfigs is not used here. It keeps keys that it does not know, but neither
//! their order nor comments, and it adds keys that the file has not.

mod node;
mod error;
mod parse;
mod write;
mod document;
mod entry;
mod file;
mod local;

pub use entry::{Access, Credentials, Entry, Reference};
pub use error::{Fault, FileError, Malformed};
pub use local::{LocalKubeconfig, OnClash, Removed};

/// What came of an order that may have been carried out before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Changed,
    Unchanged,
}

/// The three lists of a kubeconfig.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    Clusters,
    Contexts,
    Users,
}

// === impl Change ===

impl Change {
    /// Changed if one of the two is.
    pub fn or(self, other: Self) -> Self {
        if self == Self::Changed { self } else { other }
    }
}

// === impl List ===

impl List {
    pub const ALL: [Self; 3] = [Self::Clusters, Self::Contexts, Self::Users];

    /// The key of the list in the file.
    pub fn key(self) -> &'static str {
        match self {
            Self::Clusters => "clusters",
            Self::Contexts => "contexts",
            Self::Users => "users",
        }
    }

    /// The key of an entry's content, beside its `name`; in a context, the key that refers to it.
    pub fn item_key(self) -> &'static str {
        match self {
            Self::Clusters => "cluster",
            Self::Contexts => "context",
            Self::Users => "user",
        }
    }
}
