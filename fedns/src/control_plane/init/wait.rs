//! Until the control plane runs, or never will.

use std::time::Duration;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use serde_json::Value;
use tokio::time::Instant;

use super::progress::Progress;
use super::{Plan, StepResult};
use crate::control_plane::certificates::Certificates;
use crate::control_plane::host::{Change, Host};
use crate::control_plane::manifests::federation::Origin;
use crate::control_plane::manifests::{APP_LABEL, MODULE_LABEL};
use crate::control_plane::rollout::{self, Progress as Rollout};
use crate::control_plane::settings::{Etcd, Settings};
use crate::control_plane::setup;

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
    let Settings { namespace, federation, host_uid, .. } = &plan.settings;
    let origin = Origin { federation: federation.clone(), host_uid: host_uid.clone() };
    let federation = setup::connect(url, namespace, certificates).await?;
    let objects = setup::objects(host, namespace, &origin).await?;
    let mut written = None;
    loop {
        let rollouts = rollouts(plan, host).await;
        let mut waits = match &rollouts {
            Ok(rollouts) => judge(rollouts)?,
            Err(failure) => vec![failure.clone()],
        };
        if written.is_none() {
            match setup::write(&federation, &objects).await {
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
