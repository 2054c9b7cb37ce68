//! Names at a provider that were ours to keep and are not any more: told, and left as they are, for a
//! change of the config deletes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use model::Name;

/// A name that nobody keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    pub name: Name,
    pub why: Why,
}

/// Why nobody keeps it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The provider's filters leave its Service out.
    Filtered,
    /// Its marker names an owner that this process wrote for before.
    OldOwner(String),
}

/// One line for each reason.
pub fn lines(orphans: &[Orphan]) -> BTreeSet<String> {
    let mut counts: BTreeMap<&Why, usize> = BTreeMap::new();
    for orphan in orphans {
        *counts.entry(&orphan.why).or_default() += 1;
    }
    let line = |(why, count)| format!("{count} names are orphaned, fedns plan lists them: {why}");
    counts.into_iter().map(line).collect()
}

// === impl Why ===

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filtered => f.write_str(
                "filters leave its Service out, and it stays as it is; let it pass again, or delete it at \
                 the provider",
            ),
            Self::OldOwner(owner) => write!(
                f,
                "it is of owner {owner:?}, for whom this server wrote before, and nobody keeps it; take it \
                 over: fedns import --from-owner {owner}, or have that owner again"
            ),
        }
    }
}

impl fmt::Display for Orphan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: orphaned: {}", self.name, self.why)
    }
}
