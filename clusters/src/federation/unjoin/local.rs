//! The `Cluster` object and what the host keeps for it.

use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::failure::Failure;
use crate::federation::cluster_object::ClusterObject;
use crate::federation::names::{CLUSTER_LABEL, DEBTS_PREFIX, MEMBER_FINALIZER};
use crate::federation::steps::{Change, Party, REQUEST_LIMIT, Tell, Told, limited};

const PERIOD: Duration = Duration::from_millis(200);
/// How often another's write may come between.
const TRIES: usize = 5;

/// How the object of a member went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// There was none, and perhaps what is left of it.
    WasAbsent,
    /// There was neither an object nor a Secret of such a member.
    WasUnknown,
    /// The control plane let go of it, or had never held it.
    Released,
    /// The control plane did not let go within the limit; it was not asked further.
    Forced,
}

/// What a member is, until it leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// There is a `Cluster` object of it.
    pub is_listed: bool,
    pub kept: Kept,
    /// The Secret that the object names, where no join made it.
    pub own_secret: Option<String>,
}

/// What the host keeps for a member, by names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Those that a join made.
    pub secrets: Vec<String>,
    /// Config maps of what is still to be removed in the member.
    pub debts: Vec<String>,
}

/// Looks for all that [`leave`] deletes. Reads only.
///
/// # Errors
///
/// Why it is not known.
pub async fn look(
    federation: &Party,
    host: &Party,
    namespace: &str,
    cluster: &str,
) -> Result<Held, Failure> {
    let api = Api::<ClusterObject>::all(federation.client());
    check_federation(federation, &api).await?;
    let request = federation.request::<ClusterObject>("get", cluster);
    let object = limited(&request, api.get_opt(cluster)).await?;
    let kept = kept(host, namespace, cluster).await?;
    let own_secret = match &object {
        Some(object) if !kept.secrets.contains(&object.spec.secret_ref.name) => {
            let name = &object.spec.secret_ref.name;
            let api = Api::<Secret>::namespaced(host.client(), namespace);
            let request = host.request::<Secret>("get", name);
            limited(&request, api.get_metadata_opt(name)).await?.map(|it| it.name_any())
        }
        _ => None,
    };
    Ok(Held { is_listed: object.is_some(), kept, own_secret })
}

/// Deletes the object, the member's Secrets and its debts, and waits `patience` for the control plane
/// to let go of the object.
///
/// # Errors
///
/// Why the member may be one still.
pub async fn leave(
    federation: &Party,
    host: &Party,
    namespace: &str,
    cluster: &str,
    patience: Duration,
    tell: Tell<'_>,
) -> Result<Gone, Failure> {
    let api = Api::<ClusterObject>::all(federation.client());
    check_federation(federation, &api).await?;
    tell(Told::Begun(format!("Deleting cluster {cluster} in {}", federation.words)));
    let change = federation.delete(&api, cluster).await?;
    tell(Told::Done(change));
    // Before the object is gone: a Secret alone would keep the member.
    let had_secret = forget(host, namespace, cluster, tell).await?;
    if change == Change::Absent {
        return Ok(if had_secret { Gone::WasAbsent } else { Gone::WasUnknown });
    }
    if is_gone(federation, &api, cluster).await? {
        return Ok(Gone::Released);
    }
    tell(Told::Begun("Waiting until the control plane lets it go".to_owned()));
    let end = Instant::now() + patience;
    while Instant::now() < end {
        sleep(PERIOD).await;
        if is_gone(federation, &api, cluster).await? {
            tell(Told::Done(Change::Seen));
            return Ok(Gone::Released);
        }
    }
    release(federation, &api, cluster).await?;
    tell(Told::Done(Change::Seen));
    Ok(Gone::Forced)
}

/// An API that knows no members has none to take out, and another one may have them.
async fn check_federation(federation: &Party, api: &Api<ClusterObject>) -> Result<(), Failure> {
    let request = format!("{}: list clusters", federation.words);
    match limited(&request, api.list_metadata(&ListParams::default().limit(1))).await {
        Err(Failure::NotFound(_)) => Err(Failure::NotFound(format!(
            "{} has no clusters.fedns.io: it is no federation's API; name the federation's context with \
             --context; nothing was changed",
            federation.words
        ))),
        answer => answer.map(drop),
    }
}

async fn is_gone(
    federation: &Party,
    api: &Api<ClusterObject>,
    cluster: &str,
) -> Result<bool, Failure> {
    let request = federation.request::<ClusterObject>("get", cluster);
    Ok(limited(&request, api.get_metadata_opt(cluster)).await?.is_none())
}

/// Takes our finalizer off, and no other.
async fn release(
    federation: &Party,
    api: &Api<ClusterObject>,
    cluster: &str,
) -> Result<(), Failure> {
    let request = federation.request::<ClusterObject>("patch", cluster);
    for _ in 0..TRIES {
        let Some(object) = limited(&request, api.get_metadata_opt(cluster)).await? else {
            return Ok(());
        };
        let kept: Vec<&String> =
            object.finalizers().iter().filter(|it| *it != MEMBER_FINALIZER).collect();
        let version = object.resource_version();
        let patch = json!({"metadata": {"resourceVersion": version, "finalizers": kept}});
        let (patch, params) = (Patch::Merge(patch), PatchParams::default());
        let answer =
            tokio::time::timeout(REQUEST_LIMIT, api.patch_metadata(cluster, &params, &patch));
        match answer.await {
            Err(_) => return Err(Failure::timed_out(&request)),
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(kube::Error::Api(status))) if matches!(status.code, 404 | 409) => {}
            Ok(Err(error)) => return Err(Failure::new(&request, &error)),
        }
    }
    Err(Failure::NotReady(format!("{request}: others go on changing it; try again")))
}

async fn kept(host: &Party, namespace: &str, cluster: &str) -> Result<Kept, Failure> {
    let ours = ListParams::default().labels(&format!("{CLUSTER_LABEL}={cluster}"));
    let secrets = Api::<Secret>::namespaced(host.client(), namespace);
    let request = format!("{}: list secrets", host.words);
    let secrets = limited(&request, secrets.list_metadata(&ours)).await?;
    let maps = Api::<ConfigMap>::namespaced(host.client(), namespace);
    let request = format!("{}: list configmaps", host.words);
    let maps = limited(&request, maps.list_metadata(&ours)).await?;
    let debts = maps.items.iter().map(ResourceExt::name_any);
    Ok(Kept {
        secrets: secrets.items.iter().map(ResourceExt::name_any).collect(),
        debts: debts.filter(|name| name.starts_with(DEBTS_PREFIX)).collect(),
    })
}

/// True where there was a Secret of the member.
async fn forget(
    host: &Party,
    namespace: &str,
    cluster: &str,
    tell: Tell<'_>,
) -> Result<bool, Failure> {
    let Kept { secrets, debts } = kept(host, namespace, cluster).await?;
    let api = Api::<Secret>::namespaced(host.client(), namespace);
    for name in &secrets {
        tell(Told::Begun(format!("Deleting secret {namespace}/{name} in {}", host.words)));
        tell(Told::Done(host.delete(&api, name).await?));
    }
    let api = Api::<ConfigMap>::namespaced(host.client(), namespace);
    for name in &debts {
        tell(Told::Begun(format!("Deleting config map {namespace}/{name} in {}", host.words)));
        tell(Told::Done(host.delete(&api, name).await?));
    }
    Ok(!secrets.is_empty())
}
