//! What one cluster says of one Service.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::time::UnixTime;

/// A Service's place in every cluster: the federation is by equal namespace and name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServiceKey {
    pub namespace: Box<str>,
    pub name: Box<str>,
}

/// One Service of one cluster as the watcher saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Observed {
    /// A Service of type LoadBalancer that is published.
    Shard(ServiceShard),
    /// A Service that makes no shard.
    LeftOut(LeftOut),
}

/// A cluster's share of a federated Service. Small on purpose: there may be a million.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceShard {
    /// Sorted, unique: the load balancer's addresses, host names already resolved. They count only
    /// while the shard is healthy.
    pub addresses: Vec<IpAddr>,
    pub health: Health,
    /// The named ports, shared by the many shards that have the same ones; sorted.
    #[serde(default)]
    pub ports: Arc<[ServicePort]>,
    /// What `explain` must say beyond the addresses; seldom there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<Box<ShardNotes>>,
}

/// Whether a shard's addresses may be given to clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Health {
    #[default]
    Healthy,
    /// EndpointSlices exist, and no endpoint in them is ready.
    NoReadyEndpoint,
    /// The Service has a selector and no EndpointSlice.
    NoEndpointSlice,
}

/// A named port; unnamed ports make no SRV record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServicePort {
    /// The port's name in lower case.
    pub name: Box<str>,
    pub protocol: Protocol,
    pub port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

/// Why a Service makes no shard.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "reason", content = "detail")]
pub enum LeftOut {
    /// Its `spec.type` is another one.
    NotLoadBalancer(Box<str>),
    /// `fedns.io/exclude: "true"`.
    Excluded,
    /// `services.publish: annotated`, and no `fedns.io/publish: "true"`.
    NotAnnotated,
    /// Its namespace is excluded, or not among those included.
    Namespace,
    /// Its labels do not match `services.selector`.
    Selector,
    /// It only exists in its cluster, and only the federation's own Services are published.
    NotFederated,
}

/// What `explain` tells of a shard beyond its addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardNotes {
    /// The host names among the load balancer's ingress points.
    #[serde(default)]
    pub hosts: Vec<ResolvedHost>,
    /// What the load balancer gave and is not published, with the reason.
    #[serde(default)]
    pub left_out: Vec<AddressNote>,
    /// The load balancer's list has become empty; its last addresses stand until then.
    #[serde(default)]
    pub held_until: Option<UnixTime>,
}

/// A load balancer's host name and what it resolves to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedHost {
    pub host: Box<str>,
    /// Sorted; empty until the first answer.
    pub addresses: Vec<IpAddr>,
    /// Why the last look-up gave nothing new; `None` after a good one.
    #[serde(default)]
    pub failure: Option<Box<str>>,
}

/// An ingress point that is not published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressNote {
    /// The address or host name as the load balancer gave it.
    pub ingress: Box<str>,
    /// A whole sentence without the final dot.
    pub reason: Box<str>,
}

// === impl ServiceKey ===

impl ServiceKey {
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl fmt::Debug for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// === impl Observed, ServiceShard ===

impl Observed {
    pub fn shard(&self) -> Option<&ServiceShard> {
        match self {
            Self::Shard(shard) => Some(shard),
            Self::LeftOut(_) => None,
        }
    }
}

impl ServiceShard {
    /// A healthy shard with these addresses and nothing else.
    pub fn healthy(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let mut shard = Self::default();
        shard.set_addresses(addresses);
        shard
    }

    /// Sorts and removes duplicates.
    pub fn set_addresses(&mut self, addresses: impl IntoIterator<Item = IpAddr>) {
        self.addresses = addresses.into_iter().collect();
        self.addresses.sort_unstable();
        self.addresses.dedup();
        self.addresses.shrink_to_fit();
    }

    /// What the shard contributes to answers now.
    pub fn healthy_addresses(&self) -> &[IpAddr] {
        if self.health == Health::Healthy { &self.addresses } else { &[] }
    }

    pub fn hosts(&self) -> &[ResolvedHost] {
        self.notes.as_ref().map_or(&[], |notes| &notes.hosts)
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Healthy => "healthy",
            Self::NoReadyEndpoint => "no ready endpoint",
            Self::NoEndpointSlice => "a selector, but no EndpointSlice",
        })
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        })
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLoadBalancer(service_type) => {
                write!(f, "its type is {service_type}, not LoadBalancer")
            }
            Self::Excluded => f.write_str("its annotation fedns.io/exclude is \"true\""),
            Self::NotAnnotated => f.write_str(
                "services.publish is \"annotated\" and its annotation fedns.io/publish is not \"true\"",
            ),
            Self::Namespace => f.write_str("services.namespaces leaves its namespace out"),
            Self::Selector => f.write_str("its labels do not match services.selector"),
            Self::NotFederated => f.write_str("it was not made in the federation"),
        }
    }
}
