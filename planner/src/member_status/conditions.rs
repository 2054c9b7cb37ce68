//! Conditions of several members made into one.

use model::ClusterName;

use super::{Condition, Timestamp};

/// How many clusters a message names.
const CLUSTERS_TOLD_MAX: usize = 3;

/// What each member says of one condition; `None` where it has none.
pub(super) type Reports<'a> = Vec<(&'a ClusterName, Option<&'a Condition>)>;

pub(super) fn find<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.kind == kind)
}

pub(super) fn is_true(conditions: &[Condition], kind: &str) -> bool {
    find(conditions, kind).is_some_and(|condition| condition.status == "True")
}

/// True once all say so, False as soon as one does, else Unknown; none where none has it.
///
/// The reason is that of the first cluster that decides; where all are True, of the first whose
/// reason is not `settled`.
pub(super) fn all_true(kind: &str, reports: &Reports<'_>, settled: &str) -> Option<Condition> {
    if reports.iter().all(|(_, report)| report.is_none()) {
        return None;
    }
    let with = |status: &str| -> Vec<(&ClusterName, &Condition)> {
        let present = reports.iter().filter_map(|(cluster, report)| Some((*cluster, (*report)?)));
        present.filter(|(_, report)| report.status == status).collect()
    };
    let (no, yes) = (with("False"), with("True"));
    if !no.is_empty() {
        let since = no.iter().filter_map(|(_, report)| report.last_transition_time.clone()).min();
        return Some(told(kind, "False", &no, since));
    }
    if yes.len() < reports.len() {
        return Some(unknown(kind, reports));
    }
    let since = yes.iter().filter_map(|(_, report)| report.last_transition_time.clone()).max();
    let unsettled: Vec<_> =
        yes.iter().copied().filter(|(_, report)| report.reason != settled).collect();
    let deciding = if unsettled.is_empty() { yes } else { unsettled };
    Some(told(kind, "True", &deciding, since))
}

/// True as soon as one says so; else none.
pub(super) fn any_true(kind: &str, reports: &Reports<'_>) -> Option<Condition> {
    let yes: Vec<(&ClusterName, &Condition)> = reports
        .iter()
        .filter_map(|(cluster, report)| Some((*cluster, (*report)?)))
        .filter(|(_, report)| report.status == "True")
        .collect();
    let since = yes.iter().filter_map(|(_, report)| report.last_transition_time.clone()).min();
    (!yes.is_empty()).then(|| told(kind, "True", &yes, since))
}

/// With the reason of the first, and the messages of the first few.
fn told(
    kind: &str,
    status: &str,
    deciding: &[(&ClusterName, &Condition)],
    since: Option<Timestamp>,
) -> Condition {
    let messages = deciding.iter().take(CLUSTERS_TOLD_MAX).map(|(cluster, report)| {
        let what = if report.message.is_empty() { &report.reason } else { &report.message };
        format!("{cluster}: {what}")
    });
    let mut message = messages.collect::<Vec<_>>().join("; ");
    if let more @ 1.. = deciding.len().saturating_sub(CLUSTERS_TOLD_MAX) {
        message.push_str(&format!("; and {more} more"));
    }
    let latest = |of: fn(&Condition) -> &Option<Timestamp>| {
        deciding.iter().filter_map(|(_, report)| of(report).clone()).max()
    };
    Condition {
        kind: kind.into(),
        status: status.into(),
        reason: deciding.first().map(|(_, report)| report.reason.clone()).unwrap_or_default(),
        message,
        last_transition_time: since,
        last_update_time: latest(|report| &report.last_update_time),
        last_probe_time: latest(|report| &report.last_probe_time),
    }
}

/// Some say nothing, or that they do not know.
fn unknown(kind: &str, reports: &Reports<'_>) -> Condition {
    let unknown: Vec<(&ClusterName, &Condition)> = reports
        .iter()
        .filter_map(|(cluster, report)| Some((*cluster, (*report)?)))
        .filter(|(_, report)| report.status != "True")
        .collect();
    if !unknown.is_empty() {
        let since =
            unknown.iter().filter_map(|(_, report)| report.last_transition_time.clone()).min();
        return told(kind, "Unknown", &unknown, since);
    }
    let silent: Vec<&str> = reports
        .iter()
        .filter(|(_, report)| report.is_none())
        .map(|(cluster, _)| cluster.as_str())
        .collect();
    let mut message = format!("no word yet from {}", silent[..silent.len().min(3)].join(", "));
    if let more @ 1.. = silent.len().saturating_sub(CLUSTERS_TOLD_MAX) {
        message.push_str(&format!(" and {more} more"));
    }
    let (status, reason) = ("Unknown".into(), "NotReported".into());
    Condition { kind: kind.into(), status, reason, message, ..Condition::default() }
}
