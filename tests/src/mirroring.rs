//! A mirror in the test's own process, on a clock that waits for nobody but for what has nothing to do.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use model::{Label, Levels, Name, RecordSet};
use providers::sync::change::Policy;
use providers::sync::diff::Identity;
use providers::sync::engine::{Engine, Input, Rhythm};
use providers::sync::mirror::{Mirror, MirrorSettings};
use providers::sync::permission::Permission;
use providers::sync::registry::Registry;
use providers::sync::scope::Scope;
use providers::sync::status::{Phase, SharedStatus, Status};
use providers::sync::wishes::{Cause, Wishes};
use providers::{Clock, Provider};
use tokio::sync::{mpsc, watch};

use crate::eventually::{GENEROUS, eventually};
use crate::fakes::clock::VirtualClock;

/// Longer than any back-off, shorter than any time between two looks at a provider.
const NAP: Duration = Duration::from_secs(10 * 60);
/// Ten thousand names on a machine that compiles beside.
const PATIENCE: Duration = Duration::from_secs(600);

/// An engine at work for owner `shop`, with no limit to what may vanish but the guard's own.
pub struct Mirroring {
    clock: Arc<VirtualClock>,
    wishes: Arc<Wishes>,
    status: SharedStatus,
    inputs: Option<mpsc::Sender<Input>>,
    _permission: watch::Sender<Permission>,
    thread: Option<JoinHandle<()>>,
}

/// The clock that a provider and its mirror share.
pub fn clock() -> Arc<VirtualClock> {
    Arc::new(VirtualClock::default().napping(NAP))
}

// === impl Mirroring ===

impl Mirroring {
    /// `connect` makes the provider on the engine's own runtime.
    pub fn start<F>(clock: &Arc<VirtualClock>, connect: impl FnOnce() -> F + Send + 'static) -> Self
    where
        F: Future<Output = Arc<dyn Provider>>,
    {
        let (inputs, receiver) = mpsc::channel(4);
        let (permission, granted) = watch::channel(Permission::Granted);
        let wishes = Arc::new(Wishes::default());
        let (statuses, status) = std::sync::mpsc::channel();
        let (engine_clock, engine_wishes) = (Arc::clone(clock), Arc::clone(&wishes));
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("make a runtime").block_on(async move {
                let provider = connect().await;
                let mirror = Mirror::new(settings(provider.zone()), false);
                let clock: Arc<dyn Clock> = engine_clock;
                let (engine, status) = Engine::new(
                    provider,
                    mirror,
                    engine_wishes,
                    receiver,
                    granted,
                    clock,
                    Rhythm::default(),
                );
                statuses.send(status).expect("the test waits for it");
                engine.run().await;
            });
        });
        Self {
            clock: Arc::clone(clock),
            wishes,
            status: status.recv().expect("the provider connects"),
            inputs: Some(inputs),
            _permission: permission,
            thread: Some(thread),
        }
    }

    /// The zone has these sets at these names now, and nothing else that has not been said before.
    pub fn want(&self, names: impl IntoIterator<Item = (Name, Vec<RecordSet>)>) {
        self.wishes.put_together(names.into_iter(), Cause::default());
        self.wishes.complete();
    }

    /// Waits until nothing is left to be done, and returns how it stands then.
    #[track_caller]
    pub fn rests(&self) -> Status {
        eventually(PATIENCE, "the mirror rests", || {
            let status = self.status.get();
            let is_done = matches!(status.phase, Phase::InSync | Phase::Incomplete(_));
            let is_taken = !self.wishes.is_waiting();
            match is_done && is_taken && self.clock.is_slept_on() {
                true => Ok(status),
                false => Err(format!("{:?}, {:?}", status.phase, status.failure)),
            }
        })
    }

    /// Waits until the provider holds all that is wanted.
    #[track_caller]
    pub fn is_in_sync(&self) {
        let status = self.rests();
        assert_eq!(status.phase, Phase::InSync, "{:?}", status.plan.conflicts);
    }

    /// Lets time pass in which nobody wants anything.
    #[track_caller]
    pub fn idle(&self, duration: Duration) {
        self.clock.let_pass(duration);
        eventually(GENEROUS, "the time passes", || {
            // Whoever still sleeps does so for longer than that.
            if self.clock.is_slept_on() { Ok(()) } else { Err("it passes") }
        });
        self.rests();
    }
}

impl Drop for Mirroring {
    fn drop(&mut self) {
        self.inputs = None;
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "the mirror panicked");
        }
    }
}

fn settings(zone: &Name) -> MirrorSettings {
    MirrorSettings {
        scope: Scope {
            federation: Label::new("fed").expect("a label"),
            hosted: zone.clone(),
            domain: zone.clone(),
            levels: Levels::ALL,
            types: Scope::default_types(),
            ttl: None,
            filters: Default::default(),
        },
        identity: Identity { owner: "shop".into(), registry: Registry::ExternalDns },
        policy: Policy::Sync,
        writer: None,
    }
}
