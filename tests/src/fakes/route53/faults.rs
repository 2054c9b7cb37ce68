//! What can be made to go wrong.

/// What goes wrong with a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Not carried out: `Throttling`, HTTP 400.
    Throttle,
    /// Not carried out: another change of the zone is under way.
    PriorRequest,
    /// Not carried out, and answered with this.
    Refuse { status: u16, code: &'static str },
    /// Not carried out; the connection is closed.
    CloseBefore,
    /// Carried out; the connection is closed without an answer.
    CloseAfter,
    /// Nothing goes wrong.
    Pass,
}
