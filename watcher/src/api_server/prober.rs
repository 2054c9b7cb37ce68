//! Keeps a client that works, and probes the API server with it.

use std::sync::Arc;
use std::time::Duration;

use clusters::health::PROBE_INTERVAL;
use clusters::probe::probe;
use clusters::{AccessError, Connection};
use model::StaleReason;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

use super::Session;
use crate::engine::{Input, Told};

/// However often something fails, probes keep this distance; and after a failure the next one comes
/// as soon, so that the end of an outage is seen at once.
const DISTANCE_MIN: Duration = Duration::from_secs(1);

pub(crate) struct Prober {
    pub(crate) access: clusters::Access,
    pub(crate) session: Arc<watch::Sender<Session>>,
    pub(crate) inputs: mpsc::Sender<Told>,
    /// Somebody saw a failure, or the end of one.
    pub(crate) poke: Arc<Notify>,
}

/// The client in use and whether its credentials were refused.
#[derive(Default)]
struct Access {
    connection: Option<Connection>,
    /// When they were last read because they were refused.
    refused: Option<Instant>,
    is_refused: bool,
    /// The last probe failed, and it may end by itself.
    is_interrupted: bool,
}

// === impl Prober ===

impl Prober {
    pub(crate) async fn run(self) {
        let mut access = Access::default();
        loop {
            let started = Instant::now();
            let Ok(()) = self.round(&mut access).await else { return };
            tokio::time::sleep_until(started + DISTANCE_MIN).await;
            if access.is_interrupted {
                continue;
            }
            tokio::select! {
                () = tokio::time::sleep_until(started + PROBE_INTERVAL) => {}
                () = self.poke.notified() => {}
            }
        }
    }

    /// One probe, with new credentials where the old ones do not do. An error: nobody listens.
    async fn round(&self, access: &mut Access) -> Result<(), mpsc::error::SendError<Told>> {
        if access.must_be_read_again() {
            match Connection::new(&self.access).await {
                Ok(connection) => self.connect(access, connection).await?,
                // A kubeconfig that is being edited does not end what its last version opened.
                Err(error) if access.connection.is_some() && !access.is_refused => {
                    tracing::warn!(
                        error = error.line(),
                        "the kubeconfig changed and cannot be used; the last one stays in use"
                    );
                }
                Err(error) => {
                    self.session.send_modify(|session| session.client = None);
                    access.connection = None;
                    return self.tell(Input::Usable(Err(unusable(&error)))).await;
                }
            }
        }
        let Some(connection) = &access.connection else { return Ok(()) };
        let result = probe(&connection.client).await;
        access.is_interrupted = result.as_ref().is_err_and(|failure| !failure.is_refusal());
        access.is_refused = result.as_ref().is_err_and(|failure| failure.is_credentials());
        self.tell(Input::Probed(result)).await
    }

    /// Everything is opened anew with the new client.
    async fn connect(
        &self,
        access: &mut Access,
        connection: Connection,
    ) -> Result<(), mpsc::error::SendError<Told>> {
        self.session.send_modify(|session| {
            session.client = Some(connection.client.clone());
            session.epoch += 1;
        });
        access.connection = Some(connection);
        self.tell(Input::Usable(Ok(()))).await
    }

    async fn tell(&self, input: Input) -> Result<(), mpsc::error::SendError<Told>> {
        let lineage = self.session.borrow().lineage;
        self.inputs.send(Told { lineage, input }).await
    }
}

fn unusable(error: &AccessError) -> StaleReason {
    StaleReason::BadAccess(error.line())
}

// === impl Access ===

impl Access {
    /// Refused credentials are read again at most once in an interval: a plug-in may be behind them.
    fn must_be_read_again(&mut self) -> bool {
        let Some(connection) = &self.connection else { return true };
        if connection.is_outdated() {
            return true;
        }
        let is_due = self.refused.is_none_or(|refused| refused.elapsed() >= PROBE_INTERVAL);
        if self.is_refused && is_due {
            self.refused = Some(Instant::now());
            return true;
        }
        false
    }
}
