//! What a join, and then the federation, left in the member: removed, or listed with the commands that
//! remove it.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use kube::core::PartialObjectMeta;
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
    /// The member's name in the federation; `None`: whatever it was.
    pub cluster: Option<&'a str>,
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
    if has_namespace(member, leaver).await? {
        let namespaces = Api::<Namespace>::all(client());
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
    for name in list_ours(member, api, leaver).await? {
        let kind = K::kind(&()).to_lowercase();
        tell(Told::Begun(format!("Deleting {kind} {name} in {}", member.words)));
        tell(Told::Done(member.delete(api, &name).await?));
    }
    Ok(())
}

/// The names of what a join made for this member.
pub(super) async fn list_ours<K>(
    member: &Party,
    api: &Api<K>,
    leaver: &Leaver<'_>,
) -> Result<Vec<String>, Failure>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let request = format!("{}: list {}", member.words, K::plural(&()));
    let found = limited(&request, api.list_metadata(&ListParams::default())).await?;
    let ours = found.items.iter().filter(|object| leaver.made(object.annotations()));
    Ok(ours.map(ResourceExt::name_any).collect())
}

/// True where a join made the namespace of the account.
pub(super) async fn has_namespace(member: &Party, leaver: &Leaver<'_>) -> Result<bool, Failure> {
    let request = member.request::<Namespace>("get", SYSTEM_NAMESPACE);
    let api = Api::<Namespace>::all(member.client());
    let found = limited(&request, api.get_metadata_opt(SYSTEM_NAMESPACE)).await?;
    Ok(found.is_some_and(|found| leaver.made(found.annotations())))
}

/// Removes the copies that the federation put into the member, what others refer to last.
pub async fn remove_copies(
    member: &Party,
    leaver: &Leaver<'_>,
    tell: Tell<'_>,
) -> Result<(), Failure> {
    for resource in copied(leaver).iter().rev() {
        for (namespace, name) in list_copies(member, leaver, resource).await? {
            let api = match &namespace {
                None => Api::<DynamicObject>::all_with(member.client(), resource),
                Some(namespace) => Api::namespaced_with(member.client(), namespace, resource),
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

/// Every kind that there may be copies of, what others refer to first.
pub(super) fn copied(leaver: &Leaver<'_>) -> Vec<ApiResource> {
    let enabled = leaver.enabled.iter().map(EnabledKind::resource);
    FEDERATED.iter().map(resource).chain(enabled).collect()
}

/// Namespace and name of each of the federation's copies.
pub(super) async fn list_copies(
    member: &Party,
    leaver: &Leaver<'_>,
    resource: &ApiResource,
) -> Result<Vec<(Option<String>, String)>, Failure> {
    let ours = ListParams::default().labels(&format!("{FEDERATION_LABEL}={}", leaver.federation));
    let all = Api::<DynamicObject>::all_with(member.client(), resource);
    let request = format!("{}: list {}", member.words, resource.plural);
    match limited(&request, all.list_metadata(&ours)).await {
        Ok(found) => {
            let place = |object: &PartialObjectMeta<_>| (object.namespace(), object.name_any());
            Ok(found.items.iter().map(place).collect())
        }
        // The member does not serve the kind: there are none.
        Err(Failure::NotFound(_)) => Ok(Vec::new()),
        Err(failure) => Err(failure),
    }
}

fn resource(kind: &Kind) -> ApiResource {
    let named = GroupVersionKind::gvk(kind.group, kind.version, kind.kind);
    ApiResource::from_gvk_with_plural(&named, kind.plural)
}

/// What stays in a member that cannot be reached, or lets nothing be removed.
pub fn leftovers(leaver: &Leaver<'_>, with_copies: bool, why: &str) -> Vec<Leftover> {
    let Leaver { federation, context, .. } = leaver;
    let role =
        format!("federation-controller-manager:{federation}-{}", leaver.cluster.unwrap_or(""));
    let cluster = leaver.cluster.unwrap_or(context);
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
        server_block_leftover(leaver, why),
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

/// The block in a Corefile that could not be taken out.
pub fn server_block_leftover(leaver: &Leaver<'_>, why: &str) -> Leftover {
    let Leaver { federation, context, .. } = leaver;
    let cluster = leaver.cluster.unwrap_or(context);
    Leftover {
        what: format!(
            "the block of federation {federation} in the Corefile of cluster {cluster}, if it has one"
        ),
        why: why.to_owned(),
        command: Some(format!(
            "kubectl --context={context} -n kube-system get configmap coredns -o yaml | \
             sed '/# BEGIN fedns {federation}$/,/# END fedns {federation}$/d' | \
             kubectl --context={context} replace -f -"
        )),
    }
}

// === impl Leaver ===

impl Leaver<'_> {
    /// True where the annotations are those of this member of this federation.
    fn made(&self, annotations: &BTreeMap<String, String>) -> bool {
        let is = |key: &str, value: &str| annotations.get(key).is_some_and(|it| it == value);
        self.cluster.is_none_or(|cluster| is(CLUSTER_NAME_ANNOTATION, cluster))
            && annotations.contains_key(CLUSTER_NAME_ANNOTATION)
            && is(FEDERATION_NAME_ANNOTATION, self.federation)
            && is(HOST_UID_ANNOTATION, self.host_uid)
    }
}
