//! The kinds of objects that a federation propagates, and those that it reads in members.

/// One kind as its API names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Empty for the core group.
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    /// As in URLs and in roles.
    pub plural: &'static str,
    pub is_namespaced: bool,
}

/// In the order in which a namespace's content can be made: what others refer to comes first.
pub const FEDERATED: [Kind; 11] = [
    Kind { is_namespaced: false, ..kind("", "v1", "Namespace", "namespaces") },
    kind("", "v1", "ConfigMap", "configmaps"),
    kind("", "v1", "Secret", "secrets"),
    kind("", "v1", "Service", "services"),
    kind("apps", "v1", "Deployment", "deployments"),
    kind("apps", "v1", "ReplicaSet", "replicasets"),
    kind("apps", "v1", "DaemonSet", "daemonsets"),
    kind("apps", "v1", "StatefulSet", "statefulsets"),
    kind("batch", "v1", "Job", "jobs"),
    kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    kind("networking.k8s.io", "v1", "Ingress", "ingresses"),
];

/// Read in members, never written: addresses, regions, pods that cannot be scheduled.
pub const OBSERVED: [Kind; 3] = [
    kind("", "v1", "Pod", "pods"),
    Kind { is_namespaced: false, ..kind("", "v1", "Node", "nodes") },
    kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
];

const fn kind(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
) -> Kind {
    Kind { group, version, kind, plural, is_namespaced: true }
}
