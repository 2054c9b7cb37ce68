//! A federation without `init` and `join`: what a person writes to make a cluster a member.

use serde_json::json;

use crate::api_server::ApiServer;
use crate::kubeconfig::kubeconfig;

/// Of `Cluster` objects.
pub const DEFINITION: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../clusters/src/federation/cluster-crd.json"
));

/// Teaches the federation's API what a `Cluster` is, and makes the control plane's namespace in its host.
pub fn prepare(federation: &ApiServer, host: &ApiServer) {
    federation.kubectl().apply(DEFINITION);
    federation.kubectl().run("wait --for=condition=Established crd/clusters.fedns.io");
    host.kubectl().run("create namespace federation-system");
}

/// A Secret with a kubeconfig in the host, and the `Cluster` object.
pub fn join(federation: &ApiServer, host: &ApiServer, member: &ApiServer) {
    let name = member.name();
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"namespace": "federation-system", "name": name},
        "stringData": {"kubeconfig": kubeconfig(&[member.context()])},
    });
    host.kubectl().apply(&secret.to_string());
    let object = json!({
        "apiVersion": "fedns.io/v1alpha1", "kind": "Cluster",
        "metadata": {"name": name},
        "spec": {"server": member.url(), "secretRef": {"name": name}},
    });
    federation.kubectl().apply(&object.to_string());
}
