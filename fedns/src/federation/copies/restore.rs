//! Before a start: what the state folder lacks, or has older, is put into it from the copies.

use std::collections::BTreeMap;
use std::time::Duration;

use clusters::Connection;
use clusters::federation::names::STATE_COPY_LABEL;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ListParams};
use model::{ClusterName, UnixTime};
use tracing::{info, warn};
use watcher::Saved;

use super::{read_cluster, read_serials};
use crate::config::ControlPlane;
use crate::state::StateFolder;
use crate::state::zone_file::SavedZone;

/// How long a start without any state waits for the copies.
const PATIENCE_WITHOUT_STATE: Duration = Duration::from_secs(5);
/// The same where there is state that may be newer anyway.
const PATIENCE: Duration = Duration::from_secs(1);

/// The copies as they were found.
#[derive(Default)]
struct Copies {
    clusters: BTreeMap<ClusterName, Saved>,
    zones: Vec<SavedZone>,
}

/// Never fails: a start without copies is a start all the same, and says why.
pub async fn restore(control_plane: &ControlPlane, folder: &StateFolder, now: UnixTime) {
    let patience = match folder.saved_clusters().is_empty() {
        true => PATIENCE_WITHOUT_STATE,
        false => PATIENCE,
    };
    let look = async { list(&api(control_plane).await?).await };
    let listed = match tokio::time::timeout(patience, look).await {
        Ok(listed) => listed,
        Err(_) => Err(format!("no answer within {} s", patience.as_secs())),
    };
    match listed {
        Ok(maps) => put(&read(&maps), folder, now),
        Err(why) => {
            warn!("the copies of the state cannot be read, the state folder stands alone: {why}")
        }
    }
}

async fn api(control_plane: &ControlPlane) -> Result<Api<ConfigMap>, String> {
    let ControlPlane { host, namespace, .. } = control_plane;
    let connection = Connection::new(&host.clone().into()).await.map_err(|error| error.line())?;
    Ok(Api::namespaced(connection.client.clone(), namespace))
}

/// Those that carry the label.
pub(super) async fn list(api: &Api<ConfigMap>) -> Result<Vec<ConfigMap>, String> {
    let parameters = ListParams::default().labels(STATE_COPY_LABEL);
    let request = format!("list configmaps {STATE_COPY_LABEL}");
    let listed = api.list(&parameters).await;
    listed
        .map(|list| list.items)
        .map_err(|error| clusters::Failure::new(&request, &error).to_string())
}

fn read(maps: &[ConfigMap]) -> Copies {
    let mut copies = Copies::default();
    for map in maps {
        match (read_cluster(map), read_serials(map)) {
            (Some(Ok((cluster, saved))), _) => {
                copies.clusters.insert(cluster, saved);
            }
            (_, Some(Ok(zones))) => copies.zones = zones,
            (Some(Err(why)), _) | (_, Some(Err(why))) => {
                warn!("a copy of the state is damaged and not used: {why}");
            }
            (None, None) => {}
        }
    }
    copies
}

fn put(copies: &Copies, folder: &StateFolder, now: UnixTime) {
    for (cluster, copy) in &copies.clusters {
        let own = folder.load_cluster(cluster, now);
        let own_contact = own.as_ref().and_then(|own| own.memory.last_contact);
        if own.is_some() && own_contact >= copy.memory.last_contact {
            continue;
        }
        match folder.restore_cluster(cluster, copy) {
            Ok(()) => info!(%cluster, services = copy.view.shards().count(),
                "the cluster's state is taken from its copy in the host cluster"),
            Err(error) => warn!(%cluster, %error, "the cluster's copied state cannot be used"),
        }
    }
    for copy in &copies.zones {
        let zone = &copy.zone;
        if !folder.is_behind(copy) {
            continue;
        }
        match folder.write_zone(&copy.clone().beyond()) {
            Ok(()) => info!(%zone, "the zone's serial goes on above its copy in the host cluster"),
            Err(error) => warn!(%zone, %error, "the zone's copied serial cannot be used"),
        }
    }
}
