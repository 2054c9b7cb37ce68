//! What the federation's own API is given before anybody uses it: by `init`, and by whoever writes where its
//! storage was lost.

use clusters::definition::{Credentials, Redacted};
use clusters::federation::enabled;
use clusters::federation::names::KINDS_CONFIG_MAP;
use clusters::federation::tie::DEFINITION_NAME;
use clusters::{Access, Connection, MemberAccess};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use serde_json::{Value, json};

use super::certificates::Certificates;
use super::host::{Change, Host};
use super::manifests::federation::{self, Origin};
use super::manifests::secrets;

/// Longer than a controller manager tries to keep its Lease, and then waits before it begins.
const LEASE_SECONDS: u32 = 15;

/// The federation's own API, as its admin.
///
/// # Errors
///
/// Why there is no way to it.
pub async fn connect(
    url: &str,
    namespace: &str,
    certificates: &Certificates,
) -> Result<Host, String> {
    let kubeconfig = secrets::admin_kubeconfig(url, certificates);
    let access = Access::Member(MemberAccess {
        secret: format!("{namespace}/{}", secrets::ALL),
        server: url.to_owned(),
        authority: None,
        credentials: Redacted(Credentials::Kubeconfig(kubeconfig)),
    });
    let connection = Connection::new(&access).await.map_err(|error| error.line())?;
    Ok(Host::new(format!("federation ({url})"), connection.client))
}

/// Everything, in the order in which it is written. The rights for kinds that somebody enabled are lost with
/// the storage, and the host knows which they are.
///
/// # Errors
///
/// Why it is not known.
pub async fn objects(host: &Host, namespace: &str, origin: &Origin) -> Result<Vec<Value>, String> {
    let maps = Api::<ConfigMap>::namespaced(host.client(), namespace);
    let map = host.get(maps, KINDS_CONFIG_MAP).await.map_err(|failure| failure.to_string())?;
    let enabled = enabled::read(&map.and_then(|map| map.data).unwrap_or_default());
    federation::objects(origin, &enabled)
        .map_err(|error| format!("cannot be written as JSON: {error}"))
}

/// True where nothing of it is to be written: what was written last is there.
///
/// # Errors
///
/// Why it is not known.
pub async fn is_done(federation: &Host) -> Result<bool, String> {
    let definitions = Api::<CustomResourceDefinition>::all(federation.client());
    let found = federation.get(definitions, DEFINITION_NAME).await;
    found.map(|found| found.is_some()).map_err(|failure| failure.to_string())
}

/// Makes the controller manager start anew. What it watches began in the storage that was lost, so it would hear of
/// nothing until versions are as high again; and it ends by itself when somebody else has its Lease.
///
/// # Errors
///
/// Why the Lease cannot be taken.
pub async fn restart_controllers(federation: &Host) -> Result<(), String> {
    let leases = Api::<Lease>::namespaced(federation.client(), "kube-system");
    let taken =
        json!({"spec": {"holderIdentity": "fedns-setup", "leaseDurationSeconds": LEASE_SECONDS}});
    // Without a Lease none of it runs, and the next one knows the storage that is there now.
    let written = federation.merge(leases, "kube-controller-manager", &taken).await;
    written.map(drop).map_err(|failure| failure.to_string())
}

/// Writes all of it.
///
/// # Errors
///
/// Why the federation's API does not take it, or not yet.
pub async fn write(federation: &Host, objects: &[Value]) -> Result<Vec<(Value, Change)>, String> {
    let mut written = Vec::new();
    for object in objects {
        let change = federation.apply(object).await.map_err(|failure| failure.to_string())?;
        written.push((object.clone(), change));
    }
    Ok(written)
}
