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

use futures::StreamExt;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube_runtime::watcher;
use model::ClusterName;
use tokio::sync::watch;

use super::cluster_object::ClusterObject;
use super::followed::followed;
use super::join::mark::Mark;
use super::rotation::HeldCredential;
use crate::definition::{Access, KubeconfigAccess, TopologyOverride};
pub(super) use judge::place;
use table::Table;

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
    /// The join that was last, once its Secret has been read, too.
    pub join: Option<Mark>,
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
    let all = watcher::Config::default;
    let objects = followed::<ClusterObject>(settings.federation.clone().into(), all(), Api::all);
    let namespace = settings.namespace.clone();
    let secrets = followed::<Secret>(settings.host.clone().into(), all(), move |client| {
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
