//! A clock for tests: sleeping moves it, and takes no time.

use std::pin::Pin;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use model::UnixTime;

use crate::clock::Clock;

pub(crate) struct TestClock {
    start: Instant,
    unix_start: u64,
    passed: Mutex<Duration>,
}

impl TestClock {
    pub(crate) fn new(unix_start: u64) -> Self {
        Self { start: Instant::now(), unix_start, passed: Mutex::new(Duration::ZERO) }
    }

    pub(crate) fn passed(&self) -> Duration {
        *self.passed.lock().expect("no test panics with it")
    }

    pub(crate) fn advance(&self, duration: Duration) {
        *self.passed.lock().expect("no test panics with it") += duration;
    }
}

impl Clock for TestClock {
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
