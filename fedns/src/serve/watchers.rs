//! One watcher for each configured cluster.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use clusters::Cluster;
use model::ClusterName;
use tokio::sync::mpsc;
use tracing::info;
use watcher::{
    ClusterEvent, Memory, Resolver, ResolverSettings, Saved, ServiceSettings, WatchHandle,
};

use crate::admin::orders::Outcome;
use crate::admin::problems::SourceProblems;
use crate::config::Config;
use crate::pipeline::{Input, PipelineHandle};

/// How far the saved last contact of a live cluster may lag, in seconds: it is only told to people.
const CONTACT_LAG_MAX: u64 = 300;

/// The watchers that run.
pub struct Watchers {
    running: BTreeMap<ClusterName, Watched>,
    resolver: Arc<Resolver>,
    events: mpsc::Sender<ClusterEvent>,
    pipeline: PipelineHandle,
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
        events: mpsc::Sender<ClusterEvent>,
        pipeline: PipelineHandle,
        resolver: &[SocketAddr],
        saved: BTreeMap<ClusterName, Saved>,
        problems: SourceProblems,
    ) -> Self {
        let resolver = Resolver::new(&ResolverSettings { servers: resolver.to_vec() });
        Self { running: BTreeMap::new(), resolver, events, pipeline, saved, problems }
    }

    /// Stops what is not configured any more, starts what is new or has changed.
    pub async fn apply(&mut self, config: &Config) {
        let settings = &config.services;
        let changed = |cluster: &Cluster, watched: &Watched| {
            watched.settings != *settings || watched.cluster != *cluster
        };
        self.running.retain(|name, _| config.clusters.iter().any(|cluster| cluster.name == *name));
        for cluster in &config.clusters {
            let saved = match self.running.get(&cluster.name) {
                Some(watched) if changed(cluster, watched) => self.view_now(cluster).await,
                Some(_) => continue,
                None => self.saved.remove(&cluster.name).unwrap_or_default(),
            };
            // The old one must have ended before, or its events would follow the new one's.
            self.running.remove(&cluster.name);
            self.start(cluster, settings, saved);
        }
        let problems =
            |(name, watched): (&ClusterName, &Watched)| (name.clone(), watched.handle.problems());
        self.problems.replace(self.running.iter().map(problems).collect());
    }

    fn start(&mut self, cluster: &Cluster, settings: &ServiceSettings, saved: Saved) {
        let memory = saved.memory.clone();
        let (cluster, settings) = (cluster.clone(), settings.clone());
        let events = self.events.clone();
        let handle =
            watcher::start(cluster.clone(), settings.clone(), saved, &self.resolver, events);
        self.running.insert(cluster.name.clone(), Watched { cluster, settings, handle, memory });
    }

    /// What the cluster contributes now, for a watcher with other settings.
    async fn view_now(&self, cluster: &Cluster) -> Saved {
        let name = cluster.name.clone();
        let memory = self.running.get(&name).map(|watched| watched.handle.memory());
        let view = self.pipeline.ask(move |pipeline| pipeline.view(&name)).await;
        // A pipeline that has ended publishes nothing any more.
        Saved { memory: memory.unwrap_or_default(), view: view.unwrap_or_default() }
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

fn is_worth_saving(saved: &Memory, now: &Memory) -> bool {
    let Memory { uid, last_contact, locations } = now;
    let lag = match (saved.last_contact, last_contact) {
        (Some(saved), Some(now)) => now.0.saturating_sub(saved.0),
        (None, None) => 0,
        _ => u64::MAX,
    };
    *uid != saved.uid || *locations != saved.locations || lag > CONTACT_LAG_MAX
}
