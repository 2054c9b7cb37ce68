//! The clocks of the machine, read at the edge only.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use model::UnixTime;

pub(crate) fn unix_now() -> UnixTime {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime(since_epoch.as_secs())
}

/// The moment at which [`unix_now`] will be at least `time`.
pub(crate) fn instant_of(time: UnixTime) -> Instant {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Instant::now() + Duration::from_secs(time.0).saturating_sub(now)
}

pub(crate) async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
