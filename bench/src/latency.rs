//! Many durations as a few figures.

use std::time::Instant;

/// Durations in milliseconds, negative ones included: an answer may come before what it is
/// measured from.
pub struct Latency {
    sorted: Vec<f64>,
}

pub const HEADING: [&str; 6] = ["ms", "median", "p90", "p99", "max", "min"];

impl Latency {
    /// At least one is needed.
    pub fn new(mut milliseconds: Vec<f64>) -> Self {
        assert!(!milliseconds.is_empty(), "nothing was measured");
        milliseconds.sort_by(f64::total_cmp);
        Self { sorted: milliseconds }
    }

    /// The smallest that so many percent do not exceed.
    pub fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.sorted.len() * percent).div_ceil(100).max(1);
        self.sorted[rank - 1]
    }

    pub fn median(&self) -> f64 {
        self.percentile(50)
    }

    pub fn p99(&self) -> f64 {
        self.percentile(99)
    }

    /// A row below [`HEADING`].
    pub fn row(&self, what: &str) -> Vec<String> {
        let figures = [50, 90, 99, 100].map(|percent| self.percentile(percent));
        let figures = figures.into_iter().chain([self.sorted[0]]);
        std::iter::once(what.to_owned()).chain(figures.map(|it| format!("{it:.3}"))).collect()
    }
}

/// The middle one of some figures.
pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Milliseconds from one moment to another; negative where `to` came first.
pub fn milliseconds(from: Instant, to: Instant) -> f64 {
    match to.checked_duration_since(from) {
        Some(later) => later.as_secs_f64() * 1e3,
        None => from.duration_since(to).as_secs_f64() * -1e3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_nearest_rank() {
        let latency = Latency::new((1..=200).rev().map(f64::from).collect());
        let figures = [1, 50, 90, 99, 100].map(|percent| latency.percentile(percent));
        assert_eq!(figures, [2.0, 100.0, 180.0, 198.0, 200.0]);
        assert_eq!(Latency::new(vec![7.0]).p99(), 7.0);
    }
}
