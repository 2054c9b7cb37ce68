//! The fields of the objects that matter, those included that DNS does not need: what is not among
//! them is no field of Kubernetes and likely a slip of the pen.

use crate::object::Kind;

/// What may stand at a place of an object.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// These fields.
    Map(&'static [Field]),
    List(&'static Shape),
    /// Any keys with texts; these among them mean something here.
    Texts(&'static [&'static str]),
    Text(&'static str),
    /// One of these words, though others are read as well.
    Word(&'static [&'static str]),
    /// The number of a port.
    Port,
    Bool,
    /// Not looked at.
    Any,
}

pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) is_required: bool,
}

/// The top of every document.
pub(super) const HEAD: Shape = Shape::Map(&[
    field("apiVersion", Shape::Text("a version like v1")),
    field("kind", Shape::Text("a kind like Service")),
]);

/// A list of objects.
pub(super) const LIST: Shape = Shape::Map(&[field("items", Shape::List(&Shape::Any))]);

pub(super) fn of_kind(kind: Kind) -> &'static Shape {
    match kind {
        Kind::Service => &SERVICE,
        Kind::EndpointSlice => &ENDPOINT_SLICE,
        Kind::Node => &NODE,
    }
}

const SERVICE: Shape = Shape::Map(&[
    API_VERSION,
    KIND,
    required("metadata", metadata(&SERVICE_METADATA)),
    field("spec", SERVICE_SPEC),
    field("status", SERVICE_STATUS),
]);

const SERVICE_METADATA: [Field; 16] =
    metadata_fields(&[], &["fedns.io/publish", "fedns.io/exclude", "fedns.io/health"]);

const SERVICE_SPEC: Shape = Shape::Map(&[
    field("type", Shape::Word(&["LoadBalancer", "ClusterIP", "NodePort", "ExternalName"])),
    field("selector", Shape::Texts(&[])),
    field("ports", Shape::List(&SERVICE_PORT)),
    any("clusterIP"),
    any("clusterIPs"),
    any("externalIPs"),
    any("sessionAffinity"),
    any("sessionAffinityConfig"),
    any("loadBalancerIP"),
    any("loadBalancerSourceRanges"),
    any("loadBalancerClass"),
    any("externalName"),
    any("externalTrafficPolicy"),
    any("internalTrafficPolicy"),
    any("trafficDistribution"),
    any("healthCheckNodePort"),
    any("publishNotReadyAddresses"),
    any("ipFamily"),
    any("ipFamilies"),
    any("ipFamilyPolicy"),
    any("allocateLoadBalancerNodePorts"),
    any("topologyKeys"),
]);

const SERVICE_PORT: Shape = Shape::Map(&[
    field("name", Shape::Text("a name like http")),
    field("protocol", Shape::Word(&["TCP", "UDP", "SCTP"])),
    required("port", Shape::Port),
    any("appProtocol"),
    any("targetPort"),
    any("nodePort"),
]);

const SERVICE_STATUS: Shape =
    Shape::Map(&[field("loadBalancer", LOAD_BALANCER), any("conditions")]);

const LOAD_BALANCER: Shape = Shape::Map(&[field("ingress", Shape::List(&INGRESS_POINT))]);

const INGRESS_POINT: Shape = Shape::Map(&[
    field("ip", Shape::Text("an IP address like 192.0.2.10")),
    field("hostname", Shape::Text("a host name like lb.example.net")),
    any("ipMode"),
    any("ports"),
]);

const ENDPOINT_SLICE: Shape = Shape::Map(&[
    API_VERSION,
    KIND,
    required("metadata", metadata(&SLICE_METADATA)),
    field("endpoints", Shape::List(&ENDPOINT)),
    any("addressType"),
    any("ports"),
]);

const SLICE_METADATA: [Field; 16] = metadata_fields(&["kubernetes.io/service-name"], &[]);

const ENDPOINT: Shape = Shape::Map(&[
    field("conditions", CONDITIONS),
    any("addresses"),
    any("hostname"),
    any("targetRef"),
    any("topology"),
    any("deprecatedTopology"),
    any("nodeName"),
    any("zone"),
    any("hints"),
]);

const CONDITIONS: Shape =
    Shape::Map(&[field("ready", Shape::Bool), any("serving"), any("terminating")]);

const NODE: Shape = Shape::Map(&[
    API_VERSION,
    KIND,
    required("metadata", metadata(&NODE_METADATA)),
    any("spec"),
    any("status"),
]);

const NODE_METADATA: [Field; 16] = metadata_fields(
    &[
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
    ],
    &[],
);

const API_VERSION: Field = any("apiVersion");
const KIND: Field = any("kind");

const fn metadata(fields: &'static [Field; 16]) -> Shape {
    Shape::Map(fields)
}

const fn metadata_fields(
    labels: &'static [&'static str],
    annotations: &'static [&'static str],
) -> [Field; 16] {
    [
        required("name", Shape::Text("a name like nginx")),
        field("namespace", Shape::Text("a namespace like default")),
        field("labels", Shape::Texts(labels)),
        field("annotations", Shape::Texts(annotations)),
        field("resourceVersion", Shape::Text("a text")),
        any("deletionTimestamp"),
        any("deletionGracePeriodSeconds"),
        any("creationTimestamp"),
        any("generateName"),
        any("generation"),
        any("selfLink"),
        any("uid"),
        any("ownerReferences"),
        any("finalizers"),
        any("managedFields"),
        any("clusterName"),
    ]
}

const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, is_required: false }
}

const fn required(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, is_required: true }
}

const fn any(name: &'static str) -> Field {
    field(name, Shape::Any)
}
