//! The state of one mirror: what is wanted, what stands at the provider, what is held or set aside.
//! No I/O and no clock.

use std::collections::{BTreeMap, BTreeSet};

use model::{Level, Name, Rdata, RecordSet, RecordType, ServiceKey, UnixTime};

use super::change::{Change, ChangeKind, Policy};
use super::claim::{Claim, claim, claim_change, claim_name, old_owners};
use super::diff::{Compared, Conflict, Entry, Identity, Wanted, compare, ours_at};
use super::guard::{Guard, Guarded};
use super::hosted_zone::{HostedZone, StandingMarker};
use super::orphans::{Orphan, Why};
use super::plan::Plan;
use super::scope::Scope;
use super::shards::{Moves, changes as changes_of_shards};
use crate::hosted::HostedSet;
pub use adopt::{Adopted, Adoption, From, Left};

mod adopt;

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
    wanted: BTreeMap<Name, Vec<RecordSet>>,
    /// What the provider makes of what is wanted, where that is something else.
    adjusted: BTreeMap<Name, Vec<RecordSet>>,
    /// Names that are wanted, and of which the provider has not been asked what it makes of them.
    unadjusted: BTreeSet<Name>,
    /// What the zone has beside the names of our pattern: it matters where such a name was imported.
    outside: BTreeMap<Name, Vec<RecordSet>>,
    /// Names that may differ.
    dirty: BTreeSet<Name>,
    guard: Guard,
    /// As it was kept last.
    kept_guard: Guard,
    /// Names whose change the policy does not allow.
    not_allowed: BTreeSet<Name>,
    conflicts: BTreeMap<Name, Vec<Conflict>>,
    quarantine: BTreeMap<Name, Quarantined>,
    orphans: BTreeMap<Name, Why>,
    /// How often in a row each name was found changed by somebody else.
    drifts: BTreeMap<Name, u32>,
    /// While a cluster is unknown: what clusters have given in this run.
    given: Option<BTreeMap<Name, BTreeSet<Rdata>>>,
    /// Another writer's claim is replaced.
    takes_over: bool,
    /// Names that are being imported.
    adopted: BTreeSet<Name>,
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
            wanted: BTreeMap::new(),
            adjusted: BTreeMap::new(),
            unadjusted: BTreeSet::new(),
            outside: BTreeMap::new(),
            dirty: BTreeSet::new(),
            guard: Guard::default(),
            kept_guard: Guard::default(),
            not_allowed: BTreeSet::new(),
            conflicts: BTreeMap::new(),
            quarantine: BTreeMap::new(),
            orphans: BTreeMap::new(),
            drifts: BTreeMap::new(),
            given: clusters_unknown.then(BTreeMap::new),
            takes_over: false,
            adopted: BTreeSet::new(),
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
        let texts: Vec<String> =
            parts.map(|(count, what)| format!("{count} names {what}")).collect();
        (!texts.is_empty()).then(|| texts.join(", "))
    }

    pub fn settings(&self) -> &MirrorSettings {
        &self.settings
    }

    /// What the zone has at a name now; nothing where the name is gone.
    pub fn want(&mut self, name: &Name, sets: &[RecordSet]) {
        if let Some(given) = &mut self.given {
            let values = sets.iter().flat_map(RecordSet::values).cloned();
            given.entry(name.clone()).or_default().extend(values);
        }
        let scope = &self.settings.scope;
        let is_ours = scope.level(name).is_some();
        let (all, wanted) = match is_ours {
            true => (&mut self.wanted, scope.wanted(name, sets)),
            false => (&mut self.outside, scope.wanted_outside(sets)),
        };
        let is_gone = wanted.is_empty();
        let changed = match is_gone {
            true => all.remove(name).is_some(),
            false => all.insert(name.clone(), wanted.clone()) != Some(wanted),
        };
        if changed {
            self.adjusted.remove(name);
            match is_gone || !is_ours {
                true => self.unadjusted.remove(name),
                false => self.unadjusted.insert(name.clone()),
            };
            // What was refused may be right now.
            self.quarantine.remove(name);
            self.dirty.insert(name.clone());
        }
    }

    /// Sets of which the provider is to be asked what it makes of them: [`Mirror::adjusted`].
    pub fn unadjusted(&self) -> Vec<(Name, RecordSet)> {
        let wanted = |name: &Name| self.wanted.get(name).into_iter().flatten().cloned();
        let names = self.unadjusted.iter();
        names.flat_map(|name| wanted(name).map(|set| (name.clone(), set))).collect()
    }

    /// Takes in what the provider makes of all of [`Mirror::unadjusted`].
    pub fn adjusted(&mut self, sets: impl IntoIterator<Item = (Name, RecordSet)>) {
        let mut names: BTreeMap<Name, Vec<RecordSet>> = BTreeMap::new();
        for (name, set) in sets {
            names.entry(name).or_default().push(set);
        }
        for (name, sets) in names {
            let is_same = self.wanted.get(&name) == Some(&sets);
            let before = match is_same {
                true => self.adjusted.remove(&name),
                false => self.adjusted.insert(name.clone(), sets.clone()),
            };
            if before != (!is_same).then_some(sets) {
                self.dirty.insert(name);
            }
        }
        self.unadjusted.clear();
    }

    /// The provider may make something else of what is wanted than it did.
    pub fn forget_adjusted(&mut self) {
        self.unadjusted = self.wanted.keys().cloned().collect();
    }

    /// What is to stand at a name.
    fn target(&self, name: &Name) -> &[RecordSet] {
        let sets = self.adjusted.get(name).or_else(|| self.wanted.get(name));
        let sets = sets.or_else(|| self.outside.get(name));
        sets.map_or(&[], Vec::as_slice)
    }

    /// Every configured cluster has been listed, or has saved shards: all that they give is known.
    pub fn clusters_known(&mut self) {
        if self.given.take().is_some() {
            self.all_dirty();
        }
    }

    /// Takes in a complete listing. Returns the names of ours that somebody else changed. One that is
    /// found changed time and again is set aside: the provider may keep something else than what is
    /// written, and writing it again leads nowhere.
    pub fn listed(&mut self, listing: Vec<HostedSet>, now: UnixTime) -> Vec<Name> {
        let new = HostedZone::new(&self.settings.identity.owner, listing);
        let drifted = match &self.hosted {
            None => Vec::new(),
            Some(old) => Self::drifted(old, &new),
        };
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

    /// What stands at the provider may be anything: it is to be listed again.
    pub fn forget_listing(&mut self) {
        self.hosted = None;
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

    /// What is to be done now. Nothing before the provider has been listed.
    pub fn plan(&mut self, now: UnixTime) -> Plan {
        self.move_markers();
        let Some(hosted) = &self.hosted else { return Plan::default() };
        let mut changes = Vec::new();
        let mut clean = Vec::new();
        let mut moves = Moves::default();
        let mut entries = BTreeMap::new();
        for name in &self.dirty {
            let Some(level) = self.level(hosted, name) else {
                clean.push(name.clone());
                continue;
            };
            if self.settings.scope.is_filtered(name) && !self.adopted.contains(name) {
                let is_ours = hosted.our_markers(name).next().is_some();
                match is_ours {
                    true => self.orphans.insert(name.clone(), Why::Filtered),
                    false => self.orphans.remove(name),
                };
                clean.push(name.clone());
                continue;
            }
            let compared = self.compare(hosted, name, level);
            let Compared { change, conflicts, entry, leaves } = compared;
            let is_entering = entry != Entry::None;
            match conflicts.is_empty() {
                true => self.conflicts.remove(name),
                false => self.conflicts.insert(name.clone(), conflicts),
            };
            let is_aside = self.quarantine.get(name).is_some_and(|it| now.0 < it.until.0);
            let allowed = change.clone().filter(|it| self.settings.policy.allows(it.kind));
            match change.is_some() && allowed.is_none() {
                true => self.not_allowed.insert(name.clone()),
                false => self.not_allowed.remove(name),
            };
            if is_entering {
                entries.insert(name.clone(), entry);
            }
            if !leaves.is_empty() && self.settings.policy.allows(ChangeKind::Tidy) {
                moves.leave.insert(name.clone(), leaves);
            }
            match allowed {
                _ if is_aside && (is_entering || change.is_some()) => {}
                None if is_entering && change.is_none() => {
                    moves.enter.insert(name.clone());
                }
                None if moves.leave.contains_key(name) => {}
                None => clean.push(name.clone()),
                Some(change) if waits_for_marker(hosted, &change) => {}
                Some(change) => changes.push(change),
            }
        }
        let owned = self.owned();
        let Guarded { go, held } = self.guard.part(changes, owned, now);
        for name in clean {
            self.dirty.remove(&name);
        }
        let conflicts = self.conflicts.values().flatten().cloned().collect();
        let entering = |it: &&Name| entries.contains_key(*it);
        moves.enter.extend(go.iter().map(|it| &it.name).filter(entering).cloned());
        let needs_entry = |it: &Change| entries.get(&it.name) == Some(&Entry::First);
        let changes = self.with_claim(self.with_shards(go, &moves, needs_entry));
        let orphan = |(name, why): (&Name, &Why)| Orphan { name: name.clone(), why: why.clone() };
        let orphans = self.orphans.iter().map(orphan).collect();
        Plan { changes, held, conflicts, orphans }
    }

    /// Why nothing may be written, as far as what stands at the provider tells.
    pub fn blocked(&self) -> Option<String> {
        let hosted = self.hosted.as_ref()?;
        let Identity { owner, .. } = &self.settings.identity;
        let is_outside = |name: &&Name| self.level(hosted, name).is_none();
        if let Some(name) = hosted.our_names().find(is_outside) {
            return Some(format!(
                "owner {owner:?} has a marker of {name}, which is no name of this federation: another tool \
                 uses this owner; choose another one, or remove that marker"
            ));
        }
        let (at, writer) = self.claim_at()?;
        match claim(hosted, &at, owner, writer) {
            Claim::Free | Claim::Ours => None,
            Claim::Taken(_) if self.takes_over => None,
            Claim::Taken(found) => Some(format!(
                "another process writes here for owner {owner:?} (TXT {at} holds {found:?}); stop it, or \
                 choose another owner; if it is gone for good, stop this server and take its place: fedns \
                 apply --take-over"
            )),
            Claim::Blocked(found) => Some(format!(
                "{found} stands at {at}, where this process would say that it writes for owner {owner:?}; \
                 remove it"
            )),
        }
    }

    /// From now on another writer's claim is in nobody's way: the next plan replaces it. Returns what
    /// it says.
    pub fn take_over(&mut self) -> Option<String> {
        self.takes_over = true;
        let (at, writer) = self.claim_at()?;
        match claim(self.hosted.as_ref()?, &at, &self.settings.identity.owner, writer) {
            Claim::Taken(found) => Some(found),
            Claim::Free | Claim::Ours | Claim::Blocked(_) => None,
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

    /// True for the change that takes or gives up the claim.
    pub fn is_claim(&self, change: &Change) -> bool {
        claim_name(&self.settings.scope, &self.settings.identity.owner).as_ref()
            == Some(&change.name)
    }

    fn claim_at(&self) -> Option<(Name, &str)> {
        let MirrorSettings { scope, identity, writer, .. } = &self.settings;
        Some((claim_name(scope, &identity.owner)?, writer.as_deref()?))
    }

    /// What keeps names answering goes first, unless it needs a place in a shard; then names enter, then
    /// comes all else.
    fn with_shards(
        &self,
        changes: Vec<Change>,
        moves: &Moves,
        needs_entry: impl Fn(&Change) -> bool,
    ) -> Vec<Change> {
        let (Some(hosted), Ok(origin)) = (&self.hosted, self.settings.scope.services()) else {
            return changes;
        };
        let owner = &self.settings.identity.owner;
        let of_shards = changes_of_shards(hosted, owner, &origin, moves);
        let is_first = |it: &Change| it.kind == ChangeKind::Update && !needs_entry(it);
        let (mut ordered, rest): (Vec<Change>, Vec<Change>) =
            changes.into_iter().partition(is_first);
        let is_entry = |it: &Change| it.kind == ChangeKind::Register;
        let (enter, leave): (Vec<Change>, Vec<Change>) = of_shards.into_iter().partition(is_entry);
        ordered.extend(enter.into_iter().chain(rest).chain(leave));
        ordered
    }

    /// The claim is taken before the first change, and given up with the last name.
    fn with_claim(&self, mut changes: Vec<Change>) -> Vec<Change> {
        let (Some(hosted), Some((at, writer))) = (&self.hosted, self.claim_at()) else {
            return changes;
        };
        let identity = &self.settings.identity;
        let stands = claim(hosted, &at, &identity.owner, writer);
        let is_taken = matches!(stands, Claim::Taken(_)) && self.takes_over;
        if is_taken || (stands == Claim::Free && !changes.is_empty()) {
            changes.insert(0, claim_change(hosted, &at, identity, writer, true));
        }
        let is_over = changes.is_empty() && hosted.owned() == 0 && self.wanted.is_empty();
        if stands == Claim::Ours && is_over && self.settings.policy == Policy::Sync {
            changes.push(claim_change(hosted, &at, identity, writer, false));
        }
        changes
    }

    /// Where an alias is wanted and a marker of ours stands, the marker goes elsewhere first: the name
    /// that it stands for is looked at as well.
    fn move_markers(&mut self) {
        let Some(hosted) = &self.hosted else { return };
        let wants_alias = |name: &&Name| {
            let mut wanted = self.wanted.get(*name).into_iter().flatten();
            wanted.any(|set| set.record_type == RecordType::CNAME)
        };
        let in_the_way = self.dirty.iter().filter(wants_alias).flat_map(|it| hosted.markers_at(it));
        let marked: Vec<Name> = in_the_way.collect();
        self.dirty.extend(marked);
    }

    fn compare(&self, hosted: &HostedZone, name: &Name, level: Level) -> Compared {
        let sets = self.target(name);
        let kept = self.keep_unknown(hosted, name, sets);
        let service = self.settings.scope.service(name);
        let is_imported = service.is_none();
        let resource = service.map(|key| resource_of(&key));
        let is_alias = |at: &Name| {
            let wanted = self.wanted.get(at).into_iter().flatten();
            wanted.into_iter().any(|set| set.record_type == RecordType::CNAME)
        };
        let sets = kept.as_deref().unwrap_or(sets);
        let resource = resource.as_deref();
        compare(
            hosted,
            &self.settings.identity,
            Wanted { name, level, sets, resource, is_imported, is_alias: &is_alias },
        )
    }

    /// While a cluster is unknown, what may be its own stays: sets with the values that nobody has
    /// given in this run. `None` where nothing is to be kept.
    fn keep_unknown(
        &self,
        hosted: &HostedZone,
        name: &Name,
        wanted: &[RecordSet],
    ) -> Option<Vec<RecordSet>> {
        let given = self.given.as_ref()?;
        let given = given.get(name);
        let is_unknown = |value: &&Rdata| !given.is_some_and(|given| given.contains(*value));
        let unknown: Vec<(&RecordSet, Vec<Rdata>)> = ours_at(hosted, name)
            .into_iter()
            .map(|set| (set, set.values().iter().filter(is_unknown).cloned().collect()))
            .filter(|(_, values): &(_, Vec<Rdata>)| !values.is_empty())
            .collect();
        if unknown.is_empty() {
            return None;
        }
        let has_unknown_alias = unknown.iter().any(|(set, _)| set.record_type == RecordType::CNAME);
        let has_addresses = wanted.iter().any(|set| set.record_type != RecordType::CNAME);
        if has_unknown_alias {
            // Addresses are better than an alias, and beside an alias there is nothing.
            return (!has_addresses)
                .then(|| unknown.iter().map(|(set, _)| (*set).clone()).collect());
        }
        let mut sets: Vec<RecordSet> =
            wanted.iter().filter(|set| set.record_type != RecordType::CNAME).cloned().collect();
        for (set, values) in unknown {
            let same = sets.iter().position(|it| it.record_type == set.record_type);
            let (ttl, known) = match same.map(|at| sets.remove(at)) {
                Some(known) => (known.ttl, known.values().to_vec()),
                None => (set.ttl, Vec::new()),
            };
            sets.extend(RecordSet::new(set.record_type, ttl, known.into_iter().chain(values)));
        }
        Some(sets)
    }

    /// How many names hold something of ours.
    pub fn owned(&self) -> usize {
        self.hosted.as_ref().map_or(0, HostedZone::owned)
    }

    /// Lets what is held go ahead, if this is its hash.
    pub fn approve(&mut self, hash: &str, now: UnixTime) {
        self.guard.approve(hash, now);
    }

    /// A change has landed.
    pub fn applied(&mut self, change: &Change, now: UnixTime) {
        let owned = self.owned();
        if change.is_guarded() {
            self.guard.spend(1, owned, now);
        }
        if let Some(hosted) = &mut self.hosted {
            for set in &change.sets {
                hosted.replace(&set.name, set.record_type, set.after.clone());
            }
        }
        self.quarantine.remove(&change.name);
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

fn waits_for_marker(hosted: &HostedZone, change: &Change) -> bool {
    let becomes_alias = change.sets.iter().any(|set| {
        set.name == change.name && set.after.is_some() && set.record_type == RecordType::CNAME
    });
    becomes_alias && hosted.markers_at(&change.name).next().is_some()
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

/// What markers name.
fn resource_of(service: &ServiceKey) -> String {
    format!("service/{service}")
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod registries;
