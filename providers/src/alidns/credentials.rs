//! Who calls: the key, where it comes from, and its renewal.

mod ecs;
mod store;

use std::path::{Path, PathBuf};

pub use super::access_key::Credentials;
pub use ecs::EcsRole;
pub(super) use store::CredentialStore;

use super::config_file::ConfigFile;
use crate::secret::Secret;

/// Where a key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    Fixed(Credentials),
    /// A file as [`ConfigFile`] reads it; read again when its key is refused.
    File(PathBuf),
    /// The role of the ECS instance that this process runs on.
    EcsRole(EcsRole),
}

/// Why there is no key to call with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    #[error(
        "no key for AliDNS: the config file names none, ALIBABA_CLOUD_ACCESS_KEY_ID is not set, and \
         the roles of ECS instances are off (ALIBABA_CLOUD_ECS_METADATA_DISABLED)"
    )]
    None,
    #[error(
        "ALIBABA_CLOUD_ACCESS_KEY_ID is set and ALIBABA_CLOUD_ACCESS_KEY_SECRET is not: set both"
    )]
    HalfInEnvironment,
    #[error("{path}: {problem}")]
    File { path: String, problem: String },
    #[error("no key for AliDNS from the role of this ECS instance: {problem}")]
    EcsRole { problem: String, may_pass: bool },
}

const KEY_ID_VARIABLE: &str = "ALIBABA_CLOUD_ACCESS_KEY_ID";
const KEY_SECRET_VARIABLE: &str = "ALIBABA_CLOUD_ACCESS_KEY_SECRET";
const TOKEN_VARIABLE: &str = "ALIBABA_CLOUD_SECURITY_TOKEN";
const METADATA_DISABLED_VARIABLE: &str = "ALIBABA_CLOUD_ECS_METADATA_DISABLED";
const ROLE_VARIABLE: &str = "ALIBABA_CLOUD_ECS_METADATA";
const V1_DISABLED_VARIABLE: &str = "ALIBABA_CLOUD_IMDSV1_DISABLED";

// === impl CredentialSource ===

impl CredentialSource {
    /// The first of: the key in `config_file`, that in the environment, the role of the ECS
    /// instance. `environment` looks a variable up.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is wrong, half a key is in the environment, or nothing is left.
    pub fn find(
        config_file: Option<&Path>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, CredentialsError> {
        if let Some(path) = config_file
            && read_config_file(path)?.credentials.is_some()
        {
            return Ok(Self::File(path.to_owned()));
        }
        let variable = |name: &str| environment(name).filter(|value| !value.is_empty());
        match (variable(KEY_ID_VARIABLE), variable(KEY_SECRET_VARIABLE)) {
            (Some(access_key_id), Some(secret)) => Ok(Self::Fixed(Credentials {
                access_key_id,
                access_key_secret: Secret::new(secret),
                security_token: variable(TOKEN_VARIABLE).map(Secret::new),
                expires: None,
            })),
            (Some(_), None) => Err(CredentialsError::HalfInEnvironment),
            _ if is_true(variable(METADATA_DISABLED_VARIABLE)) => Err(CredentialsError::None),
            _ => Ok(Self::EcsRole(EcsRole {
                role: variable(ROLE_VARIABLE),
                without_token: !is_true(variable(V1_DISABLED_VARIABLE)),
                ..EcsRole::default()
            })),
        }
    }
}

// === impl CredentialsError ===

impl CredentialsError {
    /// True where asking again may help by itself.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::EcsRole { may_pass: true, .. })
    }
}

/// Reads a config file.
///
/// # Errors
///
/// If it cannot be read or is wrong; the error names its path, line and column.
pub fn read_config_file(path: &Path) -> Result<ConfigFile, CredentialsError> {
    let path_shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| CredentialsError::File {
        path: path_shown.clone(),
        problem: error.to_string(),
    })?;
    ConfigFile::parse(&text).map_err(|error| CredentialsError::File {
        path: format!("{path_shown}:{}", error.at),
        problem: error.problem,
    })
}

fn is_true(value: Option<String>) -> bool {
    value.is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
}

#[cfg(test)]
mod tests;
