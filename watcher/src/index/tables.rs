//! The rows that a cluster's objects make, without any memory of what went before.

use std::collections::BTreeMap;

use model::ServiceKey;

use crate::entry::{Candidate, Entry};
use crate::object::{Kind, ObjectKey};
use crate::reading::{Content, Slice};
use crate::topology::Nodes;

#[derive(Debug, Default)]
pub(crate) struct Tables {
    /// A row is here while it has an entry or a slice.
    pub(super) rows: BTreeMap<ServiceKey, Row>,
    slices: BTreeMap<SliceKey, Slice>,
    pub(super) nodes: Nodes,
}

/// A Service and the EndpointSlices that name it; either may come first.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(super) entry: Option<Entry>,
    pub(super) slice_count: u32,
    pub(super) ready_slice_count: u32,
}

/// `namespace/name` in one allocation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct SliceKey(Box<str>);

// === impl Tables ===

impl Tables {
    pub(super) fn put(&mut self, key: ObjectKey, content: Content) {
        match content {
            Content::Service(entry) => self.put_entry(key.into_service_key(), entry),
            Content::EndpointSlice(slice) => self.put_slice(&key, slice),
            Content::Node(place) => {
                self.nodes.put(key.name, place);
            }
        }
    }

    pub(super) fn remove(&mut self, key: &ObjectKey) {
        match key.kind {
            Kind::Service => self.remove_entry(&key.clone().into_service_key()),
            Kind::EndpointSlice => self.remove_slice(key),
            Kind::Node => {
                self.nodes.remove(&key.name);
            }
        }
    }

    pub(super) fn entry(&self, key: &ServiceKey) -> Option<&Entry> {
        self.rows.get(key)?.entry.as_ref()
    }

    pub(super) fn candidate_mut(&mut self, key: &ServiceKey) -> Option<&mut Candidate> {
        self.rows.get_mut(key)?.entry.as_mut()?.candidate_mut()
    }

    pub(super) fn put_entry(&mut self, key: ServiceKey, entry: Entry) {
        self.rows.entry(key).or_default().entry = Some(entry);
    }

    pub(super) fn remove_entry(&mut self, key: &ServiceKey) {
        if let Some(row) = self.rows.get_mut(key) {
            row.entry = None;
        }
        self.drop_empty(key);
    }

    /// The Services whose readiness a change of this slice may touch: the one that it counted for
    /// and the one that it will count for.
    pub(super) fn services_of_slice(
        &self,
        slice: &ObjectKey,
        next: Option<&Slice>,
    ) -> Vec<ServiceKey> {
        let known = self.slices.get(&SliceKey::of(slice));
        let known = known.and_then(|slice| slice.service.as_deref());
        let next = next.and_then(|slice| slice.service.as_deref());
        let names = known.into_iter().chain(next.filter(|next| known != Some(*next)));
        names.map(|name| ServiceKey::new(&slice.namespace, name)).collect()
    }

    pub(super) fn put_slice(&mut self, key: &ObjectKey, next: Slice) {
        let slice_key = SliceKey::of(key);
        if self.slices.get(&slice_key) == Some(&next) {
            return;
        }
        // First what is new: a row must not go and come back.
        if let Some(service) = &next.service {
            let row = self.rows.entry(ServiceKey::new(&key.namespace, service)).or_default();
            row.slice_count += 1;
            row.ready_slice_count += u32::from(next.is_ready);
        }
        if let Some(known) = self.slices.insert(slice_key, next) {
            self.uncount(key, known);
        }
    }

    pub(super) fn has_slices(&self) -> bool {
        !self.slices.is_empty()
    }

    /// Namespaces and names.
    pub(super) fn slice_names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.slices.keys().map(|SliceKey(key)| key.split_once('/').unwrap_or(("", key)))
    }

    fn remove_slice(&mut self, key: &ObjectKey) {
        if let Some(known) = self.slices.remove(&SliceKey::of(key)) {
            self.uncount(key, known);
        }
    }

    fn uncount(&mut self, key: &ObjectKey, slice: Slice) {
        let Some(service) = slice.service else { return };
        let service = ServiceKey { namespace: key.namespace.clone(), name: service };
        if let Some(row) = self.rows.get_mut(&service) {
            row.slice_count -= 1;
            row.ready_slice_count -= u32::from(slice.is_ready);
        }
        self.drop_empty(&service);
    }

    fn drop_empty(&mut self, key: &ServiceKey) {
        if self.rows.get(key).is_some_and(|row| row.entry.is_none() && row.slice_count == 0) {
            self.rows.remove(key);
        }
    }
}

// === impl SliceKey ===

impl SliceKey {
    fn of(key: &ObjectKey) -> Self {
        let ObjectKey { kind: _, namespace, name } = key;
        let mut text = String::with_capacity(namespace.len() + 1 + name.len());
        text.push_str(namespace);
        text.push('/');
        text.push_str(name);
        Self(text.into())
    }
}
