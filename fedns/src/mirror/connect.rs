//! From the config to a provider: keys, the account's client, the zone there.

#[cfg(feature = "clouddns")]
mod clouddns;
#[cfg(feature = "route53")]
mod route53;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use model::Name;
use providers::alidns::credentials::read_config_file;
use providers::alidns::{AliDnsZone, Client, CredentialSource, Options, SignatureVersion};
use providers::provider::{Failure, FailureKind};
use providers::rfc2136::key_file::read_key_file;
use providers::rfc2136::{self, Rfc2136Zone};
use providers::webhook::{self, WebhookZone};
use providers::{Provider, SystemClock};

use super::Key;
use crate::config::{AliDnsConfig, ProviderConfig, ProviderKind, Rfc2136Config, WebhookConfig};

/// Makes providers. Zones of one account share a client, since accounts are what providers count
/// calls of. Clones share the clients.
#[derive(Clone, Default)]
pub struct Connector {
    alidns: Arc<Mutex<BTreeMap<Account, Weak<Client>>>>,
    #[cfg(feature = "clouddns")]
    clouddns: clouddns::Projects,
    #[cfg(feature = "route53")]
    route53: route53::Accounts,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Account {
    config_file: Option<std::path::PathBuf>,
    endpoint: Option<String>,
    is_v1: bool,
}

// === impl Connector ===

impl Connector {
    /// The provider of a mirror. The hosted zone is looked for where the config does not name it.
    pub(super) async fn connect(&self, key: &Key) -> Result<Arc<dyn Provider>, Failure> {
        match &key.provider.kind {
            ProviderKind::AliDns(alidns) => self.alidns(key, alidns).await,
            ProviderKind::Rfc2136(rfc2136) => connect_rfc2136(key, rfc2136).await,
            ProviderKind::Webhook(webhook) => connect_webhook(key, webhook).await,
            #[cfg(feature = "clouddns")]
            ProviderKind::CloudDns(clouddns) => self.clouddns.connect(key, clouddns).await,
            #[cfg(feature = "route53")]
            ProviderKind::Route53(route53) => self.route53.connect(key, route53).await,
        }
    }

    /// Why [`Connector::connect`] has not come back yet, where a call inside it is tried again.
    pub(super) fn trouble(&self, key: &Key) -> Option<String> {
        let ProviderKind::AliDns(alidns) = &key.provider.kind else { return None };
        let clients = self.alidns.lock().unwrap_or_else(PoisonError::into_inner);
        clients.get(&Account::of(alidns)).and_then(Weak::upgrade)?.trouble()
    }

    async fn alidns(&self, key: &Key, alidns: &AliDnsConfig) -> Result<Arc<dyn Provider>, Failure> {
        let Key { zone, provider: ProviderConfig { hosted, .. }, .. } = key;
        let client = self.alidns_client(alidns)?;
        let hosted = match hosted {
            Some(hosted) => hosted.clone(),
            None => hosted_zone(&client, alidns, zone).await?,
        };
        Ok(Arc::new(AliDnsZone::new(client, hosted)))
    }

    fn alidns_client(&self, config: &AliDnsConfig) -> Result<Arc<Client>, Failure> {
        let AliDnsConfig { config_file, signature, endpoint } = config;
        let account = Account::of(config);
        let mut clients = self.alidns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&account).and_then(Weak::upgrade) {
            return Ok(client);
        }
        let environment = |name: &str| std::env::var(name).ok();
        let credentials = CredentialSource::find(config_file.as_deref(), environment)
            .map_err(|error| fatal(&error))?;
        let default = Options::default();
        let endpoint = endpoint.clone().unwrap_or_else(|| default.endpoint.clone());
        let options = Options { endpoint, signature: *signature, ..default };
        let client = Client::new(options, credentials, Arc::new(SystemClock));
        let client = Arc::new(client.map_err(|error| fatal(&error))?);
        clients.insert(account, Arc::downgrade(&client));
        Ok(client)
    }
}

// === impl Account ===

impl Account {
    fn of(config: &AliDnsConfig) -> Self {
        let AliDnsConfig { config_file, signature, endpoint } = config.clone();
        Self { config_file, endpoint, is_v1: signature == SignatureVersion::V1 }
    }
}

async fn connect_rfc2136(key: &Key, rfc2136: &Rfc2136Config) -> Result<Arc<dyn Provider>, Failure> {
    let Key { zone, provider: ProviderConfig { hosted, .. }, .. } = key;
    let Rfc2136Config { server, config_file } = rfc2136;
    let tsig = read_key_file(config_file).map_err(|error| fatal(&error))?;
    let client = rfc2136::Client::new(server.clone(), tsig, Arc::new(SystemClock));
    let hosted = match hosted {
        Some(hosted) => hosted.clone(),
        None => Rfc2136Zone::find(&client, zone).await?,
    };
    Ok(Arc::new(Rfc2136Zone::new(Arc::new(client), hosted, zone)))
}

async fn connect_webhook(key: &Key, webhook: &WebhookConfig) -> Result<Arc<dyn Provider>, Failure> {
    let Key { zone, provider: ProviderConfig { hosted, .. }, .. } = key;
    let options = webhook::Options { url: webhook.endpoint.clone(), ..webhook::Options::default() };
    let client = webhook::Client::new(options, Arc::new(SystemClock))?;
    let zone = WebhookZone::connect(Arc::new(client), zone, hosted.as_ref()).await?;
    Ok(Arc::new(zone))
}

/// The longest zone that holds ours: of those that the key file names, else of the account.
async fn hosted_zone(client: &Client, config: &AliDnsConfig, zone: &Name) -> Result<Name, Failure> {
    if let Some(named) = config.config_file.as_deref().map(zones_of).transpose()?
        && !named.is_empty()
    {
        let holding = named.iter().filter(|hosted| zone.is_at_or_below(hosted));
        let longest = holding.max_by_key(|hosted| hosted.label_count());
        return longest.cloned().ok_or_else(|| none_of(&named, zone));
    }
    let found = client.hosting_domain(zone).await;
    let found = found.map_err(|error| Failure::new(FailureKind::Later(None), error.to_string()))?;
    found.map(|domain| domain.name).ok_or_else(|| {
        let line = format!(
            "the account has no domain that holds {zone}; add it to the account, or use the account \
             that has it"
        );
        Failure::new(FailureKind::Fatal, line)
    })
}

fn zones_of(file: &Path) -> Result<Vec<Name>, Failure> {
    read_config_file(file).map(|file| file.zones).map_err(|error| fatal(&error))
}

fn none_of(named: &[Name], zone: &Name) -> Failure {
    let named: Vec<String> = named.iter().map(Name::to_string).collect();
    let named = named.join(", ");
    let line = format!(
        "the provider's file is for {named}, which does not hold {zone}; add the zone to its zones"
    );
    Failure::new(FailureKind::Fatal, line)
}

fn fatal(error: &dyn std::error::Error) -> Failure {
    Failure::new(FailureKind::Fatal, crate::output::chain_text(error))
}

/// What is wrong with the file that a provider's entry names; nothing is asked over the network.
pub fn check_file(kind: &ProviderKind) -> Result<(), (&Path, String)> {
    let (path, read) = match kind {
        ProviderKind::AliDns(AliDnsConfig { config_file: Some(path), .. }) => {
            (path, read_config_file(path).map(drop).map_err(|error| fatal(&error)))
        }
        ProviderKind::Rfc2136(Rfc2136Config { config_file, .. }) => {
            (config_file, read_key_file(config_file).map(drop).map_err(|error| fatal(&error)))
        }
        #[cfg(feature = "clouddns")]
        ProviderKind::CloudDns(config) => match &config.options.config_file {
            Some(path) => (path, clouddns::check_file(path)),
            None => return Ok(()),
        },
        _ => return Ok(()),
    };
    read.map_err(|failure| (path.as_path(), failure.line))
}
