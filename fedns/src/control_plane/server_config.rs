//! The config that fedns serves with in the host cluster: what the user wrote and asked for, with what
//! only a control plane decides.
//!
//! Files that it names travel along: those of providers and of shared secrets in a Secret, static records beside
//! the config.

mod files;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use self::files::{SecretFile, free_name, secret_files_mut, static_records_mut};
use super::settings::Settings;
use crate::config::{Config, ConfigError, expand_path, load};

pub const CONFIG_MAP: &str = "fedns";
pub const CONFIG_FILE: &str = "fedns.yaml";
pub const CONFIG_FOLDER: &str = "/etc/fedns";
pub const PROVIDER_FOLDER: &str = "/etc/federation/dns-provider";
pub const PROVIDER_FILE: &str = "federation-dns-provider.conf";
pub const FEDERATION_FOLDER: &str = "/etc/federation/fedns";
pub const HOST_FOLDER: &str = "/etc/federation/host";
pub const STATE_FOLDER: &str = "/var/lib/fedns";
pub const LEASE: &str = "fedns";
pub const AWS_KINDS: [&str; 2] = ["aws-route53", "route53"];
pub const DNS_PORT: u16 = 5300;
pub const ADMIN_PORT: u16 = 8053;

/// Keys that a control plane decides: with a file of the user's, the file's are left out.
const OURS: [&str; 7] =
    ["listen", "tls", "adminTokenFile", "stateDir", "controlPlane", "leaderElection", "clusters"];

/// The config as it is written, and the files that it names.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerConfig {
    document: Map<String, Value>,
    /// Where its relative paths count from.
    folder: PathBuf,
    /// What errors call it.
    shown: PathBuf,
    /// As it was written; nothing, where all of it are flags.
    source: String,
}

/// How the world reaches fedns, and how pods do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsService {
    /// IP addresses, or host names where a cloud gives no other.
    pub addresses: Vec<String>,
    /// The family of the addresses of pods.
    pub is_ipv6: bool,
}

/// What stands in the host cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deployed {
    /// Files of the ConfigMap.
    pub config: BTreeMap<String, String>,
    /// Files of the provider's Secret, shared secrets among them; those that stand there already are not.
    pub providers: BTreeMap<String, Vec<u8>>,
}

/// Answers of the command line to questions of the config.
#[derive(Clone, Debug, Default)]
pub struct DnsFlags<'a> {
    pub federation: Option<&'a str>,
    pub zone: Option<&'a str>,
    pub provider: Option<&'a str>,
    pub provider_file: Option<&'a Path>,
    pub owner: Option<&'a str>,
    /// Where neither a flag nor the config names one.
    pub owner_default: Option<&'a str>,
}

// === impl ServerConfig ===

impl ServerConfig {
    pub fn empty() -> Self {
        let shown = PathBuf::from("the flags of fedns init");
        Self { document: Map::new(), folder: PathBuf::from("/"), shown, source: String::new() }
    }

    /// The file that `fedns serve` takes.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and a list of clusters: members of a federation join it.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let failed = |error: &dyn std::fmt::Display| {
            ConfigError::one(format!("--config {}: {error}", path.display()))
        };
        let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
        let file = std::path::absolute(path).map_err(|error| failed(&error))?;
        let folder = file.parent().unwrap_or(Path::new("/")).to_owned();
        let mut config = Self::parse(&text, &folder, path)?;
        let members = config.document.get("clusters").and_then(Value::as_array);
        if members.is_some_and(|members| !members.is_empty()) {
            let line = "the members of a federation join it: take the key \"clusters\" out, and use `fedns join`";
            return Err(failed(&line));
        }
        for key in OURS {
            config.document.remove(key);
        }
        Ok(config)
    }

    /// As it stands in the ConfigMap of an earlier `init`, what people changed there included.
    ///
    /// # Errors
    ///
    /// It is no YAML map any more.
    pub fn standing(text: &str) -> Result<Self, ConfigError> {
        let shown = format!("ConfigMap {CONFIG_MAP}");
        Self::parse(text, Path::new(CONFIG_FOLDER), Path::new(&shown))
    }

    fn parse(text: &str, folder: &Path, shown: &Path) -> Result<Self, ConfigError> {
        let parsed: Value =
            serde_saphyr::from_str(text).map_err(|error| unreadable(text, shown, &error))?;
        match parsed {
            Value::Object(document) => Ok(Self {
                document,
                folder: folder.to_owned(),
                shown: shown.to_owned(),
                source: text.to_owned(),
            }),
            _ => Err(ConfigError::one(format!("{}: wanted a map of keys", shown.display()))),
        }
    }

    /// The label in names, where it is said.
    pub fn federation(&self) -> Option<&str> {
        self.document.get("federation")?.as_str()
    }

    pub fn has_zone(&self) -> bool {
        self.document.contains_key("zone") || self.document.contains_key("zones")
    }

    /// With or without its final dot.
    pub fn has_zone_named(&self, zone: &str) -> bool {
        let list = self.document.get("zones").and_then(Value::as_array).into_iter().flatten();
        let names = list.filter_map(|zone| zone.get("name"));
        let names = names.chain(self.document.get("zone")).filter_map(Value::as_str);
        let plain = |name: &str| name.trim_end_matches('.').to_lowercase();
        names.map(plain).any(|name| name == plain(zone))
    }

    pub fn has_providers(&self) -> bool {
        providers(&self.document).next().is_some()
    }

    pub fn has_provider_of(&self, kinds: &[&str]) -> bool {
        providers(&self.document).any(|it| {
            it.get("kind").and_then(Value::as_str).is_some_and(|kind| kinds.contains(&kind))
        })
    }

    /// Every provider says whose its records are.
    pub fn has_owner(&self) -> bool {
        providers(&self.document).all(|it| it.contains_key("owner"))
    }

    /// Flags win.
    pub fn with_flags(mut self, flags: &DnsFlags<'_>) -> Self {
        let document = &mut self.document;
        document.insert("apiVersion".into(), json!("fedns.io/v1"));
        document.insert("kind".into(), json!("Config"));
        if let Some(federation) = flags.federation {
            document.insert("federation".into(), json!(federation));
        }
        if let Some(zone) = flags.zone {
            let zone = format!("{}.", zone.trim_end_matches('.'));
            if document.get("zone") != Some(&json!(zone)) {
                // They name the zone that it was.
                document.remove("nameServers");
            }
            document.remove("zones");
            document.insert("zone".into(), json!(zone));
        }
        if let Some(kind) = flags.provider {
            let provider = with_provider_flags(standing_provider(document, kind), kind, flags);
            document.insert("providers".into(), json!([provider]));
        }
        document.entry("services").or_insert_with(|| json!({"publish": "all"}));
        self
    }

    /// The same for a control plane.
    pub fn with_control_plane(mut self, settings: &Settings, dns: &DnsService) -> Self {
        let host = match settings.has_host_kubeconfig {
            true => json!({"kubeconfig": format!("{HOST_FOLDER}/kubeconfig")}),
            false => json!({}),
        };
        let mut lease = host.clone();
        lease["namespace"] = json!(settings.namespace);
        lease["name"] = json!(LEASE);
        let document = &mut self.document;
        document.insert(
            "controlPlane".into(),
            json!({
                "kubeconfig": format!("{FEDERATION_FOLDER}/kubeconfig"),
                "namespace": settings.namespace,
                "host": host,
            }),
        );
        document.insert("leaderElection".into(), lease);
        document.insert("stateDir".into(), json!(STATE_FOLDER));
        // A listener of one family takes no packets of the other.
        let any = if dns.is_ipv6 { "[::]" } else { "0.0.0.0" };
        let (port, admin) = (format!("{any}:{DNS_PORT}"), format!("{any}:{ADMIN_PORT}"));
        document.insert("listen".into(), json!({"dns": [port], "admin": admin}));
        self.set_name_servers(&dns.addresses);
        self
    }

    /// The same for a process outside of the cluster that only looks at the providers. The files of the
    /// provider's Secret are in `folder`.
    pub fn outside(mut self, folder: &Path) -> Self {
        let document = &mut self.document;
        for key in OURS {
            document.remove(key);
        }
        document.insert("clusters".into(), json!([]));
        for SecretFile { path, .. } in secret_files_mut(document) {
            let named = path.as_str().map(Path::new);
            if let Some(name) = named.and_then(|named| named.strip_prefix(PROVIDER_FOLDER).ok()) {
                *path = json!(folder.join(name));
            }
        }
        static_records_mut(document).into_iter().for_each(Vec::clear);
        self
    }

    /// Of one zone, where nobody named them: the DNS Service itself.
    fn set_name_servers(&mut self, addresses: &[String]) {
        let is_named = self.document.contains_key("nameServers") && !self.has_our_name_servers();
        let Some(zone) = self.document.get("zone").and_then(Value::as_str) else { return };
        if is_named || addresses.is_empty() {
            return;
        }
        let (ips, hosts): (Vec<&String>, Vec<&String>) =
            addresses.iter().partition(|address| address.parse::<std::net::IpAddr>().is_ok());
        let servers = match ips.is_empty() {
            false => json!([{"name": our_name_server(zone), "addresses": ips}]),
            true => hosts.iter().map(|host| json!({"name": format!("{host}.")})).collect(),
        };
        self.document.insert("nameServers".into(), servers);
    }

    fn has_our_name_servers(&self) -> bool {
        let zone = self.document.get("zone").and_then(Value::as_str).unwrap_or_default();
        let servers = self.document.get("nameServers").and_then(Value::as_array);
        servers.is_some_and(|it| it.len() == 1 && it[0]["name"] == json!(our_name_server(zone)))
    }

    /// What it means, with its files where they are now.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn checked(&self) -> Result<Config, ConfigError> {
        let file = self.folder.join(CONFIG_FILE);
        let checked = load::parse(&text(&self.document), &file, &self.shown);
        checked.map_err(|error| {
            let own = load::parse(&self.source, &file, &self.shown).err();
            ConfigError {
                lines: placed(error.lines, own.map_or(vec![], |it| it.lines), &self.shown),
            }
        })
    }

    /// As it is put into the host cluster, with its files.
    ///
    /// # Errors
    ///
    /// A file that cannot be read.
    pub fn deployed(&self) -> Result<Deployed, ConfigError> {
        let mut document = self.document.clone();
        let mut files = Deployed::default();
        for SecretFile { path, wanted_name } in secret_files_mut(&mut document) {
            let Some(named) = path.as_str().filter(|it| !it.starts_with(PROVIDER_FOLDER)) else {
                continue;
            };
            let content = self.file(named)?;
            let name = free_name(&files.providers, wanted_name, &content);
            *path = json!(format!("{PROVIDER_FOLDER}/{name}"));
            files.providers.insert(name, content);
        }
        for list in static_records_mut(&mut document) {
            for path in list.iter_mut() {
                let Some(named) = path.as_str().filter(|it| !it.starts_with(CONFIG_FOLDER)) else {
                    continue;
                };
                let content = String::from_utf8(self.file(named)?).map_err(|_| {
                    ConfigError::one(format!("{}: {named} is no text", self.shown.display()))
                })?;
                let name = free_name(&files.config, "static.zone", &content);
                *path = json!(format!("{CONFIG_FOLDER}/{name}"));
                files.config.insert(name, content);
            }
        }
        files.config.insert(CONFIG_FILE.to_owned(), text(&document));
        Ok(files)
    }

    fn file(&self, path: &str) -> Result<Vec<u8>, ConfigError> {
        let failed =
            |why: String| ConfigError::one(format!("{}: {path}: {why}", self.shown.display()));
        let path = expand_path(path, &self.folder).map_err(failed)?;
        std::fs::read(&path).map_err(|error| {
            ConfigError::one(format!(
                "{}: cannot read {}: {error}",
                self.shown.display(),
                path.display()
            ))
        })
    }
}

/// NS records and addresses that the parent zone has to hold, where the world asks fedns.
pub fn delegation(config: &Config) -> Vec<String> {
    let zones = config.zones.iter().filter(|zone| zone.providers.is_empty());
    let mut lines = Vec::new();
    for zone in zones {
        for server in &zone.name_servers {
            lines.push(format!("{} NS {}", zone.name, server.name));
            for address in &server.addresses {
                let kind = if address.is_ipv4() { "A" } else { "AAAA" };
                lines.push(format!("{} {kind} {address}", server.name));
            }
        }
    }
    lines
}

pub fn is_aws(kind: &str) -> bool {
    AWS_KINDS.contains(&kind)
}

/// Who marks records where nobody says it: no two federations have the same. `host_uid`: UID of the host's
/// kube-system namespace.
pub fn default_owner(federation: &str, host_uid: &str) -> String {
    format!("{federation}-{}", host_uid.split('-').next().unwrap_or(host_uid))
}

/// What the config says of a provider of this kind already; the kind alone where it says nothing.
fn standing_provider(document: &Map<String, Value>, kind: &str) -> Map<String, Value> {
    let list = document.get("providers").and_then(Value::as_array).into_iter().flatten();
    let mut maps = list.filter_map(Value::as_object);
    let is_same = |map: &&Map<String, Value>| {
        map.get("kind").and_then(Value::as_str).is_some_and(|it| plain_kind(it) == plain_kind(kind))
    };
    maps.find(is_same).cloned().unwrap_or_default()
}

/// Keys that no flag names stay as they are.
fn with_provider_flags(
    mut provider: Map<String, Value>,
    kind: &str,
    flags: &DnsFlags<'_>,
) -> Map<String, Value> {
    provider.insert("kind".into(), json!(kind));
    if let Some(owner) = flags.owner {
        provider.insert("owner".into(), json!(owner));
    } else if let Some(owner) = flags.owner_default {
        provider.entry("owner").or_insert_with(|| json!(owner));
    }
    // The tools of AWS find theirs by the environment.
    if let Some(file) = flags.provider_file.filter(|_| !is_aws(kind)) {
        provider.insert("configFile".into(), json!(file));
    }
    provider
}

/// One word for a kind that has two.
fn plain_kind(kind: &str) -> &str {
    match kind {
        "aws-route53" => "route53",
        "google-clouddns" => "clouddns",
        other => other,
    }
}

/// In our own words: those of the parser show lines of the file, which may hold what is secret.
fn unreadable(text: &str, shown: &Path, error: &serde_saphyr::Error) -> ConfigError {
    let place =
        error.location().map_or(String::new(), |it| format!("{}:{}:", it.line(), it.column()));
    let start = format!("{}:{place} ", shown.display());
    let own = load::parse(text, &Path::new("/").join(CONFIG_FILE), shown).err();
    let line = own.and_then(|own| own.lines.into_iter().find(|line| line.starts_with(&start)));
    ConfigError::one(line.unwrap_or_else(|| format!("{start}no valid YAML")))
}

/// What is checked is made of a file and of flags, and nobody has it to look a place up in it. What the file
/// does wrong by itself is told with the place there, all else without one.
fn placed(lines: Vec<String>, of_source: Vec<String>, shown: &Path) -> Vec<String> {
    let file = format!("{}:", shown.display());
    let mut rest: Vec<String> =
        lines.iter().map(|line| without_place(line, &file).to_owned()).collect();
    let mut told = of_source;
    told.retain(|line| {
        let same = rest.iter().position(|it| it == without_place(line, &file));
        same.map(|place| rest.remove(place)).is_some()
    });
    told.extend(rest.into_iter().map(|message| format!("{file} {message}")));
    told
}

/// What stands behind `FILE:LINE:COLUMN: `.
fn without_place<'a>(line: &'a str, file: &str) -> &'a str {
    let place = line.strip_prefix(file).and_then(|rest| rest.split_once(": "));
    place.map_or(line, |(_, message)| message)
}

fn our_name_server(zone: &str) -> String {
    format!("ns1.{}.", zone.trim_end_matches('.'))
}

fn text(document: &Map<String, Value>) -> String {
    crate::output::yaml(&Value::Object(document.clone()))
}

fn providers(document: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let zones = document.get("zones").and_then(Value::as_array).into_iter().flatten();
    std::iter::once(document)
        .chain(zones.filter_map(Value::as_object))
        .filter_map(|map| map.get("providers")?.as_array())
        .flatten()
        .filter_map(Value::as_object)
}

#[cfg(test)]
mod tests;
