//! Copies in members whose object is not in the federation, though nobody deleted it there: its etcd was
//! lost, or set back.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ApiResource, DeleteParams, ListParams, Preconditions};
use kube::core::{DynamicObject, GroupVersionKind};
use kube::{Api, ResourceExt};
use serde::Deserialize;

use super::enabled::EnabledKind;
use super::kinds::{FEDERATED, Kind};
use super::names::{CLUSTER_LABEL, DEBTS_PREFIX, FEDERATION_LABEL};
use super::steps::{Change, Party, limited};
use crate::failure::Failure;

/// The copies of one name.
#[derive(Clone, Debug)]
pub struct Orphan {
    pub resource: ApiResource,
    /// Empty for objects without a namespace.
    pub namespace: String,
    pub name: String,
    /// By cluster.
    pub copies: BTreeMap<String, DynamicObject>,
}

/// Of which federation, and where its members are.
pub struct Search<'a> {
    pub federation: &'a Party,
    pub host: &'a Party,
    /// Of the control plane in the host.
    pub namespace: &'a str,
    /// The federation's label.
    pub label: &'a str,
    /// Kinds beside those that are always propagated.
    pub enabled: &'a [EnabledKind],
    pub members: BTreeMap<String, Party>,
}

/// Namespace and name.
type Place = (String, String);

/// A deletion that is owed to a member, as far as it says of which object.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Debt {
    api_version: String,
    kind: String,
    #[serde(default)]
    namespace: String,
    name: String,
}

/// `(cluster, apiVersion, kind, place)`.
type Owed = BTreeSet<(String, String, String, Place)>;

// === impl Search ===

impl Search<'_> {
    /// What others refer to comes first. What waits to be deleted in a member is no orphan.
    ///
    /// # Errors
    ///
    /// Why they are not all known.
    pub async fn find(&self) -> Result<Vec<Orphan>, Failure> {
        let owed = self.owed().await?;
        let always = FEDERATED.iter().map(resource);
        let enabled = self.enabled.iter().filter(|kind| !kind.is_leaving);
        // Definitions stand before the objects that they define.
        let (definitions, others): (Vec<_>, Vec<_>) =
            enabled.partition(|kind| kind.is_of_definitions());
        let all = always.chain(definitions.into_iter().chain(others).map(EnabledKind::resource));
        let mut orphans = Vec::new();
        for resource in all {
            orphans.extend(self.of_kind(&resource, &owed).await?);
        }
        Ok(orphans)
    }

    async fn of_kind(&self, resource: &ApiResource, owed: &Owed) -> Result<Vec<Orphan>, Failure> {
        let known = self.known(resource).await?;
        let copies = self.members.iter().map(async |(name, party)| {
            copies(party, resource, self.label).await.map(|copies| (name, copies))
        });
        let mut found: BTreeMap<Place, BTreeMap<String, DynamicObject>> = BTreeMap::new();
        for (cluster, copies) in try_join_all(copies).await? {
            for copy in copies {
                let place = place(copy.namespace(), copy.name_any());
                let debt = (
                    cluster.clone(),
                    resource.api_version.clone(),
                    resource.kind.clone(),
                    place.clone(),
                );
                let is_going = copy.metadata.deletion_timestamp.is_some();
                if !known.contains(&place) && !is_going && !owed.contains(&debt) {
                    found.entry(place).or_default().insert(cluster.clone(), copy);
                }
            }
        }
        let orphan = |((namespace, name), copies)| Orphan {
            resource: resource.clone(),
            namespace,
            name,
            copies,
        };
        Ok(found.into_iter().map(orphan).collect())
    }

    /// What stands in the federation.
    async fn known(&self, resource: &ApiResource) -> Result<BTreeSet<Place>, Failure> {
        let api = Api::<DynamicObject>::all_with(self.federation.client(), resource);
        let request = format!("{}: list {}", self.federation.words, resource.plural);
        match limited(&request, api.list_metadata(&ListParams::default())).await {
            // Its definition was lost, too.
            Err(Failure::NotFound(_)) => Ok(BTreeSet::new()),
            found => {
                let places = found?.items.into_iter();
                Ok(places.map(|object| place(object.namespace(), object.name_any())).collect())
            }
        }
    }

    async fn owed(&self) -> Result<Owed, Failure> {
        let api = Api::<ConfigMap>::namespaced(self.host.client(), self.namespace);
        let request = format!("{}: list configmaps", self.host.words);
        let labelled = ListParams::default().labels(CLUSTER_LABEL);
        let mut owed = Owed::new();
        for map in limited(&request, api.list(&labelled)).await?.items {
            let cluster = map.labels().get(CLUSTER_LABEL).cloned().unwrap_or_default();
            if !map.name_any().starts_with(DEBTS_PREFIX) {
                continue;
            }
            let entries = map.data.unwrap_or_default();
            owed.extend(entries.values().filter_map(|text| {
                let debt: Debt = serde_json::from_str(text).ok()?;
                let place = (debt.namespace, debt.name);
                Some((cluster.clone(), debt.api_version, debt.kind, place))
            }));
        }
        Ok(owed)
    }
}

/// Copies of ours in a member; none where it does not know the kind.
async fn copies(
    member: &Party,
    resource: &ApiResource,
    label: &str,
) -> Result<Vec<DynamicObject>, Failure> {
    let api = Api::<DynamicObject>::all_with(member.client(), resource);
    let request = format!("{}: list {}", member.words, resource.plural);
    let ours = ListParams::default().labels(&format!("{FEDERATION_LABEL}={label}"));
    match limited(&request, api.list(&ours)).await {
        Err(Failure::NotFound(_)) => Ok(Vec::new()),
        found => Ok(found?.items),
    }
}

fn resource(kind: &Kind) -> ApiResource {
    let named = GroupVersionKind::gvk(kind.group, kind.version, kind.kind);
    ApiResource::from_gvk_with_plural(&named, kind.plural)
}

fn place(namespace: Option<String>, name: String) -> Place {
    (namespace.unwrap_or_default(), name)
}

// === impl Orphan ===

impl Orphan {
    /// `Deployment "default/web"`.
    pub fn words(&self) -> String {
        let Self { resource, namespace, name, .. } = self;
        match namespace.as_str() {
            "" => format!("{} {name:?}", resource.kind),
            namespace => format!("{} \"{namespace}/{name}\"", resource.kind),
        }
    }

    /// Where an API server has objects of its place.
    pub fn api(&self, party: &Party) -> Api<DynamicObject> {
        match self.namespace.as_str() {
            "" => Api::all_with(party.client(), &self.resource),
            namespace => Api::namespaced_with(party.client(), namespace, &self.resource),
        }
    }

    /// Whether the federation has an object of this name by now.
    ///
    /// # Errors
    ///
    /// Why it is not known.
    pub async fn is_known(&self, federation: &Party) -> Result<bool, Failure> {
        let request = format!("{}: get {}", federation.words, self.resource.plural);
        match limited(&request, self.api(federation).get_metadata_opt(&self.name)).await {
            Err(Failure::NotFound(_)) => Ok(false),
            found => Ok(found?.is_some()),
        }
    }

    /// Deletes the copy of a member, and nothing that came after it.
    ///
    /// # Errors
    ///
    /// Why it may be there still.
    pub async fn delete(&self, cluster: &str, member: &Party) -> Result<Change, Failure> {
        let Some(copy) = self.copies.get(cluster) else { return Ok(Change::Absent) };
        let preconditions = Preconditions { uid: copy.uid(), resource_version: None };
        let parameters =
            DeleteParams { preconditions: Some(preconditions), ..DeleteParams::background() };
        let request = format!("{}: delete {}", member.words, self.words());
        match limited(&request, self.api(member).delete(&self.name, &parameters)).await {
            Ok(_) => Ok(Change::Removed),
            Err(Failure::NotFound(_)) => Ok(Change::Absent),
            Err(failure) => Err(failure),
        }
    }
}
