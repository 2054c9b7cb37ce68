//! When an engine tries again after failures, and when it looks at its provider while all is well.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use crate::provider::FailureKind;
use crate::throttle::Backoff;

/// After a failure that passes.
const BACKOFF: Backoff =
    Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(300) };
/// After one that somebody must mend.
const FATAL_RETRY: Duration = Duration::from_secs(300);
/// So often is listed anew before a change that finds something else each time is set aside.
const MOVES_MAX: u32 = 3;

/// What failed since something landed, or nothing was left to do.
#[derive(Debug, Default)]
pub(super) struct Retry {
    failures: u32,
    /// How often something else stood there than was listed.
    moves: u32,
    /// No call before this.
    until: Option<Instant>,
}

// === impl Retry ===

impl Retry {
    /// How long to wait after one more failure, from `now` on.
    pub fn after(&mut self, kind: FailureKind, now: Instant) -> Duration {
        let backoff = BACKOFF.delay(self.failures, random(self.failures));
        let wait = match kind {
            FailureKind::Moved if self.moves == 0 => Duration::ZERO,
            FailureKind::Fatal => FATAL_RETRY,
            FailureKind::Later(Some(asked)) => asked.max(backoff),
            _ => backoff,
        };
        self.failures += 1;
        self.moves += u32::from(kind == FailureKind::Moved);
        self.until = Some(now + wait);
        wait
    }

    /// Nothing is in the way any more. Whether something was that people have heard of.
    pub fn over(&mut self) -> bool {
        let was_told = self.failures > self.moves;
        *self = Self::default();
        was_told
    }

    /// Whatever was waited for, the next call may be made.
    pub fn at_once(&mut self) {
        self.until = None;
    }

    /// How long there is to wait yet, if at all.
    pub fn wait(&self, now: Instant) -> Option<Duration> {
        self.until.filter(|until| *until > now).map(|until| until.saturating_duration_since(now))
    }

    /// Whether a change that finds something else once more is to be set aside.
    pub fn refuses_moved(&self) -> bool {
        self.moves >= MOVES_MAX
    }
}

/// Up to a tenth more or less, so that many mirrors do not look at the same moment.
pub(super) fn jittered(duration: Duration) -> Duration {
    let tenth = duration / 10;
    let part = u32::try_from(random(0) % 2_048).unwrap_or_default();
    duration - tenth + tenth * part / 1_024
}

fn random(seed: u32) -> u64 {
    RandomState::new().hash_one(seed)
}
