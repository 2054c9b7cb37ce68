//! The control plane's certificates, renewed by the one process that writes before they end.
//!
//! First they are kept, then each part is given its own: so a round that was cut short is made up for by the
//! next one. All parts read them again by themselves. What the local kubeconfigs of people hold is theirs to
//! renew, with `fedns init`.

use std::collections::BTreeMap;
use std::time::Duration;

use clusters::Connection;
use clusters::lease::Holding;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt};
use serde_json::json;
use tokio::sync::watch;
use tracing::{info, warn};

use super::member_status::connected;
use crate::config::ControlPlane;
use crate::control_plane::certificates::{self, ALL_KEY, Certificates, ETCD_CLIENT, Pair, Renewed};
use crate::control_plane::host::Host;
use crate::control_plane::manifests::secrets;
use crate::pipeline::unix_now;

/// Between two looks. Certificates are renewed a month before they end.
const PERIOD: Duration = Duration::from_secs(6 * 60 * 60);
/// After a look that failed.
const RETRY: Duration = Duration::from_secs(10 * 60);

/// Files of a Secret, by their keys.
type Files = BTreeMap<String, ByteString>;

pub struct CertificateKeeper {
    pub control_plane: ControlPlane,
    pub holding: watch::Receiver<Holding>,
    /// What is in the way now, for people.
    pub trouble: watch::Sender<Option<String>>,
}

// === impl CertificateKeeper ===

impl CertificateKeeper {
    /// Runs until nobody tells who writes.
    pub async fn run(mut self) {
        let mut connection = None;
        while self.holding.wait_for(is_held).await.is_ok() {
            let trouble = self.look(&mut connection).await.err();
            let wait = if trouble.is_some() { RETRY } else { PERIOD };
            self.tell(trouble);
            tokio::time::sleep(wait).await;
        }
    }

    fn tell(&self, trouble: Option<String>) {
        self.trouble.send_if_modified(|before| {
            let is_new = *before != trouble;
            if let Some(why) = trouble.as_ref().filter(|_| is_new) {
                warn!("the control plane's certificates are not renewed: {why}");
            }
            *before = trouble;
            is_new
        });
    }

    async fn look(&self, connection: &mut Option<Connection>) -> Result<(), String> {
        let client = connected(connection, &self.control_plane.host).await?;
        let host = Host::new("host cluster", client);
        // Without it, it was not `init` that made the control plane.
        let Some(all) = self.secret(&host, secrets::ALL).await? else { return Ok(()) };
        let damaged = |error| format!("Secret {} is damaged: {error}", secrets::ALL);
        let Some(standing) = Certificates::of(&all).map_err(damaged)? else { return Ok(()) };
        let renewed = certificates::renew_issued(standing, unix_now());
        let Renewed { certificates, made } = renewed.map_err(|error| error.to_string())?;
        if !made.is_empty() {
            let bytes = serde_json::to_vec(&certificates).map_err(|error| error.to_string())?;
            let files = Files::from([(ALL_KEY.to_owned(), ByteString(bytes))]);
            self.write(&host, &all, &files).await?;
            info!(certificates = made.join(", "), "the control plane's certificates are renewed");
        }
        let has_own_etcd = self.secret(&host, secrets::ETCD).await?.is_some();
        for name in secrets::OF_PARTS {
            let Some(secret) = self.secret(&host, name).await? else { continue };
            let files = outdated(&secret, &certificates, has_own_etcd)?;
            if !files.is_empty() {
                self.write(&host, &secret, &files).await?;
            }
        }
        Ok(())
    }

    async fn secret(&self, host: &Host, name: &str) -> Result<Option<Secret>, String> {
        let api = Api::<Secret>::namespaced(host.client(), &self.control_plane.namespace);
        host.get(api, name).await.map_err(|failure| failure.to_string())
    }

    /// Unless somebody else has written since it was read.
    async fn write(&self, host: &Host, secret: &Secret, files: &Files) -> Result<(), String> {
        if !is_held(&self.holding.borrow()) {
            return Err("another process writes now".to_owned());
        }
        let api = Api::<Secret>::namespaced(host.client(), &self.control_plane.namespace);
        let patch =
            json!({"metadata": {"resourceVersion": secret.resource_version()}, "data": files});
        let written = host.merge(api, &secret.name_any(), &patch).await;
        written.map(drop).map_err(|failure| failure.to_string())
    }
}

fn is_held(holding: &Holding) -> bool {
    matches!(holding, Holding::Held { until } if !until.has_passed())
}

/// What a part's Secret has to hold instead.
fn outdated(
    secret: &Secret,
    certificates: &Certificates,
    has_own_etcd: bool,
) -> Result<Files, String> {
    let name = secret.name_any();
    let mut files = Files::new();
    for (_, file, pair) in secrets::REREAD.iter().filter(|(of, ..)| *of == name) {
        // For somebody else's etcd the user brought one.
        if *pair == ETCD_CLIENT && !has_own_etcd {
            continue;
        }
        let Some(Pair { certificate, key, .. }) = certificates.pair(pair) else { continue };
        for (ending, text) in [("crt", certificate), ("key", key)] {
            let file = format!("{file}.{ending}");
            let stands = secret.data.as_ref().and_then(|data| data.get(&file));
            let stands = stands.ok_or_else(|| {
                format!("Secret {name} has no {file}: it is of an older `fedns init`; run it again")
            })?;
            if stands.0 != text.as_bytes() {
                files.insert(file, ByteString(text.clone().into_bytes()));
            }
        }
    }
    Ok(files)
}
