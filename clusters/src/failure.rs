//! Why a request to an API server failed, in one line without secrets.
//!
//! The variants say what the caller does next: wait and try again, ask for other credentials, list
//! anew. Texts of credential plug-ins never get into a line: what they print may be a token.

use std::error::Error;
use std::io;

use kube::client::AuthError;
use kube::core::Status;
use model::StaleReason;

/// The longest part of a server's own words that is repeated.
const DETAIL_LENGTH_MAX: usize = 240;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No answer: nothing listens, no route, no answer in time, or the connection broke.
    #[error("{0}")]
    Unreachable(String),
    /// It answers, and what it answers is an error of its own or no answer of an API server.
    #[error("{0}")]
    NotReady(String),
    /// The credentials are not accepted (401), or a plug-in gave none.
    #[error("{0}")]
    Unauthorized(String),
    /// The credentials are accepted, the right is missing (403).
    #[error("{0}")]
    Forbidden(String),
    /// The server's or our certificate is not accepted.
    #[error("{0}")]
    Untrusted(String),
    /// The object is not there (404).
    #[error("{0}")]
    NotFound(String),
    /// The history that was asked for is gone (410): only a new list helps.
    #[error("{0}")]
    Expired(String),
}

// === impl Failure ===

impl Failure {
    /// `request` names the verb and the resource, like `list services`.
    pub fn new(request: &str, error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::from_status(request, status),
            kube::Error::Auth(error) => Self::Unauthorized(credentials(error)),
            kube::Error::SerdeError(error) => Self::NotReady(format!(
                "{request}: the answer is not one of an API server: {}",
                one_line(&error.to_string())
            )),
            error => Self::from_chain(request, error),
        }
    }

    /// A request that was given up.
    pub fn timed_out(request: &str) -> Self {
        Self::Unreachable(format!("{request}: no answer in time"))
    }

    /// An error object that a server sent in place of what was asked for.
    pub fn from_status(request: &str, status: &Status) -> Self {
        let detail = match (status.message.trim(), status.reason.trim()) {
            ("", "") => "no message".to_owned(),
            ("", words) | (words, _) => one_line(words),
        };
        let line = format!("{request}: {} {detail}", status.code);
        match status.code {
            401 => Self::Unauthorized(line),
            403 => Self::Forbidden(line),
            404 => Self::NotFound(line),
            410 => Self::Expired(line),
            _ => Self::NotReady(line),
        }
    }

    /// A connection that broke while it was read.
    pub fn from_io(request: &str, error: &io::Error) -> Self {
        Self::from_chain(request, error)
    }

    /// True where other credentials may help.
    pub fn is_credentials(&self) -> bool {
        matches!(self, Self::Unauthorized(_) | Self::Untrusted(_))
    }

    /// True where no repetition helps until somebody grants something.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Unauthorized(_) | Self::Forbidden(_) | Self::Untrusted(_))
    }

    pub fn stale_reason(&self) -> StaleReason {
        match self.clone() {
            Self::Unreachable(line) => StaleReason::Unreachable(line),
            Self::NotReady(line) | Self::NotFound(line) | Self::Expired(line) => {
                StaleReason::NotReady(line)
            }
            Self::Unauthorized(line) | Self::Forbidden(line) => StaleReason::Forbidden(line),
            Self::Untrusted(line) => StaleReason::BadAccess(line),
        }
    }

    /// Errors of the transport wrap one another; the innermost says what happened.
    fn from_chain(request: &str, error: &(dyn Error + 'static)) -> Self {
        let mut innermost = error;
        loop {
            if let Some(error) = innermost.downcast_ref::<AuthError>() {
                return Self::Unauthorized(credentials(error));
            }
            match innermost.source() {
                Some(source) => innermost = source,
                None => break,
            }
        }
        let words = one_line(&innermost.to_string());
        if is_about_certificates(&words) {
            return Self::Untrusted(format!("{request}: {words}"));
        }
        match innermost.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::TimedOut) => Self::timed_out(request),
            _ => Self::Unreachable(format!("{request}: {words}")),
        }
    }
}

/// The TLS library's types are not ours to name; its words for this are stable.
fn is_about_certificates(words: &str) -> bool {
    words.contains("invalid peer certificate") || words.contains("received fatal alert: ")
}

/// What may be told of a credential that could not be had.
pub(crate) fn credentials(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecStart(error) => {
            format!("the user's credential plug-in does not start: {error}")
        }
        // The command line and its environment may hold secrets as well.
        AuthError::AuthExecRun { out, .. } => {
            format!("the user's credential plug-in failed with {}", out.status)
        }
        AuthError::AuthExecParse(_)
        | AuthError::ExecPluginFailed
        | AuthError::UnrefreshableTokenResponse
        | AuthError::MalformedTokenExpirationDate(_) => {
            "the user's credential plug-in prints no usable ExecCredential".to_owned()
        }
        AuthError::MissingCommand => "the user's `exec` entry names no command".to_owned(),
        AuthError::ReadTokenFile(error, path) => {
            format!("cannot read the token file {}: {error}", path.display())
        }
        AuthError::InvalidBearerToken(_) => {
            "the token has a character that cannot be sent".to_owned()
        }
        AuthError::InvalidBasicAuth(_) => {
            "the user name or password has a character that cannot be sent".to_owned()
        }
        _ => "the credentials cannot be read".to_owned(),
    }
}

/// The first line of `text`, shortened where it is long.
pub(crate) fn one_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    match line.char_indices().nth(DETAIL_LENGTH_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: u16, message: &str, expect: Failure) {
        let status = Status::failure(message, "Reason").with_code(code);
        let failure = Failure::new("list services", &kube::Error::Api(status.boxed()));
        assert_eq!(failure, expect);
    }

    #[test]
    fn the_code_says_what_to_do_next() {
        let line = |code: u16| format!("list services: {code} m");
        check(401, "m", Failure::Unauthorized(line(401)));
        check(403, "m", Failure::Forbidden(line(403)));
        check(404, "m", Failure::NotFound(line(404)));
        check(410, "m", Failure::Expired(line(410)));
        check(429, "m", Failure::NotReady(line(429)));
        check(500, "m", Failure::NotReady(line(500)));
        check(503, "", Failure::NotReady("list services: 503 Reason".to_owned()));
    }

    #[test]
    fn a_page_of_a_proxy_becomes_one_short_line() {
        let page = format!("\n <html>{}\nsecond line", "x".repeat(1_000));
        let status = Status::failure(&page, "").with_code(502);
        let failure = Failure::from_status("get /readyz", &status);
        let Failure::NotReady(line) = failure else { panic!("{failure:?}") };
        assert!(line.starts_with("get /readyz: 502 <html>x"), "{line}");
        assert!(line.ends_with('…') && line.chars().count() < 270, "{line}");
    }

    #[test]
    fn the_innermost_error_says_what_happened() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let wrapped = kube::Error::ReadEvents(io::Error::other(io::Error::other(refused)));
        assert_eq!(
            Failure::new("watch nodes", &wrapped),
            Failure::Unreachable("watch nodes: connection refused".to_owned())
        );
        let late = io::Error::from(io::ErrorKind::TimedOut);
        assert_eq!(
            Failure::from_io("watch nodes", &late),
            Failure::Unreachable("watch nodes: no answer in time".to_owned())
        );
        let certificate = io::Error::other("invalid peer certificate: UnknownIssuer");
        assert_eq!(
            Failure::from_io("list nodes", &certificate).stale_reason(),
            StaleReason::BadAccess(
                "list nodes: invalid peer certificate: UnknownIssuer".to_owned()
            )
        );
    }

    #[test]
    fn what_a_credential_plug_in_prints_is_never_repeated() {
        let output = std::process::Output {
            status: std::os::unix::process::ExitStatusExt::from_raw(256),
            stdout: b"{\"status\":{\"token\":\"s3cret\"}}".to_vec(),
            stderr: b"s3cret".to_vec(),
        };
        let error = AuthError::AuthExecRun {
            cmd: "TOKEN=s3cret aws eks".to_owned(),
            out: Box::new(output),
        };
        let direct = Failure::new("get /readyz", &kube::Error::Auth(error));
        let Failure::Unauthorized(line) = direct else { panic!("{direct:?}") };
        assert_eq!(line, "the user's credential plug-in failed with exit status: 1");
    }

    #[test]
    fn a_credential_error_deep_in_the_chain_is_found() {
        let error = kube::Error::Service(Box::new(AuthError::MissingCommand));
        assert!(Failure::new("get /readyz", &error).is_credentials());
    }
}
