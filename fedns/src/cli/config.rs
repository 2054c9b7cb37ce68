use ::clap::{Args, ValueEnum};
use clusters::KubeconfigAccess;
use dns_server::policy::{Identity, RateLimit};
use dns_server::transfer::{Allow, ZoneTransfer};
use dns_server::{Prefix, TsigAlgorithm};
use providers::alidns::SignatureVersion;
use providers::sync::change::Policy;
use providers::sync::registry::Registry;
use serde_json::{Value, json};

use super::{CommandResult, ConfigFile, print};
use crate::config::transfers::Secret;
use crate::config::{
    self, AliDnsConfig, CatalogConfig, Config, ControlPlane, Cookies, LeaderElection, Listen,
    ProviderConfig, ProviderKind, Rfc2136Config, TlsFiles, TsigKeyConfig, WebhookConfig,
};
use crate::output;

/// Print the config with every default filled in
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns config
  fedns config -c /etc/fedns/fedns.yaml -o json")]
pub struct ShowConfig {
    #[command(flatten)]
    file: ConfigFile,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: ConfigFormat,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum ConfigFormat {
    #[default]
    Yaml,
    Json,
}

impl ShowConfig {
    pub fn run(self) -> CommandResult {
        let config = config::load(&config::locate(self.file.config.as_deref())?)?;
        let value = value(&config);
        match self.output {
            ConfigFormat::Yaml => print(output::yaml(&value)),
            ConfigFormat::Json => print(output::json(&value)),
        }
    }
}

/// In the file's own keys, so that the output is a config again.
fn value(config: &Config) -> Value {
    let Config {
        file: _,
        federation,
        zones,
        catalog,
        listen,
        tls,
        admin_token_file,
        tsig_keys,
        state_dir,
        services,
        clusters,
        resolver,
        workers,
        cpus,
        user,
        clients,
        lame_duck,
        startup_timeout,
        control_plane,
        leader_election,
        places: _,
    } = config;
    let zones: Vec<Value> = zones.iter().map(zone_value).collect();
    let clusters: Vec<Value> = clusters.iter().map(cluster_value).collect();
    let words = |publish: watcher::Publish| match publish {
        watcher::Publish::All => "all",
        watcher::Publish::Annotated => "annotated",
    };
    let private = match services.private_addresses {
        watcher::PrivateAddresses::Publish => "publish",
        watcher::PrivateAddresses::Skip => "skip",
    };
    let mut value = json!({
        "apiVersion": "fedns.io/v1",
        "kind": "Config",
        "federation": federation,
        "zones": zones,
        "listen": listen_value(listen),
        "stateDir": state_dir,
        "services": {
            "publish": words(services.publish),
            "namespaces": {
                "include": services.namespaces.include,
                "exclude": services.namespaces.exclude,
            },
            "selector": services.selector.to_string(),
            "holdEmpty": seconds(services.hold_empty),
            "privateAddresses": private,
        },
        "clusters": clusters,
        "resolver": {"servers": resolver},
        "workers": workers,
        "acl": {"query": {"allow": prefixes(&clients.query_access.allow), "deny": prefixes(&clients.query_access.deny)}},
        "cookies": cookies_value(&clients.cookies),
        "rateLimit": rate_limit_value(clients.rate_limit.as_ref()),
        "lameDuck": seconds(*lame_duck),
        "startupTimeout": seconds(*startup_timeout),
    });
    if let Some(TlsFiles { certificate, key }) = tls {
        value["tls"] = json!({"certFile": certificate, "keyFile": key});
    }
    if let Some(CatalogConfig { name, transfer }) = catalog {
        value["catalogZone"] = json!({"name": name, "transfer": transfer_value(transfer)});
    }
    if let Some(file) = admin_token_file {
        value["adminTokenFile"] = json!(file);
    }
    if !tsig_keys.is_empty() {
        value["tsigKeys"] = tsig_keys.iter().map(tsig_key_value).collect();
    }
    if !cpus.is_empty() {
        value["cpus"] = json!(cpus);
    }
    if let Some(user) = user {
        value["user"] = json!(user.to_string());
    }
    if let Some(nsid) = &clients.nsid {
        value["nsid"] = json!(text(nsid));
    }
    let Identity { version, id } = &clients.identity;
    for (key, told) in [("version", version), ("id", id)] {
        if let Some(told) = told {
            value["identity"][key] = json!(text(told));
        }
    }
    if let Some(control_plane) = control_plane {
        value["controlPlane"] = control_plane_value(control_plane);
        if let Some(map) = value.as_object_mut() {
            map.remove("clusters");
        }
    }
    if let Some(election) = leader_election {
        value["leaderElection"] = election_value(election);
    }
    value
}

/// Without the lists that are empty, but for the one that has a default.
fn listen_value(listen: &Listen) -> Value {
    let Listen { dns, dot, doh, doq, admin } = listen;
    let mut value = json!({"dns": dns, "admin": admin});
    for (key, addresses) in [("dot", dot), ("doh", doh), ("doq", doq)] {
        if !addresses.is_empty() {
            value[key] = json!(addresses);
        }
    }
    value
}

/// A secret that stands in the file itself is not shown.
fn tsig_key_value(key: &TsigKeyConfig) -> Value {
    let TsigKeyConfig { name, algorithm, secret } = key;
    let known = TsigAlgorithm::ALL.iter().find(|(_, known)| known == algorithm);
    let mut value = json!({"name": name, "algorithm": known.map(|(word, _)| word)});
    match secret {
        Secret::File(path) => value["secretFile"] = json!(path),
        Secret::Inline(_) => value["secret"] = json!("***"),
    }
    value
}

fn transfer_value(transfer: &ZoneTransfer) -> Value {
    let ZoneTransfer { allow, notify } = transfer;
    let allow = allow.iter().map(|allow| match allow {
        Allow::From(prefix) => prefix.to_string(),
        Allow::Key(name) => format!("key:{name}"),
    });
    let notify = notify.iter().map(|target| match &target.key {
        None => json!(target.address),
        Some(key) => json!({"address": target.address, "key": key}),
    });
    json!({"allow": allow.collect::<Vec<_>>(), "notify": notify.collect::<Vec<_>>()})
}

fn prefixes(prefixes: &[Prefix]) -> Vec<String> {
    prefixes.iter().map(Prefix::to_string).collect()
}

/// It was read as text.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn cookies_value(cookies: &Cookies) -> Value {
    match cookies {
        Cookies::Off => json!({"enabled": false}),
        Cookies::Own => json!({"enabled": true}),
        Cookies::Shared(file) => json!({"enabled": true, "secretFile": file}),
    }
}

fn rate_limit_value(limit: Option<&RateLimit>) -> Value {
    let Some(limit) = limit else { return json!({"enabled": false}) };
    let RateLimit { responses_per_second, slip, exempt, ipv4_prefix_length, ipv6_prefix_length } =
        limit;
    json!({
        "enabled": true,
        "responsesPerSecond": responses_per_second,
        "slip": slip,
        "exempt": prefixes(exempt),
        "ipv4PrefixLength": ipv4_prefix_length,
        "ipv6PrefixLength": ipv6_prefix_length,
    })
}

fn election_value(election: &LeaderElection) -> Value {
    let LeaderElection { access, namespace, name } = election;
    with_access(json!({"namespace": namespace, "name": name}), access)
}

fn control_plane_value(control_plane: &ControlPlane) -> Value {
    let ControlPlane { access, host, namespace } = control_plane;
    let value = json!({"namespace": namespace, "host": with_access(json!({}), host)});
    with_access(value, access)
}

fn with_access(mut value: Value, access: &KubeconfigAccess) -> Value {
    if let Some(path) = &access.path {
        value["kubeconfig"] = json!(path);
    }
    if let Some(context) = &access.context {
        value["context"] = json!(context);
    }
    value
}

fn zone_value(zone: &config::ZoneConfig) -> Value {
    let name_servers: Vec<Value> = zone
        .name_servers
        .iter()
        .map(|server| json!({"name": server.name, "addresses": server.addresses}))
        .collect();
    let mut value = json!({
        "name": zone.name,
        "ttl": format!("{}s", zone.ttl),
        "levels": zone.levels.iter().collect::<Vec<_>>(),
        "emptyLevels": zone.empty_levels,
        "nameServers": name_servers,
        "hostmaster": zone.hostmaster,
        "staticRecords": zone.static_records,
        "providers": zone.providers.iter().map(|it| provider_value(it, zone)).collect::<Vec<_>>(),
    });
    if zone.transfer != ZoneTransfer::default() {
        value["transfer"] = transfer_value(&zone.transfer);
    }
    value
}

fn provider_value(provider: &ProviderConfig, zone: &config::ZoneConfig) -> Value {
    let ProviderConfig { kind, hosted, owner, ttl, levels, types, .. } = provider;
    let ProviderConfig { policy, registry, name_servers, filters, .. } = provider;
    let mut value = json!({
        "kind": kind.word(),
        "owner": owner,
        "ttl": format!("{}s", ttl.unwrap_or(zone.ttl)),
        "levels": levels.unwrap_or(zone.levels).iter().collect::<Vec<_>>(),
        "types": types,
        "policy": match policy {
            Policy::Sync => "sync",
            Policy::UpsertOnly => "upsert-only",
            Policy::CreateOnly => "create-only",
        },
        "registry": match registry {
            Registry::ExternalDns => "external-dns",
            Registry::Compact => "compact",
            Registry::Zone => "zone",
        },
    });
    for (key, patterns) in [("namespaces", &filters.namespaces), ("services", &filters.services)] {
        if let Some(patterns) = patterns {
            value["filters"][key] = json!(patterns);
        }
    }
    if let Some(hosted) = hosted {
        value["zone"] = json!(hosted);
    }
    if let Some(name_servers) = name_servers {
        value["nameServers"] = name_servers.iter().map(ToString::to_string).collect();
    }
    let of_kind = match kind {
        ProviderKind::AliDns(config) => alidns_keys(config),
        ProviderKind::Rfc2136(config) => rfc2136_keys(config),
        ProviderKind::Webhook(WebhookConfig { endpoint }) => {
            // Without a password that may be in it.
            vec![("endpoint", Some(json!(endpoint.to_string())))]
        }
        #[cfg(feature = "clouddns")]
        ProviderKind::CloudDns(config) => clouddns_keys(config),
        #[cfg(feature = "route53")]
        ProviderKind::Route53(config) => route53_keys(config),
    };
    for (key, given) in of_kind {
        if let Some(given) = given {
            value[key] = given;
        }
    }
    value
}

/// Keys of one kind of provider, as far as they are given.
type KindKeys = Vec<(&'static str, Option<Value>)>;

fn alidns_keys(config: &AliDnsConfig) -> KindKeys {
    let AliDnsConfig { config_file, signature, endpoint } = config;
    let signature = match signature {
        SignatureVersion::V1 => "v1",
        SignatureVersion::V3 => "v3",
    };
    vec![
        ("signature", Some(json!(signature))),
        ("configFile", config_file.as_ref().map(|path| json!(path))),
        ("endpoint", endpoint.as_ref().map(|url| json!(url))),
    ]
}

fn rfc2136_keys(config: &Rfc2136Config) -> KindKeys {
    let Rfc2136Config { server, config_file } = config;
    vec![("configFile", Some(json!(config_file))), ("server", Some(json!(server.to_string())))]
}

#[cfg(feature = "clouddns")]
fn clouddns_keys(config: &config::CloudDnsConfig) -> KindKeys {
    let config::CloudDnsConfig { zone_id, options } = config;
    let providers::clouddns::Options { config_file, project, endpoint } = options;
    vec![
        ("configFile", config_file.as_ref().map(|path| json!(path))),
        ("project", project.as_ref().map(|project| json!(project))),
        ("zoneId", zone_id.as_ref().map(|id| json!(id.as_str()))),
        ("endpoint", endpoint.as_ref().map(|url| json!(url))),
    ]
}

#[cfg(feature = "route53")]
fn route53_keys(config: &config::Route53Config) -> KindKeys {
    let config::Route53Config { zone_id, options, credentials_file: _ } = config;
    let providers::route53::Options { endpoint, region } = options;
    vec![
        ("zoneId", zone_id.as_ref().map(|id| json!(id.as_str()))),
        ("region", region.as_ref().map(|region| json!(region))),
        ("endpoint", endpoint.as_ref().map(|url| json!(url))),
    ]
}

fn cluster_value(cluster: &clusters::Cluster) -> Value {
    let mut value = json!({"name": cluster.name});
    match &cluster.source {
        clusters::Source::Manifests(folder) => value["manifests"] = json!(folder),
        clusters::Source::ApiServer(clusters::Access::Kubeconfig(access)) => {
            value = with_access(value, access);
        }
        // No config names one: they stand in the federation.
        clusters::Source::ApiServer(
            clusters::Access::Member(_) | clusters::Access::Unusable(_),
        ) => {}
    }
    if let Some(place) = &cluster.topology {
        value["region"] = json!(place.region);
        if !place.availability_zones.is_empty() {
            value["availabilityZones"] = json!(place.availability_zones);
        }
    }
    value
}

fn seconds(duration: std::time::Duration) -> String {
    match duration.subsec_millis() {
        0 => format!("{}s", duration.as_secs()),
        _ => format!("{}ms", duration.as_millis()),
    }
}
