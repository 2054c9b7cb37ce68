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
//! - [`alone`]: plans without a running server; [`withdraw`]: those that end a federation
//! - [`check`]: preflight without a running mirror
//! - [`gate`]: what is in the way of every write
//! - [`supervise`]: one mirror from its start to its end
//! - [`revive`]: one that broke off is started again
//! - [`visible`]: whether the provider's own name servers show what it has taken
//! - here: which mirrors run, after a start and after each reload

pub mod alone;
pub mod check;
pub mod connect;
pub mod feed;
mod gate;
mod revive;
mod shown;
mod supervise;
mod visible;
#[cfg(feature = "federation")]
pub mod withdraw;

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clusters::lease::Holding;
use model::Name;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tracing::warn;

use crate::config::{Config, ProviderConfig, ProviderKind, Rfc2136Config, ZoneConfig};
use crate::metrics::Metrics;
use crate::pipeline::PipelineHandle;
use crate::state::guard_file::GuardFile;
use connect::Connector;
use providers::rfc2136::Server;
use providers::sync::engine::Input;
use providers::sync::permission::Permission;
use providers::sync::scope::Scope;
use providers::sync::wishes::Wishes;
pub use shown::{Mirror, MirrorList};
use supervise::Supervisor;

/// How long a stop waits for the call that is under way.
const STOP_WAIT: Duration = Duration::from_secs(10);

/// The mirrors that run.
pub struct Mirrors {
    running: Vec<Running>,
    pipeline: PipelineHandle,
    connector: Connector,
    shown: MirrorList,
    writer: Arc<str>,
    lease: Option<watch::Receiver<Holding>>,
    state_dir: PathBuf,
    resolvers: Vec<SocketAddr>,
    metrics: Arc<Metrics>,
}

struct Running {
    /// What it was started with; any difference starts it anew.
    key: Key,
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
    /// Where that is, if the zone goes to another one of its kind, too.
    at: Option<String>,
    /// A sum of what the provider's file holds; `None` where there is none, or it cannot be read.
    file_sum: Option<u64>,
}

// === impl Mirrors ===

impl Mirrors {
    /// `writer`: the id under which this state folder writes at providers. [`Self::follow`] says who
    /// may, where that is decided by a lease.
    pub fn new(
        pipeline: PipelineHandle,
        shown: MirrorList,
        metrics: Arc<Metrics>,
        writer: &str,
        config: &Config,
    ) -> Self {
        let (running, connector) = (Vec::new(), Connector::default());
        let (writer, state_dir) = (writer.into(), config.state_dir.clone());
        let resolvers = config.resolver.clone();
        Self {
            running,
            pipeline,
            connector,
            shown,
            writer,
            lease: None,
            state_dir,
            resolvers,
            metrics,
        }
    }

    /// Stops what is not configured any more, starts what is new or has changed.
    pub async fn apply(&mut self, config: &Config) {
        let mut wanted: Vec<Key> =
            config.zones.iter().flat_map(|zone| keys(config, zone)).collect();
        for key in &mut wanted {
            self.running.iter().for_each(|running| key.keep_file_of(&running.key));
        }
        let (stay, gone): (Vec<Running>, Vec<Running>) =
            std::mem::take(&mut self.running).into_iter().partition(|it| wanted.contains(&it.key));
        self.running = stay;
        // One at a time may write to a zone: whoever comes next waits for these.
        let mut ending: Vec<(Name, JoinHandle<()>)> = Vec::new();
        for running in gone {
            tell_left_behind(&running, &wanted);
            ending.push((running.key.zone.clone(), Self::end(running)));
        }
        for key in wanted {
            if !self.running.iter().any(|running| running.key == key) {
                let same_zone = |(zone, _): &mut (Name, JoinHandle<()>)| *zone == key.zone;
                let before = ending.extract_if(.., same_zone).map(|(_, task)| task).collect();
                self.start(key, before);
            }
        }
        self.shown.replace(self.running.iter().map(|running| running.shown.clone()).collect());
    }

    fn start(&mut self, key: Key, before: Vec<JoinHandle<()>>) {
        let permission = watch::Sender::new(not_yet());
        let shown = Arc::new(Mirror::new(key.scope(&key.zone), &key.provider, key.at.clone()));
        let template = Template {
            key: key.clone(),
            connector: self.connector.clone(),
            permission: permission.clone(),
            shown: shown.clone(),
            pipeline: self.pipeline.clone(),
            writer: self.writer.clone(),
            lease: self.lease.clone(),
            state_dir: self.state_dir.clone(),
            resolvers: self.resolvers.clone(),
            metrics: self.metrics.clone(),
        };
        let (mirror, while_running) = (shown.clone(), permission.clone());
        let task = tokio::spawn(async move {
            for task in before {
                // However it ended, it has ended.
                let _ = task.await;
            }
            let live = |inputs| template.live(inputs);
            revive::keep(&template.key.title(), &mirror, &while_running, revive::AGAIN, live).await;
        });
        self.running.push(Running { key, shown, permission, task });
    }

    /// Its last call may still be under way in the task that is returned.
    fn end(running: Running) -> JoinHandle<()> {
        let Running { shown, permission, task, .. } = running;
        permission.send_replace(Permission::Stopping);
        shown.close();
        task
    }

    /// Has every provider looked at now, and whatever waits after a failure tried again.
    pub fn look_again(&self) {
        for running in &self.running {
            // One that is busy looks anyway.
            running.shown.order(Input::Check);
        }
    }

    /// From now on this decides who may write; for mirrors that start.
    pub fn follow(&mut self, lease: Option<watch::Receiver<Holding>>) {
        self.lease = lease;
    }

    /// Ends all mirrors; calls under way are given a moment. What is left undone, the next start does.
    pub async fn stop(&mut self) {
        let mut tasks = Vec::new();
        for running in std::mem::take(&mut self.running) {
            tasks.push(Self::end(running));
        }
        // All of them together: whoever is to go on waits no longer where many are stuck.
        let until = tokio::time::Instant::now() + STOP_WAIT;
        for mut task in tasks {
            if tokio::time::timeout_at(until, &mut task).await.is_err() {
                warn!("a provider's call is still under way and is given up");
                task.abort();
            }
        }
    }
}

/// A mirror that is taken out of the config deletes nothing, and nobody keeps what it leaves.
fn tell_left_behind(running: &Running, wanted: &[Key]) {
    let Key { zone, provider, .. } = &running.key;
    let is_same = |key: &Key| {
        let (kind, other) = (&key.provider.kind, &provider.kind);
        kind.word() == other.word() && kind.place() == other.place()
    };
    let goes_on = |key: &Key| key.zone == *zone && is_same(key);
    let names = running.shown.status().map_or(0, |status| status.owned);
    if names > 0 && !wanted.iter().any(goes_on) {
        let mirror = running.key.title();
        warn!(
            %mirror, owner = %provider.owner, names,
            "this provider is not in the config any more: its names stay there, and nobody keeps them; put it \
             back, or delete them at the provider"
        );
    }
}

fn keys<'a>(config: &'a Config, zone: &'a ZoneConfig) -> impl Iterator<Item = Key> + 'a {
    zone.providers.iter().map(|provider| Key::new(config, zone, provider))
}

fn not_yet() -> Permission {
    Permission::No("preflight has not passed yet".into())
}

/// All that each life of one mirror begins with.
struct Template {
    key: Key,
    connector: Connector,
    permission: watch::Sender<Permission>,
    shown: Arc<Mirror>,
    pipeline: PipelineHandle,
    writer: Arc<str>,
    lease: Option<watch::Receiver<Holding>>,
    state_dir: PathBuf,
    resolvers: Vec<SocketAddr>,
    metrics: Arc<Metrics>,
}

// === impl Template ===

impl Template {
    /// One life, to its end.
    async fn live(&self, inputs: mpsc::Receiver<Input>) {
        supervise::decide(&self.permission, not_yet());
        let wishes = Arc::new(Wishes::default());
        let (zone, feeding) = (self.key.zone.clone(), wishes.clone());
        let feed_id = self.pipeline.ask(move |pipeline| pipeline.feed_mirror(&zone, feeding)).await;
        // A pipeline that has ended feeds nobody, and fedns is stopping.
        let Ok(feed_id) = feed_id else { return };
        let _fed = Fed { pipeline: self.pipeline.clone(), feed_id };
        let supervisor = Supervisor {
            key: self.key.clone(),
            connector: self.connector.clone(),
            wishes,
            inputs,
            permission: self.permission.clone(),
            may_write: self.permission.subscribe(),
            shown: self.shown.clone(),
            writer: self.writer.clone(),
            lease: self.lease.clone(),
            guard: GuardFile::new(&self.state_dir, &self.key.file_name()),
            resolvers: self.resolvers.clone(),
            metrics: self.metrics.clone(),
        };
        supervisor.run().await;
    }
}

/// The pipeline tells a mirror of its zone until this is dropped, however its life ends.
struct Fed {
    pipeline: PipelineHandle,
    feed_id: u64,
}

impl Drop for Fed {
    fn drop(&mut self) {
        let Self { pipeline, feed_id } = self;
        let (pipeline, feed_id) = (pipeline.clone(), *feed_id);
        // Without a runtime there is no pipeline either.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            // A pipeline that has ended feeds nobody.
            let _ = pipeline.ask(move |pipeline| pipeline.forget_mirror(feed_id)).await;
        });
    }
}

// === impl Key ===

impl Key {
    fn new(config: &Config, zone: &ZoneConfig, provider: &ProviderConfig) -> Self {
        let kind = provider.kind.word();
        let of_kind = zone.providers.iter().filter(|it| it.kind.word() == kind).count();
        Self {
            at: (of_kind > 1).then(|| provider.kind.place().join(" ")),
            federation: config.federation.clone(),
            zone: zone.name.clone(),
            ttl: zone.ttl,
            levels: zone.levels,
            provider: provider.clone(),
            file_sum: provider.kind.key_file().and_then(sum_of),
        }
    }

    /// A file that cannot be read now changes nothing for a mirror that runs.
    fn keep_file_of(&mut self, running: &Self) {
        let same = Self { file_sum: running.file_sum, ..self.clone() };
        if self.file_sum.is_none() && same == *running {
            *self = same;
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
            filters: self.provider.filters.clone(),
        }
    }

    /// Tells the state of this mirror from that of others: of one owner, zones may go to several accounts
    /// or servers of a kind.
    fn file_name(&self) -> String {
        let ProviderConfig { kind, owner, .. } = &self.provider;
        let name = format!("{}-{owner}-{}", kind.word(), self.zone);
        match kind.place().as_slice() {
            [] => name,
            place => format!("{name}-{:08x}", crc32fast::hash(place.join(" ").as_bytes())),
        }
    }

    /// `alidns for example.com.`
    fn title(&self) -> String {
        title(self.provider.kind.word(), self.at.as_deref(), &self.zone)
    }

    /// Who is asked whether a change is visible. `told`: the name servers that the provider names.
    fn asked(&self, told: &BTreeSet<Name>) -> Vec<Server> {
        match (&self.provider.name_servers, &self.provider.kind) {
            (Some(named), _) => named.clone(),
            // The only one that is known to be reached.
            (None, ProviderKind::Rfc2136(Rfc2136Config { server, .. })) => vec![server.clone()],
            (None, _) => told.iter().filter_map(|name| Server::parse(&name.to_string())).collect(),
        }
    }
}

/// Of a mirror, for people; `at` where it takes that to tell it from another.
fn title(kind: &str, at: Option<&str>, zone: &Name) -> String {
    match at {
        Some(at) => format!("{kind} at {at} for {zone}"),
        None => format!("{kind} for {zone}"),
    }
}

fn sum_of(file: &Path) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    std::fs::read(file).ok()?.hash(&mut hasher);
    Some(hasher.finish())
}

#[cfg(test)]
mod tests {
    use providers::sync::change::Policy;
    use providers::sync::registry::Registry;

    use super::*;

    fn at(server: &str) -> Key {
        let server = Server::parse(server).expect("a server");
        let kind = ProviderKind::Rfc2136(Rfc2136Config { server, config_file: "key".into() });
        Key {
            at: None,
            federation: model::Label::new("fed").expect("a label"),
            zone: Name::parse("example.com").expect("a name"),
            ttl: 180,
            levels: model::Levels::ALL,
            provider: ProviderConfig {
                kind,
                hosted: None,
                owner: "shop".into(),
                ttl: None,
                levels: None,
                types: Scope::default_types(),
                policy: Policy::Sync,
                registry: Registry::Compact,
                name_servers: None,
                filters: Default::default(),
            },
            file_sum: None,
        }
    }

    #[test]
    fn mirrors_at_two_servers_keep_their_states_apart() {
        let one = at("192.0.2.1:53").file_name();
        assert!(one.starts_with("rfc2136-shop-example.com.-"), "{one}");
        assert_eq!(one, at("192.0.2.1:53").file_name());
        assert_ne!(one, at("192.0.2.2:53").file_name());
    }
}
