//! Objects written one after another, told as they are, each so that the same may be done again.

use std::fmt::Debug;
use std::time::Duration;

use kube::api::{Api, DeleteParams, Patch, PatchParams};
use kube::{Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::names::FIELD_MANAGER;
use crate::AccessError;
use crate::access::Connection;
use crate::definition::KubeconfigAccess;
use crate::failure::Failure;

/// For one request.
pub const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// What is told while it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A step begins, like `Creating Secret federation-system/beijing in hangzhou`.
    Begun(String),
    /// The step that began last has come to its end.
    Done(Change),
    /// The step that began last, if it has not come to its end, was given up; the others go on.
    Failed,
    /// Worth knowing, and in nobody's way.
    Note(String),
}

/// What a step has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Created,
    Changed,
    Unchanged,
    Removed,
    /// It was not there.
    Absent,
    /// Neither made nor removed anything: it waited, or looked.
    Seen,
}

/// Whoever listens.
pub type Tell<'a> = &'a (dyn Fn(Told) + Send + Sync);

/// One of the API servers that take part.
#[derive(Clone)]
pub struct Party {
    /// For people: `cluster "beijing"`.
    pub words: String,
    /// The option that names it.
    pub flag: &'static str,
    pub connection: Connection,
}

/// Why an API server cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{flag}: {line}")]
pub struct PartyError {
    pub flag: &'static str,
    pub line: String,
}

// === impl Party ===

impl Party {
    /// Opens no connection yet.
    ///
    /// # Errors
    ///
    /// What is wrong with the kubeconfig; an unknown context is answered with those that there are.
    pub async fn new(
        words: String,
        flag: &'static str,
        access: &KubeconfigAccess,
    ) -> Result<Self, PartyError> {
        let connection = Connection::new(&access.clone().into()).await;
        let failed = |error: AccessError| PartyError { flag, line: error.line() };
        Ok(Self { words, flag, connection: connection.map_err(failed)? })
    }

    pub fn client(&self) -> Client {
        self.connection.client.clone()
    }

    /// Applies an object with server-side apply, as fedns.
    ///
    /// # Errors
    ///
    /// Why it does not stand as wanted.
    pub async fn apply<K>(&self, api: &Api<K>, wanted: &K) -> Result<Change, Failure>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Serialize,
    {
        let name = wanted.name_any();
        let request = self.request::<K>("apply", &name);
        let before = limited(&request, api.get_metadata_opt(&name)).await?;
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let after = limited(&request, api.patch(&name, &params, &Patch::Apply(wanted))).await?;
        Ok(match before {
            None => Change::Created,
            Some(before) if before.resource_version() == after.resource_version() => {
                Change::Unchanged
            }
            Some(_) => Change::Changed,
        })
    }

    /// Deletes an object; one that is not there is none the worse.
    ///
    /// # Errors
    ///
    /// Why it may be there still.
    pub async fn delete<K>(&self, api: &Api<K>, name: &str) -> Result<Change, Failure>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
    {
        self.delete_dynamic(api, name, &K::plural(&())).await
    }

    /// [`Party::delete`] for a kind that is known by its name only.
    ///
    /// # Errors
    ///
    /// Why it may be there still.
    pub async fn delete_dynamic<K>(
        &self,
        api: &Api<K>,
        name: &str,
        plural: &str,
    ) -> Result<Change, Failure>
    where
        K: Clone + Debug + DeserializeOwned,
    {
        let request = format!("{}: delete {plural} {name}", self.words);
        // Else the pods of a Job would stay.
        match limited(&request, api.delete(name, &DeleteParams::background())).await {
            Ok(_) => Ok(Change::Removed),
            Err(Failure::NotFound(_)) => Ok(Change::Absent),
            Err(failure) => Err(failure),
        }
    }

    /// Asks for no more than a version.
    ///
    /// # Errors
    ///
    /// Why it does not answer within the limit.
    pub async fn answers(&self, limit: Duration) -> Result<(), Failure> {
        let request = format!("{}: get /version", self.words);
        match tokio::time::timeout(limit, self.connection.client.apiserver_version()).await {
            Err(_) => Err(Failure::timed_out(&request)),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Failure::new(&request, &error)),
        }
    }

    /// How a request is told where it fails: `beijing: apply clusterroles x`.
    pub fn request<K: Resource<DynamicType = ()>>(&self, verb: &str, name: &str) -> String {
        format!("{}: {verb} {} {name}", self.words, K::plural(&()))
    }
}

/// The answer, or why there is none within [`REQUEST_LIMIT`].
pub(super) async fn limited<T>(
    request: &str,
    answer: impl Future<Output = kube::Result<T>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(REQUEST_LIMIT, answer).await {
        Err(_) => Err(Failure::timed_out(request)),
        Ok(answer) => answer.map_err(|error| Failure::new(request, &error)),
    }
}
