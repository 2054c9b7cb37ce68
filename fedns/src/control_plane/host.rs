//! Objects applied to and read from an API server, whatever their kind.

use std::collections::BTreeMap;
use std::time::Duration;

use clusters::Failure;
use clusters::federation::names::FIELD_MANAGER;
use kube::api::{
    Api, ApiResource, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams,
};
use kube::core::PartialObjectMeta;
use kube::{Client, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// For one request.
const LIMIT: Duration = Duration::from_secs(10);

/// Kinds without a namespace, among those that a control plane is made of.
const WITHOUT_NAMESPACE: [&str; 6] = [
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "Namespace",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
];

/// An API server, and what people call it.
#[derive(Clone)]
pub struct Host {
    pub words: String,
    client: Client,
}

/// What an object became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Created,
    Changed,
    Unchanged,
}

// === impl Host ===

impl Host {
    pub fn new(words: impl Into<String>, client: Client) -> Self {
        Self { words: words.into(), client }
    }

    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Applies an object (server-side apply): what we wrote before and do not want now goes, and what
    /// others wrote in other fields stays.
    ///
    /// # Errors
    ///
    /// Why it does not stand as wanted.
    pub async fn apply(&self, wanted: &Value) -> Result<Change, Failure> {
        let name = wanted["metadata"]["name"].as_str().unwrap_or_default();
        let api = self.api(wanted);
        let words = format!("{}: apply {}", self.words, title(wanted));
        let before = limited(&words, api.get_opt(name)).await?;
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let after = limited(&words, api.patch(name, &params, &Patch::Apply(wanted))).await?;
        Ok(match before {
            None => Change::Created,
            Some(before) if says_the_same(&before, &after) => Change::Unchanged,
            Some(_) => Change::Changed,
        })
    }

    /// # Errors
    ///
    /// Why it is not known whether the object is there.
    pub async fn get<K>(&self, api: Api<K>, name: &str) -> Result<Option<K>, Failure>
    where
        K: kube::Resource<DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned,
    {
        let words = format!("{}: get {} {name}", self.words, K::plural(&()));
        limited(&words, api.get_opt(name)).await
    }

    /// All of a kind with these labels.
    ///
    /// # Errors
    ///
    /// Why they are not known.
    pub async fn list<K>(&self, api: Api<K>, labels: &str) -> Result<Vec<K>, Failure>
    where
        K: kube::Resource<DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned,
    {
        let words = format!("{}: list {}", self.words, K::plural(&()));
        let params = ListParams::default().labels(labels);
        Ok(limited(&words, api.list(&params)).await?.items)
    }

    /// All of a kind in a namespace, without what they hold.
    ///
    /// # Errors
    ///
    /// Why they are not known.
    pub async fn list_metadata(
        &self,
        resource: &ApiResource,
        namespace: &str,
    ) -> Result<Vec<PartialObjectMeta<DynamicObject>>, Failure> {
        let words = format!("{}: list {}", self.words, resource.plural);
        let api = Api::<DynamicObject>::namespaced_with(self.client(), namespace, resource);
        Ok(limited(&words, api.list_metadata(&ListParams::default())).await?.items)
    }

    /// Merges a patch (RFC 7396) into an object; false where it is not there.
    ///
    /// # Errors
    ///
    /// Why the object is not as wanted.
    pub async fn merge<K>(&self, api: Api<K>, name: &str, patch: &Value) -> Result<bool, Failure>
    where
        K: kube::Resource<DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned,
    {
        let words = format!("{}: patch {} {name}", self.words, K::plural(&()));
        let params = PatchParams::default();
        match limited(&words, api.patch_metadata(name, &params, &Patch::Merge(patch))).await {
            Ok(_) => Ok(true),
            Err(Failure::NotFound(_)) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Major and minor, as the API server tells.
    ///
    /// # Errors
    ///
    /// Why it is not known.
    pub async fn version(&self) -> Result<(u32, u32), Failure> {
        let words = format!("{}: get /version", self.words);
        let version = limited(&words, self.client.apiserver_version()).await?;
        let number = |text: &str| {
            let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().unwrap_or_default()
        };
        Ok((number(&version.major), number(&version.minor)))
    }

    fn api(&self, object: &Value) -> Api<DynamicObject> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
        let (group, version) = version.rsplit_once('/').unwrap_or(("", &version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind));
        match WITHOUT_NAMESPACE.contains(&kind.as_str()) {
            true => Api::all_with(self.client.clone(), &resource),
            false => {
                let namespace = text(&object["metadata"]["namespace"]);
                Api::namespaced_with(self.client.clone(), &namespace, &resource)
            }
        }
    }
}

/// Its version may be another one all the same: some kinds are written anew by every apply.
fn says_the_same(before: &DynamicObject, after: &DynamicObject) -> bool {
    let wanted = |object: &DynamicObject| {
        let mut data = object.data.clone();
        // What its controllers say of it is not ours.
        data.as_object_mut().and_then(|data| data.remove("status"));
        data
    };
    before.labels() == after.labels()
        && before.annotations() == after.annotations()
        && wanted(before) == wanted(after)
}

/// `Deployment apiserver`
pub fn title(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!("{} {}", text(&object["kind"]), text(&object["metadata"]["name"]))
}

/// The answer, or why there is none within [`LIMIT`].
async fn limited<T>(
    words: &str,
    answer: impl Future<Output = kube::Result<T>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(LIMIT, answer).await {
        Err(_) => Err(Failure::timed_out(words)),
        Ok(answer) => answer.map_err(|error| Failure::new(words, &error)),
    }
}

/// Objects by what became of them.
#[derive(Clone, Debug, Default)]
pub struct Changes(BTreeMap<String, Change>);

impl Changes {
    pub fn note(&mut self, object: &Value, change: Change) {
        self.0.insert(title(object), change);
    }

    pub fn of(&self, change: Change) -> Vec<&str> {
        self.0.iter().filter(|(_, it)| **it == change).map(|(title, _)| title.as_str()).collect()
    }
}
