//! A change of one name at a provider, as a value.

use std::fmt;

use model::{Level, Name, RecordSet, RecordType};

/// Everything that is to be done at one name, its markers included: it lands as a whole or not at all
/// where the provider can do so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub name: Name,
    pub level: Level,
    pub kind: ChangeKind,
    /// In an order that is safe one by one: new markers, data, old markers.
    pub sets: Vec<SetChange>,
}

/// What a change does to the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChangeKind {
    /// The name has nothing of ours yet.
    Create,
    /// Its addresses or its alias change; it has data before and after.
    Update,
    /// The same addresses or alias; the config asks for another TTL or another marker.
    Rewrite,
    /// A marker that what follows needs: of the writer, or of many names.
    Register,
    /// Markers of ours whose data is gone.
    Tidy,
    /// It will have nothing of ours any more.
    Delete,
}

/// One record set before and after; one side may be missing, not both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetChange {
    pub name: Name,
    pub record_type: RecordType,
    pub role: Role,
    pub before: Option<RecordSet>,
    pub after: Option<RecordSet>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Data,
    Marker,
}

/// What may be done at a provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    #[default]
    Sync,
    /// Nothing is deleted. Another type at a name is an update.
    UpsertOnly,
    /// What stands is never touched.
    CreateOnly,
}

// === impl Change ===

impl Change {
    /// The guard counts it: the name vanishes, or is written again only because the config changed.
    pub fn is_guarded(&self) -> bool {
        matches!(self.kind, ChangeKind::Delete | ChangeKind::Rewrite)
    }

    /// What keeps names answering comes before what is new, and that before what goes. What others
    /// point at comes first, and goes last.
    pub fn order(&self) -> (u8, u8, &Name) {
        let level = self.level as u8;
        match self.kind {
            ChangeKind::Update => (0, level, &self.name),
            ChangeKind::Register => (1, level, &self.name),
            ChangeKind::Create | ChangeKind::Rewrite => (2, level, &self.name),
            ChangeKind::Delete | ChangeKind::Tidy => (3, u8::MAX - level, &self.name),
        }
    }
}

// === impl Policy ===

impl Policy {
    pub fn allows(self, kind: ChangeKind) -> bool {
        match self {
            Self::Sync => true,
            Self::UpsertOnly => !matches!(kind, ChangeKind::Delete | ChangeKind::Tidy),
            Self::CreateOnly => matches!(kind, ChangeKind::Create | ChangeKind::Register),
        }
    }
}

// === impl ChangeKind ===

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Rewrite => "rewrite",
            Self::Register => "register",
            Self::Tidy => "tidy",
            Self::Delete => "delete",
        })
    }
}
