//! From the command line and what stands in the host cluster to everything that `init` needs, before
//! anything is created.

use std::path::Path;

use clusters::federation::steps::Party;
use clusters::federation::unjoin::remote::PATIENCE;
use clusters::kubeconfig::LocalKubeconfig;
use clusters::{Access, Connection, KubeconfigAccess};
use model::Label;

use super::Init;
use super::flags::{InitFlags, pairs};
use super::providers::{Left, Providers};
use crate::cli::Failure;
use crate::config::{Config, ConfigError, host_label};
use crate::control_plane::certificates::{AUTHORITY, is_of_control_plane};
use crate::control_plane::host::Host;
use crate::control_plane::init::Plan;
use crate::control_plane::init::host_state::{HostState, look};
use crate::control_plane::manifests::secrets::{self, EtcdFiles, UserFiles};
use crate::control_plane::provider_files::ProviderFiles;
use crate::control_plane::server_config::{
    AWS_KINDS, DnsFlags, DnsService, PROVIDER_FILE, ServerConfig, default_owner, is_aws,
};
use crate::control_plane::settings::{PullPolicy, ServiceType, Settings};
use crate::output::chain_text;

/// Older ones lack what the manifests use.
const HOST_VERSION_MIN: (u32, u32) = (1, 26);
/// Where the config is checked before its Services have addresses.
const ANY_ADDRESS: &str = "192.0.2.53";

pub(super) struct Prepared {
    pub plan: Plan,
    pub host: Host,
    pub notes: Vec<String>,
    /// Records at providers that nobody writes after this.
    pub left: Vec<Left>,
}

impl Init {
    /// What stands in the host cluster.
    pub(super) async fn look(&self) -> Result<HostState, Failure> {
        self.check_words()?;
        let host = self.connect().await?;
        look(&host, &self.federation_system_namespace).await.map_err(Failure::one)
    }

    pub(super) async fn prepare(
        &self,
        standing: HostState,
        kept_files: &ProviderFiles,
    ) -> Result<Prepared, Failure> {
        let host = self.connect().await?;
        let flags = self.merged_flags(&standing)?;
        let server = self.server_config(&standing)?;
        let federation = self.federation(&server, &standing)?;
        let files = self.files(&standing)?;
        let settings = self.settings(&flags, &server, &federation, &files, &standing)?;
        let owner_default = standing.uid.as_ref().map(|uid| default_owner(&federation, uid));
        let server = server.with_flags(&DnsFlags {
            federation: Some(&federation),
            zone: self.dns_zone_name.as_deref(),
            provider: self.dns_provider.as_deref(),
            provider_file: self.dns_provider_config.as_deref(),
            owner: self.dns_owner.as_deref(),
            owner_default: owner_default.as_deref(),
        });
        self.check_owner(&server)?;
        let config = self.checked(&server, &settings)?;
        let settings = Settings { zone: zones(&config), ..settings };
        let from_here = |server: &ServerConfig| server.clone().outside(kept_files.path()).checked();
        let before = standing.config.as_deref().map(ServerConfig::standing).transpose()?;
        let before = before.filter(ServerConfig::has_providers);
        let providers = Providers {
            now: server.has_providers().then(|| from_here(&server)).transpose()?,
            before: before.map(|server| from_here(&server)),
            are_named: self.dns_provider.is_some() || self.config.is_some(),
            has_aws_file: settings.has_aws_file,
        };
        let notes = providers.preflight().await?;
        let left = providers.left().await;
        let kubeconfig = self.local_kubeconfig(&standing).await?;
        let plan = Plan {
            settings,
            server,
            files,
            advertise: flags.api_server_advertise_address.clone(),
            flags: serde_json::to_string_pretty(&flags)
                .map_err(|error| Failure::one(format!("flags: {error}")))?,
            standing,
            timeout: self.timeout,
            kubeconfig,
        };
        Ok(Prepared { plan, host, notes, left })
    }

    /// What is wrong whatever the host cluster holds.
    fn check_words(&self) -> Result<(), Failure> {
        let mut lines = Vec::new();
        for (what, text) in [
            ("NAME", Some(&self.name)),
            ("--federation-name", self.federation_name.as_ref()),
            ("--federation-system-namespace", Some(&self.federation_system_namespace)),
        ] {
            let Some(text) = text else { continue };
            if host_label(text).is_err() || text.to_lowercase() != *text {
                lines.push(format!(
                    "{what} {text:?} is no DNS label: lower-case letters, digits and hyphens, a hyphen at \
                     neither end, at most 63"
                ));
            }
        }
        if let Some(zone) = self.dns_zone_name.as_ref().filter(|zone| !is_zone(zone)) {
            lines.push(format!(
                "--dns-zone-name {zone:?} is no domain name: labels of letters, digits and hyphens with dots \
                 between them, like example.com."
            ));
        }
        if self.apiserver_enable_basic_auth == Some(true) {
            lines.push(
                "--apiserver-enable-basic-auth: Kubernetes dropped passwords in 1.19; the context that init \
                 makes has a certificate, and --apiserver-enable-token-auth makes a token"
                    .to_owned(),
            );
        }
        lines.extend(self.flags.images().err().unwrap_or_default());
        if lines.is_empty() { Ok(()) } else { Err(Failure { lines }) }
    }

    async fn connect(&self) -> Result<Host, Failure> {
        let context = Some(self.host_cluster_context.clone());
        let access = KubeconfigAccess { path: self.kubeconfig.clone(), context };
        let connection = Connection::new(&Access::Kubeconfig(access)).await;
        let connection = connection
            .map_err(|error| Failure::one(format!("--host-cluster-context: {}", error.line())))?;
        let host = Host::new(&self.host_cluster_context, connection.client);
        let version = host.version().await.map_err(|failure| {
            Failure::one(format!("--host-cluster-context: {failure} ({})", connection.server))
        })?;
        if version < HOST_VERSION_MIN {
            let (major, minor) = version;
            return Err(Failure::one(format!(
                "--host-cluster-context {}: Kubernetes {major}.{minor} is too old to hold the control plane; \
                 {}.{} or newer is needed",
                self.host_cluster_context, HOST_VERSION_MIN.0, HOST_VERSION_MIN.1
            )));
        }
        Ok(host)
    }

    fn merged_flags(&self, standing: &HostState) -> Result<InitFlags, Failure> {
        let Some(before) = &standing.flags else { return Ok(self.flags.clone()) };
        let before: InitFlags = serde_json::from_str(before).map_err(|error| {
            Failure::one(format!(
                "ConfigMap fedns-init in the host cluster is damaged ({error}): delete it, and give all flags"
            ))
        })?;
        self.flags.over(&before).map_err(Failure::one)
    }

    /// A file, else what stands in the host cluster.
    fn server_config(&self, standing: &HostState) -> Result<ServerConfig, ConfigError> {
        match (&self.config, &standing.config) {
            (Some(file), _) => ServerConfig::read(file),
            (None, Some(text)) => ServerConfig::standing(text),
            (None, None) => Ok(ServerConfig::empty()),
        }
    }

    fn federation(&self, server: &ServerConfig, standing: &HostState) -> Result<String, Failure> {
        let system = &self.federation_system_namespace;
        let host = &self.host_cluster_context;
        if standing.is_terminating {
            return Err(Failure::one(format!(
                "namespace {system} of {host} is being deleted; try again when it is gone: \
                 kubectl --context={host} wait --for=delete namespace/{system} --timeout=5m"
            )));
        }
        self.check_same_name(standing)?;
        let said = self.federation_name.as_deref().or(server.federation());
        let name = said.or(standing.federation.as_deref()).unwrap_or(&self.name);
        let other = [(&standing.federation, "holds"), (&standing.member_of, "is a member of")];
        for (federation, how) in other {
            if let Some(federation) = federation.as_deref().filter(|federation| *federation != name)
            {
                return Err(Failure::one(format!(
                    "namespace {system} of {host} {how} the federation {federation:?}, not {name:?}: name \
                     another namespace with --federation-system-namespace, or the same federation with \
                     --federation-name={federation}"
                )));
            }
        }
        Ok(name.to_owned())
    }

    /// Whoever names another federation must not change the one that is there.
    fn check_same_name(&self, standing: &HostState) -> Result<(), Failure> {
        let (Some(label), Some(context)) = (&standing.federation, &standing.context) else {
            return Ok(());
        };
        if *context == self.name || self.federation_name.is_some() {
            return Ok(());
        }
        let Self { name, federation_system_namespace: system, host_cluster_context: host, .. } =
            self;
        Err(Failure::one(format!(
            "namespace {system} of {host} holds the federation {context:?} with the label {label:?}, not \
             {name:?}: name another namespace with --federation-system-namespace; or, if that one shall be \
             called {name}, say so with --federation-name={label}"
        )))
    }

    /// Records at a provider are told apart by it, so it must be said where it cannot be made.
    fn check_owner(&self, server: &ServerConfig) -> Result<(), Failure> {
        if self.dns_provider.is_none() || server.has_owner() {
            return Ok(());
        }
        Err(Failure::one(format!(
            "--dns-owner is missing: the namespace kube-system of {} may not be read, whose UID would be \
             part of it",
            self.host_cluster_context
        )))
    }

    fn files(&self, standing: &HostState) -> Result<UserFiles, Failure> {
        let kept = |secret: &str, key: &str| standing.user_files.get(secret)?.get(key).cloned();
        let of_etcd = |key: &str| kept(secrets::API_SERVER, key);
        let authority = read("--etcd-cafile", self.etcd_cafile.as_deref())?;
        let certificate = read("--etcd-certfile", self.etcd_certfile.as_deref())?;
        let key = read("--etcd-keyfile", self.etcd_keyfile.as_deref())?;
        let host = read("--credentials-kubeconfig", self.credentials_kubeconfig.as_deref())?;
        let mut files = UserFiles {
            etcd: EtcdFiles {
                authority: authority.or_else(|| of_etcd("etcd-ca.crt")),
                client: certificate
                    .zip(key)
                    .or_else(|| of_etcd("etcd-client.crt").zip(of_etcd("etcd-client.key"))),
            },
            host_kubeconfig: host.or_else(|| kept(secrets::HOST, "kubeconfig")),
            providers: Default::default(),
        };
        if self.dns_provider.as_deref().is_some_and(is_aws)
            && let Some(content) =
                read("--dns-provider-config", self.dns_provider_config.as_deref())?
        {
            files.providers.insert(PROVIDER_FILE.to_owned(), content);
        }
        Ok(files)
    }

    fn settings(
        &self,
        flags: &InitFlags,
        server: &ServerConfig,
        federation: &str,
        files: &UserFiles,
        standing: &HostState,
    ) -> Result<Settings, Failure> {
        let one = |line: String| Failure::one(line);
        let has_provider = self.dns_provider.is_some() || server.has_providers();
        let dns_default =
            if has_provider { ServiceType::ClusterIp } else { ServiceType::LoadBalancer };
        let is_aws = match &self.dns_provider {
            Some(kind) => is_aws(kind),
            None => server.has_provider_of(&AWS_KINDS),
        };
        let has_file = files.providers.contains_key(PROVIDER_FILE) || standing.aws_file().is_some();
        Ok(Settings {
            name: self.name.clone(),
            federation: federation.to_owned(),
            namespace: self.federation_system_namespace.clone(),
            host_uid: standing.uid.clone(),
            zone: String::new(),
            images: flags.images().map_err(|lines| Failure { lines })?,
            pull_policy: flags.image_pull_policy.unwrap_or(PullPolicy::IfNotPresent),
            pull_secrets: flags.image_pull_secrets.clone().unwrap_or_default(),
            etcd: flags.etcd(files.etcd.client.is_some(), files.etcd.authority.is_some()),
            api_service: flags.api_service().map_err(one)?,
            dns_service: flags.dns_service_type.unwrap_or(dns_default),
            replicas: flags.replicas.unwrap_or(1),
            node_selector: pairs("--node-selector", flags.node_selector.as_deref()).map_err(one)?,
            api_server_flags: pairs(
                "--apiserver-arg-overrides",
                flags.apiserver_arg_overrides.as_deref(),
            )
            .map_err(one)?,
            controller_manager_flags: pairs(
                "--controllermanager-arg-overrides",
                flags.controllermanager_arg_overrides.as_deref(),
            )
            .map_err(one)?,
            has_token_auth: flags.apiserver_enable_token_auth.unwrap_or(false),
            has_host_kubeconfig: files.host_kubeconfig.is_some(),
            has_aws_file: is_aws && has_file,
        })
    }

    fn checked(&self, server: &ServerConfig, settings: &Settings) -> Result<Config, Failure> {
        if !server.has_zone() {
            return Err(Failure::one(
                "--dns-zone-name is missing: the zone of all names, like example.com.".to_owned(),
            ));
        }
        let dns = DnsService { addresses: vec![ANY_ADDRESS.to_owned()], is_ipv6: false };
        Ok(server.clone().with_control_plane(settings, &dns).checked()?)
    }

    /// A context of that name must be this federation's, or not be there: all else is somebody's way into
    /// another cluster.
    async fn local_kubeconfig(&self, standing: &HostState) -> Result<LocalKubeconfig, Failure> {
        let failed = |error| Failure::one(chain_text(&error));
        let local = match &self.kubeconfig {
            Some(file) => LocalKubeconfig::at(file.clone()),
            None => LocalKubeconfig::of_user().map_err(failed)?,
        };
        let Some(server) = local.server_of(&self.name).map_err(failed)? else { return Ok(local) };
        let shown = local.authority_of(&self.name).map_err(failed)?.unwrap_or_default();
        if standing.federation.is_some() && self.is_ours(&shown, standing).await {
            return Ok(local);
        }
        Err(Failure::one(format!(
            "the context {0:?} is in {1} already, and leads to {server}, not to this federation: give the \
             federation another name, or remove it: kubectl config delete-context {0}",
            self.name,
            local.target().display()
        )))
    }

    /// Whether a context with this authority leads to the federation that stands in the host cluster.
    async fn is_ours(&self, shown: &[u8], standing: &HostState) -> bool {
        let known = standing.certificates.as_ref().map(|it| it.authority(AUTHORITY).as_bytes());
        match known {
            Some(known) if known.trim_ascii() == shown.trim_ascii() => true,
            // An authority of before, which no API server shows any more; else another federation's.
            Some(_) => is_of_control_plane(shown) && !self.answers().await,
            None => is_of_control_plane(shown),
        }
    }

    async fn answers(&self) -> bool {
        let context = Some(self.name.clone());
        let access = KubeconfigAccess { path: self.kubeconfig.clone(), context };
        match Party::new(self.name.clone(), "NAME", &access).await {
            Ok(party) => party.answers(PATIENCE).await.is_ok(),
            Err(_) => false,
        }
    }
}

/// With or without its final dot.
fn is_zone(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let mut labels = text.strip_suffix('.').unwrap_or(text).split('.');
    labels.all(|label| label.parse::<Label>().is_ok() && label.bytes().all(is_letter))
}

/// All of them; one is the rule.
fn zones(config: &Config) -> String {
    let names: Vec<String> = config.zones.iter().map(|zone| zone.name.to_string()).collect();
    names.join(",")
}

fn read(flag: &str, path: Option<&Path>) -> Result<Option<Vec<u8>>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let failed = |error| Failure::one(format!("{flag} {}: {error}", path.display()));
    std::fs::read(path).map(Some).map_err(failed)
}
