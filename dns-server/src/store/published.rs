//! What came of a publication.

use std::fmt;

use model::{Name, RecordType};

/// What a publication could not take in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    pub left_out: Vec<LeftOut>,
}

/// A set that is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    pub name: Name,
    pub record_type: RecordType,
    pub reason: LeftOutReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOutReason {
    /// The records take more bytes than the longest DNS message has.
    TooLarge { bytes: usize },
    /// The types of this name together take more memory than one name may.
    TooMuchAtOneName,
    /// The name is not at or below the zone's apex.
    OutOfZone,
}

// === impl LeftOutReason ===

impl fmt::Display for LeftOutReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes } => {
                write!(f, "its records take {bytes} bytes; a DNS message has 65535 at most")
            }
            Self::TooMuchAtOneName => f.write_str("the types of this name take too much memory"),
            Self::OutOfZone => f.write_str("outside the zone"),
        }
    }
}
