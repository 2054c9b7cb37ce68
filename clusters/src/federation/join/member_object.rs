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
use crate::federation::cluster_object::{ClusterObject, ClusterSpec, SecretReference};
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
    let api = Api::<ClusterObject>::all(federation.client());
    let change = match &prepared.existing {
        None => {
            let params = PostParams {
                field_manager: Some(FIELD_MANAGER.to_owned()),
                ..PostParams::default()
            };
            let request = federation.request::<ClusterObject>("create", name);
            let mut object = object(prepared);
            object.annotations_mut().insert(JOIN_ANNOTATION.to_owned(), mark.to_string());
            limited(&request, api.create(&params, &object)).await?;
            Change::Created
        }
        Some(before) => {
            let params = PatchParams {
                field_manager: Some(FIELD_MANAGER.to_owned()),
                ..PatchParams::default()
            };
            let request = federation.request::<ClusterObject>("patch", name);
            let mut patch = patch(prepared);
            patch["metadata"]["annotations"][JOIN_ANNOTATION] = mark.to_string().into();
            let patch = Patch::Merge(patch);
            let after = limited(&request, api.patch(name, &params, &patch)).await?;
            match before.metadata.generation == after.metadata.generation
                && before.labels() == after.labels()
                && lasting(before).eq(lasting(&after))
            {
                true => Change::Unchanged,
                false => Change::Changed,
            }
        }
    };
    tell(Told::Done(change));
    Ok(())
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
    let standing = prepared.existing.as_ref().map(|object| object.spec.clone()).unwrap_or_default();
    let (region, availability_zones) = match &request.region {
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
