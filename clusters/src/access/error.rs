//! Why a cluster's entry cannot be used: each line names the file, the context and a remedy.

use std::fmt;
use std::io;
use std::path::Path;

use kube::config::{KubeconfigError, LoadDataError};

use crate::failure::credentials;

/// What a user must look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// A path, several joined by colons, or what stands for them.
    pub file: String,
    /// As named in the cluster's entry.
    pub context: Option<String>,
}

/// Why no client could be made. No text of the kubeconfig itself gets into a line: it holds keys.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    #[error("cannot read kubeconfig {file}")]
    Read { file: String, source: io::Error },
    #[error("kubeconfig {file}:{line}:{column} is not valid: mend it, or name another file")]
    Parse { file: String, line: u64, column: u64 },
    #[error("no kubeconfig: $KUBECONFIG is not set and ~/.kube/config is not there; name a file")]
    NoKubeconfig { context: Option<String> },
    #[error("{place}: there is no such context; there is {}", list(.known))]
    NoContext { place: Place, known: Vec<String> },
    #[error("{place}: it has no current-context; there is {}: name the one that is meant", list(.known))]
    NoCurrentContext { place: Place, known: Vec<String> },
    #[error(
        "{place}: its cluster \"{cluster}\" is not under `clusters` in that file: add it there, or name another context"
    )]
    NoCluster { place: Place, cluster: String },
    #[error(
        "{place}: its user \"{user}\" is not under `users` in that file: add it there, or name another context"
    )]
    NoUser { place: Place, user: String },
    #[error("{place}: {detail}")]
    Server { place: Place, detail: String },
    #[error("{place}: its {what} cannot be used: {detail}")]
    Certificate { place: Place, what: &'static str, detail: String },
    #[error("{place}: {detail}")]
    Credentials { place: Place, detail: String },
    #[error("{place}: the user's credential plug-in gave nothing within {limit_seconds} s")]
    PlugInHangs { place: Place, limit_seconds: u64 },
    #[error("the Pod's service account cannot be used: {detail}")]
    Pod { detail: String },
    #[error("{place}: no client can be made: {detail}")]
    Client { place: Place, detail: String },
    #[error("{why}")]
    Unusable { why: String },
    #[error(
        "the member's server {server:?} is no URL like https://192.0.2.1:6443 (its Secret is {secret})"
    )]
    BadServer { secret: String, server: String },
    #[error(
        "the certificates of the member with Secret {secret} are not PEM: give its caBundle, or the Secret's ca.crt, anew"
    )]
    BadAuthority { secret: String },
    #[error(
        "the kubeconfig of Secret {secret} names files or runs a program: write a self-contained one there (`kubectl config view --minify --flatten`), or run `fedns join`"
    )]
    NotSelfContained { secret: String },
}

// === impl AccessError ===

impl AccessError {
    pub(crate) fn from_kube(place: Place, error: KubeconfigError) -> Self {
        match error {
            KubeconfigError::ReadConfig(source, _) => Self::Read { file: place.file, source },
            KubeconfigError::Parse(error) => {
                let (line, column) = error
                    .location()
                    .map_or((1, 1), |location| (location.line(), location.column()));
                Self::Parse { file: place.file, line, column }
            }
            KubeconfigError::LoadContext(context) => Self::NoContext {
                place: Place { context: Some(context), ..place },
                known: Vec::new(),
            },
            KubeconfigError::CurrentContextNotSet => {
                Self::NoCurrentContext { place, known: Vec::new() }
            }
            KubeconfigError::LoadClusterOfContext(cluster) => Self::NoCluster { place, cluster },
            KubeconfigError::MissingClusterUrl => {
                Self::Server { place, detail: "its cluster has no `server`".to_owned() }
            }
            KubeconfigError::ParseClusterUrl(error) => Self::Server {
                place,
                detail: format!("the `server` of its cluster is no URL: {error}"),
            },
            KubeconfigError::ParseProxyUrl(_) => {
                Self::Server { place, detail: "its proxy-url is no URL".to_owned() }
            }
            KubeconfigError::LoadCertificateAuthority(error) => {
                Self::certificate(place, "certificate-authority", &error)
            }
            KubeconfigError::LoadClientCertificate(error) => {
                Self::certificate(place, "client-certificate", &error)
            }
            KubeconfigError::LoadClientKey(error) => Self::certificate(place, "client-key", &error),
            KubeconfigError::ParseCertificates(_) => Self::Certificate {
                place,
                what: "certificate-authority",
                detail: "it is not PEM".to_owned(),
            },
            KubeconfigError::KindMismatch
            | KubeconfigError::ApiVersionMismatch
            | KubeconfigError::FindPath => Self::Client { place, detail: error.to_string() },
            _ => Self::Client { place, detail: "the kubeconfig cannot be used".to_owned() },
        }
    }

    pub(super) fn from_client(place: Place, error: kube::Error) -> Self {
        match error {
            kube::Error::Auth(error) => Self::Credentials { place, detail: credentials(&error) },
            kube::Error::InferKubeconfig(error) => Self::from_kube(place, error),
            kube::Error::RustlsTls(_) => Self::Certificate {
                place,
                what: "client-certificate or client-key",
                detail: "they are not a PEM certificate and its key".to_owned(),
            },
            kube::Error::ProxyProtocolUnsupported { .. }
            | kube::Error::ProxyProtocolDisabled { .. } => Self::Server {
                place,
                detail: "its proxy (proxy-url or $HTTPS_PROXY) is neither http, https nor socks5"
                    .to_owned(),
            },
            error => Self::Client { place, detail: crate::failure::one_line(&error.to_string()) },
        }
    }

    /// Adds what could have been meant.
    pub(super) fn with_contexts(mut self, contexts: Vec<String>) -> Self {
        if let Self::NoContext { known, .. } | Self::NoCurrentContext { known, .. } = &mut self {
            *known = contexts;
        }
        self
    }

    /// The error and its sources as one line.
    pub fn line(&self) -> String {
        let mut line = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            line.push_str(&format!(": {error}"));
            source = error.source();
        }
        line
    }

    fn certificate(place: Place, what: &'static str, error: &LoadDataError) -> Self {
        let detail = match error {
            LoadDataError::DecodeBase64(_) => "it is not base64".to_owned(),
            LoadDataError::ReadFile(error, path) => {
                format!("cannot read {}: {error}", path.display())
            }
            LoadDataError::NoBase64DataOrFile => "it is missing".to_owned(),
        };
        Self::Certificate { place, what, detail }
    }
}

// === impl Place ===

impl Place {
    pub(crate) fn file(file: &Path) -> Self {
        Self::file_named(&file.display().to_string())
    }

    pub(super) fn file_named(file: &str) -> Self {
        Self { file: file.to_owned(), context: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.context {
            Some(context) => write!(f, "context \"{context}\" of kubeconfig {}", self.file),
            None => write!(f, "kubeconfig {}", self.file),
        }
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
