//! Whether a mirror may write.

/// Who may write is decided outside: by a lease, by a check before the first write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permission {
    Granted,
    /// Why not, in words for people.
    No(String),
    /// It never may again.
    Stopping,
}

// === impl Permission ===

impl Permission {
    pub fn is_granted(&self) -> bool {
        *self == Self::Granted
    }
}
