//! Signed calls, with pace and retries.

mod request;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use model::UnixTime;
use reqwest::header::{DATE, HeaderMap};
use serde::de::DeserializeOwned;

use super::answer::Failure;
use super::credentials::{CredentialSource, CredentialStore, Credentials};
use super::error::{ApiError, Error};
use super::nonce::Nonces;
use super::retry::Retry;
pub use super::retry::RetryPolicy;
use super::signature::Parameters;
use crate::clock::Clock;
use crate::http;
use crate::throttle::{Pace, Throttle};
use request::{Endpoint, Signing};

/// A page of 500 records has about 200 kB.
const ANSWER_LENGTH_MAX: usize = 16 * 1024 * 1024;
const API_VERSION: &str = "2015-01-09";
const SKEW_UNKNOWN: i64 = i64::MIN;

/// How a client calls; the defaults are those for production.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// `https://alidns.aliyuncs.com` for every region.
    pub endpoint: String,
    pub signature: SignatureVersion,
    pub pace: Pace,
    pub retry: RetryPolicy,
    /// For one attempt, from the connection to the last byte.
    pub timeout: Duration,
}

/// How calls are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureVersion {
    /// HMAC-SHA1.
    V1,
    /// ACS3-HMAC-SHA256.
    #[default]
    V3,
}

/// A client of one account. AliDNS counts calls by account, so all domains of an account share one.
pub struct Client {
    http: reqwest::Client,
    endpoint: Endpoint,
    signature: SignatureVersion,
    credentials: CredentialStore,
    throttle: Throttle,
    retry: Retry,
    clock: Arc<dyn Clock>,
    nonces: Nonces,
    /// Seconds, or [`SKEW_UNKNOWN`].
    skew: AtomicI64,
}

/// One call: the action with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) action: &'static str,
    pub(super) parameters: Parameters,
}

// === impl Options ===

impl Default for Options {
    fn default() -> Self {
        Self {
            endpoint: "https://alidns.aliyuncs.com".to_owned(),
            signature: SignatureVersion::default(),
            pace: Pace { calls_per_second: 5.0, burst: 10, concurrent_max: 2 },
            retry: RetryPolicy::default(),
            timeout: Duration::from_secs(15),
        }
    }
}

// === impl Call ===

impl Call {
    pub(super) fn new(action: &'static str) -> Self {
        // Without it, messages are in Chinese.
        let parameters = Parameters::from([("Lang".to_owned(), "en".to_owned())]);
        Self { action, parameters }
    }

    pub(super) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.parameters.insert(name.to_owned(), value.to_string());
        self
    }
}

// === impl Client ===

impl Client {
    /// # Errors
    ///
    /// If the endpoint is no URL, or the machine has no certificate authorities.
    pub fn new(
        options: Options,
        credentials: CredentialSource,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let Options { endpoint, signature, pace, retry, timeout } = options;
        let endpoint = Endpoint::parse(&endpoint).map_err(Error::Options)?;
        let http = http::client(|builder| {
            let builder = builder.timeout(timeout).connect_timeout(timeout / 2);
            if endpoint.is_loopback { builder.no_proxy() } else { builder }
        })
        .map_err(Error::Options)?;
        Ok(Self {
            http,
            endpoint,
            signature,
            credentials: CredentialStore::new(credentials, Arc::clone(&clock)),
            throttle: Throttle::new(pace, Arc::clone(&clock)),
            retry: Retry::new(retry, Arc::clone(&clock)),
            clock,
            nonces: Nonces::default(),
            skew: AtomicI64::new(SKEW_UNKNOWN),
        })
    }

    /// How far this machine's clock was ahead of AliDNS's at the last answer, in seconds; negative
    /// where it is behind. None before the first answer.
    pub fn clock_skew(&self) -> Option<i64> {
        Some(self.skew.load(Ordering::Relaxed)).filter(|skew| *skew != SKEW_UNKNOWN)
    }

    /// Calls until it succeeds or is not to be tried again. Only for what may be carried out twice.
    pub(super) async fn call<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Error> {
        let mut attempts = self.retry.attempts(&self.throttle);
        loop {
            match self.attempt(call).await {
                Ok(answer) => return Ok(answer),
                Err(error) => attempts.again(error).await?,
            }
        }
    }

    /// Why a call that is under way has not succeeded yet; `None` where nothing is wrong so far.
    pub fn trouble(&self) -> Option<String> {
        self.retry.trouble()
    }

    pub(super) fn attempts(&self) -> super::retry::Attempts<'_> {
        self.retry.attempts(&self.throttle)
    }

    /// One attempt. A key that is refused is asked for anew where it may have changed.
    pub(super) async fn attempt<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Error> {
        let credentials = self.credentials.get().await?;
        let body = match self.exchange(call, &credentials).await {
            Err(error)
                if error.is_about_credentials() && self.credentials.refused(&credentials) =>
            {
                let other = self.credentials.get().await?;
                if other == credentials {
                    return Err(error);
                }
                self.exchange(call, &other).await?
            }
            result => result?,
        };
        serde_json::from_slice(&body).map_err(|problem| Error::Answer {
            action: call.action,
            status: 200,
            found: problem.to_string(),
        })
    }

    async fn exchange(&self, call: &Call, credentials: &Credentials) -> Result<Vec<u8>, Error> {
        let _permit = self.throttle.admit().await;
        let now = self.clock.unix();
        let signing = Signing {
            credentials,
            version: API_VERSION,
            date: date(now),
            nonce: self.nonces.next(),
        };
        let request = signing.request(self.signature, &self.http, &self.endpoint, call);
        let lost = |error: reqwest::Error| {
            let cause = http::innermost(&error);
            let untrusted = cause.contains("invalid peer certificate");
            let reached = !error.is_connect() && !error.is_builder();
            let cause = match reached {
                true => cause,
                false => format!("no connection to {}: {cause}", self.endpoint.origin),
            };
            Error::Transport { action: call.action, cause, reached, untrusted }
        };
        let mut response = request.send().await.map_err(lost)?;
        self.note_skew(now, response.headers());
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let body = http::body(&mut response, ANSWER_LENGTH_MAX).await.map_err(|cause| {
            Error::Transport { action: call.action, cause, reached: true, untrusted: false }
        })?;
        if response.status().is_success() {
            self.retry.set_trouble(None);
            tracing::trace!(action = call.action, bytes = body.len(), "AliDNS answered");
            return Ok(body);
        }
        Err(failure(call.action, status, retry_after, &body, credentials))
    }

    fn note_skew(&self, now: UnixTime, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let theirs = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        if let (Some(theirs), Ok(ours)) = (theirs, i64::try_from(now.0)) {
            self.skew.store(ours - theirs.timestamp().as_second(), Ordering::Relaxed);
        }
    }
}

/// `2016-03-24T16:41:54Z`
fn date(now: UnixTime) -> String {
    let seconds = i64::try_from(now.0).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX).to_string()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get("x-acs-retry-after")?.to_str().ok()?.parse::<u64>().ok()?;
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

fn failure(
    action: &'static str,
    status: u16,
    retry_after: Option<Duration>,
    body: &[u8],
    credentials: &Credentials,
) -> Error {
    let redacted = |text: &str| {
        let text = credentials.access_key_secret.redacted(text);
        match &credentials.security_token {
            Some(token) => token.redacted(&text),
            None => text,
        }
    };
    let Some(Failure { code, message, request_id, recommend }) =
        serde_json::from_slice(body).ok().filter(|failure: &Failure| !failure.code.is_empty())
    else {
        let text = String::from_utf8_lossy(body);
        let found = ApiError::repeatable("", &redacted(&text), None);
        return Error::Answer { action, status, found };
    };
    let message = ApiError::repeatable(&code, &redacted(&message), request_id.as_deref());
    let error = ApiError { action, status, code, message, request_id, recommend, retry_after };
    tracing::debug!(
        action,
        status,
        code = error.code,
        request_id = error.request_id.as_deref().unwrap_or_default(),
        "AliDNS refused a call"
    );
    error.into()
}

#[cfg(test)]
mod tests {
    use model::Name;

    use super::*;
    use crate::alidns::{RecordFields, RecordId};

    /// Calls may be made from any task: this compiles only if their futures may move between threads.
    #[expect(dead_code, reason = "it is compiled, and never called")]
    fn calls_are_send(client: &Client, name: &Name, id: &RecordId, fields: &RecordFields) {
        fn is_send(_: impl Send) {}
        is_send(client.list_records(name));
        is_send(client.add_record(name, fields));
        is_send(client.update_record(name, id, fields));
        is_send(client.delete_record(id));
        is_send(client.plan_limits(name));
        is_send(client.hosting_domain(name));
    }

    #[test]
    fn times_are_written_as_they_are_signed() {
        assert_eq!(date(UnixTime(1_458_837_714)), "2016-03-24T16:41:54Z");
    }
}
