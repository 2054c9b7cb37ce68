//! What a request asks, out of its URL and its headers (RFC 8484 section 4.1).

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hyper::StatusCode;
use hyper::header::HeaderValue;

use super::DNS_MESSAGE;

/// Padding is left out (section 6); who writes it is understood.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The variable `dns` of a URL's query.
pub fn of_url(query: Option<&str>) -> Result<Vec<u8>, StatusCode> {
    let variables = query.unwrap_or_default().split('&');
    let text = variables.filter_map(|variable| variable.strip_prefix("dns=")).next();
    text.and_then(|text| BASE64.decode(text).ok()).ok_or(StatusCode::BAD_REQUEST)
}

/// Whatever parameters the type may have.
pub fn is_dns_message(content_type: Option<&HeaderValue>) -> bool {
    let text = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(DNS_MESSAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc8484_4_1_1_the_query_is_in_the_url() {
        let bytes = Ok(vec![0xfb, 0xff, 1]);
        for query in ["dns=-_8B", "ct&dns=-_8B", "dns=-_8B&ct=application/dns-message"] {
            assert_eq!(of_url(Some(query)), bytes, "{query}");
        }
        assert_eq!(of_url(Some("dns=-_8")), Ok(vec![0xfb, 0xff]));
        assert_eq!(of_url(Some("dns=-_8=")), Ok(vec![0xfb, 0xff]));
        for query in [None, Some(""), Some("xdns=-_8B"), Some("dns=+/8B"), Some("dns=-_8B%20")] {
            assert_eq!(of_url(query), Err(StatusCode::BAD_REQUEST), "{query:?}");
        }
    }

    #[test]
    fn rfc8484_4_1_the_body_says_what_it_is() {
        let is = |text: &str| is_dns_message(Some(&HeaderValue::from_str(text).unwrap()));
        assert!(is("application/dns-message"));
        assert!(is("Application/DNS-Message ; charset=x"));
        assert!(!is("application/dns-json"));
        assert!(!is("application/dns-message2"));
        assert!(!is_dns_message(None));
    }
}
