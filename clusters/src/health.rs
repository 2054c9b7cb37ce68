//! What a row of probes says of a cluster. Pure: the clock comes in as an argument.

use std::time::Duration;

use model::UnixTime;

use crate::failure::Failure;

/// From the start of one probe to the start of the next.
pub const PROBE_INTERVAL: Duration = Duration::from_secs(10);
/// A probe without an answer for this long has failed.
pub const PROBE_LIMIT: Duration = Duration::from_secs(3);
/// So many failures in a row make a cluster stale.
pub const FAILURES_TO_STALE: u32 = 3;

/// ```text
/// [ Unknown ] -- good --> [ Good ] -- 3 failures, or one refusal --> [ Bad ]
///      '------- failure ------------------------------------------------^ |
///                         [ Good ] <-- good ------------------------------'
/// ```
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Failures since the last good probe that count: at most one per [`PROBE_INTERVAL`].
    failures: u32,
    /// When the last failure was counted.
    counted: Option<UnixTime>,
    /// The latest failure since the last good probe.
    failure: Option<Failure>,
    last_good: Option<UnixTime>,
}

/// What the probes say up to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing<'a> {
    /// No probe has ended yet.
    Unknown,
    Good,
    Bad(&'a Failure),
}

// === impl Health ===

impl Health {
    /// Takes in one probe. True if it is the first good one after a failure: whatever hung in the
    /// meantime should be opened anew.
    pub fn probed(&mut self, result: Result<(), Failure>, now: UnixTime) -> bool {
        match result {
            Ok(()) => {
                let recovered = self.failure.is_some();
                *self = Self { last_good: Some(now), ..Self::default() };
                recovered
            }
            Err(failure) => {
                self.count(now);
                self.failure = Some(failure);
                false
            }
        }
    }

    pub fn standing(&self) -> Standing<'_> {
        match (&self.failure, self.last_good) {
            (None, None) => Standing::Unknown,
            (None, Some(_)) => Standing::Good,
            // Good until proved otherwise: one lost packet is no outage.
            (Some(failure), Some(_))
                if self.failures < FAILURES_TO_STALE && !failure.is_refusal() =>
            {
                Standing::Good
            }
            (Some(failure), _) => Standing::Bad(failure),
        }
    }

    /// When the last good probe ended.
    pub fn last_good(&self) -> Option<UnixTime> {
        self.last_good
    }

    /// Probes out of turn speed recovery up and must not speed failure up.
    fn count(&mut self, now: UnixTime) {
        let interval_seconds = PROBE_INTERVAL.as_secs() - 1;
        if self.counted.is_none_or(|counted| now.0 >= counted.0.saturating_add(interval_seconds)) {
            self.failures += 1;
            self.counted = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost() -> Result<(), Failure> {
        Err(Failure::Unreachable("lost".to_owned()))
    }

    fn refused() -> Result<(), Failure> {
        Err(Failure::Forbidden("no".to_owned()))
    }

    /// Feeds `(second, result)` and compares the standing after the last as one word.
    fn check(probes: &[(u64, Result<(), Failure>)], expect: &str) {
        let mut health = Health::default();
        for (second, result) in probes {
            health.probed(result.clone(), UnixTime(*second));
        }
        let word = match health.standing() {
            Standing::Unknown => "unknown",
            Standing::Good => "good",
            Standing::Bad(_) => "bad",
        };
        assert_eq!(word, expect, "{probes:?}");
    }

    #[test]
    fn three_failures_make_a_cluster_stale() {
        check(&[], "unknown");
        check(&[(0, Ok(()))], "good");
        check(&[(0, Ok(())), (10, lost())], "good");
        check(&[(0, Ok(())), (10, lost()), (20, lost())], "good");
        check(&[(0, Ok(())), (10, lost()), (20, lost()), (30, lost())], "bad");
        check(&[(0, Ok(())), (10, lost()), (20, lost()), (30, Ok(())), (40, lost())], "good");
    }

    #[test]
    fn before_the_first_good_probe_one_failure_is_enough() {
        check(&[(0, lost())], "bad");
        check(&[(0, lost()), (10, Ok(()))], "good");
    }

    #[test]
    fn wrong_credentials_or_rights_count_at_once() {
        check(&[(0, Ok(())), (10, refused())], "bad");
        check(&[(0, Ok(())), (10, refused()), (20, Ok(()))], "good");
    }

    #[test]
    fn probes_out_of_turn_do_not_hasten_the_verdict() {
        check(&[(0, Ok(())), (10, lost()), (11, lost()), (12, lost()), (13, lost())], "good");
        check(&[(0, Ok(())), (10, lost()), (19, lost()), (29, lost())], "bad");
    }

    #[test]
    fn the_first_good_probe_after_a_failure_is_a_recovery() {
        let mut health = Health::default();
        assert!(!health.probed(Ok(()), UnixTime(0)));
        assert!(!health.probed(lost(), UnixTime(10)));
        assert!(health.probed(Ok(()), UnixTime(20)));
        assert!(!health.probed(Ok(()), UnixTime(30)));
        assert_eq!(health.last_good(), Some(UnixTime(30)));
    }
}
