use std::collections::BTreeMap;

use model::{Level, Name, RecordType, ServiceKey, UnixTime};

use super::Mirror;
use super::stand_in::StandIn;
use crate::sync::change::{Change, ChangeKind, Policy};
use crate::sync::claim::{Claim, claim, claim_change};
use crate::sync::diff::{Compared, Conflict, Entry, Wanted, compare};
use crate::sync::guard::Guarded;
use crate::sync::hosted_zone::HostedZone;
use crate::sync::orphans::{Orphan, Why};
use crate::sync::plan::Plan;
use crate::sync::shards::{Moves, changes as changes_of_shards};

impl Mirror {
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
            let (compared, is_blocked) = self.compare(hosted, name, level);
            match is_blocked {
                true => self.blocked_aliases.insert(name.clone()),
                false => self.blocked_aliases.remove(name),
            };
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
        let (asked_for, changes): (Vec<Change>, Vec<Change>) =
            changes.into_iter().partition(|change| self.asked_for.contains(&change.name));
        let Guarded { mut go, held } = self.guard.part(changes, owned, now);
        if !asked_for.is_empty() {
            go.extend(asked_for);
            go.sort_by(|one, other| one.order().cmp(&other.order()));
        }
        for name in clean {
            self.dirty.remove(&name);
            self.asked_for.remove(&name);
        }
        // What is kept for clusters that are not known depends on what stands there.
        self.unfinished = match self.given {
            Some(_) => self.dirty.clone(),
            None => entries.keys().chain(moves.leave.keys()).cloned().collect(),
        };
        let conflicts = self.conflicts.values().flatten().cloned().collect();
        let entering = |it: &&Name| entries.contains_key(*it);
        moves.enter.extend(go.iter().map(|it| &it.name).filter(entering).cloned());
        let needs_entry = |it: &Change| entries.get(&it.name) == Some(&Entry::First);
        let changes = self.with_claim(self.with_shards(go, &moves, needs_entry));
        let orphan = |(name, why): (&Name, &Why)| Orphan { name: name.clone(), why: why.clone() };
        let orphans = self.orphans.iter().map(orphan).collect();
        Plan { changes, held, conflicts, orphans }
    }

    /// What keeps names answering goes first, unless it needs a place in a shard; then names enter, then
    /// comes all else.
    pub(super) fn with_shards(
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
    pub(super) fn with_claim(&self, mut changes: Vec<Change>) -> Vec<Change> {
        if self.withdraws {
            return self.with_claim_withdrawn(changes);
        }
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
    pub(super) fn move_markers(&mut self) {
        let Some(hosted) = &self.hosted else { return };
        let wants_alias = |name: &&Name| {
            let mut wanted = self.wanted.get(*name).into_iter().flatten();
            wanted.any(|set| set.record_type == RecordType::CNAME)
        };
        let in_the_way = self.dirty.iter().filter(wants_alias).flat_map(|it| hosted.markers_at(it));
        let marked: Vec<Name> = in_the_way.collect();
        self.dirty.extend(marked);
    }

    /// True where an alias is wanted that cannot stand beside what others have there.
    fn compare(&self, hosted: &HostedZone, name: &Name, level: Level) -> (Compared, bool) {
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
        let us = &self.settings.identity;
        let wanted = Wanted { name, level, sets, resource, is_imported, is_alias: &is_alias };
        let compared = compare(hosted, us, wanted);
        let Some(StandIn { above, sets }) = self.stand_in(hosted, &wanted, &compared) else {
            return (compared, false);
        };
        let instead = compare(hosted, us, Wanted { sets: &sets, ..wanted });
        let above = (!sets.is_empty()).then_some(above);
        let conflicts = compared.conflicts.into_iter();
        let conflicts = conflicts.map(|it| Conflict { stand_in: above.clone(), ..it }).collect();
        (Compared { conflicts, ..instead }, true)
    }
}

fn waits_for_marker(hosted: &HostedZone, change: &Change) -> bool {
    let becomes_alias = change.sets.iter().any(|set| {
        set.name == change.name && set.after.is_some() && set.record_type == RecordType::CNAME
    });
    becomes_alias && hosted.markers_at(&change.name).next().is_some()
}

/// What markers name.
fn resource_of(service: &ServiceKey) -> String {
    format!("service/{service}")
}
