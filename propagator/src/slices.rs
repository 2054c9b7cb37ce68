//! Whether Services of a member have anybody to send to, as their EndpointSlices say.

use std::sync::Arc;

use kube::core::{ApiResource, DynamicObject, GroupVersionKind};

use crate::key::Key;
use crate::kinds::{Kind, Role};
use crate::object::Versioned;

/// By this label a slice names its Service.
const SERVICE_LABEL: &str = "kubernetes.io/service-name";

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
    Kind { resource, has_namespace: true, role: Role::Plain }
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
    pub fn service_key(&self, slice: &Key, services: crate::kinds::KindId) -> Key {
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
