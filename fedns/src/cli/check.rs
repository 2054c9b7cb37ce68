use ::clap::Args;
use clusters::{Connection, Source};

use super::{CommandResult, ConfigFile, Failure, print};
use crate::config::{self, Config};

/// Check a config and all that it names, without serving
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns check
  fedns check -c examples/quickstart/fedns.yaml

Reads the config, the static records, the manifest folders and the kubeconfig contexts, and prints
everything that is wrong with them, one line each.")]
pub struct Check {
    #[command(flatten)]
    file: ConfigFile,
}

impl Check {
    pub fn run(self) -> CommandResult {
        let file = config::locate(self.file.config.as_deref())?;
        let config = config::load(&file)?;
        let mut errors = Vec::new();
        let (settings, warnings) = config::zone_settings(&config);
        if let Err(error) = settings {
            errors.extend(error.lines);
        }
        check_clusters(&config, &mut errors)?;
        for warning in &warnings {
            eprintln!("fedns: warning: {warning}");
        }
        if !errors.is_empty() {
            return Err(Failure { lines: errors });
        }
        print(summary(&config))
    }
}

fn check_clusters(config: &Config, errors: &mut Vec<String>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::one(format!("cannot start: {error}")))?;
    let file = config.file.display();
    for cluster in &config.clusters {
        let name = &cluster.name;
        let mut tell = |text: String| errors.push(format!("{file}: cluster {name}: {text}"));
        match &cluster.source {
            Source::Manifests(folder) => match watcher::manifests::read_folder(folder) {
                Ok(contents) => contents.problems.iter().for_each(|p| tell(p.to_string())),
                Err(error) => {
                    let folder = folder.display();
                    tell(format!("{folder}: {error}; make the folder, or correct manifests"));
                }
            },
            Source::Kubeconfig(access) => {
                if let Err(error) = runtime.block_on(Connection::new(access)) {
                    tell(error.line());
                }
            }
        }
    }
    Ok(())
}

fn summary(config: &Config) -> String {
    let zones: Vec<String> = config.zones.iter().map(|zone| zone.name.to_string()).collect();
    let clusters: Vec<&str> = config.clusters.iter().map(|c| c.name.as_str()).collect();
    let clusters = match clusters.as_slice() {
        [] => "no cluster".to_owned(),
        names => format!("clusters {}", names.join(", ")),
    };
    format!("{}: fine: zones {}; {clusters}\n", config.file.display(), zones.join(", "))
}
