//! Jobs.

use serde::{Deserialize, Serialize};

use super::conditions::{Reports, any_true, find, is_true};
use super::{Condition, Member, Timestamp, is_zero};

/// `.status` of a Job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobStatus {
    #[serde(skip_serializing_if = "is_zero")]
    pub active: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminating: Option<u32>,
    #[serde(skip_serializing_if = "is_zero")]
    pub succeeded: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub failed: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Timestamp>,
    /// Only of a Job that is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// Sums, the earliest start, and how it ended.
///
/// - Complete, and with it SuccessCriteriaMet: every member is complete, and `all_placed`: no part
///   of the work waits for a cluster. Complete since the last member is.
/// - FailureTarget: some member fails. Failed: besides, all members have ended. Failed wins over
///   Complete.
/// - Suspended: some member is.
///
/// The API server refuses a Job's status that takes back an end, a start or a count, or that ends with
/// pods active: a status that has ended stays as it is, counts do not fall when a cluster leaves, and
/// nothing ends before all pods are gone.
pub fn sum_jobs(
    previous: &JobStatus,
    members: &[Member<JobStatus>],
    all_placed: bool,
) -> JobStatus {
    if has_ended(previous) {
        return previous.clone();
    }
    let sum = |of: fn(&JobStatus) -> u32| {
        members.iter().fold(0_u32, |sum, member| sum.saturating_add(of(&member.status)))
    };
    let sum_known = |of: fn(&JobStatus) -> Option<u32>| {
        let mut known = members.iter().filter_map(|member| of(&member.status)).peekable();
        known.peek()?;
        Some(known.fold(0_u32, u32::saturating_add))
    };
    let start = members.iter().filter_map(|member| member.status.start_time.clone()).min();
    let active = sum(|status| status.active);
    let mut total = JobStatus {
        active,
        ready: sum_known(|status| status.ready).map(|ready| ready.min(active)),
        terminating: sum_known(|status| status.terminating),
        succeeded: sum(|status| status.succeeded).max(previous.succeeded),
        failed: sum(|status| status.failed).max(previous.failed),
        start_time: previous.start_time.clone().or(start),
        completion_time: None,
        conditions: reported(members, "Suspended").into_iter().collect(),
    };
    conclude(&mut total, previous, members, all_placed);
    total
}

/// Adds how it ends, if it does.
fn conclude(
    total: &mut JobStatus,
    previous: &JobStatus,
    members: &[Member<JobStatus>],
    all_placed: bool,
) {
    let is_over = !members.is_empty()
        && members.iter().all(|member| has_ended(&member.status))
        && total.active == 0
        && total.terminating.unwrap_or(0) == 0
        && total.start_time.is_some();
    let failing = reported(members, "Failed")
        .or_else(|| reported(members, "FailureTarget"))
        .or_else(|| find(&previous.conditions, "FailureTarget").cloned());
    if let Some(failing) = failing.filter(|failing| failing.status == "True") {
        // What was told first stays: the reason does not change with each member that fails.
        let target = find(&previous.conditions, "FailureTarget").unwrap_or(&failing);
        total.conditions.push(Condition { kind: "FailureTarget".into(), ..target.clone() });
        if is_over {
            total.conditions.push(Condition { kind: "Failed".into(), ..target.clone() });
        }
        return;
    }
    if is_over && all_placed {
        complete(total, members);
    }
}

/// Every member is complete.
fn complete(total: &mut JobStatus, members: &[Member<JobStatus>]) {
    let done = |member: &Member<JobStatus>| {
        let at = find(&member.status.conditions, "Complete");
        let at = at.and_then(|condition| condition.last_transition_time.clone());
        member.status.completion_time.clone().or(at)
    };
    // Clocks of clusters differ; an end before the start would be refused.
    let last = members.iter().filter_map(done).max().max(total.start_time.clone());
    let reason = |kind: &str, reason: &str| Condition {
        kind: kind.into(),
        status: "True".into(),
        reason: reason.into(),
        message: format!("complete in all {} clusters", members.len()),
        last_transition_time: last.clone(),
        last_update_time: None,
        last_probe_time: last.clone(),
    };
    total.conditions.push(reason("SuccessCriteriaMet", "CompletionsReached"));
    total.conditions.push(reason("Complete", "CompletionsReached"));
    total.completion_time = last;
}

/// The condition, where it is True in some member.
fn reported(members: &[Member<JobStatus>], kind: &str) -> Option<Condition> {
    let reports: Reports<'_> = members
        .iter()
        .map(|member| (&member.cluster, find(&member.status.conditions, kind)))
        .collect();
    any_true(kind, &reports)
}

fn has_ended(status: &JobStatus) -> bool {
    is_true(&status.conditions, "Complete") || is_true(&status.conditions, "Failed")
}
