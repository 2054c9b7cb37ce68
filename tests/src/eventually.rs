//! Waiting for something to become true, without ever guessing how long it takes.

use std::fmt::{Debug, Display};
use std::thread;
use std::time::{Duration, Instant};

/// Far more than anything here takes on a busy two-core machine: only a real failure waits this long.
pub const GENEROUS: Duration = Duration::from_secs(60);

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Repeats `attempt` until it is `Ok`. At the deadline it panics with what was last seen instead.
#[track_caller]
pub fn eventually<T, E: Display>(
    deadline: Duration,
    what: &str,
    mut attempt: impl FnMut() -> Result<T, E>,
) -> T {
    let started = Instant::now();
    loop {
        match attempt() {
            Ok(value) => return value,
            Err(seen) if started.elapsed() >= deadline => {
                panic!("not within {deadline:?}: {what}; last seen: {seen}")
            }
            Err(_) => pause(),
        }
    }
}

/// [`eventually`] for the plain case: a value that shall become equal to another.
#[track_caller]
pub fn eventually_equal<T: PartialEq + Debug>(
    deadline: Duration,
    what: &str,
    expected: &T,
    mut actual: impl FnMut() -> T,
) {
    eventually(deadline, what, || {
        let seen = actual();
        if seen == *expected { Ok(()) } else { Err(format!("{seen:?}, expected {expected:?}")) }
    });
}

#[expect(clippy::disallowed_methods, reason = "all other waiting stands on this")]
fn pause() {
    thread::sleep(POLL_INTERVAL);
}
