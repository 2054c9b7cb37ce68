//! From a Service to what must be kept of it.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use clusters::federation::names::FEDERATION_LABEL;
use model::{LeftOut, Observed, Protocol, ServicePort, UnixTime};

use crate::address::{Ingress, read_ingress};
use crate::object::{Port, Service};
use crate::settings::{Publish, ServiceSettings};

/// A Service as its cluster's index keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// As it stood before a restart, and not listed since.
    Saved(Box<Observed>),
    LeftOut(LeftOut),
    Candidate(Box<Candidate>),
}

/// A Service of type LoadBalancer that is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// As `status.loadBalancer` lists them.
    pub ingress: Box<[Ingress]>,
    /// Named ports, sorted; shared among the many Services that have the same ones.
    pub ports: Arc<[ServicePort]>,
    pub has_selector: bool,
    /// `fedns.io/health: always`.
    pub always_healthy: bool,
    /// Only while there is nothing else to give.
    pub held: Option<Box<Held>>,
}

/// The last addresses of a load balancer whose list has become empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// Sorted, unique, not empty.
    pub addresses: Vec<IpAddr>,
    pub until: UnixTime,
}

/// Lists of ports, each kept once: most Services of a cluster have one of a few.
#[derive(Debug, Default)]
pub(crate) struct PortLists {
    lists: HashSet<Arc<[ServicePort]>>,
    /// Unused lists are dropped when there are so many.
    prune_at: usize,
}

/// What a Service becomes under `settings`; deletion is not looked at here.
pub(crate) fn read_service(
    service: &Service,
    settings: &ServiceSettings,
    port_lists: &mut PortLists,
) -> Entry {
    if let Some(reason) = leave_out(service, settings) {
        return Entry::LeftOut(reason);
    }
    let Service { metadata, spec, status } = service;
    let points = status.load_balancer.ingress.iter();
    Entry::Candidate(Box::new(Candidate {
        ingress: points.map(|point| read_ingress(point, settings)).collect(),
        ports: port_lists.intern(named_ports(&spec.ports)),
        has_selector: spec.selector.0,
        always_healthy: metadata.annotations.health.as_deref() == Some("always"),
        held: None,
    }))
}

fn leave_out(service: &Service, settings: &ServiceSettings) -> Option<LeftOut> {
    let Service { metadata, spec, .. } = service;
    let annotations = &metadata.annotations;
    let is_true = |value: &Option<Box<str>>| value.as_deref() == Some("true");
    let service_type = spec.service_type.as_deref().unwrap_or("ClusterIP");
    if service_type != "LoadBalancer" {
        return Some(LeftOut::NotLoadBalancer(service_type.into()));
    }
    if is_true(&annotations.exclude) {
        return Some(LeftOut::Excluded);
    }
    let of_federation = metadata.labels.get(FEDERATION_LABEL).map(|label| label.as_bytes());
    if settings.federation.as_ref().is_some_and(|it| of_federation != Some(it.as_bytes())) {
        return Some(LeftOut::NotFederated);
    }
    if !settings.namespaces.contain(metadata.namespace()) {
        return Some(LeftOut::Namespace);
    }
    if !settings.selector.matches(&metadata.labels) {
        return Some(LeftOut::Selector);
    }
    if settings.publish == Publish::Annotated && !is_true(&annotations.publish) {
        return Some(LeftOut::NotAnnotated);
    }
    None
}

fn named_ports(ports: &[Port]) -> Vec<ServicePort> {
    let named = ports.iter().filter_map(|port| {
        let name = port.name.as_deref().filter(|name| !name.is_empty())?;
        let protocol = match port.protocol.as_deref() {
            None | Some("TCP") => Protocol::Tcp,
            Some("UDP") => Protocol::Udp,
            Some("SCTP") => Protocol::Sctp,
            Some(_) => return None,
        };
        Some(ServicePort { name: name.to_ascii_lowercase().into(), protocol, port: port.port })
    });
    let mut ports: Vec<ServicePort> = named.collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

// === impl Entry, Candidate ===

impl Entry {
    pub(crate) fn candidate_mut(&mut self) -> Option<&mut Candidate> {
        match self {
            Self::Candidate(candidate) => Some(candidate),
            Self::Saved(_) | Self::LeftOut(_) => None,
        }
    }

    /// The host names whose addresses it needs.
    pub(crate) fn hosts(&self) -> Vec<Arc<str>> {
        let mut hosts: Vec<Arc<str>> = match self {
            Self::Candidate(candidate) => candidate.hosts().cloned().collect(),
            Self::Saved(observed) => {
                let shard = observed.shard();
                let hosts = shard.map(|shard| shard.hosts()).unwrap_or_default();
                hosts.iter().map(|resolved| Arc::from(&*resolved.host)).collect()
            }
            Self::LeftOut(_) => Vec::new(),
        };
        hosts.sort_unstable();
        hosts.dedup();
        hosts
    }
}

impl Candidate {
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &Arc<str>> {
        self.ingress.iter().filter_map(|ingress| match ingress {
            Ingress::Host(host) => Some(host),
            Ingress::Address(_) | Ingress::Refused(_) => None,
        })
    }
}

// === impl PortLists ===

impl PortLists {
    pub(crate) fn intern(&mut self, ports: Vec<ServicePort>) -> Arc<[ServicePort]> {
        if let Some(list) = self.lists.get(ports.as_slice()) {
            return list.clone();
        }
        if self.lists.len() >= self.prune_at {
            self.lists.retain(|list| Arc::strong_count(list) > 1);
            self.prune_at = 2 * self.lists.len() + 16;
        }
        let list: Arc<[ServicePort]> = ports.into();
        self.lists.insert(list.clone());
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Namespaces;

    fn service(json: &str) -> Service {
        serde_json::from_str(json).unwrap()
    }

    /// `rest` follows the name in the metadata and stands for a Service of type LoadBalancer.
    #[track_caller]
    fn check(settings: &ServiceSettings, rest: &str, expect: Option<LeftOut>) {
        let json = format!(
            r#"{{"metadata": {{"name": "web", "namespace": "shop"{rest}}}, "spec": {{"type": "LoadBalancer"}}}}"#
        );
        assert_eq!(leave_out(&service(&json), settings), expect, "{rest}");
    }

    #[test]
    fn other_types_than_load_balancer_make_no_shard() {
        let left_out = |spec: &str| {
            let json = format!(r#"{{"metadata": {{"name": "web"}}, "spec": {spec}}}"#);
            leave_out(&service(&json), &ServiceSettings::default())
        };
        let other = |service_type: &str| Some(LeftOut::NotLoadBalancer(service_type.into()));
        assert_eq!(left_out(r#"{"type": "LoadBalancer"}"#), None);
        assert_eq!(left_out(r#"{"type": "NodePort"}"#), other("NodePort"));
        assert_eq!(left_out(r#"{"type": "ExternalName"}"#), other("ExternalName"));
        assert_eq!(left_out("{}"), other("ClusterIP"));
    }

    #[test]
    fn the_exclude_annotation_always_wins() {
        let both = r#", "annotations": {"fedns.io/publish": "true", "fedns.io/exclude": "true"}"#;
        let all = ServiceSettings::default();
        let annotated = ServiceSettings { publish: Publish::Annotated, ..all.clone() };
        check(&all, both, Some(LeftOut::Excluded));
        check(&annotated, both, Some(LeftOut::Excluded));
        check(&all, r#", "annotations": {"fedns.io/exclude": "false"}"#, None);
    }

    #[test]
    fn with_annotated_only_annotated_services_are_published() {
        let annotated = ServiceSettings { publish: Publish::Annotated, ..Default::default() };
        check(&annotated, "", Some(LeftOut::NotAnnotated));
        check(&annotated, r#", "annotations": {"fedns.io/publish": "true"}"#, None);
        let no = r#", "annotations": {"fedns.io/publish": "yes"}"#;
        check(&annotated, no, Some(LeftOut::NotAnnotated));
    }

    #[test]
    fn namespaces_and_labels_choose() {
        let namespaces = Namespaces { include: vec![], exclude: vec!["shop".to_owned()] };
        let settings = ServiceSettings { namespaces, ..Default::default() };
        check(&settings, "", Some(LeftOut::Namespace));
        let selector = "tier=front".parse().unwrap();
        let settings = ServiceSettings { selector, ..Default::default() };
        check(&settings, "", Some(LeftOut::Selector));
        check(&settings, r#", "labels": {"tier": "front"}"#, None);
    }

    #[test]
    fn in_a_federation_its_own_services_are_published() {
        let federation = Some(model::Label::new("fed").unwrap());
        let settings = ServiceSettings { federation, ..Default::default() };
        check(&settings, "", Some(LeftOut::NotFederated));
        let labelled = |value: &str| format!(r#", "labels": {{"fedns.io/federation": "{value}"}}"#);
        check(&settings, &labelled("other"), Some(LeftOut::NotFederated));
        check(&settings, &labelled("fed"), None);
    }

    #[test]
    fn unnamed_ports_are_left_out_and_the_others_sorted() {
        let service = service(
            r#"{"metadata": {"name": "web"}, "spec": {"type": "LoadBalancer", "ports": [
                {"port": 1}, {"name": "HTTP", "port": 80}, {"name": "dns", "protocol": "UDP", "port": 53},
                {"name": "dns", "protocol": "TCP", "port": 53}, {"name": "x", "protocol": "ICMP", "port": 9}]}}"#,
        );
        let port = |name: &str, protocol, port| ServicePort { name: name.into(), protocol, port };
        let expect = [
            port("dns", Protocol::Tcp, 53),
            port("dns", Protocol::Udp, 53),
            port("http", Protocol::Tcp, 80),
        ];
        assert_eq!(named_ports(&service.spec.ports), expect);
    }

    #[test]
    fn equal_port_lists_are_kept_once_and_unused_ones_dropped() {
        let list = |port| vec![ServicePort { name: "http".into(), protocol: Protocol::Tcp, port }];
        let mut port_lists = PortLists::default();
        let kept = port_lists.intern(list(80));
        assert!(Arc::ptr_eq(&kept, &port_lists.intern(list(80))));
        for port in 1..=10_000 {
            port_lists.intern(list(port));
        }
        assert!(port_lists.lists.len() < 64, "{}", port_lists.lists.len());
        assert!(Arc::ptr_eq(&kept, &port_lists.intern(list(80))));
    }
}
