//! What time it is at the service: tokens hold a time, and are refused by a clock that is far off.

use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap};

use super::client::Client;

// === impl Client ===

impl Client {
    /// How far this machine's clock is ahead of the service's, in seconds; `None` where that is not
    /// told. Asks for nothing but the headers, and without credentials.
    pub(super) async fn clock_ahead(&self) -> Option<i64> {
        let answer = self.http().head(self.endpoint()).send().await.ok()?;
        self.ahead_of(answer.headers())
    }

    /// The same from the headers of an answer.
    pub(super) fn ahead_of(&self, headers: &HeaderMap) -> Option<i64> {
        let theirs = seconds(headers.get(DATE)?.to_str().ok()?)?;
        Some(i64::try_from(self.clock().unix().0).ok()? - theirs)
    }
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
