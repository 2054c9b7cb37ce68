//! What the token of a service account says of itself. It is not verified: its API server does that.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// The claims that matter here (RFC 7519).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claims {
    pub namespace: String,
    pub account: String,
    /// The Secret in the member that holds it.
    pub secret: Option<String>,
    /// From its making to its end, in seconds.
    pub life: Option<u64>,
}

#[derive(Deserialize)]
struct Payload {
    sub: String,
    iat: Option<u64>,
    exp: Option<u64>,
    #[serde(rename = "kubernetes.io/serviceaccount/secret.name")]
    secret: Option<String>,
}

/// `None` for anything else than the token of a service account.
pub(crate) fn read(token: &[u8]) -> Option<Claims> {
    let token = token.trim_ascii();
    let mut parts = token.split(|byte| *byte == b'.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let Payload { sub, iat, exp, secret } = serde_json::from_slice(&payload).ok()?;
    let (namespace, account) = sub.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    let life = iat.zip(exp).map(|(from, until)| until.saturating_sub(from));
    Some(Claims { namespace: namespace.to_owned(), account: account.to_owned(), secret, life })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// As an API server makes it, but for the signature.
    pub(crate) fn token(payload: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn both_kinds_of_token_are_read() {
        let of_secret = token(
            r#"{"iss":"kubernetes/serviceaccount","kubernetes.io/serviceaccount/secret.name":"a-token",
            "sub":"system:serviceaccount:federation-system:a"}"#,
        );
        let expect = Claims {
            namespace: "federation-system".into(),
            account: "a".into(),
            secret: Some("a-token".into()),
            life: None,
        };
        assert_eq!(read(of_secret.as_bytes()).as_ref(), Some(&expect));

        let bound = token(r#"{"exp":160,"iat":100,"sub":"system:serviceaccount:n:a"}"#);
        let claims = read(format!("{bound}\n").as_bytes()).unwrap();
        assert_eq!((claims.secret, claims.life), (None, Some(60)));
    }

    #[test]
    fn what_is_no_such_token_says_nothing() {
        assert_eq!(read(b"admin-token"), None);
        assert_eq!(read(b"a.b.c"), None);
        assert_eq!(read(token(r#"{"sub":"admin"}"#).as_bytes()), None);
    }
}
