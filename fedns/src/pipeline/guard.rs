//! What holds a reload: names that would vanish, or clusters of which nobody knows what they would
//! contribute.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use model::{ClusterName, Name, StaleReason};
use planner::Planner;

/// A reload may make this part of the served names vanish, in percent.
const VANISH_PERCENT_MAX: usize = 30;
/// With fewer names than this, any reload is carried out.
const VANISH_GUARD_FROM: usize = 10;

/// A reload that is carried out only when approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReloadHeld {
    pub cause: HeldCause,
    /// Of the cause: an approval is good for exactly this.
    pub hash: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeldCause {
    /// Too many of the served names would go, whether by settings, by members or by what is
    /// published of them.
    Vanishing { names: Arc<BTreeSet<Name>>, served: usize },
    /// These clusters have not shown yet what they contribute under the new settings; with each,
    /// why its view is stale, if that is known.
    NoView(Vec<(ClusterName, Option<StaleReason>)>),
}

/// What holds a reload that would turn one plan into the other, if anything.
pub fn vanishing_too_many(before: &Planner, after: &Planner) -> Option<ReloadHeld> {
    let mut vanishing = BTreeSet::new();
    let mut served = 0;
    for (index, settings) in before.zones().enumerate() {
        let there = after.zones().position(|zone| zone.zone == settings.zone);
        let kept = there.map(|zone| after.zone_contents(zone));
        for (name, _) in before.zone_names(index, &mut Vec::new()) {
            served += 1;
            if !kept.as_ref().is_some_and(|kept| kept.contains(&name)) {
                vanishing.insert(name);
            }
        }
    }
    let too_many = vanishing.len() * 100 > served * VANISH_PERCENT_MAX;
    (served >= VANISH_GUARD_FROM && too_many).then(|| {
        let hash = hash_of(&vanishing);
        ReloadHeld { cause: HeldCause::Vanishing { names: vanishing.into(), served }, hash }
    })
}

/// What holds a reload whose clusters have not all been seen.
pub fn no_view(
    clusters: Vec<(ClusterName, Option<StaleReason>)>,
    fingerprint: u64,
) -> Option<ReloadHeld> {
    let names: Vec<&ClusterName> = clusters.iter().map(|(name, _)| name).collect();
    let hash = hash_of(&(names, fingerprint));
    (!clusters.is_empty()).then_some(ReloadHeld { cause: HeldCause::NoView(clusters), hash })
}

fn hash_of(cause: &impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    cause.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

// === impl ReloadHeld ===

impl ReloadHeld {
    /// The names that would vanish, as far as they are known.
    pub fn vanishing(&self) -> impl Iterator<Item = &Name> {
        let names = match &self.cause {
            HeldCause::Vanishing { names, .. } => Some(names),
            HeldCause::NoView(_) => None,
        };
        names.into_iter().flat_map(|names| names.iter())
    }
}

impl Display for ReloadHeld {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let hash = &self.hash;
        match &self.cause {
            HeldCause::Vanishing { names, served } => {
                let vanishing = names.len();
                write!(f, "{vanishing} of {served} names would vanish (fedns plan lists them); ")?;
                write!(f, "if that is meant: fedns plan approve {hash}")
            }
            HeldCause::NoView(clusters) => {
                f.write_str("not seen yet under the new settings: ")?;
                for (index, (cluster, reason)) in clusters.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{cluster}")?;
                    if let Some(reason) = reason {
                        write!(f, " ({reason})")?;
                    }
                }
                write!(
                    f,
                    "; it goes ahead once they are, or at once with these clusters as before: fedns plan \
                     approve {hash}"
                )
            }
        }
    }
}
