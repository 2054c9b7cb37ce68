//! What is asked of `join`.

use std::collections::BTreeMap;

use crate::definition::{KubeconfigAccess, Redacted};

#[derive(Clone, Debug)]
pub struct JoinRequest {
    /// The member's name in the federation: a DNS label.
    pub cluster: String,
    pub federation: KubeconfigAccess,
    pub host: KubeconfigAccess,
    pub member: KubeconfigAccess,
    /// As the user named it; a part of the account's name.
    pub host_context: String,
    /// Of the control plane in the host.
    pub namespace: String,
    /// The Secret in the host; `None`: that of the member as it stands, else the member's name.
    pub secret_name: Option<String>,
    /// The federation's label; `None`: as the host tells it.
    pub federation_name: Option<String>,
    /// The address at which the control plane reaches the member; `None`: as in the kubeconfig.
    pub server: Option<String>,
    /// PEM; `None`: those of the kubeconfig and of the account.
    pub authority: Option<Vec<u8>>,
    /// `None`: as it stands; empty: the nodes' labels tell it.
    pub region: Option<String>,
    pub zones: Vec<String>,
    /// Added to the `Cluster` object's.
    pub labels: BTreeMap<String, String>,
    pub credential: Credential,
}

/// What the control plane shows the member.
#[derive(Clone, Debug)]
pub enum Credential {
    /// The token of a service account that is made for it.
    Account {
        /// The token runs out by itself (TokenRequest).
        is_bound: bool,
    },
    /// The text of a kubeconfig whose current context has a user that stands there already.
    Kubeconfig(Redacted<String>),
}
