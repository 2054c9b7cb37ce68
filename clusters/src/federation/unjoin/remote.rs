//! What a join, and then the federation, left in the member: removed, or listed with the commands that
//! remove it.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;

use super::Leftover;
use crate::failure::Failure;
use crate::federation::coredns::{self, CoreDnsError};
use crate::federation::enabled::EnabledKind;
use crate::federation::kinds::{FEDERATED, Kind};
use crate::federation::names::{
    CLUSTER_NAME_ANNOTATION, FEDERATION_LABEL, FEDERATION_NAME_ANNOTATION, HOST_UID_ANNOTATION,
    SYSTEM_NAMESPACE,
};
use crate::federation::steps::{Change, Party, Tell, Told, limited};

/// Until a member that does not answer is given up.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Whose things are removed.
#[derive(Clone, Debug)]
pub struct Leaver<'a> {
    pub cluster: &'a str,
    pub federation: &'a str,
    pub host_uid: &'a str,
    /// The member's context, for commands that are printed.
    pub context: &'a str,
    /// Kinds that are propagated beside those that always are.
    pub enabled: &'a [EnabledKind],
}

/// Removes fedns's account, its role and the namespace, as far as a join made them.
pub async fn remove_account(
    member: &Party,
    leaver: &Leaver<'_>,
    tell: Tell<'_>,
) -> Result<(), Failure> {
    let client = || member.client();
    let change = coredns::restore(member, leaver.federation).await;
    match change {
        Ok(Change::Absent) => {}
        Ok(change) => {
            tell(Told::Begun(format!("Configuring CoreDNS in {} as it was", member.words)));
            tell(Told::Done(change));
        }
        // Whoever may not read it has not changed it.
        Err(CoreDnsError::Request(Failure::Forbidden(_))) => {}
        Err(CoreDnsError::Request(failure)) => return Err(failure),
        Err(error) => tell(Told::Note(error.to_string())),
    }
    // The binding first: from then on the account may do nothing.
    remove_ours(member, &Api::<ClusterRoleBinding>::all(client()), leaver, tell).await?;
    remove_ours(member, &Api::<ClusterRole>::all(client()), leaver, tell).await?;
    let system = SYSTEM_NAMESPACE;
    remove_ours(member, &Api::<RoleBinding>::namespaced(client(), system), leaver, tell).await?;
    remove_ours(member, &Api::<Role>::namespaced(client(), system), leaver, tell).await?;
    remove_ours(member, &Api::<Secret>::namespaced(client(), system), leaver, tell).await?;
    remove_ours(member, &Api::<ServiceAccount>::namespaced(client(), system), leaver, tell).await?;
    let namespaces = Api::<Namespace>::all(client());
    let request = member.request::<Namespace>("get", system);
    let found = limited(&request, namespaces.get_metadata_opt(system)).await?;
    if found.is_some_and(|found| leaver.made(found.annotations())) {
        tell(Told::Begun(format!("Deleting namespace {system} in {}", member.words)));
        tell(Told::Done(member.delete(&namespaces, system).await?));
    }
    Ok(())
}

async fn remove_ours<K>(
    member: &Party,
    api: &Api<K>,
    leaver: &Leaver<'_>,
    tell: Tell<'_>,
) -> Result<(), Failure>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let request = format!("{}: list {}", member.words, K::plural(&()));
    let found = limited(&request, api.list_metadata(&ListParams::default())).await?;
    for object in found.items.iter().filter(|object| leaver.made(object.annotations())) {
        let name = object.name_any();
        let kind = K::kind(&()).to_lowercase();
        tell(Told::Begun(format!("Deleting {kind} {name} in {}", member.words)));
        tell(Told::Done(member.delete(api, &name).await?));
    }
    Ok(())
}

/// Removes the copies that the federation put into the member, what others refer to last.
pub async fn remove_copies(
    member: &Party,
    leaver: &Leaver<'_>,
    tell: Tell<'_>,
) -> Result<(), Failure> {
    let ours = ListParams::default().labels(&format!("{FEDERATION_LABEL}={}", leaver.federation));
    let enabled = leaver.enabled.iter().map(EnabledKind::resource);
    for resource in FEDERATED.iter().map(resource).chain(enabled).rev() {
        let all = Api::<DynamicObject>::all_with(member.client(), &resource);
        let request = format!("{}: list {}", member.words, resource.plural);
        let copies = match limited(&request, all.list_metadata(&ours)).await {
            // The member does not serve the kind: there are none.
            Err(Failure::NotFound(_)) => continue,
            copies => copies?.items,
        };
        for object in copies {
            let (name, namespace) = (object.name_any(), object.namespace());
            let api = match &namespace {
                None => all.clone(),
                Some(namespace) => Api::namespaced_with(member.client(), namespace, &resource),
            };
            let words = match namespace {
                None => name.clone(),
                Some(namespace) => format!("{namespace}/{name}"),
            };
            let word = resource.kind.to_lowercase();
            tell(Told::Begun(format!("Deleting {word} {words} in {}", member.words)));
            tell(Told::Done(member.delete_dynamic(&api, &name, &resource.plural).await?));
        }
    }
    Ok(())
}

fn resource(kind: &Kind) -> ApiResource {
    let named = GroupVersionKind::gvk(kind.group, kind.version, kind.kind);
    ApiResource::from_gvk_with_plural(&named, kind.plural)
}

/// What stays in a member that cannot be reached, or lets nothing be removed.
pub fn leftovers(leaver: &Leaver<'_>, with_copies: bool, why: &str) -> Vec<Leftover> {
    let Leaver { cluster, federation, context, .. } = leaver;
    let role = format!("federation-controller-manager:{federation}-{cluster}");
    let mut leftovers = vec![
        Leftover {
            what: format!("cluster role and binding {role}… in cluster {cluster}"),
            why: why.to_owned(),
            command: Some(format!(
                "kubectl --context={context} get clusterrolebinding,clusterrole -o name | grep -F '{role}' | \
                 xargs -r kubectl --context={context} delete"
            )),
        },
        Leftover {
            what: format!(
                "namespace {SYSTEM_NAMESPACE} in cluster {cluster}, with the account (not if the cluster is \
                 a host)"
            ),
            why: why.to_owned(),
            command: Some(format!(
                "kubectl --context={context} delete namespace {SYSTEM_NAMESPACE}"
            )),
        },
    ];
    if with_copies {
        let always = FEDERATED.iter().map(|kind| kind.plural.to_owned());
        let enabled = leaver.enabled.iter().map(EnabledKind::name);
        let plurals: Vec<String> = always.chain(enabled).rev().collect();
        leftovers.push(Leftover {
            what: format!("objects of federation {federation} in cluster {cluster}"),
            why: why.to_owned(),
            command: Some(format!(
                "kubectl --context={context} delete {} -A -l {FEDERATION_LABEL}={federation}",
                plurals.join(",")
            )),
        });
    }
    leftovers
}

// === impl Leaver ===

impl Leaver<'_> {
    /// True where the annotations are those of this member of this federation.
    fn made(&self, annotations: &BTreeMap<String, String>) -> bool {
        let is = |key: &str, value: &str| annotations.get(key).is_some_and(|it| it == value);
        is(CLUSTER_NAME_ANNOTATION, self.cluster)
            && is(FEDERATION_NAME_ANNOTATION, self.federation)
            && is(HOST_UID_ANNOTATION, self.host_uid)
    }
}
