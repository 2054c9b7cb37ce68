//! Lists and watches of one kind at one API server, for as long as the task lives.

use std::sync::Arc;
use std::time::Duration;

use clusters::Failure;
use clusters::federation::listed::listed;
use futures::{StreamExt, pin_mut};
use kube::core::DynamicObject;
use kube_runtime::watcher::{self, Event};
use tokio::sync::mpsc::Sender;

use crate::endpoint::Endpoint;
use crate::key::Key;
use crate::kinds::{Kind, KindId};
use crate::member::Standing;
use crate::object::key_of;
use crate::table::{Seen, Unlisted};

/// After an outage a watch is tried again that often, with some chance in it.
const RETRY: Duration = Duration::from_secs(1);
/// While the probes say that it does not answer, and at most where only somebody's change helps.
const LONGEST_RETRY: Duration = Duration::from_secs(30);

type Standings = tokio::sync::watch::Receiver<Standing>;

/// Of which objects to tell.
#[derive(Clone)]
pub struct Watch<T> {
    pub endpoint: Endpoint,
    pub id: KindId,
    pub kind: Kind,
    /// `None`: all.
    pub label_selector: Option<String>,
    /// What is kept of an object.
    pub convert: Arc<dyn Fn(DynamicObject) -> Arc<T> + Send + Sync>,
    /// What the probes say: a server that is away is tried less often.
    pub standing: Standings,
    /// Changes when what could not be listed may be there now.
    pub again: tokio::sync::watch::Receiver<u64>,
}

/// How a list or watch ended.
enum End {
    /// It helps only if somebody changes something.
    Refused,
    Other,
}

// === impl Watch ===

impl<T: Send + Sync + 'static> Watch<T> {
    /// Tells until nobody listens.
    pub async fn run<M: Send>(mut self, tell: Sender<M>, wrap: impl Fn(Seen<T>) -> M + Send) {
        let mut refusals = 0;
        loop {
            self.again.mark_unchanged();
            match self.follow(&tell, &wrap).await {
                None => return,
                Some(End::Refused) => refusals += 1,
                Some(End::Other) => refusals = 0,
            }
            refusals = self.pause(refusals).await;
        }
    }

    /// Until the next attempt; returns what is left of the refusals in a row.
    async fn pause(&mut self, refusals: u32) -> u32 {
        if refusals > 0 {
            let wait = RETRY.saturating_mul(1 << refusals.min(16)).min(LONGEST_RETRY);
            return match tokio::time::timeout(jittered(wait), self.again.changed()).await {
                Err(_) => refusals,
                Ok(Ok(())) => 0,
                // Nobody will say that it is there now.
                Ok(Err(_)) => {
                    tokio::time::sleep(jittered(wait)).await;
                    refusals
                }
            };
        }
        tokio::time::sleep(jittered(RETRY)).await;
        let is_ready = self.standing.wait_for(|standing| *standing == Standing::Ready);
        // It does not matter which of both it was, nor that nobody tells any more.
        drop(tokio::time::timeout(jittered(LONGEST_RETRY), is_ready).await);
        0
    }

    /// How it ended when it should be begun anew, `None` when nobody listens.
    async fn follow<M: Send>(
        &self,
        tell: &Sender<M>,
        wrap: &(impl Fn(Seen<T>) -> M + Send),
    ) -> Option<End> {
        let api = match self.endpoint.api(&self.kind, "").await {
            Ok(api) => api,
            Err(trouble) => {
                let failed = Seen::Failed(Unlisted::Failed(trouble.words().to_owned()));
                tell.send(wrap(failed)).await.ok()?;
                return Some(End::Other);
            }
        };
        let config = watcher::Config {
            label_selector: self.label_selector.clone(),
            ..watcher::Config::default()
        };
        let stream = listed(api, config);
        pin_mut!(stream);
        while let Some(event) = stream.next().await {
            let seen = self.seen(event);
            let end = match &seen {
                Seen::Failed(why) if why.is_lasting() => Some(End::Refused),
                Seen::Failed(_) => Some(End::Other),
                _ => None,
            };
            tell.send(wrap(seen)).await.ok()?;
            if end.is_some() {
                // A watch that went on where it was would hear nothing of a server whose versions went
                // back: it is listed anew.
                return end;
            }
        }
        Some(End::Other)
    }

    fn seen(&self, event: watcher::Result<Event<DynamicObject>>) -> Seen<T> {
        match event {
            Ok(Event::Init) => Seen::ListBegins,
            Ok(Event::InitDone) => Seen::ListEnds,
            Ok(Event::InitApply(object)) => {
                let (key, object) = self.pair(object);
                Seen::Listed(key, object)
            }
            Ok(Event::Apply(object)) => {
                let (key, object) = self.pair(object);
                Seen::Changed(key, object)
            }
            Ok(Event::Delete(object)) => {
                let (key, object) = self.pair(object);
                Seen::Deleted(key, object)
            }
            Err(error) => Seen::Failed(self.unlisted(&error)),
        }
    }

    fn pair(&self, mut object: DynamicObject) -> (Key, Arc<T>) {
        // Items of a list come without the names of their kind.
        object.types.get_or_insert_with(|| kube::core::TypeMeta {
            api_version: self.kind.resource.api_version.clone(),
            kind: self.kind.resource.kind.clone(),
        });
        (key_of(self.id, &object), (self.convert)(object))
    }

    fn unlisted(&self, error: &watcher::Error) -> Unlisted {
        let resource = &self.kind.resource.plural;
        let failure = match error {
            watcher::Error::InitialListFailed(error) => {
                Failure::new(&format!("list {resource}"), error)
            }
            watcher::Error::WatchStartFailed(error) | watcher::Error::WatchFailed(error) => {
                Failure::new(&format!("watch {resource}"), error)
            }
            watcher::Error::WatchError(status) => {
                Failure::from_status(&format!("watch {resource}"), status)
            }
            watcher::Error::NoResourceVersion => {
                let line = format!("list {resource}: the answer has no resourceVersion");
                return Unlisted::Failed(line);
            }
        };
        let line = failure.to_string();
        match (failure, error) {
            (Failure::Forbidden(_), _) => Unlisted::Forbidden(line),
            (Failure::NotFound(_), watcher::Error::InitialListFailed(_)) => {
                Unlisted::NotServed(format!(
                    "it does not serve {} in {}",
                    self.kind.full_name(),
                    self.kind.resource.version
                ))
            }
            _ => Unlisted::Failed(line),
        }
    }
}

/// Up to a half longer.
pub fn jittered(duration: Duration) -> Duration {
    duration.mul_f64(1.0 + chance() / 2.0)
}

/// From 0 to 1, by the clock: good enough to keep many from doing the same at the same time.
pub fn chance() -> f64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    f64::from(now.map_or(0, |it| it.subsec_nanos()) % 1_000_003) / 1_000_003.0
}
