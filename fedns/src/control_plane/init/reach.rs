//! Addresses of the control plane: what the cloud, or the nodes, give its Services.

use std::collections::BTreeMap;
use std::time::Duration;

use clusters::federation::names::DNS_SERVICE;
use k8s_openapi::api::core::v1::{Node, Service};
use kube::Api;
use tokio::time::Instant;

use super::host_state::load_balancer;
use super::progress::Progress;
use super::{Plan, StepResult, service_words};
use crate::control_plane::host::Host;
use crate::control_plane::manifests::{API_SERVICE, ETCD_SERVICE};
use crate::control_plane::server_config::DnsService;
use crate::control_plane::settings::{Etcd, ServiceType};

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(1);

/// Where the control plane is found.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Of the federation's API, from outside.
    pub url: String,
    /// The same for people.
    pub addresses: Vec<String>,
    /// Names and addresses that the API server's certificate is good for.
    pub hosts: Vec<String>,
    pub dns: DnsService,
    pub cluster_addresses: BTreeMap<String, String>,
}

/// Waits until every Service has what its type promises.
pub(super) async fn reach(plan: &Plan, host: &Host, progress: &mut Progress) -> StepResult<Reach> {
    let settings = &plan.settings;
    let mut reach = Reach::default();
    let end = Instant::now() + plan.timeout;
    let mut wanted = vec![(API_SERVICE, settings.api_service.kind)];
    wanted.push((DNS_SERVICE, settings.dns_service));
    if matches!(settings.etcd, Etcd::Own(_)) {
        wanted.push((ETCD_SERVICE, ServiceType::ClusterIp));
    }
    for (name, kind) in wanted {
        let service = loop {
            let service = read(host, &settings.namespace, name).await?;
            if kind != ServiceType::LoadBalancer || !load_balancer(&service).is_empty() {
                break service;
            }
            if Instant::now() >= end {
                return Err(no_address(plan, name));
            }
            progress.tick();
            tokio::time::sleep(PERIOD).await;
        };
        if let Some(address) = service.spec.as_ref().and_then(|spec| spec.cluster_ip.clone()) {
            reach.cluster_addresses.insert(name.to_owned(), address);
        }
        match name {
            API_SERVICE => api(plan, host, &service, &mut reach).await?,
            DNS_SERVICE => reach.dns = dns(host, kind, &service).await?,
            _ => {}
        }
    }
    Ok(reach)
}

async fn read(host: &Host, namespace: &str, name: &str) -> StepResult<Service> {
    let api = Api::<Service>::namespaced(host.client(), namespace);
    let found = host.get(api, name).await.map_err(|failure| failure.to_string())?;
    found.ok_or_else(|| format!("{}: Service {namespace}/{name} is gone again", host.words))
}

async fn api(plan: &Plan, host: &Host, service: &Service, reach: &mut Reach) -> StepResult<()> {
    let port = match plan.settings.api_service.kind {
        ServiceType::NodePort => {
            reach.hosts = match &plan.advertise {
                Some(address) => vec![address.clone()],
                None => nodes(host).await?,
            };
            node_port(service)
        }
        _ => {
            reach.hosts = load_balancer(service);
            None
        }
    };
    let first = reach.hosts.first().ok_or_else(|| {
        format!(
            "{}: no node has an address; name one with --api-server-advertise-address",
            host.words
        )
    })?;
    reach.url = format!("https://{}", with_port(first, port));
    reach.addresses = reach.hosts.iter().map(|host| with_port(host, port)).collect();
    Ok(())
}

async fn dns(host: &Host, kind: ServiceType, service: &Service) -> StepResult<DnsService> {
    let inside = service.spec.as_ref().and_then(|spec| spec.cluster_ip.clone());
    let is_ipv6 = inside.as_ref().is_some_and(|address| address.contains(':'));
    let addresses = match kind {
        ServiceType::LoadBalancer => load_balancer(service),
        ServiceType::NodePort => nodes(host).await?,
        ServiceType::ClusterIp => inside.into_iter().collect(),
    };
    Ok(DnsService { addresses, is_ipv6 })
}

fn node_port(service: &Service) -> Option<i32> {
    let ports = service.spec.as_ref()?.ports.as_ref()?;
    ports.first()?.node_port
}

/// Of each node the address for outsiders, else the one for its neighbours.
async fn nodes(host: &Host) -> StepResult<Vec<String>> {
    let nodes = host.list(Api::<Node>::all(host.client()), "").await;
    let nodes = nodes.map_err(|failure| failure.to_string())?;
    let address = |node: &Node| {
        let addresses = node.status.as_ref()?.addresses.as_ref()?;
        let of = |kind: &str| addresses.iter().find(|it| it.type_ == kind);
        Some(of("ExternalIP").or_else(|| of("InternalIP"))?.address.clone())
    };
    Ok(nodes.iter().filter_map(address).collect())
}

fn with_port(host: &str, port: Option<i32>) -> String {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"))
}

fn no_address(plan: &Plan, name: &str) -> String {
    let seconds = plan.timeout.as_secs();
    let flag = match name {
        DNS_SERVICE => "--dns-service-type=NodePort",
        _ => "--api-server-service-type=NodePort",
    };
    format!(
        "{} got no load balancer's address within {seconds} s: the host cluster may have no load \
         balancers; {flag} uses the nodes' addresses, --timeout waits longer",
        service_words(&plan.settings, name)
    )
}
