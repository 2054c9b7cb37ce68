//! What stands in one zone at a provider, as far as we know, with the markers in it.

use std::collections::{BTreeMap, BTreeSet};

use model::{Name, RecordSet, RecordType};

use super::registry::{Marked, Marker, Registry};
use super::shard_names;
use crate::hosted::HostedSet;

/// The contents of a hosted zone. After a listing it is kept up with what we apply.
#[derive(Clone, Debug)]
pub struct HostedZone {
    us: String,
    sets: BTreeMap<Name, Vec<HostedSet>>,
    /// By the name that they stand for.
    markers: BTreeMap<Name, Vec<StandingMarker>>,
    /// How many names have a marker of ours.
    owned: usize,
    /// Where our markers of many names stand.
    shards: BTreeSet<Name>,
    /// Sets without a marker that count as ours.
    adopted: BTreeSet<(Name, RecordType)>,
}

/// A marker and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingMarker {
    pub at: Name,
    pub record_type: Option<RecordType>,
    pub marker: Marker,
    pub set: RecordSet,
}

/// Whose a record set is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    Ours,
    /// Another owner's, by its marker.
    Other {
        owner: String,
        registry: Registry,
    },
    /// No marker stands beside it.
    Nobody,
}

// === impl HostedZone ===

impl HostedZone {
    /// From a complete listing. `us`: the owner that we are.
    pub fn new(us: &str, listing: Vec<HostedSet>) -> Self {
        let (us, sets, markers) = (us.to_owned(), BTreeMap::new(), BTreeMap::new());
        let (shards, adopted) = (BTreeSet::new(), BTreeSet::new());
        let mut zone = Self { us, sets, markers, owned: 0, shards, adopted };
        for set in listing {
            zone.add(set);
        }
        zone
    }

    /// Everything at a name, markers of other names included.
    pub fn at(&self, name: &Name) -> &[HostedSet] {
        self.sets.get(name).map_or(&[], Vec::as_slice)
    }

    /// The markers that stand for sets of a name.
    pub fn markers_of(&self, name: &Name) -> &[StandingMarker] {
        self.markers.get(name).map_or(&[], Vec::as_slice)
    }

    /// All names, in canonical order.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.sets.keys()
    }

    /// All names that markers stand for.
    pub fn marked_names(&self) -> impl Iterator<Item = (&Name, &[StandingMarker])> {
        self.markers.iter().map(|(name, markers)| (name, markers.as_slice()))
    }

    /// Our markers that stand for sets of a name.
    pub fn our_markers(&self, name: &Name) -> impl Iterator<Item = &StandingMarker> {
        self.markers_of(name).iter().filter(|it| it.marker.owner == self.us)
    }

    /// How many names have a marker of ours.
    pub fn owned(&self) -> usize {
        self.owned
    }

    /// All names that have a marker of ours.
    pub fn our_names(&self) -> impl Iterator<Item = &Name> {
        self.markers.keys().filter(|name| self.our_markers(name).next().is_some())
    }

    /// The names whose markers of ours stand at this name.
    pub fn markers_at(&self, at: &Name) -> impl Iterator<Item = Name> {
        let marked = self.at(at).iter().flat_map(standing_markers).map(|(marked, _)| marked);
        marked.filter(|marked| self.our_markers(marked).any(|it| it.at == *at))
    }

    /// Where our markers of many names stand.
    pub fn our_shards(&self) -> impl Iterator<Item = &Name> {
        self.shards.iter()
    }

    /// The markers of many names that this name is in, those of another owner that it was taken over
    /// from included.
    pub fn shards_of(&self, name: &Name) -> impl Iterator<Item = &Name> {
        let is_shard = |it: &&StandingMarker| it.marker.registry == Registry::Zone;
        self.our_markers(name).filter(is_shard).map(|it| &it.at)
    }

    /// True where the name is in one of our own.
    pub fn is_registered(&self, name: &Name) -> bool {
        self.shards_of(name).any(|at| self.is_our_shard(at))
    }

    pub fn is_our_shard(&self, at: &Name) -> bool {
        self.shards.contains(at)
    }

    /// From now on the markers of this owner for these types of a name count as ours, and those for
    /// all types.
    pub fn adopt_markers(&mut self, name: &Name, owner: &str, types: &[RecordType]) {
        let was_ours = self.our_markers(name).next().is_some();
        let Self { us, markers, owned, .. } = self;
        let markers = markers.get_mut(name).into_iter().flatten();
        let is_of_types = |it: &StandingMarker| it.record_type.is_none_or(|it| types.contains(&it));
        let is_theirs = |it: &&mut StandingMarker| it.marker.owner == owner && is_of_types(it);
        let mut found = markers.filter(is_theirs).peekable();
        *owned += usize::from(found.peek().is_some() && !was_ours);
        found.for_each(|it| it.marker.owner.clone_from(us));
    }

    /// From now on a set that has no marker counts as ours.
    pub fn adopt_set(&mut self, name: &Name, record_type: RecordType) {
        self.adopted.insert((name.clone(), record_type));
    }

    /// True where an alias stands, beside which nothing can be.
    pub fn is_alias(&self, name: &Name) -> bool {
        self.at(name).iter().any(|set| set.record_type == RecordType::CNAME)
    }

    /// Whose the set of this type is. One marker of another owner is enough for it to be theirs.
    pub fn owner(&self, name: &Name, record_type: RecordType) -> Owner {
        let of_type = |it: &&StandingMarker| it.record_type.is_none_or(|it| it == record_type);
        let mut owner = Owner::Nobody;
        for standing in self.markers_of(name).iter().filter(of_type) {
            let Marker { owner: marked, registry, .. } = &standing.marker;
            if *marked != self.us {
                return Owner::Other { owner: marked.clone(), registry: *registry };
            }
            owner = Owner::Ours;
        }
        match owner {
            Owner::Nobody if self.adopted.contains(&(name.clone(), record_type)) => Owner::Ours,
            owner => owner,
        }
    }

    /// Takes in what has been applied: `None` removes the set.
    pub fn replace(&mut self, name: &Name, record_type: RecordType, set: Option<RecordSet>) {
        self.remove(name, record_type);
        if let Some(set) = set {
            self.add(HostedSet::plain(name.clone(), set));
        }
    }

    fn add(&mut self, set: HostedSet) {
        for (name, standing) in standing_markers(&set) {
            let is_shard = standing.marker.registry == Registry::Zone;
            if is_shard && standing.marker.owner == self.us {
                self.shards.insert(standing.at.clone());
            }
            let is_first = self.our_markers(&name).next().is_none();
            self.owned += usize::from(is_first && standing.marker.owner == self.us);
            self.markers.entry(name).or_default().push(standing);
        }
        self.sets.entry(set.name.clone()).or_default().push(set);
    }

    fn remove(&mut self, name: &Name, record_type: RecordType) {
        let Some(sets) = self.sets.get_mut(name) else { return };
        let (gone, stay) = std::mem::take(sets)
            .into_iter()
            .partition::<Vec<_>, _>(|set| set.record_type == record_type);
        *sets = stay;
        if sets.is_empty() {
            self.sets.remove(name);
        }
        for set in gone {
            for (marked, standing) in standing_markers(&set) {
                self.shards.remove(&standing.at);
                self.remove_marker(&marked, &standing);
            }
        }
    }

    fn remove_marker(&mut self, marked: &Name, standing: &StandingMarker) {
        let was_ours = self.our_markers(marked).next().is_some();
        let Some(markers) = self.markers.get_mut(marked) else { return };
        markers.retain(|other| other.at != standing.at);
        if markers.is_empty() {
            self.markers.remove(marked);
        }
        let is_ours = self.our_markers(marked).next().is_some();
        self.owned -= usize::from(was_ours && !is_ours);
    }
}

/// Each with the name that it stands for.
fn standing_markers(set: &HostedSet) -> Vec<(Name, StandingMarker)> {
    let Some(records) = set.records().filter(|it| it.record_type == RecordType::TXT) else {
        return Vec::new();
    };
    let Some(marker) = Marker::of(records) else { return Vec::new() };
    let standing = |Marked { name, record_type }| {
        let (at, set, mut marker) = (set.name.clone(), records.clone(), marker.clone());
        marker.is_imported |= marker.names.take().is_some() && shard_names::is_outside(&name, &at);
        (name, StandingMarker { at, record_type, marker, set })
    };
    marker.marked(&set.name).into_iter().map(standing).collect()
}
