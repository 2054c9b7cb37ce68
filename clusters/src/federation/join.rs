//! How a cluster becomes a member.
//!
//! - [`request`]: what is asked for; [`flatten`]: a kubeconfig to be handed over
//! - `preflight`: everything that can be known before anything is changed
//! - `rights`: what the user's account must be allowed to do; `vitals`: versions and clocks
//! - `credentials`: what the control plane will show the member
//! - `secret`, `member_object`: how the member stands in the host and in the federation
//! - [`manifests`]: all of it as it would be written
//! - [`mark`]: tells one join from those before
//! - [`wait`]: until the control plane says what it sees
//!
//! ```text
//! [ request ] -> [ preflight ] -> [ Prepared ] -> member: account
//!                                            `--> host: Secret
//!                                            `--> federation: Cluster -> [ wait ]
//! ```
//!
//! Every step may be done again: what stands as wanted stays as it is. The `Cluster` object comes last,
//! so that half a member is none.

pub mod request;
pub mod flatten;
mod preflight;
mod rights;
mod vitals;
mod credentials;
mod secret;
mod member_object;
pub mod mark;
pub mod manifests;
pub mod wait;

use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::Api;

use super::names::SYSTEM_NAMESPACE;
use super::steps::{Change, Tell, Told};
use crate::failure::Failure;
use mark::Mark;
pub use preflight::{PreflightError, Prepared, prepare};
use request::Credential;

/// Why a cluster is not a member, or not wholly one.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    #[error("{0}")]
    Request(Failure),
    /// The account stands, and nobody makes a token for it.
    #[error(
        "{member}: Secret {secret} got no token within {seconds} s; does its kube-controller-manager run? \
         --bound-token does without it"
    )]
    NoToken { member: String, secret: String, seconds: u64 },
    #[error(
        "{member}: there are no certificates by which {server} can be known; name a file of them with \
         --cluster-ca"
    )]
    NoAuthority { member: String, server: String },
    #[error(
        "{server} is not signed by the certificates of {member} ({failure}); name those that sign it with \
         --cluster-ca"
    )]
    WrongAuthority { member: String, server: String, failure: Failure },
    #[error("{server} does not take the account that was made for it: {failure}")]
    AccountRefused { server: String, failure: Failure },
}

impl From<Failure> for JoinError {
    fn from(failure: Failure) -> Self {
        Self::Request(failure)
    }
}

/// Writes everything, telling each step. Returns what the status repeats once it is of this join.
///
/// # Errors
///
/// Why a step failed. What was written before it stands, and is found by the next try.
pub async fn execute(prepared: &Prepared, tell: Tell<'_>) -> Result<Mark, JoinError> {
    if let Credential::Account { is_bound } = prepared.request.credential {
        make_account(prepared, tell).await?;
        let_it_renew(prepared, is_bound, tell).await?;
        if !is_bound {
            ask_for_token(prepared, tell).await?;
        }
    }
    let access = credentials::obtain(prepared, tell).await?;
    let mark = Mark::new(&secret::write(prepared, &access, tell).await?);
    member_object::write(prepared, &mark, tell).await?;
    secret::remove_replaced(prepared, tell).await?;
    Ok(mark)
}

async fn make_account(prepared: &Prepared, tell: Tell<'_>) -> Result<(), JoinError> {
    let Prepared { account, member, .. } = prepared;
    let begin = |what: String| tell(Told::Begun(format!("{what} in {}", member.words)));
    let done = |change: Change| tell(Told::Done(change));
    if prepared.makes_namespace {
        begin(format!("Creating namespace {SYSTEM_NAMESPACE}"));
        let api = Api::<Namespace>::all(member.client());
        done(member.apply(&api, &account.namespace()).await?);
    }
    begin(format!("Creating service account {}", account.name));
    let api = Api::<ServiceAccount>::namespaced(member.client(), SYSTEM_NAMESPACE);
    done(member.apply(&api, &account.service_account()).await?);
    begin(format!("Creating cluster role {}", account.role_name()));
    let api = Api::<ClusterRole>::all(member.client());
    done(member.apply(&api, &account.cluster_role(&prepared.enabled)).await?);
    begin(format!("Creating cluster role binding {}", account.role_name()));
    let api = Api::<ClusterRoleBinding>::all(member.client());
    done(member.apply(&api, &account.cluster_role_binding()).await?);
    Ok(())
}

async fn ask_for_token(prepared: &Prepared, tell: Tell<'_>) -> Result<(), JoinError> {
    let Prepared { account, member, .. } = prepared;
    let name = &prepared.token_secret_name;
    tell(Told::Begun(format!("Creating secret {name} in {}", member.words)));
    let api = Api::<Secret>::namespaced(member.client(), SYSTEM_NAMESPACE);
    tell(Told::Done(member.apply(&api, &account.token_secret(name)).await?));
    Ok(())
}

async fn let_it_renew(
    prepared: &Prepared,
    is_bound: bool,
    tell: Tell<'_>,
) -> Result<(), JoinError> {
    let Prepared { account, member, .. } = prepared;
    tell(Told::Begun(format!("Creating role {} in {}", account.name, member.words)));
    let api = Api::<Role>::namespaced(member.client(), SYSTEM_NAMESPACE);
    tell(Told::Done(member.apply(&api, &account.renewal_role(is_bound)).await?));
    tell(Told::Begun(format!("Creating role binding {} in {}", account.name, member.words)));
    let api = Api::<RoleBinding>::namespaced(member.client(), SYSTEM_NAMESPACE);
    tell(Told::Done(member.apply(&api, &account.renewal_role_binding()).await?));
    Ok(())
}
