//! A running propagator.

use std::sync::Arc;

use clusters::lease::Holding;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::engine::Engine;
use crate::member::Members;
use crate::settings::Settings;
use crate::status::Status;

/// Dropping it stops the propagator without waiting for what is in flight.
pub struct Handle {
    status: watch::Receiver<Arc<Status>>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// Starts to propagate, in the runtime that it is called in. Writes only while `holding` says that
/// this process may; nothing is listed or watched before it did for the first time. `members` that end
/// stay as they were last.
pub fn start(
    settings: Settings,
    members: watch::Receiver<Members>,
    holding: watch::Receiver<Holding>,
) -> Handle {
    let (tell_status, status) = watch::channel(Arc::default());
    let (stop, stopped) = oneshot::channel();
    let engine = Engine::new(settings, members, holding, tell_status);
    let task = tokio::spawn(engine.run(stopped));
    Handle { status, stop: Some(stop), task }
}

// === impl Handle ===

impl Handle {
    /// As it was a moment ago.
    pub fn status(&self) -> Arc<Status> {
        Arc::clone(&self.status.borrow())
    }

    /// The same, for whoever shows it.
    pub fn status_feed(&self) -> watch::Receiver<Arc<Status>> {
        self.status.clone()
    }

    /// Begins no call any more, and returns when those that are in flight have ended,
    /// or some seconds later.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        // It ends only with the sender, and never panics by design; a panic was reported by tokio.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.task.abort();
    }
}
