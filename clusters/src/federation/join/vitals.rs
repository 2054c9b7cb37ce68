//! How old an API server is, and what time it is there.

use k8s_openapi::jiff::Timestamp;
use k8s_openapi::jiff::fmt::rfc2822::DateTimeParser;
use kube::client::Body;
use kube::core::Request;
use kube::core::params::GetParams;

use crate::failure::Failure;
use crate::federation::steps::{Party, limited};

/// The oldest Kubernetes whose API has what a member needs.
const MINOR_MIN: u32 = 29;
/// Between two API servers, in seconds: tokens and certificates count from one of them.
const SKEW_MAX_SECONDS: i64 = 300;
const SKEW_TOLD_SECONDS: i64 = 30;

/// What an API server tells anybody.
#[derive(Clone, Debug)]
pub(super) struct Vitals {
    /// Like `v1.36.3`.
    pub version: String,
    /// Its own clock, where it tells it.
    pub time: Option<Timestamp>,
}

/// How two clocks stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Skew {
    Fine,
    /// Worth telling.
    Odd {
        seconds: i64,
    },
    TooFar {
        seconds: i64,
    },
}

pub(super) async fn take(party: &Party) -> Result<Vitals, Failure> {
    let request = format!("{}: get /version", party.words);
    let client = party.client();
    let version = limited(&request, client.apiserver_version()).await?;
    let question = Request::new("").get("version", &GetParams::default());
    let question = question.map_err(|error| Failure::NotReady(error.to_string()))?;
    let answer = limited(&request, client.send(question.map(Body::from))).await?;
    let date = answer.headers().get("date").and_then(|date| date.to_str().ok());
    Ok(Vitals { version: version.git_version, time: date.and_then(parsed) })
}

/// RFC 9110 section 5.6.7: what servers send is what mail has.
fn parsed(date: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(date).ok()
}

/// False where it is known to be too old.
pub(super) fn is_new_enough(version: &str) -> bool {
    let mut parts = version.trim_start_matches('v').split('.');
    let mut number = || -> Option<u32> {
        let part = parts.next()?;
        let end = part.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(part.len());
        part[..end].parse().ok()
    };
    match (number(), number()) {
        (Some(1), Some(minor)) => minor >= MINOR_MIN,
        (Some(0), _) => false,
        _ => true,
    }
}

pub(super) fn oldest_version() -> String {
    format!("v1.{MINOR_MIN}")
}

pub(super) fn skew(one: Option<Timestamp>, other: Option<Timestamp>) -> Skew {
    let (Some(one), Some(other)) = (one, other) else { return Skew::Fine };
    let seconds = (one.as_second() - other.as_second()).abs();
    match seconds {
        SKEW_MAX_SECONDS.. => Skew::TooFar { seconds },
        SKEW_TOLD_SECONDS.. => Skew::Odd { seconds },
        _ => Skew::Fine,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_vendors_write_them() {
        let check = |version: &str, expect: bool| {
            assert_eq!(is_new_enough(version), expect, "{version}");
        };
        check("v1.36.3", true);
        check("v1.29.0", true);
        check("v1.28.15-eks-1a2b3c", false);
        check("v1.8.4", false);
        check("v1.31+", true);
        check("v2.0.0", true);
        check("unknown", true);
    }

    #[test]
    fn clocks_are_compared_both_ways() {
        let at = |text: &str| parsed(text);
        let noon = at("Sun, 06 Nov 1994 12:00:00 GMT");
        assert!(noon.is_some());
        assert_eq!(skew(noon, at("Sun, 06 Nov 1994 12:00:29 GMT")), Skew::Fine);
        assert_eq!(skew(noon, at("Sun, 06 Nov 1994 11:59:30 GMT")), Skew::Odd { seconds: 30 });
        let late = at("Sun, 06 Nov 1994 12:05:00 GMT");
        assert_eq!(skew(noon, late), Skew::TooFar { seconds: 300 });
        assert_eq!(skew(noon, None), Skew::Fine);
    }
}
