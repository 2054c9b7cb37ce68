//! What ends the control plane: fedns stops, and its namespace goes, or what is ours in it.

use std::time::Duration;

use clusters::federation::names::{
    CONTEXT_ANNOTATION, FEDERATION_NAME_ANNOTATION, ZONE_NAME_ANNOTATION,
};
use clusters::federation::steps::{Change, Party, Tell, Told};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::DynamicObject;
use kube::{Api, ResourceExt};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::contents::Item;
use super::look::System;
use super::{End, Parties, Plan};
use crate::control_plane::host::Host;
use crate::control_plane::manifests::{APP_LABEL, FEDNS_MODULE, MODULE_LABEL, POD_SECURITY_LABEL};

/// Between two looks.
const PERIOD: Duration = Duration::from_millis(500);
const DEPLOYMENT: &str = "fedns";

/// Ends all of fedns's pods: whoever still ran would write back what is removed.
pub(super) async fn stop_fedns(
    host: &Host,
    namespace: &str,
    timeout: Duration,
    tell: Tell<'_>,
) -> Result<(), String> {
    let text = |failure: clusters::Failure| failure.to_string();
    tell(Told::Begun(format!("Stopping fedns in {}", host.words)));
    let api = Api::<Deployment>::namespaced(host.client(), namespace);
    let none = json!({"spec": {"replicas": 0}});
    let has_stopped = host.merge(api, DEPLOYMENT, &none).await.map_err(text)?;
    let labels = format!("{}={},{MODULE_LABEL}={FEDNS_MODULE}", APP_LABEL.0, APP_LABEL.1);
    wait_for_pods(host, namespace, &labels, timeout, "it may still write").await?;
    tell(Told::Done(if has_stopped { Change::Removed } else { Change::Absent }));
    Ok(())
}

/// Until there is no such pod.
async fn wait_for_pods(
    host: &Host,
    namespace: &str,
    labels: &str,
    timeout: Duration,
    meaning: &str,
) -> Result<(), String> {
    let end = Instant::now() + timeout;
    loop {
        let api = Api::<Pod>::namespaced(host.client(), namespace);
        let pods = host.list(api, labels).await.map_err(|failure| failure.to_string())?;
        if pods.is_empty() {
            return Ok(());
        }
        if Instant::now() >= end {
            let names: Vec<String> = pods.iter().map(ResourceExt::name_any).collect();
            return Err(format!(
                "pod {} has not ended within {} s (--timeout waits longer), and {meaning}; if its node is gone: \
                 kubectl --context={} -n {namespace} delete pod {} --force",
                names.join(", "),
                timeout.as_secs(),
                host.words,
                names.join(" ")
            ));
        }
        sleep(PERIOD).await;
    }
}

/// Ends what the plan says.
pub(super) async fn end(plan: &Plan, parties: &Parties<'_>, tell: Tell<'_>) -> Result<(), String> {
    let Some(system) = &plan.standing.system else { return Ok(()) };
    match plan.end() {
        End::Absent => Ok(()),
        End::Whole => remove_namespace(plan, parties, tell).await,
        End::Objects => remove_objects(plan, system, parties, tell).await,
    }
}

async fn remove_namespace(
    plan: &Plan,
    parties: &Parties<'_>,
    tell: Tell<'_>,
) -> Result<(), String> {
    let Parties { host, host_party, timeout, .. } = parties;
    let text = |failure: clusters::Failure| failure.to_string();
    let namespace = &plan.namespace;
    let all = || Api::<Namespace>::all(host.client());
    tell(Told::Begun(format!("Deleting namespace {namespace} in {}", host.words)));
    let change = host_party.delete(&all(), namespace).await.map_err(text)?;
    let end = Instant::now() + *timeout;
    while let Some(found) = host.get(all(), namespace).await.map_err(text)? {
        if Instant::now() >= end {
            return Err(format!(
                "namespace {namespace} is not gone within {} s (--timeout waits longer){}",
                timeout.as_secs(),
                holding(&found)
            ));
        }
        sleep(PERIOD).await;
    }
    tell(Told::Done(change));
    Ok(())
}

/// What the cluster says of why a namespace does not go.
fn holding(namespace: &Namespace) -> String {
    let conditions = namespace.status.as_ref().and_then(|status| status.conditions.clone());
    let words = conditions.unwrap_or_default().into_iter().filter(|it| it.status == "True");
    words.filter_map(|it| it.message).map(|message| format!("; {message}")).collect()
}

/// Takes what is ours out of a namespace that stays.
async fn remove_objects(
    plan: &Plan,
    system: &System,
    parties: &Parties<'_>,
    tell: Tell<'_>,
) -> Result<(), String> {
    let Parties { host, host_party, timeout, .. } = parties;
    let namespace = &plan.namespace;
    let goes = |item: &&Item| !(plan.keeps_volumes && item.is_claim());
    for item in system.contents.ours.iter().filter(goes) {
        remove_item(host_party, namespace, item, tell).await?;
    }
    let labels = format!("{}={}", APP_LABEL.0, APP_LABEL.1);
    tell(Told::Begun(format!("Waiting until its pods have ended in {}", host.words)));
    wait_for_pods(host, namespace, &labels, *timeout, "it still runs").await?;
    tell(Told::Done(Change::Seen));
    if !plan.keeps_volumes || system.claims.is_empty() {
        // It is no federation's any more.
        let patch = json!({"metadata": {
            "labels": {APP_LABEL.0: null, POD_SECURITY_LABEL: null},
            "annotations": {
                FEDERATION_NAME_ANNOTATION: null, ZONE_NAME_ANNOTATION: null, CONTEXT_ANNOTATION: null,
            },
        }});
        tell(Told::Begun(format!("Taking our marks off namespace {namespace} in {}", host.words)));
        let all = Api::<Namespace>::all(host.client());
        let merged = host.merge(all, namespace, &patch).await;
        merged.map_err(|failure| failure.to_string())?;
        tell(Told::Done(Change::Changed));
    }
    Ok(())
}

async fn remove_item(
    host: &Party,
    namespace: &str,
    item: &Item,
    tell: Tell<'_>,
) -> Result<(), String> {
    let Item { resource, name } = item;
    let api = Api::<DynamicObject>::namespaced_with(host.client(), namespace, resource);
    let kind = resource.kind.to_lowercase();
    tell(Told::Begun(format!("Deleting {kind} {namespace}/{name} in {}", host.words)));
    let change = host.delete_dynamic(&api, name, &resource.plural).await;
    tell(Told::Done(change.map_err(|failure| failure.to_string())?));
    Ok(())
}
