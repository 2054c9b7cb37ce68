//! A list and a watch from there on, as events, that notice when the server's versions went back.
//!
//! A server whose storage was lost, or set back, has versions below those that a watch began at: it would
//! hear nothing until they are reached once more. Such a server says nothing, not even with a bookmark, or
//! says something older than what was heard before. Either way all is listed anew.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::time::Duration;

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use kube::api::{ListParams, ObjectList, WatchEvent, WatchParams};
use kube::{Api, ResourceExt};
use kube_runtime::watcher::{self, Event};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep_until, timeout};

/// Of a list; kubectl takes as many at once.
const PAGE: u32 = 500;
/// A page of the largest objects, from a busy server.
const LIST_LIMIT: Duration = Duration::from_secs(60);
/// An API server ends a watch after that long, and it is begun again where it was.
const WATCH_TIME: Duration = Duration::from_secs(240);
const WATCH_SHORTEST: Duration = Duration::from_secs(1);
/// An API server sends a bookmark each minute.
const SILENCE_MAX: Duration = Duration::from_secs(90);

/// Of what kind, and where it stands.
struct Listed<K> {
    api: Api<K>,
    config: watcher::Config,
    next: Next<K>,
}

enum Next<K> {
    List,
    Page { items: VecDeque<K>, rest: Rest },
    Watch { version: String },
    Watching(Watching<K>),
}

/// A watch that is open.
struct Watching<K> {
    events: BoxStream<'static, kube::Result<WatchEvent<K>>>,
    /// The newest that was heard of.
    version: String,
    since: Instant,
}

/// Of a list after a page.
enum Rest {
    More {
        token: String,
    },
    /// Where a watch goes on.
    End {
        version: String,
    },
}

/// Events of the objects that the config selects (nothing else of it counts), until nobody listens. After an error all is
/// listed anew, at once: whoever listens may wait before asking for more.
pub fn listed<K>(
    api: Api<K>,
    config: watcher::Config,
) -> impl Stream<Item = watcher::Result<Event<K>>> + Send
where
    K: kube::Resource + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let begin = Listed { api, config, next: Next::List };
    stream::unfold(begin, |mut listed| async move {
        loop {
            if let Some(event) = listed.step().await {
                return Some((event, listed));
            }
        }
    })
}

// === impl Listed ===

impl<K> Listed<K>
where
    K: kube::Resource + Clone + Debug + DeserializeOwned + Send + 'static,
{
    /// One event, or none yet.
    async fn step(&mut self) -> Option<watcher::Result<Event<K>>> {
        let stood = std::mem::replace(&mut self.next, Next::List);
        let outcome = match stood {
            Next::List => {
                self.next = Next::Page {
                    items: VecDeque::new(),
                    rest: Rest::More { token: String::new() },
                };
                return Some(Ok(Event::Init));
            }
            Next::Page { items, rest } => self.page(items, rest).await.map(Some),
            Next::Watch { version } => self.begin_watch(version).await.map(|()| None),
            Next::Watching(watching) => self.watch(watching).await,
        };
        outcome.transpose()
    }

    async fn page(&mut self, mut items: VecDeque<K>, mut rest: Rest) -> watcher::Result<Event<K>> {
        loop {
            if let Some(item) = items.pop_front() {
                self.next = Next::Page { items, rest };
                return Ok(Event::InitApply(item));
            }
            match rest {
                Rest::More { token } => (items, rest) = self.page_at(token).await?,
                Rest::End { version } => {
                    self.next = Next::Watch { version };
                    return Ok(Event::InitDone);
                }
            }
        }
    }

    /// The page that the token stands for; an empty one for the first.
    async fn page_at(&mut self, token: String) -> watcher::Result<(VecDeque<K>, Rest)> {
        let parameters = ListParams {
            label_selector: self.config.label_selector.clone(),
            field_selector: self.config.field_selector.clone(),
            limit: Some(PAGE),
            continue_token: (!token.is_empty()).then_some(token),
            ..ListParams::default()
        };
        let list = self.list(&parameters).await?;
        let version = list.metadata.resource_version.unwrap_or_default();
        let token = list.metadata.continue_.unwrap_or_default();
        let rest = if token.is_empty() { Rest::End { version } } else { Rest::More { token } };
        Ok((list.items.into(), rest))
    }

    /// A list that has a version.
    async fn list(&mut self, parameters: &ListParams) -> watcher::Result<ObjectList<K>> {
        let list = timeout(LIST_LIMIT, self.api.list(parameters)).await;
        let list = list.unwrap_or_else(|_| Err(kube::Error::Service("no answer in time".into())));
        let list = list.map_err(watcher::Error::InitialListFailed)?;
        match list.metadata.resource_version.as_deref() {
            None | Some("") => Err(watcher::Error::NoResourceVersion),
            Some(_) => Ok(list),
        }
    }

    async fn begin_watch(&mut self, version: String) -> watcher::Result<()> {
        let parameters = WatchParams {
            label_selector: self.config.label_selector.clone(),
            field_selector: self.config.field_selector.clone(),
            timeout: Some(WATCH_TIME.as_secs() as u32),
            bookmarks: true,
            ..WatchParams::default()
        };
        let events = self.api.watch(&parameters, &version).await;
        let events = events.map_err(watcher::Error::WatchStartFailed)?.boxed();
        self.next = Next::Watching(Watching { events, version, since: Instant::now() });
        Ok(())
    }

    /// A watch that ended before its time was ended by a server that stops: the next one may have lost what
    /// this one had.
    async fn after_end(&mut self, ended: Watching<K>) -> watcher::Result<Next<K>> {
        let Watching { version, since, .. } = ended;
        if since.elapsed() + WATCH_SHORTEST < WATCH_TIME {
            // One that ends each watch at once is not asked without a pause.
            sleep_until(since + WATCH_SHORTEST).await;
            let parameters = ListParams { limit: Some(1), ..ListParams::default() };
            let now = self.list(&parameters).await?.metadata.resource_version.unwrap_or_default();
            if is_older(&now, &version) {
                return Ok(Next::List);
            }
        }
        Ok(Next::Watch { version })
    }

    async fn watch(&mut self, mut watching: Watching<K>) -> watcher::Result<Option<Event<K>>> {
        loop {
            let event = match timeout(SILENCE_MAX, watching.events.next()).await {
                Err(_) => return Ok(None),
                Ok(None) => {
                    self.next = self.after_end(watching).await?;
                    return Ok(None);
                }
                Ok(Some(event)) => event.map_err(watcher::Error::WatchFailed)?,
            };
            let (event, version) = told(event)?;
            if is_older(&version, &watching.version) {
                return Ok(None);
            }
            watching.version = version;
            if event.is_some() {
                self.next = Next::Watching(watching);
                return Ok(event);
            }
        }
    }
}

/// What an event says, and which version it tells of.
fn told<K: kube::Resource>(event: WatchEvent<K>) -> watcher::Result<(Option<Event<K>>, String)> {
    let version = |object: &K| object.resource_version().unwrap_or_default();
    Ok(match event {
        WatchEvent::Added(object) | WatchEvent::Modified(object) => {
            let version = version(&object);
            (Some(Event::Apply(object)), version)
        }
        WatchEvent::Deleted(object) => {
            let version = version(&object);
            (Some(Event::Delete(object)), version)
        }
        WatchEvent::Bookmark(bookmark) => (None, bookmark.metadata.resource_version),
        WatchEvent::Error(status) => return Err(watcher::Error::WatchError(status)),
    })
}

/// Versions are numbers that grow (KEP-5504); what is none is believed to be new.
fn is_older(version: &str, than: &str) -> bool {
    matches!((version.parse::<u128>(), than.parse::<u128>()), (Ok(version), Ok(than)) if version < than)
}
