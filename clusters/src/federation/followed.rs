//! One kind of one API server, listed and watched for as long as somebody listens.

use std::time::Duration;

use futures::{Stream, StreamExt};
use kube::Api;
use kube_runtime::WatchStreamExt;
use kube_runtime::watcher::{self, Event};

use super::listed::listed;
use crate::access::Connection;
use crate::definition::Access;
use crate::failure::Failure;

/// Between two looks at whether the kubeconfigs have changed.
const ACCESS_PERIOD: Duration = Duration::from_secs(10);
/// Before a connection that could not be made is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// What one source tells: an event, or why there is none.
pub(super) type Told<K> = Result<Event<K>, String>;

/// Lists and watches one kind, again and again as credentials change and servers go and come.
pub(super) fn followed<K>(
    access: Access,
    config: watcher::Config,
    api: impl Fn(kube::Client) -> Api<K> + Send,
) -> impl Stream<Item = Told<K>>
where
    K: kube::Resource<DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned
        + Send
        + 'static,
{
    futures::stream::unfold((access, config, api), |(access, config, api)| async move {
        let lived: futures::stream::BoxStream<'static, Told<K>> =
            match Connection::new(&access).await {
                Ok(connection) => life(connection, config.clone(), &api).boxed(),
                Err(error) => {
                    let line = error.line();
                    let wait = async move {
                        tokio::time::sleep(RETRY).await;
                        None
                    };
                    futures::stream::iter([Err(line)])
                        .chain(futures::stream::once(wait).filter_map(std::future::ready))
                        .boxed()
                }
            };
        Some((lived, (access, config, api)))
    })
    .flatten()
}

/// One connection's events, until what it was made from has changed.
fn life<K>(
    connection: Connection,
    config: watcher::Config,
    api: impl Fn(kube::Client) -> Api<K>,
) -> impl Stream<Item = Told<K>> + Send + 'static
where
    K: kube::Resource<DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned
        + Send
        + 'static,
{
    let events = listed(api(connection.client.clone()), config);
    let told = events.default_backoff().map(|event| event.map_err(|error| line::<K>(&error)));
    told.take_until(async move {
        while !connection.is_outdated() {
            tokio::time::sleep(ACCESS_PERIOD).await;
        }
    })
}

/// Why nothing is told now, without the server's pages of text.
fn line<K: kube::Resource<DynamicType = ()>>(error: &watcher::Error) -> String {
    let resource = K::plural(&());
    let (verb, source) = match error {
        watcher::Error::InitialListFailed(source) => ("list", source),
        watcher::Error::WatchStartFailed(source) | watcher::Error::WatchFailed(source) => {
            ("watch", source)
        }
        watcher::Error::WatchError(status) => {
            return Failure::from_status(&format!("watch {resource}"), status).to_string();
        }
        watcher::Error::NoResourceVersion => {
            return format!("watch {resource}: the answer has no resourceVersion");
        }
    };
    Failure::new(&format!("{verb} {resource}"), source).to_string()
}
