//! What the service says, and what a mirror makes of it.

use google_cloud_gax::error::rpc::Status;
use serde_json::json;

use super::*;

fn status(reason: &str, message: &str) -> Status {
    let detail = json!({ "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason });
    let detail: StatusDetails = serde_json::from_value(detail).expect("a detail");
    Status::default().set_message(message).set_details([detail])
}

fn told(action: &'static str, http_status: u16, reason: &str, message: &str) -> Failure {
    let refusal = Refusal {
        action,
        place: "zone z of project p",
        http_status,
        status: Some(&status(reason, message)),
        retry_after: None,
        clock_ahead: Some(0),
    };
    refusal.failure()
}

#[track_caller]
fn check(http_status: u16, reason: &str, message: &str, kind: FailureKind, words: &str) {
    let failure = told(CREATE, http_status, reason, message);
    assert_eq!(failure.kind, kind, "{failure}");
    assert!(failure.line.contains(words), "{failure}");
    assert!(failure.line.starts_with(&format!("changes.create: {reason}: ")), "{failure}");
}

#[test]
fn a_change_that_somebody_was_faster_than_is_listed_anew() {
    for (http_status, reason, message) in [
        (
            404,
            "notFound",
            "The 'entity.change.deletions[18]' resource named 'x. (TXT)' does not exist.",
        ),
        (
            409,
            "alreadyExists",
            "The resource 'entity.change.additions[2]' named 'x. (TXT)' already exists",
        ),
        (412, "conditionNotMet", "Precondition not met for 'entity.change.deletions[0]"),
    ] {
        check(http_status, reason, message, FailureKind::Moved, "is listed anew");
    }
}

#[test]
fn a_bad_record_is_refused() {
    let refused = FailureKind::Refused;
    let message = "Invalid value for 'entity.change.additions[0].rrdata[0]': 'localhost'";
    check(400, "invalid", message, refused, "localhost");
    for http_status in [400, 409] {
        let message =
            "The resource record set 'entity.change.additions[0]' is invalid because a CNAME";
        check(http_status, "cnameResourceRecordSetConflict", message, refused, "CNAME");
    }
    for http_status in [403, 413] {
        check(http_status, "quotaExceeded", "The project has reached its quota", refused, "quota");
    }
}

#[test]
fn what_passes_is_tried_again() {
    let later = FailureKind::Later(None);
    check(
        429,
        "rateLimitExceeded",
        "Resource has been exhausted (e.g. check quota).",
        later,
        "later",
    );
    check(403, "rateLimitExceeded", "Rate Limit Exceeded", later, "later");
    check(503, "backendError", "Backend Error", later, "later");
    check(500, "internalError", "x", later, "later");
}

#[test]
fn what_somebody_must_mend_names_the_remedy() {
    let fatal = FailureKind::Fatal;
    let grant = "grant roles/dns.admin (dns.changes.create) on zone z of project p";
    check(403, "forbidden", "Forbidden", fatal, grant);
    check(
        403,
        "accessNotConfigured",
        "Cloud DNS API has not been used",
        fatal,
        "enable the Cloud DNS API",
    );
    check(403, "inactiveBillingState", "billing", fatal, "billing account");
    check(
        404,
        "notFound",
        "The 'parameters.managedZone' resource named 'z' does not exist.",
        fatal,
        "there is no zone z",
    );
    check(401, "authError", "Invalid Credentials", fatal, "exists and is enabled");
    let list = told("resourceRecordSets.list", 403, "forbidden", "Forbidden");
    assert!(list.line.contains("grant roles/dns.reader (dns.resourceRecordSets.list)"), "{list}");
}

#[test]
fn a_clock_that_is_off_is_named_where_a_token_is_refused() {
    let status = status("authError", "Invalid Credentials");
    let refusal = |clock_ahead| Refusal {
        action: CREATE,
        place: "",
        http_status: 401,
        status: Some(&status),
        retry_after: None,
        clock_ahead,
    };
    assert!(
        refusal(Some(-400))
            .failure()
            .line
            .ends_with("is 400 s behind the service's: set the clock")
    );
    assert!(!refusal(None).failure().line.contains("clock"));
}

#[test]
fn an_answer_of_somebody_else_is_told_by_its_status() {
    let refusal = Refusal {
        action: "projects.get",
        place: "",
        http_status: 502,
        status: None,
        retry_after: Some(Duration::from_secs(7)),
        clock_ahead: None,
    };
    let expect = Failure::new(
        FailureKind::Later(Some(Duration::from_secs(7))),
        "projects.get: HTTP 502; the same again later",
    );
    assert_eq!(refusal.failure(), expect);
}

#[test]
fn texts_of_others_stay_one_line() {
    assert_eq!(shortened("a\n  b.\n"), "a b");
    assert_eq!(shortened(&"x".repeat(400)).chars().count(), TEXT_MAX + 2);
}
