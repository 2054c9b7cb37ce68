//! From `Cluster` objects and Secrets to members. Pure.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use model::{ClusterName, Label};

use super::table::Table;
use super::{FoundMember, MemberStanding, Members};
use crate::definition::{Access, TopologyOverride};
use crate::federation::cluster_object::{ClusterObject, ClusterSpec};
use crate::federation::join::mark::Mark;
use crate::federation::member_secret;
use crate::federation::names::{
    CLUSTER_LABEL, CLUSTER_UID_ANNOTATION, JOIN_ANNOTATION, MEMBER_FINALIZER, REGION_ANNOTATION,
    SERVER_ANNOTATION, ZONES_ANNOTATION,
};
use crate::federation::rotation::HeldCredential;

pub(super) fn members(objects: &Table<ClusterObject>, secrets: &Table<Secret>) -> Members {
    let mut found: BTreeMap<ClusterName, FoundMember> = objects
        .iter()
        .map(|(name, object)| (ClusterName::new(name), joined(object, secrets)))
        .collect();
    for (_, secret) in secrets.iter() {
        if let Some((name, member)) = without_object(secret) {
            found.entry(name).or_insert(member);
        }
    }
    let troubles = [objects.trouble(), secrets.trouble()].into_iter().flatten();
    Members {
        found,
        is_complete: objects.is_listed() && secrets.is_listed(),
        troubles: troubles.map(str::to_owned).collect(),
    }
}

fn joined(object: &ClusterObject, secrets: &Table<Secret>) -> FoundMember {
    let standing = match object.metadata.deletion_timestamp {
        Some(_) => MemberStanding::Leaving,
        None => MemberStanding::Joined,
    };
    FoundMember {
        access: access(object, secrets).unwrap_or_else(Access::Unusable),
        labels: object.labels().clone(),
        topology: topology(&object.spec),
        uid: uid(object).or_else(|| uid(secrets.get(&object.spec.secret_ref.name)?)),
        credential: secrets.get(&object.spec.secret_ref.name).and_then(HeldCredential::of),
        standing,
        join: join(object, secrets),
        is_held: object.finalizers().iter().any(|it| it == MEMBER_FINALIZER),
    }
}

fn join(object: &ClusterObject, secrets: &Table<Secret>) -> Option<Mark> {
    let mark = Mark::parse(object.annotations().get(JOIN_ANNOTATION)?)?;
    let secret = secrets.get(&object.spec.secret_ref.name)?;
    mark.is_followed_by(secret).then_some(mark)
}

fn access(object: &ClusterObject, secrets: &Table<Secret>) -> Result<Access, String> {
    let ClusterSpec { server, ca_bundle, secret_ref, .. } = &object.spec;
    let Some(secret) = secrets.get(&secret_ref.name) else {
        let secret = &secret_ref.name;
        return Err(match secrets.is_listed() {
            true => format!(
                "its Secret {secret:?} is not in the control plane's namespace; `fedns join` writes it"
            ),
            false => "the members' Secrets have not been read yet".into(),
        });
    };
    let authority = ca_bundle.as_ref().map(|text| STANDARD.decode(text.trim()));
    let authority = authority
        .transpose()
        .map_err(|_| "the caBundle of its Cluster object is not base64".to_owned())?;
    let access = member_secret::read(secret, server, authority);
    access.map(Access::Member).map_err(|error| error.to_string())
}

/// A Secret that `fedns join` made says by itself which member it is of.
fn without_object(secret: &Secret) -> Option<(ClusterName, FoundMember)> {
    let name = secret.labels().get(CLUSTER_LABEL)?;
    let server = secret.annotations().get(SERVER_ANNOTATION)?;
    let access = member_secret::read(secret, server, None);
    let member = FoundMember {
        access: access.map_or_else(|error| Access::Unusable(error.to_string()), Access::Member),
        labels: BTreeMap::new(),
        topology: topology(&place(secret)),
        uid: uid(secret),
        credential: HeldCredential::of(secret),
        standing: MemberStanding::WithoutObject,
        join: None,
        is_held: false,
    };
    Some((ClusterName::new(name), member))
}

fn uid(object: &impl ResourceExt) -> Option<String> {
    object.annotations().get(CLUSTER_UID_ANNOTATION).filter(|uid| !uid.is_empty()).cloned()
}

/// Where the member is, as `fedns join` wrote it beside its credentials.
pub fn place(secret: &Secret) -> ClusterSpec {
    let text = |key: &str| secret.annotations().get(key).filter(|text| !text.is_empty()).cloned();
    let zones = text(ZONES_ANNOTATION).unwrap_or_default();
    let zones = zones.split(',').filter(|zone| !zone.is_empty()).map(str::to_owned);
    ClusterSpec {
        region: text(REGION_ANNOTATION),
        availability_zones: zones.collect(),
        ..ClusterSpec::default()
    }
}

/// The definition lets through only what are labels.
fn topology(spec: &ClusterSpec) -> Option<TopologyOverride> {
    let region = Label::new(spec.region.as_ref()?).ok()?;
    let zones = spec.availability_zones.iter();
    let availability_zones: BTreeSet<Label> = zones.filter_map(|it| Label::new(it).ok()).collect();
    Some(TopologyOverride { region, availability_zones })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
    use k8s_openapi::jiff::Timestamp;
    use kube_runtime::watcher::Event;

    use super::*;
    use crate::federation::cluster_object::SecretReference;

    fn table<K: ResourceExt>(objects: Vec<K>) -> Table<K> {
        let mut table = Table::default();
        table.take(Ok(Event::Init), "");
        objects.into_iter().for_each(|object| table.take(Ok(Event::InitApply(object)), ""));
        table.take(Ok(Event::InitDone), "");
        table
    }

    fn object(name: &str, secret: &str) -> ClusterObject {
        let spec = ClusterSpec {
            server: format!("https://{name}:6443"),
            secret_ref: SecretReference { name: secret.into() },
            ..ClusterSpec::default()
        };
        ClusterObject::new(name, spec)
    }

    fn secret(name: &str, of: Option<&str>) -> Secret {
        let pairs = |key: &str, value: String| Some([(key.to_owned(), value)].into());
        let data = ["token", "ca.crt"].map(|key| (key.to_owned(), ByteString(b"x".into())));
        let metadata = ObjectMeta {
            name: Some(name.into()),
            labels: of.and_then(|of| pairs(CLUSTER_LABEL, of.into())),
            annotations: of.and_then(|of| pairs(SERVER_ANNOTATION, format!("https://{of}:6443"))),
            ..ObjectMeta::default()
        };
        Secret { metadata, data: Some(data.into()), ..Secret::default() }
    }

    fn words(members: &Members) -> Vec<String> {
        let word = |(name, member): (&ClusterName, &FoundMember)| {
            let access = match &member.access {
                Access::Member(access) => access.server.clone(),
                Access::Unusable(why) => why.clone(),
                Access::Kubeconfig(_) => unreachable!("no member is found so"),
            };
            format!("{name} {:?} {access}", member.standing)
        };
        members.found.iter().map(word).collect()
    }

    #[test]
    fn an_object_with_its_secret_is_a_member() {
        let objects = table(vec![object("beijing", "s1")]);
        let found = members(&objects, &table(vec![secret("s1", None)]));
        assert_eq!(words(&found), ["beijing Joined https://beijing:6443"]);
        assert!(found.is_complete);
    }

    #[test]
    fn without_its_secret_it_is_a_member_that_cannot_be_reached() {
        let objects = table(vec![object("beijing", "s1")]);
        let found = members(&objects, &table(vec![]));
        assert!(words(&found)[0].contains("\"s1\" is not in the control plane's"), "{found:?}");
        let found = members(&objects, &Table::default());
        assert!(words(&found)[0].contains("have not been read yet"), "{found:?}");
        assert!(!found.is_complete);
    }

    #[test]
    fn a_secret_keeps_a_member_whose_object_is_lost() {
        let secrets = table(vec![secret("s1", Some("beijing")), secret("other", None)]);
        let found = members(&table(vec![]), &secrets);
        assert_eq!(words(&found), ["beijing WithoutObject https://beijing:6443"]);
    }

    #[test]
    fn the_object_says_which_cluster_is_meant_and_else_the_secret() {
        let meant = |of_object: Option<&str>, of_secret: Option<&str>| {
            let annotations = |uid: Option<&str>| {
                Some([(CLUSTER_UID_ANNOTATION.to_owned(), uid?.to_owned())].into())
            };
            let (mut object, mut secret) = (object("beijing", "s1"), secret("s1", None));
            object.metadata.annotations = annotations(of_object);
            secret.metadata.annotations = annotations(of_secret);
            let found = members(&table(vec![object]), &table(vec![secret]));
            found.found[&ClusterName::new("beijing")].uid.clone()
        };
        assert_eq!(meant(Some("a"), Some("b")).as_deref(), Some("a"));
        assert_eq!(meant(None, Some("b")).as_deref(), Some("b"));
        assert_eq!(meant(Some(""), None), None);
    }

    #[test]
    fn a_join_is_known_when_its_secret_is() {
        let seen = |version: &str| {
            let (mut object, mut secret) = (object("beijing", "s1"), secret("s1", None));
            let mark = "7@2026-01-01T00:00:00Z".to_owned();
            object.metadata.annotations = Some([(JOIN_ANNOTATION.to_owned(), mark)].into());
            secret.metadata.resource_version = Some(version.to_owned());
            let found = members(&table(vec![object]), &table(vec![secret]));
            found.found[&ClusterName::new("beijing")].join.is_some()
        };
        assert!(!seen("6"));
        assert!(seen("7"));
    }

    #[test]
    fn an_object_that_is_being_deleted_is_leaving() {
        let mut leaving = object("beijing", "s1");
        leaving.metadata.deletion_timestamp = Some(Time(Timestamp::UNIX_EPOCH));
        let secrets = table(vec![secret("s1", Some("beijing"))]);
        let found = members(&table(vec![leaving]), &secrets);
        assert_eq!(words(&found), ["beijing Leaving https://beijing:6443"]);
    }
}
