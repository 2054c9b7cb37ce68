//! What is in the control plane's namespace, and whose it is.

use std::collections::BTreeMap;

use clusters::Failure;
use clusters::federation::names::{CLUSTER_LABEL, FEDERATION_NAME_ANNOTATION, HOST_UID_ANNOTATION};
use kube::ResourceExt;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use kube::core::PartialObjectMeta;

use crate::control_plane::host::Host;
use crate::control_plane::manifests::APP_LABEL;

/// Group, version and kind of what people and programs put into a namespace, in the order in which ours goes:
/// what makes pods first, and accounts last. What has an owner goes with that.
const KINDS: [(&str, &str, &str); 17] = [
    ("apps", "v1", "Deployment"),
    ("apps", "v1", "StatefulSet"),
    ("apps", "v1", "DaemonSet"),
    ("apps", "v1", "ReplicaSet"),
    ("batch", "v1", "CronJob"),
    ("batch", "v1", "Job"),
    ("", "v1", "Pod"),
    ("", "v1", "Service"),
    ("networking.k8s.io", "v1", "Ingress"),
    ("policy", "v1", "PodDisruptionBudget"),
    ("", "v1", CLAIM),
    ("", "v1", "ConfigMap"),
    ("", "v1", "Secret"),
    ("coordination.k8s.io", "v1", "Lease"),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding"),
    ("rbac.authorization.k8s.io", "v1", "Role"),
    ("", "v1", "ServiceAccount"),
];
pub const CLAIM: &str = "PersistentVolumeClaim";
/// fedns's own names, of what it makes while it runs.
const OWN_PREFIX: &str = "fedns";
const TOKEN_ANNOTATION: &str = "kubernetes.io/service-account.name";

/// One object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub resource: ApiResource,
    pub name: String,
}

/// All of them, sorted by whose they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// In the order in which they go.
    pub ours: Vec<Item>,
    /// Somebody else put them there.
    pub others: Vec<Item>,
}

/// Whose an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// `fedns init`, `fedns join` or fedns made it.
    Ours,
    Others,
    /// It comes and goes by itself.
    Nobodys,
}

/// Looks at all of it.
///
/// # Errors
///
/// Why it is not known what is there.
pub async fn look(
    host: &Host,
    namespace: &str,
    federation: &str,
    host_uid: Option<&str>,
) -> Result<Contents, Failure> {
    let mut contents = Contents::default();
    for (group, version, kind) in KINDS {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        for object in host.list_metadata(&resource, namespace).await? {
            let item = Item { resource: resource.clone(), name: object.name_any() };
            match whose(kind, &object, federation, host_uid) {
                Whose::Ours => contents.ours.push(item),
                Whose::Others => contents.others.push(item),
                Whose::Nobodys => {}
            }
        }
    }
    Ok(contents)
}

fn whose(
    kind: &str,
    object: &PartialObjectMeta<DynamicObject>,
    federation: &str,
    host_uid: Option<&str>,
) -> Whose {
    let name = object.name_any();
    let is_clusters_own = match kind {
        "ConfigMap" => name == "kube-root-ca.crt",
        "ServiceAccount" => name == "default",
        _ => false,
    };
    if is_clusters_own || !object.owner_references().is_empty() {
        return Whose::Nobodys;
    }
    let annotation = |key: &str| object.annotations().get(key).map(String::as_str);
    let is_of_host = annotation(HOST_UID_ANNOTATION).is_none_or(|uid| Some(uid) == host_uid);
    let is_marked = annotation(FEDERATION_NAME_ANNOTATION) == Some(federation) && is_of_host;
    let is_inits = object.labels().get(APP_LABEL.0).is_some_and(|it| it == APP_LABEL.1);
    let is_members = kind == "Secret" && object.labels().contains_key(CLUSTER_LABEL);
    let is_runtimes = ["ConfigMap", "Lease"].contains(&kind)
        && (name == OWN_PREFIX || name.starts_with(&format!("{OWN_PREFIX}-")));
    if is_inits || is_marked || is_members || is_runtimes {
        return Whose::Ours;
    }
    match annotation(FEDERATION_NAME_ANNOTATION).is_none() && annotation(TOKEN_ANNOTATION).is_some()
    {
        true => Whose::Nobodys,
        false => Whose::Others,
    }
}

// === impl Contents ===

impl Contents {
    /// `3 secrets`, `deployment fedns`, …: each kind with what there is of it.
    pub fn ours_words(&self) -> Vec<String> {
        words(&self.ours)
    }

    pub fn others_words(&self) -> Vec<String> {
        words(&self.others)
    }
}

fn words(items: &[Item]) -> Vec<String> {
    let mut kinds: Vec<&str> = Vec::new();
    let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for Item { resource, name } in items {
        if !names.contains_key(resource.kind.as_str()) {
            kinds.push(&resource.kind);
        }
        names.entry(&resource.kind).or_default().push(name);
    }
    let line = |kind: &&str| format!("{kind} {}", names[kind].join(", "));
    kinds.iter().map(line).collect()
}

// === impl Item ===

impl Item {
    pub fn is_claim(&self) -> bool {
        self.resource.kind == CLAIM
    }
}

#[cfg(test)]
mod tests {
    use kube::core::ObjectMeta;

    use super::*;

    #[track_caller]
    fn check(kind: &str, name: &str, labels: &[(&str, &str)], notes: &[(&str, &str)], is: Whose) {
        let map = |pairs: &[(&str, &str)]| {
            Some(pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect())
        };
        let metadata = ObjectMeta {
            name: Some(name.into()),
            labels: map(labels),
            annotations: map(notes),
            ..ObjectMeta::default()
        };
        let object = PartialObjectMeta { types: None, metadata, _phantom: Default::default() };
        assert_eq!(whose(kind, &object, "fed", Some("u1")), is, "{kind} {name}");
    }

    #[test]
    fn what_init_join_and_fedns_made_is_ours() {
        check("Deployment", "fedns", &[APP_LABEL], &[], Whose::Ours);
        check("Secret", "beijing", &[(CLUSTER_LABEL, "beijing")], &[], Whose::Ours);
        let ours = [(FEDERATION_NAME_ANNOTATION, "fed"), (HOST_UID_ANNOTATION, "u1")];
        check("ServiceAccount", "hangzhou-hangzhou", &[], &ours, Whose::Ours);
        check("ConfigMap", "fedns-debts-beijing", &[], &[], Whose::Ours);
        check("Lease", "fedns", &[], &[], Whose::Ours);
    }

    #[test]
    fn what_others_put_there_is_theirs() {
        check("Deployment", "fedns", &[], &[], Whose::Others);
        check("ConfigMap", "notes", &[], &[], Whose::Others);
        for (federation, uid) in [("fed", "u2"), ("other", "u1")] {
            let notes = [(FEDERATION_NAME_ANNOTATION, federation), (HOST_UID_ANNOTATION, uid)];
            check("ServiceAccount", "hangzhou-far", &[], &notes, Whose::Others);
            let token = [notes[0], notes[1], (TOKEN_ANNOTATION, "hangzhou-far")];
            check("Secret", "hangzhou-far-token", &[], &token, Whose::Others);
        }
    }

    #[test]
    fn what_the_cluster_itself_makes_is_nobodys() {
        check("ConfigMap", "kube-root-ca.crt", &[], &[], Whose::Nobodys);
        check("ServiceAccount", "default", &[], &[], Whose::Nobodys);
        check("Secret", "default-token", &[], &[(TOKEN_ANNOTATION, "default")], Whose::Nobodys);
    }
}
