//! Kubeconfig files for any number of clusters.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::certificates::authority_certificate;

/// One way into one API server. Every server of a run is signed by the run's one authority, so a
/// context needs no certificate of its own.
#[derive(Clone, Debug)]
pub struct Context {
    pub name: String,
    /// `https://host:port`
    pub server: String,
    pub token: String,
}

impl Context {
    /// The same way in under another name.
    pub fn renamed(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The same credentials at another address, such as a proxy's.
    pub fn through(mut self, server: String) -> Self {
        self.server = server;
        self
    }
}

/// The text of a kubeconfig; its current context is the first. JSON is YAML, so no YAML writer is
/// needed.
pub fn kubeconfig(contexts: &[Context]) -> String {
    let authority = STANDARD.encode(authority_certificate());
    let clusters = contexts.iter().map(|Context { name, server, .. }| {
        json!({"name": name, "cluster": {"server": server, "certificate-authority-data": authority}})
    });
    let users = contexts
        .iter()
        .map(|Context { name, token, .. }| json!({"name": name, "user": {"token": token}}));
    let entries = contexts.iter().map(
        |Context { name, .. }| json!({"name": name, "context": {"cluster": name, "user": name}}),
    );
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": clusters.collect::<Vec<_>>(),
        "users": users.collect::<Vec<_>>(),
        "contexts": entries.collect::<Vec<_>>(),
        "current-context": contexts.first().map(|context| &context.name),
    });
    format!("{config:#}\n")
}
