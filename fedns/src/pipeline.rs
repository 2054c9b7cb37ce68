//! Where watchers, planner, store and state meet: the trip of one address, in the middle.
//!
//! ```text
//! [ watchers ] --ClusterEvent--> [ Pipeline ] --ZoneDiff--> [ store's Writer ] --> readers
//!                                  | planner |  --notes---> [ StateWriter ]
//! [ admin ] ----Ask------------>   | metrics |
//! ```
//!
//! One thread owns all of it, so no state is shared and no step calls back. There is no fixed
//! delay: the first change goes at once, and those that arrive while it is being published are the
//! next batch.

mod members;
mod publish;

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime};

use clusters::Cluster;
use dns_server::Writer;
use model::{ClusterChange, ClusterName, ClusterView, UnixTime};
use planner::ladder::LeftOutName;
use planner::{Effects, Planner, ZoneSettings};
use tokio::sync::{mpsc, oneshot};
use tracing::warn;
use watcher::{ClusterEvent, Memory, Saved};

use crate::metrics::Metrics;
use crate::state::{ClusterNote, StateFolder, StateWriter};
use members::Member;
use publish::ServedZone;

/// Changes that one batch takes at the most, so that none waits long for its publication.
const BATCH_MAX: usize = 4096;
/// Room for events that wait for the pipeline.
const QUEUE: usize = 4096;

/// What reaches the pipeline.
pub enum Input {
    Cluster(ClusterEvent),
    /// What a watcher wants to be told again at the next start.
    Memory(ClusterName, Memory),
    /// Runs on the pipeline's thread, between two batches.
    Ask(Box<dyn FnOnce(&Pipeline) + Send>),
    /// The wait for clusters without any view is over.
    StartupTimeout,
    /// Other clusters or zones.
    Reload(Box<Reload>, oneshot::Sender<Result<(), ReloadHeld>>),
    /// Save the exact serials and end.
    Stop,
}

/// What a reload changes.
pub struct Reload {
    pub zones: Vec<ZoneSettings>,
    pub clusters: Vec<Cluster>,
    /// The hash of a held reload that may be carried out.
    pub approved: Option<String>,
}

/// A reload that would make too many names vanish is carried out only when approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReloadHeld {
    pub vanishing: usize,
    pub served: usize,
    /// Of the names that would vanish; an approval is good for exactly these.
    pub hash: String,
}

/// The one owner of the federation's state.
pub struct Pipeline {
    planner: Planner,
    writer: Writer,
    zones: Vec<ServedZone>,
    members: BTreeMap<ClusterName, Member>,
    left_out: BTreeMap<String, LeftOutName>,
    state: StateWriter,
    metrics: Arc<Metrics>,
    published: bool,
    /// Told of the first publication.
    on_published: Option<oneshot::Sender<()>>,
    startup_over: bool,
}

/// Sends inputs to a running pipeline. Cheap to clone.
#[derive(Clone)]
pub struct PipelineHandle {
    inputs: mpsc::Sender<Input>,
}

/// The pipeline has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended;

// === impl PipelineHandle ===

impl PipelineHandle {
    /// Asks a question of the state, answered between two batches.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Pipeline) -> T + Send + 'static,
    ) -> Result<T, Ended> {
        let (answer, answered) = oneshot::channel();
        let ask = Input::Ask(Box::new(move |pipeline| {
            // Nobody waits any more when the asker's connection has closed.
            let _ = answer.send(question(pipeline));
        }));
        self.send(ask).await?;
        answered.await.map_err(|_| Ended)
    }

    pub async fn send(&self, input: Input) -> Result<(), Ended> {
        self.inputs.send(input).await.map_err(|_| Ended)
    }

    pub async fn reload(&self, reload: Reload) -> Result<Result<(), ReloadHeld>, Ended> {
        let (done, result) = oneshot::channel();
        self.send(Input::Reload(Box::new(reload), done)).await?;
        result.await.map_err(|_| Ended)
    }
}

// === impl Pipeline ===

impl Pipeline {
    /// Takes saved shards in and announces the zones; publishes at once where nothing is missing.
    /// Also returns what was saved of each cluster, for its watcher.
    pub fn new(
        zones: Vec<ZoneSettings>,
        clusters: &[Cluster],
        folder: StateFolder,
        mut writer: Writer,
        metrics: Arc<Metrics>,
        on_published: oneshot::Sender<()>,
    ) -> std::io::Result<(Self, BTreeMap<ClusterName, Saved>)> {
        let now = unix_now();
        let mut served = Vec::with_capacity(zones.len());
        for settings in &zones {
            if let Err(error) = writer.announce(&settings.zone) {
                warn!(zone = %settings.zone, %error, "the zone cannot be announced");
            }
            served.push(ServedZone::new(folder.open_zone(&settings.zone, now)));
        }
        let mut planner = Planner::new(zones);
        let mut members = BTreeMap::new();
        let mut loaded = BTreeMap::new();
        for cluster in clusters {
            let saved = folder.load_cluster(&cluster.name, now);
            if let Some(saved) = &saved {
                loaded.insert(cluster.name.clone(), saved.clone());
            }
            members.insert(cluster.name.clone(), Member::start(cluster, saved, &mut planner));
        }
        folder.warn_of_others(clusters);
        planner.absorbed();
        let mut pipeline = Self {
            planner,
            writer,
            zones: served,
            members,
            left_out: BTreeMap::new(),
            state: StateWriter::start(folder)?,
            metrics,
            published: false,
            on_published: Some(on_published),
            startup_over: false,
        };
        pipeline.publish_first_if_ready();
        Ok((pipeline, loaded))
    }

    /// Runs on a thread of its own until [`Input::Stop`] or until every handle is gone.
    pub fn spawn(self) -> std::io::Result<(PipelineHandle, JoinHandle<()>)> {
        let (inputs, receiver) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("fedns-pipeline".into())
            .spawn(move || self.run(receiver))?;
        Ok((PipelineHandle { inputs }, thread))
    }

    fn run(mut self, mut inputs: mpsc::Receiver<Input>) {
        while let Some(first) = inputs.blocking_recv() {
            let mut batch = Batch::new(&self.planner);
            let mut next = Some(first);
            while let Some(input) = next {
                if !self.take_in(input, &mut batch) {
                    self.finish(batch);
                    return self.stop();
                }
                let more = batch.received.len() < BATCH_MAX;
                next = more.then(|| inputs.try_recv().ok()).flatten();
            }
            self.finish(batch);
        }
        self.stop();
    }

    /// False when it was the last input.
    fn take_in(&mut self, input: Input, batch: &mut Batch) -> bool {
        match input {
            Input::Cluster(event) => self.take_event(event, batch),
            Input::Memory(cluster, memory) => {
                // A cluster that has left needs no memory.
                if let Some(member) = self.members.get_mut(&cluster) {
                    let note = member.remember(memory);
                    batch.notes.push((cluster, note));
                }
            }
            Input::Ask(question) => {
                // The asker sees what readers see.
                self.finish(std::mem::replace(batch, Batch::new(&self.planner)));
                question(self);
            }
            Input::StartupTimeout => {
                self.startup_over = true;
                self.publish_first_if_ready();
            }
            Input::Reload(reload, done) => {
                self.finish(std::mem::replace(batch, Batch::new(&self.planner)));
                // A caller that has gone needs no answer.
                let _ = done.send(self.reload(*reload));
                *batch = Batch::new(&self.planner);
            }
            Input::Stop => return false,
        }
        true
    }

    fn take_event(&mut self, event: ClusterEvent, batch: &mut Batch) {
        let ClusterEvent { cluster, change, received } = event;
        let Some(member) = self.members.get_mut(&cluster) else {
            // Its watcher was stopped while this event was on its way.
            return;
        };
        if let Some(note) = member.note(&change) {
            batch.notes.push((cluster.clone(), note));
        }
        if self.published {
            self.planner.apply(&cluster, change, &mut batch.effects);
            batch.received.push(received);
        } else {
            self.planner.absorb(&cluster, change);
            self.publish_first_if_ready();
        }
    }

    /// Publishes what the batch did, if it did anything, and then has it saved: answers do not wait
    /// for the thread that writes.
    fn finish(&mut self, batch: Batch) {
        let Batch { effects, received, notes } = batch;
        let Effects { diffs, newly_left_out, no_longer_left_out } = effects;
        for (zone, diff) in diffs.iter().enumerate().filter(|(_, diff)| !diff.is_empty()) {
            self.publish_diff(zone, diff);
        }
        let published_at = Instant::now();
        for received in received {
            self.metrics.publication(published_at.saturating_duration_since(received));
        }
        self.update_left_out(newly_left_out, &no_longer_left_out);
        for (cluster, note) in notes {
            self.state.cluster(&cluster, note);
        }
    }

    fn update_left_out(&mut self, new: Vec<LeftOutName>, gone: &[LeftOutName]) {
        for left in gone {
            self.left_out.remove(&left.name);
        }
        for left in new {
            let LeftOutName { name, service, reason } = &left;
            warn!(%name, %service, %reason, "a name is left out");
            self.left_out.insert(name.clone(), left);
        }
    }

    /// After a change of what decides everything, everything is asked again.
    fn recount_left_out(&mut self) {
        if !self.published {
            return;
        }
        let mut now = Vec::new();
        for zone in 0..self.zones.len() {
            self.planner.zone_names(zone, &mut now).for_each(drop);
        }
        let before = std::mem::take(&mut self.left_out);
        let (known, new) = now.into_iter().partition(|left| before.contains_key(&left.name));
        self.left_out.extend(Vec::into_iter(known).map(|left| (left.name.clone(), left)));
        self.update_left_out(new, &[]);
    }

    /// Everything is planned once, when no configured cluster lacks a view or the wait is over.
    fn publish_first_if_ready(&mut self) {
        let waiting = self.members.values().any(|member| !member.has_view());
        if self.published || (waiting && !self.startup_over) {
            return;
        }
        self.planner.absorbed();
        for zone in 0..self.zones.len() {
            self.publish_whole(zone);
        }
        self.published = true;
        if let Some(on_published) = self.on_published.take() {
            // Whoever waited may be stopping already.
            let _ = on_published.send(());
        }
    }

    /// Takes over other settings and members; what changes is published like any change.
    fn reload(&mut self, reload: Reload) -> Result<(), ReloadHeld> {
        let Reload { zones, clusters, approved } = reload;
        if let Some(held) = self.vanishing_too_many(&zones, &clusters)
            && approved.as_ref() != Some(&held.hash)
        {
            return Err(held);
        }
        let gone: Vec<ClusterName> = self
            .members
            .keys()
            .filter(|name| !clusters.iter().any(|cluster| cluster.name == **name))
            .cloned()
            .collect();
        let mut effects = self.planner.no_effects();
        for name in gone {
            self.members.remove(&name);
            self.state.cluster(&name, ClusterNote::Forget);
            self.planner.apply(&name, ClusterChange::Gone, &mut effects);
        }
        for cluster in &clusters {
            let planner = &mut self.planner;
            let member = self.members.entry(cluster.name.clone());
            member.or_insert_with(|| Member::start(cluster, None, planner));
        }
        self.finish(Batch { effects, ..Batch::new(&self.planner) });
        self.replace_zones(zones);
        self.recount_left_out();
        Ok(())
    }

    /// Exact serials, and the state thread's last group.
    fn stop(self) {
        let Self { planner, zones, state, published, .. } = self;
        if published {
            for (zone, settings) in planner.zones().enumerate() {
                if let Some(saved) = zones[zone].stop(&planner, zone, &settings.zone) {
                    state.zone(saved);
                }
            }
        }
        drop(state);
    }
}

// === what the admin pages ask ===

impl Pipeline {
    pub fn planner(&self) -> &Planner {
        &self.planner
    }

    /// What a cluster contributes now, left-out Services included.
    pub fn view(&self, cluster: &ClusterName) -> ClusterView {
        let federation = self.planner.federation();
        let Some(id) = federation.cluster_id(cluster) else { return ClusterView::default() };
        let entry = federation.cluster(id);
        let services = entry.services().filter_map(|service| {
            let service = federation.service_by_id(service);
            Some((service.key.clone(), service.of_cluster(id)?.clone()))
        });
        ClusterView { topology: entry.topology.clone(), services: services.collect() }
    }

    pub fn is_published(&self) -> bool {
        self.published
    }

    /// Sorted by name.
    pub fn left_out(&self) -> impl Iterator<Item = &LeftOutName> {
        self.left_out.values()
    }
}

impl Display for ReloadHeld {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { vanishing, served, hash } = self;
        write!(
            f,
            "{vanishing} of {served} names would vanish; if that is meant: fedns plan approve {hash}"
        )
    }
}

/// Changes that are published together.
struct Batch {
    effects: Effects,
    /// When each change was read from its watch.
    received: Vec<Instant>,
    /// What the state files must hold of it, in the order of the changes.
    notes: Vec<(ClusterName, ClusterNote)>,
}

impl Batch {
    fn new(planner: &Planner) -> Self {
        Self { effects: planner.no_effects(), received: Vec::new(), notes: Vec::new() }
    }
}

/// The clock, read at the edge.
pub fn unix_now() -> UnixTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    UnixTime(since.map_or(0, |since| since.as_secs()))
}
