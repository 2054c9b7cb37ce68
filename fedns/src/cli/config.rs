use ::clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{CommandResult, ConfigFile, print};
use crate::config::{self, Config};
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
        listen,
        state_dir,
        services,
        clusters,
        resolver,
        workers,
        lame_duck,
        startup_timeout,
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
    json!({
        "apiVersion": "fedns.io/v1",
        "kind": "Config",
        "federation": federation,
        "zones": zones,
        "listen": {"dns": listen.dns, "admin": listen.admin},
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
        "lameDuck": seconds(*lame_duck),
        "startupTimeout": seconds(*startup_timeout),
    })
}

fn zone_value(zone: &config::ZoneConfig) -> Value {
    let name_servers: Vec<Value> = zone
        .name_servers
        .iter()
        .map(|server| json!({"name": server.name, "addresses": server.addresses}))
        .collect();
    json!({
        "name": zone.name,
        "ttl": format!("{}s", zone.ttl),
        "levels": zone.levels.iter().collect::<Vec<_>>(),
        "emptyLevels": zone.empty_levels,
        "nameServers": name_servers,
        "hostmaster": zone.hostmaster,
        "staticRecords": zone.static_records,
    })
}

fn cluster_value(cluster: &clusters::Cluster) -> Value {
    let mut value = json!({"name": cluster.name});
    match &cluster.source {
        clusters::Source::Manifests(folder) => value["manifests"] = json!(folder),
        clusters::Source::Kubeconfig(access) => {
            if let Some(path) = &access.path {
                value["kubeconfig"] = json!(path);
            }
            if let Some(context) = &access.context {
                value["context"] = json!(context);
            }
        }
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
