//! Deletions that are owed to members that cannot be reached: in a ConfigMap of the host cluster for
//! each member, so that they are paid whoever writes then.

use std::collections::BTreeMap;

use clusters::federation::names::{CLUSTER_LABEL, FEDERATION_NAME_ANNOTATION, FIELD_MANAGER};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use model::ClusterName;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::decide::{Cascade, Owed};
use crate::endpoint::{Endpoint, Trouble};
use crate::key::Key;
use crate::kinds::Kinds;

/// The longest key that a ConfigMap takes.
const KEY_LENGTH_MAX: usize = 253;

/// All deletions that are owed to one member.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Debts(pub BTreeMap<Key, Owed>);

/// A debt as it stands in the ConfigMap.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    api_version: String,
    kind: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    namespace: String,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uid: Option<String>,
    cascade: String,
}

/// Where the debts of a member are kept.
#[derive(Clone)]
pub struct DebtBook {
    pub host: Endpoint,
    pub namespace: String,
    pub federation: String,
    pub cluster: ClusterName,
}

// === impl DebtBook ===

impl DebtBook {
    /// # Errors
    ///
    /// Why they cannot be read, which is not that there are none.
    pub async fn read(&self, kinds: &Kinds) -> Result<Debts, Trouble> {
        let (api, name) = (self.api().await?, self.name());
        let found = self.host.call(&self.request("get"), api.get_opt(&name)).await?;
        let data = found.and_then(|found| found.data).unwrap_or_default();
        let entries = data.into_iter().filter_map(|(key, text)| {
            let debt = debt(kinds, &text);
            if debt.is_none() {
                tracing::warn!(config_map = name, key, "a debt that cannot be read is left out");
            }
            debt
        });
        Ok(Debts(entries.collect()))
    }

    /// # Errors
    ///
    /// Why they are not known to be written.
    pub async fn write(&self, kinds: &Kinds, debts: &Debts) -> Result<(), Trouble> {
        let (api, name) = (self.api().await?, self.name());
        if debts.0.is_empty() {
            let parameters = DeleteParams::default();
            let call = api.delete(&name, &parameters);
            return match self.host.call(&self.request("delete"), call).await {
                Ok(_) | Err(Trouble::Missing(_)) => Ok(()),
                Err(trouble) => Err(trouble),
            };
        }
        let data: BTreeMap<String, String> =
            debts.0.iter().map(|(key, owed)| entry(kinds, key, owed)).collect();
        let patch = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": name,
                "labels": {CLUSTER_LABEL: self.cluster.as_str()},
                "annotations": {FEDERATION_NAME_ANNOTATION: self.federation},
            },
            "data": data,
        });
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        let patch = Patch::Apply(&patch);
        let call = api.patch(&name, &parameters, &patch);
        self.host.call(&self.request("patch"), call).await.map(drop)
    }

    async fn api(&self) -> Result<Api<ConfigMap>, Trouble> {
        let client = self.host.client().await.map_err(Trouble::Failed)?;
        Ok(Api::namespaced(client, &self.namespace))
    }

    fn name(&self) -> String {
        format!("fedns-debts-{}", self.cluster)
    }

    fn request(&self, verb: &str) -> String {
        format!("{verb} configmaps {}/{}", self.namespace, self.name())
    }
}

fn entry(kinds: &Kinds, key: &Key, owed: &Owed) -> (String, String) {
    let resource = &kinds.get(key.kind).resource;
    let entry = Entry {
        api_version: resource.api_version.clone(),
        kind: resource.kind.clone(),
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        uid: owed.uid.clone(),
        cascade: owed.cascade.word().to_owned(),
    };
    // An underscore is in no name of an object.
    let mut name = format!("{}.{}_{}_{}", resource.plural, resource.group, key.namespace, key.name);
    if name.len() > KEY_LENGTH_MAX {
        let digest = crate::compare::digest(&json!(name));
        name.truncate(KEY_LENGTH_MAX - 17);
        name = format!("{name}_{digest:016x}");
    }
    (name, json!(entry).to_string())
}

fn debt(kinds: &Kinds, text: &str) -> Option<(Key, Owed)> {
    let Entry { api_version, kind, namespace, name, uid, cascade } =
        serde_json::from_str(text).ok()?;
    let key = Key { kind: kinds.named(&api_version, &kind)?, namespace, name };
    Some((key, Owed { uid, cascade: Cascade::from_word(&cascade)? }))
}
