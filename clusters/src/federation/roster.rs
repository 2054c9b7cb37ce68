//! The members of a federation at one moment, as commands need them.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use super::cluster_object::ClusterObject;
use super::names::{
    CLUSTER_LABEL, CLUSTER_NAME_ANNOTATION, CLUSTER_UID_ANNOTATION, HOST_UID_ANNOTATION,
};
use super::steps::{Party, limited};
use crate::failure::Failure;

/// Why the members are not known.
#[derive(Debug, thiserror::Error)]
pub enum RosterError {
    #[error("{0}")]
    Request(#[from] Failure),
    #[error(
        "{federation} has no clusters.fedns.io: it is no federation's API; make one with `fedns init`, or \
         name its context with --context"
    )]
    NoDefinition { federation: String },
    #[error(
        "{federation} is not the federation of {host}: its cluster {cluster} belongs to another; correct \
         --context or --host-cluster-context"
    )]
    OtherFederation { federation: String, host: String, cluster: String },
}

/// One member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// UID of its kube-system namespace, where `fedns join` could read it.
    pub uid: Option<String>,
}

/// Those with a `Cluster` object, and those that only their Secret in the host tells of. `host_uid` is
/// the UID of the host's kube-system namespace.
///
/// # Errors
///
/// Why they are not all known, or that host and federation do not belong together.
pub async fn list(
    federation: &Party,
    host: &Party,
    namespace: &str,
    host_uid: &str,
) -> Result<BTreeMap<String, Listed>, RosterError> {
    let mut members = BTreeMap::new();
    let api = Api::<Secret>::namespaced(host.client(), namespace);
    let request = format!("{}: list secrets", host.words);
    let labelled = ListParams::default().labels(CLUSTER_LABEL);
    for secret in limited(&request, api.list_metadata(&labelled)).await?.items {
        let name = secret.labels().get(CLUSTER_LABEL).cloned().unwrap_or_default();
        let uid = secret.annotations().get(CLUSTER_UID_ANNOTATION).cloned();
        members.insert(name, Listed { uid });
    }
    let api = Api::<ClusterObject>::all(federation.client());
    let request = format!("{}: list clusters", federation.words);
    let objects = match limited(&request, api.list_metadata(&ListParams::default())).await {
        Err(Failure::NotFound(_)) => {
            return Err(RosterError::NoDefinition { federation: federation.words.clone() });
        }
        objects => objects?,
    };
    for object in objects.items {
        let annotations = object.annotations();
        let is_joined = annotations.contains_key(CLUSTER_NAME_ANNOTATION);
        if is_joined && annotations.get(HOST_UID_ANNOTATION).is_none_or(|uid| uid != host_uid) {
            return Err(RosterError::OtherFederation {
                federation: federation.words.clone(),
                host: host.words.clone(),
                cluster: object.name_any(),
            });
        }
        let uid = annotations.get(CLUSTER_UID_ANNOTATION).cloned();
        let listed = members.entry(object.name_any()).or_default();
        listed.uid = uid.or_else(|| listed.uid.take());
    }
    Ok(members)
}
