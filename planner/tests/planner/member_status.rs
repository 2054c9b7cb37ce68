use model::ClusterName;
use planner::member_status::{
    DaemonSetStatus, DeploymentStatus, JobStatus, Member, ReplicaSetStatus, StatefulSetStatus,
    Summary, sum_daemon_sets, sum_deployments, sum_jobs, sum_replica_sets, sum_stateful_sets,
};
use serde_json::{Value, json};

/// A member whose object has `written` as its generation after our last write.
fn member<S: serde::de::DeserializeOwned>(
    cluster: &str,
    written: impl Into<Option<i64>>,
    status: Value,
) -> Member<S> {
    let status = serde_json::from_value(status).unwrap();
    Member { cluster: ClusterName::new(cluster), written_generation: written.into(), status }
}

fn deployments(
    generation: i64,
    previous: Value,
    members: &[Member<DeploymentStatus>],
) -> DeploymentStatus {
    let previous = serde_json::from_value(previous).unwrap();
    sum_deployments(&Summary { generation, previous: &previous, members })
}

/// At second `second` of one minute.
fn at(second: u32) -> String {
    format!("2026-01-01T00:00:{second:02}Z")
}

fn condition(kind: &str, status: &str, reason: &str, second: u32) -> Value {
    json!({
        "type": kind, "status": status, "reason": reason, "message": format!("{reason} it is."),
        "lastTransitionTime": at(second), "lastUpdateTime": at(second),
    })
}

#[test]
fn deployments_are_sums() {
    let members = [
        member(
            "beijing",
            1,
            json!({"observedGeneration": 1, "replicas": 3, "updatedReplicas": 2, "readyReplicas": 2,
                "availableReplicas": 1, "unavailableReplicas": 2, "collisionCount": 4}),
        ),
        member(
            "hangzhou",
            5,
            json!({"observedGeneration": 6, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2,
                "availableReplicas": 2}),
        ),
    ];
    let found = deployments(7, json!({}), &members);
    assert_eq!(
        serde_json::to_value(found).unwrap(),
        json!({"observedGeneration": 7, "replicas": 5, "updatedReplicas": 4, "readyReplicas": 4,
            "availableReplicas": 3, "unavailableReplicas": 2})
    );
}

#[test]
fn a_generation_is_observed_once_every_member_has() {
    // Generation after our last write, observed by the member; the federated generation is 7.
    type Row = (Option<i64>, Option<i64>);
    let rows: [(Row, Row, Option<i64>, Option<i64>); 8] = [
        ((Some(3), Some(3)), (Some(9), Some(9)), Some(6), Some(7)),
        ((Some(3), Some(4)), (Some(9), Some(9)), None, Some(7)),
        ((Some(3), Some(2)), (Some(9), Some(9)), Some(6), Some(6)),
        ((None, Some(3)), (Some(9), Some(9)), Some(6), Some(6)),
        ((Some(3), None), (Some(9), Some(9)), Some(4), Some(4)),
        ((Some(3), None), (Some(9), Some(9)), None, None),
        // A cluster more has been selected: it has not observed what the others have.
        ((None, None), (Some(9), Some(9)), Some(7), Some(6)),
        ((None, None), (None, None), Some(0), None),
    ];
    for (first, second, previous, expect) in rows {
        let members = [("c1", first), ("c2", second)].map(|(cluster, (written, observed))| {
            member(
                cluster,
                written,
                observed.map_or(json!({}), |o| json!({"observedGeneration": o})),
            )
        });
        let previous =
            previous.map_or(json!({}), |observed| json!({"observedGeneration": observed}));
        let found = deployments(7, previous, &members).observed_generation;
        assert_eq!(found, expect, "{first:?} {second:?}");
    }
    assert_eq!(deployments(7, json!({}), &[]).observed_generation, Some(7), "no cluster is meant");
}

#[test]
fn conditions_of_deployments() {
    let available = |status, reason, second| Some(condition("Available", status, reason, second));
    let progressing =
        |status, reason, second| Some(condition("Progressing", status, reason, second));
    let yes = |second| available("True", "MinimumReplicasAvailable", second);
    let no = |second| available("False", "MinimumReplicasUnavailable", second);
    let done = |second| progressing("True", "NewReplicaSetAvailable", second);
    let rolling = |second| progressing("True", "ReplicaSetUpdated", second);
    let stuck = |second| progressing("False", "ProgressDeadlineExceeded", second);
    let paused = |second| progressing("Unknown", "DeploymentPaused", second);
    let failing = |second| Some(condition("ReplicaFailure", "True", "FailedCreate", second));
    let rows = [
        (
            yes(3),
            yes(5),
            "Available True MinimumReplicasAvailable 05 c1: MinimumReplicasAvailable it is.; \
             c2: MinimumReplicasAvailable it is.",
        ),
        (
            no(5),
            yes(3),
            "Available False MinimumReplicasUnavailable 05 c1: MinimumReplicasUnavailable it is.",
        ),
        (
            no(5),
            no(3),
            "Available False MinimumReplicasUnavailable 03 c1: MinimumReplicasUnavailable it is.; \
             c2: MinimumReplicasUnavailable it is.",
        ),
        (yes(3), None, "Available Unknown NotReported - no word yet from c2"),
        (None, None, ""),
        (done(1), rolling(4), "Progressing True ReplicaSetUpdated 04 c2: ReplicaSetUpdated it is."),
        (
            rolling(1),
            stuck(4),
            "Progressing False ProgressDeadlineExceeded 04 c2: ProgressDeadlineExceeded it is.",
        ),
        (done(1), paused(2), "Progressing Unknown DeploymentPaused 02 c2: DeploymentPaused it is."),
        (failing(3), None, "ReplicaFailure True FailedCreate 03 c1: FailedCreate it is."),
    ];
    for (first, second, expect) in rows {
        let conditions = |report: Option<Value>| json!({"conditions": Vec::from_iter(report)});
        let members =
            [member("c1", None, conditions(first)), member("c2", None, conditions(second))];
        let found = deployments(1, json!({}), &members).conditions;
        let told: Vec<String> = found
            .iter()
            .map(|condition| {
                let since = condition.last_transition_time.as_ref();
                let since = since.map_or("-", |time| &time.0[17..19]);
                let (kind, status) = (&condition.kind, &condition.status);
                format!("{kind} {status} {} {since} {}", condition.reason, condition.message)
            })
            .collect();
        assert_eq!(told.join("\n"), expect);
    }
}

#[test]
fn a_message_names_the_first_clusters() {
    let stuck =
        json!({"conditions": [condition("Progressing", "False", "ProgressDeadlineExceeded", 1)]});
    let members: Vec<Member<DeploymentStatus>> =
        (1..=5).map(|number| member(&format!("c{number}"), None, stuck.clone())).collect();
    let found = deployments(1, json!({}), &members).conditions;
    assert!(found[0].message.ends_with("c3: ProgressDeadlineExceeded it is.; and 2 more"));

    let mut members: Vec<Member<DeploymentStatus>> =
        (1..=5).map(|number| member(&format!("c{number}"), None, json!({}))).collect();
    members[0] = member(
        "c1",
        None,
        json!({"conditions": [condition("Available", "True", "MinimumReplicasAvailable", 1)]}),
    );
    let found = deployments(1, json!({}), &members).conditions;
    assert_eq!(found[0].message, "no word yet from c2, c3, c4 and 1 more");
}

#[test]
fn replica_sets_and_daemon_sets_are_sums() {
    let members = [
        member(
            "c1",
            2,
            json!({"observedGeneration": 2, "replicas": 3, "fullyLabeledReplicas": 2,
                "readyReplicas": 2, "availableReplicas": 1,
                "conditions": [condition("ReplicaFailure", "False", "Fine", 1)]}),
        ),
        member(
            "c2",
            2,
            json!({"observedGeneration": 2, "replicas": 4, "fullyLabeledReplicas": 4,
                "readyReplicas": 4, "availableReplicas": 4}),
        ),
    ];
    let previous = ReplicaSetStatus::default();
    let found =
        sum_replica_sets(&Summary { generation: 3, previous: &previous, members: &members });
    assert_eq!(
        serde_json::to_value(found).unwrap(),
        json!({"observedGeneration": 3, "replicas": 7, "fullyLabeledReplicas": 6,
            "readyReplicas": 6, "availableReplicas": 5})
    );

    let one = json!({"observedGeneration": 1, "currentNumberScheduled": 1, "numberMisscheduled": 2,
        "desiredNumberScheduled": 3, "numberReady": 4, "updatedNumberScheduled": 5,
        "numberAvailable": 6, "numberUnavailable": 7});
    let members = [member("c1", 1, one.clone()), member("c2", None, one)];
    let previous = DaemonSetStatus::default();
    let found = sum_daemon_sets(&Summary { generation: 1, previous: &previous, members: &members });
    assert_eq!(
        serde_json::to_value(found).unwrap(),
        json!({"currentNumberScheduled": 2, "numberMisscheduled": 4, "desiredNumberScheduled": 6,
            "numberReady": 8, "updatedNumberScheduled": 10, "numberAvailable": 12,
            "numberUnavailable": 14})
    );
    assert_eq!(
        serde_json::to_value(DaemonSetStatus::default()).unwrap(),
        json!({"currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0,
            "numberReady": 0}),
        "what the API requires is always there"
    );
}

#[test]
fn a_stateful_set_is_rolled_out_once_it_is_everywhere() {
    // Current revision, update revision and ready replicas of two clusters that want 3 each.
    let rows = [
        (("b", "b", 3), ("b", "b", 3), ("b", "b")),
        (("b", "b", 3), ("b", "b", 0), ("", "b")),
        (("b", "b", 3), ("a", "b", 3), ("a", "b")),
        (("a", "b", 3), ("b", "b", 3), ("a", "b")),
        (("", "", 0), ("b", "b", 3), ("b", "")),
    ];
    for (first, second, expect) in rows {
        let status = |(current, update, ready): (&str, &str, u32)| {
            json!({"observedGeneration": 1, "replicas": 3, "readyReplicas": ready,
                "currentReplicas": 1, "updatedReplicas": 2, "availableReplicas": ready,
                "currentRevision": current, "updateRevision": update})
        };
        let members = [member("c1", 1, status(first)), member("c2", 1, status(second))];
        let previous = StatefulSetStatus::default();
        let summary = Summary { generation: 1, previous: &previous, members: &members };
        let found = sum_stateful_sets(&summary, |_| 3);
        assert_eq!(
            (&*found.current_revision, &*found.update_revision),
            expect,
            "{first:?} {second:?}"
        );
        assert_eq!((found.replicas, found.ready_replicas), (6, first.2 + second.2));
        assert_eq!((found.current_replicas, found.updated_replicas), (2, 4));
        assert_eq!(found.observed_generation, Some(1));
    }
}

fn jobs(previous: &JobStatus, members: &[Value], all_placed: bool) -> JobStatus {
    let members: Vec<Member<JobStatus>> = members
        .iter()
        .enumerate()
        .map(|(index, status)| member(&format!("c{}", index + 1), 1, status.clone()))
        .collect();
    sum_jobs(previous, &members, all_placed)
}

fn ended(kind: &str, start: u32, end: u32, succeeded: u32, failed: u32) -> Value {
    let mut status = json!({
        "startTime": at(start), "succeeded": succeeded, "failed": failed, "ready": 0,
        "terminating": 0, "conditions": [condition(kind, "True", "BackoffLimitExceeded", end)],
    });
    if kind == "Complete" {
        status["completionTime"] = json!(at(end));
    }
    status
}

fn running(start: u32, active: u32, succeeded: u32) -> Value {
    json!({"startTime": at(start), "active": active, "ready": active, "succeeded": succeeded})
}

/// `type` of the conditions that are True.
fn conditions(status: &JobStatus) -> Vec<&str> {
    assert!(status.conditions.iter().all(|condition| condition.status == "True"));
    status.conditions.iter().map(|condition| condition.kind.as_str()).collect()
}

#[test]
fn a_job_runs_and_completes() {
    let start = jobs(&JobStatus::default(), &[running(5, 2, 1), json!({})], true);
    assert_eq!(
        serde_json::to_value(&start).unwrap(),
        json!({"active": 2, "ready": 2, "succeeded": 1, "startTime": at(5)})
    );
    // The second member's clock is behind: the start that was told stays.
    let half = jobs(&start, &[ended("Complete", 5, 9, 3, 0), running(2, 1, 0)], true);
    assert_eq!((half.succeeded, half.active, conditions(&half)), (3, 1, vec![]));
    assert_eq!((half.start_time.clone().unwrap().0, &half.completion_time), (at(5), &None));

    let all = [ended("Complete", 5, 9, 3, 0), ended("Complete", 2, 8, 2, 1)];
    let waiting = jobs(&half, &all, false);
    assert_eq!(conditions(&waiting), [""; 0], "a part of the work waits for a cluster");
    let done = jobs(&half, &all, true);
    assert_eq!(conditions(&done), ["SuccessCriteriaMet", "Complete"]);
    assert_eq!((done.succeeded, done.failed), (5, 1));
    assert_eq!(done.completion_time.as_ref().unwrap().0, at(9));
    assert_eq!(jobs(&done, &[running(20, 3, 0)], true), done, "what has ended stays so");
}

#[test]
fn a_failed_member_fails_the_job_once_all_pods_are_gone() {
    let failed = ended("Failed", 1, 9, 0, 6);
    let failing = jobs(&JobStatus::default(), &[running(1, 1, 2), failed.clone()], true);
    assert_eq!(conditions(&failing), ["FailureTarget"]);
    let target = &failing.conditions[0];
    assert_eq!(target.reason, "BackoffLimitExceeded");
    assert_eq!(target.message, "c2: BackoffLimitExceeded it is.");

    let mut leaving = ended("Complete", 1, 9, 4, 0);
    leaving["terminating"] = json!(1);
    let still = jobs(&failing, &[leaving, failed.clone()], true);
    assert_eq!(conditions(&still), ["FailureTarget"], "a pod is still being stopped");

    let over = jobs(&failing, &[ended("Complete", 1, 9, 4, 0), failed], true);
    assert_eq!(conditions(&over), ["FailureTarget", "Failed"], "Failed wins");
    assert_eq!((over.succeeded, over.failed, &over.completion_time), (4, 6, &None));

    // The member that failed has left the federation: it failed all the same.
    let without = jobs(&failing, &[ended("Complete", 1, 9, 4, 0)], true);
    assert_eq!(conditions(&without), ["FailureTarget", "Failed"]);
    assert_eq!(without.failed, 6, "counts do not fall");
}

#[test]
fn a_job_in_no_cluster_has_no_end() {
    assert_eq!(jobs(&JobStatus::default(), &[], true), JobStatus::default());
    let suspended = json!({"conditions": [condition("Suspended", "True", "JobSuspended", 1)]});
    assert_eq!(conditions(&jobs(&JobStatus::default(), &[suspended], true)), ["Suspended"]);
}

#[test]
fn an_end_is_not_before_its_start() {
    let previous = jobs(&JobStatus::default(), &[running(30, 1, 0)], true);
    let done = jobs(&previous, &[ended("Complete", 10, 20, 1, 0)], true);
    assert_eq!(done.completion_time.unwrap().0, at(30));
}
