//! What is wanted of a control plane, in one value.

use std::collections::BTreeMap;

use super::images::Images;

/// Everything that decides what stands in the host cluster, but for what is only known there.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The context that the local kubeconfig gets.
    pub name: String,
    /// The label in names.
    pub federation: String,
    pub namespace: String,
    /// UID of the host's kube-system namespace; `None` where it may not be read.
    pub host_uid: Option<String>,
    /// With its final dot.
    pub zone: String,
    pub images: Images,
    pub pull_policy: PullPolicy,
    pub pull_secrets: Vec<String>,
    pub etcd: Etcd,
    pub api_service: ApiService,
    pub dns_service: ServiceType,
    /// Of fedns.
    pub replicas: u32,
    pub node_selector: BTreeMap<String, String>,
    /// Flags without their dashes.
    pub api_server_flags: BTreeMap<String, String>,
    pub controller_manager_flags: BTreeMap<String, String>,
    pub has_token_auth: bool,
    /// fedns reaches the host by a kubeconfig in place of its service account.
    pub has_host_kubeconfig: bool,
    /// The provider's file is one of the AWS tools.
    pub has_aws_file: bool,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize,
)]
#[value(rename_all = "PascalCase")]
pub enum PullPolicy {
    Always,
    IfNotPresent,
    Never,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize,
)]
#[value(rename_all = "PascalCase")]
pub enum ServiceType {
    #[value(name = "ClusterIP")]
    #[serde(rename = "ClusterIP")]
    ClusterIp,
    NodePort,
    LoadBalancer,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Etcd {
    /// One member in the host cluster.
    Own(Storage),
    /// Somebody else's.
    External {
        servers: Vec<String>,
        /// Whether a certificate for it is in the API server's Secret.
        has_client_certificate: bool,
        /// Whether the authority that signs its certificates is.
        has_authority: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Gone with its pod.
    Memory,
    Volume {
        capacity: String,
        class: Option<String>,
    },
}

/// How the world reaches the federation's API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiService {
    pub kind: ServiceType,
    /// Of the node.
    pub port: Option<u16>,
}

// === impl PullPolicy, ServiceType ===

impl PullPolicy {
    pub fn word(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}

impl ServiceType {
    pub fn word(self) -> &'static str {
        match self {
            Self::ClusterIp => "ClusterIP",
            Self::NodePort => "NodePort",
            Self::LoadBalancer => "LoadBalancer",
        }
    }
}
