//! Keys from the metadata service of an ECS instance.

use std::time::Duration;

use model::UnixTime;
use reqwest::{Method, StatusCode};
use serde::Deserialize;

use super::{Credentials, CredentialsError};
use crate::http;
use crate::secret::Secret;

const NO_ROLE: &str =
    "it has no such role; attach one in the ECS console, or give the key in a configFile";

/// How long a session with the metadata service lasts.
const SESSION_SECONDS: &str = "300";
/// The service is on this very machine.
const PATIENCE: Duration = Duration::from_secs(3);
const ANSWER_LENGTH_MAX: usize = 64 * 1024;
const ROLES: &str = "latest/meta-data/ram/security-credentials/";

/// How to ask the metadata service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcsRole {
    /// `http://100.100.100.200` but in tests.
    pub endpoint: String,
    /// None: the instance's own role is asked for.
    pub role: Option<String>,
    /// True: where the service knows no session tokens, as its first version, ask without.
    pub without_token: bool,
}

/// The answer for a role.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    code: String,
    #[serde(default)]
    access_key_id: String,
    #[serde(default)]
    access_key_secret: String,
    #[serde(default)]
    security_token: String,
    #[serde(default)]
    expiration: String,
}

// === impl EcsRole ===

impl Default for EcsRole {
    fn default() -> Self {
        Self { endpoint: "http://100.100.100.200".to_owned(), role: None, without_token: true }
    }
}

impl EcsRole {
    pub(super) async fn fetch(&self) -> Result<Credentials, CredentialsError> {
        // A proxy would give the keys of its own machine, or tell them.
        let http = http::client(|builder| builder.no_proxy().timeout(PATIENCE))
            .map_err(|problem| failed(problem, false))?;
        let session = self.session(&http).await?;
        let role = match &self.role {
            Some(role) => role.clone(),
            None => self.first_role(&http, session.as_ref()).await?,
        };
        let text = self.get(&http, &format!("{ROLES}{role}"), session.as_ref()).await?;
        credentials(&text)
    }

    async fn session(&self, http: &reqwest::Client) -> Result<Option<Secret>, CredentialsError> {
        let request = http
            .request(Method::PUT, self.url("latest/api/token"))
            .header("X-aliyun-ecs-metadata-token-ttl-seconds", SESSION_SECONDS);
        let (status, text) = send(request).await?;
        if status.is_success() {
            return Ok(Some(Secret::new(text.trim())));
        }
        if self.without_token && status.is_client_error() {
            return Ok(None);
        }
        Err(failed(format!("it gives no session token (HTTP {})", status.as_u16()), true))
    }

    async fn first_role(
        &self,
        http: &reqwest::Client,
        session: Option<&Secret>,
    ) -> Result<String, CredentialsError> {
        let roles = self.get(http, ROLES, session).await?;
        match roles.lines().map(str::trim).find(|role| !role.is_empty()) {
            Some(role) => Ok(role.to_owned()),
            None => Err(failed("it has no role; attach one in the ECS console".to_owned(), false)),
        }
    }

    async fn get(
        &self,
        http: &reqwest::Client,
        path: &str,
        session: Option<&Secret>,
    ) -> Result<String, CredentialsError> {
        let mut request = http.request(Method::GET, self.url(path));
        if let Some(session) = session {
            request = request.header("X-aliyun-ecs-metadata-token", session.expose());
        }
        match send(request).await? {
            (status, text) if status.is_success() => Ok(text),
            (StatusCode::NOT_FOUND, _) => Err(failed(NO_ROLE.to_owned(), false)),
            (status, _) => {
                Err(failed(format!("its metadata service answers HTTP {}", status.as_u16()), true))
            }
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.endpoint.trim_end_matches('/'))
    }
}

async fn send(request: reqwest::RequestBuilder) -> Result<(StatusCode, String), CredentialsError> {
    let lost = |error: reqwest::Error| {
        failed(format!("its metadata service does not answer: {}", http::innermost(&error)), true)
    };
    let mut response = request.send().await.map_err(lost)?;
    let body = http::body(&mut response, ANSWER_LENGTH_MAX).await.map_err(|problem| {
        failed(format!("its metadata service does not answer: {problem}"), true)
    })?;
    Ok((response.status(), String::from_utf8_lossy(&body).into_owned()))
}

fn credentials(text: &str) -> Result<Credentials, CredentialsError> {
    // The text holds the secret, so none of it is repeated.
    let answer: Answer = serde_json::from_str(text)
        .map_err(|_| failed("its metadata service's answer is no JSON object".to_owned(), true))?;
    if answer.code != "Success" {
        return Err(failed("its metadata service did not succeed".to_owned(), true));
    }
    let expires = answer.expiration.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second);
    let (false, false, Some(expires)) =
        (answer.access_key_id.is_empty(), answer.access_key_secret.is_empty(), expires)
    else {
        return Err(failed("its metadata service's answer is not complete".to_owned(), true));
    };
    Ok(Credentials {
        access_key_id: answer.access_key_id,
        access_key_secret: Secret::new(answer.access_key_secret),
        security_token: Some(Secret::new(answer.security_token)),
        expires: Some(UnixTime(u64::try_from(expires).unwrap_or_default())),
    })
}

fn failed(problem: String, may_pass: bool) -> CredentialsError {
    CredentialsError::EcsRole { problem, may_pass }
}
