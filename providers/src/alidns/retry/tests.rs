use super::*;
use crate::alidns::error::ApiError;
use crate::testing::TestClock;
use crate::throttle::Pace;

struct Fixture {
    clock: Arc<TestClock>,
    throttle: Throttle,
    retry: Retry,
}

fn fixture(policy: RetryPolicy) -> Fixture {
    let clock = Arc::new(TestClock::new(0));
    let pace = Pace { calls_per_second: 100.0, burst: 100, concurrent_max: 2 };
    let throttle = Throttle::new(pace, clock.clone());
    Fixture { throttle, retry: Retry::new(policy, clock.clone()), clock }
}

fn failure(code: &str, retry_after: Option<u64>) -> Error {
    Error::from(ApiError {
        action: "DescribeDomains",
        status: 400,
        code: code.to_owned(),
        message: String::new(),
        request_id: None,
        recommend: None,
        retry_after: retry_after.map(Duration::from_secs),
    })
}

/// How often a call that always fails is made.
async fn calls_made(fixture: &Fixture, error: &Error) -> u32 {
    let mut attempts = fixture.retry.attempts(&fixture.throttle);
    let mut calls = 1;
    while attempts.again(error.clone()).await.is_ok() {
        drop(fixture.throttle.admit().await);
        calls += 1;
    }
    calls
}

#[tokio::test]
async fn what_does_not_pass_is_not_tried_again() {
    let fixture = fixture(RetryPolicy::default());
    for code in ["Forbidden.RAM", "DomainRecordDuplicate", "QuotaExceeded.TTL", "Unknown.Code"] {
        assert_eq!(calls_made(&fixture, &failure(code, None)).await, 1, "{code}");
    }
    assert_eq!(fixture.clock.passed(), Duration::ZERO);
}

#[tokio::test]
async fn attempts_are_bounded_and_ever_slower() {
    let fixture = fixture(RetryPolicy::default());
    assert_eq!(calls_made(&fixture, &failure("Throttling.User", None)).await, 6);
    // 1 + 2 + 4 + 8 + 16 seconds and the closed gate after the last, less jitter.
    let passed = fixture.clock.passed();
    assert!((15..=31).contains(&passed.as_secs()), "{passed:?}");
}

#[tokio::test]
async fn the_pause_that_is_asked_for_is_kept_by_all_calls() {
    let fixture = fixture(RetryPolicy::default());
    let mut attempts = fixture.retry.attempts(&fixture.throttle);
    attempts.again(failure("Throttling.User", Some(40))).await.expect("tried again");
    drop(fixture.throttle.admit().await);
    assert_eq!(fixture.clock.passed(), Duration::from_secs(40));
}

#[tokio::test]
async fn one_call_ends_in_time() {
    let policy = RetryPolicy { attempts_max: 1_000, budget: 1_000, ..RetryPolicy::default() };
    let fixture = fixture(policy);
    calls_made(&fixture, &failure("InternalError", None)).await;
    assert!(fixture.clock.passed() <= policy.elapsed_max, "{:?}", fixture.clock.passed());
}

#[tokio::test]
async fn all_calls_together_are_bounded() {
    let policy = RetryPolicy { budget: 7, budget_per_second: 0.001, ..RetryPolicy::default() };
    let fixture = fixture(policy);
    let error = failure("InternalError", None);
    let calls = [
        calls_made(&fixture, &error).await,
        calls_made(&fixture, &error).await,
        calls_made(&fixture, &error).await,
    ];
    assert_eq!(calls, [6, 3, 1], "five repetitions, two, and none");
}
