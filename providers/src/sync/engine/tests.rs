//! An engine against a provider in memory that counts its calls and fails when it is told to.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use futures::future::BoxFuture;
use model::{Label, Levels, Name, Rdata, RecordSet, RecordType};

use super::*;
use crate::hosted::HostedSet;
use crate::provider::Limits;
use crate::sync::change::Policy;
use crate::sync::diff::Identity;
use crate::sync::mirror::MirrorSettings;
use crate::sync::registry::Registry;
use crate::sync::scope::Scope;
use crate::testing::TestClock;

/// Applies up to three changes at once, all or none.
#[derive(Default)]
struct Memory(Mutex<State>);

#[derive(Default)]
struct State {
    sets: BTreeMap<(Name, RecordType), RecordSet>,
    lists: usize,
    applies: usize,
    /// What the next calls of `apply` come to.
    failures: VecDeque<Failure>,
    /// A change of this name is refused.
    refused: Option<Name>,
    /// Shorter TTLs become this one.
    ttl_min: u32,
}

impl Memory {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn domain() -> &'static Name {
    static DOMAIN: std::sync::OnceLock<Name> = std::sync::OnceLock::new();
    DOMAIN.get_or_init(|| Name::parse("example.com").unwrap())
}

impl Provider for Arc<Memory> {
    fn name(&self) -> String {
        "memory".into()
    }

    fn zone(&self) -> &Name {
        domain()
    }

    fn adjust<'a>(
        &'a self,
        wanted: &'a [(Name, RecordSet)],
    ) -> BoxFuture<'a, Result<Vec<RecordSet>, Failure>> {
        let ttl_min = self.state().ttl_min;
        let mut sets: Vec<RecordSet> = wanted.iter().map(|(_, set)| set.clone()).collect();
        sets.iter_mut().for_each(|set| set.ttl = set.ttl.max(ttl_min));
        Box::pin(async { Ok(sets) })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<HostedSet>, Failure>> {
        let mut state = self.state();
        state.lists += 1;
        let sets = state.sets.iter();
        let sets = sets.map(|((name, _), set)| HostedSet::plain(name.clone(), set.clone()));
        let sets = sets.collect();
        Box::pin(async { Ok(sets) })
    }

    fn fitting(&self, changes: &[Change]) -> usize {
        changes.len().min(3)
    }

    fn apply<'a>(&'a self, changes: &'a [Change]) -> BoxFuture<'a, Result<(), Failure>> {
        let mut state = self.state();
        state.applies += 1;
        let failure = state.failures.pop_front().or_else(|| {
            let is_refused = |change: &Change| Some(&change.name) == state.refused.as_ref();
            let refused = changes.iter().any(is_refused);
            refused.then(|| Failure::new(FailureKind::Refused, "no such value"))
        });
        if let Some(failure) = failure {
            return Box::pin(async { Err(failure) });
        }
        for set in changes.iter().flat_map(|change| &change.sets) {
            let key = (set.name.clone(), set.record_type);
            assert_eq!(state.sets.get(&key), set.before.as_ref(), "{key:?}");
            match &set.after {
                Some(after) => state.sets.insert(key, after.clone()),
                None => state.sets.remove(&key),
            };
        }
        Box::pin(async { Ok(()) })
    }

    fn limits(&self) -> BoxFuture<'_, Result<Limits, Failure>> {
        Box::pin(async { Ok(Limits::default()) })
    }
}

struct Fixture {
    memory: Arc<Memory>,
    engine: Engine,
    inputs: mpsc::Sender<Input>,
    wishes: Arc<Wishes>,
    permission: watch::Sender<Permission>,
    status: SharedStatus,
    clock: Arc<TestClock>,
}

impl Fixture {
    fn new() -> Self {
        let settings = MirrorSettings {
            scope: Scope {
                federation: Label::new("fed").unwrap(),
                hosted: domain().clone(),
                domain: domain().clone(),
                levels: Levels::ALL,
                types: Scope::default_types(),
                ttl: None,
                filters: Default::default(),
            },
            identity: Identity { owner: "eu".into(), registry: Registry::Compact },
            policy: Policy::Sync,
            writer: None,
        };
        let memory = Arc::new(Memory::default());
        let (inputs, receiver) = mpsc::channel(64);
        let wishes = Arc::new(Wishes::default());
        wishes.complete();
        let (permission, watch) = watch::channel(Permission::Granted);
        let clock = Arc::new(TestClock::new(1_800_000_000));
        let (engine, status) = Engine::new(
            Arc::new(Arc::clone(&memory)),
            Mirror::new(settings, false),
            Arc::clone(&wishes),
            receiver,
            watch,
            clock.clone(),
            Rhythm::default(),
        );
        Self { memory, engine, inputs, wishes, permission, status, clock }
    }

    fn want(&self, services: std::ops::Range<u8>, last: u8) {
        let sets = |number: u8| {
            let value = Rdata::a([192, 0, number, last].into());
            vec![RecordSet::single(RecordType::A, 180, value)]
        };
        for number in services {
            self.wishes.put(service(number), sets(number));
        }
    }

    /// Runs rounds until the engine would rest.
    async fn settle(&mut self) {
        while let Round::Again = self.engine.round().await {}
    }

    fn calls(&self) -> (usize, usize) {
        let mut state = self.memory.state();
        (std::mem::take(&mut state.lists), std::mem::take(&mut state.applies))
    }

    fn addresses(&self) -> usize {
        self.memory.state().sets.keys().filter(|key| key.1 == RecordType::A).count()
    }
}

fn service(number: u8) -> Name {
    Name::parse(&format!("s{number}.default.fed.svc.example.com")).unwrap()
}

#[tokio::test]
async fn what_is_wanted_lands_in_batches_and_then_nothing_is_called() {
    let mut fixture = Fixture::new();
    fixture.want(0..10, 1);
    fixture.settle().await;
    assert_eq!(fixture.calls(), (1, 4));
    assert_eq!(fixture.addresses(), 10);
    fixture.settle().await;
    assert_eq!(fixture.calls(), (0, 0));
    fixture.want(3..4, 2);
    fixture.settle().await;
    assert_eq!(fixture.calls(), (0, 1), "one change is one call");
    assert_eq!(fixture.status.get().phase, Phase::InSync);
}

#[tokio::test]
async fn what_a_provider_adjusts_is_written_so_and_is_in_sync() {
    let mut fixture = Fixture::new();
    fixture.memory.state().ttl_min = 600;
    fixture.want(0..3, 1);
    fixture.settle().await;
    assert!(fixture.memory.state().sets.values().all(|set| set.ttl == 600));
    fixture.calls();
    fixture.inputs.try_send(Input::Check).unwrap();
    fixture.settle().await;
    assert_eq!(fixture.calls(), (1, 0), "it is in sync");
    assert_eq!(fixture.status.get().drifted, 0);
    // The provider takes shorter ones from now on.
    fixture.memory.state().ttl_min = 300;
    fixture.inputs.try_send(Input::Check).unwrap();
    fixture.settle().await;
    assert!(fixture.memory.state().sets.values().all(|set| set.ttl == 300));
}

#[tokio::test]
async fn an_idle_hour_costs_drift_checks_only() {
    let mut fixture = Fixture::new();
    fixture.want(0..3, 1);
    fixture.settle().await;
    fixture.calls();
    for _minute in 0..60 {
        fixture.clock.advance(Duration::from_secs(60));
        fixture.settle().await;
    }
    let (lists, applies) = fixture.calls();
    assert!((1..=3).contains(&lists), "{lists}");
    assert_eq!(applies, 0);
}

#[tokio::test]
async fn drift_is_put_back_and_counted() {
    let mut fixture = Fixture::new();
    fixture.want(0..3, 1);
    fixture.settle().await;
    fixture.memory.state().sets.remove(&(service(1), RecordType::A));
    fixture.inputs.try_send(Input::Check).unwrap();
    fixture.settle().await;
    assert_eq!(fixture.addresses(), 3);
    assert_eq!(fixture.status.get().drifted, 1);
}

/// A provider that checks what stands finds it before the next listing does.
#[tokio::test]
async fn drift_that_a_refused_change_shows_is_counted_too() {
    let mut fixture = Fixture::new();
    fixture.want(0..3, 1);
    fixture.settle().await;
    {
        let mut state = fixture.memory.state();
        state.sets.remove(&(service(1), RecordType::A));
        state.failures.push_back(Failure::new(FailureKind::Moved, "something else stands there"));
    }
    fixture.want(1..2, 2);
    fixture.settle().await;
    assert_eq!(fixture.addresses(), 3);
    assert_eq!(fixture.status.get().drifted, 1);
    // What we cannot know is nobody's.
    fixture.memory.state().failures.push_back(Failure::new(FailureKind::Later(None), "away"));
    fixture.want(1..2, 3);
    fixture.settle().await;
    fixture.memory.state().sets.remove(&(service(1), RecordType::A));
    fixture.clock.advance(Duration::from_secs(10));
    fixture.settle().await;
    assert_eq!(fixture.addresses(), 3);
    assert_eq!(fixture.status.get().drifted, 1);
}

#[tokio::test]
async fn one_bad_record_is_set_aside_and_the_rest_lands() {
    let mut fixture = Fixture::new();
    fixture.memory.state().refused = Some(service(4));
    fixture.want(0..10, 1);
    fixture.settle().await;
    assert_eq!(fixture.addresses(), 9);
    let quarantined = fixture.status.get().quarantined;
    assert_eq!(quarantined.into_iter().collect::<Vec<_>>(), [(service(4), "no such value".into())]);
    fixture.calls();
    fixture.settle().await;
    assert_eq!(fixture.calls(), (0, 0));

    fixture.memory.state().refused = None;
    fixture.clock.advance(Duration::from_secs(61));
    fixture.settle().await;
    assert_eq!(fixture.addresses(), 10);
    assert!(fixture.status.get().quarantined.is_empty());
}

#[tokio::test]
async fn a_call_whose_outcome_is_unknown_leads_to_a_new_listing() {
    let mut fixture = Fixture::new();
    let timed_out = Failure::new(FailureKind::Later(None), "timed out");
    fixture.memory.state().failures.push_back(timed_out.clone());
    fixture.want(0..2, 1);
    fixture.settle().await;
    assert_eq!(fixture.status.get().failure.as_deref(), Some("timed out"));
    // It was carried out after all.
    let carried_out = RecordSet::single(RecordType::A, 180, Rdata::a([192, 0, 0, 1].into()));
    let marker = "heritage=fedns;owner=eu;resource=service/default/s0";
    let marker = RecordSet::single(RecordType::TXT, 180, crate::txt::rdata(marker.as_bytes()));
    let at = Name::parse("fedns-s0.default.fed.svc.example.com").unwrap();
    fixture.memory.state().sets.insert((service(0), RecordType::A), carried_out);
    fixture.memory.state().sets.insert((at, RecordType::TXT), marker);
    fixture.clock.advance(Duration::from_secs(1));
    fixture.settle().await;
    assert_eq!(fixture.addresses(), 2);
    assert_eq!(fixture.status.get().failure, None);
}

#[tokio::test]
async fn failures_wait_longer_each_time_and_as_long_as_asked() {
    let mut fixture = Fixture::new();
    let asked = Duration::from_secs(40);
    let throttled = Failure::new(FailureKind::Later(Some(asked)), "slow down");
    fixture.memory.state().failures.extend([throttled.clone(), throttled]);
    fixture.want(0..1, 1);
    fixture.settle().await;
    fixture.clock.advance(asked - Duration::from_secs(1));
    fixture.settle().await;
    assert_eq!(fixture.calls(), (1, 1));
    fixture.clock.advance(Duration::from_secs(1));
    fixture.settle().await;
    assert_eq!(fixture.calls(), (1, 1));
    fixture.clock.advance(asked);
    fixture.settle().await;
    assert_eq!(fixture.addresses(), 1);
}

#[tokio::test]
async fn nothing_is_written_without_permission() {
    let mut fixture = Fixture::new();
    fixture.permission.send_replace(Permission::No("standby".into()));
    fixture.want(0..3, 1);
    fixture.settle().await;
    assert_eq!(fixture.calls(), (1, 0));
    assert_eq!(fixture.status.get().phase, Phase::MayNotWrite("standby".into()));
    assert_eq!(fixture.status.get().plan.changes.len(), 3);
    fixture.permission.send_replace(Permission::Granted);
    fixture.settle().await;
    assert_eq!(fixture.addresses(), 3);
}

#[tokio::test]
async fn a_running_engine_takes_changes_and_ends_with_its_inputs() {
    let Fixture { memory, engine, inputs, wishes, permission: _permission, .. } = Fixture::new();
    let sets = vec![RecordSet::single(RecordType::A, 180, Rdata::a([192, 0, 2, 1].into()))];
    let run = tokio::spawn(engine.run());
    wishes.put(service(0), sets);
    while memory.state().sets.len() < 2 {
        tokio::task::yield_now().await;
    }
    drop(inputs);
    run.await.unwrap();
}

#[tokio::test]
async fn what_is_held_is_shown_and_goes_when_approved() {
    let mut fixture = Fixture::new();
    fixture.want(0..20, 1);
    fixture.settle().await;
    for number in 0..20 {
        fixture.wishes.put(service(number), Vec::new());
    }
    fixture.settle().await;
    assert_eq!(fixture.addresses(), 14);
    let status = fixture.status.get();
    assert_eq!(status.plan.held.len(), 14);
    let hash = status.held_hash.unwrap();
    fixture.inputs.try_send(Input::Approve("0".into())).unwrap();
    fixture.settle().await;
    assert_eq!(fixture.addresses(), 14);
    fixture.inputs.try_send(Input::Approve(hash)).unwrap();
    fixture.settle().await;
    assert_eq!(fixture.addresses(), 0);
    assert_eq!(fixture.status.get().held_hash, None);
}

/// A start: the zone has not been published yet, and everything at the provider looks unwanted.
#[tokio::test]
async fn nothing_is_called_before_the_zone_is_known() {
    let mut fixture = Fixture::new();
    fixture.want(0..3, 1);
    fixture.settle().await;
    let (memory, wishes) = (Arc::clone(&fixture.memory), Arc::new(Wishes::default()));
    fixture.engine.wishes = Arc::clone(&wishes);
    fixture.engine.mirror = Mirror::new(fixture.engine.mirror.settings().clone(), false);
    fixture.calls();
    fixture.settle().await;
    assert_eq!(fixture.calls(), (0, 0));
    wishes.complete();
    fixture.settle().await;
    assert_eq!(memory.state().sets.len(), 0);
}

#[tokio::test]
async fn a_change_that_never_fits_what_stands_is_set_aside_after_a_few_listings() {
    let mut fixture = Fixture::new();
    let moved = Failure::new(FailureKind::Moved, "something else stands there");
    fixture.memory.state().failures.extend(vec![moved; 20]);
    fixture.want(0..1, 1);
    for _ in 0..20 {
        fixture.settle().await;
        fixture.clock.advance(Duration::from_secs(3));
    }
    let (lists, applies) = fixture.calls();
    assert!(lists <= 6, "{lists}");
    assert_eq!(applies, 4);
    assert_eq!(fixture.status.get().quarantined.len(), 1);
}

#[tokio::test]
async fn waits_grow_while_nothing_lands() {
    let mut fixture = Fixture::new();
    let away = Failure::new(FailureKind::Later(None), "away");
    fixture.memory.state().failures.extend(vec![away; 1_000]);
    fixture.want(0..1, 1);
    for _second in 0..3_600 {
        fixture.settle().await;
        fixture.clock.advance(Duration::from_secs(1));
    }
    let (lists, applies) = fixture.calls();
    assert!(applies <= 40, "{applies}");
    assert!(lists <= applies + 3, "{lists} {applies}");
}

#[tokio::test]
async fn what_clusters_changed_is_told_with_its_beginning_once_it_has_landed() {
    let mut fixture = Fixture::new();
    let (sender, told) = std::sync::mpsc::channel();
    fixture.engine = fixture.engine.telling_landed(move |landed| {
        let lag = landed.at.saturating_duration_since(landed.since);
        sender.send((landed.change.name.clone(), lag)).unwrap();
    });
    fixture.want(0..3, 1);
    fixture.settle().await;
    assert!(told.try_recv().is_err(), "what stood there at the start has no beginning");
    let away = Failure::new(FailureKind::Later(None), "away");
    fixture.memory.state().failures.push_back(away);
    let sets = vec![RecordSet::single(RecordType::A, 180, Rdata::a([192, 0, 2, 1].into()))];
    let cause = Cause { since: Some(fixture.clock.monotonic()), is_asked_for: false };
    fixture.wishes.put_together([(service(1), sets)].into_iter(), cause);
    fixture.settle().await;
    assert!(told.try_recv().is_err(), "it has failed");
    fixture.clock.advance(Duration::from_secs(7));
    fixture.settle().await;
    assert_eq!(told.try_recv(), Ok((service(1), Duration::from_secs(7))));
    assert!(told.try_recv().is_err());
}

/// A provider whose listing is tried again inside until somebody mends it.
struct Stubborn {
    memory: Arc<Memory>,
    mended: watch::Receiver<bool>,
}

impl Provider for Stubborn {
    fn name(&self) -> String {
        "stubborn".into()
    }

    fn zone(&self) -> &Name {
        domain()
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<HostedSet>, Failure>> {
        Box::pin(async {
            self.mended.clone().wait_for(|is_mended| *is_mended).await.expect("it is mended");
            self.memory.list().await
        })
    }

    fn fitting(&self, changes: &[Change]) -> usize {
        changes.len()
    }

    fn apply<'a>(&'a self, changes: &'a [Change]) -> BoxFuture<'a, Result<(), Failure>> {
        Provider::apply(&self.memory, changes)
    }

    fn limits(&self) -> BoxFuture<'_, Result<Limits, Failure>> {
        Box::pin(async { Ok(Limits::default()) })
    }

    fn trouble(&self) -> Option<String> {
        (!*self.mended.borrow()).then(|| "no connection".into())
    }
}

#[tokio::test]
async fn a_call_that_is_tried_again_inside_shows_as_failing_meanwhile() {
    let mut fixture = Fixture::new();
    let (mend, mended) = watch::channel(false);
    fixture.engine.provider = Arc::new(Stubborn { memory: Arc::clone(&fixture.memory), mended });
    fixture.want(0..1, 1);
    let (status, clock) = (fixture.status.clone(), Arc::clone(&fixture.clock));
    let watching = async {
        while status.get().phase != Phase::Failing {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(status.get().failure.as_deref(), Some("no connection"));
        mend.send_replace(true);
    };
    tokio::join!(fixture.settle(), watching);
    assert_eq!(fixture.status.get().phase, Phase::InSync);
    assert_eq!(fixture.status.get().failure, None);
    assert_eq!(clock.passed(), Duration::ZERO, "waiting for a call moves no clock of a test");
}
