//! The calls of the protocol.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, RequestBuilder};
use serde::Serialize;

use super::changes::Changes;
use super::domain_filter::DomainFilter;
use super::endpoint::Endpoint;
use super::error::{Answer, Call, Cause, Error};
use super::url::{MEDIA_TYPE, WebhookUrl};
use crate::clock::Clock;
use crate::http;

/// ExternalDNS reads no longer answers either.
const ANSWER_LENGTH_MAX: usize = 32 * 1024 * 1024;
/// Of an answer that is a refusal.
const REFUSAL_LENGTH_MAX: usize = 64 * 1024;

/// How a client calls; the defaults are those for production.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub url: WebhookUrl,
    /// For one call, from the connection to the last byte: a provider may ask its cloud many times.
    pub timeout: Duration,
}

/// A client of one webhook.
pub struct Client {
    http: reqwest::Client,
    url: WebhookUrl,
    clock: Arc<dyn Clock>,
}

// === impl Client ===

impl Client {
    /// # Errors
    ///
    /// If the machine has no certificate authorities.
    pub fn new(options: Options, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let Options { url, timeout } = options;
        let http = http::client(|builder| {
            let builder = builder.timeout(timeout).connect_timeout(timeout / 4);
            // A proxy has another machine's loopback.
            if url.is_loopback() { builder.no_proxy() } else { builder }
        });
        match http {
            Ok(http) => Ok(Self { http, url, clock }),
            Err(problem) => Err(Error::new(&url, Call::Negotiate, Cause::Unable(problem))),
        }
    }

    pub fn url(&self) -> &WebhookUrl {
        &self.url
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// `GET /`
    pub async fn negotiate(&self) -> Result<DomainFilter, Error> {
        let call = Call::Negotiate;
        let answer = self.send(call, self.request(call)).await?;
        if !answer.media_type.as_deref().is_some_and(is_media_type) {
            return Err(self.error(call, Cause::NoWebhook(answer.media_type)));
        }
        DomainFilter::parse(&answer.body).map_err(|error| self.not_understood(call, &error))
    }

    /// `GET /records`
    pub async fn records(&self) -> Result<Vec<Endpoint>, Error> {
        let answer = self.send(Call::Records, self.request(Call::Records)).await?;
        self.endpoints(Call::Records, &answer)
    }

    /// `POST /adjustendpoints`
    pub async fn adjust(&self, endpoints: &[Endpoint]) -> Result<Vec<Endpoint>, Error> {
        let answer = self.post(Call::Adjust, endpoints).await?;
        self.endpoints(Call::Adjust, &answer)
    }

    /// `POST /records`
    pub async fn apply(&self, changes: &Changes) -> Result<(), Error> {
        self.post(Call::Apply, changes).await.map(|_| ())
    }

    async fn post<B: Serialize + ?Sized>(&self, call: Call, body: &B) -> Result<Answer, Error> {
        let body = serde_json::to_vec(body)
            .map_err(|error| self.error(call, Cause::Unable(error.to_string())))?;
        let request = self.request(call).header(CONTENT_TYPE, MEDIA_TYPE).body(body);
        self.send(call, request).await
    }

    fn request(&self, call: Call) -> RequestBuilder {
        let method = if call.is_get() { Method::GET } else { Method::POST };
        self.http.request(method, self.url.at(call.path())).header(ACCEPT, MEDIA_TYPE)
    }

    async fn send(&self, call: Call, request: RequestBuilder) -> Result<Answer, Error> {
        let lost = |error: reqwest::Error| {
            let cause = http::innermost(&error);
            match error.is_timeout() {
                true => self.error(call, Cause::Silent),
                false => self.error(call, Cause::Unreachable(cause)),
            }
        };
        let mut response = request.send().await.map_err(lost)?;
        let status = response.status();
        let text = |name| {
            let value: Option<&reqwest::header::HeaderValue> = response.headers().get(name);
            value.and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let (media_type, retry_after) = (text(CONTENT_TYPE), text(RETRY_AFTER));
        let length_max = if status.is_success() { ANSWER_LENGTH_MAX } else { REFUSAL_LENGTH_MAX };
        let body = http::body(&mut response, length_max).await;
        tracing::trace!(?call, status = status.as_u16(), "the webhook answered");
        match (status.is_success(), body) {
            (true, Ok(body)) => Ok(Answer { media_type, body }),
            (true, Err(problem)) => Err(self.error(call, Cause::Broken(problem))),
            (false, body) => {
                // Without its words the status alone is told.
                let words = body.unwrap_or_default();
                tracing::debug!(?call, status = status.as_u16(), words = %String::from_utf8_lossy(&words));
                let cause = Cause::refusal(status.as_u16(), &words, retry_after.as_deref());
                Err(self.error(call, cause))
            }
        }
    }

    /// Go sends a list that it has not made as `null`.
    fn endpoints(&self, call: Call, answer: &Answer) -> Result<Vec<Endpoint>, Error> {
        let endpoints: Result<Option<Vec<Endpoint>>, _> = serde_json::from_slice(&answer.body);
        let endpoints = endpoints.map_err(|error| self.not_understood(call, &error))?;
        Ok(endpoints.unwrap_or_default())
    }

    fn not_understood(&self, call: Call, error: &serde_json::Error) -> Error {
        self.error(call, Cause::NotUnderstood(error.to_string()))
    }

    pub(super) fn error(&self, call: Call, cause: Cause) -> Error {
        Error::new(&self.url, call, cause)
    }
}

/// As it is written, or with other blanks and letters.
fn is_media_type(text: &str) -> bool {
    let plain: String = text.chars().filter(|it| !it.is_whitespace()).collect();
    plain.eq_ignore_ascii_case(MEDIA_TYPE)
}

// === impl Options ===

impl Default for Options {
    fn default() -> Self {
        Self { url: WebhookUrl::default(), timeout: Duration::from_secs(60) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_media_type_may_be_spelt_in_other_ways() {
        assert!(is_media_type("Application/external.dns.webhook+json; version=1"));
        assert!(!is_media_type("application/external.dns.webhook+json;version=2"));
        assert!(!is_media_type("application/json"));
    }
}
