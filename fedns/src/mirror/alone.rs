//! Plans without a running server: clusters are looked at once, providers are listed once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{ClusterChange, ClusterName, Freshness, Name};
use planner::Planner;
use providers::Provider;
use providers::preflight::Finding;
use providers::provider::{Failure, FailureKind};
use providers::sync::adjust::adjust;
use providers::sync::apply::{Applied, apply_first};
use providers::sync::change::Change;
use providers::sync::diff::Identity;
use providers::sync::mirror::{Adopted, Adoption, Mirror, MirrorSettings};
use providers::sync::plan::{Plan, hash_of};
use providers::sync::progress::{Progress, Report};
use tokio::sync::mpsc;
use watcher::{Resolver, ResolverSettings, Saved};

use super::connect::Connector;
use super::{Key, check, gate};
use crate::config::{Config, ConfigError, ProviderConfig, ZoneConfig, zone_settings};
use crate::pipeline::unix_now;

/// A cluster that has answered has told everything by then.
const EVENTS: usize = 64;

/// A plan, what follows from it, and nothing left; never more than this.
const ROUNDS_MAX: usize = 3;

/// What is to be done at one provider.
pub struct AlonePlan {
    pub title: String,
    /// Where the provider is, as far as the config says.
    pub place: String,
    pub plan: Plan,
    /// Of everything that is to be done, what the guard would hold included.
    pub hash: String,
    pub provider: Arc<dyn Provider>,
    pub mirror: Mirror,
    /// The claim of another writer, which is replaced.
    pub replaced: Option<String>,
    /// What is to be said of another process that writes, where this one only looks.
    pub other_writer: Option<Finding>,
}

/// What a plan is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To bring the provider all that is wanted.
    Sync,
    /// The same, and to be the writer whoever was.
    SyncAndTakeOver,
    /// Only to be the writer.
    TakeOver,
}

/// What is to be taken over at one provider, and what stays with whom it is.
pub struct ImportPlan {
    pub planned: AlonePlan,
    pub adopted: Adopted,
}

/// What came of a plan that was applied.
#[derive(Debug, Default)]
pub struct Outcome {
    pub planned: usize,
    pub landed: usize,
    /// One line each.
    pub failures: Vec<String>,
    /// What others have in the way, which is left alone; one line each.
    pub conflicts: Vec<String>,
}

/// What clusters showed.
pub struct Seen {
    planner: Planner,
    /// Those that did not show everything in time, and why.
    pub missing: BTreeMap<ClusterName, String>,
}

/// Looks at every cluster of the config until it has shown all that it has, or `startupTimeout` is
/// over.
pub async fn look(config: &Config) -> Result<Seen, ConfigError> {
    let (settings, _) = zone_settings(config);
    let mut planner = Planner::new(settings?);
    let servers = ResolverSettings { servers: config.resolver.clone() };
    let resolver = Resolver::new(&servers);
    let (sender, mut events) = mpsc::channel(EVENTS);
    let start = |cluster: &clusters::Cluster| {
        let (cluster, settings) = (cluster.clone(), config.services.clone());
        watcher::start(cluster, settings, Saved::default(), &resolver, sender.clone())
    };
    let _watching: Vec<_> = config.clusters.iter().map(start).collect();
    let waiting = |cluster: &clusters::Cluster| (cluster.name.clone(), "no answer yet".to_owned());
    let mut missing: BTreeMap<ClusterName, String> = config.clusters.iter().map(waiting).collect();
    let end = tokio::time::Instant::now() + config.startup_timeout.max(Duration::from_secs(1));
    while !missing.is_empty() {
        let Ok(Some(event)) = tokio::time::timeout_at(end, events.recv()).await else { break };
        match &event.change {
            ClusterChange::View(_) => {
                missing.remove(&event.cluster);
            }
            ClusterChange::Freshness(Freshness::Stale { reason, .. }) => {
                if let Some(why) = missing.get_mut(&event.cluster) {
                    *why = reason.to_string();
                }
            }
            _ => {}
        }
        planner.absorb(&event.cluster, event.change);
    }
    planner.absorbed();
    Ok(Seen { planner, missing })
}

/// Plans one provider against what clusters showed. `writer`: the id under which would be written.
///
/// # Errors
///
/// The provider cannot be reached, or something is in the way of every write.
pub async fn plan(
    config: &Config,
    seen: &Seen,
    (zone, provider): (&ZoneConfig, &ProviderConfig),
    writer: Option<String>,
    purpose: Purpose,
) -> Result<AlonePlan, Failure> {
    let mut listed = Listed::look(config, seen, (zone, provider), writer).await?;
    if purpose != Purpose::Sync {
        listed.replaced = listed.mirror.take_over();
    }
    if purpose == Purpose::TakeOver {
        listed.mirror.leave_names();
    }
    listed.plan()
}

/// Plans what [`plan`] does not touch: to take over what another tool wrote.
///
/// # Errors
///
/// As with [`plan`].
pub async fn plan_import(
    config: &Config,
    seen: &Seen,
    (zone, provider): (&ZoneConfig, &ProviderConfig),
    writer: Option<String>,
    adoption: &Adoption,
) -> Result<ImportPlan, Failure> {
    let mut listed = Listed::look(config, seen, (zone, provider), writer).await?;
    let adopted = listed.mirror.adopt(adoption);
    Ok(ImportPlan { planned: listed.plan()?, adopted })
}

/// A provider that has been listed.
struct Listed {
    title: String,
    place: String,
    provider: Arc<dyn Provider>,
    mirror: Mirror,
    replaced: Option<String>,
    other_writer: Option<Finding>,
}

// === impl Listed ===

impl Listed {
    async fn look(
        config: &Config,
        seen: &Seen,
        (zone, provider): (&ZoneConfig, &ProviderConfig),
        writer: Option<String>,
    ) -> Result<Self, Failure> {
        let key = Key::new(config, zone, provider);
        let connected = Connector::default().connect(&key).await?;
        let scope = key.scope(connected.zone());
        gate::passed(&key, &*connected, &scope).await?;
        let is_looking = writer.is_none();
        let mirror = listed(&key, seen, &*connected, writer).await?;
        let other_writer = if is_looking { check::other_writer(config, &mirror)? } else { None };
        let (title, place) = (key.title(), provider.kind.place().join(" "));
        let provider = connected;
        Ok(Self { title, place, provider, mirror, replaced: None, other_writer })
    }

    fn plan(self) -> Result<AlonePlan, Failure> {
        let Self { title, place, provider, mut mirror, replaced, other_writer } = self;
        if let Some(reason) = mirror.blocked() {
            return Err(Failure::new(FailureKind::Fatal, reason));
        }
        let plan = mirror.plan(unix_now());
        // Who writes is no part of what is planned.
        let changes = plan.changes.iter().filter(|change| !mirror.is_claim(change));
        let all: Vec<Change> = changes.chain(&plan.held).cloned().collect();
        let hash = hash_of(&all);
        Ok(AlonePlan { title, place, plan, hash, provider, mirror, replaced, other_writer })
    }
}

/// What clusters showed, beside what the provider lists.
pub(super) async fn listed(
    key: &Key,
    seen: &Seen,
    provider: &dyn Provider,
    writer: Option<String>,
) -> Result<Mirror, Failure> {
    let ProviderConfig { owner, registry, policy, .. } = key.provider.clone();
    let identity = Identity { owner, registry };
    let settings = MirrorSettings { scope: key.scope(provider.zone()), identity, policy, writer };
    let mut mirror = Mirror::new(settings, !seen.missing.is_empty());
    for (name, sets) in seen.names(&key.zone) {
        mirror.want(&name, &sets);
    }
    adjust(provider, &mut mirror).await?;
    mirror.listed(provider.list().await?, unix_now());
    Ok(mirror)
}

// === impl Seen ===

impl Seen {
    fn names(&self, zone: &Name) -> Vec<(Name, Vec<model::RecordSet>)> {
        let index = self.planner.zones().position(|settings| settings.zone == *zone);
        let names = |index| self.planner.zone_names(index, &mut Vec::new()).collect();
        index.map(names).unwrap_or_default()
    }

    /// Names of clusters that did not show everything, with the reasons.
    pub fn missing_lines(&self) -> BTreeSet<String> {
        let line = |(cluster, why): (&ClusterName, &String)| {
            format!("cluster {cluster} is not known ({why}): what may be its own stays as it is")
        };
        self.missing.iter().map(line).collect()
    }
}

// === impl AlonePlan ===

impl AlonePlan {
    /// Carries out all of the plan, in its order, what the guard would hold included, and then what
    /// follows from it: names leave markers that many share only after their records are gone. A failure
    /// that is none of a single change ends it. `tell` hears how far it has come after each call, and
    /// whether it is time for a line about that.
    pub async fn apply(mut self, mut tell: impl FnMut(Report, bool)) -> Outcome {
        let mut outcome = Outcome::default();
        for _ in 0..ROUNDS_MAX {
            let now = unix_now();
            let held = self.mirror.plan(now).held;
            self.mirror.approve(&hash_of(&held), now);
            let changes = self.mirror.plan(now).changes;
            outcome.planned += self.shown(&changes);
            if changes.is_empty() || !self.apply_round(&changes, &mut outcome, &mut tell).await {
                break;
            }
        }
        let conflicts = self.mirror.plan(unix_now()).conflicts;
        outcome.conflicts = conflicts.iter().map(ToString::to_string).collect();
        outcome
    }

    /// How many of them a plan shows: who writes is no part of it.
    fn shown<'a>(&self, changes: impl IntoIterator<Item = &'a Change>) -> usize {
        changes.into_iter().filter(|change| !self.mirror.is_claim(change)).count()
    }

    /// False where it ended early.
    async fn apply_round(
        &mut self,
        changes: &[Change],
        outcome: &mut Outcome,
        tell: &mut impl FnMut(Report, bool),
    ) -> bool {
        let mut progress = Progress::new(changes.len(), Instant::now());
        let mut rest = changes;
        while !rest.is_empty() {
            let (count, applied) = apply_first(&*self.provider, rest, true).await;
            let Applied { landed, refused, failure } = applied;
            let now = unix_now();
            outcome.landed += self.shown(landed.iter().copied());
            landed.iter().for_each(|change| self.mirror.applied(change, now));
            for (change, failure) in refused {
                outcome.failures.push(format!("{}: {failure}", change.name));
                self.mirror.refused(change, failure.line, now);
            }
            if let Some(failure) = failure {
                outcome.failures.push(failure.line);
                return false;
            }
            rest = &rest[count..];
            let is_time = progress.advance(count, Instant::now()).is_some();
            tell(progress.report(Instant::now()), is_time);
        }
        true
    }
}
