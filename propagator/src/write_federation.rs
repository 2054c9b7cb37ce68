//! One write to an object of the federation: what fedns itself puts on it.

use std::collections::BTreeMap;
use std::sync::Arc;

use clusters::federation::names::FIELD_MANAGER;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::endpoint::{Endpoint, Trouble};
use crate::key::Key;
use crate::kinds::Kind;
use crate::object::Federated;

/// What shall be another on the object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FederationWrite {
    pub uid: String,
    /// Whole, with the version that they were read at: others write there, too.
    pub finalizers: Option<(Vec<String>, String)>,
    pub annotations: BTreeMap<&'static str, String>,
    /// Fields of the status; `null` removes one.
    pub status: Option<Value>,
}

// === impl FederationWrite ===

impl FederationWrite {
    pub fn is_empty(&self) -> bool {
        self.finalizers.is_none() && self.annotations.is_empty() && self.status.is_none()
    }

    /// Returns the object as it is then; `None` if it is gone.
    ///
    /// # Errors
    ///
    /// Why it could not be written. What was written before that stays.
    pub async fn perform(
        &self,
        endpoint: &Endpoint,
        kind: &Kind,
        key: &Key,
    ) -> Result<Option<Arc<Federated>>, Trouble> {
        let api = endpoint.api(kind, &key.namespace).await?;
        let parameters =
            PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
        let mut object = None;
        if let Some(metadata) = self.metadata() {
            let request = format!("patch {} {}", kind.resource.plural, key.path());
            let patch = Patch::Merge(&metadata);
            let call = api.patch(&key.name, &parameters, &patch);
            match gone_or(endpoint.call(&request, call).await)? {
                None => return Ok(None),
                written => object = written,
            }
        }
        if let Some(status) = &self.status {
            let request = format!("patch {}/status {}", kind.resource.plural, key.path());
            let patch = json!({"metadata": {"uid": self.uid}, "status": status});
            let patch = Patch::Merge(&patch);
            let call = api.patch_status(&key.name, &parameters, &patch);
            match gone_or(endpoint.call(&request, call).await)? {
                None => return Ok(None),
                written => object = written,
            }
        }
        Ok(object.map(Federated::new))
    }

    fn metadata(&self) -> Option<Value> {
        let mut metadata = json!({"uid": self.uid});
        if let Some((finalizers, version)) = &self.finalizers {
            metadata["finalizers"] = json!(finalizers);
            metadata["resourceVersion"] = json!(version);
        }
        if !self.annotations.is_empty() {
            metadata["annotations"] = json!(self.annotations);
        }
        (self.finalizers.is_some() || !self.annotations.is_empty())
            .then(|| json!({"metadata": metadata}))
    }
}

/// An object that is gone needs no write.
fn gone_or<T>(result: Result<T, Trouble>) -> Result<Option<T>, Trouble> {
    match result {
        Err(Trouble::Missing(_)) => Ok(None),
        result => result.map(Some),
    }
}
