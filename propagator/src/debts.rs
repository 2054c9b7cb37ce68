//! Deletions that are owed to members that cannot be reached: in a ConfigMap of the host cluster for
//! each member, so that they are paid whoever writes then. What is too much for one ConfigMap stands in
//! sixteen, each debt always in the same.

use std::collections::BTreeMap;

use clusters::federation::names::{
    CLUSTER_LABEL, DEBTS_PREFIX, FEDERATION_NAME_ANNOTATION, FIELD_MANAGER,
};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use model::ClusterName;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::decide::{Cascade, Owed};
use crate::endpoint::{Endpoint, Trouble};
use crate::key::Key;
use crate::kinds::Kinds;

/// The longest key that a ConfigMap takes.
const KEY_LENGTH_MAX: usize = 253;

/// So many bytes stand in one ConfigMap; an API server takes a little more than a million.
const ONE_PAGE_MAX: usize = 600_000;
const PAGES: u32 = 16;

/// All deletions that are owed to one member.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Debts {
    pub owed: BTreeMap<Key, Owed>,
    /// Entries of kinds that are not known: they are kept as they are.
    pub unread: BTreeMap<String, String>,
}

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

/// The data of each ConfigMap, by what is appended to the name.
type Pages = BTreeMap<String, BTreeMap<String, String>>;

// === impl DebtBook ===

impl DebtBook {
    /// # Errors
    ///
    /// Why they cannot be read, which is not that there are none.
    pub async fn read(&self, kinds: &Kinds) -> Result<Debts, Trouble> {
        let api = self.api().await?;
        let parameters = ListParams::default().labels(&format!("{CLUSTER_LABEL}={}", self.cluster));
        let request = format!("list configmaps {}", self.namespace);
        let listed = self.host.call(&request, api.list(&parameters)).await?;
        let mut debts = Debts::default();
        let pages = listed.items.into_iter().filter(|map| self.is_page(map));
        for (name, text) in pages.flat_map(|map| map.data.unwrap_or_default()) {
            match debt(kinds, &text) {
                Some((key, owed)) => drop(debts.owed.insert(key, owed)),
                None => drop(debts.unread.insert(name, text)),
            }
        }
        Ok(debts)
    }

    /// Writes what differs from what was `saved` before; what a ConfigMap loses stands in another by
    /// then, or is owed no more.
    ///
    /// # Errors
    ///
    /// Why they are not known to be written.
    pub async fn write(&self, kinds: &Kinds, debts: &Debts, saved: &Debts) -> Result<(), Trouble> {
        let (wanted, before) = (pages(kinds, debts), pages(kinds, saved));
        for (suffix, data) in &wanted {
            if before.get(suffix) != Some(data) {
                self.apply(suffix, data).await?;
            }
        }
        for suffix in before.keys().filter(|suffix| !wanted.contains_key(*suffix)) {
            self.delete(suffix).await?;
        }
        Ok(())
    }

    async fn apply(&self, suffix: &str, data: &BTreeMap<String, String>) -> Result<(), Trouble> {
        let (api, name) = (self.api().await?, self.name(suffix));
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
        self.host.call(&self.request("patch", suffix), call).await.map(drop)
    }

    async fn delete(&self, suffix: &str) -> Result<(), Trouble> {
        let (api, name) = (self.api().await?, self.name(suffix));
        let parameters = DeleteParams::default();
        let call = api.delete(&name, &parameters);
        match self.host.call(&self.request("delete", suffix), call).await {
            Ok(_) | Err(Trouble::Missing(_)) => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }

    fn is_page(&self, map: &ConfigMap) -> bool {
        let name = map.metadata.name.as_deref().unwrap_or_default();
        let suffix = name.strip_prefix(&self.name(""));
        // No name of a cluster has a dot.
        suffix.is_some_and(|suffix| suffix.is_empty() || suffix.starts_with('.'))
    }

    async fn api(&self) -> Result<Api<ConfigMap>, Trouble> {
        let client = self.host.client().await.map_err(Trouble::Failed)?;
        Ok(Api::namespaced(client, &self.namespace))
    }

    fn name(&self, suffix: &str) -> String {
        format!("{DEBTS_PREFIX}{}{suffix}", self.cluster)
    }

    fn request(&self, verb: &str, suffix: &str) -> String {
        format!("{verb} configmaps {}/{}", self.namespace, self.name(suffix))
    }
}

fn pages(kinds: &Kinds, debts: &Debts) -> Pages {
    let mut entries = debts.unread.clone();
    entries.extend(debts.owed.iter().map(|(key, owed)| entry(kinds, key, owed)));
    let size: usize = entries.iter().map(|(name, text)| name.len() + text.len()).sum();
    let mut pages = Pages::new();
    for (name, text) in entries {
        let suffix =
            if size > ONE_PAGE_MAX { format!(".{:x}", page(&name)) } else { String::new() };
        pages.entry(suffix).or_default().insert(name, text);
    }
    pages
}

/// Where a debt stands, for ever (FNV-1a).
fn page(name: &str) -> u32 {
    let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
    name.bytes().fold(2_166_136_261, mix) % PAGES
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

#[cfg(test)]
mod tests {
    use super::*;

    fn debts(count: usize) -> Debts {
        let kinds = Kinds::default();
        let kind = kinds.named("v1", "ConfigMap").unwrap();
        let key = |number| Key { kind, namespace: "shop".into(), name: format!("map-{number}") };
        let owed = Owed { uid: Some("u".into()), cascade: Cascade::Background };
        let unread = BTreeMap::from([("widgets.example.com_shop_a".into(), "{}".into())]);
        Debts { owed: (0..count).map(|number| (key(number), owed.clone())).collect(), unread }
    }

    #[test]
    fn few_debts_stand_in_one_config_map_and_many_in_several() {
        let kinds = Kinds::default();
        let few = pages(&kinds, &debts(10));
        assert_eq!(few.keys().collect::<Vec<_>>(), [""]);
        assert_eq!(few[""].len(), 11, "what is not understood is kept");
        let many = pages(&kinds, &debts(20_000));
        assert_eq!(many.len(), PAGES as usize);
        assert_eq!(many.values().map(BTreeMap::len).sum::<usize>(), 20_001);
        let size = |data: &BTreeMap<String, String>| -> usize {
            data.iter().map(|(name, text)| name.len() + text.len()).sum()
        };
        assert!(many.values().all(|data| size(data) < 1_000_000));
        let more = pages(&kinds, &debts(20_001));
        let changed = more.iter().filter(|(suffix, data)| many.get(*suffix) != Some(data));
        assert_eq!(changed.count(), 1, "one debt more is one write");
    }
}
