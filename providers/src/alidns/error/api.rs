//! An error that AliDNS answered with.

use std::fmt;
use std::time::Duration;

use super::Class;
use super::codes::{self, Known};

/// The longest part of AliDNS's own words that is repeated, in characters.
const MESSAGE_LENGTH_MAX: usize = 240;

/// An answer with `Code`. Equality leaves out what differs from call to call: the request's id, the
/// link with it, and how long to wait.
#[derive(Clone, Debug)]
pub struct ApiError {
    pub action: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// AliDNS's own word, like `QuotaExceeded.TTL`.
    pub code: String,
    /// AliDNS's own words: one line, without secrets and without the request's id. Empty where they
    /// would repeat what was signed.
    pub message: String,
    pub request_id: Option<String>,
    /// The vendor's page on this failure.
    pub recommend: Option<String>,
    pub retry_after: Option<Duration>,
}

// === impl ApiError ===

impl ApiError {
    pub fn class(&self) -> Class {
        match codes::known(&self.code) {
            Some(known) => known.class,
            None if self.status == 429 || self.status >= 500 => Class::Retry,
            None => Class::Fatal,
        }
    }

    pub fn is_denied(&self) -> bool {
        match codes::known(&self.code) {
            Some(known) => known.remedy == codes::GRANT,
            None => self.status == 403,
        }
    }

    pub fn is_about_credentials(&self) -> bool {
        let helps = |remedy: &str| remedy == codes::CHECK_KEY || remedy == codes::NEW_TOKEN;
        codes::known(&self.code).is_some_and(|known| helps(known.remedy))
    }

    pub fn is_throttling(&self) -> bool {
        self.status == 429 || self.code.starts_with("Throttling")
    }

    /// What may be repeated of `message`: see [`ApiError::message`]. Secrets are the caller's to
    /// blot out first.
    pub(crate) fn repeatable(code: &str, message: &str, request_id: Option<&str>) -> String {
        if codes::repeats_what_was_signed(code) {
            return String::new();
        }
        let line = message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let line = match request_id {
            Some(id) if !id.is_empty() => line.replace(id, "…"),
            _ => line.to_owned(),
        };
        match line.char_indices().nth(MESSAGE_LENGTH_MAX) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { action, status, code, message, .. } = self;
        write!(f, "{action}: {code}: ")?;
        match codes::known(code) {
            Some(Known { cause, remedy, .. }) if message.is_empty() => {
                write!(f, "{cause}; {remedy}")
            }
            Some(Known { cause, remedy, .. }) => write!(f, "{cause} ({message}); {remedy}"),
            None if message.is_empty() => write!(f, "not known to fedns (HTTP {status})"),
            None => write!(f, "{message} (HTTP {status}, not known to fedns)"),
        }
    }
}

impl PartialEq for ApiError {
    fn eq(&self, other: &Self) -> bool {
        let identity = |it: &Self| (it.action, it.status, it.code.clone(), it.message.clone());
        identity(self) == identity(other)
    }
}

impl Eq for ApiError {}

impl std::error::Error for ApiError {}
