//! Clusters of the stories: nodes with a place, images in them, and a way in like kubeadm's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tests::certificates::authority_certificate;
use tests::eventually::{GENEROUS, eventually};
use tests::images::{self, CONTROL_PLANE};
use tests::kubeconfig::Context;
use tests::real_cluster::RealCluster;

use super::user::flags;

/// What `fedns init` tells on its way.
pub(super) const PROGRESS: &str = "\
Creating a namespace federation-system for federation system components... done
Creating federation control plane service... done
Creating federation control plane objects (credentials, persistent volume claim)... done
Creating federation component deployments... done
Updating kubeconfig... done
Waiting for federation control plane to come up... done
Federation API server is running at: ";

/// A cluster whose nodes have the web server's image.
pub(super) fn member(name: &str, region: &str, zone: &str) -> RealCluster {
    let cluster = RealCluster::start_at(name, region, zone);
    cluster.load_image(&images::nginx());
    cluster
}

/// One that has the control plane's, too.
pub(super) fn host(name: &str, region: &str, zone: &str) -> RealCluster {
    let cluster = member(name, region, zone);
    images::control_plane().iter().for_each(|archive| cluster.load_image(archive));
    cluster
}

/// What a test adds to `fedns init`: images that nodes here have, and a config with the provider's address.
pub(super) fn of_this_machine(config: &str) -> Vec<String> {
    flags(CONTROL_PLANE.into_iter().chain([("--config", config)]))
}

/// The same cloud that gives Services of members addresses gives them to those of the control plane:
/// to the API and to DNS.
pub(super) fn give_control_plane_addresses(host: &RealCluster) -> [String; 2] {
    ["apiserver", "fedns-dns"].map(|service| give_address(host, "federation-system", service))
}

/// Once there is such a Service.
pub(super) fn give_address(cluster: &RealCluster, namespace: &str, service: &str) -> String {
    eventually(GENEROUS, &format!("there is a Service {service}"), || {
        cluster.api.kubectl().try_run(&format!("-n {namespace} get service {service}"))
    });
    cluster.give_address(namespace, service).to_string()
}

/// A kubeconfig with the names that kubeadm gives.
pub(super) fn admin_conf(context: &Context) -> String {
    let (cluster, user, name) = ("kubernetes", "kubernetes-admin", "kubernetes-admin@kubernetes");
    let authority = STANDARD.encode(authority_certificate());
    let server = json!({"server": context.server, "certificate-authority-data": authority});
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": server}],
        "users": [{"name": user, "user": {"token": context.token}}],
        "contexts": [{"name": name, "context": {"cluster": cluster, "user": user}}],
        "current-context": name,
    });
    config.to_string()
}

/// What of the federation is in a cluster besides copies: nothing, once it has left.
pub(super) fn traces(cluster: &RealCluster) -> String {
    let kubectl = cluster.api.kubectl();
    let namespace = kubectl.run("get namespace federation-system --ignore-not-found -o name");
    let roles = kubectl.run("get clusterroles,clusterrolebindings -o name");
    let ours = roles.lines().filter(|it| it.contains("federation-controller-manager"));
    namespace.lines().chain(ours).collect::<Vec<_>>().join("\n")
}
