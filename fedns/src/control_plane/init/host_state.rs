//! What stands in the host cluster already, from an earlier `init` or not.

use std::collections::BTreeMap;

use clusters::federation::names::{
    CLUSTER_NAME_ANNOTATION, CONTEXT_ANNOTATION, DNS_SERVICE, FEDERATION_NAME_ANNOTATION,
};
use clusters::identity::{Identity, identify};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret, Service};
use kube::{Api, ResourceExt};

use super::{FLAGS_KEY, FLAGS_MAP};
use crate::control_plane::certificates::Certificates;
use crate::control_plane::host::Host;
use crate::control_plane::manifests::{API_SERVICE, ETCD_SERVICE, secrets};
use crate::control_plane::server_config::{
    AWS_KINDS, CONFIG_FILE, CONFIG_MAP, DnsService, PROVIDER_FILE, ServerConfig,
};
use crate::control_plane::settings::ServiceType;

/// Everything is empty where nothing stands.
#[derive(Clone, Debug, Default)]
pub struct HostState {
    /// Of the cluster; `None` where it may not be read.
    pub uid: Option<String>,
    pub has_namespace: bool,
    pub is_terminating: bool,
    /// The label of the federation whose control plane is here.
    pub federation: Option<String>,
    /// What init called it; older ones did not say.
    pub context: Option<String>,
    /// The federation that the cluster is a member of, where `fedns join` made the namespace.
    pub member_of: Option<String>,
    pub certificates: Option<Certificates>,
    pub config: Option<String>,
    pub flags: Option<String>,
    pub provider_files: BTreeMap<String, Vec<u8>>,
    pub user_files: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    /// Those that parts read, by name.
    pub secrets: BTreeMap<String, Secret>,
    pub cluster_addresses: BTreeMap<String, String>,
    dns_load_balancer: Vec<String>,
}

/// # Errors
///
/// Why it is not known what stands there.
pub async fn look(host: &Host, namespace: &str) -> Result<HostState, String> {
    let text = |failure: clusters::Failure| failure.to_string();
    let uid = match identify(&host.client()).await.map_err(text)? {
        Identity::Uid(uid) => Some(uid),
        Identity::Unreadable(_) => None,
    };
    let mut state = HostState { uid, ..HostState::default() };
    let found = host.get(Api::<Namespace>::all(host.client()), namespace).await.map_err(text)?;
    let Some(found) = found else { return Ok(state) };
    state.has_namespace = true;
    state.is_terminating = found.metadata.deletion_timestamp.is_some();
    state.context = found.annotations().get(CONTEXT_ANNOTATION).cloned();
    let federation = found.annotations().get(FEDERATION_NAME_ANNOTATION).cloned();
    match found.annotations().contains_key(CLUSTER_NAME_ANNOTATION) {
        true => state.member_of = federation,
        false => state.federation = federation,
    }
    let maps = || Api::<ConfigMap>::namespaced(host.client(), namespace);
    let config = host.get(maps(), CONFIG_MAP).await.map_err(text)?;
    state.config = config.and_then(|map| map.data?.remove(CONFIG_FILE));
    let flags = host.get(maps(), FLAGS_MAP).await.map_err(text)?;
    state.flags = flags.and_then(|map| map.data?.remove(FLAGS_KEY));
    let all = Api::<Secret>::namespaced(host.client(), namespace);
    let names = [secrets::ALL, secrets::PROVIDER, secrets::HOST];
    for name in names.into_iter().chain(secrets::OF_PARTS) {
        let Some(secret) = host.get(all.clone(), name).await.map_err(text)? else { continue };
        state.take_secret(name, secret)?;
    }
    let services = Api::<Service>::namespaced(host.client(), namespace);
    for name in [API_SERVICE, ETCD_SERVICE, DNS_SERVICE] {
        let Some(service) = host.get(services.clone(), name).await.map_err(text)? else { continue };
        state.take_service(name, &service);
    }
    Ok(state)
}

// === impl HostState ===

impl HostState {
    fn take_secret(&mut self, name: &str, secret: Secret) -> Result<(), String> {
        self.secrets.insert(name.to_owned(), secret.clone());
        let data = secret.data.unwrap_or_default();
        let mut data: BTreeMap<String, Vec<u8>> =
            data.into_iter().map(|(key, bytes)| (key, bytes.0)).collect();
        match name {
            secrets::ALL => {
                let bytes = data.remove(secrets::ALL_KEY).unwrap_or_default();
                let read = serde_json::from_slice(&bytes);
                let why = "is damaged; delete it, and new certificates are made";
                let failed =
                    |error| format!("Secret {name}, key {}: {error}: it {why}", secrets::ALL_KEY);
                self.certificates = Some(read.map_err(failed)?);
            }
            secrets::PROVIDER => self.provider_files = data,
            other => drop(self.user_files.insert(other.to_owned(), data)),
        }
        Ok(())
    }

    fn take_service(&mut self, name: &str, service: &Service) {
        let address = service.spec.as_ref().and_then(|spec| spec.cluster_ip.clone());
        if let Some(address) = address.filter(|it| !it.is_empty() && it != "None") {
            self.cluster_addresses.insert(name.to_owned(), address);
        }
        if name == DNS_SERVICE {
            self.dns_load_balancer = load_balancer(service);
        }
    }

    /// The file of a provider that is Route53, which no key of the config names.
    pub fn aws_file(&self) -> Option<&[u8]> {
        let file = self.provider_files.get(PROVIDER_FILE)?;
        // A config that cannot be read is told of where it is used.
        let server = ServerConfig::standing(self.config.as_deref()?).ok()?;
        server.has_provider_of(&AWS_KINDS).then_some(file)
    }

    /// As far as it is known.
    pub fn dns(&self, kind: ServiceType) -> DnsService {
        let inside = self.cluster_addresses.get(DNS_SERVICE);
        let addresses = match kind {
            ServiceType::LoadBalancer => self.dns_load_balancer.clone(),
            _ => inside.into_iter().cloned().collect(),
        };
        DnsService { addresses, is_ipv6: inside.is_some_and(|address| address.contains(':')) }
    }
}

/// What the cloud gave a Service: addresses, else names.
pub fn load_balancer(service: &Service) -> Vec<String> {
    let status = service.status.as_ref().and_then(|status| status.load_balancer.as_ref());
    let ingress = status.and_then(|it| it.ingress.as_ref()).into_iter().flatten();
    ingress.filter_map(|it| it.ip.clone().or_else(|| it.hostname.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_another_provider_is_none_of_route53() {
        for (kind, is_aws) in [("aws-route53", true), ("route53", true), ("alidns", false)] {
            let config = format!("zone: example.com.\nproviders: [{{kind: {kind}}}]\n");
            let provider_files = BTreeMap::from([(PROVIDER_FILE.to_owned(), vec![1])]);
            let state = HostState { config: Some(config), provider_files, ..HostState::default() };
            assert_eq!(state.aws_file().is_some(), is_aws, "{kind}");
            let state = HostState { provider_files: BTreeMap::new(), ..state };
            assert_eq!(state.aws_file(), None, "{kind}");
        }
    }
}
