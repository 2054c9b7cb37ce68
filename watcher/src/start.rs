//! What a source starts with.

use std::sync::Arc;

use model::ClusterName;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::engine::{Engine, Outbox, SharedStatus, SourceControl, Told};
use crate::event::Listener;
use crate::freshness::FreshnessTracker;
use crate::index::Index;
use crate::memory::Memory;
use crate::object::Kind;
use crate::reading::Reader;
use crate::resolver::Subscription;

/// How many inputs may wait for the engine: a burst beyond that waits in the socket.
const INPUTS_MAX: usize = 256;

/// The same for every kind of source.
pub(crate) struct Start<L> {
    pub(crate) cluster: ClusterName,
    pub(crate) are_nodes_read: bool,
    pub(crate) memory: Memory,
    pub(crate) reader: Arc<Reader>,
    pub(crate) index: Index,
    pub(crate) subscription: Subscription,
    pub(crate) listener: L,
    pub(crate) status: SharedStatus,
    pub(crate) accepts: mpsc::Receiver<()>,
}

/// The way from a source to its engine.
pub(crate) fn inputs() -> (mpsc::Sender<Told>, mpsc::Receiver<Told>) {
    mpsc::channel(INPUTS_MAX)
}

impl<L: Listener> Start<L> {
    /// Starts the engine of a source that keeps a watch on each of `watched`, and tells what it sees
    /// into `inbox`.
    pub(crate) fn engine<S: SourceControl + 'static>(
        self,
        control: S,
        watched: &[Kind],
        inbox: mpsc::Receiver<Told>,
        tasks: &mut JoinSet<()>,
    ) {
        let Self { cluster, memory, index, subscription, listener, status, accepts, .. } = self;
        let engine = Engine {
            cluster,
            index,
            tracker: FreshnessTracker::new(watched, memory.last_contact),
            control,
            lineage: 0,
            subscription,
            listener,
            status,
            outbox: Outbox::default(),
        };
        tasks.spawn(engine.run(inbox, accepts));
    }
}
