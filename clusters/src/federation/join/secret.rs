//! The member's Secret in the host.

use std::collections::BTreeMap;
use std::time::SystemTime;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Api, ResourceExt};
use model::UnixTime;

use super::{JoinError, Prepared};
use crate::definition::{Credentials, MemberAccess};
use crate::failure::Failure;
use crate::federation::member_secret::{AUTHORITY_KEY, KUBECONFIG_KEY, NAMESPACE_KEY, TOKEN_KEY};
use crate::federation::names::{
    CLUSTER_LABEL, CLUSTER_UID_ANNOTATION, REGION_ANNOTATION, SERVER_ANNOTATION, SYSTEM_NAMESPACE,
    TOKEN_SINCE_ANNOTATION, ZONES_ANNOTATION,
};
use crate::federation::rotation::held::time_text;
use crate::federation::steps::{Tell, Told, limited};

/// Returns the version of the Secret as it stands then.
pub(super) async fn write(
    prepared: &Prepared,
    access: &MemberAccess,
    tell: Tell<'_>,
) -> Result<String, JoinError> {
    let host = &prepared.host;
    let mut wanted = Secret { data: Some(data(access)), ..without_data(prepared) };
    if let Credentials::Token(_) = access.credentials.0 {
        let since = since(prepared, &wanted);
        let annotations = wanted.metadata.annotations.get_or_insert_default();
        annotations.insert(TOKEN_SINCE_ANNOTATION.to_owned(), since);
    }
    tell(Told::Begun(format!("Creating secret {} in {}", access.secret, host.words)));
    let api = Api::<Secret>::namespaced(host.client(), &prepared.request.namespace);
    tell(Told::Done(host.apply(&api, &wanted).await?));
    let request = host.request::<Secret>("get", &prepared.secret_name);
    let standing = limited(&request, api.get_metadata(&prepared.secret_name)).await?;
    Ok(standing.resource_version().unwrap_or_default())
}

/// When the token was put there: now, or when an earlier join or fedns did.
fn since(prepared: &Prepared, wanted: &Secret) -> String {
    let token = |secret: &Secret| secret.data.as_ref()?.get(TOKEN_KEY).cloned();
    let standing = prepared.standing_secret.as_ref();
    let same = standing.filter(|standing| token(standing) == token(wanted));
    let known = same.and_then(|it| it.annotations().get(TOKEN_SINCE_ANNOTATION).cloned());
    known.unwrap_or_else(|| time_text(now()))
}

fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    UnixTime(since.map_or(0, |since| since.as_secs()))
}

/// Everything of it but what is secret.
pub(super) fn without_data(prepared: &Prepared) -> Secret {
    let mut annotations = prepared.account.annotations();
    let spec = super::member_object::spec(prepared);
    let uid = prepared.cluster_uid.clone();
    let zones = Some(spec.availability_zones.join(",")).filter(|zones| !zones.is_empty());
    let told = [
        (SERVER_ANNOTATION, Some(prepared.server.clone())),
        (CLUSTER_UID_ANNOTATION, uid),
        (REGION_ANNOTATION, spec.region),
        (ZONES_ANNOTATION, zones),
    ];
    let told = told.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    annotations.extend(told);
    let cluster = prepared.request.cluster.clone();
    Secret {
        metadata: ObjectMeta {
            name: Some(prepared.secret_name.clone()),
            namespace: Some(prepared.request.namespace.clone()),
            labels: Some([(CLUSTER_LABEL.to_owned(), cluster)].into()),
            annotations: Some(annotations),
            ..ObjectMeta::default()
        },
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    }
}

fn data(access: &MemberAccess) -> BTreeMap<String, ByteString> {
    let authority = access.authority.clone();
    let pairs = match &access.credentials.0 {
        Credentials::Kubeconfig(text) => {
            vec![(KUBECONFIG_KEY, Some(text.clone().into_bytes()))]
        }
        Credentials::Token(token) => vec![
            (TOKEN_KEY, Some(token.clone().into_bytes())),
            (AUTHORITY_KEY, authority),
            (NAMESPACE_KEY, Some(SYSTEM_NAMESPACE.into())),
        ],
    };
    let pairs =
        pairs.into_iter().filter_map(|(key, bytes)| Some((key.to_owned(), ByteString(bytes?))));
    pairs.collect()
}

/// The member's Secret of before, where it now has one of another name.
pub(super) async fn remove_replaced(prepared: &Prepared, tell: Tell<'_>) -> Result<(), JoinError> {
    let Some(object) = &prepared.existing else { return Ok(()) };
    let old = &object.spec.secret_ref.name;
    if *old == prepared.secret_name {
        return Ok(());
    }
    let host = &prepared.host;
    let api = Api::<Secret>::namespaced(host.client(), &prepared.request.namespace);
    let request = host.request::<Secret>("get", old);
    let found = match limited(&request, api.get_metadata_opt(old)).await {
        Ok(found) => found,
        Err(Failure::NotFound(_)) => None,
        Err(failure) => return Err(failure.into()),
    };
    let is_ours = |labels: &BTreeMap<String, String>| {
        labels.get(CLUSTER_LABEL) == Some(&prepared.request.cluster)
    };
    if found.is_some_and(|found| is_ours(found.labels())) {
        tell(Told::Begun(format!("Deleting secret {old}, which it replaces, in {}", host.words)));
        tell(Told::Done(host.delete(&api, old).await?));
    }
    Ok(())
}
