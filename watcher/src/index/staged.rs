//! Tables that are being filled, and how they take the place of those that stand: in one step.

use std::collections::BTreeSet;
use std::net::IpAddr;

use model::{Health, Observed, ServiceKey, UnixTime};

use super::Index;
use super::observe;
use super::tables::Tables;
use crate::entry::Entry;
use crate::object::Kind;
use crate::reading::Reading;
use crate::topology::Locations;

#[derive(Debug, Default)]
pub(crate) struct Staged {
    pub(super) tables: Tables,
    pub(super) listed: BTreeSet<Kind>,
    /// Nothing of what stands says anything of the cluster that is being listed.
    pub(super) is_other_cluster: bool,
}

impl Index {
    /// Another cluster takes this one's place: until all of its kinds are complete, what is known
    /// now stands; then nothing of it does.
    pub(crate) fn begin_other_cluster(&mut self) {
        self.staged = Some(Staged { is_other_cluster: true, ..Staged::default() });
        self.nodes_unreadable = None;
    }

    /// All objects of a manifest folder that is read for the first time. With `is_partial` some
    /// files cannot be read and never could: what is only in the saved view may be theirs, and
    /// stays.
    pub(crate) fn open_folder(&mut self, readings: Vec<Reading>, is_partial: bool, now: UnixTime) {
        let saved = if is_partial { self.saved_keys() } else { Vec::new() };
        let mut staged = Staged::default();
        staged.listed.extend(Kind::ALL);
        for Reading { key, content } in readings {
            if let Some(content) = content {
                staged.tables.put(key, content);
            }
        }
        self.slices_tell_health = !self.slices_are_optional || staged.tables.has_slices();
        for key in &saved {
            staged.keep_saved(key, &self.tables, self.slices_tell_health);
        }
        self.commit(staged, now);
    }

    /// The whole folder has been looked at and its changes have been applied: only now does the
    /// first EndpointSlice make the others missed, and only now, with every file read, does what
    /// was saved end.
    pub(crate) fn settle_folder(&mut self, is_partial: bool, now: UnixTime) {
        if !is_partial {
            for key in self.saved_keys() {
                self.update(vec![key.clone()], now, |tables| tables.remove_entry(&key));
            }
        }
        let tell = !self.slices_are_optional || self.tables.has_slices();
        if tell != self.slices_tell_health {
            self.set_slices_tell_health(tell, now);
        }
    }

    /// Takes over the staged tables once every kind is complete.
    pub(super) fn commit_if_complete(&mut self, now: UnixTime) {
        let Some(staged) = &self.staged else { return };
        let is_listed = |kind| staged.listed.contains(&kind);
        let are_nodes_listed = is_listed(Kind::Node)
            || self.nodes_unreadable.is_some()
            || self.fixed_topology.is_some();
        let is_complete =
            are_nodes_listed && is_listed(Kind::Service) && is_listed(Kind::EndpointSlice);
        if let Some(staged) = self.staged.take_if(|_| is_complete) {
            self.commit(staged, now);
        }
    }

    pub(super) fn put_saved(&mut self, key: ServiceKey, observed: Observed) {
        let known = observed.clone();
        let entry = Entry::Saved(Box::new(observed));
        self.hosts.add(&key, &entry.hosts(), |host| saved_addresses(&known, host));
        self.tables.put_entry(key, entry);
    }

    fn commit(&mut self, staged: Staged, now: UnixTime) {
        let Staged { tables, listed, is_other_cluster } = staged;
        self.staged = None;
        let before = self.replace_tables(tables);
        self.holds.clear();
        if is_other_cluster {
            self.locations = Locations::default();
        } else {
            for (key, last) in before {
                self.hold(&key, last.shard(), now);
            }
        }
        if listed.contains(&Kind::Node) {
            self.update_locations(now);
        }
        self.view_changed = true;
    }

    /// Puts `tables` in place of those that stand; returns what the Services that stay were before.
    fn replace_tables(&mut self, tables: Tables) -> Vec<(ServiceKey, Observed)> {
        let observed =
            tables.rows.keys().filter_map(|key| Some((key.clone(), self.observed(key)?)));
        let before = observed.collect();
        let replaced = std::mem::replace(&mut self.tables, tables);
        for (key, row) in &self.tables.rows {
            let needed = row.entry.as_ref().map(Entry::hosts).unwrap_or_default();
            self.hosts.add(key, &needed, |_| Vec::new());
        }
        for (key, row) in &replaced.rows {
            let needed = row.entry.as_ref().map(Entry::hosts).unwrap_or_default();
            self.hosts.remove(key, &needed);
        }
        before
    }

    /// Services whose saved shard still stands.
    fn saved_keys(&self) -> Vec<ServiceKey> {
        let rows = self.tables.rows.iter();
        let saved = rows.filter(|(_, row)| match &row.entry {
            Some(Entry::Saved(observed)) => observed.shard().is_some(),
            _ => false,
        });
        saved.map(|(key, _)| key.clone()).collect()
    }

    fn set_slices_tell_health(&mut self, tell: bool, now: UnixTime) {
        let keys: Vec<ServiceKey> = self.tables.rows.keys().cloned().collect();
        let before: Vec<Option<Observed>> = keys.iter().map(|key| self.observed(key)).collect();
        self.slices_tell_health = tell;
        for (key, before) in keys.into_iter().zip(before) {
            self.settle(key, before, now);
        }
    }
}

// === impl Staged ===

impl Staged {
    /// Takes `key`'s saved entry over from `before` where what was read gives no shard, or one that
    /// lacks its slices.
    fn keep_saved(&mut self, key: &ServiceKey, before: &Tables, slices_tell_health: bool) {
        let is_read = self.tables.rows.get(key).is_some_and(|row| match &row.entry {
            Some(Entry::Candidate(candidate)) => {
                observe::health(candidate, row, slices_tell_health) != Health::NoEndpointSlice
            }
            Some(Entry::LeftOut(_)) => true,
            Some(Entry::Saved(_)) | None => false,
        });
        if let Some(saved) = before.entry(key).filter(|_| !is_read) {
            self.tables.put_entry(key.clone(), saved.clone());
        }
    }
}

fn saved_addresses(observed: &Observed, host: &str) -> Vec<IpAddr> {
    let hosts = observed.shard().map(|shard| shard.hosts()).unwrap_or_default();
    let known = hosts.iter().find(|resolved| &*resolved.host == host);
    known.map(|resolved| resolved.addresses.clone()).unwrap_or_default()
}
