//! Refusals of Cloud DNS in one line with cause and remedy, and what is to be done then.

use std::error::Error as StdError;
use std::time::Duration;

use google_cloud_dns_v1::Error;
use google_cloud_gax::error::rpc::{Code, Status, StatusDetails};
use tracing::debug;

use super::server_time::ahead_of;
use super::zone_id::ZoneId;
use crate::clock::Clock;
use crate::provider::{Failure, FailureKind};

/// What was called, and of which zone.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// Like `changes.create`.
    pub action: &'static str,
    pub zone: Option<&'a ZoneId>,
    pub project: &'a str,
    pub clock: &'a dyn Clock,
}

/// What the service said, as far as it tells.
struct Refusal<'a> {
    action: &'static str,
    /// Where: the zone and the project, for people.
    place: &'a str,
    http_status: u16,
    /// None where the answer is none of the service's own.
    status: Option<&'a Status>,
    retry_after: Option<Duration>,
    /// How far this machine's clock is ahead of the service's, in seconds.
    clock_ahead: Option<i64>,
}

const CREATE: &str = "changes.create";
/// Reasons beside HTTP 403 that ask for fewer calls, in both of the service's spellings.
const THROTTLING: [&str; 3] = ["rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"];
/// A token is good for a clock that is off by no more, in seconds.
const SKEW_MAX: i64 = 300;
/// Texts of others in a line of ours, in characters.
const TEXT_MAX: usize = 300;

// === impl Call ===

impl Call<'_> {
    /// What a failure of the vendor's client means to a mirror.
    pub fn failure(self, error: Error) -> Failure {
        debug!(action = self.action, "clouddns: {}", one_line(&error));
        let Some(http_status) = error.http_status_code() else { return self.no_answer(&error) };
        let headers = error.http_headers();
        let retry_after = headers
            .and_then(|headers| headers.get("retry-after")?.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let refusal = Refusal {
            action: self.action,
            place: &self.place(),
            http_status,
            status: error.status(),
            retry_after,
            clock_ahead: headers.and_then(|headers| ahead_of(headers, self.clock)),
        };
        refusal.failure()
    }

    fn no_answer(self, error: &Error) -> Failure {
        let action = self.action;
        if error.is_authentication() {
            let cause = one_line(error);
            let line = format!(
                "{action}: no token could be had: {cause}; mend the credentials (configFile, \
                 GOOGLE_APPLICATION_CREDENTIALS, or the service account of this machine or pod)"
            );
            let passes = causes(error).any(|cause| {
                cause
                    .downcast_ref::<google_cloud_auth::errors::CredentialsError>()
                    .is_some_and(google_cloud_auth::errors::CredentialsError::is_transient)
            });
            let kind = if passes { FailureKind::Later(None) } else { FailureKind::Fatal };
            return Failure::new(kind, line);
        }
        let cause = if error.is_timeout() { "no answer in time".into() } else { innermost(error) };
        let line = format!("{action}: Cloud DNS did not answer: {cause}; the same again later");
        Failure::new(FailureKind::Later(None), line)
    }

    fn place(&self) -> String {
        let project = self.project;
        match self.zone {
            Some(zone) => format!("zone {zone} of project {project}"),
            None => format!("project {project}"),
        }
    }
}

// === impl Refusal ===

impl Refusal<'_> {
    fn failure(&self) -> Failure {
        let is_aborted = self.status.is_some_and(|status| status.code == Code::Aborted);
        match self.http_status {
            408 | 429 | 500.. => self.later(),
            403 if THROTTLING.iter().any(|reason| self.has(reason)) => self.later(),
            _ if is_aborted => self.later(),
            401 => self.fatal(&self.who_we_are()),
            403 => self.forbidden(),
            _ if self.action == CREATE && self.speaks_of_a_set() => self.of_a_set(),
            400 | 409 | 412 | 413 if self.action == CREATE => self.refused(),
            404 => self.fatal(&format!("there is no {}; mend zoneId or project", self.place)),
            _ => Failure::new(FailureKind::Fatal, self.line("")),
        }
    }

    fn speaks_of_a_set(&self) -> bool {
        matches!(self.http_status, 404 | 409 | 412)
            && self.status.is_some_and(|status| status.message.contains("entity.change"))
    }

    /// Something else stands there than was listed; unless it is something that can never land.
    fn of_a_set(&self) -> Failure {
        if self.has("cnameResourceRecordSetConflict") {
            return self.refused();
        }
        let then = "; somebody else changed the zone, which is listed anew";
        Failure::new(FailureKind::Moved, self.line(then))
    }

    fn refused(&self) -> Failure {
        Failure::new(FailureKind::Refused, self.line(""))
    }

    fn later(&self) -> Failure {
        Failure::new(FailureKind::Later(self.retry_after), self.line("; the same again later"))
    }

    fn fatal(&self, remedy: &str) -> Failure {
        Failure::new(FailureKind::Fatal, self.line(&format!("; {remedy}")))
    }

    fn forbidden(&self) -> Failure {
        let is = |reasons: [&str; 2]| reasons.iter().any(|reason| self.has(reason));
        if is(["quotaExceeded", "QUOTA_EXCEEDED"]) {
            let then = "; ask for a higher quota of Cloud DNS in this project";
            let kind = match self.action {
                CREATE => FailureKind::Refused,
                _ => FailureKind::Later(self.retry_after),
            };
            return Failure::new(kind, self.line(then));
        }
        if is(["accessNotConfigured", "SERVICE_DISABLED"]) {
            return self.fatal("enable the Cloud DNS API in this project");
        }
        if is(["inactiveBillingState", "BILLING_DISABLED"]) {
            return self.fatal("give this project a billing account");
        }
        let (role, right) = match self.action {
            CREATE => ("roles/dns.admin", "dns.changes.create"),
            "changes.get" => ("roles/dns.reader", "dns.changes.get"),
            "changes.list" => ("roles/dns.reader", "dns.changes.list"),
            "managedZones.get" => ("roles/dns.reader", "dns.managedZones.get"),
            "managedZones.list" => ("roles/dns.reader", "dns.managedZones.list"),
            "projects.get" => ("roles/dns.reader", "dns.projects.get"),
            "resourceRecordSets.list" => ("roles/dns.reader", "dns.resourceRecordSets.list"),
            _ => ("roles/dns.admin", "the right to call it"),
        };
        self.fatal(&format!("grant {role} ({right}) on {} to this account", self.place))
    }

    fn who_we_are(&self) -> String {
        match self.clock_ahead {
            Some(off) if off.abs() > SKEW_MAX => format!(
                "this machine's clock is {} s {} the service's: set the clock",
                off.abs(),
                if off > 0 { "ahead of" } else { "behind" }
            ),
            _ => "give the credentials of an account that exists and is enabled, with a key of its own"
                .to_owned(),
        }
    }

    fn has(&self, reason: &str) -> bool {
        self.reasons().any(|it| it == reason)
    }

    fn reasons(&self) -> impl Iterator<Item = &str> {
        let details = self.status.map(|status| status.details.as_slice()).unwrap_or_default();
        details.iter().filter_map(|detail| match detail {
            StatusDetails::ErrorInfo(info) => Some(info.reason.as_str()),
            _ => None,
        })
    }

    /// `changes.create: alreadyExists: The resource …`.
    fn line(&self, then: &str) -> String {
        let reason = match self.reasons().next() {
            Some(reason) if !reason.is_empty() => reason.to_owned(),
            _ => format!("HTTP {}", self.http_status),
        };
        let message = self.status.map(|status| shortened(&status.message)).unwrap_or_default();
        match message.is_empty() {
            true => format!("{}: {reason}{then}", self.action),
            false => format!("{}: {reason}: {message}{then}", self.action),
        }
    }
}

/// The error with all that caused it, each told once, in one line.
pub(super) fn one_line(error: &(dyn StdError + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    for error in causes(error) {
        let text = error.to_string();
        if !texts.iter().any(|told| told.contains(&text)) {
            texts.push(text);
        }
    }
    shortened(&texts.join(": "))
}

fn innermost(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().map(|it| shortened(&it.to_string())).unwrap_or_default()
}

fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (**error).source())
}

/// In one line, and no longer than a line should be; others send whole pages.
fn shortened(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = words.trim_end_matches('.');
    match words.char_indices().nth(TEXT_MAX) {
        Some((end, _)) => format!("{} …", &words[..end]),
        None => words.to_owned(),
    }
}

#[cfg(test)]
mod tests;
