//! One cluster's objects, and what changes for the DNS when one of them changes.
//!
//! A plain value: readings of objects go in by `apply`, `delete` and `replace`, the clock is an
//! argument, and what to tell the federation comes out of [`Index::take_change`]. What leaves the
//! answers as they are is not told.
//!
//! ```text
//!  lists, one per kind --> [ staged tables ] -- all complete --> [ tables ] --> changes
//!  events ------------------------'------------- afterwards ---------^
//!  saved view ------------------------------------------------------'
//! ```
//!
//! While tables are being staged, those before them stand: after a start the saved view, and while
//! another cluster takes this one's place, the last view of the one before.

mod tables;
mod hosts;
mod observe;
mod hold;
mod staged;
mod missing;

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{ClusterView, Observed, ServiceKey, Topology, UnixTime};

use crate::entry::Entry;
use crate::memory::Saved;
use crate::object::{Kind, ObjectKey};
use crate::reading::{Content, Reading, Slice};
use crate::resolver::Resolution;
use crate::settings::ServiceSettings;
use crate::topology::{Locations, NodePlace, RememberedLocation};

pub(crate) use hosts::HostRequest;
pub(crate) use missing::Missing;

use hold::Holds;
use hosts::Hosts;
use observe::Surroundings;
use staged::Staged;
use tables::Tables;

#[derive(Debug)]
pub(crate) struct Index {
    settings: Arc<ServiceSettings>,
    /// What the cluster's entry says of its place; nodes are then not looked at.
    fixed_topology: Option<Topology>,
    /// True for manifest folders: without any EndpointSlice they say nothing of health.
    slices_are_optional: bool,
    slices_tell_health: bool,
    tables: Tables,
    staged: Option<Staged>,
    locations: Locations,
    /// Why nodes cannot be listed.
    nodes_unreadable: Option<String>,
    hosts: Hosts,
    holds: Holds,
    told_topology: Topology,
    /// True if the topology may differ from what was told.
    topology_touched: bool,
    changed_services: BTreeSet<ServiceKey>,
    view_changed: bool,
}

/// What an index is made with.
#[derive(Clone, Debug, Default)]
pub(crate) struct IndexOptions {
    pub(crate) settings: Arc<ServiceSettings>,
    pub(crate) fixed_topology: Option<Topology>,
    pub(crate) slices_are_optional: bool,
}

/// Something to tell the federation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    View(ClusterView),
    Topology(Topology),
    Service(ServiceKey, Option<Observed>),
}

// === impl Index ===

impl Index {
    /// Begins with what is known from before; the first complete lists replace it.
    pub(crate) fn new(options: IndexOptions, saved: Saved) -> Self {
        let IndexOptions { settings, fixed_topology, slices_are_optional } = options;
        let Saved { memory, view } = saved;
        let mut index = Self {
            settings,
            fixed_topology,
            slices_are_optional,
            slices_tell_health: true,
            tables: Tables::default(),
            staged: Some(Staged::default()),
            locations: Locations::remembered(&memory.locations),
            nodes_unreadable: None,
            hosts: Hosts::default(),
            holds: Holds::default(),
            told_topology: view.topology,
            topology_touched: false,
            changed_services: BTreeSet::new(),
            view_changed: false,
        };
        for (key, observed) in view.services {
            index.put_saved(key, observed);
        }
        index
    }

    /// An object appeared or changed.
    pub(crate) fn apply(&mut self, reading: Reading, now: UnixTime) {
        let Reading { key, content } = reading;
        let Some(content) = content else { return self.delete(&key, now) };
        match (&mut self.staged, content) {
            (Some(staged), content) => staged.tables.put(key, content),
            (None, Content::Service(entry)) => self.apply_entry(key.into_service_key(), entry, now),
            (None, Content::EndpointSlice(slice)) => self.apply_slice(&key, slice, now),
            (None, Content::Node(place)) => self.apply_node(key.name, place, now),
        }
    }

    /// An object was deleted.
    pub(crate) fn delete(&mut self, key: &ObjectKey, now: UnixTime) {
        if let Some(staged) = &mut self.staged {
            return staged.tables.remove(key);
        }
        let services = match key.kind {
            Kind::Service => vec![key.clone().into_service_key()],
            Kind::EndpointSlice => self.tables.services_of_slice(key, None),
            Kind::Node => Vec::new(),
        };
        self.update(services, now, |tables| tables.remove(key));
        if key.kind == Kind::Node {
            self.update_locations(now);
        }
    }

    /// A complete list: what it lacks is gone.
    pub(crate) fn replace(&mut self, kind: Kind, readings: Vec<Reading>, now: UnixTime) {
        if kind == Kind::Node {
            self.nodes_unreadable = None;
            self.topology_touched = true;
        }
        let absent = match &mut self.staged {
            Some(staged) => {
                staged.listed.insert(kind);
                Vec::new()
            }
            None => missing::absent(&self.tables, kind, &readings),
        };
        // First what is new: where one slice takes another's place, a Service stays ready.
        for reading in readings {
            self.apply(reading, now);
        }
        for key in absent {
            self.delete(&key, now);
        }
        if kind == Kind::Node && self.staged.is_none() {
            self.update_locations(now);
        }
        self.commit_if_complete(now);
    }

    /// The nodes may not be read: they count as listed, and what they gave before stands.
    pub(crate) fn set_nodes_unreadable(&mut self, reason: String, now: UnixTime) {
        self.nodes_unreadable = Some(reason);
        self.topology_touched = true;
        self.commit_if_complete(now);
    }

    /// A host name's answers changed.
    pub(crate) fn resolve(&mut self, host: &str, resolution: Resolution, now: UnixTime) {
        let users = self.hosts.users(host);
        let before: Vec<Option<Observed>> = users.iter().map(|key| self.observed(key)).collect();
        self.hosts.set(host, resolution);
        for (key, before) in users.into_iter().zip(before) {
            self.settle(key, before, now);
        }
    }

    /// Ends what must end by `now`: holds, and locations without nodes.
    pub(crate) fn expire(&mut self, now: UnixTime) {
        self.end_holds(now);
        if self.are_nodes_known() && self.locations.expire(now) {
            self.topology_touched = true;
        }
    }

    /// When [`Index::expire`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<UnixTime> {
        let location = self.locations.next_deadline().filter(|_| self.are_nodes_known());
        self.holds.first_end().into_iter().chain(location).min()
    }

    pub(crate) fn observed(&self, key: &ServiceKey) -> Option<Observed> {
        observe::observe(self.tables.rows.get(key)?, self.surroundings())
    }

    pub(crate) fn topology(&self) -> Topology {
        if let Some(topology) = &self.fixed_topology {
            return topology.clone();
        }
        let mut topology = self.locations.topology(&self.tables.nodes);
        if let Some(reason) = &self.nodes_unreadable {
            topology.notes.insert(format!("the nodes cannot be listed: {reason}"));
        }
        topology
    }

    pub(crate) fn view(&self) -> ClusterView {
        let services = self.tables.rows.iter().filter_map(|(key, row)| {
            Some((key.clone(), observe::observe(row, self.surroundings())?))
        });
        ClusterView { topology: self.topology(), services: services.collect() }
    }

    pub(crate) fn locations(&self) -> Vec<RememberedLocation> {
        self.locations.remember()
    }

    /// True while a host name's first look-up has not ended.
    pub(crate) fn awaits_hosts(&self) -> bool {
        self.hosts.are_awaited()
    }

    pub(crate) fn take_host_requests(&mut self) -> Vec<HostRequest> {
        self.hosts.take_requests()
    }

    pub(crate) fn has_changes(&self) -> bool {
        self.view_changed || self.topology_touched || !self.changed_services.is_empty()
    }

    /// True while the next thing to tell is a whole view.
    pub(crate) fn has_view(&self) -> bool {
        self.view_changed
    }

    /// The next thing to tell: a view before all else, then the topology, then Service by Service.
    pub(crate) fn take_change(&mut self) -> Option<Change> {
        if self.view_changed {
            self.view_changed = false;
            self.topology_touched = false;
            self.changed_services.clear();
            let view = self.view();
            self.told_topology = view.topology.clone();
            return Some(Change::View(view));
        }
        if std::mem::take(&mut self.topology_touched) && self.staged.is_none() {
            let topology = self.topology();
            if topology != self.told_topology {
                self.told_topology = topology.clone();
                return Some(Change::Topology(topology));
            }
        }
        let key = self.changed_services.pop_first()?;
        let observed = self.observed(&key);
        Some(Change::Service(key, observed))
    }

    fn surroundings(&self) -> Surroundings<'_> {
        Surroundings {
            hosts: &self.hosts,
            settings: &self.settings,
            slices_tell_health: self.slices_tell_health,
        }
    }

    /// Nodes that are not known cannot be known to be gone.
    fn are_nodes_known(&self) -> bool {
        self.nodes_unreadable.is_none() && self.staged.is_none()
    }

    fn apply_entry(&mut self, key: ServiceKey, entry: Entry, now: UnixTime) {
        self.update(vec![key.clone()], now, |tables| {
            let mut entry = entry;
            if let Some(candidate) = entry.candidate_mut() {
                candidate.held = tables.candidate_mut(&key).and_then(|known| known.held.take());
            }
            tables.put_entry(key, entry);
        });
    }

    fn apply_slice(&mut self, key: &ObjectKey, slice: Slice, now: UnixTime) {
        let services = self.tables.services_of_slice(key, Some(&slice));
        self.update(services, now, |tables| tables.put_slice(key, slice));
    }

    fn apply_node(&mut self, name: Box<str>, place: NodePlace, now: UnixTime) {
        if self.tables.nodes.put(name, place) {
            self.update_locations(now);
        }
    }

    fn update_locations(&mut self, now: UnixTime) {
        self.locations.update(&self.tables.nodes, now);
        self.topology_touched = true;
    }

    /// Changes the rows of `keys` and notes which of them now look different.
    fn update(&mut self, keys: Vec<ServiceKey>, now: UnixTime, change: impl FnOnce(&mut Tables)) {
        let before: Vec<_> =
            keys.iter().map(|key| (self.observed(key), self.hosts_of(key))).collect();
        change(&mut self.tables);
        for (key, (observed, hosts)) in keys.into_iter().zip(before) {
            let needed = self.hosts_of(&key);
            if needed != hosts {
                // First what is new: a host that stays must not be forgotten in between.
                self.hosts.add(&key, &needed, |_| Vec::new());
                self.hosts.remove(&key, &hosts);
            }
            self.settle(key, observed, now);
        }
    }

    fn hosts_of(&self, key: &ServiceKey) -> Vec<Arc<str>> {
        self.tables.entry(key).map(Entry::hosts).unwrap_or_default()
    }

    /// Begins or ends the hold of `key`'s last addresses, and notes it if it now looks different
    /// from `before`.
    fn settle(&mut self, key: ServiceKey, before: Option<Observed>, now: UnixTime) {
        let last = before.as_ref().and_then(Observed::shard);
        self.hold(&key, last, now);
        if self.observed(&key) != before {
            self.changed_services.insert(key);
        }
    }
}

#[cfg(test)]
mod tests;
