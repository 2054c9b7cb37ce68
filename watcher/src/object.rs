//! The parts of Kubernetes objects that DNS needs; everything else is dropped while reading.
//!
//! The same types read what an API server sends and what a manifest says.

use std::collections::BTreeMap;
use std::fmt;

use model::ServiceKey;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, de};

/// All labels of an object, for selectors.
pub type Labels = BTreeMap<Box<str>, Box<str>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Service,
    EndpointSlice,
    Node,
}

/// One object of a kind that matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    Service(Service),
    EndpointSlice(EndpointSlice),
    Node(Node),
}

/// What tells an object from all others of its cluster. A Node's namespace is empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    pub kind: Kind,
    pub namespace: Box<str>,
    pub name: Box<str>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata<L, A> {
    pub name: Box<str>,
    #[serde(default)]
    pub namespace: Option<Box<str>>,
    #[serde(default)]
    pub resource_version: Option<Box<str>>,
    #[serde(default)]
    pub deletion_timestamp: Option<Present>,
    #[serde(default, deserialize_with = "null_is_default")]
    #[serde(bound(deserialize = "L: Deserialize<'de> + Default"))]
    pub labels: L,
    #[serde(default, deserialize_with = "null_is_default")]
    #[serde(bound(deserialize = "A: Deserialize<'de> + Default"))]
    pub annotations: A,
}

/// Something was there; what, does not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Present;

/// Labels or annotations that are not looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unread;

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Service {
    pub metadata: Metadata<Labels, ServiceAnnotations>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub spec: ServiceSpec,
    #[serde(default, deserialize_with = "null_is_default")]
    pub status: ServiceStatus,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ServiceAnnotations {
    #[serde(rename = "fedns.io/publish", default)]
    pub publish: Option<Box<str>>,
    #[serde(rename = "fedns.io/exclude", default)]
    pub exclude: Option<Box<str>>,
    #[serde(rename = "fedns.io/health", default)]
    pub health: Option<Box<str>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ServiceSpec {
    /// Absent in a manifest: ClusterIP, as the API server would fill in.
    #[serde(rename = "type", default)]
    pub service_type: Option<Box<str>>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub selector: Selects,
    #[serde(default, deserialize_with = "null_is_default")]
    pub ports: Vec<Port>,
}

/// Whether a map has entries. An empty selector is none, as in Kubernetes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selects(pub bool);

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Port {
    #[serde(default)]
    pub name: Option<Box<str>>,
    #[serde(default)]
    pub protocol: Option<Box<str>>,
    pub port: u16,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStatus {
    #[serde(default, deserialize_with = "null_is_default")]
    pub load_balancer: LoadBalancer,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct LoadBalancer {
    #[serde(default, deserialize_with = "null_is_default")]
    pub ingress: Vec<IngressPoint>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct IngressPoint {
    #[serde(default)]
    pub ip: Option<Box<str>>,
    #[serde(default)]
    pub hostname: Option<Box<str>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct EndpointSlice {
    pub metadata: Metadata<SliceLabels, Unread>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub endpoints: Vec<Endpoint>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct SliceLabels {
    #[serde(rename = "kubernetes.io/service-name", default)]
    pub service_name: Option<Box<str>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Endpoint {
    #[serde(default, deserialize_with = "null_is_default")]
    pub conditions: Conditions,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Conditions {
    #[serde(default)]
    pub ready: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Node {
    pub metadata: Metadata<NodeLabels, Unread>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct NodeLabels {
    #[serde(rename = "topology.kubernetes.io/region", default)]
    pub region: Option<Box<str>>,
    #[serde(rename = "topology.kubernetes.io/zone", default)]
    pub zone: Option<Box<str>>,
    #[serde(rename = "failure-domain.beta.kubernetes.io/region", default)]
    pub old_region: Option<Box<str>>,
    #[serde(rename = "failure-domain.beta.kubernetes.io/zone", default)]
    pub old_zone: Option<Box<str>>,
}

// === impl Kind ===

impl Kind {
    pub const ALL: [Self; 3] = [Self::Service, Self::EndpointSlice, Self::Node];

    /// The name in URLs and in rules of roles.
    pub fn resource(self) -> &'static str {
        match self {
            Self::Service => "services",
            Self::EndpointSlice => "endpointslices",
            Self::Node => "nodes",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Service => "Service",
            Self::EndpointSlice => "EndpointSlice",
            Self::Node => "Node",
        })
    }
}

// === impl Object, ObjectKey ===

impl Object {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Service(_) => Kind::Service,
            Self::EndpointSlice(_) => Kind::EndpointSlice,
            Self::Node(_) => Kind::Node,
        }
    }

    pub fn key(&self) -> ObjectKey {
        let (kind, namespace, name) = match self {
            Self::Service(Service { metadata, .. }) => {
                (Kind::Service, metadata.namespace(), &metadata.name)
            }
            Self::EndpointSlice(EndpointSlice { metadata, .. }) => {
                (Kind::EndpointSlice, metadata.namespace(), &metadata.name)
            }
            Self::Node(Node { metadata }) => (Kind::Node, "", &metadata.name),
        };
        ObjectKey { kind, namespace: namespace.into(), name: name.clone() }
    }

    /// True for an object that is on its way out: it counts as deleted.
    pub fn is_deleted(&self) -> bool {
        match self {
            Self::Service(Service { metadata, .. }) => metadata.deletion_timestamp.is_some(),
            Self::EndpointSlice(EndpointSlice { metadata, .. }) => {
                metadata.deletion_timestamp.is_some()
            }
            Self::Node(Node { metadata }) => metadata.deletion_timestamp.is_some(),
        }
    }

    pub fn resource_version(&self) -> Option<&str> {
        match self {
            Self::Service(Service { metadata, .. }) => metadata.resource_version.as_deref(),
            Self::EndpointSlice(slice) => slice.metadata.resource_version.as_deref(),
            Self::Node(Node { metadata }) => metadata.resource_version.as_deref(),
        }
    }
}

impl ObjectKey {
    pub fn into_service_key(self) -> ServiceKey {
        ServiceKey { namespace: self.namespace, name: self.name }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.namespace {
            "" => write!(f, "{} {}", self.kind, self.name),
            namespace => write!(f, "{} {namespace}/{}", self.kind, self.name),
        }
    }
}

// === impl Metadata, EndpointSlice ===

impl<L, A> Metadata<L, A> {
    /// A manifest without a namespace means the default one, as with `kubectl apply`.
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }
}

impl EndpointSlice {
    /// True with at least one endpoint whose `ready` is true or absent.
    pub fn is_ready(&self) -> bool {
        self.endpoints.iter().any(|endpoint| endpoint.conditions.ready != Some(false))
    }
}

// === reading ===

fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl<'de> Deserialize<'de> for Unread {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl<'de> Deserialize<'de> for Selects {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SelectsVisitor)
    }
}

struct SelectsVisitor;

impl<'de> Visitor<'de> for SelectsVisitor {
    type Value = Selects;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of labels")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Selects, M::Error> {
        let mut selects = Selects(false);
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            selects = Selects(true);
        }
        Ok(selects)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Selects, E> {
        Ok(Selects(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn slice(json: &str) -> EndpointSlice {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn an_endpoint_is_ready_where_ready_is_true_or_absent() {
        let ready = |endpoints: &str| {
            slice(&format!(r#"{{"metadata": {{"name": "s"}}, "endpoints": {endpoints}}}"#))
                .is_ready()
        };
        assert!(ready(r#"[{"conditions": {"ready": true}}]"#));
        assert!(ready(r#"[{"conditions": {"ready": null}}]"#));
        assert!(ready(r#"[{"conditions": {}}]"#));
        assert!(ready(r#"[{"addresses": ["10.0.0.1"]}]"#));
        assert!(ready(r#"[{"conditions": {"ready": false}}, {"conditions": {"ready": true}}]"#));
        assert!(!ready(r#"[{"conditions": {"ready": false, "serving": true}}]"#));
        assert!(!ready("[]"));
        assert!(!ready("null"));
    }

    #[test]
    fn an_empty_selector_is_none() {
        let selects = |spec: &str| {
            let json = format!(r#"{{"metadata": {{"name": "s"}}, "spec": {spec}}}"#);
            serde_json::from_str::<Service>(&json).unwrap().spec.selector.0
        };
        assert!(selects(r#"{"selector": {"app": "web"}}"#));
        assert!(!selects(r#"{"selector": {}}"#));
        assert!(!selects(r#"{"selector": null}"#));
        assert!(!selects("{}"));
    }

    #[test]
    fn a_deletion_timestamp_counts_as_deleted() {
        let deleted = |metadata: &str| {
            let service = serde_json::from_str(&format!(r#"{{"metadata": {metadata}}}"#)).unwrap();
            Object::Service(service).is_deleted()
        };
        assert!(deleted(r#"{"name": "s", "deletionTimestamp": "2026-01-01T00:00:00Z"}"#));
        assert!(!deleted(r#"{"name": "s", "deletionTimestamp": null}"#));
        assert!(!deleted(r#"{"name": "s"}"#));
    }

    #[test]
    fn objects_are_told_apart_by_kind_namespace_and_name() {
        let service = |metadata: &str| {
            let service = serde_json::from_str(&format!(r#"{{"metadata": {metadata}}}"#)).unwrap();
            Object::Service(service).key().to_string()
        };
        assert_eq!(service(r#"{"name": "web", "namespace": "shop"}"#), "Service shop/web");
        assert_eq!(service(r#"{"name": "web"}"#), "Service default/web");
        let node = serde_json::from_str(r#"{"metadata": {"name": "n1"}}"#).unwrap();
        assert_eq!(Object::Node(node).key().to_string(), "Node n1");
    }
}
