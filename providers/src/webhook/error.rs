//! Failures in one line each, with cause and remedy.

use std::time::Duration;

use model::{Name, RecordType};

use super::url::{MEDIA_TYPE, WebhookUrl};
use crate::provider::{Failure, FailureKind};

/// So much of a provider's own words is told.
const WORDS_LENGTH_MAX: usize = 200;
/// Nobody is asked to wait longer.
const RETRY_AFTER_MAX: u64 = 3600;

/// What was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Negotiate,
    Records,
    Adjust,
    Apply,
}

/// A whole answer that is no refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) media_type: Option<String>,
    pub(super) body: Vec<u8>,
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("webhook {url}: {call}: {cause}")]
pub struct Error {
    url: String,
    call: Call,
    pub cause: Cause,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    #[error("{0}")]
    Unable(String),
    #[error("cannot be reached: {0}; start the webhook, or mend endpoint")]
    Unreachable(String),
    #[error("no answer in time; what stands there is listed anew")]
    Silent,
    #[error("the answer broke off: {0}")]
    Broken(String),
    #[error(
        "its answer is of type {}, not {MEDIA_TYPE}: a webhook of version 1 for ExternalDNS is wanted there; mend \
         endpoint", .0.as_deref().unwrap_or("unknown")
    )]
    NoWebhook(Option<String>),
    #[error("its answer is not understood: {0}")]
    NotUnderstood(String),
    #[error(
        "its domain filter lets through {filter}, which does not hold {zone}: let it serve {zone}, or mend endpoint"
    )]
    NotServed { zone: Name, filter: String },
    #[error("it leaves out {name} {record_type}, and so does not take it; its own log says why")]
    LeftOut { name: Name, record_type: RecordType },
    #[error("answered {status}: the provider behind it is away, or fails; its own log says why")]
    Failing { status: u16, retry_after: Option<u64> },
    #[error("answered {status}{words}: {remedy}")]
    Refused { status: u16, words: String, remedy: &'static str },
}

// === impl Call ===

impl Call {
    pub(super) fn is_get(self) -> bool {
        matches!(self, Self::Negotiate | Self::Records)
    }

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Negotiate => "/",
            Self::Records | Self::Apply => "/records",
            Self::Adjust => "/adjustendpoints",
        }
    }
}

impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let method = if self.is_get() { "GET" } else { "POST" };
        write!(f, "{method} {}", self.path())
    }
}

// === impl Cause ===

impl Cause {
    /// From an answer that is no success. The words of a failure that passes may differ each time, and
    /// are left to the provider's own log.
    pub(super) fn refusal(status: u16, words: &[u8], retry_after: Option<&str>) -> Self {
        let remedy = match status {
            429 | 500.. => {
                let seconds = retry_after.and_then(|it| it.trim().parse().ok());
                let retry_after = seconds.map(|it: u64| it.min(RETRY_AFTER_MAX));
                return Self::Failing { status, retry_after };
            }
            401 | 403 => "let this machine's calls through, or put what it asks for into endpoint",
            406 | 415 => "it takes another version of the protocol; take a webhook of version 1",
            300..=399 | 404 | 405 => "there is no webhook for ExternalDNS there; mend endpoint",
            413 => "the call is too large for it",
            _ => "mend what it refuses; its own log says more",
        };
        Self::Refused { status, words: first_line(words), remedy }
    }

    fn kind(&self, call: Call) -> FailureKind {
        match self {
            Self::Unreachable(_) | Self::Silent | Self::Broken(_) | Self::NotUnderstood(_) => {
                FailureKind::Later(None)
            }
            Self::Failing { retry_after, .. } => {
                FailureKind::Later(retry_after.map(Duration::from_secs))
            }
            Self::Refused { status: 300..=399 | 401 | 403..=406 | 415, .. } => FailureKind::Fatal,
            // Nothing is in these that could be left out.
            Self::Refused { .. } if call.is_get() => FailureKind::Fatal,
            Self::Refused { .. } | Self::LeftOut { .. } => FailureKind::Refused,
            Self::Unable(_) | Self::NoWebhook(_) | Self::NotServed { .. } => FailureKind::Fatal,
        }
    }
}

fn first_line(words: &[u8]) -> String {
    let text = String::from_utf8_lossy(words);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let plain: String = line.chars().filter(|it| !it.is_control()).take(WORDS_LENGTH_MAX).collect();
    if plain.is_empty() { plain } else { format!(" ({plain})") }
}

// === impl Error ===

impl Error {
    pub(super) fn new(url: &WebhookUrl, call: Call, cause: Cause) -> Self {
        Self { url: url.to_string(), call, cause }
    }

    /// True where one of several changes may be what the provider fails at: it says the same of
    /// whatever is wrong.
    pub(super) fn may_be_a_change(&self) -> bool {
        matches!(self.cause, Cause::Silent | Cause::Failing { status: 500, .. })
    }

    /// True where one of several sets may be what the provider refuses.
    pub(super) fn may_be_a_set(&self) -> bool {
        let is_refused = self.cause.kind(self.call) == FailureKind::Refused;
        is_refused || matches!(self.cause, Cause::Failing { status: 500, .. })
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(error.cause.kind(error.call), error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(call: Call, status: u16, words: &str, kind: FailureKind, line: &str) {
        let cause = Cause::refusal(status, words.as_bytes(), Some("30"));
        let failure = Failure::from(Error::new(&WebhookUrl::default(), call, cause));
        assert_eq!(failure.kind, kind, "{failure}");
        assert_eq!(failure.line, format!("webhook http://localhost:8888: {line}"));
    }

    #[test]
    fn failures_that_pass_are_tried_again_and_the_rest_is_told() {
        let later = FailureKind::Later(Some(Duration::from_secs(30)));
        let away = "the provider behind it is away, or fails; its own log says why";
        for status in [429, 500, 503] {
            let line = format!("POST /records: answered {status}: {away}");
            check(Call::Apply, status, "request 4711", later, &line);
        }
        let line = "POST /records: answered 400 (no such value): mend what it refuses; its own log says more";
        check(Call::Apply, 400, "\n no such value\r\nat 4711", FailureKind::Refused, line);
        let line = "GET /records: answered 400: mend what it refuses; its own log says more";
        check(Call::Records, 400, "", FailureKind::Fatal, line);
        let line = "GET /: answered 404: there is no webhook for ExternalDNS there; mend endpoint";
        check(Call::Negotiate, 404, "", FailureKind::Fatal, line);
        let line = "POST /adjustendpoints: answered 413: the call is too large for it";
        check(Call::Adjust, 413, "", FailureKind::Refused, line);
    }
}
