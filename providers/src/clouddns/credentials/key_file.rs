//! A file with credentials, as Google's own tools write it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::CredentialsError;

/// What such a file says.
pub struct KeyFile {
    pub kind: Kind,
    /// All of it, for the vendor's client.
    pub(super) json: Value,
    pub project: Option<String>,
    pub universe: Option<String>,
}

/// Whose credentials a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A service account with a key of its own.
    ServiceAccount,
    /// Workload identity: somebody else's token is exchanged for one of Google's.
    ExternalAccount,
    /// A person, by gcloud.
    AuthorizedUser,
    /// A service account that somebody else may speak for.
    ImpersonatedServiceAccount,
}

/// Kinds by their words, with what each must have.
const KINDS: [(&str, Kind, &[&str]); 4] = [
    (
        "service_account",
        Kind::ServiceAccount,
        &["client_email", "private_key", "private_key_id", "project_id"],
    ),
    ("external_account", Kind::ExternalAccount, &["audience", "subject_token_type", "token_url"]),
    ("authorized_user", Kind::AuthorizedUser, &["client_id", "client_secret", "refresh_token"]),
    (
        "impersonated_service_account",
        Kind::ImpersonatedServiceAccount,
        &["service_account_impersonation_url"],
    ),
];

/// Reads a file, and looks whether all is there that its kind needs.
pub fn read_key_file(path: &Path) -> Result<KeyFile, CredentialsError> {
    let text = fs::read_to_string(path)
        .map_err(|source| CredentialsError::Read { path: path.to_owned(), source })?;
    parse(&text).map_err(|problem| CredentialsError::File { path: path.to_owned(), problem })
}

fn parse(text: &str) -> Result<KeyFile, String> {
    let json: Value = serde_json::from_str(text).map_err(|error| {
        format!("are no JSON from line {}, column {} on", error.line(), error.column())
    })?;
    let field = |key: &str| json.get(key).and_then(Value::as_str);
    let word = field("type").ok_or("have no \"type\"; a key of a service account has one")?;
    let Some((_, kind, needed)) = KINDS.iter().find(|(known, ..)| *known == word) else {
        return Err(
            "are of a type that is not known; wanted the key of a service account or the file \
                    of a workload identity"
                .to_owned(),
        );
    };
    if let Some(missing) = needed.iter().find(|key| field(key).is_none_or(str::is_empty)) {
        return Err(format!("have no {missing:?}, which type {word} needs"));
    }
    if *kind == Kind::ServiceAccount && !is_private_key(field("private_key").unwrap_or_default()) {
        return Err("have a \"private_key\" that is none in PEM; download the key anew".to_owned());
    }
    let project = field("project_id").or_else(|| field("quota_project_id"));
    Ok(KeyFile {
        kind: *kind,
        project: project.map(str::to_owned),
        universe: field("universe_domain").map(str::to_owned),
        json,
    })
}

fn is_private_key(text: &str) -> bool {
    text.trim_start().starts_with("-----BEGIN ") && text.contains("PRIVATE KEY-----")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service_account() -> Value {
        json!({
            "type": "service_account", "project_id": "p", "private_key_id": "1",
            "private_key": "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n",
            "client_email": "fedns@p.iam.gserviceaccount.com",
        })
    }

    #[track_caller]
    fn refused(text: &str, words: &str) {
        let problem = parse(text).err().unwrap_or_else(|| panic!("{text} is taken"));
        assert!(problem.contains(words), "{problem}");
        assert!(!problem.contains("hunter2"), "{problem}");
    }

    #[test]
    fn a_key_tells_its_project() {
        let file = parse(&service_account().to_string()).unwrap();
        assert_eq!((file.kind, file.project.as_deref()), (Kind::ServiceAccount, Some("p")));
        let workload = json!({
            "type": "external_account", "audience": "a", "subject_token_type": "t", "token_url": "u",
            "universe_domain": "example.goog",
        });
        let file = parse(&workload.to_string()).unwrap();
        assert_eq!((file.kind, file.project), (Kind::ExternalAccount, None));
        assert_eq!(file.universe.as_deref(), Some("example.goog"));
    }

    #[test]
    fn what_is_wrong_is_told_without_what_is_secret() {
        refused("{\n  \"private_key\": \"hunter2\",\n}", "line 3, column 1");
        refused("{\"private_key\": \"hunter2\"}", "have no \"type\"");
        refused("{\"type\": \"hunter2\"}", "not known");
        let mut key = service_account();
        key["client_email"] = json!("");
        refused(&key.to_string(), "have no \"client_email\", which type service_account needs");
        let mut key = service_account();
        key["private_key"] = json!("hunter2");
        refused(&key.to_string(), "none in PEM");
    }
}
