//! How long to wait after a failure.

use std::time::Duration;

/// Waiting times that double, with jitter, so that many clients do not come back at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    pub first: Duration,
    pub longest: Duration,
}

// === impl Backoff ===

impl Backoff {
    /// The wait after this many failures before the present one; `random` takes off up to a half.
    pub fn delay(self, failures_before: u32, random: u64) -> Duration {
        let full = self.first.saturating_mul(1 << failures_before.min(16)).min(self.longest);
        let off = u32::try_from(random % 1_024).unwrap_or_default();
        full - full * off / 2_048
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest_and_lose_up_to_a_half() {
        let backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(60) };
        let rows = [
            (0, 0, 1_000),
            (0, 1_023, 500),
            (3, 0, 8_000),
            (3, 512, 6_000),
            (6, 0, 60_000),
            (u32::MAX, 0, 60_000),
            (u32::MAX, 1_023, 30_029),
        ];
        for (failures, random, milliseconds) in rows {
            let delay = backoff.delay(failures, random);
            assert_eq!(delay.as_millis(), milliseconds, "{failures} {random}");
        }
    }
}
