use std::collections::{BTreeMap, BTreeSet};

use model::{Name, Rdata, RecordSet, RecordType};

use super::Mirror;
use crate::sync::diff::ours_at;
use crate::sync::hosted_zone::HostedZone;

impl Mirror {
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
            self.look_at_stand_ins(name);
        }
    }

    /// The latest change of the name is what somebody asked for, or is not.
    pub fn ask_for(&mut self, name: &Name, is_asked_for: bool) {
        match is_asked_for && self.dirty.contains(name) {
            true => self.asked_for.insert(name.clone()),
            false => self.asked_for.remove(name),
        };
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
                self.look_at_stand_ins(&name);
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
    pub(super) fn target(&self, name: &Name) -> &[RecordSet] {
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

    /// While a cluster is unknown, what may be its own stays: sets with the values that nobody has
    /// given in this run. `None` where nothing is to be kept.
    pub(super) fn keep_unknown(
        &self,
        hosted: &HostedZone,
        name: &Name,
        wanted: &[RecordSet],
    ) -> Option<Vec<RecordSet>> {
        let given = self.given.as_ref()?;
        let unknown = unknown_at(hosted, given, name);
        if unknown.is_empty() {
            return wanted.is_empty().then(|| self.led_up(hosted, given, name)).flatten();
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

    /// A name that nobody gives any more, below one that an unknown cluster may give: it leads there.
    fn led_up(&self, hosted: &HostedZone, given: &Given, name: &Name) -> Option<Vec<RecordSet>> {
        let ttl = ours_at(hosted, name).first()?.ttl;
        let scope = &self.settings.scope;
        let above = scope.above(name)?;
        let mut names = std::iter::successors(Some(above.clone()), |it| scope.above(it));
        let is_kept = names.any(|name| !unknown_at(hosted, given, &name).is_empty());
        let alias = RecordSet::single(RecordType::CNAME, ttl, Rdata::name(&above));
        (is_kept && scope.types.contains(&RecordType::CNAME)).then(|| vec![alias])
    }
}

/// Values that clusters gave in this run, name by name.
type Given = BTreeMap<Name, BTreeSet<Rdata>>;

/// Our sets at a name with those of their values that nobody gave.
fn unknown_at<'a>(
    hosted: &'a HostedZone,
    given: &Given,
    name: &Name,
) -> Vec<(&'a RecordSet, Vec<Rdata>)> {
    let given = given.get(name);
    let is_unknown = |value: &&Rdata| !given.is_some_and(|given| given.contains(*value));
    ours_at(hosted, name)
        .into_iter()
        .map(|set| (set, set.values().iter().filter(is_unknown).cloned().collect()))
        .filter(|(_, values): &(_, Vec<Rdata>)| !values.is_empty())
        .collect()
}
