//! Where a webhook is, and the protocol that is spoken there.

use std::fmt;

use reqwest::Url;

/// The one version of the protocol.
pub const MEDIA_TYPE: &str = "application/external.dns.webhook+json;version=1";

/// Where a webhook is.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(Url);

// === impl WebhookUrl ===

impl WebhookUrl {
    /// `None` where it is no URL of HTTP or HTTPS.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(Self(url))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(super) fn at(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        let path = format!("{}{path}", self.0.path().trim_end_matches('/'));
        url.set_path(&path);
        url
    }

    pub(super) fn is_loopback(&self) -> bool {
        let is_address =
            |host: &str| host.trim_matches(['[', ']']).parse().is_ok_and(is_loopback_address);
        self.0.host_str().is_some_and(|host| host == "localhost" || is_address(host))
    }
}

fn is_loopback_address(address: std::net::IpAddr) -> bool {
    address.is_loopback()
}

impl Default for WebhookUrl {
    /// Where ExternalDNS looks for one: beside it, in the same pod.
    fn default() -> Self {
        Self::parse("http://localhost:8888").expect("a URL")
    }
}

/// Without a password that may be in it.
impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        // They fail for URLs without a host only, which this one has.
        let _ = url.set_password(None);
        let _ = url.set_username("");
        f.write_str(url.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn url(text: &str, records: &str, shown: &str, is_loopback: bool) {
        let url = WebhookUrl::parse(text).unwrap();
        assert_eq!(url.at("/records").as_str(), records);
        assert_eq!((url.to_string().as_str(), url.is_loopback()), (shown, is_loopback));
    }

    #[test]
    fn urls_are_joined_and_shown_without_passwords() {
        let default = WebhookUrl::default();
        url(default.as_str(), "http://localhost:8888/records", "http://localhost:8888", true);
        url("http://[::1]:1/", "http://[::1]:1/records", "http://[::1]:1", true);
        let with_key = "https://me:key@webhook.dns/a/";
        url(with_key, "https://me:key@webhook.dns/a/records", "https://webhook.dns/a", false);
        for text in ["", "localhost:8888", "ftp://localhost", "http://"] {
            assert_eq!(WebhookUrl::parse(text), None, "{text}");
        }
    }
}
