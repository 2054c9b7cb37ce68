//! What a check finds.

use std::fmt;

use model::{Name, Rdata, RecordType};

use super::issue::Issue;

/// An issue and the name it was found at; prints as one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub name: Name,
    /// The set that the issue is about, unless it is about the name or about what is missing.
    pub record_type: Option<RecordType>,
    /// The record of that set, where it is about a single one.
    pub rdata: Option<Rdata>,
    pub issue: Issue,
}

// === impl Finding ===

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, record_type, rdata: _, issue } = self;
        match record_type {
            Some(record_type) => write!(f, "{name} {record_type}: {issue}"),
            None => write!(f, "{name}: {issue}"),
        }
    }
}
