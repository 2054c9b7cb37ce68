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

mod departures;
mod guard;
mod input;
mod members;
mod publish;
mod reload;
mod still;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime};

use clusters::Cluster;
use dns_server::Writer;
use model::{ClusterChange, ClusterName, ClusterView, Freshness, Name, RecordSet, UnixTime};
use planner::ladder::LeftOutName;
use planner::{Effects, Planner, ZoneSettings};
use providers::sync::wishes::{Cause, Wishes};
use tokio::sync::{mpsc, oneshot};
use tracing::{info, warn};
use watcher::{ClusterEvent, Saved};

use crate::heap;
use crate::leader::serials::LeasedSerials;
use crate::metrics::Metrics;
use crate::mirror::feed::{self, Feed};
use crate::state::{ClusterNote, Ownership, StateFolder, StateWriter};
use departures::Departures;
pub use guard::{HeldCause, ReloadHeld};
pub use input::{Ended, Input, PipelineHandle, WatchId};
use members::Member;
use publish::ServedZone;
use reload::{Decide, Staging};
pub use reload::{Decision, Reload};

/// Changes that one batch takes at the most, so that none waits long for its publication.
const BATCH_MAX: usize = 4096;
/// What a zone has, name by name.
type NamesOfZone<'a> = Box<dyn Iterator<Item = (Name, Vec<RecordSet>)> + 'a>;

/// What a pipeline begins with.
pub struct Beginning<'a> {
    pub zones: Vec<ZoneSettings>,
    pub clusters: &'a [Cluster],
    /// No others can be named later.
    pub members_are_known: bool,
    /// Where the same zones are served by other processes, too.
    pub leased: Option<LeasedSerials>,
    /// Whose the state folder is yet.
    pub ownership: Ownership,
    /// Another process has answered with just what is saved: so does this one, and waits for nobody.
    pub goes_on: bool,
}

/// The one owner of the federation's state.
pub struct Pipeline {
    planner: Planner,
    writer: Writer,
    zones: Vec<ServedZone>,
    members: BTreeMap<ClusterName, Member>,
    left_out: BTreeMap<String, LeftOutName>,
    /// The reload that waits for its clusters to be seen with other eyes.
    staging: Option<Staging>,
    feed: Feed,
    state: StateWriter,
    /// Where the same zones are served by other processes, too.
    leased: Option<LeasedSerials>,
    metrics: Arc<Metrics>,
    /// False while there may be members that nobody has named yet: then no name counts as gone.
    members_are_known: bool,
    published: bool,
    /// Told of the first publication.
    on_published: Option<oneshot::Sender<()>>,
    startup_over: bool,
}

// === impl Pipeline ===

impl Pipeline {
    /// Takes saved shards in and announces the zones; publishes at once where nothing is missing.
    /// Also returns what was saved of each cluster, for its watcher.
    pub fn new(
        beginning: Beginning<'_>,
        folder: StateFolder,
        mut writer: Writer,
        metrics: Arc<Metrics>,
        on_published: oneshot::Sender<()>,
    ) -> std::io::Result<(Self, BTreeMap<ClusterName, Saved>)> {
        let Beginning { zones, clusters, members_are_known, leased, ownership, goes_on } =
            beginning;
        let now = unix_now();
        let mut served = Vec::with_capacity(zones.len());
        for settings in &zones {
            if let Err(error) = writer.announce(&settings.zone) {
                warn!(zone = %settings.zone, %error, "the zone cannot be announced");
            }
            let history = folder.load_history(&settings.zone, now);
            let saved = match ownership {
                Ownership::Ours => folder.open_zone(&settings.zone, now),
                Ownership::Shared => folder.known_zone(&settings.zone, now),
            };
            served.push(ServedZone::new(saved, history));
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
            staging: None,
            feed: Feed::default(),
            state: StateWriter::start(folder, ownership)?,
            leased,
            metrics,
            members_are_known,
            published: false,
            on_published: Some(on_published),
            startup_over: false,
        };
        match goes_on {
            true => pipeline.publish_first(),
            false => pipeline.publish_first_if_ready(),
        }
        Ok((pipeline, loaded))
    }

    /// Runs on a thread of its own until [`Input::Stop`] or until every handle is gone.
    pub fn spawn(self) -> std::io::Result<(PipelineHandle, JoinHandle<()>)> {
        let (handle, receiver) = PipelineHandle::new();
        let thread = std::thread::Builder::new()
            .name("fedns-pipeline".into())
            .spawn(move || self.run(receiver))?;
        Ok((handle, thread))
    }

    fn run(mut self, mut inputs: mpsc::Receiver<Input>) {
        // What came while the pipeline stood still.
        let mut waiting = VecDeque::new();
        while let Some(first) = waiting.pop_front().or_else(|| inputs.blocking_recv()) {
            let mut batch = Batch::new(&self.planner);
            let mut next = Some(first);
            while let Some(input) = next {
                match self.take_in(input, &mut batch) {
                    Then::Next => {}
                    Then::StandStill(reply) => {
                        self.settle(&mut batch);
                        if !self.stand_still(reply, &mut inputs, &mut waiting) {
                            return;
                        }
                    }
                    Then::Stop => {
                        self.finish(batch);
                        return self.stop();
                    }
                }
                let more = batch.received.len() < BATCH_MAX;
                let received = || waiting.pop_front().or_else(|| inputs.try_recv().ok());
                next = more.then(received).flatten();
            }
            self.finish(batch);
        }
        self.stop();
    }

    fn take_in(&mut self, input: Input, batch: &mut Batch) -> Then {
        match input {
            Input::Watch(cluster, watch) => {
                if let Some(member) = self.members.get_mut(&cluster) {
                    member.follow(watch);
                }
            }
            Input::Cluster(watch, event) => self.take_event(watch, event, batch),
            Input::Memory(cluster, memory) => {
                // A cluster that has left needs no memory.
                if let Some(member) = self.members.get_mut(&cluster) {
                    let note = member.remember(memory);
                    batch.notes.push((cluster, note));
                }
            }
            Input::Ask(question) => {
                // The asker sees what readers see.
                self.settle(batch);
                question(self);
            }
            Input::Serials => {
                self.settle(batch);
                self.follow_serials();
            }
            Input::StartupTimeout => {
                self.startup_over = true;
                self.publish_first_if_ready();
            }
            Input::Reload(reload, decision) => {
                self.staging = Some(Staging::new(*reload, decision));
                self.decide_reload(Decide::WhenComplete, batch);
            }
            Input::DecideReload => self.decide_reload(Decide::Now, batch),
            Input::ForgetReload => self.staging = None,
            Input::StandStill(reply) => return Then::StandStill(reply),
            // It does.
            Input::GoOn(_, done) => drop(done),
            Input::Reserve(_, done) => drop(done),
            Input::Stop => return Then::Stop,
        }
        Then::Next
    }

    /// Where what is known of a cluster was seen.
    #[cfg(feature = "federation")]
    pub fn source(&self, cluster: &ClusterName) -> Option<&clusters::Source> {
        self.members.get(cluster).map(Member::source)
    }

    fn take_event(&mut self, watch: WatchId, event: ClusterEvent, batch: &mut Batch) {
        let ClusterEvent { cluster, change, received } = event;
        if let Some(staging) = &mut self.staging
            && staging.is_seen_by(&cluster, watch)
        {
            staging.see(&cluster, change);
            return self.decide_reload(Decide::WhenComplete, batch);
        }
        let followed = self.members.get_mut(&cluster).filter(|member| member.follows(watch));
        let Some(member) = followed else {
            // Its watcher was stopped while this event was on its way.
            return;
        };
        log_freshness(&cluster, &change);
        let had_view = member.has_view();
        if let Some(note) = member.note(&change) {
            batch.notes.push((cluster.clone(), note));
        }
        let is_first_view = !had_view && member.has_view();
        if self.published {
            batch.departures.note(self.planner.federation(), &cluster, &change);
            self.planner.apply(&cluster, change, &mut batch.effects);
            batch.received.push(received);
            if is_first_view {
                // Mirrors hear of the view itself before.
                self.settle(batch);
                self.tell_clusters_known();
            }
        } else {
            self.planner.absorb(&cluster, change);
            self.publish_first_if_ready();
        }
    }

    /// Publishes what the batch did, if it did anything, and then has it saved: answers do not wait
    /// for the thread that writes.
    fn finish(&mut self, batch: Batch) {
        let Batch { effects, received, notes, departures, is_asked_for } = batch;
        let Effects { diffs, newly_left_out, no_longer_left_out } = effects;
        for (zone, diff) in diffs.iter().enumerate().filter(|(_, diff)| !diff.is_empty()) {
            let since = received.iter().min().copied();
            self.publish_diff(zone, diff, Cause { since, is_asked_for });
        }
        let published_at = Instant::now();
        for received in received {
            self.metrics.publication(published_at.saturating_duration_since(received));
        }
        self.update_left_out(newly_left_out, &no_longer_left_out);
        departures.log();
        for (cluster, note) in notes {
            self.state.cluster(&cluster, note);
        }
    }

    /// Publishes what has been collected, so that what follows begins with what readers see.
    fn settle(&mut self, batch: &mut Batch) {
        self.finish(std::mem::replace(batch, Batch::new(&self.planner)));
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

    /// Everything is planned once, when no member lacks a view or the wait is over. Without any member,
    /// and while there may be some, the wait goes on: no name is known to be absent.
    fn publish_first_if_ready(&mut self) {
        let waiting = !self.clusters_are_known();
        let knows_nothing = !self.members_are_known && self.members.is_empty();
        if self.published || knows_nothing || (waiting && !self.startup_over) {
            return;
        }
        self.publish_first();
    }

    fn publish_first(&mut self) {
        self.planner.absorbed();
        for zone in 0..self.zones.len() {
            self.publish_whole(zone);
        }
        heap::give_back();
        self.published = true;
        self.tell_clusters_known();
        if let Some(on_published) = self.on_published.take() {
            // Whoever waited may be stopping already.
            let _ = on_published.send(());
        }
    }

    /// Exact serials, and the state thread's last group.
    fn stop(self) {
        self.save_exactly();
        drop(self.state);
    }

    fn save_exactly(&self) {
        let Self { planner, writer, zones, state, published, .. } = self;
        if *published {
            for (zone, settings) in planner.zones().enumerate() {
                let name = &settings.zone;
                if let Some(saved) = zones[zone].stop(planner, zone, name) {
                    let history = publish::history_of(writer, name, &saved);
                    state.history(name, history);
                    state.zone(saved);
                }
            }
        }
    }
}

// === mirrors ===

impl Pipeline {
    /// From now on, a mirror is told of a zone: all that it has, once it is published, and each change.
    pub fn feed_mirror(&self, zone: &Name, wishes: Arc<Wishes>) -> u64 {
        if self.published {
            self.with_names(zone, |names| feed::put_all(&wishes, names));
            if self.clusters_are_known() {
                wishes.clusters_known();
            }
        }
        self.feed.add(zone, wishes)
    }

    pub fn forget_mirror(&self, id: u64) {
        self.feed.remove(id);
    }

    fn with_names(&self, zone: &Name, take: impl FnOnce(NamesOfZone<'_>)) {
        if let Some(index) = self.planner.zones().position(|settings| settings.zone == *zone) {
            take(Box::new(self.planner.zone_names(index, &mut Vec::new())));
        }
    }

    fn clusters_are_known(&self) -> bool {
        self.members_are_known && self.members.values().all(Member::has_view)
    }

    fn tell_clusters_known(&self) {
        if self.clusters_are_known() {
            self.feed.clusters_known();
        }
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

/// What follows an input.
enum Then {
    Next,
    StandStill(oneshot::Sender<std::io::Result<std::fs::File>>),
    Stop,
}

/// Changes that are published together.
struct Batch {
    effects: Effects,
    /// When each change was read from its watch.
    received: Vec<Instant>,
    /// What the state files must hold of it, in the order of the changes.
    notes: Vec<(ClusterName, ClusterNote)>,
    departures: Departures,
    /// Somebody asked for just this.
    is_asked_for: bool,
}

impl Batch {
    fn new(planner: &Planner) -> Self {
        Self {
            effects: planner.no_effects(),
            received: Vec::new(),
            notes: Vec::new(),
            departures: Departures::default(),
            is_asked_for: false,
        }
    }
}

fn log_freshness(cluster: &ClusterName, change: &ClusterChange) {
    match change {
        ClusterChange::Freshness(Freshness::Live) => info!(%cluster, "the cluster is live"),
        ClusterChange::Freshness(Freshness::Stale { reason, .. }) => {
            warn!(%cluster, %reason, "the cluster is stale: its addresses stand as they are");
        }
        _ => {}
    }
}

/// The clock, read at the edge.
pub fn unix_now() -> UnixTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    UnixTime(since.map_or(0, |since| since.as_secs()))
}
