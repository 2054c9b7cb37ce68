//! A call that is under way, looked after: where it is tried again and again inside, that shows at once.

use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use super::status::{Phase, SharedStatus};
use crate::provider::Provider;

/// How often the provider is asked whether the call has trouble.
const PERIOD: Duration = Duration::from_secs(1);

pub(super) struct CallWatch {
    pub(super) provider: Arc<dyn Provider>,
    pub(super) status: SharedStatus,
}

// === impl CallWatch ===

impl CallWatch {
    /// Waits for a call.
    pub(super) async fn over<T>(self, call: impl Future<Output = T>) -> T {
        let Self { provider, status } = self;
        let mut call = std::pin::pin!(call);
        loop {
            tokio::select! {
                biased;
                done = &mut call => return done,
                // The machine's own time, which the call takes: on a clock that a test moves, waiting for a
                // call would let hours pass.
                () = tokio::time::sleep(PERIOD) => {}
            }
            let Some(trouble) = provider.trouble() else { continue };
            status.set_phase(Phase::Failing);
            // The same trouble again is no news.
            if status.set_failure(Some(trouble.clone())) {
                warn!(provider = %provider.name(), "tried again: {trouble}");
            }
        }
    }
}
