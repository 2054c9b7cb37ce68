//! The rights that enabled kinds need: of fedns's account in each member, and of fedns in the federation.

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use super::EnabledKind;
use crate::failure::Failure;
use crate::federation::account::Account;
use crate::federation::names::FEDNS_USER;
use crate::federation::steps::{Party, Tell, Told, limited};

/// Of the role and its binding in the federation, beside the role for what is always propagated.
const ROLE: &str = "fedns-enabled-kinds";
const RBAC_GROUP: &str = "rbac.authorization.k8s.io";

/// What became of fedns's role in a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted {
    /// It allows now what the kinds need, and no more.
    Done,
    /// Nothing there was made by `fedns join`: fedns comes with credentials of somebody else's making.
    NoAccount,
}

/// What lets fedns in the federation do what the kinds need there.
pub fn of_federation(enabled: &[EnabledKind]) -> (ClusterRole, ClusterRoleBinding) {
    let metadata = || ObjectMeta { name: Some(ROLE.to_owned()), ..ObjectMeta::default() };
    let role = ClusterRole {
        metadata: metadata(),
        rules: Some(enabled.iter().flat_map(rules_of_federation).collect()),
        ..ClusterRole::default()
    };
    let subject = Subject {
        kind: "User".to_owned(),
        name: FEDNS_USER.to_owned(),
        api_group: Some(RBAC_GROUP.to_owned()),
        namespace: None,
    };
    let role_ref = RoleRef {
        api_group: Some(RBAC_GROUP.to_owned()),
        kind: "ClusterRole".to_owned(),
        name: ROLE.to_owned(),
    };
    let binding =
        ClusterRoleBinding { metadata: metadata(), role_ref, subjects: Some(vec![subject]) };
    (role, binding)
}

/// Gives fedns in the federation the rights that the kinds need there.
///
/// # Errors
///
/// Why they may be missing.
pub async fn in_federation(
    federation: &Party,
    enabled: &[EnabledKind],
    tell: Tell<'_>,
) -> Result<(), Failure> {
    let (role, binding) = of_federation(enabled);
    tell(Told::Begun(format!("Granting fedns the kinds in {}", federation.words)));
    let roles = Api::<ClusterRole>::all(federation.client());
    let change = federation.apply(&roles, &role).await?;
    let bindings = Api::<ClusterRoleBinding>::all(federation.client());
    federation.apply(&bindings, &binding).await?;
    tell(Told::Done(change));
    Ok(())
}

/// Copies are written in members; objects of the federation are held, let go and told of.
fn rules_of_federation(kind: &EnabledKind) -> [PolicyRule; 2] {
    let rule = |resource: String, verbs: &[&str]| PolicyRule {
        api_groups: Some(vec![kind.group.clone()]),
        resources: Some(vec![resource]),
        verbs: verbs.iter().map(|&verb| verb.to_owned()).collect(),
        ..PolicyRule::default()
    };
    [
        rule(kind.plural.clone(), &["get", "list", "watch", "update", "patch"]),
        rule(format!("{}/status", kind.plural), &["get", "update", "patch"]),
    ]
}

/// Gives fedns's account in a member the rights that the kinds need, with the user's own: no account
/// may give itself more than it has. `account` needs no name; the role is found by whose it is.
///
/// # Errors
///
/// Why the role may be as it was.
pub async fn in_member(
    member: &Party,
    account: &Account,
    enabled: &[EnabledKind],
    tell: Tell<'_>,
) -> Result<Granted, Failure> {
    let api = Api::<ClusterRole>::all(member.client());
    let request = format!("{}: list clusterroles", member.words);
    let found = limited(&request, api.list_metadata(&ListParams::default())).await?;
    let ours = found.items.iter().filter(|role| account.made(role.metadata.annotations.as_ref()));
    let mut granted = Granted::NoAccount;
    for role in ours {
        let mut wider = account.cluster_role(enabled);
        wider.metadata.name = role.metadata.name.clone();
        tell(Told::Begun(format!("Adapting cluster role {} in {}", role.name_any(), member.words)));
        tell(Told::Done(member.apply(&api, &wider).await?));
        granted = Granted::Done;
    }
    Ok(granted)
}
