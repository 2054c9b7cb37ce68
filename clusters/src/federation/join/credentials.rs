//! What the control plane will show the member, tried from here before it is handed over.

use std::time::Duration;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service, ServiceAccount};
use kube::Api;
use kube::api::{ListParams, PostParams};
use tokio::time::{Instant, sleep};

use super::request::Credential;
use super::{JoinError, Prepared};
use crate::access::Connection;
use crate::definition::{Credentials, MemberAccess, Redacted};
use crate::failure::Failure;
use crate::federation::member_secret::{AUTHORITY_KEY, TOKEN_KEY};
use crate::federation::names::SYSTEM_NAMESPACE;
use crate::federation::rotation::held::BOUND_LIFE;
use crate::federation::steps::{Change, Tell, Told, limited};

/// Until the cluster has put a token into its Secret, as long as kubefed waited.
const TOKEN_LIMIT: Duration = Duration::from_secs(30);
/// Until a fresh binding is known to every part of an API server.
const BINDING_LIMIT: Duration = Duration::from_secs(10);
const PERIOD: Duration = Duration::from_millis(200);
/// Where every cluster publishes the certificates that sign its API server's.
const ROOT_AUTHORITY: &str = "kube-root-ca.crt";

/// A token, and the certificates that came with it.
struct Token {
    token: String,
    authority: Option<Vec<u8>>,
}

/// Gets the credentials and tries them.
pub(super) async fn obtain(prepared: &Prepared, tell: Tell<'_>) -> Result<MemberAccess, JoinError> {
    let access = match &prepared.request.credential {
        Credential::Kubeconfig(Redacted(text)) => MemberAccess {
            secret: shown_secret(prepared),
            server: prepared.server.clone(),
            authority: prepared.request.authority.clone(),
            credentials: Redacted(Credentials::Kubeconfig(text.clone())),
        },
        Credential::Account { is_bound } => {
            tell(Told::Begun(format!("Getting its token from {}", prepared.member.words)));
            let token = match is_bound {
                true => requested(prepared).await?,
                false => filled_in(prepared).await?,
            };
            tell(Told::Done(Change::Seen));
            of_token(prepared, token)?
        }
    };
    try_out(prepared, &access, tell).await?;
    Ok(access)
}

fn shown_secret(prepared: &Prepared) -> String {
    format!("{}/{}", prepared.request.namespace, prepared.secret_name)
}

/// The user's kubeconfig knows the server from here, and the cluster knows itself: either may sign
/// what the control plane meets.
fn of_token(prepared: &Prepared, token: Token) -> Result<MemberAccess, JoinError> {
    let known = prepared.member.connection.authority.clone().into_iter().flatten();
    let known = known.map(|der| pem::encode(&pem::Pem::new("CERTIFICATE", der)).into_bytes());
    let authority = match &prepared.request.authority {
        Some(given) => given.clone(),
        None => joined(known.chain(token.authority)),
    };
    if authority.is_empty() {
        return Err(JoinError::NoAuthority {
            member: prepared.member.words.clone(),
            server: prepared.server.clone(),
        });
    }
    Ok(MemberAccess {
        secret: shown_secret(prepared),
        server: prepared.server.clone(),
        authority: Some(authority),
        credentials: Redacted(Credentials::Token(token.token)),
    })
}

/// All certificates of these PEM texts, each once.
fn joined(texts: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut kept: Vec<pem::Pem> = Vec::new();
    // What is no PEM signs nothing.
    for block in texts.flat_map(|text| pem::parse_many(text).unwrap_or_default()) {
        if !kept.iter().any(|it| it.contents() == block.contents()) {
            kept.push(block);
        }
    }
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_many_config(&kept, config).into_bytes()
}

async fn filled_in(prepared: &Prepared) -> Result<Token, JoinError> {
    let member = &prepared.member;
    let name = &prepared.token_secret_name;
    let api = Api::<Secret>::namespaced(member.client(), SYSTEM_NAMESPACE);
    let end = Instant::now() + TOKEN_LIMIT;
    loop {
        let secret = limited(&member.request::<Secret>("get", name), api.get(name)).await?;
        let mut data = secret.data.unwrap_or_default();
        let token = data.remove(TOKEN_KEY).and_then(|bytes| String::from_utf8(bytes.0).ok());
        if let Some(token) = token.filter(|token| !token.is_empty()) {
            let authority = data.remove(AUTHORITY_KEY).map(|bytes| bytes.0);
            return Ok(Token { token, authority });
        }
        if Instant::now() >= end {
            return Err(JoinError::NoToken {
                member: member.words.clone(),
                secret: format!("{SYSTEM_NAMESPACE}/{name}"),
                seconds: TOKEN_LIMIT.as_secs(),
            });
        }
        sleep(PERIOD).await;
    }
}

async fn requested(prepared: &Prepared) -> Result<Token, JoinError> {
    let member = &prepared.member;
    let name = &prepared.account.name;
    let wanted = TokenRequest {
        spec: Some(TokenRequestSpec {
            expiration_seconds: i64::try_from(BOUND_LIFE).ok(),
            ..TokenRequestSpec::default()
        }),
        ..TokenRequest::default()
    };
    let api = Api::<ServiceAccount>::namespaced(member.client(), SYSTEM_NAMESPACE);
    let request = format!("{}: request a token of serviceaccounts {name}", member.words);
    let params = PostParams::default();
    let answer = limited(&request, api.create_token_request(name, &params, &wanted)).await?;
    let token = answer.status.and_then(|status| status.token).unwrap_or_default();
    let api = Api::<ConfigMap>::namespaced(member.client(), SYSTEM_NAMESPACE);
    let request = member.request::<ConfigMap>("get", ROOT_AUTHORITY);
    let root = limited(&request, api.get_opt(ROOT_AUTHORITY)).await?;
    let authority = root.and_then(|root| root.data?.remove(AUTHORITY_KEY)).map(String::into_bytes);
    Ok(Token { token, authority })
}

/// Asks as the control plane will: what it may not do, or whom it cannot trust, is known now.
async fn try_out(
    prepared: &Prepared,
    access: &MemberAccess,
    tell: Tell<'_>,
) -> Result<(), JoinError> {
    let server = prepared.server.clone();
    tell(Told::Begun(format!("Trying the credentials at {server}")));
    let refused = |failure| JoinError::AccountRefused { server: server.clone(), failure };
    let connection = Connection::new(&access.clone().into()).await;
    let connection = connection.map_err(|error| refused(Failure::NotReady(error.line())))?;
    let api = Api::<Service>::all(connection.client.clone());
    let end = Instant::now() + BINDING_LIMIT;
    loop {
        let params = ListParams::default().limit(1);
        let failure = match limited("list services", api.list(&params)).await {
            Ok(_) => break,
            Err(failure) => failure,
        };
        match failure {
            Failure::Unauthorized(_) | Failure::Forbidden(_) if Instant::now() < end => {
                sleep(PERIOD).await;
            }
            Failure::Unreachable(why) if prepared.request.server.is_some() => {
                tell(Told::Done(Change::Seen));
                let note =
                    format!("{server} cannot be reached from here ({why}); the control plane may");
                tell(Told::Note(note));
                return Ok(());
            }
            Failure::Untrusted(_) => {
                let member = prepared.member.words.clone();
                return Err(JoinError::WrongAuthority { member, server, failure });
            }
            failure => return Err(refused(failure)),
        }
    }
    tell(Told::Done(Change::Seen));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_certificate_is_kept_once() {
        let one = pem::encode(&pem::Pem::new("CERTIFICATE", b"one".to_vec())).into_bytes();
        let other = pem::encode(&pem::Pem::new("CERTIFICATE", b"other".to_vec())).into_bytes();
        let texts = [one.clone(), [one, other].concat(), b"no PEM".to_vec()];
        let text = joined(texts.into_iter());
        let kept = pem::parse_many(&text).unwrap();
        assert_eq!(
            kept.iter().map(pem::Pem::contents).collect::<Vec<_>>(),
            [&b"one"[..], b"other"]
        );
        assert!(joined(std::iter::empty()).is_empty());
    }
}
