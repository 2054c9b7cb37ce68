//! What time it is at the service: tokens hold a time, and are refused by a clock that is far off.

use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap};

use crate::clock::Clock;

/// How far this machine's clock is ahead of the service's, in seconds, from the headers of an answer;
/// `None` where they do not tell.
pub(super) fn ahead_of(headers: &HeaderMap, clock: &dyn Clock) -> Option<i64> {
    let theirs = seconds(headers.get(DATE)?.to_str().ok()?)?;
    Some(i64::try_from(clock.unix().0).ok()? - theirs)
}

/// A date of HTTP (RFC 9110 section 5.6.7).
fn seconds(text: &str) -> Option<i64> {
    rfc2822::parse(text).ok().map(|date| date.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_http_are_read() {
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(seconds("yesterday"), None);
    }
}
