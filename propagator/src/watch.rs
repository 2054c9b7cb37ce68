//! Lists and watches of one kind at one API server, for as long as the task lives.

use std::sync::Arc;
use std::time::Duration;

use clusters::Failure;
use futures::{StreamExt, pin_mut};
use kube::core::DynamicObject;
use kube_runtime::watcher::{self, Event, watcher};
use tokio::sync::mpsc::Sender;

use crate::endpoint::Endpoint;
use crate::key::Key;
use crate::kinds::{Kind, KindId};
use crate::member::Standing;
use crate::object::key_of;
use crate::table::Seen;

/// After an outage a watch is tried again that often, with some chance in it.
const RETRY: Duration = Duration::from_secs(1);
/// While the probes say that it does not answer.
const AWAY_RETRY: Duration = Duration::from_secs(30);
/// An API server ends a watch after that long, and it is begun again where it was.
const WATCH_SECONDS: u32 = 240;

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
}

// === impl Watch ===

impl<T: Send + Sync + 'static> Watch<T> {
    /// Tells until nobody listens.
    pub async fn run<M: Send>(self, tell: Sender<M>, wrap: impl Fn(Seen<T>) -> M + Send) {
        loop {
            if self.follow(&tell, &wrap).await.is_none() {
                return;
            }
            self.pause().await;
        }
    }

    /// Until the next attempt.
    async fn pause(&self) {
        tokio::time::sleep(jittered(RETRY)).await;
        let mut standing = self.standing.clone();
        let is_ready = standing.wait_for(|standing| *standing == Standing::Ready);
        // It does not matter which of both it was, nor that nobody tells any more.
        drop(tokio::time::timeout(jittered(AWAY_RETRY), is_ready).await);
    }

    /// `Some` when the watch should be begun anew, `None` when nobody listens.
    async fn follow<M: Send>(
        &self,
        tell: &Sender<M>,
        wrap: &(impl Fn(Seen<T>) -> M + Send),
    ) -> Option<()> {
        let api = match self.endpoint.api(&self.kind, "").await {
            Ok(api) => api,
            Err(trouble) => {
                let failed = Seen::Failed(trouble.words().to_owned());
                return tell.send(wrap(failed)).await.ok();
            }
        };
        let config = watcher::Config {
            label_selector: self.label_selector.clone(),
            timeout: Some(WATCH_SECONDS),
            ..watcher::Config::default()
        };
        let stream = watcher(api, config);
        pin_mut!(stream);
        while let Some(event) = stream.next().await {
            let has_failed = event.is_err();
            tell.send(wrap(self.seen(event))).await.ok()?;
            if has_failed {
                // A watch that went on where it was would hear nothing of a server whose versions went
                // back: it is listed anew.
                return Some(());
            }
        }
        Some(())
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
            Err(error) => Seen::Failed(self.words(&error)),
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

    fn words(&self, error: &watcher::Error) -> String {
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
                return format!("list {resource}: the answer has no resourceVersion");
            }
        };
        failure.to_string()
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
