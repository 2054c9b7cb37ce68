//! What a complete list lacks, and so must be asked for one by one before it may go.

use std::collections::{BTreeSet, HashSet};

use model::{Health, Observed, ServiceKey};

use super::Index;
use super::tables::Tables;
use crate::entry::Entry;
use crate::object::{Kind, ObjectKey};
use crate::reading::{Content, Reading};

/// So many of the missing objects are asked for.
const MISSING_CHECKED_MAX: usize = 20;

/// Something that was known and is not in a list. The list is believed if the API server, asked
/// for it alone, does not know it either.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Missing {
    Object(ObjectKey),
    /// EndpointSlices of a Service whose saved shard was healthy; their names were not saved.
    SlicesOf(ServiceKey),
}

impl Index {
    /// What `readings`, a complete list, lacks: at most [`MISSING_CHECKED_MAX`], evenly spread.
    pub(crate) fn missing(&self, kind: Kind, readings: &[Reading]) -> Vec<Missing> {
        if self.staged.as_ref().is_some_and(|staged| staged.is_other_cluster) {
            return Vec::new();
        }
        let absent = absent(&self.tables, kind, readings).into_iter().map(Missing::Object);
        let mut missing: Vec<Missing> = absent.collect();
        if kind == Kind::EndpointSlice {
            missing.extend(self.saved_without_slices(readings));
        }
        // Shards first: what holds addresses is what must not go by mistake.
        missing.sort_by_key(|missing| !self.is_of_shard(missing));
        spread(missing)
    }

    fn saved_without_slices(&self, readings: &[Reading]) -> Vec<Missing> {
        let named: HashSet<(&str, &str)> = readings.iter().filter_map(service_of_slice).collect();
        let rows = self.tables.rows.iter();
        let healthy = rows.filter(|(_, row)| match &row.entry {
            Some(Entry::Saved(saved)) => {
                saved.shard().is_some_and(|shard| shard.health == Health::Healthy)
            }
            _ => false,
        });
        let without = healthy.filter(|(key, _)| !named.contains(&(&*key.namespace, &*key.name)));
        without.map(|(key, _)| Missing::SlicesOf(key.clone())).collect()
    }

    fn is_of_shard(&self, missing: &Missing) -> bool {
        match missing {
            Missing::SlicesOf(_) => true,
            Missing::Object(key) => {
                let observed = self.observed(&key.clone().into_service_key());
                matches!(observed, Some(Observed::Shard(_)))
            }
        }
    }
}

/// The known objects of `kind` that `readings` lacks, in order.
pub(super) fn absent(tables: &Tables, kind: Kind, readings: &[Reading]) -> Vec<ObjectKey> {
    let listed: HashSet<(&str, &str)> =
        readings.iter().map(|reading| (&*reading.key.namespace, &*reading.key.name)).collect();
    let absent = |(namespace, name): (&str, &str)| {
        let key = || ObjectKey { kind, namespace: namespace.into(), name: name.into() };
        (!listed.contains(&(namespace, name))).then(key)
    };
    match kind {
        Kind::Service => service_names(tables).filter_map(absent).collect(),
        Kind::EndpointSlice => tables.slice_names().filter_map(absent).collect(),
        Kind::Node => tables.nodes.names().map(|name| ("", name)).filter_map(absent).collect(),
    }
}

/// A saved Service without a shard may go unasked.
fn service_names(tables: &Tables) -> impl Iterator<Item = (&str, &str)> {
    let is_asked_for = |entry: &Entry| match entry {
        Entry::Saved(saved) => saved.shard().is_some(),
        Entry::LeftOut(_) | Entry::Candidate(_) => true,
    };
    let rows = tables.rows.iter();
    let services = rows.filter(move |(_, row)| row.entry.as_ref().is_some_and(is_asked_for));
    services.map(|(key, _)| (&*key.namespace, &*key.name))
}

fn service_of_slice(reading: &Reading) -> Option<(&str, &str)> {
    match &reading.content {
        Some(Content::EndpointSlice(slice)) => {
            Some((&reading.key.namespace, slice.service.as_deref()?))
        }
        _ => None,
    }
}

fn spread(missing: Vec<Missing>) -> Vec<Missing> {
    let count = missing.len();
    if count <= MISSING_CHECKED_MAX {
        return missing;
    }
    let picked: BTreeSet<usize> =
        (0..MISSING_CHECKED_MAX).map(|step| step * count / MISSING_CHECKED_MAX).collect();
    let numbered = missing.into_iter().enumerate();
    numbered.filter(|(at, _)| picked.contains(at)).map(|(_, missing)| missing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_20_are_asked_for_and_they_are_spread() {
        let services = |count: usize| -> Vec<Missing> {
            (0..count)
                .map(|n| Missing::SlicesOf(ServiceKey::new("ns", &format!("s{n:04}"))))
                .collect()
        };
        assert_eq!(spread(services(20)).len(), 20);
        let picked = spread(services(1_000));
        assert_eq!(picked.len(), 20);
        assert_eq!(picked[1], services(1_000)[50]);
        assert_eq!(picked[19], services(1_000)[950]);
    }
}
