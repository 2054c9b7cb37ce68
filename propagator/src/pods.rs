//! Pods that cannot run in a member: those that its API refuses, as the status of a copy says, and those
//! that no node takes, which are looked for only where replicas of an object are not ready.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ListParams};
use model::UnixTime;
use planner::eligibility::{CapacityEstimate, CapacityView, EligibilitySettings, MemberPods};
use planner::replicas::Standing;

use crate::decide::Sought;
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
    /// For each that does not fit: since when.
    pub misfits_since: Vec<UnixTime>,
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
    /// Without a copy: since when none can be made.
    pub barred_since: Option<UnixTime>,
    /// Without a copy, where what is there is to be adopted.
    pub sought: Option<Sought>,
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
        let Pods { count, misfits_since } = self.pods_of(copy);
        let seen =
            MemberPods { replicas: replicas(copy), pods: count, misfits_since: &misfits_since };
        let view = self.estimate.observe(&seen, now, settings);
        let CapacityView { current, capacity, look_again } = view;
        (Standing { current, ready: ready(copy).min(current), capacity }, look_again)
    }

    /// The same where there is no copy: what is to be adopted stands for it, and where none can be made, no
    /// replica fits.
    pub fn observe_absence(
        &mut self,
        now: UnixTime,
        settings: &EligibilitySettings,
    ) -> (Standing, Option<UnixTime>) {
        if let Some(Sought::Found(theirs)) = &self.sought {
            let (current, ready) = (replicas(theirs), ready(theirs));
            return (Standing { current, ready: ready.min(current), capacity: None }, None);
        }
        let misfits_since = self.barred_since.as_slice();
        let pods = u32::try_from(misfits_since.len()).unwrap_or(u32::MAX);
        let view =
            self.estimate.observe(&MemberPods { replicas: 0, pods, misfits_since }, now, settings);
        let CapacityView { current, capacity, look_again } = view;
        (Standing { current, ready: 0, capacity }, look_again)
    }

    /// A copy stands.
    pub fn has_copy(&mut self) {
        (self.barred_since, self.sought) = (None, None);
    }

    /// What is to be adopted was looked for. What earlier was no place for a copy is one now.
    pub fn found(&mut self, theirs: Option<Arc<Copy>>) {
        if theirs.is_some() {
            self.estimate = CapacityEstimate::default();
        }
        self.sought = Some(theirs.map_or(Sought::Nothing, Sought::Found));
    }

    /// What is there may not be what was seen when it was looked for.
    pub fn may_differ(&mut self, trouble: &Trouble) {
        if matches!(trouble, Trouble::Outrun(_)) {
            self.sought = None;
        }
    }

    /// Those that were seen, and those that are missing because the member's API refuses them. As long as
    /// nobody has looked, only those that are ready surely fit.
    fn pods_of(&self, copy: &Copy) -> Pods {
        let of_status = |field: &str| number(&copy.status[field]).unwrap_or(0);
        let mut pods = self.pods.clone().unwrap_or_else(|| Pods {
            count: of_status("readyReplicas"),
            misfits_since: Vec::new(),
        });
        if let Some(since) = refused_since(copy) {
            pods.count = pods.count.max(of_status("replicas"));
            let refused = replicas(copy).saturating_sub(pods.count);
            pods.misfits_since.extend(std::iter::repeat_n(since, refused as usize));
            pods.count += refused;
        }
        pods
    }
}

/// Since when the member's API refuses pods of a copy, for a quota, a limit or a webhook: its controller says
/// so in the status.
fn refused_since(copy: &Copy) -> Option<UnixTime> {
    // What is said of an earlier wish may be over.
    let observed = copy.status["observedGeneration"].as_i64()?;
    let conditions =
        copy.status["conditions"].as_array().filter(|_| observed >= copy.generation)?;
    let condition = conditions.iter().find(|condition| {
        condition["type"] == "ReplicaFailure"
            && condition["status"] == "True"
            && condition["reason"] == "FailedCreate"
    })?;
    let since: Timestamp = condition["lastTransitionTime"].as_str()?.parse().ok()?;
    u64::try_from(since.as_second()).ok().map(UnixTime)
}

/// Whether all replicas of a copy are ready, as far as its controller has seen.
pub fn is_complete(copy: &Copy) -> bool {
    ready(copy) >= replicas(copy)
}

/// As far as its controller has seen.
fn ready(copy: &Copy) -> u32 {
    number(&copy.status["readyReplicas"]).unwrap_or(0)
}

fn replicas(copy: &Copy) -> u32 {
    copy.replicas().unwrap_or(0)
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
    Ok(Pods {
        count: alive.clone().count().try_into().unwrap_or(u32::MAX),
        misfits_since: alive.filter_map(unschedulable_since).collect(),
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const SINCE: UnixTime = UnixTime(1_767_225_600);

    /// Four replicas of generation 2.
    fn copy(status: &Value) -> Arc<Copy> {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "generation": 2}, "spec": {"replicas": 4}, "status": status});
        Copy::new(serde_json::from_value(object).expect("an object"), "fed")
    }

    fn refused(reason: &str) -> Value {
        json!({"observedGeneration": 2, "replicas": 1, "readyReplicas": 1, "conditions": [
            {"type": "Progressing", "status": "True"},
            {"type": "ReplicaFailure", "status": "True", "reason": reason,
                "lastTransitionTime": "2026-01-01T00:00:00Z"}]})
    }

    #[track_caller]
    fn check(looked: Option<Pods>, status: &Value, count: u32, misfits: usize) {
        let look = Look { pods: looked, ..Look::default() };
        let expect = Pods { count, misfits_since: vec![SINCE; misfits] };
        assert_eq!(look.pods_of(&copy(status)), expect, "{status}");
    }

    fn looked(count: u32) -> Option<Pods> {
        Some(Pods { count, misfits_since: Vec::new() })
    }

    #[test]
    fn pods_that_are_refused_do_not_fit() {
        check(None, &refused("FailedCreate"), 4, 3);
        check(looked(2), &refused("FailedCreate"), 4, 2);
        // The look is older than what the status says.
        check(looked(0), &refused("FailedCreate"), 4, 3);
        let mut all_there = refused("FailedCreate");
        all_there["replicas"] = json!(5);
        check(None, &all_there, 5, 0);
    }

    #[test]
    fn what_says_nothing_of_pods_that_are_wanted_now_counts_for_nothing() {
        check(None, &Value::Null, 0, 0);
        check(None, &refused("FailedDelete"), 1, 0);
        let mut earlier = refused("FailedCreate");
        earlier["observedGeneration"] = json!(1);
        check(None, &earlier, 1, 0);
    }

    #[test]
    fn no_replica_fits_where_no_copy_can_be_made_for_a_while() {
        let settings = EligibilitySettings::default();
        let mut look = Look { barred_since: Some(SINCE), ..Look::default() };
        let mut at = |seconds: u64| {
            let (standing, look_again) =
                look.observe_absence(UnixTime(SINCE.0 + seconds), &settings);
            (standing.capacity, look_again.map(|at| at.0 - SINCE.0))
        };
        assert_eq!(at(59), (None, Some(60)));
        assert_eq!(at(60), (Some(0), None));
        assert_eq!(at(7200), (Some(0), None));
    }

    #[test]
    fn what_is_to_be_adopted_runs_there_whatever_was_before() {
        let settings = EligibilitySettings::default();
        let mut look = Look { barred_since: Some(SINCE), ..Look::default() };
        let later = UnixTime(SINCE.0 + 60);
        assert_eq!(look.observe_absence(later, &settings).0.capacity, Some(0));
        look.found(Some(copy(&Value::Null)));
        let standing = look.observe_absence(later, &settings).0;
        assert_eq!(standing, Standing { current: 4, ready: 0, capacity: None });
        look.may_differ(&Trouble::Outrun("another".into()));
        assert_eq!(look.sought, None);
    }
}
