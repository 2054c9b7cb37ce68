//! One watcher for each configured cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use clusters::Cluster;
use model::ClusterName;
use tracing::info;
use watcher::{Memory, Resolver, ResolverSettings, Saved, ServiceSettings, WatchHandle};

use crate::admin::orders::Outcome;
use crate::admin::problems::SourceProblems;
use crate::config::Config;
use crate::pipeline::{Ended, Input, PipelineHandle, WatchId};

/// How far the saved last contact of a live cluster may lag, in seconds: it is only told to people.
const CONTACT_LAG_MAX: u64 = 300;

/// The watchers that run.
pub struct Watchers {
    running: BTreeMap<ClusterName, Watched>,
    resolver: Arc<Resolver>,
    pipeline: PipelineHandle,
    last_watch: WatchId,
    /// From the state folder; each is used once, when its watcher starts.
    saved: BTreeMap<ClusterName, Saved>,
    problems: SourceProblems,
}

struct Watched {
    cluster: Cluster,
    settings: ServiceSettings,
    /// Stops the watcher when dropped.
    handle: WatchHandle,
    /// What was saved last.
    memory: Memory,
}

/// New watchers of clusters that are to be looked at in another way. Until they take over, the old
/// ones go on; dropped, they never do.
pub struct Successors(BTreeMap<ClusterName, Successor>);

struct Successor {
    cluster: Cluster,
    watch: WatchId,
    saved: Saved,
    /// Once it has started.
    watched: Option<Watched>,
}

/// What to save of what watchers remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remember {
    /// Only what has changed.
    Changes,
    /// Everything, as before a stop.
    All,
}

impl Watchers {
    pub fn new(
        pipeline: PipelineHandle,
        resolver: &[SocketAddr],
        saved: BTreeMap<ClusterName, Saved>,
        problems: SourceProblems,
    ) -> Self {
        let resolver = Resolver::new(&ResolverSettings { servers: resolver.to_vec() });
        let running = BTreeMap::new();
        Self { running, resolver, pipeline, last_watch: WatchId(0), saved, problems }
    }

    /// True where every cluster is watched as this config says.
    pub fn follow(&self, config: &Config) -> bool {
        let follows = |cluster: &Cluster| {
            self.running.get(&cluster.name).is_some_and(|it| it.follows(config, cluster))
        };
        config.clusters.iter().all(follows)
    }

    /// For each cluster that is watched now, and differently by this config. None has started.
    pub async fn successors(&mut self, config: &Config) -> Successors {
        let mut successors = BTreeMap::new();
        for cluster in &config.clusters {
            let Some(watched) = self.running.get(&cluster.name) else { continue };
            if !watched.follows(config, cluster) {
                let mut saved = self.view_now(&cluster.name, watched).await;
                if !watched.cluster.source.is_at_same_server(&cluster.source) {
                    // Where its nodes were says nothing of those that are looked at now.
                    saved.memory.locations.clear();
                }
                let watch = self.next_watch();
                let successor = Successor { cluster: cluster.clone(), watch, saved, watched: None };
                successors.insert(cluster.name.clone(), successor);
            }
        }
        Successors(successors)
    }

    pub fn start_successors(&self, successors: &mut Successors, settings: &ServiceSettings) {
        for successor in successors.0.values_mut() {
            let saved = std::mem::take(&mut successor.saved);
            let (cluster, watch) = (successor.cluster.clone(), successor.watch);
            successor.watched = Some(self.watch(cluster, settings, saved, watch));
        }
    }

    /// Stops what is not configured any more, lets successors take over, starts what is new.
    pub async fn apply(&mut self, config: &Config, successors: Successors) {
        self.running.retain(|name, _| config.clusters.iter().any(|cluster| cluster.name == *name));
        for (name, successor) in successors.0 {
            if let Some(watched) = successor.watched {
                self.running.insert(name, watched);
            }
        }
        for cluster in &config.clusters {
            if !self.running.contains_key(&cluster.name)
                && let Err(Ended) = self.start(cluster, &config.services).await
            {
                // Who would listen has gone.
                return;
            }
        }
        let problems =
            |(name, watched): (&ClusterName, &Watched)| (name.clone(), watched.handle.problems());
        self.problems.replace(self.running.iter().map(problems).collect());
    }

    async fn start(&mut self, cluster: &Cluster, settings: &ServiceSettings) -> Result<(), Ended> {
        let watch = self.next_watch();
        self.pipeline.send(Input::Watch(cluster.name.clone(), watch)).await?;
        let saved = self.saved.remove(&cluster.name).unwrap_or_default();
        let watched = self.watch(cluster.clone(), settings, saved, watch);
        self.running.insert(cluster.name.clone(), watched);
        Ok(())
    }

    fn watch(
        &self,
        cluster: Cluster,
        settings: &ServiceSettings,
        saved: Saved,
        watch: WatchId,
    ) -> Watched {
        let memory = saved.memory.clone();
        let listener = self.pipeline.listen(watch);
        let settings = settings.clone();
        let handle =
            watcher::start(cluster.clone(), settings.clone(), saved, &self.resolver, listener);
        Watched { cluster, settings, handle, memory }
    }

    fn next_watch(&mut self) -> WatchId {
        self.last_watch.0 += 1;
        self.last_watch
    }

    /// What the cluster contributes now, for a watcher with other settings.
    async fn view_now(&self, name: &ClusterName, watched: &Watched) -> Saved {
        let memory = watched.handle.memory();
        let name = name.clone();
        let view = self.pipeline.ask(move |pipeline| pipeline.view(&name)).await;
        // A pipeline that has ended publishes nothing any more.
        Saved { memory, view: view.unwrap_or_default() }
    }

    /// Takes the cluster that answers now for the one that was there before.
    pub fn accept(&self, cluster: &ClusterName) -> Outcome {
        match self.running.get(cluster) {
            None => Err(format!("no cluster {cluster:?} is configured")),
            Some(watched) if watched.handle.accept() => {
                info!(%cluster, "the cluster that answers now is accepted");
                Ok(format!(
                    "{cluster}: the cluster that answers now is accepted; its first complete view \
                     replaces the old one"
                ))
            }
            Some(_) => {
                Err(format!("{cluster}: no other cluster answers, there is nothing to accept"))
            }
        }
    }

    /// Hands what watchers remember to the pipeline, which saves it.
    pub async fn remember(&mut self, what: Remember) {
        for (name, watched) in &mut self.running {
            let memory = watched.handle.memory();
            if what == Remember::All || is_worth_saving(&watched.memory, &memory) {
                watched.memory = memory.clone();
                if self.pipeline.send(Input::Memory(name.clone(), memory)).await.is_err() {
                    return;
                }
            }
        }
    }
}

// === impl Watched, Successors ===

impl Watched {
    fn follows(&self, config: &Config, cluster: &Cluster) -> bool {
        self.settings == config.services && self.cluster == *cluster
    }
}

impl Successors {
    pub fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// All but these, which end.
    pub fn without(mut self, clusters: &BTreeSet<ClusterName>) -> Self {
        self.0.retain(|name, _| !clusters.contains(name));
        self
    }

    /// Those in whose place another cluster is meant now.
    pub fn replaced(&self) -> BTreeSet<ClusterName> {
        let replaced = self.0.iter().filter(|(_, it)| it.saved.is_of_another(&it.cluster));
        replaced.map(|(name, _)| name.clone()).collect()
    }

    pub fn watches(&self) -> BTreeMap<ClusterName, WatchId> {
        let watch = |(name, successor): (&ClusterName, &Successor)| (name.clone(), successor.watch);
        self.0.iter().map(watch).collect()
    }
}

fn is_worth_saving(saved: &Memory, now: &Memory) -> bool {
    let Memory { uid, last_contact, locations } = now;
    let lag = match (saved.last_contact, last_contact) {
        (Some(saved), Some(now)) => now.0.saturating_sub(saved.0),
        (None, None) => 0,
        _ => u64::MAX,
    };
    *uid != saved.uid || *locations != saved.locations || lag > CONTACT_LAG_MAX
}
