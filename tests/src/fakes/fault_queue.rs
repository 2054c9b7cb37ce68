//! Faults that are still to come, by action.

use std::collections::{BTreeMap, VecDeque};

/// The next calls of an action meet its faults, one after the other.
pub(super) struct FaultQueue<F>(BTreeMap<&'static str, VecDeque<F>>);

// === impl FaultQueue ===

impl<F> FaultQueue<F> {
    pub fn push(&mut self, action: &'static str, faults: impl IntoIterator<Item = F>) {
        self.0.entry(action).or_default().extend(faults);
    }

    /// What a call of this action meets; `None` where nothing goes wrong.
    pub fn next(&mut self, action: &str) -> Option<F> {
        self.0.get_mut(action).and_then(VecDeque::pop_front)
    }
}

impl<F> Default for FaultQueue<F> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}
