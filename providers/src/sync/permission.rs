//! Whether a mirror may write.

use std::fmt;
use std::sync::Arc;

/// Who may write is decided outside: by a lease, by a check before the first write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permission {
    Granted,
    /// For as long as this says so, asked before each call.
    While(StillHeld),
    /// Why not, in words for people.
    No(String),
    /// It never may again.
    Stopping,
}

/// Tells whether something that was granted for a time still is. Equal to its clones only.
#[derive(Clone)]
pub struct StillHeld(Arc<dyn Fn() -> bool + Send + Sync>);

// === impl Permission ===

impl Permission {
    pub fn is_granted(&self) -> bool {
        match self {
            Self::Granted => true,
            Self::While(still_held) => (still_held.0)(),
            Self::No(_) | Self::Stopping => false,
        }
    }

    /// Why nothing may be written.
    pub fn reason(&self) -> Option<String> {
        match self {
            _ if self.is_granted() => None,
            Self::Granted | Self::While(_) => Some("the lease has not been renewed in time".into()),
            Self::No(reason) => Some(reason.clone()),
            Self::Stopping => Some("the mirror is stopping".into()),
        }
    }
}

// === impl StillHeld ===

impl StillHeld {
    pub fn new(still_held: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(still_held))
    }
}

impl PartialEq for StillHeld {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for StillHeld {}

impl fmt::Debug for StillHeld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StillHeld")
    }
}
