//! Pods that no node takes: looked for only where replicas of an object are not ready.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use model::UnixTime;
use planner::eligibility::{CapacityEstimate, CapacityView, EligibilitySettings, MemberPods};
use planner::replicas::Standing;

use crate::endpoint::{Endpoint, Trouble};
use crate::key::Key;
use crate::object::Copy;

/// Between two looks at the pods of one object in one member.
pub fn look_interval(settings: &EligibilitySettings) -> Duration {
    Duration::from_secs((settings.unschedulable_after_seconds / 3).max(1))
}

/// The pods of an object in a member, those that ended or end left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pods {
    pub count: u32,
    pub unschedulable_since: Vec<UnixTime>,
}

/// What is remembered of an object's replicas in a member.
#[derive(Debug, Default)]
pub struct Look {
    estimate: CapacityEstimate,
    /// As they were seen last, while not all replicas are ready.
    pub pods: Option<Pods>,
    pub is_in_flight: bool,
    /// Not before then.
    pub next: Option<std::time::Instant>,
}

// === impl Look ===

impl Look {
    /// How the replicas of a copy stand, and when that may change by itself.
    pub fn observe(
        &mut self,
        copy: &Copy,
        now: UnixTime,
        settings: &EligibilitySettings,
    ) -> (Standing, Option<UnixTime>) {
        let replicas = number(&copy.body["spec"]["replicas"]).unwrap_or(0);
        let pods = self.pods.clone().unwrap_or(Pods { count: replicas, ..Pods::default() });
        let seen = MemberPods {
            replicas,
            pods: pods.count,
            unschedulable_since: &pods.unschedulable_since,
        };
        let view = self.estimate.observe(&seen, now, settings);
        let CapacityView { current, capacity, look_again } = view;
        (Standing { current, capacity }, look_again)
    }
}

/// Whether all replicas of a copy are ready, as far as its controller has seen.
pub fn is_complete(copy: &Copy) -> bool {
    let replicas = number(&copy.body["spec"]["replicas"]).unwrap_or(0);
    number(&copy.status["readyReplicas"]).unwrap_or(0) >= replicas
}

/// The pods that an object's selector names.
///
/// # Errors
///
/// Why they cannot be seen.
pub async fn look(endpoint: &Endpoint, key: &Key, copy: &Arc<Copy>) -> Result<Pods, Trouble> {
    let client = endpoint.client().await.map_err(Trouble::Failed)?;
    let api: Api<Pod> = Api::namespaced(client, &key.namespace);
    let selector = &copy.body["spec"]["selector"];
    let selector: k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector =
        serde_json::from_value(selector.clone())
            .map_err(|error| Trouble::Failed(format!("selector of {}: {error}", key.path())))?;
    let selector = kube::core::Selector::try_from(selector)
        .map_err(|error| Trouble::Failed(format!("selector of {}: {error}", key.path())))?;
    let parameters = ListParams::default().labels_from(&selector);
    let request = format!("list pods {}", key.namespace);
    let pods = endpoint.call(&request, api.list(&parameters)).await?;
    let alive = pods.items.iter().filter(|pod| is_alive(pod));
    let unschedulable_since = alive.clone().filter_map(unschedulable_since);
    Ok(Pods {
        count: alive.clone().count().try_into().unwrap_or(u32::MAX),
        unschedulable_since: unschedulable_since.collect(),
    })
}

fn is_alive(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    pod.metadata.deletion_timestamp.is_none() && !matches!(phase, Some("Succeeded" | "Failed"))
}

fn unschedulable_since(pod: &Pod) -> Option<UnixTime> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let condition = conditions.iter().find(|condition| {
        condition.type_ == "PodScheduled"
            && condition.status == "False"
            && condition.reason.as_deref() == Some("Unschedulable")
    })?;
    let since = condition.last_transition_time.as_ref()?.0.as_second();
    u64::try_from(since).ok().map(UnixTime)
}

fn number(value: &serde_json::Value) -> Option<u32> {
    value.as_u64()?.try_into().ok()
}

pub fn unix_now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UnixTime(since.map_or(0, |since| since.as_secs()))
}
