//! The kinds of objects that a federation propagates, those that it reads in members, and those that
//! cannot be propagated.

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

/// A kind that cannot be propagated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// Empty for the core group.
    pub group: &'static str,
    /// `None`: the whole group.
    pub plural: Option<&'static str>,
    /// What to make instead, or why not.
    pub why: &'static str,
    /// It would be taken and never run in an API without nodes: its creation is refused there.
    pub runs_nothing: bool,
}

pub const UNFIT: [Unfit; 23] = [
    runs_nothing(
        "pods",
        "a Deployment (or a Job, DaemonSet or StatefulSet): its pods run in the members",
    ),
    runs_nothing("replicationcontrollers", "a Deployment or a ReplicaSet"),
    runs_nothing(
        "persistentvolumeclaims",
        "a StatefulSet with volumeClaimTemplates, or the claim in each member",
    ),
    runs_nothing("persistentvolumes", "the volume in the member that has the disk"),
    runs_nothing("nodes", "a Cluster, by fedns join: nodes belong to members"),
    unfit("", "events", "each cluster tells its own"),
    unfit("events.k8s.io", "events", "each cluster tells its own"),
    unfit("", "endpoints", "make a Service: its endpoints are the pods of each member"),
    unfit(
        "discovery.k8s.io",
        "endpointslices",
        "make a Service: its endpoints are the pods of each member",
    ),
    unfit("coordination.k8s.io", "leases", "a lease is held in one cluster"),
    unfit(
        "apps",
        "controllerrevisions",
        "make a StatefulSet or a DaemonSet: each member keeps theirs",
    ),
    unfit("networking.k8s.io", "ipaddresses", "each cluster has addresses of its own"),
    unfit("networking.k8s.io", "servicecidrs", "each cluster has addresses of its own"),
    unfit("storage.k8s.io", "csinodes", "they belong to the nodes of one cluster"),
    unfit("storage.k8s.io", "csistoragecapacities", "they belong to the disks of one cluster"),
    unfit("storage.k8s.io", "volumeattachments", "they belong to the nodes of one cluster"),
    unfit("resource.k8s.io", "resourceslices", "they belong to the nodes of one cluster"),
    unfit("certificates.k8s.io", "certificatesigningrequests", "each cluster signs for itself"),
    unfit("fedns.io", "clusters", "they are the federation's members"),
    Unfit {
        group: "rbac.authorization.k8s.io",
        plural: None,
        why: "fedns's account may grant nobody a right; make it in each member",
        runs_nothing: false,
    },
    Unfit {
        group: "admissionregistration.k8s.io",
        plural: None,
        why: "it would rule over the federation's own API as well; make it in each member",
        runs_nothing: false,
    },
    Unfit {
        group: "apiregistration.k8s.io",
        plural: None,
        why: "it is about one API server; make it in each member",
        runs_nothing: false,
    },
    Unfit {
        group: "flowcontrol.apiserver.k8s.io",
        plural: None,
        why: "it is about one API server; make it in each member",
        runs_nothing: false,
    },
];

/// Why a kind cannot be propagated; `None` where nothing speaks against it.
pub fn unfit_for(group: &str, plural: &str) -> Option<&'static Unfit> {
    UNFIT.iter().find(|it| it.group == group && it.plural.is_none_or(|named| named == plural))
}

const fn unfit(group: &'static str, plural: &'static str, why: &'static str) -> Unfit {
    Unfit { group, plural: Some(plural), why, runs_nothing: false }
}

const fn runs_nothing(plural: &'static str, why: &'static str) -> Unfit {
    Unfit { group: "", plural: Some(plural), why, runs_nothing: true }
}

const fn kind(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
) -> Kind {
    Kind { group, version, kind, plural, is_namespaced: true }
}
