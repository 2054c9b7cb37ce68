//! What reaches the pipeline, and how it is sent.

use std::fs::File;
use std::io;

use model::{ClusterName, Name, Serial};
use tokio::sync::{mpsc, oneshot};
use watcher::{ClusterEvent, Listener, Memory, NobodyListens};

use super::{Decision, Pipeline, Reload};

/// Room for inputs that wait for the pipeline.
const QUEUE: usize = 4096;

/// What reaches the pipeline.
pub enum Input {
    /// From now on, this watcher speaks for the cluster.
    Watch(ClusterName, WatchId),
    Cluster(WatchId, ClusterEvent),
    /// What a watcher wants to be told again at the next start.
    Memory(ClusterName, Memory),
    /// Runs on the pipeline's thread, between two batches.
    Ask(Box<dyn FnOnce(&Pipeline) + Send>),
    /// The Lease says which serials are to be served.
    Serials,
    /// The wait for clusters without any view is over.
    StartupTimeout,
    /// Other clusters, zones or ways of looking at clusters; replaces a reload that still waits.
    Reload(Box<Reload>, oneshot::Sender<Decision>),
    /// The reload that waits is decided with what is known.
    DecideReload,
    /// The reload that waits is not wanted any more.
    ForgetReload,
    /// Save the exact serials and publish nothing until further notice; questions are answered. The reply
    /// has the lock of the state folder, for whoever serves next.
    StandStill(oneshot::Sender<io::Result<File>>),
    /// After [`Self::StandStill`], note on disk that these serials are in use by another process.
    Reserve(Vec<(Name, Serial)>, oneshot::Sender<io::Result<()>>),
    /// After [`Self::StandStill`], go on, above these serials.
    GoOn(Vec<(Name, Serial)>, oneshot::Sender<()>),
    /// Save the exact serials and end; after [`Self::StandStill`] they are saved already, and somebody
    /// else's.
    Stop,
}

/// Tells the watchers of one cluster apart: while a reload is decided, two look at it, and what
/// still comes from one that was replaced is not listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchId(pub u64);

/// Sends inputs to a running pipeline. Cheap to clone.
#[derive(Clone)]
pub struct PipelineHandle {
    inputs: mpsc::Sender<Input>,
}

/// Where one watcher tells what it sees.
#[derive(Clone)]
pub struct WatchSender {
    watch: WatchId,
    inputs: mpsc::Sender<Input>,
}

/// The pipeline has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended;

// === impl PipelineHandle ===

impl PipelineHandle {
    pub(super) fn new() -> (Self, mpsc::Receiver<Input>) {
        let (inputs, receiver) = mpsc::channel(QUEUE);
        (Self { inputs }, receiver)
    }

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

    /// The lock of the state folder, in which all is saved; nothing is published until [`Self::go_on`].
    pub async fn stand_still(&self) -> io::Result<File> {
        let ended = || io::Error::other("the pipeline has ended");
        let (reply, saved) = oneshot::channel();
        self.send(Input::StandStill(reply)).await.map_err(|Ended| ended())?;
        saved.await.map_err(|_| ended())?
    }

    /// After [`Self::stand_still`]: a crash of the process that uses these serials starts above them.
    pub async fn reserve(&self, serials: Vec<(Name, Serial)>) -> io::Result<()> {
        let ended = || io::Error::other("the pipeline has ended");
        let (reply, reserved) = oneshot::channel();
        self.send(Input::Reserve(serials, reply)).await.map_err(|Ended| ended())?;
        reserved.await.map_err(|_| ended())?
    }

    /// Publishes again, above these serials.
    pub async fn go_on(&self, above: Vec<(Name, Serial)>) -> Result<(), Ended> {
        let (reply, done) = oneshot::channel();
        self.send(Input::GoOn(above, reply)).await?;
        done.await.map_err(|_| Ended)
    }

    pub fn listen(&self, watch: WatchId) -> WatchSender {
        WatchSender { watch, inputs: self.inputs.clone() }
    }
}

// === impl WatchSender ===

impl Listener for WatchSender {
    async fn room(&self) -> Result<impl FnOnce(ClusterEvent) + Send, NobodyListens> {
        let permit = self.inputs.reserve().await.map_err(|_| NobodyListens)?;
        let watch = self.watch;
        Ok(move |event| permit.send(Input::Cluster(watch, event)))
    }
}
