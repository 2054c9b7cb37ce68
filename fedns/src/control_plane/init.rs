//! The steps of `fedns init`, each of which may be done again: what stands as wanted stays.
//!
//! - `host_state`: what stands in the host cluster already
//! - `progress`: what is told on the way, in kubefed's words
//! - `reach`: addresses of the control plane
//! - `wait`: until its pods run

pub mod host_state;
pub mod progress;
mod reach;
mod wait;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clusters::federation::names::DNS_SERVICE;
use clusters::kubeconfig::{Access as KubeconfigEntry, Credentials, LocalKubeconfig};
use model::UnixTime;
use serde_json::{Value, json};

use self::host_state::HostState;
use self::progress::Progress;
use super::certificates::{self, ADMIN, AUTHORITY, Certificates, Renewed, ServerNames};
use super::fingerprint;
use super::host::{Change, Changes, Host};
use super::manifests::secrets::UserFiles;
use super::manifests::services::services;
use super::manifests::{API_SERVICE, ETCD_SERVICE, Known, claim, deployments, namespace, secrets};
use super::server_config::{
    CONFIG_FILE, CONFIG_MAP, Deployed, PROVIDER_FILE, PROVIDER_FOLDER, ServerConfig, delegation,
};
use super::settings::Settings;
use crate::output::chain_text;

/// Flags of an earlier `init`, so that none has to be repeated.
pub const FLAGS_MAP: &str = "fedns-init";
pub const FLAGS_KEY: &str = "flags.json";

/// Everything that was decided before the first step.
pub struct Plan {
    pub settings: Settings,
    pub server: ServerConfig,
    pub files: UserFiles,
    /// `--api-server-advertise-address`
    pub advertise: Option<String>,
    /// What the next `init` takes when it is not told otherwise.
    pub flags: String,
    pub standing: HostState,
    /// For each of the two waits.
    pub timeout: Duration,
    pub kubeconfig: LocalKubeconfig,
}

/// What a step failed for, in one line.
pub type StepResult<T> = Result<T, String>;

/// What came of it.
pub struct Outcome {
    /// Of the federation's API.
    pub addresses: Vec<String>,
    /// What the parent zone needs, where fedns is the name server.
    pub delegation: Vec<String>,
    pub changes: Changes,
    /// Certificates that had to be made.
    pub renewed: Vec<&'static str>,
}

// === impl Plan ===

impl Plan {
    /// The manifests, without a word of what is secret, as far as they are known before the first step.
    ///
    /// # Errors
    ///
    /// A file that cannot be read.
    pub fn dry_run(&self) -> StepResult<Vec<Value>> {
        let Self { settings, server, standing, .. } = self;
        let known = Known {
            cluster_addresses: standing.cluster_addresses.clone(),
            fingerprints: Default::default(),
        };
        let names = ServerNames::default();
        let made = renew(None, &names)?;
        let dns = standing.dns(settings.dns_service);
        let server = server.clone().with_control_plane(settings, &dns);
        let deployed = server.deployed().map_err(|error| error.to_string())?;
        let files = with_providers(self, &deployed);
        let all = secrets::secrets(settings, &known, &made.certificates, &files);
        let mut objects = vec![namespace(settings)];
        objects.extend(services(settings));
        objects.extend(all.map_err(json_error)?.iter().map(secrets::blank));
        objects.extend(config_maps(settings, &deployed, &self.flags));
        objects.extend(claim(settings));
        objects.extend(deployments(settings, &known));
        Ok(objects)
    }

    /// Carries it out.
    ///
    /// # Errors
    ///
    /// The step that failed, and why. What was made stays.
    pub async fn execute(&self, host: &Host, progress: &mut Progress) -> StepResult<Outcome> {
        let Self { settings, standing, .. } = self;
        let mut changes = Changes::default();
        let word = if standing.has_namespace { "Updating" } else { "Creating" };
        let system = &settings.namespace;
        progress.begin(&format!("{word} a namespace {system} for federation system components"));
        apply(host, &[namespace(settings)], &mut changes).await?;
        progress.done();

        progress.begin("Creating federation control plane service");
        apply(host, &services(settings), &mut changes).await?;
        let reach = reach::reach(self, host, progress).await?;
        progress.done();

        progress.begin(
            "Creating federation control plane objects (credentials, persistent volume claim)",
        );
        let server = self.server.clone().with_control_plane(settings, &reach.dns);
        let deployed = server.deployed().map_err(|error| error.to_string())?;
        let Renewed { certificates, made } =
            renew(standing.certificates.clone(), &server_names(settings, &reach))?;
        let mut known = Known {
            cluster_addresses: reach.cluster_addresses.clone(),
            fingerprints: Default::default(),
        };
        let files = with_providers(self, &deployed);
        let mut all =
            secrets::secrets(settings, &known, &certificates, &files).map_err(json_error)?;
        for secret in &mut all {
            let name = secret["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            if secrets::OF_PARTS.contains(&name.as_str()) {
                let word = fingerprint::put(secret, standing.secrets.get(&name));
                known.fingerprints.insert(name, word);
            }
        }
        apply(host, &all, &mut changes).await?;
        apply(host, &config_maps(settings, &deployed, &self.flags), &mut changes).await?;
        apply(host, &Vec::from_iter(claim(settings)), &mut changes).await?;
        progress.done();

        progress.begin("Creating federation component deployments");
        apply(host, &deployments(settings, &known), &mut changes).await?;
        progress.done();

        progress.begin("Updating kubeconfig");
        self.add_context(&reach.url, &certificates).await?;
        progress.done();

        progress.begin("Waiting for federation control plane to come up");
        let federation = wait::until_up(self, host, &reach.url, &certificates, progress).await?;
        for (object, change) in federation {
            changes.note(&object, change);
        }
        progress.done();
        let config = server.checked().map_err(|error| error.to_string())?;
        let renewed = if standing.certificates.is_some() { made } else { Vec::new() };
        Ok(Outcome {
            addresses: reach.addresses,
            delegation: delegation(&config),
            changes,
            renewed,
        })
    }

    async fn add_context(&self, url: &str, certificates: &Certificates) -> StepResult<()> {
        let admin = certificates.pair(ADMIN);
        let (certificate, key) = admin.map(|pair| (&pair.certificate, &pair.key)).unzip();
        let bytes = |text: Option<&String>| text.cloned().unwrap_or_default().into_bytes();
        let entry = KubeconfigEntry {
            server: url.to_owned(),
            certificate_authority: certificates.authority(AUTHORITY).as_bytes().to_vec(),
            credentials: Credentials::ClientCertificate {
                certificate: bytes(certificate),
                key: bytes(key),
            },
        };
        let added = self.kubeconfig.add_context(&self.settings.name, &entry).await;
        added.map(drop).map_err(|error| chain_text(&error))
    }
}

async fn apply(host: &Host, objects: &[Value], changes: &mut Changes) -> StepResult<()> {
    for object in objects {
        let change = host.apply(object).await.map_err(|failure| failure.to_string())?;
        changes.note(object, change);
    }
    Ok(())
}

fn renew(standing: Option<Certificates>, names: &ServerNames) -> StepResult<Renewed> {
    certificates::renew(standing, names, now()).map_err(|error| error.to_string())
}

fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UnixTime(since.map_or(0, |since| since.as_secs()))
}

/// Under which names the servers are asked for, inside and outside.
fn server_names(settings: &Settings, reach: &reach::Reach) -> ServerNames {
    let of_service = |service: &str| {
        let system = &settings.namespace;
        let mut names = vec![
            service.to_owned(),
            format!("{service}.{system}"),
            format!("{service}.{system}.svc"),
            format!("{service}.{system}.svc.cluster.local"),
        ];
        names.extend(reach.cluster_addresses.get(service).cloned());
        names
    };
    let mut api = of_service(API_SERVICE);
    api.extend(reach.hosts.iter().cloned());
    ServerNames { api, etcd: of_service(ETCD_SERVICE) }
}

/// Files that stand in the Secret already stay as long as something names them.
fn with_providers(plan: &Plan, deployed: &Deployed) -> UserFiles {
    let Plan { settings, files, standing, .. } = plan;
    let config = deployed.config.get(CONFIG_FILE).map_or("", String::as_str);
    let is_named = |name: &str| {
        config.contains(&format!("{PROVIDER_FOLDER}/{name}"))
            || (settings.has_aws_file && name == PROVIDER_FILE)
    };
    let kept = standing.provider_files.iter().filter(|(name, _)| is_named(name));
    let mut all = files.clone();
    all.providers = kept.map(|(name, content)| (name.clone(), content.clone())).collect();
    all.providers.extend(deployed.providers.clone());
    all.providers.extend(files.providers.clone());
    all
}

fn config_maps(settings: &Settings, deployed: &Deployed, flags: &str) -> [Value; 2] {
    let map = |name: &str, data: Value| {
        let mut map = super::manifests::config_map(settings, name);
        map["data"] = data;
        map
    };
    [map(CONFIG_MAP, json!(deployed.config)), map(FLAGS_MAP, json!({FLAGS_KEY: flags}))]
}

fn json_error(error: serde_json::Error) -> String {
    format!("cannot be written as JSON: {error}")
}

// === impl Outcome ===

impl Outcome {
    /// What differed from what was wanted, if this was not the first time.
    pub fn summary(&self, is_first: bool) -> Vec<String> {
        if is_first {
            return Vec::new();
        }
        let mut lines = Vec::new();
        for (word, change) in [("Made", Change::Created), ("Changed", Change::Changed)] {
            let titles = self.changes.of(change);
            if !titles.is_empty() {
                lines.push(format!("{word}: {}", titles.join(", ")));
            }
        }
        if !self.renewed.is_empty() {
            lines.push(format!("New certificates: {}", self.renewed.join(", ")));
        }
        if lines.is_empty() {
            lines.push("Everything stands as it should; nothing was changed".to_owned());
        }
        lines
    }
}

/// The Service whose addresses the world asks, for messages.
fn service_words(settings: &Settings, service: &str) -> String {
    let purpose = if service == DNS_SERVICE { "DNS" } else { "the federation's API" };
    format!("Service {}/{service} ({purpose})", settings.namespace)
}
