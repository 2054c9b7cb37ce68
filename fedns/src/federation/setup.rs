//! What `fedns init` puts into the federation's own API, put there again by the one process that writes,
//! where its storage was lost.
//!
//! It costs no call as long as the members' objects can be read. An API that has the definition of `Cluster`
//! objects is left alone: there somebody took rights away, and it is not for us to take them back.

use std::time::Duration;

use clusters::Connection;
use clusters::federation::members::Members;
use clusters::federation::names::{FEDERATION_NAME_ANNOTATION, HOST_UID_ANNOTATION};
use clusters::lease::Holding;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt};
use tokio::sync::watch;
use tracing::{info, warn};

use super::member_status::connected;
use crate::config::ControlPlane;
use crate::control_plane::certificates::Certificates;
use crate::control_plane::host::Host;
use crate::control_plane::manifests::federation::Origin;
use crate::control_plane::manifests::secrets;
use crate::control_plane::setup;

/// Between two looks, while something is wrong.
const PERIOD: Duration = Duration::from_secs(10);

pub struct Setup {
    pub control_plane: ControlPlane,
    pub members: watch::Receiver<Members>,
    pub holding: watch::Receiver<Holding>,
}

// === impl Setup ===

impl Setup {
    /// Runs until nobody tells of the members any more.
    pub async fn run(mut self) {
        let (mut host, mut told) = (None, None);
        // Something was there to be lost.
        let mut has_stood = false;
        loop {
            let is_well = {
                let members = self.members.borrow_and_update();
                has_stood |= members.is_complete || !members.found.is_empty();
                members.troubles.is_empty()
            };
            if is_well {
                match self.members.changed().await {
                    Ok(()) => continue,
                    Err(_) => return,
                }
            }
            if matches!(&*self.holding.borrow(), Holding::Held { until } if !until.has_passed()) {
                let trouble = self.look(&mut host, has_stood).await.err();
                if let Some(why) = trouble.as_ref().filter(|_| trouble != told) {
                    warn!("it is not known whether the federation's API has to be set up: {why}");
                }
                told = trouble;
            }
            tokio::time::sleep(PERIOD).await;
        }
    }

    async fn look(&self, host: &mut Option<Connection>, has_stood: bool) -> Result<(), String> {
        let ControlPlane { access, host: host_access, namespace } = &self.control_plane;
        let host = Host::new("host cluster", connected(host, host_access).await?);
        let Some((certificates, origin)) = kept(&host, namespace).await? else { return Ok(()) };
        let connection = Connection::new(&access.clone().into()).await;
        let url = connection.map_err(|error| error.line())?.server;
        let federation = setup::connect(&url, namespace, &certificates).await?;
        if setup::is_done(&federation).await? {
            return Ok(());
        }
        if has_stood {
            setup::restart_controllers(&federation).await?;
        }
        setup::write(&federation, &setup::objects(&host, namespace, &origin).await?).await?;
        info!("the federation's API is set up: it had lost its storage, or is new");
        Ok(())
    }
}

/// What `init` kept; `None` where it was not `init` that made the control plane.
async fn kept(host: &Host, namespace: &str) -> Result<Option<(Certificates, Origin)>, String> {
    let all = Api::<Secret>::namespaced(host.client(), namespace);
    let secret = host.get(all, secrets::ALL).await.map_err(|failure| failure.to_string())?;
    let Some(secret) = secret else { return Ok(None) };
    let said = |key: &str| secret.annotations().get(key).cloned();
    let origin = Origin {
        federation: said(FEDERATION_NAME_ANNOTATION).unwrap_or_default(),
        host_uid: said(HOST_UID_ANNOTATION),
    };
    let certificates = Certificates::of(&secret)
        .map_err(|error| format!("Secret {} is damaged: {error}", secrets::ALL))?;
    Ok(certificates.map(|certificates| (certificates, origin)))
}
