//! Whether Services of a member have anybody to send to, as their EndpointSlices say.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use kube::core::{ApiResource, DynamicObject, GroupVersionKind};

use crate::key::Key;
use crate::kinds::{BESIDE, Coverage, Kind, KindId, Role};
use crate::object::Versioned;
use crate::table::{Seen, Table, Unlisted};

/// By this label a slice names its Service.
const SERVICE_LABEL: &str = "kubernetes.io/service-name";

/// All slices of one member.
#[derive(Debug, Default)]
pub struct Slices {
    table: Table<Slice>,
    /// By the namespace and name of a Service: slices that are its own, or were.
    of_service: HashMap<(String, String), BTreeSet<Key>>,
}

/// What is kept of an EndpointSlice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    pub service: String,
    /// At least one of its endpoints is ready, or does not say.
    pub is_ready: bool,
    uid: String,
    version: u64,
}

/// Slices carry the labels of their Service.
pub fn slice_kind() -> Kind {
    let gvk = GroupVersionKind::gvk("discovery.k8s.io", "v1", "EndpointSlice");
    let resource = ApiResource::from_gvk_with_plural(&gvk, "endpointslices");
    Kind { resource, has_namespace: true, role: Role::Plain, coverage: Coverage::Always }
}

// === impl Slices ===

impl Slices {
    pub fn is_listed(&self) -> bool {
        self.table.is_listed(BESIDE)
    }

    pub fn failure(&self) -> Option<&Unlisted> {
        self.table.failures().get(&BESIDE)
    }

    pub fn begin_anew(&mut self) {
        self.table.begin_anew();
    }

    pub fn see(&mut self, seen: Seen<Slice>) {
        if let Seen::Listed(key, slice) | Seen::Changed(key, slice) = &seen {
            let service = (key.namespace.clone(), slice.service.clone());
            self.of_service.entry(service).or_default().insert(key.clone());
        }
        let may_shrink = matches!(seen, Seen::Deleted(..) | Seen::ListEnds);
        let gone = self.table.see(BESIDE, seen);
        if may_shrink {
            self.forget(&gone);
        }
    }

    /// Whether any slice of the Service has a ready endpoint; `None` without slices.
    pub fn readiness(&self, service: &Key) -> Option<bool> {
        let keys = self.of_service.get(&(service.namespace.clone(), service.name.clone()))?;
        let slices = keys.iter().filter_map(|key| self.table.get(key));
        let mut own = slices.filter(|slice| slice.service == service.name).peekable();
        own.peek()?;
        Some(own.any(|slice| slice.is_ready))
    }

    fn forget(&mut self, touched: &[Key]) {
        let Self { table, of_service } = self;
        let gone: BTreeSet<&Key> = touched.iter().filter(|key| table.get(key).is_none()).collect();
        if gone.is_empty() {
            return;
        }
        of_service.retain(|_, keys| {
            keys.retain(|key| !gone.contains(key));
            !keys.is_empty()
        });
    }
}

// === impl Slice ===

impl Slice {
    pub fn new(object: DynamicObject) -> Arc<Self> {
        let metadata = &object.metadata;
        let service = metadata.labels.as_ref().and_then(|labels| labels.get(SERVICE_LABEL));
        let endpoints = object.data["endpoints"].as_array().into_iter().flatten();
        let is_ready = endpoints
            .into_iter()
            .any(|endpoint| endpoint["conditions"]["ready"].as_bool().unwrap_or(true));
        Arc::new(Self {
            service: service.cloned().unwrap_or_default(),
            is_ready,
            uid: metadata.uid.clone().unwrap_or_default(),
            version: metadata.resource_version.as_deref().unwrap_or_default().parse().unwrap_or(0),
        })
    }

    /// The Service of a slice with this key.
    pub fn service_key(&self, slice: &Key, services: KindId) -> Key {
        Key { kind: services, namespace: slice.namespace.clone(), name: self.service.clone() }
    }
}

impl Versioned for Slice {
    fn version(&self) -> u64 {
        self.version
    }

    fn uid(&self) -> &str {
        &self.uid
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(name: &str) -> Key {
        Key { kind: BESIDE, namespace: "shop".into(), name: name.into() }
    }

    fn slice(service: &str, is_ready: bool) -> Arc<Slice> {
        let object = json!({"metadata": {"name": "x", "uid": "u",
                "labels": {"kubernetes.io/service-name": service}},
            "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": is_ready}}]});
        Slice::new(serde_json::from_value(object).unwrap())
    }

    #[test]
    fn a_service_is_ready_as_soon_as_one_of_its_slices_is() {
        let mut slices = Slices::default();
        let (web, other) = (key("web"), key("other"));
        assert_eq!(slices.readiness(&web), None);
        slices.see(Seen::Changed(key("web-1"), slice("web", false)));
        slices.see(Seen::Changed(key("other-1"), slice("other", true)));
        assert_eq!((slices.readiness(&web), slices.readiness(&other)), (Some(false), Some(true)));
        slices.see(Seen::Changed(key("web-2"), slice("web", true)));
        assert_eq!(slices.readiness(&web), Some(true));
        slices.see(Seen::Deleted(key("web-2"), slice("web", true)));
        assert_eq!(slices.readiness(&web), Some(false));
        slices.see(Seen::ListBegins);
        slices.see(Seen::ListEnds);
        assert_eq!((slices.readiness(&web), slices.of_service.len()), (None, 0));
    }

    #[test]
    fn a_slice_that_changes_its_service_leaves_the_old_one() {
        let mut slices = Slices::default();
        slices.see(Seen::Changed(key("a"), slice("web", true)));
        slices.see(Seen::Changed(key("a"), slice("other", true)));
        assert_eq!(slices.readiness(&key("web")), None);
        assert_eq!(slices.readiness(&key("other")), Some(true));
    }
}
