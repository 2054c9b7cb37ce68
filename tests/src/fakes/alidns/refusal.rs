//! How AliDNS says no.

/// An error with its HTTP status, code and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
    /// Seconds, in the header `x-acs-retry-after`.
    pub(super) retry_after: Option<u64>,
}

// === impl Refusal ===

impl Refusal {
    /// With HTTP 400.
    pub(super) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.to_owned(), message: message.into(), retry_after: None }
    }

    pub(super) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub(super) fn throttled(retry_after: Option<u64>) -> Self {
        let refusal = Self::new("Throttling.User", "Request was denied due to user flow control.");
        Self { retry_after, ..refusal }
    }

    pub(super) fn parameter(name: &str) -> Self {
        Self::new("InvalidParameter", format!("The parameter value {name} is invalid."))
    }
}
