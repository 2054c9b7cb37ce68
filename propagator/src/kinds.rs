//! The kinds that are propagated, and what is particular about each.

use clusters::federation::kinds::FEDERATED;
use kube::core::{ApiResource, GroupVersionKind};

/// All kinds that are propagated. What holds others comes first: namespaces.
#[derive(Clone, Debug)]
pub struct Kinds(Vec<Kind>);

/// The place of a kind in [`Kinds`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindId(usize);

#[derive(Clone, Debug)]
pub struct Kind {
    pub resource: ApiResource,
    pub has_namespace: bool,
    pub role: Role,
}

/// What the rules about copies and statuses look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Namespace,
    Secret,
    Service,
    Deployment,
    ReplicaSet,
    DaemonSet,
    StatefulSet,
    Ingress,
    Job,
    HorizontalPodAutoscaler,
    /// Nothing: it is copied as it is.
    Plain,
}

// === impl Kinds ===

impl Default for Kinds {
    fn default() -> Self {
        let kinds = FEDERATED.map(|it| {
            let gvk = GroupVersionKind::gvk(it.group, it.version, it.kind);
            let resource = ApiResource::from_gvk_with_plural(&gvk, it.plural);
            Kind { resource, has_namespace: it.is_namespaced, role: Role::of(it.kind) }
        });
        Self(kinds.into())
    }
}

impl Kinds {
    /// The same with one more, which is copied as it is.
    pub fn with(mut self, resource: ApiResource, has_namespace: bool) -> Self {
        self.0.push(Kind { resource, has_namespace, role: Role::Plain });
        self
    }

    pub fn get(&self, id: KindId) -> &Kind {
        &self.0[id.0]
    }

    pub fn ids(&self) -> impl Iterator<Item = KindId> + use<> {
        (0..self.0.len()).map(KindId)
    }

    /// The place of what is watched beside the kinds that are propagated.
    pub fn beside(&self) -> KindId {
        KindId(self.0.len())
    }

    pub fn of_role(&self, role: Role) -> Option<KindId> {
        self.0.iter().position(|kind| kind.role == role).map(KindId)
    }

    /// As the API writes it in `apiVersion` and `kind`.
    pub fn named(&self, api_version: &str, kind: &str) -> Option<KindId> {
        let is_it = |it: &Kind| it.resource.api_version == api_version && it.resource.kind == kind;
        self.0.iter().position(is_it).map(KindId)
    }
}

// === impl Role ===

impl Role {
    fn of(kind: &str) -> Self {
        match kind {
            "Namespace" => Self::Namespace,
            "Secret" => Self::Secret,
            "Service" => Self::Service,
            "Deployment" => Self::Deployment,
            "ReplicaSet" => Self::ReplicaSet,
            "DaemonSet" => Self::DaemonSet,
            "StatefulSet" => Self::StatefulSet,
            "Ingress" => Self::Ingress,
            "Job" => Self::Job,
            "HorizontalPodAutoscaler" => Self::HorizontalPodAutoscaler,
            _ => Self::Plain,
        }
    }
}

// === impl Kind ===

impl Kind {
    pub fn name(&self) -> &str {
        &self.resource.kind
    }
}
