//! Refusals of Route53 in one line with cause and remedy, and what is to be done then.

use std::error::Error;

use aws_sdk_route53::config::http::HttpResponse;
use aws_sdk_route53::error::{ProvideErrorMetadata, SdkError};
use tracing::debug;

use super::zone_id::ZoneId;
use crate::provider::{Failure, FailureKind};

/// What was called, and of which zone.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    pub action: &'static str,
    pub zone: Option<&'a ZoneId>,
}

/// What a service said, as far as it tells.
struct Refusal<'a> {
    code: &'a str,
    message: String,
    status: u16,
}

/// The service asks for fewer calls, or for one at a time.
const THROTTLING: [&str; 5] = [
    "Throttling",
    "ThrottlingException",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "TooManyRequestsException",
];
const DENIED: [&str; 4] =
    ["AccessDenied", "AccessDeniedException", "NotAuthorizedException", "UnauthorizedOperation"];
/// What the chain of credentials says where it ends with nothing.
const NO_CREDENTIALS: [&str; 3] = [
    "no providers in chain provided credentials",
    "no credentials found in chain",
    "failed to load IMDS session token",
];
/// What a batch says where something else stands than was listed.
const MOVED: [&str; 3] =
    ["but it already exists", "but it was not found", "values provided do not match"];

// === impl Call ===

impl Call<'_> {
    /// What a failure of the vendor's client means to a mirror.
    pub fn failure<E>(self, error: SdkError<E, HttpResponse>) -> Failure
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        // Some of its parts are lists of several lines.
        let chain = chain(&error).split_whitespace().collect::<Vec<_>>().join(" ");
        debug!(action = self.action, "route53: {chain}");
        match &error {
            SdkError::ServiceError(service) => {
                let (refused, status) = (service.err(), service.raw().status().as_u16());
                let code = refused.code().unwrap_or_default();
                let message = refused.message().map_or_else(|| refused.to_string(), str::to_owned);
                self.refusal(&Refusal { code, message, status })
            }
            _ if NO_CREDENTIALS.iter().any(|words| chain.contains(words)) => self.fatal(
                "no credentials are there; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or \
                 AWS_PROFILE, or give this machine or pod a role",
            ),
            _ => {
                let line = format!(
                    "{}: Route53 did not answer: {chain}; see that this machine reaches its endpoint: name \
                     resolution, firewall, HTTPS_PROXY",
                    self.action
                );
                Failure::new(FailureKind::Later(None), line)
            }
        }
    }

    fn refusal(self, refusal: &Refusal<'_>) -> Failure {
        let Refusal { code, message, status } = refusal;
        let line = |then: &str| match code.is_empty() {
            true => format!("{}: HTTP {status}{then}", self.action),
            false => format!("{}: {code}: {message}{then}", self.action),
        };
        let fatal = |remedy: &str| Failure::new(FailureKind::Fatal, line(&format!("; {remedy}")));
        match *code {
            code if THROTTLING.contains(&code) => {
                Failure::new(FailureKind::Later(None), line("; the same again later"))
            }
            "InvalidChangeBatch" if MOVED.iter().any(|words| message.contains(words)) => {
                let then = "; somebody else changed the zone, which is listed anew";
                Failure::new(FailureKind::Moved, line(then))
            }
            "InvalidChangeBatch" | "InvalidInput" | "NoSuchHealthCheck" => {
                Failure::new(FailureKind::Refused, line(""))
            }
            code if DENIED.contains(&code) => fatal(&self.right()),
            "NoSuchHostedZone" => {
                fatal("this account has no such zone; mend zoneId, or use the account that has it")
            }
            "SignatureDoesNotMatch" => fatal(
                "the secret key is not the one of this key id, or the clock is off; mend them",
            ),
            "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "MissingAuthenticationToken" => {
                fatal("this key or token is not known; give the credentials of an active one")
            }
            "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
                fatal("renew the credentials, and see that this machine's clock is right")
            }
            _ if *status >= 500 || *status == 429 => {
                Failure::new(FailureKind::Later(None), line("; the same again later"))
            }
            _ => Failure::new(FailureKind::Fatal, line("")),
        }
    }

    /// The least that makes this call allowed.
    fn right(self) -> String {
        let resource = match self.zone {
            Some(zone) => format!("arn:aws:route53:::hostedzone/{zone}"),
            None => "*".to_owned(),
        };
        format!("allow route53:{} on {resource} in the policy of this key or role", self.action)
    }

    fn fatal(self, line: &str) -> Failure {
        Failure::new(FailureKind::Fatal, format!("{}: {line}", self.action))
    }
}

/// The error with all that caused it, each told once.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if !texts.iter().any(|told| told.contains(&text)) {
            texts.push(text);
        }
        next = error.source();
    }
    texts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: &str, message: &str, status: u16, kind: FailureKind, words: &str) {
        let zone = ZoneId::new("Z1");
        let call = Call { action: "ChangeResourceRecordSets", zone: Some(&zone) };
        let failure = call.refusal(&Refusal { code, message: message.into(), status });
        assert_eq!(failure.kind, kind, "{failure}");
        assert!(failure.line.contains(words), "{failure}");
        assert!(failure.line.starts_with(&format!("ChangeResourceRecordSets: {code}: ")));
    }

    #[test]
    fn a_batch_that_somebody_was_faster_than_is_listed_anew() {
        for message in [
            "[Tried to create resource record set [name='x.', type='A'] but it already exists]",
            "[Tried to delete resource record set [name='x.', type='A'] but it was not found]",
            "[Tried to delete resource record set [name='x.', type='A'] but the values provided do not match the current values]",
        ] {
            check("InvalidChangeBatch", message, 400, FailureKind::Moved, "is listed anew");
        }
    }

    #[test]
    fn a_bad_record_is_refused() {
        for message in [
            "[RRSet with DNS name x. is not permitted in zone z.]",
            "[RRSet of type A with DNS name x. is not permitted because a conflicting RRSet of type  CNAME with the same DNS name already exists in zone z.]",
            "[FATAL problem: DomainLabelEmpty (Domain label is empty) encountered with '.x']",
        ] {
            check("InvalidChangeBatch", message, 400, FailureKind::Refused, message);
        }
        check("InvalidInput", "1 validation error detected", 400, FailureKind::Refused, "1 val");
    }

    #[test]
    fn what_passes_is_tried_again() {
        let later = FailureKind::Later(None);
        check("Throttling", "Rate exceeded", 400, later, "later");
        check("PriorRequestNotComplete", "not complete", 400, later, "later");
        check("ServiceUnavailable", "", 503, later, "later");
    }

    #[test]
    fn what_somebody_must_mend_names_the_remedy() {
        let fatal = FailureKind::Fatal;
        let right = "allow route53:ChangeResourceRecordSets on arn:aws:route53:::hostedzone/Z1";
        check("AccessDenied", "User: x is not authorized", 403, fatal, right);
        check("NoSuchHostedZone", "No hosted zone found with ID: Z1", 404, fatal, "mend zoneId");
        check("SignatureDoesNotMatch", "The request signature", 403, fatal, "the secret key");
        check("InvalidClientTokenId", "The security token", 403, fatal, "not known");
        check("ExpiredToken", "The security token", 403, fatal, "renew");
    }
}
