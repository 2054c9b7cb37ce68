//! Which orphans are meant.

use ::clap::Args;
use clusters::federation::orphans::Orphan;

use crate::cli::Failure;

#[derive(Debug, Default, Args)]
pub struct Selection {
    /// Only these: KIND/NAME, where KIND is a plural, a singular, or PLURAL.GROUP
    #[arg(value_name = "KIND/NAME")]
    pub objects: Vec<String>,
    /// Only in this namespace
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
}

// === impl Selection ===

impl Selection {
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.namespace.is_none()
    }

    /// Those that are meant, in their order; a name that no orphan has is an error.
    pub fn of(&self, orphans: Vec<Orphan>) -> Result<Vec<Orphan>, Failure> {
        let Self { objects, namespace } = self;
        let is_in = |orphan: &Orphan| {
            // Objects without a namespace are named, or not meant.
            let is_free = orphan.namespace.is_empty() && !objects.is_empty();
            namespace.as_ref().is_none_or(|it| *it == orphan.namespace || is_free)
        };
        let orphans: Vec<Orphan> = orphans.into_iter().filter(is_in).collect();
        let names = |text: &str, orphan: &Orphan| {
            text.split_once('/').is_some_and(|(kind, name)| {
                orphan.name == name && is_called(orphan, &kind.to_ascii_lowercase())
            })
        };
        let absent = objects.iter().filter(|text| !orphans.iter().any(|it| names(text, it)));
        let lines: Vec<String> = absent
            .map(|text| match text.contains('/') {
                true => format!("{text}: no orphan is called so"),
                false => format!("{text}: an orphan is named KIND/NAME, like deployments/nginx"),
            })
            .collect();
        if !lines.is_empty() {
            return Err(Failure { lines });
        }
        let is_meant =
            |orphan: &Orphan| objects.is_empty() || objects.iter().any(|it| names(it, orphan));
        Ok(orphans.into_iter().filter(is_meant).collect())
    }
}

fn is_called(orphan: &Orphan, kind: &str) -> bool {
    let resource = &orphan.resource;
    let full = format!("{}.{}", resource.plural, resource.group);
    resource.plural == kind || resource.kind.to_ascii_lowercase() == kind || full == kind
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kube::api::ApiResource;
    use kube::core::GroupVersionKind;

    use super::*;

    fn orphan(group: &str, kind: &str, namespace: &str, name: &str) -> Orphan {
        let plural = format!("{}s", kind.to_ascii_lowercase());
        let named = GroupVersionKind::gvk(group, "v1", kind);
        let resource = ApiResource::from_gvk_with_plural(&named, &plural);
        let copies = BTreeMap::new();
        Orphan { resource, namespace: namespace.into(), name: name.into(), copies }
    }

    #[track_caller]
    fn check(objects: &[&str], namespace: Option<&str>, expect: Result<&[&str], &str>) {
        let orphans = vec![
            orphan("", "Namespace", "", "shop"),
            orphan("apps", "Deployment", "shop", "web"),
            orphan("", "ConfigMap", "shop", "web"),
            orphan("apps", "Deployment", "default", "web"),
        ];
        let selection = Selection {
            objects: objects.iter().map(|&it| it.to_owned()).collect(),
            namespace: namespace.map(str::to_owned),
        };
        let found = selection.of(orphans);
        match (found, expect) {
            (Ok(found), Ok(expect)) => {
                let words: Vec<String> = found.iter().map(Orphan::words).collect();
                assert_eq!(words, expect);
            }
            (Err(failure), Err(expect)) => assert_eq!(failure.lines, [expect]),
            (found, expect) => panic!("{found:?} and not {expect:?}"),
        }
    }

    #[test]
    fn orphans_are_named_as_kubectl_names_objects() {
        let (shop, default) = ("Deployment \"shop/web\"", "Deployment \"default/web\"");
        check(&["deployments/web"], None, Ok(&[shop, default]));
        check(&["Deployment/web"], Some("shop"), Ok(&[shop]));
        check(&["deployments.apps/web"], Some("default"), Ok(&[default]));
        check(&["namespace/shop"], Some("shop"), Ok(&["Namespace \"shop\""]));
        check(&[], Some("default"), Ok(&[default]));
        check(&["secrets/web"], None, Err("secrets/web: no orphan is called so"));
        check(&["web"], None, Err("web: an orphan is named KIND/NAME, like deployments/nginx"));
    }
}
