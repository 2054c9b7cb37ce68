//! The state of one mirror: what is wanted, what stands at the provider, what is held or set aside.
//! No I/O and no clock.

use std::collections::{BTreeMap, BTreeSet};

use model::{Level, Name, Rdata, RecordSet, UnixTime};

use super::change::{Change, ChangeKind, Policy, Role};
use super::claim::old_owners;
use super::diff::{Conflict, Identity, ours_at};
use super::guard::Guard;
use super::hosted_zone::{HostedZone, StandingMarker};
use super::orphans::Why;
use super::plan::Plan;
use super::scope::Scope;
use crate::hosted::HostedSet;
pub use adopt::{Adopted, Adoption, FromWhom, Left};

/// Names that another tool wrote become ours.
mod adopt;

/// Which process writes, and what is in the way of every write.
mod claiming;

/// What is to be done now, in its order.
mod planning;

/// What stands where an alias cannot.
mod stand_in;

/// What is wanted, and what the provider makes of that.
mod wants;

/// A federation ends: nothing of it is wanted any more.
mod withdrawing;

/// How one mirror is to be kept.
#[derive(Clone, Debug)]
pub struct MirrorSettings {
    pub scope: Scope,
    pub identity: Identity,
    pub policy: Policy,
    /// This process, as the claim names it; `None` where something else makes sure that one writes.
    pub writer: Option<String>,
}

/// One zone's mirror at one provider.
#[derive(Clone, Debug)]
pub struct Mirror {
    settings: MirrorSettings,
    /// `None` until the provider has been listed.
    hosted: Option<HostedZone>,
    /// What stood there until somebody else was seen to have changed it.
    before: Option<HostedZone>,
    wanted: BTreeMap<Name, Vec<RecordSet>>,
    /// What the provider makes of what is wanted, where that is something else.
    adjusted: BTreeMap<Name, Vec<RecordSet>>,
    /// Names that are wanted, and of which the provider has not been asked what it makes of them.
    unadjusted: BTreeSet<Name>,
    /// What the zone has beside the names of our pattern: it matters where such a name was imported.
    outside: BTreeMap<Name, Vec<RecordSet>>,
    /// Names that may differ.
    dirty: BTreeSet<Name>,
    /// Those of them that need another look whatever the last plan changes there.
    unfinished: BTreeSet<Name>,
    /// Names whose change somebody asked for: the guard does not look at it.
    asked_for: BTreeSet<Name>,
    guard: Guard,
    /// As it was kept last.
    kept_guard: Guard,
    /// Names whose change the policy does not allow.
    not_allowed: BTreeSet<Name>,
    conflicts: BTreeMap<Name, Vec<Conflict>>,
    /// Names of ours whose alias cannot stand: what they lead to matters to them.
    blocked_aliases: BTreeSet<Name>,
    quarantine: BTreeMap<Name, Quarantined>,
    orphans: BTreeMap<Name, Why>,
    /// How often in a row each name was found changed by somebody else.
    drifts: BTreeMap<Name, u32>,
    /// While a cluster is unknown: what clusters have given in this run.
    given: Option<BTreeMap<Name, BTreeSet<Rdata>>>,
    /// A marker of ours of a name that is none of ours.
    stray_marker: Option<Name>,
    /// Another writer's claim is replaced.
    takes_over: bool,
    /// Names that are being imported.
    adopted: BTreeSet<Name>,
    /// Everything goes, the claim too.
    withdraws: bool,
}

/// A change that the provider refused, set aside so that the others land.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    pub reason: String,
    pub tries: u32,
    pub until: UnixTime,
}

/// The first wait after a refusal, doubled with each further one; seconds.
const QUARANTINE_FIRST: u64 = 60;
const QUARANTINE_MAX: u64 = 3600;
/// So often in a row a name is put back at once.
const DRIFTS_MAX: u32 = 3;

// === impl Mirror ===

impl Mirror {
    /// Begins without knowing the provider. While `clusters_unknown`, names and addresses found at
    /// the provider that no cluster has given in this run stay untouched.
    pub fn new(settings: MirrorSettings, clusters_unknown: bool) -> Self {
        Self {
            settings,
            hosted: None,
            before: None,
            wanted: BTreeMap::new(),
            adjusted: BTreeMap::new(),
            unadjusted: BTreeSet::new(),
            outside: BTreeMap::new(),
            dirty: BTreeSet::new(),
            unfinished: BTreeSet::new(),
            asked_for: BTreeSet::new(),
            guard: Guard::default(),
            kept_guard: Guard::default(),
            not_allowed: BTreeSet::new(),
            conflicts: BTreeMap::new(),
            blocked_aliases: BTreeSet::new(),
            quarantine: BTreeMap::new(),
            orphans: BTreeMap::new(),
            drifts: BTreeMap::new(),
            given: clusters_unknown.then(BTreeMap::new),
            stray_marker: None,
            takes_over: false,
            adopted: BTreeSet::new(),
            withdraws: false,
        }
    }

    /// What the guard counted and held before a restart.
    pub fn with_guard(self, guard: Guard) -> Self {
        Self { kept_guard: guard.clone(), guard, ..self }
    }

    /// Has what the guard counts and holds kept, if it has changed.
    pub fn keep_guard(&mut self, keep: &mut dyn FnMut(&Guard)) {
        if self.guard != self.kept_guard {
            keep(&self.guard);
            self.kept_guard = self.guard.clone();
        }
    }

    /// What the provider does not hold as it is wanted, in words; `None` where all is well.
    pub fn incomplete(&self, plan: &Plan) -> Option<String> {
        let parts = [
            (plan.held.len(), "held"),
            (self.quarantine.len(), "refused"),
            (self.conflicts.len(), "in conflict"),
            (self.not_allowed.len(), "not allowed by the policy"),
            (self.orphans.len(), "orphaned"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let mut texts: Vec<String> =
            parts.map(|(count, what)| format!("{} {what}", names(*count))).collect();
        if self.given.is_some() {
            // A cluster has neither been listed nor saved.
            texts.push(
                "ClusterUnknown: what a cluster that was not seen yet may have given stays".into(),
            );
        }
        (!texts.is_empty()).then(|| texts.join(", "))
    }

    pub fn settings(&self) -> &MirrorSettings {
        &self.settings
    }

    /// Takes in a complete listing. Returns the names of ours that somebody else changed. One that is
    /// found changed time and again is set aside: the provider may keep something else than what is
    /// written, and writing it again leads nowhere.
    pub fn listed(&mut self, listing: Vec<HostedSet>, now: UnixTime) -> Vec<Name> {
        let new = HostedZone::new(&self.settings.identity.owner, listing);
        let was_refused = self.hosted.is_none();
        let old = self.hosted.take().or(self.before.take());
        let mut drifted = old.map(|old| Self::drifted(&old, &new)).unwrap_or_default();
        if was_refused {
            // A change may have been carried out unheard, and refused when it was tried again.
            drifted.retain(|name| !self.is_as_wanted(&new, name));
        }
        self.drifts.retain(|name, _| drifted.contains(name));
        for name in &drifted {
            let drifts = self.drifts.entry(name.clone()).or_default();
            *drifts += 1;
            let tries = *drifts;
            if tries >= DRIFTS_MAX {
                let reason = not_converging(self.target(name), &new, name);
                let until = UnixTime(now.0 + QUARANTINE_MAX);
                self.quarantine.insert(name.clone(), Quarantined { reason, tries, until });
            }
        }
        self.orphans = self.of_old_owners(&new);
        self.hosted = Some(new);
        self.look_for_stray_marker();
        self.all_dirty();
        drifted
    }

    /// What this process wrote for another owner, before the config was changed.
    fn of_old_owners(&self, hosted: &HostedZone) -> BTreeMap<Name, Why> {
        let MirrorSettings { scope, identity, writer, .. } = &self.settings;
        let (Some(writer), Ok(origin)) = (writer, scope.services()) else { return BTreeMap::new() };
        let owners = old_owners(hosted, &origin, &identity.owner, writer);
        let orphan = |(name, markers): (&Name, &[StandingMarker])| {
            let mut owners = owners.iter();
            let is_of = |owner: &&String| markers.iter().any(|it| it.marker.owner == **owner);
            Some((name.clone(), Why::OldOwner(owners.find(is_of)?.clone())))
        };
        hosted.marked_names().filter_map(orphan).collect()
    }

    fn is_as_wanted(&self, hosted: &HostedZone, name: &Name) -> bool {
        let (there, wanted) = (ours_at(hosted, name), self.target(name));
        there.len() == wanted.len() && there.iter().all(|set| wanted.contains(set))
    }

    /// What stands at the provider may be anything, by our own doing too: it is to be listed again.
    pub fn forget_listing(&mut self) {
        self.hosted = None;
        self.before = None;
    }

    /// Somebody else has changed something: it is to be listed again, and what differs is theirs.
    pub fn look_again(&mut self) {
        self.before = self.hosted.take().or(self.before.take());
    }

    pub fn is_listed(&self) -> bool {
        self.hosted.is_some()
    }

    fn drifted(old: &HostedZone, new: &HostedZone) -> Vec<Name> {
        let names: BTreeSet<&Name> =
            old.marked_names().chain(new.marked_names()).map(|it| it.0).collect();
        let differs = |name: &&&Name| ours_at(old, name) != ours_at(new, name);
        names.iter().filter(differs).map(|name| (*name).clone()).collect()
    }

    fn all_dirty(&mut self) {
        self.dirty.extend(self.wanted.keys().cloned());
        if let Some(hosted) = &self.hosted {
            self.dirty.extend(hosted.marked_names().map(|(name, _)| name.clone()));
        }
    }

    /// The next plan is about no name at all.
    pub fn leave_names(&mut self) {
        self.dirty.clear();
    }

    /// The level of a name that is ours to manage: one of the pattern, or one that was imported.
    fn level(&self, hosted: &HostedZone, name: &Name) -> Option<Level> {
        let is_imported = || hosted.our_markers(name).any(|it| it.marker.is_imported);
        let level = self.settings.scope.level(name);
        level.or_else(|| (self.adopted.contains(name) || is_imported()).then_some(Level::Global))
    }

    /// How many names hold something of ours.
    pub fn owned(&self) -> usize {
        self.hosted.as_ref().map_or(0, HostedZone::owned)
    }

    /// Lets what is held go ahead, if this is its hash.
    pub fn approve(&mut self, hash: &str, now: UnixTime) {
        self.guard.approve(hash, now);
    }

    /// A change of the last plan has landed.
    pub fn applied(&mut self, change: &Change, now: UnixTime) {
        let owned = self.owned();
        if change.is_guarded() && !self.asked_for.contains(&change.name) {
            self.guard.spend(1, owned, now);
        }
        if let Some(hosted) = &mut self.hosted {
            for set in &change.sets {
                hosted.replace(&set.name, set.record_type, set.after.clone());
            }
        }
        self.quarantine.remove(&change.name);
        // Where markers move, or data goes, more may be left to do.
        let is_data_alone = change.sets.iter().all(|set| set.role == Role::Data);
        let is_whole = change.kind == ChangeKind::Update && is_data_alone;
        if is_whole && !self.unfinished.contains(&change.name) {
            self.dirty.remove(&change.name);
            self.asked_for.remove(&change.name);
        }
    }

    /// The provider refused a change: it is set aside for a while, and longer each time.
    pub fn refused(&mut self, change: &Change, reason: String, now: UnixTime) {
        let tries = self.quarantine.get(&change.name).map_or(0, |it| it.tries) + 1;
        let wait = (QUARANTINE_FIRST << tries.min(6).saturating_sub(1)).min(QUARANTINE_MAX);
        let until = UnixTime(now.0 + wait);
        self.quarantine.insert(change.name.clone(), Quarantined { reason, tries, until });
    }

    /// Names whose change the policy does not allow.
    pub fn not_allowed(&self) -> &BTreeSet<Name> {
        &self.not_allowed
    }

    /// Names that are set aside, with the reasons.
    pub fn quarantined(&self) -> impl Iterator<Item = (&Name, &Quarantined)> {
        self.quarantine.iter()
    }

    /// When the next name that was set aside may be tried again.
    pub fn next_retry(&self) -> Option<UnixTime> {
        self.quarantine.values().map(|it| it.until).min_by_key(|until| until.0)
    }

    /// True where a plan may have something to do.
    pub fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }
}

/// `1 name`, `2 names`
fn names(count: usize) -> String {
    format!("{count} name{}", if count == 1 { "" } else { "s" })
}

fn not_converging(wanted: &[RecordSet], hosted: &HostedZone, name: &Name) -> String {
    let text = |set: &RecordSet| {
        let values: Vec<String> = set.value_texts().collect();
        format!("{} {} {}", set.ttl, set.record_type, values.join(" "))
    };
    let wanted: Vec<String> = wanted.iter().map(text).collect();
    let found: Vec<String> = ours_at(hosted, name).into_iter().map(text).collect();
    format!(
        "the provider holds something else each time it is looked at: written {}, found {}; somebody \
         changes it, or the provider does not keep what is written",
        wanted.join(", "),
        found.join(", ")
    )
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod stand_ins;
#[cfg(test)]
mod registries;
#[cfg(test)]
mod unknown_clusters;
