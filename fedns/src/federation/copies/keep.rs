//! Copies what has changed in the state folder into ConfigMaps, some seconds behind; only the one process
//! that writes does it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clusters::federation::members::Members;
use clusters::federation::names::{CLUSTER_LABEL, FIELD_MANAGER};
use clusters::lease::Holding;
use clusters::{Connection, Failure};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use model::ClusterName;
use tokio::sync::watch;
use tracing::{info, warn};

use super::{
    cluster_copy_name, digest, of_cluster, of_serials, read_cluster, read_serials, restore,
};
use crate::config::ControlPlane;
use crate::state::zone_file::SavedZone;
use crate::state::{cluster_file, folder, zone_pair};

/// Between two looks at the files: no copy is written more often.
const PERIOD: Duration = Duration::from_secs(10);
/// For one request.
const LIMIT: Duration = Duration::from_secs(5);

/// What is copied, and where to.
pub struct Keeper {
    pub control_plane: ControlPlane,
    pub state_dir: PathBuf,
    pub members: watch::Receiver<Members>,
    pub holding: watch::Receiver<Holding>,
    /// What is in the way now, for people.
    pub trouble: watch::Sender<Option<String>>,
}

/// The copies as they stand, while this process writes.
#[derive(Default)]
struct Standing {
    clusters: BTreeMap<ClusterName, Copy>,
    zones: Vec<SavedZone>,
}

struct Copy {
    /// `None` for one that cannot be read.
    digest: Option<u64>,
    /// The file that it was made from, if in this run.
    file: Option<Stamp>,
}

/// Another one: the file may have changed.
type Stamp = (SystemTime, u64);

// === impl Keeper ===

impl Keeper {
    /// Runs until it is dropped.
    pub async fn run(self) {
        let mut timer = tokio::time::interval(PERIOD);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut connection, mut standing) = (None, None);
        loop {
            timer.tick().await;
            if !self.may_write() {
                // Somebody else writes, and may have written since.
                standing = None;
                continue;
            }
            let result = self.look(&mut connection, &mut standing).await;
            self.tell(result.err());
        }
    }

    fn may_write(&self) -> bool {
        matches!(&*self.holding.borrow(), Holding::Held { until } if !until.has_passed())
    }

    fn tell(&self, trouble: Option<String>) {
        self.trouble.send_if_modified(|before| {
            let is_new = *before != trouble;
            if is_new {
                match &trouble {
                    Some(why) => warn!("the copies of the state are not up to date: {why}"),
                    None => info!("the copies of the state are up to date again"),
                }
                *before = trouble;
            }
            is_new
        });
    }

    /// All copies are tried; the first that fails is told.
    async fn look(
        &self,
        connection: &mut Option<Connection>,
        standing: &mut Option<Standing>,
    ) -> Result<(), String> {
        let api = self.api(connection).await?;
        if standing.is_none() {
            let listed = tokio::time::timeout(LIMIT, restore::list(&api)).await;
            let listed =
                listed.unwrap_or_else(|_| Err("list configmaps: no answer in time".into()));
            *standing = Some(Standing::of(&listed?));
        }
        let Some(standing) = standing else { return Ok(()) };
        let members = self.members.borrow().clone();
        let mut result = Ok(());
        for cluster in members.found.keys() {
            result = result.and(self.copy_cluster(&api, cluster, standing).await);
        }
        result = result.and(self.copy_serials(&api, standing).await);
        if members.is_complete {
            result = result.and(self.remove_others(&api, &members, standing).await);
        }
        result
    }

    async fn api(&self, kept: &mut Option<Connection>) -> Result<Api<ConfigMap>, String> {
        let ControlPlane { host, namespace, .. } = &self.control_plane;
        if kept.as_ref().is_none_or(Connection::is_outdated) {
            let made = Connection::new(&host.clone().into()).await;
            *kept = Some(made.map_err(|error| error.line())?);
        }
        let connection = kept.as_ref().ok_or("no connection")?;
        Ok(Api::namespaced(connection.client.clone(), namespace))
    }

    async fn copy_cluster(
        &self,
        api: &Api<ConfigMap>,
        cluster: &ClusterName,
        standing: &mut Standing,
    ) -> Result<(), String> {
        let path = folder::cluster_file(&self.state_dir, cluster);
        // A cluster that was never seen has no file.
        let Some(stamp) = stamp(&path) else { return Ok(()) };
        let known = standing.clusters.get(cluster);
        if known.is_some_and(|copy| copy.file == Some(stamp)) {
            return Ok(());
        }
        let known = known.and_then(|copy| copy.digest);
        let Some((digest, map)) = self.made(cluster, path, known).await else { return Ok(()) };
        if let Some(map) = map? {
            self.write(api, map).await?;
        }
        let copy = Copy { digest: Some(digest), file: Some(stamp) };
        standing.clusters.insert(cluster.clone(), copy);
        Ok(())
    }

    /// The digest of what the file holds, and its copy where that is not the known one. `None` where the
    /// file is just being made, or is damaged, which a start tells.
    async fn made(
        &self,
        cluster: &ClusterName,
        path: PathBuf,
        known: Option<u64>,
    ) -> Option<(u64, Result<Option<ConfigMap>, String>)> {
        let name = cluster.clone();
        let making = tokio::task::spawn_blocking(move || {
            let bytes = fs::read(path).ok()?;
            let saved = cluster_file::decode(&name, &bytes).ok()?.saved;
            let digest = digest(&name, &saved);
            let is_there = known == Some(digest);
            let map = (!is_there).then(|| of_cluster(&name, &saved)).transpose();
            Some((digest, map))
        });
        making.await.ok().flatten()
    }

    async fn copy_serials(
        &self,
        api: &Api<ConfigMap>,
        standing: &mut Standing,
    ) -> Result<(), String> {
        let zones = zone_pair::zones_in(&self.state_dir);
        if zones != standing.zones && !zones.is_empty() {
            self.write(api, of_serials(&zones)).await?;
            standing.zones = zones;
        }
        Ok(())
    }

    /// The copies of those that have left.
    async fn remove_others(
        &self,
        api: &Api<ConfigMap>,
        members: &Members,
        standing: &mut Standing,
    ) -> Result<(), String> {
        let is_gone = |cluster: &ClusterName| {
            let file = folder::cluster_file(&self.state_dir, cluster);
            !members.found.contains_key(cluster) && !file.exists()
        };
        let gone: Vec<ClusterName> =
            standing.clusters.keys().filter(|cluster| is_gone(cluster)).cloned().collect();
        for cluster in gone {
            let name = cluster_copy_name(&cluster);
            let request = format!("delete configmap {name}");
            match self.limited(&request, api.delete(&name, &DeleteParams::default())).await {
                Ok(_) | Err(Failure::NotFound(_)) => standing.clusters.remove(&cluster),
                Err(failure) => return Err(failure.to_string()),
            };
        }
        Ok(())
    }

    async fn write(&self, api: &Api<ConfigMap>, map: ConfigMap) -> Result<(), String> {
        if !self.may_write() {
            return Err("this process does not write any more".into());
        }
        let name = map.name_any();
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        let patch = Patch::Apply(&map);
        let patching = api.patch(&name, &parameters, &patch);
        let written = self.limited(&format!("apply configmap {name}"), patching).await;
        written.map(drop).map_err(|failure| failure.to_string())
    }

    async fn limited<T>(
        &self,
        request: &str,
        answer: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Failure> {
        match tokio::time::timeout(LIMIT, answer).await {
            Ok(answer) => answer.map_err(|error| Failure::new(request, &error)),
            Err(_) => Err(Failure::timed_out(request)),
        }
    }
}

// === impl Standing ===

impl Standing {
    /// What cannot be read will be written anew.
    fn of(maps: &[ConfigMap]) -> Self {
        let mut standing = Self::default();
        for map in maps {
            if let Some(Ok(zones)) = read_serials(map) {
                standing.zones = zones;
            }
            let named = map.labels().get(CLUSTER_LABEL);
            if let (Some(name), Some(read)) = (named, read_cluster(map)) {
                let digest = read.ok().map(|(cluster, saved)| digest(&cluster, &saved));
                standing.clusters.insert(ClusterName::new(name), Copy { digest, file: None });
            }
        }
        standing
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
