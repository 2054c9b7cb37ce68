//! What can be made to go wrong.

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
