//! Kinds that are propagated beside those that always are: how they stand in the host cluster.
//!
//! - [`grant`]: what fedns's account in a member, and fedns in the federation, may do for them
//! - [`policies`]: what people are told in the federation about all other kinds
//!
//! One ConfigMap holds an entry for each. It stands in the host, as debts and members' Secrets do, so
//! that a federation whose etcd was lost still knows them.

pub mod grant;
pub mod policies;

use std::collections::BTreeMap;

use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{ApiResource, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube_runtime::watcher::{self, Event};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::followed::followed;
use super::names::{FIELD_MANAGER, KINDS_CONFIG_MAP};
use super::steps::{Change, Party, limited};
use crate::definition::Access;
use crate::failure::Failure;

/// The kind whose objects make others: it comes before all.
const DEFINITIONS: (&str, &str) = ("apiextensions.k8s.io", "customresourcedefinitions");

/// A kind that `fedns enable` added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnabledKind {
    /// Empty for the core group.
    pub group: String,
    pub version: String,
    pub kind: String,
    /// As in URLs and in roles.
    pub plural: String,
    pub is_namespaced: bool,
    /// It is being disabled: its objects are let go, its copies stay.
    pub is_leaving: bool,
}

/// An entry as it stands in the ConfigMap, under `PLURAL.GROUP`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    api_version: String,
    kind: String,
    namespaced: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    leaving: bool,
}

// === impl EnabledKind ===

impl EnabledKind {
    /// `PLURAL.GROUP`; of the core group the plural alone.
    pub fn name(&self) -> String {
        match self.group.as_str() {
            "" => self.plural.clone(),
            group => format!("{}.{group}", self.plural),
        }
    }

    pub fn resource(&self) -> ApiResource {
        let named = GroupVersionKind::gvk(&self.group, &self.version, &self.kind);
        ApiResource::from_gvk_with_plural(&named, &self.plural)
    }

    /// Its objects are definitions of further kinds.
    pub fn is_of_definitions(&self) -> bool {
        (self.group.as_str(), self.plural.as_str()) == DEFINITIONS
    }

    fn text(&self) -> String {
        let entry = Entry {
            api_version: self.resource().api_version,
            kind: self.kind.clone(),
            namespaced: self.is_namespaced,
            leaving: self.is_leaving,
        };
        json!(entry).to_string()
    }

    fn read(name: &str, text: &str) -> Option<Self> {
        let entry: Entry = serde_json::from_str(text).ok()?;
        let (plural, group) = name.split_once('.').unwrap_or((name, ""));
        let (of_version, version) =
            entry.api_version.split_once('/').unwrap_or(("", &entry.api_version));
        (of_version == group && !plural.is_empty() && !version.is_empty()).then(|| Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: entry.kind.clone(),
            plural: plural.to_owned(),
            is_namespaced: entry.namespaced,
            is_leaving: entry.leaving,
        })
    }
}

/// Those of a ConfigMap's data, definitions first, else by name. What cannot be read is left out, and
/// told in the log.
pub fn read(data: &BTreeMap<String, String>) -> Vec<EnabledKind> {
    let mut kinds: Vec<EnabledKind> = Vec::new();
    for (name, text) in data {
        match EnabledKind::read(name, text) {
            Some(kind) => kinds.push(kind),
            None => tracing::warn!(name, "an enabled kind that cannot be read is left out"),
        }
    }
    kinds.sort_by_key(|kind| !kind.is_of_definitions());
    kinds
}

/// As they stand in the host.
///
/// # Errors
///
/// Why they are not known.
pub async fn get(host: &Party, namespace: &str) -> Result<Vec<EnabledKind>, Failure> {
    let request = host.request::<ConfigMap>("get", KINDS_CONFIG_MAP);
    let found = limited(&request, config_maps(host, namespace).get_opt(KINDS_CONFIG_MAP)).await?;
    Ok(read(&found.and_then(|found| found.data).unwrap_or_default()))
}

/// Writes the entry of one kind; others stay as they are.
///
/// # Errors
///
/// Why it does not stand as wanted.
pub async fn put(host: &Party, namespace: &str, kind: &EnabledKind) -> Result<Change, Failure> {
    change(host, namespace, &kind.name(), Value::String(kind.text())).await
}

/// Takes the entry of one kind out.
///
/// # Errors
///
/// Why it may stand there still.
pub async fn remove(host: &Party, namespace: &str, kind: &EnabledKind) -> Result<Change, Failure> {
    change(host, namespace, &kind.name(), Value::Null).await
}

/// One key is changed, without regard to what others write at the same time.
async fn change(
    host: &Party,
    namespace: &str,
    name: &str,
    value: Value,
) -> Result<Change, Failure> {
    let api = config_maps(host, namespace);
    let request = host.request::<ConfigMap>("get", KINDS_CONFIG_MAP);
    let before = limited(&request, api.get_opt(KINDS_CONFIG_MAP)).await?;
    let standing = before.as_ref().and_then(|before| before.data.as_ref()?.get(name));
    if standing.map(String::as_str) == value.as_str() {
        return Ok(Change::Unchanged);
    }
    if before.is_none() {
        // Nothing is in it that another's write could lose: both applies make it.
        let empty = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": KINDS_CONFIG_MAP, "namespace": namespace}});
        let request = host.request::<ConfigMap>("apply", KINDS_CONFIG_MAP);
        let params = PatchParams::apply(FIELD_MANAGER);
        limited(&request, api.patch(KINDS_CONFIG_MAP, &params, &Patch::Apply(empty))).await?;
    }
    let patch = Patch::Merge(json!({"data": {name: value}}));
    let request = host.request::<ConfigMap>("patch", KINDS_CONFIG_MAP);
    limited(&request, api.patch(KINDS_CONFIG_MAP, &PatchParams::default(), &patch)).await?;
    Ok(match (standing, value.is_null()) {
        (None, _) => Change::Created,
        (Some(_), true) => Change::Removed,
        (Some(_), false) => Change::Changed,
    })
}

fn config_maps(host: &Party, namespace: &str) -> Api<ConfigMap> {
    Api::namespaced(host.client(), namespace)
}

/// Tells of them as they change, until nobody watches any more. As long as they cannot be read, what
/// was told last stands.
pub async fn follow(host: Access, namespace: String, sender: watch::Sender<Vec<EnabledKind>>) {
    let config = watcher::Config::default().fields(&format!("metadata.name={KINDS_CONFIG_MAP}"));
    let told =
        followed::<ConfigMap>(host, config, move |client| Api::namespaced(client, &namespace));
    let mut told = std::pin::pin!(told);
    let mut listed = None;
    loop {
        let event = tokio::select! {
            Some(told) = told.next() => told,
            () = sender.closed() => return,
        };
        let now = match event {
            Ok(Event::Init) => {
                listed = None;
                continue;
            }
            Ok(Event::InitApply(object)) => {
                listed = Some(object);
                continue;
            }
            Ok(Event::InitDone) => listed.take(),
            Ok(Event::Apply(object)) => Some(object),
            Ok(Event::Delete(_)) => None,
            Err(line) => {
                tracing::debug!(line, "the enabled kinds cannot be read now");
                continue;
            }
        };
        let now = read(&now.and_then(|object| object.data).unwrap_or_default());
        sender.send_if_modified(|before| {
            let is_new = *before != now;
            *before = now;
            is_new
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widgets() -> EnabledKind {
        EnabledKind {
            group: "example.com".into(),
            version: "v1".into(),
            kind: "Widget".into(),
            plural: "widgets".into(),
            is_namespaced: true,
            is_leaving: false,
        }
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let quotas = EnabledKind {
            group: String::new(),
            kind: "ResourceQuota".into(),
            plural: "resourcequotas".into(),
            is_leaving: true,
            ..widgets()
        };
        let definitions = EnabledKind {
            group: "apiextensions.k8s.io".into(),
            kind: "CustomResourceDefinition".into(),
            plural: "customresourcedefinitions".into(),
            is_namespaced: false,
            ..widgets()
        };
        for kind in [&widgets(), &quotas, &definitions] {
            assert_eq!(EnabledKind::read(&kind.name(), &kind.text()).as_ref(), Some(kind));
        }
        assert_eq!(
            (widgets().name(), quotas.name()),
            ("widgets.example.com".into(), "resourcequotas".into())
        );
        let all = [widgets(), quotas, definitions];
        let data = all.iter().map(|kind| (kind.name(), kind.text())).collect();
        let names: Vec<String> = read(&data).iter().map(EnabledKind::name).collect();
        let expect = [
            "customresourcedefinitions.apiextensions.k8s.io",
            "resourcequotas",
            "widgets.example.com",
        ];
        assert_eq!(names, expect);
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let check = |name: &str, text: &str| {
            let data = BTreeMap::from([(name.to_owned(), text.to_owned())]);
            assert_eq!(read(&data), [], "{name}: {text}");
        };
        check("widgets.example.com", "");
        check(
            "widgets.example.com",
            r#"{"apiVersion": "other.com/v1", "kind": "W", "namespaced": true}"#,
        );
        check("", r#"{"apiVersion": "v1", "kind": "W", "namespaced": true}"#);
    }
}
