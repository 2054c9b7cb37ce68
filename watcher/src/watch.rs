//! One cluster being watched: how it starts, and its handle.

use std::sync::{Arc, PoisonError};

use clusters::{Cluster, Source};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::engine::{SharedStatus, Status};
use crate::event::Listener;
use crate::index::{Index, IndexOptions};
use crate::memory::{Memory, Saved};
use crate::reading::Reader;
use crate::resolver::Resolver;
use crate::settings::ServiceSettings;
use crate::start::Start;
use crate::{api_server, manifests};

/// A cluster that is being watched. Dropping it stops everything that watches.
#[derive(Debug)]
pub struct WatchHandle {
    status: SharedStatus,
    accepts: mpsc::Sender<()>,
    _tasks: JoinSet<()>,
}

/// What is wrong with the files of a manifest folder, read at any time from anywhere.
#[derive(Clone, Debug)]
pub struct Problems(SharedStatus);

/// Begins to watch `cluster`. Must be called inside a tokio runtime.
///
/// Until the cluster has been listed completely, what `saved` holds stands: its host names go on
/// being resolved, and each change of them is told. Then a [`model::ClusterChange::View`] replaces all of
/// it in one step. To watch a cluster with other settings, start anew with the current view as
/// `saved`; the one before may run on until the new one has told its view.
///
/// Freshness is told once something is known of it: at the first failure, or when the view is
/// complete and the API server has answered a probe.
///
/// Where `cluster` says which cluster is meant, another one is [`model::StaleReason::ClusterChanged`], and what
/// `saved` holds of another stands until the one that is meant has been listed.
pub fn start(
    cluster: Cluster,
    settings: ServiceSettings,
    saved: Saved,
    resolver: &Arc<Resolver>,
    listener: impl Listener,
) -> WatchHandle {
    let saved = saved.meant_of(&cluster);
    let mut tasks = JoinSet::new();
    let (accepts, inbox) = mpsc::channel(1);
    let status = Status { memory: saved.memory.clone(), ..Status::default() };
    let status = SharedStatus::new(status.into());
    let settings = Arc::new(settings);
    let options = IndexOptions {
        settings: settings.clone(),
        fixed_topology: cluster.topology.as_ref().map(|fixed| fixed.topology()),
        slices_are_optional: matches!(cluster.source, Source::Manifests(_)),
    };
    let start = Start {
        cluster: cluster.name,
        are_nodes_read: options.fixed_topology.is_none(),
        memory: saved.memory.clone(),
        reader: Arc::new(Reader::new(settings)),
        index: Index::new(options, saved),
        subscription: resolver.subscribe(),
        listener,
        status: status.clone(),
        accepts: inbox,
    };
    match cluster.source {
        Source::ApiServer(access) => api_server::spawn(access, start, &mut tasks),
        Source::Manifests(folder) => manifests::spawn(folder, start, &mut tasks),
    }
    WatchHandle { status, accepts, _tasks: tasks }
}

// === impl WatchHandle ===

impl WatchHandle {
    /// What must be known at the next start.
    pub fn memory(&self) -> Memory {
        self.status().memory
    }

    /// What is wrong with the source, for as long as it is watched.
    pub fn problems(&self) -> Problems {
        Problems(self.status.clone())
    }

    /// Takes the cluster that answers now in place of the one that was there before: its first
    /// complete view replaces everything in one step. False if no other cluster answers.
    pub fn accept(&self) -> bool {
        // A full channel holds an acceptance already.
        self.status().is_other_cluster && {
            let _ = self.accepts.try_send(());
            true
        }
    }

    fn status(&self) -> Status {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

// === impl Problems ===

impl Problems {
    /// One line each; empty where all is well.
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).problems.clone()
    }
}
