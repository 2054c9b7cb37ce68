//! What can be made to go wrong.

use std::fmt;
use std::sync::Arc;

use super::domains::Domains;
use super::refusal::Refusal;

/// What goes wrong with a call.
#[derive(Clone)]
pub enum Fault {
    /// `Throttling.User`; the seconds go into `x-acs-retry-after`.
    Throttle { retry_after: Option<u64> },
    /// Not carried out, and answered with this.
    Refuse { status: u16, code: &'static str, message: &'static str },
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
    /// Somebody else changes something just before the call is carried out.
    Meanwhile(Arc<dyn Fn(&mut Domains) + Send + Sync>),
}

/// A fault with the calls that it meets: the first one, unless told otherwise.
#[derive(Clone, Debug)]
pub struct Injection {
    fault: Fault,
    action: Option<&'static str>,
    skip: usize,
    times: usize,
}

/// All faults that are still to come.
#[derive(Default)]
pub(super) struct Faults(Vec<Injection>);

// === impl Fault ===

impl Fault {
    /// The answer, if it takes the place of the call.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Throttle { retry_after } => Some(Refusal::throttled(*retry_after)),
            Self::Refuse { status, code, message } => {
                Some(Refusal::new(code, *message).with_status(*status))
            }
            _ => None,
        }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Throttle { .. } => "Throttle",
            Self::Refuse { code, .. } => code,
            Self::BadGateway => "BadGateway",
            Self::CloseBefore => "CloseBefore",
            Self::CloseAfter => "CloseAfter",
            Self::SilenceBefore => "SilenceBefore",
            Self::SilenceAfter => "SilenceAfter",
            Self::Meanwhile(_) => "Meanwhile",
        };
        f.write_str(name)
    }
}

// === impl Injection ===

impl Injection {
    pub fn of(fault: Fault) -> Self {
        Self { fault, action: None, skip: 0, times: 1 }
    }

    /// Counts and meets calls of this action only.
    pub fn on(self, action: &'static str) -> Self {
        Self { action: Some(action), ..self }
    }

    /// Lets this many calls pass first.
    pub fn after(self, calls: usize) -> Self {
        Self { skip: calls, ..self }
    }

    /// Meets this many calls, one after the other.
    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }
}

// === impl Faults ===

impl Faults {
    pub(super) fn push(&mut self, injection: Injection) {
        self.0.push(injection);
    }

    /// The fault that this call meets. Every injection counts the call; the earliest one wins.
    pub(super) fn meet(&mut self, action: &str) -> Option<Fault> {
        let mut met = None;
        for injection in &mut self.0 {
            if injection.action.is_some_and(|it| it != action) || met.is_some() {
                continue;
            }
            if injection.skip > 0 {
                injection.skip -= 1;
            } else {
                injection.times -= 1;
                met = Some(injection.fault.clone());
            }
        }
        self.0.retain(|injection| injection.times > 0);
        met
    }
}
