//! How long to wait after a failure.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::freshness::Trouble;

const FIRST: Duration = Duration::from_millis(50);
/// After an outage a change is to be seen within two seconds.
const OUTAGE_MAX: Duration = Duration::from_secs(1);
/// Somebody must grant or repair something first.
const REFUSAL_MAX: Duration = Duration::from_secs(5);
/// Each attempt lists everything.
const DISAGREEMENT_MAX: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

// === impl Backoff ===

impl Backoff {
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    pub(crate) async fn wait(&mut self, trouble: &Trouble) {
        let random = RandomState::new().hash_one(self.failures);
        let delay = delay(self.failures, longest(trouble), random);
        self.failures = self.failures.saturating_add(1);
        tokio::time::sleep(delay).await;
    }
}

fn longest(trouble: &Trouble) -> Duration {
    match trouble {
        Trouble::Failure(failure) if failure.is_refusal() => REFUSAL_MAX,
        Trouble::Failure(_) => OUTAGE_MAX,
        Trouble::ListDisagrees(_) => DISAGREEMENT_MAX,
        Trouble::ClusterChanged(_) => REFUSAL_MAX,
    }
}

/// Doubles up to `longest`; `random` takes off up to a half, so that many do not come at once.
fn delay(failures: u32, longest: Duration, random: u64) -> Duration {
    let full = FIRST.saturating_mul(1 << failures.min(16)).min(longest);
    let off = u32::try_from(random % 1_024).unwrap_or_default();
    full - full * off / 2_048
}

#[cfg(test)]
mod tests {
    use super::*;
    use clusters::Failure;

    fn check(failures: u32, random: u64, expect_milliseconds: u128) {
        let lost = Trouble::Failure(Failure::Unreachable("lost".to_owned()));
        let delay = delay(failures, longest(&lost), random);
        assert_eq!(delay.as_millis(), expect_milliseconds);
    }

    #[test]
    fn delays_double_and_are_capped_at_one_second_with_jitter() {
        check(0, 0, 50);
        check(1, 0, 100);
        check(4, 0, 800);
        check(5, 0, 1_000);
        check(u32::MAX, 0, 1_000);
        check(u32::MAX, 512, 750);
        check(u32::MAX, 1_023, 500);
    }
}
