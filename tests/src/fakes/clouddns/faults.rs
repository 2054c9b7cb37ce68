//! What can be made to go wrong.

use std::collections::{BTreeMap, VecDeque};

/// What goes wrong with a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Not carried out: `rateLimitExceeded`, HTTP 429.
    Throttle,
    /// Not carried out, and answered with this.
    Refuse { status: u16, reason: &'static str },
    /// Not carried out, and answered by a proxy.
    BadGateway,
    /// Not carried out; the connection is closed.
    CloseBefore,
    /// Carried out; the connection is closed without an answer.
    CloseAfter,
    /// Not carried out and never answered.
    SilenceBefore,
    /// Carried out and never answered.
    SilenceAfter,
    /// Nothing goes wrong.
    Pass,
}

/// All faults that are still to come, by action.
#[derive(Default)]
pub(super) struct Faults(BTreeMap<&'static str, VecDeque<Fault>>);

// === impl Faults ===

impl Faults {
    pub fn push(&mut self, action: &'static str, faults: impl IntoIterator<Item = Fault>) {
        self.0.entry(action).or_default().extend(faults);
    }

    pub fn next(&mut self, action: &str) -> Fault {
        self.0.get_mut(action).and_then(VecDeque::pop_front).unwrap_or(Fault::Pass)
    }
}
