//! From the config to a zone at Route53.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use model::Name;
use providers::provider::{Failure, FailureKind};
use providers::route53::{Client, Options, Route53Zone};
use providers::sync::change::Policy;
use providers::{Provider, SystemClock};
use tokio::sync::Mutex;

use crate::config::Route53Config;
use crate::mirror::Key;

/// The clients that are in use, one for each way to reach the service: calls are counted by account. A client
/// has one key for its life, so another one belongs to each state of the file with the key.
#[derive(Clone, Default)]
pub struct Accounts(Arc<Mutex<BTreeMap<Way, Weak<Client>>>>);

/// How the service is reached, and the sum of the file with the key.
type Way = (Options, Option<u64>);

/// The right to change is asked for at this name, below the federation's `svc`.
const PROBE: &[u8] = b"fedns-rights";

// === impl Accounts ===

impl Accounts {
    pub(super) async fn connect(
        &self,
        key: &Key,
        config: &Route53Config,
    ) -> Result<Arc<dyn Provider>, Failure> {
        let Route53Config { zone_id, options, .. } = config;
        let client = self.client(options, key.file_sum).await;
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
        // Whoever deletes nothing may lack the right to.
        let probe = (key.provider.policy == Policy::Sync).then(|| probe(key)).flatten();
        Ok(Arc::new(Route53Zone::new(client, zone, probe)))
    }

    async fn client(&self, options: &Options, file_sum: Option<u64>) -> Arc<Client> {
        let mut clients = self.0.lock().await;
        clients.retain(|_, client| client.strong_count() > 0);
        let way = (options.clone(), file_sum);
        if let Some(client) = clients.get(&way).and_then(Weak::upgrade) {
            return client;
        }
        let client = Arc::new(Client::new(options.clone(), Arc::new(SystemClock)).await);
        clients.insert(way, Arc::downgrade(&client));
        client
    }
}

/// `None` where the zone's own name leaves no room for it, and so for no other name.
fn probe(key: &Key) -> Option<Name> {
    Name::from_labels([PROBE, key.federation.as_bytes(), b"svc"], &key.zone).ok()
}
