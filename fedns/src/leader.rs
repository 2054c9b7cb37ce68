//! One writer among replicas: a Lease decides, and mirrors and the federation ask it before each call.
//!
//! - [`serials`]: what the Lease carries from one to the next
//! - `pod_label`: how the one's pod is found

mod pod_label;
pub mod serials;

use std::time::Duration;

#[cfg(feature = "federation")]
use clusters::boot_time::BootTime;
use clusters::holder_pod::HolderPod;
use clusters::lease::{self, Holding, LeaseSettings, Leave};
use providers::sync::permission::{Permission, StillHeld};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::config::LeaderElection;
use crate::pipeline::{Input, PipelineHandle};
use serials::LeasedSerials;

/// How long a stop waits until the lease is given back.
const RELEASE_WAIT: Duration = Duration::from_secs(6);

/// Longer than any process lives: a hundred years.
#[cfg(feature = "federation")]
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The part of this process in the election.
pub struct Leader {
    holding: watch::Receiver<Holding>,
    stop: oneshot::Sender<Leave>,
    task: JoinHandle<Result<(), String>>,
    /// Tells the pipeline of serials.
    telling: JoinHandle<()>,
    /// Where this process knows its pod.
    label: Option<JoinHandle<()>>,
}

// === impl Leader ===

impl Leader {
    /// Asks for the lease from now on. `writer` is told to those who wait. The pipeline hears of serials
    /// that move without it.
    pub fn start(
        election: &LeaderElection,
        writer: &str,
        serials: LeasedSerials,
        pipeline: PipelineHandle,
    ) -> Self {
        let LeaderElection { access, namespace, name } = election.clone();
        let identity = format!("{}_{writer}", host_name());
        let pod = HolderPod::of_environment(access.clone().into());
        let settings = LeaseSettings { access: access.into(), namespace, name, identity };
        let standby = Holding::Standby { why: "the lease has not been looked at yet".into() };
        let (sender, holding) = watch::channel(standby);
        let (stop, stopped) = oneshot::channel();
        let telling = tokio::spawn(tell_serials(serials.moved(), pipeline));
        let task = tokio::spawn(lease::hold(settings, sender, serials, stopped));
        tokio::spawn(log(holding.clone()));
        let label = pod.map(|pod| tokio::spawn(pod_label::keep(pod, holding.clone())));
        Self { holding, stop, task, telling, label }
    }

    pub fn holding(&self) -> watch::Receiver<Holding> {
        self.holding.clone()
    }

    /// Leaves the lease, so that another one can go on at once.
    pub async fn stop(self, leave: Leave) {
        let Self { holding: _, stop, task, telling, label } = self;
        telling.abort();
        // A task that has ended in a panic is told of below.
        let _ = stop.send(leave);
        let left = async {
            let why = match tokio::time::timeout(RELEASE_WAIT, task).await {
                Ok(Ok(Ok(()))) => return,
                Ok(Ok(Err(why))) => why,
                Ok(Err(broken)) => broken.to_string(),
                Err(_) => format!("not within {} s", RELEASE_WAIT.as_secs()),
            };
            match leave {
                Leave::Free => warn!(
                    "the lease was not given back, another writer waits until it has run out: {why}"
                ),
                Leave::ToSuccessor => warn!(
                    "the lease does not say which serials were used last, so the next process goes on above all \
                     that it has reserved: {why}"
                ),
            }
        };
        let unlabelled = async {
            match (label, leave) {
                // The pod stays the one that writes.
                (Some(label), Leave::ToSuccessor) => label.abort(),
                (Some(label), Leave::Free) => {
                    if tokio::time::timeout(RELEASE_WAIT, label).await.is_err() {
                        warn!("this pod may still have the label of the one that writes");
                    }
                }
                (None, _) => {}
            }
        };
        tokio::join!(left, unlabelled);
    }
}

/// Without an election this process may always write.
#[cfg(feature = "federation")]
pub fn always() -> watch::Receiver<Holding> {
    let until = BootTime::now().plus(FOR_EVER);
    // The value stays when its sender is gone.
    watch::channel(Holding::Held { until }).1
}

/// What a lease allows. Renewals change nothing in it, so that they wake nobody.
pub fn permission(holding: &watch::Receiver<Holding>) -> Permission {
    match &*holding.borrow() {
        Holding::Standby { why } => Permission::No(why.clone()),
        Holding::Held { .. } => {
            let holding = holding.clone();
            let is_held = move || matches!(&*holding.borrow(), Holding::Held { until } if !until.has_passed());
            Permission::While(StillHeld::new(is_held))
        }
    }
}

/// The Lease's own task never waits for the pipeline.
async fn tell_serials(mut moved: watch::Receiver<()>, pipeline: PipelineHandle) {
    while moved.changed().await.is_ok() {
        if pipeline.send(Input::Serials).await.is_err() {
            return;
        }
    }
}

async fn log(mut holding: watch::Receiver<Holding>) {
    let mut told = None;
    loop {
        let now = match &*holding.borrow_and_update() {
            Holding::Held { .. } => "this process writes".to_owned(),
            Holding::Standby { why } => why.clone(),
        };
        if told.as_ref() != Some(&now) {
            info!("leader election: {now}");
            told = Some(now);
        }
        if holding.changed().await.is_err() {
            return;
        }
    }
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname");
    // It only helps people to find the process.
    name.map_or_else(|_| "unknown".into(), |name| name.trim().to_owned())
}
