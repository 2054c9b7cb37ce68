//! Taking over a changed config while serving.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tracing::{error, info, warn};

use super::Running;
use crate::config::{self, Config, ConfigError};
use crate::pipeline::{Ended, Reload, ReloadHeld};

/// How long a folder must be quiet before the file in it is read: editors and kubelet replace
/// files in several steps.
const QUIET: Duration = Duration::from_millis(300);

impl Running {
    /// Reads the file again. A bad file, or one that would make too much vanish, changes nothing.
    pub(super) async fn reload(&mut self, file: &Path) {
        let (config, settings) = match read(file) {
            Ok(read) => read,
            Err(error) => return self.refused(&error),
        };
        if config == self.config && settings_unchanged(&config) {
            return;
        }
        for key in fixed_keys(&self.config, &config) {
            warn!(key, "this key takes effect at the next start");
        }
        let reload = Reload { zones: settings, clusters: config.clusters.clone() };
        match self.pipeline.reload(reload).await {
            Err(Ended) => error!("the pipeline has ended; the config was not reloaded"),
            Ok(Err(held)) => self.held(file, &held),
            Ok(Ok(())) => {
                self.watchers.apply(&config).await;
                self.config = config;
                self.pages.metrics.reload_ended(false, 0);
                info!(file = %file.display(), "the config is reloaded");
            }
        }
    }

    fn refused(&self, error: &ConfigError) {
        for line in &error.lines {
            error!("config not reloaded, the old one runs on: {line}");
        }
        self.pages.metrics.reload_ended(true, 0);
    }

    fn held(&self, file: &Path, held: &ReloadHeld) {
        let ReloadHeld { vanishing, served } = held;
        error!(
            file = %file.display(), vanishing, served,
            "the reload is held, the old config runs on: too many names would vanish; restart fedns \
             if that is meant"
        );
        self.pages.metrics.reload_ended(true, *vanishing);
    }
}

fn read(file: &Path) -> Result<(Config, Vec<planner::ZoneSettings>), ConfigError> {
    let config = config::load(file)?;
    let settings = config::zone_settings(&config)?;
    Ok((config, settings))
}

/// Static files may have changed behind an equal config.
fn settings_unchanged(config: &Config) -> bool {
    config.zones.iter().all(|zone| zone.static_records.is_empty())
}

/// Keys that differ and are only read at the start.
fn fixed_keys(old: &Config, new: &Config) -> Vec<&'static str> {
    let differs = [
        ("listen", old.listen != new.listen),
        ("stateDir", old.state_dir != new.state_dir),
        ("workers", old.workers != new.workers),
        ("resolver", old.resolver != new.resolver),
        ("startupTimeout", old.startup_timeout != new.startup_timeout),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
}

// === ConfigWatch ===

/// Tells when the config file has other contents.
pub struct ConfigWatch {
    file: PathBuf,
    seen: Option<Vec<u8>>,
    events: mpsc::Receiver<()>,
    /// Stops watching when dropped; `None` where the system would not watch.
    _watcher: Option<notify::RecommendedWatcher>,
}

impl ConfigWatch {
    /// The folder is watched, since editors and kubelet put a new file in the old one's place.
    pub fn start(file: &Path) -> Self {
        let (sender, events) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |_event| {
            // One waiting note stands for all that came since.
            let _ = sender.try_send(());
        });
        let folder = match file.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let watching = watcher.and_then(|mut watcher| {
            watcher.watch(folder, RecursiveMode::NonRecursive).map(|()| watcher)
        });
        if let Err(error) = &watching {
            warn!(%error, "the config file is not watched; send SIGHUP to reload it");
        }
        let seen = std::fs::read(file).ok();
        Self { file: file.to_owned(), seen, events, _watcher: watching.ok() }
    }

    /// Waits for other contents. Cancelling loses nothing that a later call would not see.
    pub async fn changed(&mut self) {
        loop {
            if self.events.recv().await.is_none() {
                // Nothing is watched.
                std::future::pending::<()>().await;
            }
            while tokio::time::timeout(QUIET, self.events.recv()).await == Ok(Some(())) {}
            // A file that is being replaced is not there for a moment.
            let Ok(now) = std::fs::read(&self.file) else { continue };
            if self.seen.as_ref() != Some(&now) {
                self.seen = Some(now);
                return;
            }
        }
    }
}
