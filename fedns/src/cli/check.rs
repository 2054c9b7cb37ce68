use std::path::Path;

use ::clap::Args;
use clusters::{Access, AccessError, Cluster, Connection, Source};
use model::ClusterName;

use super::{CommandResult, ConfigFile, Failure, print};
use crate::config::places::STATE_FOLDER;
use crate::config::{self, Config, Places, Subject};
use crate::mirror::connect::check_file;
use crate::pipeline::unix_now;
use crate::serve::ports::check_cpus;
use crate::serve::user::check_user;
use crate::state::access::{self, Unusable};

/// Check a config and all that it names, without serving
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fedns check
  fedns check -c examples/quickstart/fedns.yaml

Reads the config, the static records, the manifest folders and the kubeconfig contexts, looks
whether the state folder, the user and the CPUs can be used and files with keys read, and prints
everything that is wrong with them, one line each; of a manifest file the first fault. Nothing is
made or changed, and a server may run on the same config.")]
pub struct Check {
    #[command(flatten)]
    file: ConfigFile,
}

impl Check {
    pub fn run(self) -> CommandResult {
        let file = config::locate(self.file.config.as_deref())?;
        let config = config::load(&file)?;
        let mut errors = Vec::new();
        let (settings, mut warnings) = config::zone_settings(&config);
        if let Err(error) = settings {
            errors.extend(error.lines);
        }
        if let Err(error) = config::transfer_policy(&config) {
            errors.extend(error.lines);
        }
        if let Err(error) = config::cookie_secrets(&config) {
            errors.extend(error.lines);
        }
        if let Err(error) = config::certificate(&config, unix_now()) {
            errors.extend(error.lines);
        }
        if let Err(error) = config::admin_token(&config) {
            errors.extend(error.lines);
        }
        if let Err(error) = check_user(&config) {
            errors.extend(error.lines);
        }
        if let Err(error) = check_cpus(&config) {
            errors.extend(error.lines);
        }
        for Unusable { path, source } in access::check(&config.state_dir) {
            errors.push(config.places.unusable(&Subject::StateDir, &path, STATE_FOLDER, &source));
        }
        for provider in config.zones.iter().flat_map(|zone| &zone.providers) {
            if let Err((path, line)) = check_file(&provider.kind) {
                let subject = Subject::ProviderFile(path.to_owned());
                errors.push(config.places.line(&subject, line));
            }
        }
        check_clusters(&config, &mut errors, &mut warnings)?;
        for warning in &warnings {
            eprintln!("fedns: warning: {warning}");
        }
        if !errors.is_empty() {
            return Err(Failure { lines: errors });
        }
        print(summary(&config))
    }
}

fn check_clusters(
    config: &Config,
    errors: &mut Vec<String>,
    warnings: &mut Vec<String>,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::one(format!("cannot start: {error}")))?;
    for Cluster { name, source, .. } in &config.clusters {
        match source {
            Source::Manifests(folder) => {
                check_manifests(&config.places, name, folder, errors, warnings);
            }
            Source::ApiServer(access) => {
                if let Err(error) = runtime.block_on(Connection::new(access)) {
                    errors.push(access_error(&config.places, name, access, &error));
                }
            }
        }
    }
    Ok(())
}

fn check_manifests(
    places: &Places,
    name: &ClusterName,
    folder: &Path,
    errors: &mut Vec<String>,
    warnings: &mut Vec<String>,
) {
    let subject = Subject::Manifests(name.clone());
    match watcher::manifests::read_folder(folder) {
        Ok(contents) => {
            let place = places.at(&subject);
            let line = |problem| format!("{place}: cluster {name}: {problem}");
            errors.extend(contents.problems.iter().map(line));
            warnings.extend(contents.warnings.iter().map(line));
        }
        Err(error) => {
            errors.push(places.unusable(&subject, folder, "a folder of manifests", &error));
        }
    }
}

/// Told where the key stands that it is about.
fn access_error(
    places: &Places,
    name: &ClusterName,
    access: &Access,
    error: &AccessError,
) -> String {
    let kubeconfig = Subject::Kubeconfig(name.clone());
    let path = match access {
        Access::Kubeconfig(access) => access.path.as_ref(),
        Access::Member(_) | Access::Unusable(_) => None,
    };
    let subject = match (error, path) {
        (AccessError::Read { source, .. }, Some(path)) => {
            return places.unusable(&kubeconfig, path, "a kubeconfig", source);
        }
        (AccessError::NoContext { .. }, _) => Subject::Context(name.clone()),
        _ => kubeconfig,
    };
    format!("{}: cluster {name}: {}", places.at(&subject), error.line())
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
