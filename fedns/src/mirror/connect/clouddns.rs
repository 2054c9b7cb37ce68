//! From the config to a zone at Cloud DNS.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Weak};

use providers::clouddns::credentials::read_key_file;
use providers::clouddns::{Client, CloudDnsZone, Options};
use providers::provider::{Failure, FailureKind};
use providers::{Provider, SystemClock};
use tokio::sync::Mutex;

use crate::config::CloudDnsConfig;
use crate::mirror::Key;

/// The clients that are in use, one for each way to reach the service: calls are counted by project. A client
/// has one key for its life, so another one belongs to each state of the file with the key.
#[derive(Clone, Default)]
pub struct Projects(Arc<Mutex<BTreeMap<Way, Weak<Client>>>>);

/// How the service is reached, and the sum of the file with the key.
type Way = (Options, Option<u64>);

// === impl Projects ===

impl Projects {
    pub(super) async fn connect(
        &self,
        key: &Key,
        config: &CloudDnsConfig,
    ) -> Result<Arc<dyn Provider>, Failure> {
        let CloudDnsConfig { zone_id, options } = config;
        let client = self.client(options, key.file_sum).await?;
        let zone = match (zone_id, &key.provider.hosted) {
            (Some(id), hosted) => {
                let zone = client.zone_by_id(id.clone(), &key.zone).await?;
                if let Some(hosted) = hosted.as_ref().filter(|hosted| **hosted != zone.name) {
                    let line = format!("zoneId {id} is of {}, and zone says {hosted}", zone.name);
                    return Err(Failure::new(FailureKind::Fatal, line));
                }
                zone
            }
            (None, Some(hosted)) => client.zone_by_name(hosted).await?,
            (None, None) => client.zone_holding(&key.zone).await?,
        };
        Ok(Arc::new(CloudDnsZone::open(client, zone, key.provider.policy).await?))
    }

    async fn client(
        &self,
        options: &Options,
        file_sum: Option<u64>,
    ) -> Result<Arc<Client>, Failure> {
        let mut clients = self.0.lock().await;
        clients.retain(|_, client| client.strong_count() > 0);
        let way = (options.clone(), file_sum);
        if let Some(client) = clients.get(&way).and_then(Weak::upgrade) {
            return Ok(client);
        }
        let environment = |name: &str| std::env::var(name).ok();
        let client = Client::new(options.clone(), environment, Arc::new(SystemClock)).await?;
        let client = Arc::new(client);
        clients.insert(way, Arc::downgrade(&client));
        Ok(client)
    }
}

/// What is wrong with a file of credentials; nobody is asked.
pub(super) fn check_file(path: &Path) -> Result<(), Failure> {
    read_key_file(path).map(drop).map_err(|error| super::fatal(&error))
}
