//! The config file: what was typed becomes what it means, or a list of everything wrong with it.
//!
//! - [`tree`]: YAML in which every key and value knows its place
//! - [`read`]: values out of the tree, problems noted on the way
//! - [`places`]: where things stand that are found wrong only later
//! - [`duration`]: durations as a person writes them
//! - [`keys`]: which keys there are, and what each means
//! - [`mod@load`]: finding and reading the file
//! - [`statics`]: the static records that it names
//! - [`mirrored`]: what is suspicious in the entries of providers
//! - [`policy`]: how clients of the name server are treated
//! - [`tls`]: the certificate of encrypted transports
//! - [`mod@admin_token`]: who may give orders over the admin address
//! - [`transfers`]: keys of zone transfers, and their secrets
//! - [`catalog`]: the zone that lists the others, for their secondaries
//! - [`zones`]: the planner's settings of each zone, and what is suspicious in it

pub mod tree;
pub mod read;
pub mod places;
pub mod duration;
pub mod keys;
pub mod load;
pub mod statics;
pub mod mirrored;
pub mod policy;
pub mod tls;
pub mod admin_token;
pub mod transfers;
pub mod catalog;
pub mod zones;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clusters::{Cluster, KubeconfigAccess};
use dns_server::policy::{Access, Identity, RateLimit};
use dns_server::transfer::ZoneTransfer;
use model::{EmptyLevels, Label, Levels, Name, RecordType};
use planner::NameServer;
use providers::alidns::SignatureVersion;
use providers::rfc2136::Server;
use providers::sync::change::Policy;
use providers::sync::filters::Filters;
use providers::sync::registry::Registry;
use providers::webhook::WebhookUrl;
use watcher::ServiceSettings;

pub use admin_token::{AdminToken, admin_token};
pub use load::{ConfigError, load, locate};
pub use places::{Places, Subject};
pub use policy::{client_policy, cookie_secrets};
#[cfg(feature = "federation")]
pub use read::{expand_path, host_label};
pub use tls::certificate;
pub use transfers::{TsigKeyConfig, transfer_policy};
pub use zones::zone_settings;

use transfers::Secret;

/// A whole config with every default filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The file that it was read from.
    pub file: PathBuf,
    pub federation: Label,
    /// At least one.
    pub zones: Vec<ZoneConfig>,
    /// The list of them that secondaries follow.
    pub catalog: Option<CatalogConfig>,
    pub listen: Listen,
    /// What is shown of ourselves wherever TLS is spoken.
    pub tls: Option<TlsFiles>,
    /// Of who may give orders over the admin address; `None`: nobody may.
    pub admin_token_file: Option<PathBuf>,
    /// Shared with secondaries.
    pub tsig_keys: Vec<TsigKeyConfig>,
    pub state_dir: PathBuf,
    /// Which Services are published, and how.
    pub services: ServiceSettings,
    /// Sorted by name.
    pub clusters: Vec<Cluster>,
    /// They look up load balancers' host names and the parents of zones; empty for those of the system.
    pub resolver: Vec<SocketAddr>,
    /// UDP threads.
    pub workers: usize,
    /// Those that threads of the name server stay on; none: the system moves them as it likes.
    pub cpus: Vec<usize>,
    /// Who the process is once its ports are bound; `None`: who started it.
    pub user: Option<RunAs>,
    pub clients: Clients,
    /// How long answers go on after SIGTERM while `/readyz` already fails.
    pub lame_duck: Duration,
    /// How long the first publication waits for clusters without saved shards.
    pub startup_timeout: Duration,
    /// Where members stand, if not in this file.
    pub control_plane: Option<ControlPlane>,
    /// One writer among replicas; `None` for one that is alone.
    pub leader_election: Option<LeaderElection>,
    pub places: Places,
}

/// A user of the system, and one of its groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunAs {
    pub user: String,
    /// `None`: the user's own.
    pub group: Option<String>,
}

/// Who is answered over DNS, how often, and what is told besides the zones.
#[derive(Clone, Debug, PartialEq)]
pub struct Clients {
    pub query_access: Access,
    pub cookies: Cookies,
    /// `None`: no limit.
    pub rate_limit: Option<RateLimit>,
    pub nsid: Option<Box<[u8]>>,
    pub identity: Identity,
}

/// Whose secrets make DNS cookies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cookies {
    Off,
    /// Of this process alone, made anew at each start.
    Own,
    /// In a file that replicas share.
    Shared(PathBuf),
}

/// The control plane of a federation with an API of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct ControlPlane {
    /// To the federation's API.
    pub access: KubeconfigAccess,
    /// To the cluster that the control plane runs in.
    pub host: KubeconfigAccess,
    /// Of the control plane there.
    pub namespace: String,
}

/// The Lease that says who writes to providers.
#[derive(Clone, Debug, PartialEq)]
pub struct LeaderElection {
    pub access: KubeconfigAccess,
    pub namespace: String,
    pub name: String,
}

/// One DNS zone that is served.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneConfig {
    pub name: Name,
    /// Seconds.
    pub ttl: u32,
    pub levels: Levels,
    pub empty_levels: EmptyLevels,
    /// The first is the SOA's primary.
    pub name_servers: Vec<NameServer>,
    pub hostmaster: Name,
    pub static_records: Vec<PathBuf>,
    /// Its secondaries.
    pub transfer: ZoneTransfer,
    /// Where it is mirrored to.
    pub providers: Vec<ProviderConfig>,
}

/// The catalog zone (RFC 9432).
#[derive(Clone, Debug, PartialEq)]
pub struct CatalogConfig {
    pub name: Name,
    /// Its secondaries.
    pub transfer: ZoneTransfer,
}

/// One zone at one provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderConfig {
    pub kind: ProviderKind,
    /// The provider's zone; `None`: the longest that the account has.
    pub hosted: Option<Name>,
    pub owner: String,
    /// Seconds; `None`: the zone's own.
    pub ttl: Option<u32>,
    /// `None`: the zone's own.
    pub levels: Option<Levels>,
    pub types: BTreeSet<RecordType>,
    pub policy: Policy,
    pub registry: Registry,
    /// Who is asked whether a change is visible; `None`: those that the provider tells.
    pub name_servers: Option<Vec<Server>>,
    pub filters: Filters,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ProviderKind {
    AliDns(AliDnsConfig),
    Rfc2136(Rfc2136Config),
    Webhook(WebhookConfig),
    #[cfg(feature = "clouddns")]
    CloudDns(CloudDnsConfig),
    #[cfg(feature = "route53")]
    Route53(Route53Config),
}

impl ProviderKind {
    /// What holds its key, where the config names it.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::AliDns(config) => config.config_file.as_deref(),
            Self::Rfc2136(config) => Some(&config.config_file),
            #[cfg(feature = "clouddns")]
            Self::CloudDns(config) => config.options.config_file.as_deref(),
            Self::Webhook(_) => None,
            #[cfg(feature = "route53")]
            Self::Route53(_) => None,
        }
    }

    /// The same, or the file where the vendor's own tools look: with other contents there may be another key.
    pub fn key_file(&self) -> Option<&Path> {
        match self {
            #[cfg(feature = "route53")]
            Self::Route53(config) => config.credentials_file.as_deref(),
            other => other.file(),
        }
    }

    /// Where it is, as far as the config says: what tells two of a kind apart.
    pub fn place(&self) -> Vec<String> {
        let place = match self {
            // A domain belongs to one account, whatever file has its key.
            Self::AliDns(AliDnsConfig { endpoint, .. }) => vec![endpoint.clone()],
            Self::Rfc2136(config) => vec![Some(config.server.to_string())],
            Self::Webhook(config) => vec![Some(config.endpoint.to_string())],
            #[cfg(feature = "clouddns")]
            Self::CloudDns(CloudDnsConfig { zone_id, options }) => {
                let id = zone_id.as_ref().map(ToString::to_string);
                vec![options.project.clone(), id, options.endpoint.clone()]
            }
            #[cfg(feature = "route53")]
            Self::Route53(Route53Config { zone_id, options, .. }) => {
                let id = zone_id.as_ref().map(ToString::to_string);
                vec![options.region.clone(), id, options.endpoint.clone()]
            }
        };
        place.into_iter().flatten().collect()
    }

    /// The word in the config.
    pub fn word(&self) -> &'static str {
        match self {
            Self::AliDns(_) => "alidns",
            Self::Rfc2136(_) => "rfc2136",
            Self::Webhook(_) => "webhook",
            #[cfg(feature = "clouddns")]
            Self::CloudDns(_) => "google-clouddns",
            #[cfg(feature = "route53")]
            Self::Route53(_) => "aws-route53",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct AliDnsConfig {
    /// Key and zones; `None`: the key is in the environment or comes from the instance's role.
    pub config_file: Option<PathBuf>,
    pub signature: SignatureVersion,
    /// `None`: the one of AliDNS.
    pub endpoint: Option<String>,
}

#[cfg(feature = "clouddns")]
#[derive(Clone, Debug, PartialEq)]
pub struct CloudDnsConfig {
    /// `None`: the public zone by its name.
    pub zone_id: Option<providers::clouddns::ZoneId>,
    pub options: providers::clouddns::Options,
}

#[cfg(feature = "route53")]
#[derive(Clone, Debug, PartialEq)]
pub struct Route53Config {
    /// `None`: the public zone by its name.
    pub zone_id: Option<providers::route53::ZoneId>,
    pub options: providers::route53::Options,
    /// Where the vendor's own tools look for a key; `None`: there is no such file. No key of the config.
    pub credentials_file: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Rfc2136Config {
    /// The zone's primary.
    pub server: Server,
    /// The key that it shares with us, in BIND's form.
    pub config_file: PathBuf,
}

#[derive(Clone, Debug, PartialEq)]
pub struct WebhookConfig {
    pub endpoint: WebhookUrl,
}

/// Where DNS is answered, and the admin pages. Without any address for DNS there is no DNS port at all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listen {
    /// UDP and TCP.
    pub dns: Vec<SocketAddr>,
    /// DNS over TLS.
    pub dot: Vec<SocketAddr>,
    /// DNS over HTTPS.
    pub doh: Vec<SocketAddr>,
    /// DNS over QUIC.
    pub doq: Vec<SocketAddr>,
    pub admin: Option<SocketAddr>,
}

/// A certificate chain and its private key, both in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Listen {
    /// By any transport.
    pub fn answers_dns(&self) -> bool {
        !self.dns.is_empty() || self.is_encrypted()
    }

    /// By a transport that shows a certificate.
    pub fn is_encrypted(&self) -> bool {
        [&self.dot, &self.doh, &self.doq].into_iter().any(|addresses| !addresses.is_empty())
    }
}

impl std::fmt::Display for RunAs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.user)?;
        self.group.as_ref().map_or(Ok(()), |group| write!(f, ":{group}"))
    }
}

impl Config {
    pub fn zone_names(&self) -> Vec<Name> {
        self.zones.iter().map(|zone| zone.name.clone()).collect()
    }

    /// Those that hold keys: of providers, of cookies, shared with secondaries, of certificates, and of who
    /// gives orders.
    pub fn key_files(&self) -> BTreeSet<&Path> {
        let of_clients = self.provider_files().chain(self.cookie_file());
        let of_admin = self.admin_token_file.iter().map(PathBuf::as_path);
        of_clients.chain(self.tsig_files()).chain(self.tls_files()).chain(of_admin).collect()
    }

    pub fn tls_files(&self) -> impl Iterator<Item = &Path> {
        let files = self.tls.iter();
        files.flat_map(|files| [files.certificate.as_path(), files.key.as_path()])
    }

    pub fn provider_files(&self) -> impl Iterator<Item = &Path> {
        let providers = self.zones.iter().flat_map(|zone| &zone.providers);
        providers.filter_map(|provider| provider.kind.key_file())
    }

    pub fn tsig_files(&self) -> impl Iterator<Item = &Path> {
        self.tsig_keys.iter().filter_map(|key| match &key.secret {
            Secret::File(path) => Some(path.as_path()),
            Secret::Inline(_) => None,
        })
    }

    pub fn cookie_file(&self) -> Option<&Path> {
        match &self.clients.cookies {
            Cookies::Shared(file) => Some(file),
            Cookies::Off | Cookies::Own => None,
        }
    }
}

/// An address to try a DNS listener on: a wildcard address is reached over loopback.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
        IpAddr::V6(ip) if ip.is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
