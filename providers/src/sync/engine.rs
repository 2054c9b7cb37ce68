//! Keeps one provider equal to one zone: lists, plans, applies, and looks again now and then.
//!
//! ```text
//!               .---- a change, an approval, the end of a wait ----.
//!               v                                                   |
//! [ list ] -> [ plan ] -> [ apply ] -> [ plan ] … nothing left -> [ wait ]
//!    ^                        |                                     |
//!    '---- moved, or a failure whose outcome is not known <---------' drift check
//! ```
//!
//! In the steady state nothing is called but the drift check. A crash at any moment is healed by the
//! next listing: what stands is read, never remembered.

mod retry;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{Name, UnixTime};
use tokio::sync::{mpsc, watch};
use tracing::{error, info, warn};

use super::adjust::adjust;
use super::apply::{Applied, apply_first};
use super::call_watch::CallWatch;
use super::change::Change;
use super::guard::Guard;
use super::mirror::Mirror;
use super::orphans;
use super::permission::Permission;
use super::plan::{Plan, hash_of};
use super::progress::{Course, Progress, Report};
use super::status::{Phase, SharedStatus, Status};
use super::wishes::{Cause, Taken, Wish, Wishes};
use crate::clock::Clock;
use crate::provider::{Failure, FailureKind, Provider};
use retry::{Retry, jittered};

/// So many new conflicts are told one by one.
const CONFLICTS_TOLD: usize = 10;
/// So many names that were written at once are told by name.
const NAMES_TOLD: usize = 3;

/// How soon the provider is looked at again where something there is in the way of every write.
const BLOCKED_CHECK: Duration = Duration::from_secs(60);

/// What a mirror is told beside what is wanted.
#[derive(Clone, Debug)]
pub enum Input {
    /// Let what is held go ahead, if this is its hash.
    Approve(String),
    /// Look at the provider now.
    Check,
}

/// How one mirror works beside what it should be like.
#[derive(Clone, Copy, Debug)]
pub struct Rhythm {
    /// Between two looks at the provider while nothing changes; up to a tenth more or less.
    pub drift_check: Duration,
}

/// A mirror that runs.
pub struct Engine {
    provider: Arc<dyn Provider>,
    mirror: Mirror,
    wishes: Arc<Wishes>,
    /// All that the zone has has come once; before that, nothing may be taken for unwanted.
    is_complete: bool,
    inputs: mpsc::Receiver<Input>,
    /// Whether we are the writer, and whether preflight lets us write.
    permission: watch::Receiver<Permission>,
    status: SharedStatus,
    clock: Arc<dyn Clock>,
    rhythm: Rhythm,
    retry: Retry,
    next_check: Instant,
    told_held: String,
    told_orphans: BTreeSet<String>,
    keep_guard: KeepGuard,
    /// When the clusters changed what is now on its way, name by name.
    since: BTreeMap<Name, Instant>,
    tell_landed: TellLanded,
    show_course: ShowCourse,
}

/// Keeps what the guard counts and holds, so that a restart does not forget it.
type KeepGuard = Box<dyn FnMut(&Guard) + Send>;

/// A change that the provider has taken.
#[derive(Clone, Copy, Debug)]
pub struct Landed<'a> {
    pub change: &'a Change,
    /// When the clusters changed.
    pub since: Instant,
    pub at: Instant,
}

/// Hears of each change that landed and has a known beginning.
type TellLanded = Box<dyn FnMut(Landed<'_>) + Send>;

/// Shows how long runs of changes go.
type ShowCourse = Box<dyn FnMut(Course) + Send>;

/// What ended a round.
enum Round {
    /// Nothing is left to do now.
    Rest,
    /// The next round may begin at once.
    Again,
    /// Nobody sends inputs any more.
    End,
}

// === impl Rhythm ===

impl Default for Rhythm {
    fn default() -> Self {
        Self { drift_check: Duration::from_secs(30 * 60) }
    }
}

// === impl Engine ===

impl Engine {
    pub fn new(
        provider: Arc<dyn Provider>,
        mirror: Mirror,
        wishes: Arc<Wishes>,
        inputs: mpsc::Receiver<Input>,
        permission: watch::Receiver<Permission>,
        clock: Arc<dyn Clock>,
        rhythm: Rhythm,
    ) -> (Self, SharedStatus) {
        let status = SharedStatus::new(provider.name());
        let show_course = Box::new(log_course(provider.name()));
        let next_check = clock.monotonic();
        let engine = Self {
            provider,
            mirror,
            wishes,
            is_complete: false,
            inputs,
            permission,
            status: status.clone(),
            clock,
            rhythm,
            retry: Retry::default(),
            next_check,
            told_held: String::new(),
            told_orphans: BTreeSet::new(),
            keep_guard: Box::new(|_| {}),
            since: BTreeMap::new(),
            tell_landed: Box::new(|_| {}),
            show_course,
        };
        (engine, status)
    }

    /// `keep` is told what the guard counts and holds, each time that it has changed.
    pub fn keeping_guard(self, keep: impl FnMut(&Guard) + Send + 'static) -> Self {
        Self { keep_guard: Box::new(keep), ..self }
    }

    /// `tell` hears of each change of the clusters that the provider has taken.
    pub fn telling_landed(self, tell: impl FnMut(Landed<'_>) + Send + 'static) -> Self {
        Self { tell_landed: Box::new(tell), ..self }
    }

    /// `show` sees how long runs of changes go, in place of a line in the log now and then.
    pub fn showing_course(self, show: impl FnMut(Course) + Send + 'static) -> Self {
        Self { show_course: Box::new(show), ..self }
    }

    /// Runs until nobody sends inputs any more. A change under way is ended first.
    pub async fn run(mut self) {
        loop {
            match self.round().await {
                Round::Again => {}
                Round::Rest => {
                    if let Round::End = self.rest().await {
                        return;
                    }
                }
                Round::End => return,
            }
        }
    }

    async fn round(&mut self) -> Round {
        if let Round::End = self.take_inputs() {
            return Round::End;
        }
        if !self.is_complete || self.retry.wait(self.clock.monotonic()).is_some() {
            return Round::Rest;
        }
        if let Err(failure) = self.look().await {
            self.failed(&failure);
            return Round::Rest;
        }
        let plan = self.mirror.plan(self.now());
        self.mirror.keep_guard(&mut self.keep_guard);
        self.tell(&plan);
        if plan.changes.is_empty() {
            self.succeeded();
            // What is held or refused until somebody acts says nothing of how fast changes go.
            self.since.clear();
            self.status.set_phase(match self.mirror.incomplete(&plan) {
                None => Phase::InSync,
                Some(what) => Phase::Incomplete(what),
            });
            return Round::Rest;
        }
        let permission = self.permission.borrow_and_update().clone();
        if let Some(reason) = permission.reason() {
            self.status.set_phase(Phase::MayNotWrite(reason));
            return Round::Rest;
        }
        if let Some(reason) = self.mirror.blocked() {
            if self.status.set_phase(Phase::Blocked(reason.clone())) {
                error!(provider = %self.provider.name(), "nothing is written: {reason}");
            }
            // Somebody may be mending it.
            let soon = self.clock.monotonic() + BLOCKED_CHECK;
            self.next_check = self.next_check.min(soon);
            return Round::Rest;
        }
        self.status.set_phase(Phase::Applying(plan.changes.len()));
        self.apply(&plan.changes).await;
        Round::Again
    }

    /// Takes in all that waits.
    fn take_inputs(&mut self) -> Round {
        let Taken { names, complete, clusters_known } = self.wishes.take();
        self.is_complete = complete;
        for (name, Wish { sets, cause: Cause { since, is_asked_for } }) in names {
            self.mirror.want(&name, &sets);
            self.mirror.ask_for(&name, is_asked_for);
            if let Some(since) = since {
                self.since.entry(name).or_insert(since);
            }
        }
        if clusters_known {
            self.mirror.clusters_known();
        }
        loop {
            match self.inputs.try_recv() {
                Ok(input) => self.take(input),
                Err(mpsc::error::TryRecvError::Empty) => return Round::Again,
                Err(mpsc::error::TryRecvError::Disconnected) => return Round::End,
            }
        }
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Approve(hash) => self.mirror.approve(&hash, self.now()),
            Input::Check => {
                self.next_check = self.clock.monotonic();
                self.retry.at_once();
            }
        }
    }

    /// Knows what the provider makes of what is wanted, and what stands there.
    async fn look(&mut self) -> Result<(), Failure> {
        let is_check = self.clock.monotonic() >= self.next_check;
        let is_due = !self.mirror.is_listed() || is_check;
        if is_due {
            self.mirror.forget_adjusted();
        }
        adjust(&*self.provider, &mut self.mirror).await?;
        if is_due { self.list().await } else { Ok(()) }
    }

    async fn list(&mut self) -> Result<(), Failure> {
        self.status.set_phase(Phase::Listing);
        let listing = self.watch().over(self.provider.list()).await?;
        let (provider, now) = (self.provider.name(), self.now());
        self.status.set_listed(now);
        for name in self.mirror.listed(listing, now) {
            warn!(%provider, %name, "somebody else changed this name of ours; it is put back");
            self.status.count_drift();
        }
        self.next_check = self.clock.monotonic() + jittered(self.rhythm.drift_check);
        Ok(())
    }

    /// Applies changes in their order, as many at a time as the provider takes. What has come in the
    /// meantime is planned at once: a failover does not wait behind a long first sync.
    async fn apply(&mut self, changes: &[Change]) {
        let mut progress = Progress::new(changes.len(), self.clock.monotonic());
        self.show(&progress, false);
        self.apply_in_parts(changes, &mut progress).await;
        if progress.is_long() {
            (self.show_course)(Course::Over);
        }
    }

    fn show(&mut self, progress: &Progress, is_time: bool) {
        if progress.is_long() {
            let report = progress.report(self.clock.monotonic());
            (self.show_course)(Course::At { report, is_time });
        }
    }

    async fn apply_in_parts(&mut self, changes: &[Change], progress: &mut Progress) {
        let provider = Arc::clone(&self.provider);
        let mut rest = changes;
        while !rest.is_empty() && self.permission.borrow().is_granted() {
            // What finds something else however often it is listed leads nowhere.
            let moved_is_refused = self.retry.refuses_moved();
            let applying = apply_first(&*provider, rest, moved_is_refused);
            let (count, applied) = self.watch().over(applying).await;
            let Applied { landed, refused, failure } = applied;
            let now = self.now();
            landed.iter().for_each(|change| self.landed(change, now));
            self.mirror.keep_guard(&mut self.keep_guard);
            self.status.count_applied(landed.len());
            if !landed.is_empty() {
                info!(provider = %provider.name(), "written: {}", told(&landed));
                self.succeeded();
            }
            for (change, failure) in refused {
                self.set_aside(change, &failure);
            }
            if let Some(failure) = failure {
                return self.failed(&failure);
            }
            rest = &rest[count..];
            self.status.set_phase(Phase::Applying(rest.len()));
            let is_time = progress.advance(count, self.clock.monotonic()).is_some();
            self.show(progress, is_time);
            if self.wishes.is_waiting() {
                return;
            }
        }
    }

    fn watch(&self) -> CallWatch {
        CallWatch { provider: Arc::clone(&self.provider), status: self.status.clone() }
    }

    fn landed(&mut self, change: &Change, now: UnixTime) {
        self.mirror.applied(change, now);
        if let Some(since) = self.since.remove(&change.name) {
            (self.tell_landed)(Landed { change, since, at: self.clock.monotonic() });
        }
    }

    fn set_aside(&mut self, change: &Change, failure: &Failure) {
        let provider = self.provider.name();
        let name = &change.name;
        error!(%provider, %name, "refused, and tried again later; the others go on: {failure}");
        self.mirror.refused(change, failure.line.clone(), self.now());
        // Without transactions, a part of it may have landed.
        self.mirror.forget_listing();
    }

    fn succeeded(&mut self) {
        if self.retry.over() {
            info!(provider = %self.provider.name(), "it works again");
        }
        self.status.set_failure(None);
    }

    /// What the provider has now is not known for sure, so it is listed before anything else.
    fn failed(&mut self, failure: &Failure) {
        match failure.kind {
            FailureKind::Moved => self.mirror.look_again(),
            _ => self.mirror.forget_listing(),
        }
        let wait = self.retry.after(failure.kind, self.clock.monotonic());
        // The same failure again is no news.
        if self.status.set_failure(Some(failure.line.clone())) {
            warn!(provider = %self.provider.name(), retry_in = ?wait, "{failure}");
        }
        self.status.set_phase(Phase::Failing);
    }

    /// Conflicts, quarantine and what is held: in the status, and in the log when it is new.
    fn tell(&mut self, plan: &Plan) {
        let held = if plan.held.is_empty() { String::new() } else { hash_of(&plan.held) };
        if !held.is_empty() && held != self.told_held {
            error!(
                provider = %self.provider.name(), names = plan.held.len(),
                "changes are held, since too many names of ours would vanish or be rewritten; if that \
                 is meant: fedns plan approve {held}"
            );
        }
        self.told_held.clone_from(&held);
        let new = self.status.update(|status: &mut Status| {
            let quarantined = self.mirror.quarantined();
            status.quarantined =
                quarantined.map(|(name, it)| (name.clone(), it.reason.clone())).collect();
            status.owned = self.mirror.owned();
            status.not_allowed = self.mirror.not_allowed().clone();
            status.held_hash = (!held.is_empty()).then(|| held.clone());
            status.plan = plan.clone();
            status.tell_conflicts(&plan.conflicts)
        });
        self.status.set_planned();
        for conflict in new.iter().take(CONFLICTS_TOLD) {
            warn!(provider = %self.provider.name(), "{conflict}");
        }
        if let Some(more) = new.len().checked_sub(CONFLICTS_TOLD).filter(|more| *more > 0) {
            warn!(provider = %self.provider.name(), "{more} more conflicts: fedns plan");
        }
        let orphans = orphans::lines(&plan.orphans);
        for line in orphans.difference(&self.told_orphans) {
            warn!(provider = %self.provider.name(), "{line}");
        }
        self.told_orphans = orphans;
    }

    /// Waits until there may be something to do.
    async fn rest(&mut self) -> Round {
        let wait = self.rest_for();
        let clock = Arc::clone(&self.clock);
        tokio::select! {
            biased;
            input = self.inputs.recv() => match input {
                Some(input) => self.take(input),
                None => return Round::End,
            },
            () = self.wishes.changed() => {}
            // A sender that has gone leaves things as they are.
            Ok(()) = self.permission.changed() => {}
            () = clock.sleep(wait) => {}
        }
        Round::Again
    }

    fn rest_for(&self) -> Duration {
        let now = self.clock.monotonic();
        if let Some(wait) = self.retry.wait(now) {
            return wait;
        }
        let check = self.next_check.saturating_duration_since(now);
        let retry = self.mirror.next_retry();
        let retry = retry.map(|at| Duration::from_secs(at.0.saturating_sub(self.now().0).max(1)));
        retry.map_or(check, |retry| retry.min(check))
    }

    fn now(&self) -> UnixTime {
        self.clock.unix()
    }
}

/// A line now and then.
fn log_course(provider: String) -> impl FnMut(Course) + Send {
    move |course| {
        if let Course::At { report: Report { done, total, left }, is_time: true } = course {
            info!(%provider, ?left, "{done} of {total} names written");
        }
    }
}

/// `update web.example.com., create mail.example.com. and 5 more`
fn told(changes: &[&Change]) -> String {
    let first = changes.iter().take(NAMES_TOLD).map(|it| format!("{} {}", it.kind, it.name));
    let text = first.collect::<Vec<_>>().join(", ");
    match changes.len().checked_sub(NAMES_TOLD).filter(|more| *more > 0) {
        Some(more) => format!("{text} and {more} more"),
        None => text,
    }
}

#[cfg(test)]
mod tests;
