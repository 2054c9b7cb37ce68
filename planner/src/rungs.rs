//! The regions and availability zones that names are made for, prepared once for all services.

use std::collections::BTreeMap;

use model::{Label, Level, Name, NameError, Topology};

use crate::federation::ClusterId;
use crate::names::Place;
use crate::settings::ZoneSettings;

/// A place with everything that each service's name at it shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    pub place: Place,
    /// What follows `<service>.<namespace>.`; an error where even that is too long.
    pub suffix: Result<Name, NameError>,
    /// The next wider rung that is made: where a CNAME points.
    pub above: Option<usize>,
}

/// Every rung of one DNS zone, from wide to narrow, and which cluster stands on which.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rungs {
    rungs: Vec<Rung>,
    /// The rungs of each cluster, by [`ClusterId`], as indexes into `rungs`, ascending.
    of_cluster: Vec<Vec<usize>>,
}

impl Rungs {
    /// `topologies` are those of the member clusters; ids that are free have none.
    pub fn new<'a>(
        settings: &ZoneSettings,
        topologies: impl IntoIterator<Item = (ClusterId, &'a Topology)>,
    ) -> Self {
        let mut clusters_of_place: BTreeMap<Place, Vec<ClusterId>> = BTreeMap::new();
        if settings.levels.contains(Level::Global) {
            clusters_of_place.insert(Place::Global, Vec::new());
        }
        let mut cluster_count = 0;
        for (cluster, topology) in topologies {
            cluster_count = cluster_count.max(cluster.index() + 1);
            for place in places(topology) {
                if settings.levels.contains(place.level()) {
                    let clusters = clusters_of_place.entry(place).or_default();
                    if clusters.last() != Some(&cluster) {
                        clusters.push(cluster);
                    }
                }
            }
        }
        Self::assemble(settings, clusters_of_place, cluster_count)
    }

    /// The map's order, global before regions before zones, is the order of the rungs.
    fn assemble(
        settings: &ZoneSettings,
        clusters_of_place: BTreeMap<Place, Vec<ClusterId>>,
        cluster_count: usize,
    ) -> Self {
        let mut of_cluster = vec![Vec::new(); cluster_count];
        let mut index_of: BTreeMap<Place, usize> = BTreeMap::new();
        let mut rungs = Vec::with_capacity(clusters_of_place.len());
        for (index, (place, clusters)) in clusters_of_place.into_iter().enumerate() {
            for cluster in clusters {
                of_cluster[cluster.index()].push(index);
            }
            let above = wider(&place, settings).and_then(|wider| index_of.get(&wider).copied());
            let suffix = place.suffix(&settings.federation, &settings.zone);
            index_of.insert(place.clone(), index);
            rungs.push(Rung { place, suffix, above });
        }
        Self { rungs, of_cluster }
    }

    pub fn get(&self, index: usize) -> &Rung {
        &self.rungs[index]
    }

    pub fn len(&self) -> usize {
        self.rungs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rungs.is_empty()
    }

    /// The global rung, where it is made; it stands first.
    pub fn global(&self) -> Option<usize> {
        self.rungs.first().filter(|rung| rung.place == Place::Global).map(|_| 0)
    }

    /// The region and zone rungs of a cluster, from wide to narrow.
    pub fn of_cluster(&self, cluster: ClusterId) -> &[usize] {
        self.of_cluster.get(cluster.index()).map_or(&[], Vec::as_slice)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Rung> {
        self.rungs.iter()
    }
}

/// The region and zone places of a topology, each as often as it occurs.
fn places(topology: &Topology) -> impl Iterator<Item = Place> + '_ {
    topology.locations.iter().flat_map(|location| {
        let region = Place::Region(location.region.clone());
        let zone = location.availability_zone.as_ref().map(|availability_zone| Place::Zone {
            region: location.region.clone(),
            availability_zone: availability_zone.clone(),
        });
        std::iter::once(region).chain(zone)
    })
}

/// The place that a name without addresses at `place` points to.
fn wider(place: &Place, settings: &ZoneSettings) -> Option<Place> {
    let region: &Label = match place {
        Place::Global => return None,
        Place::Region(region) | Place::Zone { region, .. } => region,
    };
    Some(match settings.levels.above(place.level())? {
        Level::Global => Place::Global,
        Level::Region => Place::Region(region.clone()),
        Level::Zone => return None,
    })
}
