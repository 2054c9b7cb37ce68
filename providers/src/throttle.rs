//! How often a provider may be asked, and how long to wait after a failure.
//!
//! ```text
//!  call ──> [ place among the concurrent calls ] ──> [ token ] ──> [ gate ] ──> provider
//!                                                                   ^                │
//!                                                                   └─ closed for a while when throttled
//! ```
//!
//! One [`Throttle`] stands before one account: providers count calls by account, whoever makes them.

mod backoff;
mod token_bucket;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

pub use backoff::Backoff;
pub use token_bucket::TokenBucket;

use crate::clock::Clock;

/// How often one account may be asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Calls in a second, on average; above zero.
    pub calls_per_second: f64,
    /// Calls that may go at once after a pause; at least 1.
    pub burst: u32,
    /// Calls under way at the same time; at least 1.
    pub concurrent_max: usize,
}

/// Lets calls through at a [`Pace`], and none while the provider has asked for a pause.
pub struct Throttle {
    clock: Arc<dyn Clock>,
    places: Semaphore,
    state: Mutex<State>,
}

struct State {
    tokens: TokenBucket,
    closed_until: Instant,
}

/// The right to make one call; the place is free again when it is dropped.
#[must_use]
pub struct Permit<'a>(#[expect(dead_code, reason = "held, not read")] SemaphorePermit<'a>);

// === impl Throttle ===

impl Throttle {
    pub fn new(pace: Pace, clock: Arc<dyn Clock>) -> Self {
        let now = clock.monotonic();
        let tokens = TokenBucket::new(pace.calls_per_second, pace.burst, now);
        Self {
            places: Semaphore::new(pace.concurrent_max.max(1)),
            state: Mutex::new(State { tokens, closed_until: now }),
            clock,
        }
    }

    /// Waits until a call may be made.
    pub async fn admit(&self) -> Permit<'_> {
        let place = self.places.acquire().await.expect("the semaphore is never closed");
        let mut wait = {
            let now = self.clock.monotonic();
            self.state().tokens.take(now)
        };
        // Another call may have closed the gate while this one waited for its token.
        loop {
            wait = wait.max(self.closed_for());
            if wait.is_zero() {
                return Permit(place);
            }
            self.clock.sleep(wait).await;
            wait = Duration::ZERO;
        }
    }

    /// Lets no call through for `pause`; a longer pause that is under way goes on.
    pub fn close_for(&self, pause: Duration) {
        let until = self.clock.monotonic() + pause;
        let mut state = self.state();
        state.closed_until = state.closed_until.max(until);
    }

    fn closed_for(&self) -> Duration {
        let now = self.clock.monotonic();
        self.state().closed_until.saturating_duration_since(now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
