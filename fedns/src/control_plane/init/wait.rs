//! Until the control plane runs, or never will.

use std::time::Duration;

use clusters::definition::{Credentials, Redacted};
use clusters::federation::enabled;
use clusters::federation::names::KINDS_CONFIG_MAP;
use clusters::{Access, Connection, MemberAccess};
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::Api;
use serde_json::Value;
use tokio::time::Instant;

use super::progress::Progress;
use super::{Plan, StepResult};
use crate::control_plane::certificates::Certificates;
use crate::control_plane::host::{Change, Host};
use crate::control_plane::manifests::{APP_LABEL, MODULE_LABEL, federation, secrets};
use crate::control_plane::rollout::{self, Progress as Rollout};
use crate::control_plane::settings::Etcd;

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(1);

const DEPLOYMENTS: [(&str, &str); 3] = [
    ("apiserver", "federation-apiserver"),
    ("controller-manager", "federation-controller-manager"),
    ("fedns", "fedns"),
];

/// Waits for the federation's API, puts into it what fedns needs there, and waits for all pods.
pub(super) async fn until_up(
    plan: &Plan,
    host: &Host,
    url: &str,
    certificates: &Certificates,
    progress: &mut Progress,
) -> StepResult<Vec<(Value, Change)>> {
    let end = Instant::now() + plan.timeout;
    let federation = federation(plan, url, certificates).await?;
    let mut objects = federation::objects().map_err(super::json_error)?;
    objects.extend(enabled_kinds(plan, host).await?);
    let mut written = None;
    loop {
        let rollouts = rollouts(plan, host).await;
        let mut waits = match &rollouts {
            Ok(rollouts) => judge(rollouts)?,
            Err(failure) => vec![failure.clone()],
        };
        if written.is_none() {
            match write(&federation, &objects).await {
                Ok(changes) => written = Some(changes),
                Err(failure) => waits.push(failure),
            }
        }
        if waits.is_empty()
            && let Some(written) = written
        {
            return Ok(written);
        }
        if Instant::now() >= end {
            let seconds = plan.timeout.as_secs();
            return Err(format!(
                "not within {seconds} s (--timeout waits longer): {}",
                waits.join("; ")
            ));
        }
        progress.tick();
        tokio::time::sleep(PERIOD).await;
    }
}

/// What is still waited for; an error where waiting is in vain.
fn judge(rollouts: &[(&'static str, Rollout)]) -> StepResult<Vec<String>> {
    let mut waits = Vec::new();
    for (part, rollout) in rollouts {
        match rollout {
            Rollout::Ready => {}
            Rollout::Waiting(why) => waits.push(format!("{part}: {why}")),
            Rollout::Hopeless(why) => return Err(format!("{part} cannot start: {why}")),
        }
    }
    Ok(waits)
}

/// An etcd that was lost has lost the rights for kinds that somebody enabled, and the host knows which.
async fn enabled_kinds(plan: &Plan, host: &Host) -> StepResult<Vec<Value>> {
    let maps = Api::<ConfigMap>::namespaced(host.client(), &plan.settings.namespace);
    let map = host.get(maps, KINDS_CONFIG_MAP).await.map_err(|failure| failure.to_string())?;
    let enabled = enabled::read(&map.and_then(|map| map.data).unwrap_or_default());
    if enabled.is_empty() {
        return Ok(Vec::new());
    }
    let (role, binding) = enabled::grant::of_federation(&enabled);
    let values = [serde_json::to_value(role), serde_json::to_value(binding)];
    values.into_iter().collect::<Result<_, _>>().map_err(super::json_error)
}

/// All of the federation's own objects, or why its API does not take them yet.
async fn write(federation: &Host, objects: &[Value]) -> StepResult<Vec<(Value, Change)>> {
    let mut written = Vec::new();
    for object in objects {
        let change = federation.apply(object).await.map_err(|failure| failure.to_string())?;
        written.push((object.clone(), change));
    }
    Ok(written)
}

async fn federation(plan: &Plan, url: &str, certificates: &Certificates) -> StepResult<Host> {
    let access = Access::Member(MemberAccess {
        secret: format!("{}/{}", plan.settings.namespace, secrets::ALL),
        server: url.to_owned(),
        authority: None,
        credentials: Redacted(Credentials::Kubeconfig(secrets::admin_kubeconfig(
            url,
            certificates,
        ))),
    });
    let connection = Connection::new(&access).await.map_err(|error| error.line())?;
    Ok(Host::new(format!("federation ({url})"), connection.client))
}

async fn rollouts(plan: &Plan, host: &Host) -> StepResult<Vec<(&'static str, Rollout)>> {
    let namespace = &plan.settings.namespace;
    let text = |failure: clusters::Failure| failure.to_string();
    let label = format!("{}={}", APP_LABEL.0, APP_LABEL.1);
    let pods = Api::<Pod>::namespaced(host.client(), namespace);
    let pods = host.list(pods, &label).await.map_err(text)?;
    let of_module = |module: &str| -> Vec<Pod> {
        let is_of = |pod: &&Pod| {
            let labels = pod.metadata.labels.as_ref();
            labels.and_then(|labels| labels.get(MODULE_LABEL)).is_some_and(|it| it == module)
        };
        pods.iter().filter(is_of).cloned().collect()
    };
    let mut rollouts = Vec::new();
    if matches!(plan.settings.etcd, Etcd::Own(_)) {
        let sets = Api::<StatefulSet>::namespaced(host.client(), namespace);
        let set = host.get(sets, "etcd").await.map_err(text)?.unwrap_or_default();
        rollouts.push(("etcd", rollout::of_stateful_set(&set, &of_module("federation-etcd"))));
    }
    for (name, module) in DEPLOYMENTS {
        let deployments = Api::<Deployment>::namespaced(host.client(), namespace);
        let deployment = host.get(deployments, name).await.map_err(text)?.unwrap_or_default();
        rollouts.push((name, rollout::of_deployment(&deployment, &of_module(module))));
    }
    Ok(rollouts)
}
