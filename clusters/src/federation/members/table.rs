//! The newest state of all objects of one kind, from the events of a watch.

use std::collections::BTreeMap;

use kube::ResourceExt;
use kube_runtime::watcher::Event;

/// Objects by name: all of one namespace, or of none.
pub(super) struct Table<K> {
    objects: BTreeMap<String, K>,
    /// A list that is not complete yet.
    listing: Option<BTreeMap<String, K>>,
    is_listed: bool,
    trouble: Option<String>,
}

// === impl Table ===

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), listing: None, is_listed: false, trouble: None }
    }
}

impl<K: ResourceExt> Table<K> {
    pub(super) fn take(&mut self, told: Result<Event<K>, String>, what: &str) {
        let event = match told {
            Ok(event) => event,
            Err(line) => {
                let line = format!("{what} cannot be read: {line}");
                if self.trouble.as_ref() != Some(&line) {
                    tracing::warn!("{line}; what was read before stands");
                }
                self.trouble = Some(line);
                return;
            }
        };
        match event {
            Event::Init => self.listing = Some(BTreeMap::new()),
            Event::InitApply(object) => {
                self.listing.get_or_insert_default().insert(object.name_any(), object);
            }
            Event::InitDone => {
                self.objects = self.listing.take().unwrap_or_default();
                self.is_listed = true;
                self.trouble = None;
            }
            Event::Apply(object) => {
                self.objects.insert(object.name_any(), object);
                self.trouble = None;
            }
            Event::Delete(object) => {
                self.objects.remove(&object.name_any());
                self.trouble = None;
            }
        }
    }
}

impl<K> Table<K> {
    pub(super) fn get(&self, name: &str) -> Option<&K> {
        self.objects.get(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &K)> {
        self.objects.iter().map(|(name, object)| (name.as_str(), object))
    }

    pub(super) fn is_listed(&self) -> bool {
        self.is_listed
    }

    pub(super) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Secret;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    use super::*;

    fn object(name: &str) -> Secret {
        let metadata = ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() };
        Secret { metadata, ..Secret::default() }
    }

    fn names(table: &Table<Secret>) -> Vec<&str> {
        table.iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_list_counts_once_it_is_complete() {
        let mut table = Table::default();
        for event in [Event::Init, Event::InitApply(object("a")), Event::InitApply(object("b"))] {
            table.take(Ok(event), "objects");
            assert!(!table.is_listed());
        }
        table.take(Ok(Event::InitDone), "objects");
        assert!(table.is_listed());
        assert_eq!(names(&table), ["a", "b"]);

        // Listed anew: the old list stands until the new one is whole.
        for event in [Event::Init, Event::InitApply(object("b"))] {
            table.take(Ok(event), "objects");
            assert_eq!(names(&table), ["a", "b"]);
        }
        table.take(Err("lost".into()), "objects");
        assert_eq!(table.trouble(), Some("objects cannot be read: lost"));
        assert_eq!(names(&table), ["a", "b"]);
        table.take(Ok(Event::InitDone), "objects");
        assert_eq!(names(&table), ["b"]);
        assert_eq!(table.trouble(), None);
    }

    #[test]
    fn events_change_single_objects() {
        let mut table = Table::default();
        table.take(Ok(Event::Apply(object("a"))), "objects");
        table.take(Ok(Event::Apply(object("b"))), "objects");
        table.take(Ok(Event::Delete(object("a"))), "objects");
        assert_eq!(names(&table), ["b"]);
    }
}
