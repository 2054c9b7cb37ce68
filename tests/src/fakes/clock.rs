//! A clock that a client and a fake share.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use model::UnixTime;
use providers::Clock;
use tokio::sync::Notify;

use crate::lock::lock;

/// Whoever sleeps on it moves it, and takes no time: an hour of waiting passes at once.
///
/// A clock that is told of a nap lets only shorter sleeps pass; whoever sleeps longer waits for
/// [`VirtualClock::let_pass`], as the test does for what has nothing to do.
pub struct VirtualClock {
    start: Instant,
    unix_start: u64,
    state: Mutex<State>,
    moved: Notify,
}

struct State {
    passed: Duration,
    /// Sleeps of up to this pass at once.
    nap: Duration,
    /// Longer ones pass if they end by this time.
    until: Duration,
    /// When each of those who wait would wake, by number.
    sleepers: BTreeMap<u64, Duration>,
    next_sleeper: u64,
}

/// One that waits until its sleep is let pass.
struct Sleeper<'a> {
    clock: &'a VirtualClock,
    number: u64,
}

// === impl VirtualClock ===

impl VirtualClock {
    pub fn new(unix_start: u64) -> Self {
        let state = State {
            passed: Duration::ZERO,
            nap: Duration::MAX,
            until: Duration::ZERO,
            sleepers: BTreeMap::new(),
            next_sleeper: 0,
        };
        Self { start: Instant::now(), unix_start, state: Mutex::new(state), moved: Notify::new() }
    }

    /// Sleeps longer than this wait until they are let pass.
    pub fn napping(self, nap: Duration) -> Self {
        lock(&self.state).nap = nap;
        self
    }

    /// How much time has passed since its start.
    pub fn passed(&self) -> Duration {
        lock(&self.state).passed
    }

    pub fn advance(&self, duration: Duration) {
        lock(&self.state).passed += duration;
    }

    /// So much more time may pass.
    pub fn let_pass(&self, duration: Duration) {
        let mut state = lock(&self.state);
        state.until = state.until.max(state.passed) + duration;
        drop(state);
        self.moved.notify_waiters();
    }

    /// True while somebody sleeps for longer than may pass.
    pub fn is_slept_on(&self) -> bool {
        let state = lock(&self.state);
        state.sleepers.values().any(|end| *end > state.until)
    }

    /// Passes the time until then, if that may be.
    fn pass(&self, duration: Duration, end: Duration) -> bool {
        let mut state = lock(&self.state);
        let may_pass = duration <= state.nap || end <= state.until;
        if may_pass {
            state.passed = state.passed.max(end);
        }
        may_pass
    }
}

impl Default for VirtualClock {
    /// Begins in November 2026.
    fn default() -> Self {
        Self::new(1_793_500_000)
    }
}

impl Clock for VirtualClock {
    fn monotonic(&self) -> Instant {
        self.start + self.passed()
    }

    fn unix(&self) -> UnixTime {
        UnixTime(self.unix_start + self.passed().as_secs())
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let end = self.passed() + duration;
        Box::pin(async move {
            loop {
                // Before the look, so that no move between the two is missed.
                let moved = self.moved.notified();
                if self.pass(duration, end) {
                    return tokio::task::yield_now().await;
                }
                let _sleeper = Sleeper::new(self, end);
                moved.await;
            }
        })
    }
}

// === impl Sleeper ===

impl<'a> Sleeper<'a> {
    fn new(clock: &'a VirtualClock, end: Duration) -> Self {
        let mut state = lock(&clock.state);
        let number = state.next_sleeper;
        state.next_sleeper += 1;
        state.sleepers.insert(number, end);
        Self { clock, number }
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        lock(&self.clock.state).sleepers.remove(&self.number);
    }
}
