//! What every provider can do: list record sets, apply changes, tell its limits. Nothing else in the
//! mirror knows which provider it is.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::BoxFuture;
use model::{Name, RecordSet};

use crate::hosted::HostedSet;
use crate::sync::change::Change;

/// One zone at one provider.
pub trait Provider: Send + Sync {
    /// For people: the kind and the zone, like `alidns example.com.`.
    fn name(&self) -> String;

    /// The zone at the provider.
    fn zone(&self) -> &Name;

    /// What the provider will hold of sets that are wanted, in their order: one that takes no short TTL
    /// may lengthen it. By default they are held as they are. Asked anew before each listing.
    fn adjust<'a>(
        &'a self,
        wanted: &'a [(Name, RecordSet)],
    ) -> BoxFuture<'a, Result<Vec<RecordSet>, Failure>> {
        let same = wanted.iter().map(|(_, set)| set.clone()).collect();
        Box::pin(std::future::ready(Ok(same)))
    }

    /// Every record set of the zone: complete, or an error.
    fn list(&self) -> BoxFuture<'_, Result<Vec<HostedSet>, Failure>>;

    /// How many of these changes, from the first on, fit into one call of [`Provider::apply`]; at
    /// least one.
    fn fitting(&self, changes: &[Change]) -> usize;

    /// Applies changes, all or none where the provider can do so. Where it cannot, the order inside a
    /// change is kept, and a failure leaves the rest of it undone.
    fn apply<'a>(&'a self, changes: &'a [Change]) -> BoxFuture<'a, Result<(), Failure>>;

    /// What the zone's plan allows, as far as the provider tells.
    fn limits(&self) -> BoxFuture<'_, Result<Limits, Failure>>;

    /// Why a call that is under way has not succeeded yet, where it is tried again and again inside.
    fn trouble(&self) -> Option<String> {
        None
    }
}

/// What a provider allows. What it does not tell is told by nobody else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The plan's name, for people.
    pub plan: Option<String>,
    /// The shortest TTL, in seconds.
    pub ttl_min: Option<u32>,
    /// The longest, where it may be too short for somebody.
    pub ttl_max: Option<u32>,
    /// How many labels a name may have below the zone, less [`Limits::depth_used`].
    pub depth_max: Option<u32>,
    /// Labels that count besides those below the zone: those of a zone that is hosted below its
    /// registrable domain.
    pub depth_used: u32,
    /// Addresses of one name and type.
    pub addresses_max: Option<u32>,
    /// Records of the zone, and how many there are.
    pub records_max: Option<u64>,
    pub records: Option<u64>,
    /// These two count record sets, and not single records.
    pub counts_sets: bool,
    /// Only some networks see the zone, and no parent leads to it.
    pub is_private: bool,
    /// The servers that answer for the zone at this provider; empty where it does not tell.
    pub name_servers: BTreeSet<Name>,
    /// Those that the parent zone names, where the provider tells; empty where it names none.
    pub delegated: Option<BTreeSet<Name>>,
    /// How far the rights to read and write are proven, in a line.
    pub rights: Option<String>,
    /// Why something of this is not known; one line each.
    pub unknown: Vec<String>,
    /// How far this machine's clock is ahead of the provider's, in seconds.
    pub clock_ahead: Option<i64>,
    /// The plan has run out.
    pub is_expired: bool,
}

/// Why a call failed: one line with cause and remedy, the same for the same cause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}")]
pub struct Failure {
    pub kind: FailureKind,
    pub line: String,
}

/// What is to be done after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The provider is away or asks for fewer calls: the same again, not before this time.
    Later(Option<Duration>),
    /// Something else stands there than was listed: list again and plan anew.
    Moved,
    /// The provider refuses one of the changes: the others may land without it.
    Refused,
    /// Nothing can land until somebody changes a setting, a right or a plan.
    Fatal,
}

// === impl Failure ===

impl Failure {
    pub fn new(kind: FailureKind, line: impl Into<String>) -> Self {
        Self { kind, line: line.into() }
    }
}
