//! Everything that can be known before anything is changed. Reads only.

mod secrets;

use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use model::Label;
use tokio::time::{Instant, sleep};

use self::secrets::{secret_name, standing_secret, token_secret_name};
use super::member_object;
use super::request::{Credential, JoinRequest};
use super::rights::{missing, rights};
use super::vitals::{self, Skew, Vitals};
use crate::failure::Failure;
use crate::federation::account::{Account, account_name};
use crate::federation::cluster_object::ClusterObject;
use crate::federation::enabled::{self, EnabledKind};
use crate::federation::host::{self, HostError, HostedFederation};
use crate::federation::names::{
    CLUSTER_NAME_ANNOTATION, CLUSTER_UID_ANNOTATION, FEDERATION_NAME_ANNOTATION, FIELD_MANAGER,
    SYSTEM_NAMESPACE,
};
use crate::federation::steps::{Party, PartyError, limited};
use crate::federation::tie::{self, TieError};
use crate::identity::{Identity, identify};

/// Until a fresh definition is served.
const DEFINITION_LIMIT: Duration = Duration::from_secs(10);
const DEFINITION_PERIOD: Duration = Duration::from_millis(500);

/// A join that nothing speaks against.
pub struct Prepared {
    pub request: JoinRequest,
    pub federation: Party,
    pub host: Party,
    pub member: Party,
    pub account: Account,
    pub hosted: HostedFederation,
    /// Kinds that are propagated beside those that always are.
    pub enabled: Vec<EnabledKind>,
    /// The namespace of the account is not there, or an earlier join made it.
    pub makes_namespace: bool,
    /// The member's `Cluster` object as it stands.
    pub existing: Option<ClusterObject>,
    /// UID of the member's kube-system namespace, where the user may read it.
    pub cluster_uid: Option<String>,
    /// In the host.
    pub secret_name: String,
    /// The Secret of this name as it stands.
    pub standing_secret: Option<Secret>,
    /// Of the Secret in the member whose token the control plane gets.
    pub token_secret_name: String,
    /// `https://host:port`, as the control plane will use it.
    pub server: String,
    /// Worth knowing, and in nobody's way.
    pub notes: Vec<String>,
}

/// What speaks against a join.
#[derive(Debug, thiserror::Error)]
pub enum PreflightError {
    #[error(
        "{name:?} cannot be a cluster's name: it must be a DNS label, of lower-case letters, digits and \
         hyphens, 63 at most"
    )]
    BadName { name: String },
    #[error(transparent)]
    Party(#[from] PartyError),
    #[error(transparent)]
    Host(#[from] HostError),
    #[error(transparent)]
    Tie(#[from] TieError),
    #[error("{0}")]
    Request(#[from] Failure),
    #[error(
        "{host}: its namespace {namespace} does not say which federation it holds; name it with \
         --federation-name"
    )]
    NamelessFederation { host: String, namespace: String },
    #[error(
        "{host} holds the federation \"{there}\", not \"{asked}\"; correct --federation-name or \
         --host-cluster-context"
    )]
    OtherFederationHosted { host: String, there: String, asked: String },
    #[error(
        "{federation} has no clusters.fedns.io: it is no federation's API; make one with `fedns init`, or \
         name its context with --context"
    )]
    NoDefinition { federation: String },
    #[error("{party}: the user may not {}; grant it, or use a context that may", .missing.join(", "))]
    NoRights { party: String, missing: Vec<String> },
    #[error(
        "{member} runs Kubernetes {version}; a member needs {} at least",
        vitals::oldest_version()
    )]
    TooOld { member: String, version: String },
    #[error(
        "the clocks of {member} and {host} differ by {seconds} s: tokens and certificates would not hold; \
         set them right"
    )]
    ClockSkew { member: String, host: String, seconds: i64 },
    #[error(
        "{member} is a member of this federation already, as \"{name}\"; to give it another name, \
         `fedns unjoin {name}` first"
    )]
    OtherName { member: String, name: String },
    #[error(
        "{member} is a member of the federation \"{federation}\" already, as \"{name}\" (service account \
         {account} in namespace {SYSTEM_NAMESPACE}): `fedns unjoin {name}` there first; if that federation \
         is no more, `kubectl -n {SYSTEM_NAMESPACE} delete serviceaccount {account}` and join again"
    )]
    OtherFederation { member: String, federation: String, name: String, account: String },
    #[error(
        "cluster {name} is just leaving the federation ({federation}); `fedns unjoin {name}` ends that, then \
         join again"
    )]
    IsLeaving { name: String, federation: String },
    #[error(
        "{member}: namespace {SYSTEM_NAMESPACE} is being deleted, perhaps by an unjoin; join again when it is \
         gone: kubectl --context={context} wait --for=delete namespace/{SYSTEM_NAMESPACE} --timeout=2m"
    )]
    NamespaceEnds { member: String, context: String },
    #[error(
        "{host}: Secret {namespace}/{secret} stands there and is not this member's; choose another name \
         with --secret-name"
    )]
    SecretTaken { host: String, namespace: String, secret: String },
}

/// Looks at all three API servers.
///
/// # Errors
///
/// The first thing that speaks against the join.
pub async fn prepare(request: JoinRequest) -> Result<Prepared, PreflightError> {
    check_name(&request.cluster)?;
    let (federation, host, member) = parties(&request).await?;
    // The two that must answer for anything to be known; the member's silence is the likeliest.
    let at_member = vitals::take(&member).await?;
    let at_host = vitals::take(&host).await?;
    let mut notes = judge_vitals(&member, &at_member, &host, &at_host)?;
    let hosted = host::look(&host, &request.namespace).await?;
    tie::check(&federation, &host, &hosted).await?;
    let name = federation_name(&request, &host, &hosted)?;
    let enabled = enabled_kinds(&host, &request.namespace, &mut notes).await?;
    let objects = cluster_objects(&federation).await?;
    check_rights(&request, &federation, &host, &member).await?;
    let cluster_uid = match identify(&member.client()).await? {
        Identity::Uid(uid) => Some(uid),
        Identity::Unreadable(_) => None,
    };
    check_other_name(&request, &member, &objects, cluster_uid.as_deref())?;
    let mut account = Account {
        federation: name,
        host_uid: hosted.host_uid.clone(),
        cluster: request.cluster.clone(),
        name: account_name(&request.cluster, &request.host_context),
    };
    let mut makes_namespace = false;
    if let Credential::Account { .. } = request.credential {
        if let Some(name) = standing_account(&member, &account).await? {
            account.name = name;
        }
        makes_namespace = is_namespace_ours(&request, &member, &account).await?;
        try_role(&member, &account, &enabled).await?;
    }
    let existing = objects.into_iter().find(|object| object.name_any() == request.cluster);
    if existing.as_ref().is_some_and(|object| object.metadata.deletion_timestamp.is_some()) {
        let (name, federation) = (request.cluster.clone(), federation.words.clone());
        return Err(PreflightError::IsLeaving { name, federation });
    }
    notes.extend(existing.as_ref().and_then(|before| replaces(before, cluster_uid.as_deref())));
    let secret_name = secret_name(&request, &host, existing.as_ref()).await?;
    let standing_secret = standing_secret(&request, &host, &secret_name).await?;
    let token_secret_name = token_secret_name(&account, standing_secret.as_ref());
    let server = request.server.clone();
    let server = server.unwrap_or_else(|| member.connection.server.trim_end_matches('/').into());
    let prepared = Prepared {
        request,
        federation,
        host,
        member,
        account,
        hosted,
        enabled,
        makes_namespace,
        existing,
        cluster_uid,
        secret_name,
        standing_secret,
        token_secret_name,
        server,
        notes,
    };
    member_object::try_out(&prepared).await?;
    Ok(prepared)
}

/// Who may not see them can add a member all the same.
async fn enabled_kinds(
    host: &Party,
    namespace: &str,
    notes: &mut Vec<String>,
) -> Result<Vec<EnabledKind>, Failure> {
    match enabled::get(host, namespace).await {
        Err(Failure::Forbidden(line)) => {
            notes.push(format!(
                "kinds that `fedns enable` added are not known ({line}): whoever may see them runs \
                 `fedns enable` again"
            ));
            Ok(Vec::new())
        }
        kinds => kinds,
    }
}

fn check_name(name: &str) -> Result<(), PreflightError> {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_label = Label::new(name).is_ok()
        && name.bytes().all(is_letter)
        && !name.starts_with('-')
        && !name.ends_with('-');
    if is_label { Ok(()) } else { Err(PreflightError::BadName { name: name.to_owned() }) }
}

async fn parties(request: &JoinRequest) -> Result<(Party, Party, Party), PreflightError> {
    let words = |context: &Option<String>, else_words: &str| match context {
        Some(context) => format!("context {context}"),
        None => else_words.to_owned(),
    };
    let current = "the current context";
    let JoinRequest { federation, host, member, cluster, .. } = request;
    let federation_words = format!("the federation ({})", words(&federation.context, current));
    let host_words = format!("the host cluster ({})", words(&host.context, current));
    Ok((
        Party::new(federation_words, "--context", federation).await?,
        Party::new(host_words, "--host-cluster-context", host).await?,
        Party::new(format!("cluster {cluster}"), "--cluster-context", member).await?,
    ))
}

fn judge_vitals(
    member: &Party,
    at_member: &Vitals,
    host: &Party,
    at_host: &Vitals,
) -> Result<Vec<String>, PreflightError> {
    if !vitals::is_new_enough(&at_member.version) {
        let version = at_member.version.clone();
        return Err(PreflightError::TooOld { member: member.words.clone(), version });
    }
    match vitals::skew(at_member.time, at_host.time) {
        Skew::Fine => Ok(vec![]),
        Skew::Odd { seconds } => Ok(vec![format!(
            "the clocks of {} and {} differ by {seconds} s",
            member.words, host.words
        )]),
        Skew::TooFar { seconds } => Err(PreflightError::ClockSkew {
            member: member.words.clone(),
            host: host.words.clone(),
            seconds,
        }),
    }
}

fn federation_name(
    request: &JoinRequest,
    host: &Party,
    hosted: &HostedFederation,
) -> Result<String, PreflightError> {
    match (&hosted.name, &request.federation_name) {
        (Some(there), Some(asked)) if there != asked => {
            Err(PreflightError::OtherFederationHosted {
                host: host.words.clone(),
                there: there.clone(),
                asked: asked.clone(),
            })
        }
        (Some(name), _) | (None, Some(name)) => Ok(name.clone()),
        (None, None) => Err(PreflightError::NamelessFederation {
            host: host.words.clone(),
            namespace: request.namespace.clone(),
        }),
    }
}

/// A definition that has just been made is not served at once.
async fn cluster_objects(federation: &Party) -> Result<Vec<ClusterObject>, PreflightError> {
    let api = Api::<ClusterObject>::all(federation.client());
    let request = format!("{}: list clusters", federation.words);
    let end = Instant::now() + DEFINITION_LIMIT;
    loop {
        match limited(&request, api.list(&ListParams::default())).await {
            Ok(list) => return Ok(list.items),
            Err(Failure::NotFound(_)) => {
                return Err(PreflightError::NoDefinition { federation: federation.words.clone() });
            }
            Err(Failure::NotReady(_)) if Instant::now() < end => sleep(DEFINITION_PERIOD).await,
            Err(failure) => return Err(failure.into()),
        }
    }
}

async fn check_rights(
    request: &JoinRequest,
    federation: &Party,
    host: &Party,
    member: &Party,
) -> Result<(), PreflightError> {
    const WRITE: [&str; 3] = ["get", "create", "patch"];
    const RBAC: &str = "rbac.authorization.k8s.io";
    let in_federation = rights(&WRITE, "fedns.io", "clusters", None);
    let in_host = rights(&WRITE, "", "secrets", Some(&request.namespace));
    let in_member = match request.credential {
        Credential::Kubeconfig(_) => vec![],
        Credential::Account { is_bound } => {
            let system = Some(SYSTEM_NAMESPACE);
            let mut wanted = rights(&WRITE, "", "namespaces", None);
            wanted.extend(rights(
                &["list", "get", "create", "patch"],
                "",
                "serviceaccounts",
                system,
            ));
            wanted.extend(rights(&WRITE, RBAC, "clusterroles", None));
            wanted.extend(rights(&WRITE, RBAC, "clusterrolebindings", None));
            wanted.extend(rights(&WRITE, RBAC, "roles", system));
            wanted.extend(rights(&WRITE, RBAC, "rolebindings", system));
            if !is_bound {
                wanted.extend(rights(&WRITE, "", "secrets", system));
            }
            wanted
        }
    };
    for (party, wanted) in [(member, in_member), (host, in_host), (federation, in_federation)] {
        let missing = missing(party, &wanted).await?;
        if !missing.is_empty() {
            return Err(PreflightError::NoRights { party: party.words.clone(), missing });
        }
    }
    Ok(())
}

fn check_other_name(
    request: &JoinRequest,
    member: &Party,
    objects: &[ClusterObject],
    uid: Option<&str>,
) -> Result<(), PreflightError> {
    let is_it = |object: &&ClusterObject| {
        let uid_there = object.annotations().get(CLUSTER_UID_ANNOTATION).map(String::as_str);
        uid.is_some() && uid_there == uid && object.name_any() != request.cluster
    };
    match objects.iter().find(is_it) {
        None => Ok(()),
        Some(object) => {
            Err(PreflightError::OtherName { member: member.words.clone(), name: object.name_any() })
        }
    }
}

/// What is told where another cluster takes the place of the one that was a member under the name.
fn replaces(before: &ClusterObject, uid: Option<&str>) -> Option<String> {
    let (known, uid) = (before.annotations().get(CLUSTER_UID_ANNOTATION)?, uid?);
    (known != uid).then(|| {
        format!(
            "this is another cluster than the one that was {} (the UID of its kube-system namespace was \
             {known} and is {uid}): once it has been seen wholly, it takes that one's place in DNS in one step",
            before.name_any()
        )
    })
}

/// The name of the account that an earlier join made, perhaps from a machine that has other words for
/// the host. An account of another federation speaks against the join.
async fn standing_account(
    member: &Party,
    account: &Account,
) -> Result<Option<String>, PreflightError> {
    let api = Api::<ServiceAccount>::namespaced(member.client(), SYSTEM_NAMESPACE);
    let request = format!("{}: list serviceaccounts", member.words);
    let found = limited(&request, api.list(&ListParams::default())).await?;
    let mut standing = None;
    for object in found.items {
        let annotation = |key: &str| object.annotations().get(key).cloned();
        let (Some(cluster), Some(federation)) =
            (annotation(CLUSTER_NAME_ANNOTATION), annotation(FEDERATION_NAME_ANNOTATION))
        else {
            continue;
        };
        let ours = Account { cluster: cluster.clone(), ..account.clone() };
        if !ours.made(object.metadata.annotations.as_ref()) {
            return Err(PreflightError::OtherFederation {
                member: member.words.clone(),
                federation,
                name: cluster,
                account: object.name_any(),
            });
        }
        if cluster != account.cluster {
            return Err(PreflightError::OtherName { member: member.words.clone(), name: cluster });
        }
        standing = Some(object.name_any());
    }
    Ok(standing)
}

/// True where the namespace is not there, or is one that a join made for this member.
async fn is_namespace_ours(
    request: &JoinRequest,
    member: &Party,
    account: &Account,
) -> Result<bool, PreflightError> {
    let api = Api::<Namespace>::all(member.client());
    let words = member.request::<Namespace>("get", SYSTEM_NAMESPACE);
    let Some(found) = limited(&words, api.get_opt(SYSTEM_NAMESPACE)).await? else {
        return Ok(true);
    };
    if found.metadata.deletion_timestamp.is_some() {
        let context = request.member.context.clone().unwrap_or_default();
        return Err(PreflightError::NamespaceEnds { member: member.words.clone(), context });
    }
    Ok(account.made(found.metadata.annotations.as_ref()))
}

/// An API server grants nobody a right that the granting user does not have; whether this one would is
/// known without a change.
async fn try_role(
    member: &Party,
    account: &Account,
    enabled: &[EnabledKind],
) -> Result<(), Failure> {
    let role = account.cluster_role(enabled);
    let params = PatchParams::apply(FIELD_MANAGER).force().dry_run();
    let api = Api::<ClusterRole>::all(member.client());
    let request = member.request::<ClusterRole>("try", &role.name_any());
    limited(&request, api.patch(&role.name_any(), &params, &Patch::Apply(&role))).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_dns_label() {
        for good in ["beijing", "a", "gke-1", "1a"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "Beijing", "a.b", "-a", "a-", "a_b", "集群", &"x".repeat(64)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
