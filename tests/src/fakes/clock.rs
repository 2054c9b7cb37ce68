//! A clock that a client and a fake share.

use std::pin::Pin;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use model::UnixTime;
use providers::Clock;

use crate::lock::lock;

/// Whoever sleeps on it moves it, and takes no time: an hour of waiting passes at once.
pub struct VirtualClock {
    start: Instant,
    unix_start: u64,
    passed: Mutex<Duration>,
}

// === impl VirtualClock ===

impl VirtualClock {
    pub fn new(unix_start: u64) -> Self {
        Self { start: Instant::now(), unix_start, passed: Mutex::new(Duration::ZERO) }
    }

    /// How much time has passed since its start.
    pub fn passed(&self) -> Duration {
        *lock(&self.passed)
    }

    pub fn advance(&self, duration: Duration) {
        *lock(&self.passed) += duration;
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
        self.advance(duration);
        Box::pin(tokio::task::yield_now())
    }
}
