//! What the host cluster tells of the federation whose control plane it holds.

use k8s_openapi::api::core::v1::{Namespace, Service};
use kube::{Api, ResourceExt};

use super::names::{
    CLUSTER_NAME_ANNOTATION, DNS_SERVICE, FEDERATION_NAME_ANNOTATION, ZONE_NAME_ANNOTATION,
};
use super::steps::{Party, limited};
use crate::failure::Failure;
use crate::identity::{Identity, identify};

/// A federation as its control plane's namespace tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostedFederation {
    /// The federation's label, where the namespace says it.
    pub name: Option<String>,
    /// The zone of its names, where the namespace says it.
    pub zone: Option<String>,
    /// UID of the host's kube-system namespace.
    pub host_uid: String,
}

/// Why nothing is known of the federation.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error(
        "{host} has no namespace {namespace}: there is no federation; make one with `fedns init`, or name \
         its namespace with --federation-system-namespace"
    )]
    NoFederation { host: String, namespace: String },
    #[error("{0}")]
    Request(Failure),
}

/// Reads the namespace of the control plane, and which cluster it is in.
///
/// # Errors
///
/// That there is none, or why nothing can be read.
pub async fn look(host: &Party, namespace: &str) -> Result<HostedFederation, HostError> {
    let request = host.request::<Namespace>("get", namespace);
    let api = Api::<Namespace>::all(host.client());
    let found = limited(&request, api.get_opt(namespace)).await.map_err(HostError::Request)?;
    let found = found.ok_or_else(|| HostError::NoFederation {
        host: host.words.clone(),
        namespace: namespace.to_owned(),
    })?;
    let host_uid = match identify(&host.client()).await {
        Ok(Identity::Uid(uid)) => uid,
        Ok(Identity::Unreadable(failure)) | Err(failure) => {
            return Err(HostError::Request(failure));
        }
    };
    // A namespace that `fedns join` made tells of the federation that the cluster is a member of.
    let is_joins = found.annotations().contains_key(CLUSTER_NAME_ANNOTATION);
    let annotation = |key: &str| found.annotations().get(key).filter(|_| !is_joins).cloned();
    Ok(HostedFederation {
        name: annotation(FEDERATION_NAME_ANNOTATION),
        zone: annotation(ZONE_NAME_ANNOTATION),
        host_uid,
    })
}

/// The addresses at which the world asks fedns, as far as a load balancer has given any.
///
/// # Errors
///
/// Why the Service cannot be read.
pub async fn dns_addresses(host: &Party, namespace: &str) -> Result<Vec<String>, Failure> {
    let api = Api::<Service>::namespaced(host.client(), namespace);
    let request = host.request::<Service>("get", DNS_SERVICE);
    let service = limited(&request, api.get_opt(DNS_SERVICE)).await?;
    let status = service.and_then(|service| service.status?.load_balancer?.ingress);
    let addresses = status.into_iter().flatten().filter_map(|ingress| ingress.ip);
    Ok(addresses.collect())
}
