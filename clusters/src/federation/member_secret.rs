//! A member's credentials as they stand in the host cluster: a Secret in one of two forms.

use k8s_openapi::api::core::v1::Secret;

use crate::definition::{Credentials, MemberAccess, Redacted};

/// The keys of a Secret that holds the token of a service account.
pub const TOKEN_KEY: &str = "token";
pub const AUTHORITY_KEY: &str = "ca.crt";
pub const NAMESPACE_KEY: &str = "namespace";
/// The key of a Secret that holds a whole kubeconfig with one context.
pub const KUBECONFIG_KEY: &str = "kubeconfig";

/// Why a Secret gives no access.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemberSecretError {
    #[error(
        "Secret {secret} has neither the keys \"token\" and \"ca.crt\" nor the key \"kubeconfig\"; `fedns join` writes them"
    )]
    Empty { secret: String },
    #[error("Secret {secret} has the key {has:?} without {lacks:?}; add it, or run `fedns join`")]
    Half { secret: String, has: &'static str, lacks: &'static str },
    #[error("Secret {secret}: its key {key:?} holds no text")]
    NoText { secret: String, key: &'static str },
}

/// The access that the Secret gives. `server` and `authority`, of the `Cluster` object, win over what
/// a kubeconfig in the Secret says; `authority` wins over the Secret's `ca.crt`.
///
/// # Errors
///
/// What the Secret lacks; never what it holds.
pub fn read(
    secret: &Secret,
    server: &str,
    authority: Option<Vec<u8>>,
) -> Result<MemberAccess, MemberSecretError> {
    let name = shown_name(secret);
    let bytes = |key: &str| secret.data.as_ref().and_then(|data| data.get(key));
    let text = |key: &'static str, bytes: &[u8]| match str::from_utf8(bytes) {
        Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        _ => Err(MemberSecretError::NoText { secret: name.clone(), key }),
    };
    let half = |has, lacks| MemberSecretError::Half { secret: name.clone(), has, lacks };
    let (credentials, own_authority) =
        match (bytes(TOKEN_KEY), bytes(AUTHORITY_KEY), bytes(KUBECONFIG_KEY)) {
            (Some(token), Some(own), _) => {
                (Credentials::Token(text(TOKEN_KEY, &token.0)?), Some(own.0.clone()))
            }
            (Some(token), None, None) if authority.is_some() => {
                (Credentials::Token(text(TOKEN_KEY, &token.0)?), None)
            }
            (_, _, Some(file)) => (Credentials::Kubeconfig(text(KUBECONFIG_KEY, &file.0)?), None),
            (Some(_), None, None) => return Err(half(TOKEN_KEY, AUTHORITY_KEY)),
            (None, Some(_), None) => return Err(half(AUTHORITY_KEY, TOKEN_KEY)),
            (None, None, None) => return Err(MemberSecretError::Empty { secret: name }),
        };
    Ok(MemberAccess {
        secret: name,
        server: server.to_owned(),
        authority: authority.or(own_authority),
        credentials: Redacted(credentials),
    })
}

fn shown_name(secret: &Secret) -> String {
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    format!("{}/{}", part(&secret.metadata.namespace), part(&secret.metadata.name))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    use super::*;

    fn secret(keys: &[(&str, &str)]) -> Secret {
        let data = keys.iter().map(|(key, value)| ((*key).to_owned(), ByteString((*value).into())));
        let metadata = ObjectMeta {
            namespace: Some("federation-system".into()),
            name: Some("beijing".into()),
            ..ObjectMeta::default()
        };
        Secret { data: Some(data.collect()), metadata, ..Secret::default() }
    }

    fn refused(keys: &[(&str, &str)], expect: &str) {
        let line = read(&secret(keys), "https://a", None).unwrap_err().to_string();
        assert!(line.contains(expect), "{line}");
        assert!(line.contains("federation-system/beijing"), "{line}");
        assert!(!line.contains("s3cret"), "{line}");
    }

    #[test]
    fn both_forms_are_read() {
        let access =
            read(&secret(&[("token", "s3cret\n"), ("ca.crt", "PEM")]), "https://a", None).unwrap();
        assert!(access.credentials.0 == Credentials::Token("s3cret".into()));
        assert_eq!(access.authority.as_deref(), Some(&b"PEM"[..]));
        assert!(!format!("{access:?}").contains("s3cret"));

        let access = read(&secret(&[("kubeconfig", "s3cret")]), "https://a", None).unwrap();
        assert!(access.credentials.0 == Credentials::Kubeconfig("s3cret".into()));
    }

    #[test]
    fn the_authority_of_the_object_wins() {
        let keys = [("token", "s3cret"), ("ca.crt", "PEM")];
        let access = read(&secret(&keys), "https://a", Some(b"OTHER".to_vec())).unwrap();
        assert_eq!(access.authority.as_deref(), Some(&b"OTHER"[..]));
        let access = read(&secret(&keys[..1]), "https://a", Some(b"OTHER".to_vec())).unwrap();
        assert_eq!(access.authority.as_deref(), Some(&b"OTHER"[..]));
    }

    #[test]
    fn what_is_missing_is_named() {
        refused(&[], "neither the keys");
        refused(&[("token", "s3cret")], "has the key \"token\" without \"ca.crt\"");
        refused(&[("ca.crt", "s3cret")], "has the key \"ca.crt\" without \"token\"");
        refused(&[("token", " "), ("ca.crt", "s3cret")], "its key \"token\" holds no text");
    }
}
