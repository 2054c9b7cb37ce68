//! A signed request, ready to be sent.
//!
//! The third version carries its parameters in the query and its signature in headers, as the vendor's
//! own clients do. The first has a token among its parameters, so all of them go into the body, where no
//! proxy's log shows them.

use std::net::IpAddr;

use reqwest::Url;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};

use super::{Call, SignatureVersion};
use crate::alidns::credentials::Credentials;
use crate::alidns::signature::{Parameters, canonical_query, v1, v3};

const METHOD: &str = "POST";

/// Where calls go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// `https://alidns.aliyuncs.com`, without a path.
    pub(super) origin: String,
    /// As the header `host` has it.
    host: String,
    /// True for this very machine, which no proxy reaches.
    pub(super) is_loopback: bool,
}

/// What a signature needs beside the call.
pub(super) struct Signing<'a> {
    pub(super) credentials: &'a Credentials,
    pub(super) version: &'static str,
    pub(super) date: String,
    pub(super) nonce: String,
}

// === impl Endpoint ===

impl Endpoint {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.contains('@') {
            return Err("the AliDNS endpoint names a user: use https://HOST".to_owned());
        }
        let wrong = |problem: &str| format!("the AliDNS endpoint {text}: {problem}");
        let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || url.path() != "/" || url.query().is_some() {
            return Err(wrong("use https://HOST or http://HOST, with a port if need be"));
        }
        let host = url.host_str().ok_or_else(|| wrong("names no host"))?;
        let is_loopback = is_loopback(host);
        let host = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Ok(Self { origin: format!("{}://{host}", url.scheme()), host, is_loopback })
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

// === impl Signing ===

impl Signing<'_> {
    pub(super) fn request(
        &self,
        signature: SignatureVersion,
        http: &reqwest::Client,
        endpoint: &Endpoint,
        call: &Call,
    ) -> reqwest::RequestBuilder {
        match signature {
            SignatureVersion::V3 => self.v3(http, endpoint, call),
            SignatureVersion::V1 => self.v1(http, endpoint, call),
        }
    }

    fn v3(
        &self,
        http: &reqwest::Client,
        endpoint: &Endpoint,
        call: &Call,
    ) -> reqwest::RequestBuilder {
        let Credentials { access_key_id, access_key_secret, security_token, .. } = self.credentials;
        let signed = v3::sign(
            &v3::Request {
                method: METHOD,
                host: &endpoint.host,
                action: call.action,
                version: self.version,
                date: &self.date,
                nonce: &self.nonce,
                query: &call.parameters,
                body: b"",
                security_token: security_token.as_ref(),
            },
            access_key_id,
            access_key_secret,
        );
        let url = format!("{}/?{}", endpoint.origin, canonical_query(&call.parameters));
        let mut request = http.post(url).body("").header(ACCEPT, "application/json");
        for (name, value) in signed.signed {
            request = request.header(name, value);
        }
        request.header(AUTHORIZATION, signed.authorization)
    }

    fn v1(
        &self,
        http: &reqwest::Client,
        endpoint: &Endpoint,
        call: &Call,
    ) -> reqwest::RequestBuilder {
        let Credentials { access_key_id, security_token, .. } = self.credentials;
        let mut parameters = call.parameters.clone();
        let mut set =
            |name: &str, value: &str| parameters.insert(name.to_owned(), value.to_owned());
        set("Action", call.action);
        set("Version", self.version);
        set("Format", "JSON");
        set("AccessKeyId", access_key_id);
        set("SignatureMethod", "HMAC-SHA1");
        set("SignatureVersion", "1.0");
        set("SignatureNonce", &self.nonce);
        set("Timestamp", &self.date);
        if let Some(token) = security_token {
            set("SecurityToken", token.expose());
        }
        http.post(format!("{}/", endpoint.origin))
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(signed_v1(parameters, self.credentials))
    }
}

fn signed_v1(mut parameters: Parameters, credentials: &Credentials) -> String {
    let text = v1::string_to_sign(METHOD, &parameters);
    let signature = v1::signature(&credentials.access_key_secret, &text);
    parameters.insert("Signature".to_owned(), signature);
    canonical_query(&parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_origin() {
        let rows = [
            (
                "https://alidns.aliyuncs.com",
                Ok(("https://alidns.aliyuncs.com", "alidns.aliyuncs.com")),
            ),
            ("https://alidns.example/", Ok(("https://alidns.example", "alidns.example"))),
            ("http://127.0.0.1:8080", Ok(("http://127.0.0.1:8080", "127.0.0.1:8080"))),
            ("http://[::1]:8080", Ok(("http://[::1]:8080", "[::1]:8080"))),
            ("https://alidns.example:443", Ok(("https://alidns.example", "alidns.example"))),
            ("https://user:secret@alidns.example", Err(())),
            ("ftp://alidns.example", Err(())),
            ("https://alidns.example/api", Err(())),
            ("alidns.example", Err(())),
        ];
        for (text, expected) in rows {
            let parsed = Endpoint::parse(text);
            let found = parsed.as_ref().map(|it| (it.origin.as_str(), it.host.as_str()));
            assert_eq!(found.map_err(drop), expected, "{text}");
        }
    }

    #[test]
    fn this_machine_is_reached_without_a_proxy() {
        let rows = [
            ("http://127.0.0.1:8080", true),
            ("http://[::1]:8080", true),
            ("http://[::1]", true),
            ("http://localhost", true),
            ("https://alidns.aliyuncs.com", false),
            ("https://127.example:443", false),
        ];
        for (text, expected) in rows {
            assert_eq!(Endpoint::parse(text).map(|it| it.is_loopback), Ok(expected), "{text}");
        }
    }
}
