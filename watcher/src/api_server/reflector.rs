//! Lists one kind and then watches it, for ever.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clusters::Failure;
use futures::AsyncBufReadExt;
use kube::Client;
use kube::core::WatchEvent;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::Session;
use super::backoff::Backoff;
use super::door::{Door, Found};
use super::list::{Listed, list};
use super::request::{Watched, current_version, watch_request};
use super::verify::verify;
use crate::engine::{Comparison, Input, Told};
use crate::freshness::Trouble;
use crate::object::Kind;
use crate::reading::Reader;

/// An answer to the request for a watch comes at once, or something is wrong.
const OPEN_LIMIT: Duration = Duration::from_secs(10);
/// A watch that ends sooner without an event has failed.
const WATCH_SHORTEST: Duration = Duration::from_secs(1);
/// Nodes that may not be read are asked for again after this time.
const NODES_DELAY: Duration = Duration::from_secs(60);
/// A line buffer that one large object made larger is given back.
const LINE_KEPT_MAX: usize = 64 * 1024;

pub(crate) struct Reflector {
    pub(crate) session: watch::Receiver<Session>,
    pub(crate) inputs: mpsc::Sender<Told>,
    pub(crate) door: Arc<Door>,
    pub(crate) reader: Arc<Reader>,
    pub(crate) poke: Arc<Notify>,
}

/// How far the cluster's history has been followed.
#[derive(Debug, Default)]
struct Position {
    lineage: u64,
    /// None: everything must be listed.
    resource_version: Option<String>,
    /// Something failed since: the cluster may be another one, or its history may have been set
    /// back.
    is_doubtful: bool,
    is_troubled: bool,
}

/// Why a watch is over.
enum End {
    /// As agreed; to be resumed.
    Ended,
    /// Nobody listens any more.
    Unheard,
    Trouble(Trouble),
}

// === impl Reflector ===

impl Reflector {
    pub(crate) async fn run<T: Watched>(mut self) {
        let mut position = Position { is_doubtful: true, ..Position::default() };
        let mut backoff = Backoff::default();
        loop {
            let session = self.session.borrow_and_update().clone();
            if position.lineage != session.lineage {
                position = Position { lineage: session.lineage, ..Position::default() };
                position.is_doubtful = true;
            }
            let mut changes = self.session.clone();
            let changed = tokio::select! {
                changed = changes.changed() => changed,
                () = self.follow::<T>(session.client, &mut position, &mut backoff) => return,
            };
            if changed.is_err() {
                return;
            }
            position.is_doubtful = true;
            backoff.reset();
        }
    }

    /// Returns only when nobody listens any more; may be dropped at any time.
    async fn follow<T: Watched>(
        &self,
        client: Option<Client>,
        position: &mut Position,
        backoff: &mut Backoff,
    ) {
        let Some(client) = client else { return std::future::pending().await };
        loop {
            match self.follow_once::<T>(&client, position, backoff).await {
                End::Ended => {}
                End::Unheard => return,
                End::Trouble(Trouble::Failure(Failure::Forbidden(line)))
                    if T::KIND == Kind::Node =>
                {
                    self.tell(position, Input::NodesUnreadable(line)).await;
                    tokio::time::sleep(NODES_DELAY).await;
                }
                End::Trouble(trouble) => {
                    self.trouble::<T>(position, trouble.clone()).await;
                    backoff.wait(&trouble).await;
                }
            }
        }
    }

    /// Tells of a failure, and wakes the prober where it may see what is wrong.
    async fn trouble<T: Watched>(&self, position: &mut Position, trouble: Trouble) {
        tracing::debug!(kind = %T::KIND, ?trouble, "a watch does not run");
        position.is_doubtful = true;
        position.is_troubled = true;
        let is_expired = matches!(&trouble, Trouble::Failure(Failure::Expired(_)));
        // A history that is gone is no failure, as long as a list can be read.
        if is_expired && position.resource_version.take().is_some() {
            return;
        }
        self.tell(position, Input::WatchFails(T::KIND, trouble)).await;
        self.poke.notify_one();
    }

    async fn follow_once<T: Watched>(
        &self,
        client: &Client,
        position: &mut Position,
        backoff: &mut Backoff,
    ) -> End {
        if position.is_doubtful {
            self.pass_door::<T>(client, position).await;
            match self.is_history_set_back(client, T::KIND, position).await {
                Ok(false) => {}
                Ok(true) => position.resource_version = None,
                Err(failure) => return End::Trouble(Trouble::Failure(failure)),
            }
            position.is_doubtful = false;
        }
        if position.resource_version.is_none() {
            match self.relist::<T>(client, position).await {
                Ok(resource_version) => position.resource_version = Some(resource_version),
                Err(end) => return end,
            }
        }
        self.watch::<T>(client, position, backoff).await
    }

    /// Knocks until the cluster answers and is the right one. One task knocks for all.
    async fn pass_door<T: Watched>(&self, client: &Client, position: &mut Position) {
        let _gate = self.door.gate.lock().await;
        let mut backoff = Backoff::default();
        loop {
            match self.door.knock(client).await {
                Ok(Found::Same) => return,
                Ok(Found::New(uid)) => {
                    self.tell(position, Input::Identified(uid)).await;
                    return;
                }
                Err(trouble) => {
                    self.trouble::<T>(position, trouble.clone()).await;
                    backoff.wait(&trouble).await;
                }
            }
        }
    }

    /// A cluster that was restored from a backup would be silent until it has caught up.
    async fn is_history_set_back(
        &self,
        client: &Client,
        kind: Kind,
        position: &Position,
    ) -> Result<bool, Failure> {
        let Some(known) = &position.resource_version else { return Ok(false) };
        let current = current_version(client, kind).await?;
        Ok(is_before(&current, known))
    }

    /// A complete list that is believed, handed on; returns where to watch from.
    async fn relist<T: Watched>(
        &self,
        client: &Client,
        position: &Position,
    ) -> Result<String, End> {
        let failed = |failure| End::Trouble(Trouble::Failure(failure));
        let listed = list::<T>(client, &self.reader).await;
        let Listed { readings, resource_version } = listed.map_err(failed)?;
        let (reply, answer) = oneshot::channel();
        self.tell(position, Input::Compare { kind: T::KIND, readings, reply }).await;
        // Not listened to: another cluster has been accepted meanwhile, and a new session follows.
        let Ok(Comparison { readings, missing }) = answer.await else {
            return if self.inputs.is_closed() {
                Err(End::Unheard)
            } else {
                std::future::pending().await
            };
        };
        verify(client, missing).await.map_err(End::Trouble)?;
        self.tell(position, Input::Replace { kind: T::KIND, readings }).await;
        Ok(resource_version)
    }

    async fn watch<T: Watched>(
        &self,
        client: &Client,
        position: &mut Position,
        backoff: &mut Backoff,
    ) -> End {
        let name = format!("watch {}", T::KIND.resource());
        let Some(from) = position.resource_version.clone() else { return End::Ended };
        let failed = |failure| End::Trouble(Trouble::Failure(failure));
        let request = match watch_request(T::KIND, &from) {
            Ok(request) => request,
            Err(failure) => return failed(failure),
        };
        let opening = tokio::time::timeout(OPEN_LIMIT, client.request_stream(request));
        let mut lines = match opening.await {
            Ok(Ok(lines)) => Box::pin(lines),
            Ok(Err(error)) => return failed(Failure::new(&name, &error)),
            Err(_) => return failed(Failure::timed_out(&name)),
        };
        let opened = Instant::now();
        self.tell(position, Input::WatchRuns(T::KIND)).await;
        if std::mem::take(&mut position.is_troubled) {
            self.poke.notify_one();
        }
        let mut line = String::new();
        loop {
            line.clear();
            line.shrink_to(LINE_KEPT_MAX);
            match lines.read_line(&mut line).await {
                Err(error) => return failed(Failure::from_io(&name, &error)),
                // A line that is cut off is read again after the watch is resumed.
                Ok(_) if !line.ends_with('\n') => {
                    return self.ended(&name, opened, &from, position, backoff);
                }
                Ok(_) => {}
            }
            match self.take_line::<T>(&name, &line, position).await {
                Ok(()) => backoff.reset(),
                Err(end) => return end,
            }
        }
    }

    fn ended(
        &self,
        name: &str,
        opened: Instant,
        from: &str,
        position: &Position,
        backoff: &mut Backoff,
    ) -> End {
        let is_short = opened.elapsed() < WATCH_SHORTEST;
        if is_short && position.resource_version.as_deref() == Some(from) {
            let detail = format!("{name}: the connection is closed again and again");
            return End::Trouble(Trouble::Failure(Failure::Unreachable(detail)));
        }
        backoff.reset();
        End::Ended
    }

    async fn take_line<T: Watched>(
        &self,
        name: &str,
        line: &str,
        position: &mut Position,
    ) -> Result<(), End> {
        let received = Instant::now();
        let event = serde_json::from_str::<WatchEvent<T>>(line)
            .map_err(|error| Failure::new(name, &kube::Error::SerdeError(error)))
            .map_err(|failure| End::Trouble(Trouble::Failure(failure)))?;
        let (input, version) = match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                let object = object.into_object();
                let version = object.resource_version().map(str::to_owned);
                (Input::Apply { reading: self.reader.read(&object), received }, version)
            }
            WatchEvent::Deleted(object) => {
                let object = object.into_object();
                let version = object.resource_version().map(str::to_owned);
                (Input::Delete { key: object.key(), received }, version)
            }
            WatchEvent::Bookmark(bookmark) => {
                (Input::Contact, Some(bookmark.metadata.resource_version))
            }
            WatchEvent::Error(status) => {
                let failure = Failure::from_status(name, &status);
                return Err(End::Trouble(Trouble::Failure(failure)));
            }
        };
        // First the event, then the position: if this is given up in between, it comes once more.
        self.tell(position, input).await;
        if let Some(version) = version.filter(|version| !version.is_empty()) {
            position.resource_version = Some(version);
        }
        if self.inputs.is_closed() { Err(End::Unheard) } else { Ok(()) }
    }

    async fn tell(&self, position: &Position, input: Input) {
        let told = Told { lineage: position.lineage, input };
        if self.inputs.send(told).await.is_err() {
            tracing::debug!("nobody listens to this watch any more");
        }
    }
}

/// Versions are decimal numbers that grow; what is none cannot be compared.
fn is_before(current: &str, known: &str) -> bool {
    match (current.parse::<u64>(), known.parse::<u64>()) {
        (Ok(current), Ok(known)) => current < known,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_set_back_where_its_number_is_smaller() {
        assert!(is_before("9", "10"));
        assert!(!is_before("10", "10"));
        assert!(!is_before("11", "10"));
        assert!(!is_before("", "10"));
    }
}
