//! What the metadata server of a machine or pod tells beside tokens.

use std::time::Duration;

use super::CredentialsError;
use crate::http;

/// Where it is on Google's machines.
pub const HOST: &str = "metadata.google.internal";
/// The server is on this very machine.
const PATIENCE: Duration = Duration::from_secs(3);
/// Longest id of a project, and then some.
const PROJECT_LENGTH_MAX: usize = 100;

/// The project of the machine.
pub async fn project(host: &str) -> Result<String, CredentialsError> {
    let none = |error: &reqwest::Error| CredentialsError::NoMachine(http::innermost(error));
    // A proxy would tell of its own machine.
    let client = http::client(|builder| builder.no_proxy().timeout(PATIENCE))
        .map_err(CredentialsError::NoMachine)?;
    let url = format!("http://{host}/computeMetadata/v1/project/project-id");
    let answer = client.get(url).header("Metadata-Flavor", "Google").send().await;
    let answer = answer.and_then(reqwest::Response::error_for_status);
    let project = answer.map_err(|error| none(&error))?.text().await;
    let project = project.map_err(|error| none(&error))?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte);
    let is_id = (1..=PROJECT_LENGTH_MAX).contains(&project.len()) && project.bytes().all(is_plain);
    is_id.then_some(project).ok_or(CredentialsError::NoProject)
}
