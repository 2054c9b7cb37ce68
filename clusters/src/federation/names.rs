//! Labels, annotations, finalizers and names that all parts of a federation share.

/// Of everything that fedns applies to an API server (server-side apply), but copies.
pub const FIELD_MANAGER: &str = "fedns";

/// Of copies in members. What fedns sets up for itself there must never be taken for one.
pub const COPY_MANAGER: &str = "fedns-propagation";

/// The namespace of the control plane in the host cluster, and of fedns's account in a member.
pub const SYSTEM_NAMESPACE: &str = "federation-system";

/// As whom fedns comes to the federation's API.
pub const FEDNS_USER: &str = "fedns";

// --- on objects of the federation ---

/// Holds a federated object until its members' copies are gone or noted as debts.
pub const PROPAGATED_FINALIZER: &str = "fedns.io/propagated";
/// Holds a `Cluster` object until its share has left the federation.
pub const MEMBER_FINALIZER: &str = "fedns.io/member";
/// Whatever carries this label, with any value, stays in the federation.
pub const LOCAL_LABEL: &str = "fedns.io/local";
/// `"true"`: copies that exist in members already and are not ours become ours.
pub const ADOPT_ANNOTATION: &str = "fedns.io/adopt";
/// On a `Cluster` object: the join that was last. The status repeats it once what it says is of that join.
pub const JOIN_ANNOTATION: &str = "fedns.io/join";
/// Condition of a federated object, False while an object of somebody else stands where a copy should be.
pub const CONFLICT_CONDITION: &str = "fedns.io/Propagated";

// --- on objects in members ---

/// Marks a copy as ours; the value is the federation's label.
pub const FEDERATION_LABEL: &str = "fedns.io/federation";

// --- on objects in the host cluster ---

/// On a member's Secret: the cluster's name. Selectors of objects find each member by it, too.
pub const CLUSTER_LABEL: &str = "fedns.io/cluster";
/// On a member's Secret: the URL of its API server, so that the member is known without its `Cluster`
/// object.
pub const SERVER_ANNOTATION: &str = "fedns.io/server";
/// On everything that was made for a federation: its label.
pub const FEDERATION_NAME_ANNOTATION: &str = "federation.alpha.kubernetes.io/federation-name";
/// On everything that was made for a member: its name.
pub const CLUSTER_NAME_ANNOTATION: &str = "federation.alpha.kubernetes.io/cluster-name";
/// On everything that was made for a federation, and on its own definition of `Cluster` objects: the UID of its
/// host cluster's kube-system namespace. Two federations of one name differ in it.
pub const HOST_UID_ANNOTATION: &str = "fedns.io/host-uid";
/// On a `Cluster` object and a member's Secret: the UID of the member's kube-system namespace.
pub const CLUSTER_UID_ANNOTATION: &str = "fedns.io/cluster-uid";
/// On a member's Secret: when its token was put there (RFC 3339).
pub const TOKEN_SINCE_ANNOTATION: &str = "fedns.io/token-since";
/// On a member's Secret: `region` of its `Cluster` object.
pub const REGION_ANNOTATION: &str = "fedns.io/region";
/// On a member's Secret: `availabilityZones` of its `Cluster` object, joined by commas.
pub const ZONES_ANNOTATION: &str = "fedns.io/availability-zones";
/// On the control plane's namespace: the zone that fedns answers or mirrors.
pub const ZONE_NAME_ANNOTATION: &str = "federation.alpha.kubernetes.io/dns-zone-name";
/// On the control plane's namespace: the name that `fedns init` was given, which is that of the context in
/// kubeconfigs.
pub const CONTEXT_ANNOTATION: &str = "fedns.io/context";
/// The Service of the control plane's namespace by which the world asks fedns.
pub const DNS_SERVICE: &str = "fedns-dns";
/// The ConfigMap with the kinds that are propagated beside those that always are.
pub const KINDS_CONFIG_MAP: &str = "fedns-kinds";
/// On ConfigMaps with copies of fedns's saved state.
pub const STATE_COPY_LABEL: &str = "fedns.io/state";
/// Before a member's name: the ConfigMap with the copy of its saved state.
pub const STATE_COPY_PREFIX: &str = "fedns-state-";
/// The ConfigMap with the copy of the zones' serials.
pub const SERIALS_COPY: &str = "fedns-serials";
/// Before a member's name: the ConfigMap with the deletions that are owed to it.
pub const DEBTS_PREFIX: &str = "fedns-debts-";
