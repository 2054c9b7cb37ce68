//! The token bucket: an average rate with a bounded burst.

use std::time::{Duration, Instant};

/// Tokens that come back with time. Taking one is always possible; the answer is how long to wait
/// before using it, so that those who wait are served in order.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenBucket {
    tokens_per_second: f64,
    capacity: f64,
    /// Below zero: owed to those who wait.
    tokens: f64,
    updated: Instant,
}

// === impl TokenBucket ===

impl TokenBucket {
    /// A full bucket. `tokens_per_second` is above zero.
    pub fn new(tokens_per_second: f64, capacity: u32, now: Instant) -> Self {
        let capacity = f64::from(capacity.max(1));
        Self { tokens_per_second, capacity, tokens: capacity, updated: now }
    }

    /// Takes one token and says how long to wait before using it.
    pub fn take(&mut self, now: Instant) -> Duration {
        self.refill(now);
        self.tokens -= 1.0;
        let missing = (-self.tokens).max(0.0);
        Duration::try_from_secs_f64(missing / self.tokens_per_second).unwrap_or(Duration::MAX)
    }

    /// Takes one token if one is there now.
    pub fn try_take(&mut self, now: Instant) -> bool {
        self.refill(now);
        let there = self.tokens >= 1.0;
        if there {
            self.tokens -= 1.0;
        }
        there
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.updated).as_secs_f64();
        self.tokens = (self.tokens + passed * self.tokens_per_second).min(self.capacity);
        self.updated = self.updated.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_then_each_waits_its_turn() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(4.0, 2, start);
        let waits: Vec<u128> = (0..5).map(|_| bucket.take(start).as_millis()).collect();
        assert_eq!(waits, [0, 0, 250, 500, 750]);
        let later = start + Duration::from_secs(10);
        let waits: Vec<u128> = (0..3).map(|_| bucket.take(later).as_millis()).collect();
        assert_eq!(waits, [0, 0, 250], "no more than the burst is saved up");
    }

    #[test]
    fn what_is_not_there_is_not_taken() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(0.5, 1, start);
        assert!(bucket.try_take(start));
        assert!(!bucket.try_take(start + Duration::from_millis(1_900)));
        assert!(bucket.try_take(start + Duration::from_millis(2_000)));
    }
}
