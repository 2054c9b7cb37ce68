//! What comes out of watching a cluster.

use std::time::Instant;

use model::{ClusterChange, ClusterName};
use tokio::sync::mpsc;

/// One step in what is known of one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterEvent {
    pub cluster: ClusterName,
    pub change: ClusterChange,
    /// When the watch event was read that led to this one.
    pub received: Instant,
}

/// Takes the events of one watcher.
pub trait Listener: Clone + Send + 'static {
    /// Waits for room for one event, and returns what takes it. Nothing is lost where the wait is
    /// given up.
    ///
    /// # Errors
    ///
    /// When nobody listens any more: the watcher then ends.
    fn room(
        &self,
    ) -> impl Future<Output = Result<impl FnOnce(ClusterEvent) + Send, NobodyListens>> + Send;
}

/// Whoever took the events has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NobodyListens;

impl Listener for mpsc::Sender<ClusterEvent> {
    async fn room(&self) -> Result<impl FnOnce(ClusterEvent) + Send, NobodyListens> {
        let permit = self.reserve().await.map_err(|_| NobodyListens)?;
        Ok(move |event| permit.send(event))
    }
}
