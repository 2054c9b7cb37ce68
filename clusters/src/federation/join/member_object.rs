//! The member's `Cluster` object in the federation.
//!
//! Not applied but created, or merged into what stands: a join that names no labels or region must not
//! take away those that an earlier one or a user gave.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::mark::Mark;
use super::request::Credential;
use super::{JoinError, Prepared};
use crate::failure::Failure;
use crate::federation::cluster_object::{ClusterObject, ClusterSpec, SecretReference};
use crate::federation::members::place;
use crate::federation::names::{CLUSTER_UID_ANNOTATION, FIELD_MANAGER, JOIN_ANNOTATION};
use crate::federation::steps::{Change, Tell, Told, limited};

pub(super) async fn write(
    prepared: &Prepared,
    mark: &Mark,
    tell: Tell<'_>,
) -> Result<(), JoinError> {
    let federation = &prepared.federation;
    let name = &prepared.request.cluster;
    tell(Told::Begun(format!("Creating cluster {name} in {}", federation.words)));
    let after = send(prepared, &mark.to_string(), false).await?;
    let is_same = |before: &ClusterObject| {
        before.metadata.generation == after.metadata.generation
            && before.labels() == after.labels()
            && lasting(before).eq(lasting(&after))
    };
    tell(Told::Done(match &prepared.existing {
        None => Change::Created,
        Some(before) if is_same(before) => Change::Unchanged,
        Some(_) => Change::Changed,
    }));
    Ok(())
}

/// Whether the federation would take it is known without a change.
pub(super) async fn try_out(prepared: &Prepared) -> Result<(), Failure> {
    send(prepared, "", true).await.map(drop)
}

async fn send(prepared: &Prepared, mark: &str, is_trial: bool) -> Result<ClusterObject, Failure> {
    let federation = &prepared.federation;
    let name = &prepared.request.cluster;
    let api = Api::<ClusterObject>::all(federation.client());
    let request =
        |verb| federation.request::<ClusterObject>(if is_trial { "try" } else { verb }, name);
    let field_manager = Some(FIELD_MANAGER.to_owned());
    if prepared.existing.is_none() {
        let params = PostParams { field_manager, dry_run: is_trial };
        let mut object = object(prepared);
        object.annotations_mut().insert(JOIN_ANNOTATION.to_owned(), mark.to_owned());
        return limited(&request("create"), api.create(&params, &object)).await;
    }
    let params = PatchParams { field_manager, dry_run: is_trial, ..PatchParams::default() };
    let mut patch = patch(prepared);
    patch["metadata"]["annotations"][JOIN_ANNOTATION] = mark.into();
    limited(&request("patch"), api.patch(name, &params, &Patch::Merge(patch))).await
}

/// The annotations that are not another's with each join.
fn lasting(object: &ClusterObject) -> impl Iterator<Item = (&String, &String)> {
    object.annotations().iter().filter(|(key, _)| *key != JOIN_ANNOTATION)
}

/// As it would be created.
pub(super) fn object(prepared: &Prepared) -> ClusterObject {
    let mut object = ClusterObject::new(&prepared.request.cluster, spec(prepared));
    let labels = prepared.request.labels.clone();
    object.metadata.labels = Some(labels).filter(|labels| !labels.is_empty());
    let mut annotations = prepared.account.annotations();
    let uid = prepared.cluster_uid.clone();
    annotations.extend(uid.map(|uid| (CLUSTER_UID_ANNOTATION.to_owned(), uid)));
    object.metadata.annotations = Some(annotations);
    object
}

/// What is asked for, and for the rest what stands.
pub(super) fn spec(prepared: &Prepared) -> ClusterSpec {
    let request = &prepared.request;
    // The Secret says it, too, where the object was lost with its etcd.
    let standing = match (&prepared.existing, &prepared.standing_secret) {
        (Some(object), _) => object.spec.clone(),
        (None, Some(secret)) => place(secret),
        (None, None) => ClusterSpec::default(),
    };
    let (region, availability_zones) = match &request.region {
        Some(region) if region.is_empty() => (None, Vec::new()),
        Some(region) => (Some(region.clone()), request.zones.clone()),
        None => (standing.region, standing.availability_zones),
    };
    // A token's Secret has certificates of its own.
    let ca_bundle = match request.credential {
        Credential::Account { .. } => None,
        Credential::Kubeconfig(_) => request.authority.as_ref().map(|pem| STANDARD.encode(pem)),
    };
    ClusterSpec {
        server: prepared.server.clone(),
        ca_bundle,
        secret_ref: SecretReference { name: prepared.secret_name.clone() },
        region,
        availability_zones,
    }
}

/// RFC 7396: `null` takes away.
fn patch(prepared: &Prepared) -> Value {
    let ClusterSpec { server, ca_bundle, secret_ref, region, availability_zones } = spec(prepared);
    let object = object(prepared);
    let zones = (!availability_zones.is_empty()).then_some(availability_zones);
    json!({
        "metadata": {
            "labels": object.metadata.labels.unwrap_or_default(),
            "annotations": object.metadata.annotations.unwrap_or_default(),
        },
        "spec": {
            "server": server,
            "caBundle": ca_bundle,
            "secretRef": {"name": secret_ref.name},
            "region": region,
            "availabilityZones": zones,
        },
    })
}
