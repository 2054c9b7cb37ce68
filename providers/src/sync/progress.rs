//! Says how far a long run of changes has come, now and then.

use std::time::{Duration, Instant};

/// Shorter runs need no word.
const TOLD_FROM: usize = 20;
/// Between two words.
const PERIOD: Duration = Duration::from_secs(10);

/// One run of changes.
#[derive(Clone, Debug)]
pub struct Progress {
    total: usize,
    done: usize,
    begun: Instant,
    told: Instant,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    pub done: usize,
    pub total: usize,
    /// As far as the pace so far tells; `None` while nothing is done.
    pub left: Option<Duration>,
}

/// How a long run goes, for whoever shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// So far it has come; `is_time`: it is time for a line about that.
    At { report: Report, is_time: bool },
    /// It is over, or was broken off.
    Over,
}

// === impl Progress ===

impl Progress {
    pub fn new(total: usize, now: Instant) -> Self {
        Self { total, done: 0, begun: now, told: now }
    }

    /// Whether anybody needs to hear of it.
    pub fn is_long(&self) -> bool {
        self.total >= TOLD_FROM
    }

    /// So many more are done. A report, where it is time for one.
    pub fn advance(&mut self, count: usize, now: Instant) -> Option<Report> {
        self.done += count;
        let is_over = self.done >= self.total;
        let is_time = now.saturating_duration_since(self.told) >= PERIOD;
        let was_told = self.told > self.begun;
        if !self.is_long() || !(is_time || (is_over && was_told)) {
            return None;
        }
        self.told = now;
        Some(self.report(now))
    }

    /// How far it has come now.
    pub fn report(&self, now: Instant) -> Report {
        let passed = now.saturating_duration_since(self.begun);
        let rest = self.total.saturating_sub(self.done);
        let left = (self.done > 0).then(|| {
            let share = rest as f64 / self.done as f64;
            Duration::from_secs_f64((passed.as_secs_f64() * share).round())
        });
        Report { done: self.done, total: self.total, left }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_runs_are_told_now_and_then_and_at_their_end() {
        let begun = Instant::now();
        let at = |seconds: u64| begun + Duration::from_secs(seconds);
        let mut progress = Progress::new(100, begun);
        assert_eq!(progress.advance(10, at(9)), None);
        let report = progress.advance(10, at(10)).unwrap();
        assert_eq!((report.done, report.left), (20, Some(Duration::from_secs(40))));
        assert_eq!(progress.advance(10, at(12)), None);
        let report = progress.advance(70, at(13)).unwrap();
        assert_eq!((report.done, report.left), (100, Some(Duration::ZERO)));
    }

    #[test]
    fn short_runs_need_no_word() {
        let begun = Instant::now();
        let mut few = Progress::new(19, begun);
        assert_eq!(few.advance(19, begun + Duration::from_secs(60)), None);
        let mut quick = Progress::new(1_000, begun);
        assert_eq!(quick.advance(1_000, begun + Duration::from_secs(1)), None);
    }
}
