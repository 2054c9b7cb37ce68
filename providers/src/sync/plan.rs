//! A plan as a value: it can be shown, saved, hashed, approved, refused.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::change::{Change, SetChange};
use super::diff::Conflict;
use super::orphans::Orphan;

/// What is to be done at one provider, and what is not and why.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// In the order in which they are applied.
    pub changes: Vec<Change>,
    /// They wait for an approval.
    pub held: Vec<Change>,
    pub conflicts: Vec<Conflict>,
    pub orphans: Vec<Orphan>,
}

/// A change as it is shown and saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeRow {
    pub action: String,
    pub name: String,
    #[serde(rename = "type")]
    pub record_type: String,
    pub old: Option<SetRow>,
    pub new: Option<SetRow>,
}

/// A record set in texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetRow {
    pub ttl: u32,
    pub values: Vec<String>,
}

/// A hash of changes that does not depend on their order.
pub fn hash_of(changes: &[Change]) -> String {
    let mut lines: Vec<String> = changes.iter().flat_map(rows).map(|row| row.line()).collect();
    lines.sort_unstable();
    let digest = Sha256::digest(lines.concat());
    digest[..8].iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// One row for each record set that a change touches.
pub fn rows(change: &Change) -> impl Iterator<Item = ChangeRow> + '_ {
    change.sets.iter().map(ChangeRow::new)
}

// === impl Plan ===

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.held.is_empty()
    }
}

// === impl ChangeRow ===

impl ChangeRow {
    fn new(change: &SetChange) -> Self {
        let row =
            |set: &model::RecordSet| SetRow { ttl: set.ttl, values: set.value_texts().collect() };
        let action = match (&change.before, &change.after) {
            (None, _) => "create",
            (Some(_), Some(_)) => "update",
            (Some(_), None) => "delete",
        };
        Self {
            action: action.into(),
            name: change.name.to_string(),
            record_type: change.record_type.to_string(),
            old: change.before.as_ref().map(row),
            new: change.after.as_ref().map(row),
        }
    }

    fn line(&self) -> String {
        let set = |row: &Option<SetRow>| match row {
            Some(SetRow { ttl, values }) => format!("{ttl} {}", values.join(" ")),
            None => "-".into(),
        };
        let Self { name, record_type, old, new, .. } = self;
        format!("{name}\t{record_type}\t{}\t{}\n", set(old), set(new))
    }
}
