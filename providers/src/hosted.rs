//! Record sets as a provider holds them.

use model::{Name, RecordSet, RecordType};

/// A record set that stands at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostedSet {
    pub name: Name,
    pub record_type: RecordType,
    pub form: Form,
}

/// What a provider makes of a record set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// Records with a TTL, as any name server has them.
    Plain(RecordSet),
    /// Something of this provider's own, in its words: an alias, a routing policy, a paused or locked
    /// record, a line. It is never changed, and nothing is put beside it.
    Special(String),
}

// === impl HostedSet ===

impl HostedSet {
    pub fn plain(name: Name, set: RecordSet) -> Self {
        Self { name, record_type: set.record_type, form: Form::Plain(set) }
    }

    pub fn special(name: Name, record_type: RecordType, what: impl Into<String>) -> Self {
        Self { name, record_type, form: Form::Special(what.into()) }
    }

    /// Its records; `None` for what only this provider has.
    pub fn records(&self) -> Option<&RecordSet> {
        match &self.form {
            Form::Plain(set) => Some(set),
            Form::Special(_) => None,
        }
    }
}
