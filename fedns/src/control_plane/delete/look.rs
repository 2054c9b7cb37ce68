//! What stands of a federation in its host cluster. Reads only.

use std::collections::{BTreeMap, BTreeSet};

use clusters::federation::enabled::{self, EnabledKind};
use clusters::federation::names::{
    CLUSTER_LABEL, CLUSTER_NAME_ANNOTATION, CONTEXT_ANNOTATION, FEDERATION_NAME_ANNOTATION,
    KINDS_CONFIG_MAP,
};
use clusters::identity::{Identity, identify};
use k8s_openapi::api::core::v1::{
    ConfigMap, Namespace, PersistentVolume, PersistentVolumeClaim, Secret,
};
use kube::{Api, ResourceExt};
use serde_json::Value;

use super::contents::{self, Contents};
use crate::control_plane::certificates::{AUTHORITY, Certificates};
use crate::control_plane::host::Host;
use crate::control_plane::init::{FLAGS_KEY, FLAGS_MAP};
use crate::control_plane::manifests::{APP_LABEL, secrets};
use crate::control_plane::server_config::{CONFIG_FILE, CONFIG_MAP};

/// The host cluster, with or without a control plane.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// UID of the kube-system namespace; `None` where it may not be read.
    pub host_uid: Option<String>,
    /// `None` where the namespace is not there.
    pub system: Option<System>,
}

/// The control plane's namespace.
#[derive(Clone, Debug, Default)]
pub struct System {
    pub is_terminating: bool,
    /// The federation's label.
    pub federation: String,
    /// What init called it; older ones did not say.
    pub context: Option<String>,
    /// The config that fedns serves with, as it stands.
    pub config: Option<String>,
    pub provider_files: BTreeMap<String, Vec<u8>>,
    /// Of somebody else's etcd.
    pub etcd_servers: Vec<String>,
    /// PEM, by which the federation's API is known; `None` where that cannot be read.
    pub authority: Option<String>,
    /// Of whom there is a Secret.
    pub members: BTreeSet<String>,
    /// Kinds that are propagated beside those that always are.
    pub enabled: Vec<EnabledKind>,
    pub contents: Contents,
    pub claims: Vec<Claim>,
}

/// A claim of ours, with its volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub name: String,
    pub capacity: String,
    pub volume: Option<String>,
    /// The volume stays when its claim goes.
    pub is_retained: bool,
}

// === impl Standing ===

impl Standing {
    /// Kinds that are propagated beside those that always are, as far as anything says so.
    pub fn enabled(&self) -> &[EnabledKind] {
        self.system.as_ref().map_or(&[], |system| &system.enabled)
    }
}

/// # Errors
///
/// Why it is not known what stands there, or that the namespace is not one that `fedns init` made.
pub async fn look(host: &Host, namespace: &str) -> Result<Standing, String> {
    let text = |failure: clusters::Failure| failure.to_string();
    let host_uid = match identify(&host.client()).await.map_err(text)? {
        Identity::Uid(uid) => Some(uid),
        Identity::Unreadable(_) => None,
    };
    let found = host.get(Api::<Namespace>::all(host.client()), namespace).await.map_err(text)?;
    let system = match found {
        Some(found) => Some(system(host, &found, host_uid.as_deref()).await?),
        None => None,
    };
    Ok(Standing { host_uid, system })
}

async fn system(host: &Host, found: &Namespace, host_uid: Option<&str>) -> Result<System, String> {
    let text = |failure: clusters::Failure| failure.to_string();
    let namespace = &found.name_any();
    let federation = made_by_init(host, found)?;
    let maps = || Api::<ConfigMap>::namespaced(host.client(), namespace);
    let config = host.get(maps(), CONFIG_MAP).await.map_err(text)?;
    let flags = host.get(maps(), FLAGS_MAP).await.map_err(text)?;
    let kinds = host.get(maps(), KINDS_CONFIG_MAP).await.map_err(text)?;
    let all = || Api::<Secret>::namespaced(host.client(), namespace);
    let data = |secret: Option<Secret>| secret.and_then(|it| it.data).unwrap_or_default();
    let provider = data(host.get(all(), secrets::PROVIDER).await.map_err(text)?);
    let mut certificates = data(host.get(all(), secrets::ALL).await.map_err(text)?);
    let members = host.list(all(), CLUSTER_LABEL).await.map_err(text)?;
    let names = members.iter().filter_map(|secret| secret.labels().get(CLUSTER_LABEL).cloned());
    // What is damaged tells nothing, and goes with the rest.
    let certificates = certificates.remove(secrets::ALL_KEY);
    let certificates =
        certificates.and_then(|it| serde_json::from_slice::<Certificates>(&it.0).ok());
    Ok(System {
        is_terminating: found.metadata.deletion_timestamp.is_some(),
        context: found.annotations().get(CONTEXT_ANNOTATION).cloned(),
        config: config.and_then(|map| map.data?.remove(CONFIG_FILE)),
        provider_files: provider.into_iter().map(|(key, bytes)| (key, bytes.0)).collect(),
        etcd_servers: flags.and_then(|map| map.data?.remove(FLAGS_KEY)).map_or(vec![], of_others),
        authority: certificates.map(|it| it.authority(AUTHORITY).to_owned()),
        members: names.collect(),
        enabled: enabled::read(&kinds.and_then(|map| map.data).unwrap_or_default()),
        contents: contents::look(host, namespace, &federation, host_uid).await.map_err(text)?,
        claims: claims(host, namespace).await?,
        federation,
    })
}

/// The federation's label.
fn made_by_init(host: &Host, found: &Namespace) -> Result<String, String> {
    let (host, namespace) = (&host.words, found.name_any());
    let federation = found.annotations().get(FEDERATION_NAME_ANNOTATION);
    if let Some(member) = found.annotations().get(CLUSTER_NAME_ANNOTATION) {
        let federation = federation.map_or("another federation", String::as_str);
        return Err(format!(
            "{host} holds no control plane: its namespace {namespace} is that of member {member:?} of \
             {federation:?}; name the host cluster with --host-cluster-context, or take the member out with \
             `fedns unjoin {member}`"
        ));
    }
    let is_inits = found.labels().get(APP_LABEL.0).is_some_and(|it| it == APP_LABEL.1);
    federation.filter(|_| is_inits).cloned().ok_or_else(|| {
        format!(
            "namespace {namespace} of {host} was not made by fedns init (it lacks the label {}={} or the \
             annotation {FEDERATION_NAME_ANNOTATION}), and stays as it is; \
             --federation-system-namespace names another one",
            APP_LABEL.0, APP_LABEL.1
        )
    })
}

/// `--etcd-servers` of the flags that init kept.
fn of_others(flags: String) -> Vec<String> {
    let flags: Value = serde_json::from_str(&flags).unwrap_or_default();
    let servers = flags["etcd-servers"].as_array().into_iter().flatten();
    servers.filter_map(|it| it.as_str().map(str::to_owned)).collect()
}

async fn claims(host: &Host, namespace: &str) -> Result<Vec<Claim>, String> {
    let text = |failure: clusters::Failure| failure.to_string();
    let label = format!("{}={}", APP_LABEL.0, APP_LABEL.1);
    let api = Api::<PersistentVolumeClaim>::namespaced(host.client(), namespace);
    let mut claims = Vec::new();
    for claim in host.list(api, &label).await.map_err(text)? {
        let name = claim.name_any();
        let spec = claim.spec.unwrap_or_default();
        let requests = spec.resources.and_then(|it| it.requests).unwrap_or_default();
        let capacity = requests.get("storage").map(|it| it.0.clone()).unwrap_or_default();
        let volume = spec.volume_name.filter(|name| !name.is_empty());
        let is_retained = match &volume {
            Some(volume) => is_retained(host, volume).await,
            None => false,
        };
        claims.push(Claim { name, capacity, volume, is_retained });
    }
    Ok(claims)
}

/// Not every user may read volumes; whoever may not is not told of it.
async fn is_retained(host: &Host, volume: &str) -> bool {
    let found = host.get(Api::<PersistentVolume>::all(host.client()), volume).await;
    let spec = found.ok().flatten().and_then(|volume| volume.spec);
    spec.and_then(|it| it.persistent_volume_reclaim_policy).is_some_and(|it| it == "Retain")
}
