//! The kinds that are propagated, and what is particular about each.

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

/// Group, version, kind, plural, whether it has a namespace.
const TABLE: [(&str, &str, &str, &str, bool, Role); 11] = [
    ("", "v1", "Namespace", "namespaces", false, Role::Namespace),
    ("", "v1", "ConfigMap", "configmaps", true, Role::Plain),
    ("", "v1", "Secret", "secrets", true, Role::Secret),
    ("", "v1", "Service", "services", true, Role::Service),
    ("apps", "v1", "Deployment", "deployments", true, Role::Deployment),
    ("apps", "v1", "ReplicaSet", "replicasets", true, Role::ReplicaSet),
    ("apps", "v1", "DaemonSet", "daemonsets", true, Role::DaemonSet),
    ("networking.k8s.io", "v1", "Ingress", "ingresses", true, Role::Ingress),
    ("batch", "v1", "Job", "jobs", true, Role::Job),
    (
        "autoscaling",
        "v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        true,
        Role::HorizontalPodAutoscaler,
    ),
    ("apps", "v1", "StatefulSet", "statefulsets", true, Role::StatefulSet),
];

// === impl Kinds ===

impl Default for Kinds {
    fn default() -> Self {
        let kinds = TABLE.map(|(group, version, kind, plural, has_namespace, role)| {
            let gvk = GroupVersionKind::gvk(group, version, kind);
            let resource = ApiResource::from_gvk_with_plural(&gvk, plural);
            Kind { resource, has_namespace, role }
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

// === impl Kind ===

impl Kind {
    pub fn name(&self) -> &str {
        &self.resource.kind
    }
}
