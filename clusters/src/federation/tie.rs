//! Whether a federation's API and a host cluster belong together: `fedns init` writes into the API which host
//! holds its control plane.
//!
//! An API that says nothing was made by an older `init`, and is taken at the user's word.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, ResourceExt};

use super::host::HostedFederation;
use super::names::{FEDERATION_NAME_ANNOTATION, HOST_UID_ANNOTATION};
use super::steps::{Party, limited};
use crate::failure::Failure;

/// Of `Cluster` objects; it carries what the API says of its federation.
pub const DEFINITION_NAME: &str = "clusters.fedns.io";

/// Why they cannot be used together.
#[derive(Debug, thiserror::Error)]
pub enum TieError {
    #[error(
        "{federation} (--context) is the API of a federation whose control plane is not in {host} \
         (--host-cluster-context): name the two that belong together; nothing was changed"
    )]
    OtherHost { federation: String, host: String },
    #[error(
        "{federation} (--context) is the API of the federation \"{there}\", and that of {host} \
         (--host-cluster-context) is \"{here}\": name the two that belong together, or the namespace of its \
         control plane with --federation-system-namespace; nothing was changed"
    )]
    OtherFederation { federation: String, host: String, there: String, here: String },
    #[error("{0}")]
    Request(Failure),
}

/// Compares what both say.
///
/// # Errors
///
/// That they do not belong together, or why nobody knows. Who may not read definitions is not stopped.
pub async fn check(
    federation: &Party,
    host: &Party,
    hosted: &HostedFederation,
) -> Result<(), TieError> {
    let definitions = Api::<CustomResourceDefinition>::all(federation.client());
    let request = federation.request::<CustomResourceDefinition>("get", DEFINITION_NAME);
    let definition = match limited(&request, definitions.get_metadata_opt(DEFINITION_NAME)).await {
        Ok(Some(definition)) => definition,
        // It is not this question that finds out whether it is a federation at all.
        Ok(None) | Err(Failure::Forbidden(_)) => return Ok(()),
        Err(failure) => return Err(TieError::Request(failure)),
    };
    let said = |key: &str| definition.annotations().get(key).cloned();
    let words = || (federation.words.clone(), host.words.clone());
    if said(HOST_UID_ANNOTATION).is_some_and(|uid| uid != hosted.host_uid) {
        let (federation, host) = words();
        return Err(TieError::OtherHost { federation, host });
    }
    match (said(FEDERATION_NAME_ANNOTATION), hosted.name.clone()) {
        (Some(there), Some(here)) if there != here => {
            let (federation, host) = words();
            Err(TieError::OtherFederation { federation, host, there, here })
        }
        _ => Ok(()),
    }
}
