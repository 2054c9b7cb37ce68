//! Who is a member, as it changes: the `Cluster` objects of the federation and the Secrets of the host.
//!
//! ```text
//! [ federation's API: Cluster objects ] --.
//!                                         +--> [ judge ] --> Members, told to whoever watches
//! [ host cluster: Secrets ] --------------'
//! ```
//!
//! Absence says little: an etcd that was wiped must not end a federation. A member leaves by the
//! deletion of its `Cluster` object, which the finalizer shows, or when its object and its Secret are
//! both gone.

mod judge;
mod table;

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube_runtime::WatchStreamExt;
use kube_runtime::watcher::{self, Event};
use model::ClusterName;
use tokio::sync::watch;

use super::cluster_object::ClusterObject;
use super::rotation::HeldCredential;
use crate::access::Connection;
use crate::definition::{Access, KubeconfigAccess, TopologyOverride};
use crate::failure::Failure;
use table::Table;

/// Between two looks at whether the kubeconfigs have changed.
const ACCESS_PERIOD: Duration = Duration::from_secs(10);
/// Before a connection that could not be made is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// Where members are found.
#[derive(Clone, Debug, PartialEq)]
pub struct MembersSettings {
    /// The federation's own API.
    pub federation: KubeconfigAccess,
    /// The cluster that the control plane runs in.
    pub host: KubeconfigAccess,
    /// Of the control plane there.
    pub namespace: String,
}

/// All that is known of the members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    pub found: BTreeMap<ClusterName, FoundMember>,
    /// Objects and Secrets have both been listed: who is not found is none.
    pub is_complete: bool,
    /// What cannot be read now, one line each. What was read before stands.
    pub troubles: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundMember {
    pub access: Access,
    /// Of its `Cluster` object, for selectors.
    pub labels: BTreeMap<String, String>,
    pub topology: Option<TopologyOverride>,
    /// Of the cluster's kube-system namespace, as the join that was last saw it.
    pub uid: Option<String>,
    /// `None`: no join made its credential, and nobody but its maker renews it.
    pub credential: Option<HeldCredential>,
    pub standing: MemberStanding,
    /// Its `Cluster` object cannot go before it was let go.
    pub is_held: bool,
}

/// How a member stands to the federation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberStanding {
    Joined,
    /// Its `Cluster` object is being deleted.
    Leaving,
    /// Its Secret is there, and its `Cluster` object is not: the federation's etcd was wiped, or
    /// set back.
    WithoutObject,
}

/// What the two sources gave so far.
#[derive(Default)]
struct Seen {
    objects: Table<ClusterObject>,
    secrets: Table<Secret>,
}

/// Tells of the members until nobody watches any more.
pub async fn follow(settings: MembersSettings, sender: watch::Sender<Members>) {
    let objects = followed::<ClusterObject>(settings.federation.clone().into(), Api::all);
    let namespace = settings.namespace.clone();
    let secrets = followed::<Secret>(settings.host.clone().into(), move |client| {
        Api::namespaced(client, &namespace)
    });
    let mut objects = std::pin::pin!(objects);
    let mut secrets = std::pin::pin!(secrets);
    let mut seen = Seen::default();
    loop {
        tokio::select! {
            Some(told) = objects.next() => seen.objects.take(told, "the Cluster objects"),
            Some(told) = secrets.next() => seen.secrets.take(told, "the members' Secrets"),
            () = sender.closed() => return,
        }
        let now = judge::members(&seen.objects, &seen.secrets);
        sender.send_if_modified(|before| {
            let is_new = *before != now;
            *before = now;
            is_new
        });
    }
}

/// What one source tells: an event, or why there is none.
type Told<K> = Result<Event<K>, String>;

/// Lists and watches one kind, again and again as credentials change and servers go and come.
fn followed<K>(
    access: Access,
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
    futures::stream::unfold((access, api), |(access, api)| async move {
        let lived: futures::stream::BoxStream<'static, Told<K>> =
            match Connection::new(&access).await {
                Ok(connection) => life(connection, &api).boxed(),
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
        Some((lived, (access, api)))
    })
    .flatten()
}

/// One connection's events, until what it was made from has changed.
fn life<K>(
    connection: Connection,
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
    let events = watcher::watcher(api(connection.client.clone()), watcher::Config::default());
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
