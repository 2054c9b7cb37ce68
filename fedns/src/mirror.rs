//! Mirrors: each zone at each of its providers, kept by a task of its own.
//!
//! ```text
//! [ pipeline ] -- Feed --> [ Wishes ] --> [ Engine ] --> provider
//!                                            ^
//!                        preflight, signals --'-- permission to write
//! ```
//!
//! - [`feed`]: what the pipeline tells
//! - [`connect`]: from the config to a provider
//! - [`alone`]: plans without a running server
//! - [`check`]: preflight without a running mirror
//! - [`leader`]: one writer among replicas
//! - [`supervise`]: one mirror from its start to its end
//! - [`visible`]: whether the provider's own name servers show what it has taken
//! - here: which mirrors run, after a start and after each reload

pub mod alone;
pub mod check;
pub mod connect;
pub mod feed;
pub mod leader;
mod shown;
mod supervise;
mod visible;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use model::Name;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tracing::warn;

use crate::config::{Config, ProviderConfig, ProviderKind, Rfc2136Config, ZoneConfig};
use crate::metrics::Metrics;
use crate::pipeline::PipelineHandle;
use crate::state::guard_file::GuardFile;
use connect::Connector;
use leader::Leader;
use providers::rfc2136::Server;
use providers::sync::engine::Input;
use providers::sync::permission::Permission;
use providers::sync::scope::Scope;
pub use shown::{Mirror, MirrorList};
use supervise::Supervisor;

/// Orders that wait for a mirror.
const INPUTS: usize = 16;
/// How long a stop waits for the call that is under way.
const STOP_WAIT: Duration = Duration::from_secs(10);

/// The mirrors that run.
pub struct Mirrors {
    running: Vec<Running>,
    pipeline: PipelineHandle,
    connector: Connector,
    shown: MirrorList,
    writer: Arc<str>,
    leader: Option<Leader>,
    state_dir: PathBuf,
    metrics: Arc<Metrics>,
}

struct Running {
    /// What it was started with; any difference starts it anew.
    key: Key,
    feed_id: u64,
    shown: Arc<Mirror>,
    permission: watch::Sender<Permission>,
    task: JoinHandle<()>,
}

/// All that decides a mirror.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    federation: model::Label,
    zone: Name,
    ttl: u32,
    levels: model::Levels,
    provider: ProviderConfig,
}

// === impl Mirrors ===

impl Mirrors {
    /// `writer`: the id under which this state folder writes at providers.
    pub fn new(
        pipeline: PipelineHandle,
        shown: MirrorList,
        metrics: Arc<Metrics>,
        writer: &str,
        config: &Config,
    ) -> Self {
        let (running, connector) = (Vec::new(), Connector::default());
        let election = config.leader_election.as_ref();
        let leader = election.map(|election| Leader::start(election, writer));
        let (writer, state_dir) = (writer.into(), config.state_dir.clone());
        Self { running, pipeline, connector, shown, writer, leader, state_dir, metrics }
    }

    /// Stops what is not configured any more, starts what is new or has changed.
    pub async fn apply(&mut self, config: &Config) {
        let wanted: Vec<Key> = config.zones.iter().flat_map(|zone| keys(config, zone)).collect();
        let (stay, gone): (Vec<Running>, Vec<Running>) =
            std::mem::take(&mut self.running).into_iter().partition(|it| wanted.contains(&it.key));
        self.running = stay;
        // One at a time may write to a zone: whoever comes next waits for these.
        let mut ending: Vec<(Name, JoinHandle<()>)> = Vec::new();
        for running in gone {
            ending.push((running.key.zone.clone(), self.end(running).await));
        }
        for key in wanted {
            if !self.running.iter().any(|running| running.key == key) {
                let same_zone = |(zone, _): &mut (Name, JoinHandle<()>)| *zone == key.zone;
                let before = ending.extract_if(.., same_zone).map(|(_, task)| task).collect();
                self.start(key, before).await;
            }
        }
        self.shown.replace(self.running.iter().map(|running| running.shown.clone()).collect());
    }

    async fn start(&mut self, key: Key, before: Vec<JoinHandle<()>>) {
        let (inputs, receiver) = mpsc::channel(INPUTS);
        let (permission, may_write) =
            watch::channel(Permission::No("preflight has not passed yet".into()));
        let shown = Arc::new(Mirror::new(key.zone.clone(), &key.provider, inputs));
        let wishes = Arc::new(providers::sync::wishes::Wishes::default());
        let (zone, feeding) = (key.zone.clone(), wishes.clone());
        let feed_id = self.pipeline.ask(move |pipeline| pipeline.feed_mirror(&zone, feeding)).await;
        // A pipeline that has ended feeds nobody, and fedns is stopping.
        let Ok(feed_id) = feed_id else { return };
        let supervisor = Supervisor {
            key: key.clone(),
            connector: self.connector.clone(),
            wishes,
            inputs: receiver,
            permission: permission.clone(),
            may_write,
            shown: shown.clone(),
            writer: self.writer.clone(),
            lease: self.leader.as_ref().map(Leader::holding),
            guard: GuardFile::new(&self.state_dir, &key.file_name()),
            metrics: self.metrics.clone(),
        };
        let task = tokio::spawn(async move {
            for task in before {
                // However it ended, it has ended.
                let _ = task.await;
            }
            supervisor.run().await;
        });
        self.running.push(Running { key, feed_id, shown, permission, task });
    }

    /// Its last call may still be under way in the task that is returned.
    async fn end(&self, running: Running) -> JoinHandle<()> {
        let Running { feed_id, shown, permission, task, .. } = running;
        permission.send_replace(Permission::Stopping);
        shown.close();
        // A pipeline that has ended feeds nobody.
        let _ = self.pipeline.ask(move |pipeline| pipeline.forget_mirror(feed_id)).await;
        task
    }

    /// Has every provider looked at now, and whatever waits after a failure tried again.
    pub fn look_again(&self) {
        for running in &self.running {
            // One that is busy looks anyway.
            running.shown.order(Input::Check);
        }
    }

    /// Ends all mirrors; calls under way are given a moment. What is left undone, the next start does.
    pub async fn stop(mut self) {
        let mut tasks = Vec::new();
        for running in std::mem::take(&mut self.running) {
            tasks.push(self.end(running).await);
        }
        for mut task in tasks {
            if tokio::time::timeout(STOP_WAIT, &mut task).await.is_err() {
                warn!("a provider's call is still under way and is given up");
                task.abort();
            }
        }
        if let Some(leader) = self.leader.take() {
            leader.stop().await;
        }
    }
}

fn keys<'a>(config: &'a Config, zone: &'a ZoneConfig) -> impl Iterator<Item = Key> + 'a {
    zone.providers.iter().map(|provider| Key::new(config, zone, provider))
}

// === impl Key ===

impl Key {
    fn new(config: &Config, zone: &ZoneConfig, provider: &ProviderConfig) -> Self {
        Self {
            federation: config.federation.clone(),
            zone: zone.name.clone(),
            ttl: zone.ttl,
            levels: zone.levels,
            provider: provider.clone(),
        }
    }

    /// What goes to this hosted zone.
    fn scope(&self, hosted: &Name) -> Scope {
        Scope {
            federation: self.federation.clone(),
            domain: self.zone.clone(),
            hosted: hosted.clone(),
            levels: self.provider.levels.unwrap_or(self.levels),
            types: self.provider.types.clone(),
            ttl: self.provider.ttl,
        }
    }

    /// Tells the state of this mirror from that of others.
    fn file_name(&self) -> String {
        let ProviderConfig { kind, owner, .. } = &self.provider;
        format!("{}-{owner}-{}", kind.word(), self.zone)
    }

    /// `alidns for example.com.`
    fn title(&self) -> String {
        format!("{} for {}", self.provider.kind.word(), self.zone)
    }

    /// Who is asked whether a change is visible. `told`: the name servers that the provider names.
    fn asked(&self, told: BTreeSet<Name>) -> Vec<Server> {
        match (&self.provider.name_servers, &self.provider.kind) {
            (Some(named), _) => named.clone(),
            // The only one that is known to be reached.
            (None, ProviderKind::Rfc2136(Rfc2136Config { server, .. })) => vec![server.clone()],
            (None, _) => told.iter().filter_map(|name| Server::parse(&name.to_string())).collect(),
        }
    }
}
