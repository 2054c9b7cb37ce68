//! The ConfigMap of a cluster's CoreDNS, changed in nothing but the federation's server block.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::corefile::{self, CorefileError};
use super::steps::{Change, Party, limited};
use crate::failure::Failure;

const NAMESPACE: &str = "kube-system";
const NAME: &str = "coredns";
const KEY: &str = "Corefile";
/// How often another's write may come between.
const TRIES: usize = 5;

/// Why CoreDNS stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum CoreDnsError {
    #[error("{member} has no ConfigMap {NAMESPACE}/{NAME} with a Corefile; does it run CoreDNS?")]
    NoCorefile { member: String },
    #[error("{member}, ConfigMap {NAMESPACE}/{NAME}: {source}")]
    Corefile { member: String, source: CorefileError },
    #[error("{0}")]
    Request(Failure),
}

/// Which federation's zone is asked of whom.
#[derive(Clone, Debug)]
pub struct Forward {
    /// The federation's label.
    pub federation: String,
    pub zone: String,
    /// Addresses of fedns.
    pub servers: Vec<String>,
}

/// Lets the cluster's CoreDNS ask fedns for the zone.
///
/// # Errors
///
/// Why it does not.
pub async fn configure(member: &Party, forward: &Forward) -> Result<Change, CoreDnsError> {
    let Forward { federation, zone, servers } = forward;
    let edited = |text: &str| corefile::with_block(text, federation, zone, servers);
    edit(member, edited, Attempt::InEarnest).await
}

/// Whether [`configure`] would do, without a change.
///
/// # Errors
///
/// Why it would not.
pub async fn try_out(member: &Party, forward: &Forward) -> Result<(), CoreDnsError> {
    let Forward { federation, zone, servers } = forward;
    let edited = |text: &str| corefile::with_block(text, federation, zone, servers);
    edit(member, edited, Attempt::Trial).await.map(drop)
}

/// Takes the federation's block out; a cluster without CoreDNS has none.
///
/// # Errors
///
/// Why the block may be there still.
pub async fn restore(member: &Party, federation: &str) -> Result<Change, CoreDnsError> {
    let edited = |text: &str| corefile::without_block(text, federation);
    match edit(member, edited, Attempt::InEarnest).await {
        Err(CoreDnsError::NoCorefile { .. }) => Ok(Change::Absent),
        Ok(Change::Changed) => Ok(Change::Removed),
        Ok(_) => Ok(Change::Absent),
        Err(error) => Err(error),
    }
}

/// True where the cluster's CoreDNS has the federation's block.
///
/// # Errors
///
/// Why that is not known; a torn block is one as well.
pub async fn has_block(member: &Party, federation: &str) -> Result<bool, CoreDnsError> {
    let api = Api::<ConfigMap>::namespaced(member.client(), NAMESPACE);
    let request = member.request::<ConfigMap>("get", NAME);
    let found = limited(&request, api.get_opt(NAME)).await.map_err(CoreDnsError::Request)?;
    let Some(text) = found.and_then(|map| map.data?.remove(KEY)) else { return Ok(false) };
    let without = corefile::without_block(&text, federation)
        .map_err(|source| CoreDnsError::Corefile { member: member.words.clone(), source })?;
    Ok(without != text)
}

/// Whether a write is one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempt {
    InEarnest,
    /// The API server judges it, and stores nothing.
    Trial,
}

async fn edit(
    member: &Party,
    edited: impl Fn(&str) -> Result<String, CorefileError>,
    attempt: Attempt,
) -> Result<Change, CoreDnsError> {
    let api = Api::<ConfigMap>::namespaced(member.client(), NAMESPACE);
    let request = member.request::<ConfigMap>("patch", NAME);
    for _ in 0..TRIES {
        let found = limited(&request, api.get_opt(NAME)).await.map_err(CoreDnsError::Request)?;
        let found = found.and_then(|mut map| {
            let text = map.data.as_mut()?.remove(KEY)?;
            Some((text, map.metadata.resource_version))
        });
        let Some((text, version)) = found else {
            return Err(CoreDnsError::NoCorefile { member: member.words.clone() });
        };
        let wanted = edited(&text)
            .map_err(|source| CoreDnsError::Corefile { member: member.words.clone(), source })?;
        if wanted == text {
            return Ok(Change::Unchanged);
        }
        // Only over the text that was read.
        let patch = json!({"metadata": {"resourceVersion": version}, "data": {KEY: wanted}});
        let params = PatchParams { dry_run: attempt == Attempt::Trial, ..PatchParams::default() };
        let patch = Patch::Merge(patch);
        let answer = api.patch(NAME, &params, &patch);
        match tokio::time::timeout(super::steps::REQUEST_LIMIT, answer).await {
            Err(_) => return Err(CoreDnsError::Request(Failure::timed_out(&request))),
            Ok(Ok(_)) => return Ok(Change::Changed),
            Ok(Err(kube::Error::Api(status))) if status.code == 409 => {}
            Ok(Err(error)) => return Err(CoreDnsError::Request(Failure::new(&request, &error))),
        }
    }
    let line = format!("{request}: others go on changing it; try again");
    Err(CoreDnsError::Request(Failure::NotReady(line)))
}
