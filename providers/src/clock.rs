//! The time, as an argument: a test can let an hour pass at once.

use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use model::UnixTime;

/// What a client knows of time.
pub trait Clock: Send + Sync + 'static {
    /// A clock that never goes back, for waiting.
    fn monotonic(&self) -> Instant;

    /// The time of day, for signatures and expiry.
    fn unix(&self) -> UnixTime;

    /// Ends when `duration` has passed on [`Clock::monotonic`].
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

// === impl SystemClock ===

impl Clock for SystemClock {
    fn monotonic(&self) -> Instant {
        Instant::now()
    }

    fn unix(&self) -> UnixTime {
        // A clock before 1970 makes every signature fail, which the provider then says.
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixTime(since_1970.as_secs())
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(duration))
    }
}
