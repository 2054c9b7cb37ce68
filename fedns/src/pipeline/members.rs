//! What the pipeline keeps of each configured cluster beside the planner's state.

use clusters::{Cluster, Source};
use model::{ClusterChange, ClusterName, ClusterView, Freshness, Observed, StaleReason, UnixTime};
use planner::Planner;
use watcher::{Memory, Saved};

use super::WatchId;
use crate::state::{ClusterNote, Line};

/// A configured cluster.
#[derive(Debug)]
pub struct Member {
    /// Listed in this run, or saved by an earlier one.
    has_view: bool,
    /// What its watcher wants to be told again at the next start.
    memory: Memory,
    /// The watcher that speaks for it.
    watch: Option<WatchId>,
    /// Where that one looks.
    source: Source,
}

impl Member {
    /// Joins the cluster; its saved shards, if any, stand in until it lists.
    pub fn start(cluster: &Cluster, saved: Option<Saved>, planner: &mut Planner) -> Self {
        let name: &ClusterName = &cluster.name;
        let has_view = saved.is_some();
        let Saved { memory, mut view } = saved.unwrap_or_default();
        if let Some(place) = &cluster.topology {
            view.topology = place.topology();
        }
        planner.absorb(name, ClusterChange::View(view));
        let stale = Freshness::Stale { since: memory.last_contact, reason: StaleReason::NotListed };
        planner.absorb(name, ClusterChange::Freshness(stale));
        Self { has_view, memory, watch: None, source: cluster.source.clone() }
    }

    /// From now on, this watcher speaks for the cluster.
    pub fn follow(&mut self, watch: WatchId) {
        self.watch = Some(watch);
    }

    /// What is known of the cluster was seen there.
    pub fn looks_at(&mut self, source: &Source) {
        self.source.clone_from(source);
    }

    #[cfg(feature = "federation")]
    pub fn source(&self) -> &Source {
        &self.source
    }

    pub fn follows(&self, watch: WatchId) -> bool {
        self.watch == Some(watch)
    }

    pub fn last_contact(&self) -> Option<UnixTime> {
        self.memory.last_contact
    }

    pub fn has_view(&self) -> bool {
        self.has_view
    }

    /// What the state file must hold of a change.
    pub fn note(&mut self, change: &ClusterChange) -> Option<ClusterNote> {
        Some(match change {
            ClusterChange::View(view) => {
                self.has_view = true;
                let saved = Saved { memory: self.memory.clone(), view: shards_only(view) };
                ClusterNote::Snapshot(Box::new(saved))
            }
            ClusterChange::Service(key, observed) => {
                ClusterNote::Line(match observed.as_ref().and_then(Observed::shard) {
                    Some(shard) => Line::Shard(key.clone(), shard.clone()),
                    None => Line::Removed(key.clone()),
                })
            }
            ClusterChange::Topology(topology) => {
                ClusterNote::Line(Line::Topology(topology.clone()))
            }
            ClusterChange::Freshness(_) => return None,
            ClusterChange::Gone => ClusterNote::Forget,
        })
    }

    /// What the state file must hold of what the watcher remembers.
    pub fn remember(&mut self, memory: Memory) -> ClusterNote {
        self.memory = memory.clone();
        ClusterNote::Line(Line::Memory(memory))
    }
}

fn shards_only(view: &ClusterView) -> ClusterView {
    let shards = view.services.iter().filter(|(_, observed)| observed.shard().is_some());
    ClusterView {
        topology: view.topology.clone(),
        services: shards.map(|(key, observed)| (key.clone(), observed.clone())).collect(),
    }
}
