//! Which kinds an API server serves, and which of them a person means.

use futures::future::join_all;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIResource, APIResourceList};

use super::steps::{Party, limited};
use crate::failure::Failure;

/// One kind as an API server tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServedKind {
    /// Empty for the core group.
    pub group: String,
    pub version: String,
    pub kind: String,
    pub plural: String,
    pub singular: String,
    pub short_names: Vec<String>,
    pub is_namespaced: bool,
    pub verbs: Vec<String>,
}

/// All that an API server serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Of each the version that is preferred, in the order in which the server tells them.
    pub kinds: Vec<ServedKind>,
    /// Groups that do not answer, each with the reason.
    pub silent: Vec<String>,
}

/// What a word of the command line means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning<'a> {
    One(&'a ServedKind),
    /// Several groups have it.
    Several(Vec<&'a ServedKind>),
    Unknown,
}

/// Asks for all groups.
///
/// # Errors
///
/// Why nothing is known.
pub async fn served(party: &Party) -> Result<Served, Failure> {
    let client = party.client();
    let request = format!("{}: list API groups", party.words);
    let core = limited(&request, client.list_core_api_versions()).await?;
    let groups = limited(&request, client.list_api_groups()).await?;
    let mut places: Vec<(String, String)> =
        core.versions.into_iter().map(|version| (String::new(), version)).collect();
    for group in groups.groups {
        let preferred = group.preferred_version.map(|it| it.version).unwrap_or_default();
        let mut versions: Vec<String> = group.versions.into_iter().map(|it| it.version).collect();
        versions.sort_by_key(|version| *version != preferred);
        places.extend(versions.into_iter().map(|version| (group.name.clone(), version)));
    }
    let answers = join_all(places.iter().map(|(group, version)| list(party, group, version))).await;
    let mut served = Served::default();
    for ((group, version), answer) in places.into_iter().zip(answers) {
        match answer {
            Ok(list) => served.take(&group, &version, list),
            Err(failure) => served.silent.push(failure.to_string()),
        }
    }
    Ok(served)
}

/// Whether one kind is served in one version.
///
/// # Errors
///
/// Why it is not known.
pub async fn is_served(
    party: &Party,
    group: &str,
    version: &str,
    plural: &str,
) -> Result<bool, Failure> {
    match list(party, group, version).await {
        Ok(list) => Ok(list.resources.iter().any(|resource| resource.name == plural)),
        Err(Failure::NotFound(_)) => Ok(false),
        Err(failure) => Err(failure),
    }
}

async fn list(party: &Party, group: &str, version: &str) -> Result<APIResourceList, Failure> {
    let client = party.client();
    match group {
        "" => {
            let request = format!("{}: list kinds of {version}", party.words);
            limited(&request, client.list_core_api_resources(version)).await
        }
        group => {
            let place = format!("{group}/{version}");
            let request = format!("{}: list kinds of {place}", party.words);
            limited(&request, client.list_api_group_resources(&place)).await
        }
    }
}

// === impl Served ===

impl Served {
    fn take(&mut self, group: &str, version: &str, list: APIResourceList) {
        for resource in list.resources {
            // `pods/log` and the like are parts of others.
            let is_known = self.find(group, &resource.name).is_some();
            if !is_known && !resource.name.contains('/') {
                self.kinds.push(ServedKind::new(group, version, resource));
            }
        }
    }

    pub fn find(&self, group: &str, plural: &str) -> Option<&ServedKind> {
        self.kinds.iter().find(|it| it.group == group && it.plural == plural)
    }

    /// As kubectl understands it: `networkpolicies`, `networkpolicy`, `netpol`, `NetworkPolicy`, each
    /// also with its group behind a dot. The core group goes before others.
    pub fn resolve(&self, word: &str) -> Meaning<'_> {
        let (name, group) = match word.split_once('.') {
            Some((name, group)) => (name, Some(group)),
            None => (word, None),
        };
        let name = name.to_ascii_lowercase();
        let named = self.kinds.iter().filter(|kind| kind.is_called(&name));
        let mut found: Vec<&ServedKind> =
            named.filter(|kind| group.is_none_or(|group| group == kind.group)).collect();
        if let Some(core) = found.iter().position(|kind| kind.group.is_empty()) {
            return Meaning::One(found.swap_remove(core));
        }
        match found.as_slice() {
            [] => Meaning::Unknown,
            [one] => Meaning::One(one),
            _ => Meaning::Several(found),
        }
    }
}

// === impl ServedKind ===

impl ServedKind {
    fn new(group: &str, version: &str, resource: APIResource) -> Self {
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: resource.kind,
            plural: resource.name,
            singular: resource.singular_name,
            short_names: resource.short_names.unwrap_or_default(),
            is_namespaced: resource.namespaced,
            verbs: resource.verbs,
        }
    }

    /// `PLURAL.GROUP`; of the core group the plural alone.
    pub fn name(&self) -> String {
        match self.group.as_str() {
            "" => self.plural.clone(),
            group => format!("{}.{group}", self.plural),
        }
    }

    /// `name` in lower case.
    fn is_called(&self, name: &str) -> bool {
        self.plural == name
            || self.singular == name
            || self.kind.eq_ignore_ascii_case(name)
            || self.short_names.iter().any(|short| short == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(group: &str, kind: &str, short: &str) -> ServedKind {
        let singular = kind.to_ascii_lowercase();
        ServedKind {
            group: group.to_owned(),
            version: "v1".to_owned(),
            kind: kind.to_owned(),
            plural: format!("{singular}s"),
            singular,
            short_names: vec![short.to_owned()],
            ..ServedKind::default()
        }
    }

    #[test]
    fn a_word_means_what_kubectl_means_by_it() {
        let kinds = vec![
            kind("metrics.example.com", "Pod", "mp"),
            kind("", "Pod", "po"),
            kind("example.com", "Widget", "wi"),
            kind("one.example.com", "Gadget", "ga"),
            kind("two.example.com", "Gadget", "ga"),
        ];
        let served = Served { kinds, silent: vec![] };
        let check = |word: &str, expect: &[&str]| {
            let names: Vec<String> = match served.resolve(word) {
                Meaning::One(kind) => vec![kind.name()],
                Meaning::Several(kinds) => kinds.iter().map(|kind| kind.name()).collect(),
                Meaning::Unknown => vec![],
            };
            assert_eq!(names, expect, "{word}");
        };
        for word in ["pods", "pod", "Pod", "po", "pods."] {
            check(word, &["pods"]);
        }
        check("pods.metrics.example.com", &["pods.metrics.example.com"]);
        for word in ["widgets", "Widget", "wi", "widgets.example.com", "wi.example.com"] {
            check(word, &["widgets.example.com"]);
        }
        check("gadgets", &["gadgets.one.example.com", "gadgets.two.example.com"]);
        check("gadgets.two.example.com", &["gadgets.two.example.com"]);
        check("widgets.other.com", &[]);
        check("", &[]);
    }
}
