//! The Secrets of the member: that in the host, and that of the token.

use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use super::PreflightError;
use crate::failure::Failure;
use crate::federation::account::Account;
use crate::federation::cluster_object::ClusterObject;
use crate::federation::join::request::JoinRequest;
use crate::federation::names::{CLUSTER_LABEL, SERVER_ANNOTATION};
use crate::federation::rotation::{HeldCredential, Token};
use crate::federation::steps::{Party, limited};

/// As it is asked for, else as it stands, else the member's name.
pub(super) async fn secret_name(
    request: &JoinRequest,
    host: &Party,
    existing: Option<&ClusterObject>,
) -> Result<String, Failure> {
    let standing = existing.map(|object| object.spec.secret_ref.name.clone());
    if let Some(name) = request.secret_name.clone().or(standing) {
        return Ok(name);
    }
    // An object that was lost with its etcd has left a Secret, which says by itself whose it is.
    let ours = ListParams::default().labels(&format!("{CLUSTER_LABEL}={}", request.cluster));
    let api = Api::<Secret>::namespaced(host.client(), &request.namespace);
    let words = format!("{}: list secrets", host.words);
    let found = match limited(&words, api.list_metadata(&ours)).await {
        Ok(found) => found.items,
        // Who may only write them names it with --secret-name.
        Err(Failure::Forbidden(_)) => Vec::new(),
        Err(failure) => return Err(failure),
    };
    let of_join = found.iter().find(|it| it.annotations().contains_key(SERVER_ANNOTATION));
    Ok(of_join.map_or_else(|| request.cluster.clone(), ResourceExt::name_any))
}

pub(super) async fn standing_secret(
    request: &JoinRequest,
    host: &Party,
    name: &str,
) -> Result<Option<Secret>, PreflightError> {
    let api = Api::<Secret>::namespaced(host.client(), &request.namespace);
    let words = host.request::<Secret>("get", name);
    let found = limited(&words, api.get_opt(name)).await?;
    match found {
        Some(found) if found.labels().get(CLUSTER_LABEL) != Some(&request.cluster) => {
            Err(PreflightError::SecretTaken {
                host: host.words.clone(),
                namespace: request.namespace.clone(),
                secret: name.to_owned(),
            })
        }
        found => Ok(found),
    }
}

/// The one in use, where fedns has renewed it.
pub(super) fn token_secret_name(account: &Account, standing: Option<&Secret>) -> String {
    let [first, second] = account.token_secret_names();
    let held = standing.and_then(HeldCredential::of);
    match held.map(|held| held.token) {
        Some(Token::OfSecret { name }) if name == second => second,
        _ => first,
    }
}
