//! Which cluster answers: the UID of its kube-system namespace, which every cluster makes anew.

use std::time::Duration;

use kube::Client;
use kube::core::Request;
use kube::core::params::GetParams;
use serde::Deserialize;

use crate::failure::Failure;

const REQUEST: &str = "get namespace kube-system";
const LIMIT: Duration = Duration::from_secs(5);

/// What a cluster says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    Uid(String),
    /// The namespace may not be read with these credentials: the refusal.
    Unreadable(Failure),
}

#[derive(Deserialize)]
struct Namespace {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    uid: String,
}

/// Reads the cluster's identity. A refusal (403) is an answer, not an error.
///
/// # Errors
///
/// Why nothing is known, a 404 included: every API server makes this namespace by itself, so one
/// without it is no cluster that could be recognised.
pub async fn identify(client: &Client) -> Result<Identity, Failure> {
    let request = Request::new("/api/v1/namespaces")
        .get("kube-system", &GetParams::default())
        .map_err(|error| Failure::NotReady(error.to_string()))?;
    let answer = tokio::time::timeout(LIMIT, client.request::<Namespace>(request))
        .await
        .map_err(|_| Failure::timed_out(REQUEST))?;
    match answer {
        Ok(namespace) => Ok(Identity::Uid(namespace.metadata.uid)),
        Err(error) => match Failure::new(REQUEST, &error) {
            refusal @ Failure::Forbidden(_) => Ok(Identity::Unreadable(refusal)),
            failure => Err(failure),
        },
    }
}
