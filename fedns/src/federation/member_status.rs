//! What is told of each member: to the propagator, and in its `Cluster` object by the one process that
//! writes; and what ends a departure: the object is let go.

mod conditions;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use clusters::federation::cluster_object::{ClusterObject, ClusterStatus};
use clusters::federation::members::{FoundMember, MemberStanding, Members};
use clusters::federation::names::{CLUSTER_LABEL, MEMBER_FINALIZER};
use clusters::lease::Holding;
use clusters::{Access, Connection, Failure, KubeconfigAccess};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use kube::{Client, ResourceExt};
use model::{ClusterName, UnixTime};
use propagator::{Member, Standing};
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tracing::{debug, info, warn};

use crate::pipeline::{PipelineHandle, unix_now};
use conditions::{View, status};

/// Between two looks at what the watchers know. They probe every ten seconds.
const PERIOD: Duration = Duration::from_secs(2);
/// For one request.
const LIMIT: Duration = Duration::from_secs(5);
/// A member that stays as it is, is told again after this time: when it was last in contact.
const CONTACT_SECONDS: u64 = 60;
/// How long a version that a member told is taken for true.
const VERSION_SECONDS: u64 = 600;

/// Where to write.
pub struct StatusSettings {
    pub federation: KubeconfigAccess,
    pub host: KubeconfigAccess,
    /// Of the control plane in the host.
    pub namespace: String,
}

pub struct MemberStatus {
    settings: StatusSettings,
    pipeline: PipelineHandle,
    members: watch::Receiver<Members>,
    /// `None`: there is no election, and this process writes.
    lease: Option<watch::Receiver<Holding>>,
    propagated: watch::Sender<propagator::Members>,
    federation: Option<Connection>,
    host: Option<Connection>,
    /// As it was written, or found.
    written: BTreeMap<ClusterName, Written>,
    versions: BTreeMap<ClusterName, Version>,
    /// Nothing of these is served any more, and their objects still stand.
    departed: BTreeSet<ClusterName>,
    trouble: Option<String>,
}

struct Written {
    status: ClusterStatus,
    at: UnixTime,
}

struct Version {
    access: Access,
    text: String,
    at: UnixTime,
}

// === impl MemberStatus ===

impl MemberStatus {
    pub fn new(
        settings: StatusSettings,
        pipeline: PipelineHandle,
        members: watch::Receiver<Members>,
        lease: Option<watch::Receiver<Holding>>,
        propagated: watch::Sender<propagator::Members>,
    ) -> Self {
        Self {
            settings,
            pipeline,
            members,
            lease,
            propagated,
            federation: None,
            host: None,
            written: BTreeMap::new(),
            versions: BTreeMap::new(),
            departed: BTreeSet::new(),
            trouble: None,
        }
    }

    pub async fn run(mut self, mut departing: mpsc::Receiver<BTreeSet<ClusterName>>) {
        let mut timer = tokio::time::interval(PERIOD);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(clusters) = departing.recv() => self.departed.extend(clusters),
                Ok(()) = self.members.changed() => {}
                _ = timer.tick() => {}
            }
            let Ok(views) = self.pipeline.ask(conditions::views).await else { return };
            self.tell_propagator(&views);
            if !self.may_write() {
                // Somebody else writes, and may have written since.
                self.written.clear();
                continue;
            }
            let result = self.write_all(&views).await;
            self.tell(result.err());
        }
    }

    fn may_write(&self) -> bool {
        let held = |lease: &watch::Receiver<Holding>| matches!(&*lease.borrow(), Holding::Held { until } if !until.has_passed());
        self.lease.as_ref().is_none_or(held)
    }

    fn tell(&mut self, trouble: Option<String>) {
        match (&trouble, &self.trouble) {
            (Some(new), old) if old.as_ref() != Some(new) => {
                warn!("the members' Cluster objects are not kept up to date: {new}");
            }
            (None, Some(_)) => info!("the members' Cluster objects are kept up to date again"),
            _ => {}
        }
        self.trouble = trouble;
    }

    /// Those that leave are told no more: what they were given is not taken back.
    fn tell_propagator(&self, views: &BTreeMap<ClusterName, View>) {
        let members = self.members.borrow();
        let stays = members.found.iter().filter(|(_, it)| it.standing != MemberStanding::Leaving);
        let told = stays.map(|(name, member)| {
            let standing = match (views.get(name), &member.access) {
                (_, Access::Unusable(_)) => Standing::NotReady,
                (None, _) => Standing::Offline,
                (Some(view), _) => view.standing(),
            };
            let FoundMember { access, labels, .. } = member.clone();
            (name.clone(), Member { name: name.clone(), labels, access, standing })
        });
        let told = propagator::Members { found: told.collect(), is_complete: members.is_complete };
        self.propagated.send_if_modified(|before| {
            let is_new = *before != told;
            *before = told;
            is_new
        });
    }

    async fn write_all(&mut self, views: &BTreeMap<ClusterName, View>) -> Result<(), String> {
        let members = self.members.borrow().clone();
        self.release(&members).await?;
        let joined = members.found.iter().filter(|(_, it)| it.standing == MemberStanding::Joined);
        for (name, member) in joined {
            let Some(view) = views.get(name) else { continue };
            let view = &match &member.access {
                Access::Unusable(why) => view.clone().without_credentials(why),
                Access::Kubeconfig(_) | Access::Member(_) => view.clone(),
            };
            if !member.is_held {
                self.hold(name).await?;
            }
            let version = self.version(name, &member.access, view).await;
            self.write(name, member, view, version).await?;
        }
        self.written.retain(|name, _| members.found.contains_key(name));
        self.versions.retain(|name, _| members.found.contains_key(name));
        Ok(())
    }

    async fn write(
        &mut self,
        name: &ClusterName,
        member: &FoundMember,
        view: &View,
        version: String,
    ) -> Result<(), String> {
        let client = self.federation().await?;
        let api: Api<ClusterObject> = Api::all(client);
        let now = unix_now();
        let before = match self.written.get(name) {
            Some(written) => Some(written.status.clone()),
            None => self.found(&api, name).await?,
        };
        let status = status(view, member, version, before.as_ref(), now);
        let since = self.written.get(name).map(|written| written.at);
        let is_due = since.is_none_or(|at| now.0.saturating_sub(at.0) >= CONTACT_SECONDS);
        let is_same =
            before.as_ref().is_some_and(|before| conditions::says_the_same(before, &status));
        if is_same && !is_due {
            return Ok(());
        }
        let body = json!({ "status": status });
        let request = format!("patch clusters/{name} status");
        let parameters = PatchParams::default();
        let patch = Patch::Merge(&body);
        let patched = limited(&request, api.patch_status(name.as_str(), &parameters, &patch)).await;
        match patched {
            // It has left meanwhile.
            Err(Failure::NotFound(_)) => return Ok(()),
            other => other.map_err(|failure| failure.to_string())?,
        };
        self.written.insert(name.clone(), Written { status, at: now });
        Ok(())
    }

    /// What another process, or this one before a restart, wrote.
    async fn found(
        &self,
        api: &Api<ClusterObject>,
        name: &ClusterName,
    ) -> Result<Option<ClusterStatus>, String> {
        let request = format!("get clusters/{name}");
        let found = limited(&request, api.get_opt(name.as_str())).await;
        found.map(|object| object?.status).map_err(|failure| failure.to_string())
    }

    /// Who joins is let go only when nothing of it is served any more.
    async fn hold(&mut self, name: &ClusterName) -> Result<(), String> {
        let with_ours = |finalizers: &[String]| {
            let others = finalizers.iter().filter(|it| *it != MEMBER_FINALIZER).cloned();
            others.chain([MEMBER_FINALIZER.to_owned()]).collect()
        };
        self.change_finalizers(name, with_ours).await
    }

    /// As the member's API server tells; asked seldom, and never of one that does not answer.
    async fn version(&mut self, name: &ClusterName, access: &Access, view: &View) -> String {
        let now = unix_now();
        let known = self.versions.get(name);
        let is_good =
            known.is_some_and(|it| it.access == *access && now.0 < it.at.0 + VERSION_SECONDS);
        if !is_good && view.is_live() {
            match ask_version(access).await {
                Ok(text) => {
                    let version = Version { access: access.clone(), text, at: now };
                    self.versions.insert(name.clone(), version);
                }
                Err(line) => debug!(cluster = %name, line, "the member does not tell its version"),
            }
        }
        self.versions.get(name).map(|version| version.text.clone()).unwrap_or_default()
    }

    /// Lets the objects of those go of which nothing is served any more. First the Secret, so that
    /// what is left does not look like a member that lost its object.
    async fn release(&mut self, members: &Members) -> Result<(), String> {
        for name in self.departed.clone() {
            let leaving = members.found.get(&name).map(|member| member.standing);
            if leaving == Some(MemberStanding::Leaving) {
                self.delete_secrets(&name).await?;
                self.remove_finalizer(&name).await?;
                info!(cluster = %name, "the cluster has left the federation");
            }
            self.departed.remove(&name);
        }
        Ok(())
    }

    async fn delete_secrets(&mut self, name: &ClusterName) -> Result<(), String> {
        let client = self.host().await?;
        let api: Api<Secret> = Api::namespaced(client, &self.settings.namespace);
        let ours = ListParams::default().labels(&format!("{CLUSTER_LABEL}={name}"));
        let listed = limited("list secrets", api.list(&ours)).await;
        for secret in listed.map_err(|failure| failure.to_string())? {
            let request = format!("delete secrets/{}", secret.name_any());
            match limited(&request, api.delete(&secret.name_any(), &DeleteParams::default())).await
            {
                Ok(_) | Err(Failure::NotFound(_)) => {}
                Err(failure) => return Err(failure.to_string()),
            }
        }
        Ok(())
    }

    async fn remove_finalizer(&mut self, name: &ClusterName) -> Result<(), String> {
        let without_ours = |finalizers: &[String]| {
            finalizers.iter().filter(|it| *it != MEMBER_FINALIZER).cloned().collect()
        };
        self.change_finalizers(name, without_ours).await
    }

    async fn change_finalizers(
        &mut self,
        name: &ClusterName,
        change: impl Fn(&[String]) -> Vec<String>,
    ) -> Result<(), String> {
        let client = self.federation().await?;
        let api: Api<ClusterObject> = Api::all(client);
        let request = format!("get clusters/{name}");
        let found = limited(&request, api.get_opt(name.as_str())).await;
        let Some(object) = found.map_err(|failure| failure.to_string())? else { return Ok(()) };
        let finalizers = change(object.finalizers());
        let body = json!({"metadata": {
            "resourceVersion": object.resource_version(),
            "finalizers": finalizers,
        }});
        let request = format!("patch clusters/{name}");
        let (parameters, patch) = (PatchParams::default(), Patch::Merge(&body));
        match limited(&request, api.patch(name.as_str(), &parameters, &patch)).await {
            Ok(_) | Err(Failure::NotFound(_)) => Ok(()),
            Err(failure) => Err(failure.to_string()),
        }
    }

    async fn federation(&mut self) -> Result<Client, String> {
        connected(&mut self.federation, &self.settings.federation).await
    }

    async fn host(&mut self) -> Result<Client, String> {
        connected(&mut self.host, &self.settings.host).await
    }
}

pub(super) async fn connected(
    connection: &mut Option<Connection>,
    access: &KubeconfigAccess,
) -> Result<Client, String> {
    if connection.as_ref().is_none_or(Connection::is_outdated) {
        let made = Connection::new(&access.clone().into()).await;
        *connection = Some(made.map_err(|error| error.line())?);
    }
    connection.as_ref().map(|it| it.client.clone()).ok_or_else(|| "no connection".into())
}

async fn ask_version(access: &Access) -> Result<String, String> {
    let connection = Connection::new(access).await.map_err(|error| error.line())?;
    let told = limited("get /version", connection.client.apiserver_version()).await;
    told.map(|version| version.git_version).map_err(|failure| failure.to_string())
}

async fn limited<T>(
    request: &str,
    answer: impl Future<Output = kube::Result<T>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(LIMIT, answer).await {
        Ok(answer) => answer.map_err(|error| Failure::new(request, &error)),
        Err(_) => Err(Failure::timed_out(request)),
    }
}
