//! Which account asks, and for which project.
//!
//! ```text
//! configFile ─ else ─> GOOGLE_APPLICATION_CREDENTIALS ─ else ─> the file of gcloud ─ else ─> the machine
//! ```
//!
//! All kinds of files are taken that Google's own tools write. Where the service is something on this very
//! machine that speaks its language, and nobody says who we are, nothing is sent.

mod key_file;
mod metadata;

use std::path::{Path, PathBuf};

use google_cloud_auth::build_errors::Error as BuildError;
use google_cloud_auth::credentials::{
    AccessTokenCredentials, Credentials, anonymous, external_account, impersonated, mds,
    service_account, user_account,
};

use super::options::Options;
pub use key_file::{KeyFile, Kind, read_key_file};

/// Who asks.
pub struct Account {
    source: Source,
    project: Option<String>,
    universe: String,
    quota_project: Option<String>,
}

enum Source {
    File(KeyFile),
    /// The service account of the machine or pod, from its metadata server.
    Machine {
        host: String,
    },
    /// Nobody: nothing is sent.
    Nobody,
}

/// Why there are no credentials. No value of a file is repeated.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    #[error("cannot read the credentials in {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("the credentials in {} {problem}", path.display())]
    File { path: PathBuf, problem: String },
    #[error("the credentials cannot be used: {0}")]
    Build(String),
    #[error("nobody says which project is meant; name it with project")]
    NoProject,
    #[error(
        "no credentials are there ({0}); give a file with configFile or GOOGLE_APPLICATION_CREDENTIALS, or \
         give this machine or pod a service account"
    )]
    NoMachine(String),
}

/// What a mirror does, and no more.
const SCOPE: &str = "https://www.googleapis.com/auth/ndev.clouddns.readwrite";
const UNIVERSE: &str = "googleapis.com";
/// Where gcloud keeps what `gcloud auth application-default login` gave it.
const GCLOUD_FILE: &str = ".config/gcloud/application_default_credentials.json";

// === impl Account ===

impl Account {
    /// Looks where Google's own tools look; reads files, and asks nobody.
    pub fn find(
        options: &Options,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, CredentialsError> {
        let given = |name: &str| environment(name).filter(|value| !value.is_empty());
        let metadata_host = given("GCE_METADATA_HOST");
        let is_emulator = options.endpoint.as_deref().is_some_and(is_on_this_machine);
        let source = if let Some(path) = &options.config_file {
            Source::File(read_key_file(path)?)
        } else if let Some(path) = given("GOOGLE_APPLICATION_CREDENTIALS") {
            Source::File(read_key_file(Path::new(&path))?)
        } else if is_emulator && metadata_host.is_none() {
            Source::Nobody
        } else if let Some(path) = given("HOME").map(|home| Path::new(&home).join(GCLOUD_FILE))
            && metadata_host.is_none()
            && path.is_file()
        {
            Source::File(read_key_file(&path)?)
        } else {
            Source::Machine { host: metadata_host.unwrap_or_else(|| metadata::HOST.to_owned()) }
        };
        let of_environment = given("GOOGLE_CLOUD_PROJECT");
        let of_file = source.project();
        let told = match options.config_file {
            Some(_) => of_file.or(of_environment),
            None => of_environment.or(of_file),
        };
        let universe = source.universe().or_else(|| given("GOOGLE_CLOUD_UNIVERSE_DOMAIN"));
        Ok(Self {
            project: options.project.clone().or(told),
            universe: universe.unwrap_or_else(|| UNIVERSE.to_owned()),
            quota_project: given("GOOGLE_CLOUD_QUOTA_PROJECT"),
            source,
        })
    }

    /// The project that is meant; the machine is asked where nobody else tells.
    pub async fn project(&self) -> Result<String, CredentialsError> {
        match (&self.project, &self.source) {
            (Some(project), _) => Ok(project.clone()),
            (None, Source::Machine { host }) => metadata::project(host).await,
            (None, _) => Err(CredentialsError::NoProject),
        }
    }

    /// The part of Google's cloud that is meant, where it is not the usual one.
    pub fn universe(&self) -> Option<String> {
        Some(self.universe.clone()).filter(|universe| universe != UNIVERSE)
    }

    /// Renewed in time by the vendor's client.
    pub fn credentials(&self) -> Result<Credentials, CredentialsError> {
        let Self { source, universe, quota_project, .. } = self;
        let built = match source {
            Source::Nobody => return Ok(anonymous::Builder::new().build()),
            Source::Machine { .. } => {
                let builder = mds::Builder::default().with_universe_domain(universe);
                let with = |builder: mds::Builder, project| builder.with_quota_project_id(project);
                quota_project.iter().fold(builder, with).build_access_token_credentials()
            }
            Source::File(file) => of_file(file, quota_project.as_deref()),
        };
        // Its text may repeat what stands in a file.
        built
            .map(Credentials::from)
            .map_err(|error| CredentialsError::Build(problem(&error).into()))
    }
}

fn of_file(
    file: &KeyFile,
    quota_project: Option<&str>,
) -> Result<AccessTokenCredentials, BuildError> {
    let json = file.json.clone();
    let quota = quota_project.into_iter();
    match file.kind {
        Kind::ServiceAccount => {
            let scopes = service_account::AccessSpecifier::from_scopes([SCOPE]);
            let builder = service_account::Builder::new(json).with_access_specifier(scopes);
            quota
                .fold(builder, service_account::Builder::with_quota_project_id)
                .build_access_token_credentials()
        }
        Kind::ExternalAccount => quota
            .fold(
                external_account::Builder::new(json),
                external_account::Builder::with_quota_project_id,
            )
            .build_access_token_credentials(),
        Kind::AuthorizedUser => quota
            .fold(user_account::Builder::new(json), user_account::Builder::with_quota_project_id)
            .build_access_token_credentials(),
        Kind::ImpersonatedServiceAccount => quota
            .fold(impersonated::Builder::new(json), impersonated::Builder::with_quota_project_id)
            .build_access_token_credentials(),
    }
}

fn problem(error: &BuildError) -> &'static str {
    match error {
        error if error.is_loading() => "a file that they name cannot be read",
        error if error.is_parsing() => "their form is not the one of their type",
        error if error.is_missing_field() => "something is missing in them",
        error if error.is_not_supported() => "their type is not one for this",
        _ => "their type is not known",
    }
}

/// True for plain HTTP to a loopback address.
pub fn is_on_this_machine(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |address: std::net::IpAddr| address.is_loopback();
    host == "localhost" || address.parse().is_ok_and(is_loopback)
}

// === impl Source ===

impl Source {
    fn project(&self) -> Option<String> {
        match self {
            Self::File(file) => file.project.clone(),
            Self::Machine { .. } | Self::Nobody => None,
        }
    }

    fn universe(&self) -> Option<String> {
        match self {
            Self::File(file) => file.universe.clone(),
            Self::Machine { .. } | Self::Nobody => None,
        }
    }
}

#[cfg(test)]
mod tests;
