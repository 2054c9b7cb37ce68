//! The pod that this process runs in, with a label while it is the holder of a lease: a Service that
//! selects by the label then leads to the holder.

use std::env;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use crate::access::Connection;
use crate::definition::Access;
use crate::failure::Failure;

/// On the pod of the process that writes.
pub const LEADER_LABEL: &str = "fedns.io/leader";
/// Its value.
pub const LEADER: &str = "true";

/// For one request.
const LIMIT: Duration = Duration::from_secs(5);

/// One pod, and the way to its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HolderPod {
    pub access: Access,
    pub namespace: String,
    pub name: String,
}

// === impl HolderPod ===

impl HolderPod {
    /// The pod that `POD_NAMESPACE` and `POD_NAME` name; `None` where this process does not know of one.
    pub fn of_environment(access: Access) -> Option<Self> {
        let told = |variable: &str| env::var(variable).ok().filter(|value| !value.is_empty());
        Some(Self { access, namespace: told("POD_NAMESPACE")?, name: told("POD_NAME")? })
    }

    /// Gives the pod the label or takes it away. A label that is as it should be is no change.
    ///
    /// # Errors
    ///
    /// Why the label is not known to be as wanted, in one line.
    pub async fn label(&self, is_holder: bool) -> Result<(), String> {
        let connection = Connection::new(&self.access).await.map_err(|error| error.line())?;
        let pods: Api<Pod> = Api::namespaced(connection.client.clone(), &self.namespace);
        let value = is_holder.then_some(LEADER);
        let patch = Patch::Merge(json!({"metadata": {"labels": {LEADER_LABEL: value}}}));
        let request = format!("patch pod {}/{}", self.namespace, self.name);
        let parameters = PatchParams::default();
        match tokio::time::timeout(LIMIT, pods.patch(&self.name, &parameters, &patch)).await {
            Err(_) => Err(Failure::timed_out(&request).to_string()),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Failure::new(&request, &error).to_string()),
        }
    }
}
