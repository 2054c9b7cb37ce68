//! A new credential of a member, from the member into the host, and the end of the one before.

use std::fmt;
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Secret, Service, ServiceAccount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Client, ResourceExt};
use model::UnixTime;
use tokio::time::{Instant, sleep};

use super::held::{BOUND_LIFE, HeldCredential, Token, time_text};
use crate::access::Connection;
use crate::definition::{Credentials, MemberAccess, Redacted};
use crate::failure::Failure;
use crate::federation::member_secret::{AUTHORITY_KEY, NAMESPACE_KEY, TOKEN_KEY};
use crate::federation::names::{
    CLUSTER_LABEL, FIELD_MANAGER, SYSTEM_NAMESPACE, TOKEN_SINCE_ANNOTATION,
};

/// For one call. A lease that was held when it began is nobody else's when it ends.
const CALL_LIMIT: Duration = Duration::from_secs(5);
/// Until the cluster has put a token into its Secret.
const TOKEN_LIMIT: Duration = Duration::from_secs(30);
/// Until every part of an API server knows a new token.
const PROOF_LIMIT: Duration = Duration::from_secs(10);
const PERIOD: Duration = Duration::from_millis(200);
/// Annotations with these beginnings are a join's.
const OUR_PREFIXES: [&str; 2] = ["fedns.io/", "federation.alpha.kubernetes.io/"];

/// One member's credential, and the ways to where it stands.
pub struct Renewal<'a> {
    pub held: &'a HeldCredential,
    /// As the member is reached now.
    pub access: &'a MemberAccess,
    pub host: Client,
    /// Of the control plane in the host.
    pub namespace: &'a str,
    /// Asked before each call that changes something.
    pub may_write: &'a (dyn Fn() -> bool + Send + Sync),
}

/// Why a credential stays as it is for now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenewError {
    #[error("another process writes")]
    NotHeld,
    /// What is in the host, or in the member, is not any more what this was begun for.
    #[error("{0} has changed meanwhile")]
    Outrun(String),
    #[error(
        "its account may not {right}, by which fedns renews its token; `fedns join {cluster}` again grants it \
         ({failure})"
    )]
    NoRightInMember { cluster: String, right: String, failure: Failure },
    #[error(
        "fedns may not {right} in the host cluster, by which it hands over new credentials; `fedns init` again \
         grants it ({failure})"
    )]
    NoRightInHost { right: String, failure: Failure },
    #[error(
        "the cluster put no token into its Secret {secret} within {} s; does its kube-controller-manager run?",
        TOKEN_LIMIT.as_secs()
    )]
    NoToken { secret: String },
    /// What stands under the name that is free is somebody else's.
    #[error("Secret {secret} stands there and was not made for the account {account}; delete it")]
    Taken { secret: String, account: String },
    #[error("{0}")]
    Access(String),
    #[error("{0}")]
    Request(Failure),
}

/// What the member gave.
struct Fresh {
    token: String,
    /// PEM: what it says of the certificates that sign its own.
    authority: Option<Vec<u8>>,
}

/// One call, as a rule of a role would grant it.
struct Call<'a> {
    place: Place,
    verb: &'static str,
    resource: &'static str,
    name: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Member,
    Host,
}

// === impl Renewal ===

impl Renewal<'_> {
    /// Puts a new token in the place of the one that stands in the host, once the member has taken it.
    ///
    /// # Errors
    ///
    /// Why the old one stands. Whatever was made until then is used or removed by the next try.
    pub async fn renew(&self, now: UnixTime) -> Result<(), RenewError> {
        let standing = self.standing().await?;
        let member = connected(self.access).await?;
        let fresh = match self.held.token {
            Token::OfSecret { .. } => self.token_of_secret(&member, now).await?,
            Token::Bound { .. } => {
                Fresh { token: self.bound_token(&member).await?, authority: None }
            }
        };
        let authority = self.access.authority.as_deref();
        let told = fresh.authority.as_deref();
        let authority = authority.zip(told).and_then(|(known, told)| grown(known, told));
        self.prove(&fresh.token, authority).await?;
        self.hand_over(with_token(&standing, &fresh.token, authority, now)).await
    }

    /// Removes tokens of the account that nobody uses any more: what was before, and what a crash left. Returns
    /// the names of their Secrets.
    ///
    /// # Errors
    ///
    /// Why some may stand still.
    pub async fn remove_unused(&self) -> Result<Vec<String>, RenewError> {
        self.standing().await?;
        let api = tokens(connected(self.access).await?);
        let mut removed = Vec::new();
        for name in self.held.unused_names() {
            if let Some(found) = self.found(&api, &name).await?.filter(|it| self.is_ours(it)) {
                self.remove(&api, &found).await?;
                removed.push(name);
            }
        }
        Ok(removed)
    }

    /// The Secret in the host, read now: what was watched may be older.
    async fn standing(&self) -> Result<Secret, RenewError> {
        let name = &self.held.secret;
        let api = Api::<Secret>::namespaced(self.host.clone(), self.namespace);
        let found = self.call(&host("get", name), api.get_opt(name)).await?;
        let is_it = |secret: &Secret| HeldCredential::of(secret).as_ref() == Some(self.held);
        found.filter(is_it).ok_or_else(|| RenewError::Outrun(format!("Secret {name} in the host")))
    }

    /// Makes a Secret under the name that is not in use, or goes on with one that an earlier try made.
    async fn token_of_secret(&self, member: &Client, now: UnixTime) -> Result<Fresh, RenewError> {
        let api = tokens(member.clone());
        let names = self.held.unused_names();
        let Some(name) = names.first() else {
            return Err(RenewError::Outrun("the account".to_owned()));
        };
        let found = self.found(&api, name).await?;
        if let Some(found) = &found {
            if !self.is_ours(found) {
                let account = self.held.account.name.clone();
                return Err(RenewError::Taken { secret: name.clone(), account });
            }
            if self.is_older(found, now) {
                self.remove(&api, found).await?;
            }
        }
        if found.is_none_or(|found| self.is_older(&found, now)) {
            let wanted = self.held.account.token_secret(name);
            let call = member_call("create", "secrets", name);
            self.write(&call, api.create(&PostParams::default(), &wanted)).await?;
        }
        self.filled_in(&api, name).await
    }

    /// Older than a try and its repetitions: it was used before.
    fn is_older(&self, found: &Secret, now: UnixTime) -> bool {
        let made = found.metadata.creation_timestamp.as_ref().map_or(0, |it| it.0.as_second());
        u64::try_from(made).unwrap_or(0).saturating_add(super::held::SETTLING) <= now.0
    }

    async fn filled_in(&self, api: &Api<Secret>, name: &str) -> Result<Fresh, RenewError> {
        let end = Instant::now() + TOKEN_LIMIT;
        loop {
            let found = self.found(api, name).await?;
            let data = found.and_then(|found| found.data).unwrap_or_default();
            let token = data.get(TOKEN_KEY).and_then(|bytes| str::from_utf8(&bytes.0).ok());
            if let Some(token) = token.filter(|token| !token.is_empty()) {
                let authority = data.get(AUTHORITY_KEY).map(|bytes| bytes.0.clone());
                return Ok(Fresh { token: token.to_owned(), authority });
            }
            if Instant::now() >= end {
                let secret = format!("{SYSTEM_NAMESPACE}/{name}");
                return Err(RenewError::NoToken { secret });
            }
            sleep(PERIOD).await;
        }
    }

    async fn bound_token(&self, member: &Client) -> Result<String, RenewError> {
        let name = &self.held.account.name;
        let wanted = TokenRequest {
            spec: Some(TokenRequestSpec {
                expiration_seconds: i64::try_from(BOUND_LIFE).ok(),
                ..TokenRequestSpec::default()
            }),
            ..TokenRequest::default()
        };
        let api = Api::<ServiceAccount>::namespaced(member.clone(), SYSTEM_NAMESPACE);
        let call = member_call("create", "serviceaccounts/token", name);
        let params = PostParams::default();
        let answer = self.write(&call, api.create_token_request(name, &params, &wanted)).await?;
        let token = answer.status.and_then(|status| status.token).unwrap_or_default();
        let none = || RenewError::Access("the answer to a TokenRequest has no token".to_owned());
        Some(token).filter(|token| !token.is_empty()).ok_or_else(none)
    }

    /// Asks for something that only the account may have.
    async fn prove(&self, token: &str, authority: Option<&[u8]>) -> Result<(), RenewError> {
        let credentials = Redacted(Credentials::Token(token.to_owned()));
        let authority = authority.map(<[u8]>::to_vec).or_else(|| self.access.authority.clone());
        let access = MemberAccess { credentials, authority, ..self.access.clone() };
        let client = connected(&access).await?;
        let api = Api::<Service>::all(client);
        let call = member_call("list", "services", "");
        let params = ListParams::default().limit(1);
        let end = Instant::now() + PROOF_LIMIT;
        loop {
            match self.call(&call, api.list_metadata(&params)).await {
                Err(RenewError::Request(Failure::Unauthorized(_))) if Instant::now() < end => {
                    sleep(PERIOD).await;
                }
                answer => return answer.map(drop),
            }
        }
    }

    /// Over the Secret that was read, and no later one.
    async fn hand_over(&self, wanted: Secret) -> Result<(), RenewError> {
        let name = &self.held.secret;
        let api = Api::<Secret>::namespaced(self.host.clone(), self.namespace);
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let patch = Patch::Apply(wanted);
        self.write(&host("patch", name), api.patch(name, &params, &patch)).await.map(drop)
    }

    fn is_ours(&self, secret: &Secret) -> bool {
        self.held.account.made_token(secret.metadata.annotations.as_ref())
    }

    async fn found(&self, api: &Api<Secret>, name: &str) -> Result<Option<Secret>, RenewError> {
        self.call(&member_call("get", "secrets", name), api.get_opt(name)).await
    }

    /// This object, and none that was made in its place.
    async fn remove(&self, api: &Api<Secret>, found: &Secret) -> Result<(), RenewError> {
        let name = found.name_any();
        let preconditions = Preconditions { uid: found.uid(), resource_version: None };
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        match self.write(&member_call("delete", "secrets", &name), api.delete(&name, &params)).await
        {
            Ok(_) | Err(RenewError::Request(Failure::NotFound(_))) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn write<T>(
        &self,
        call: &Call<'_>,
        answer: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, RenewError> {
        if !(self.may_write)() {
            return Err(RenewError::NotHeld);
        }
        self.call(call, answer).await
    }

    async fn call<T>(
        &self,
        call: &Call<'_>,
        answer: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, RenewError> {
        let request = call.to_string();
        let Ok(answer) = tokio::time::timeout(CALL_LIMIT, answer).await else {
            return Err(RenewError::Request(Failure::timed_out(&request)));
        };
        answer.map_err(|error| match (Failure::new(&request, &error), call.place) {
            _ if matches!(&error, kube::Error::Api(status) if status.code == 409) => {
                RenewError::Outrun(request)
            }
            (failure @ Failure::Forbidden(_), Place::Member) => RenewError::NoRightInMember {
                cluster: self.held.account.cluster.clone(),
                right: call.right(SYSTEM_NAMESPACE),
                failure,
            },
            (failure @ Failure::Forbidden(_), Place::Host) => {
                RenewError::NoRightInHost { right: call.right(self.namespace), failure }
            }
            (failure, _) => RenewError::Request(failure),
        })
    }
}

fn tokens(member: Client) -> Api<Secret> {
    Api::namespaced(member, SYSTEM_NAMESPACE)
}

async fn connected(access: &MemberAccess) -> Result<Client, RenewError> {
    let connection = Connection::new(&access.clone().into()).await;
    connection.map(|it| it.client).map_err(|error| RenewError::Access(error.line()))
}

/// What the member says of its own authorities, if that is all that is known and more: it is about to use
/// another one. Who was given other certificates for a member is not told by it whom to trust.
fn grown<'a>(known: &[u8], told: &'a [u8]) -> Option<&'a [u8]> {
    let known = certificates(known);
    let all = certificates(told);
    let is_more = all.len() > known.len() && known.iter().all(|one| all.contains(one));
    (is_more && !known.is_empty()).then_some(told)
}

/// The certificates of a PEM text, each without its line breaks.
fn certificates(pem: &[u8]) -> Vec<String> {
    const END: &str = "-----END CERTIFICATE-----";
    let text = String::from_utf8_lossy(pem);
    let blocks = text.split_inclusive(END).filter_map(|block| block.strip_suffix(END));
    let bodies = blocks.filter_map(|block| block.split_once("-----BEGIN CERTIFICATE-----"));
    bodies.map(|(_, body)| body.split_whitespace().collect()).collect()
}

/// What a join would write with this token, and nothing that others wrote.
fn with_token(standing: &Secret, token: &str, authority: Option<&[u8]>, now: UnixTime) -> Secret {
    let is_ours = |key: &str| OUR_PREFIXES.iter().any(|prefix| key.starts_with(prefix));
    let annotations = standing.annotations().iter().filter(|(key, _)| is_ours(key));
    let mut annotations: std::collections::BTreeMap<String, String> =
        annotations.map(|(key, value)| (key.clone(), value.clone())).collect();
    annotations.insert(TOKEN_SINCE_ANNOTATION.to_owned(), time_text(now));
    let labels = standing.labels().iter().filter(|(key, _)| *key == CLUSTER_LABEL);
    let data = standing.data.iter().flatten();
    let data = data.filter(|(key, _)| [AUTHORITY_KEY, NAMESPACE_KEY].contains(&key.as_str()));
    let data = data.map(|(key, value)| (key.clone(), value.clone()));
    let authority = authority.map(|pem| (AUTHORITY_KEY.to_owned(), ByteString(pem.to_vec())));
    let token = (TOKEN_KEY.to_owned(), ByteString(token.into()));
    Secret {
        metadata: ObjectMeta {
            name: Some(standing.name_any()),
            namespace: standing.namespace(),
            resource_version: standing.resource_version(),
            labels: Some(labels.map(|(key, value)| (key.clone(), value.clone())).collect()),
            annotations: Some(annotations),
            ..ObjectMeta::default()
        },
        data: Some(data.chain(authority).chain([token]).collect()),
        type_: standing.type_.clone(),
        ..Secret::default()
    }
}

// === impl Call ===

fn host<'a>(verb: &'static str, name: &'a str) -> Call<'a> {
    Call { place: Place::Host, verb, resource: "secrets", name }
}

fn member_call<'a>(verb: &'static str, resource: &'static str, name: &'a str) -> Call<'a> {
    Call { place: Place::Member, verb, resource, name }
}

impl Call<'_> {
    fn right(&self, namespace: &str) -> String {
        let Self { verb, resource, name, .. } = self;
        match name.is_empty() {
            true => format!("{verb} {resource}"),
            false => format!("{verb} {resource} \"{name}\" in namespace {namespace}"),
        }
    }
}

impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.place {
            Place::Member => "the member",
            Place::Host => "the host cluster",
        };
        write!(f, "{place}: {} {} {}", self.verb, self.resource, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_and_its_time_change() {
        let pairs = |pairs: &[(&str, &str)]| {
            Some(pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect())
        };
        let bytes = |text: &str| ByteString(text.into());
        let standing = Secret {
            metadata: ObjectMeta {
                name: Some("beijing".into()),
                resource_version: Some("7".into()),
                labels: pairs(&[(CLUSTER_LABEL, "beijing"), ("own", "yes")]),
                annotations: pairs(&[("fedns.io/server", "https://a"), ("own", "yes")]),
                ..ObjectMeta::default()
            },
            data: Some(
                [("token", "old"), ("ca.crt", "PEM"), ("own", "x")]
                    .map(|(key, value)| (key.to_owned(), bytes(value)))
                    .into(),
            ),
            ..Secret::default()
        };
        let secret = with_token(&standing, "new", None, UnixTime(0));
        assert_eq!(secret.metadata.resource_version.as_deref(), Some("7"));
        assert_eq!(secret.metadata.labels, pairs(&[(CLUSTER_LABEL, "beijing")]));
        let annotations =
            [("fedns.io/server", "https://a"), (TOKEN_SINCE_ANNOTATION, "1970-01-01T00:00:00Z")];
        assert_eq!(secret.metadata.annotations, pairs(&annotations));
        let expect = [("token", "new"), ("ca.crt", "PEM")];
        assert_eq!(
            secret.data,
            Some(expect.map(|(key, value)| (key.to_owned(), bytes(value))).into())
        );
    }

    #[test]
    fn authorities_of_a_member_grow_and_are_never_exchanged() {
        let pem = |names: &[&str]| -> Vec<u8> {
            let block = |name: &&str| {
                format!("-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----\n")
            };
            names.iter().map(block).collect::<String>().into_bytes()
        };
        let check = |known: &[&str], told: &[&str], expect: bool| {
            let (known, told) = (pem(known), pem(told));
            assert_eq!(grown(&known, &told).is_some(), expect, "{known:?} {told:?}");
        };
        check(&["old"], &["old", "new"], true);
        check(&["old"], &["new", "old"], true);
        check(&["old"], &["old"], false);
        check(&["old", "new"], &["new"], false);
        check(&["given by hand"], &["old", "new"], false);
        check(&[], &["new"], false);
        assert_eq!(grown(b"old", b"new"), None);
    }
}
