use super::*;
use crate::testing::TestClock;

fn throttle(calls_per_second: f64, burst: u32) -> (Arc<TestClock>, Throttle) {
    let clock = Arc::new(TestClock::new(0));
    let pace = Pace { calls_per_second, burst, concurrent_max: 2 };
    (Arc::clone(&clock), Throttle::new(pace, clock))
}

#[tokio::test]
async fn calls_go_at_the_pace() {
    let (clock, throttle) = throttle(5.0, 10);
    for _ in 0..60 {
        drop(throttle.admit().await);
    }
    assert_eq!(clock.passed().as_millis(), 10_000, "ten at once, fifty at five a second");
}

#[tokio::test]
async fn a_closed_gate_holds_every_call() {
    let (clock, throttle) = throttle(5.0, 10);
    drop(throttle.admit().await);
    throttle.close_for(Duration::from_secs(30));
    throttle.close_for(Duration::from_secs(3));
    drop(throttle.admit().await);
    assert_eq!(clock.passed(), Duration::from_secs(30), "the longer pause counts");
}

#[tokio::test]
async fn no_more_than_the_allowed_calls_are_under_way() {
    let (_clock, throttle) = throttle(1_000.0, 1_000);
    let first = throttle.admit().await;
    let _second = throttle.admit().await;
    let third = throttle.admit();
    tokio::pin!(third);
    let waits = std::future::poll_fn(|context| {
        std::task::Poll::Ready(third.as_mut().poll(context).is_pending())
    });
    assert!(waits.await);
    drop(first);
    drop(third.await);
}
