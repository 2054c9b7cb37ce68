//! Taking over a changed config while serving.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::Running;
use crate::admin::orders::Outcome;
use crate::config::{self, Config, ConfigError};
use crate::pipeline::{Ended, Reload, ReloadHeld};

/// How long a folder must be quiet before the file in it is read: editors and kubelet replace
/// files in several steps.
const QUIET: Duration = Duration::from_millis(300);
/// How long that is waited for.
const QUIET_WAIT_MAX: Duration = Duration::from_secs(3);
const CLOSE_WRITE: AccessKind = AccessKind::Close(AccessMode::Write);

impl Running {
    /// Reads the file again. A bad file, or one that would make too much vanish, changes nothing.
    pub(super) async fn reload(&mut self, file: &Path) {
        // Whatever came of it is logged.
        let _ = self.reload_as_approved(file, None).await;
    }

    /// Carries out the held reload that has this hash.
    pub(super) async fn approve(&mut self, file: &Path, hash: &str) -> Outcome {
        let Some(held) = self.pages.held_reload() else {
            return Err("nothing is held".into());
        };
        if held.hash != hash {
            return Err(format!("{hash} is not what is held: {held}"));
        }
        self.reload_as_approved(file, Some(hash.to_owned())).await
    }

    async fn reload_as_approved(&mut self, file: &Path, approved: Option<String>) -> Outcome {
        let (config, settings) = match read(file) {
            Ok(read) => read,
            Err(error) => return Err(self.refused(&error)),
        };
        if config == self.config && settings_unchanged(&config) {
            self.ended(None);
            return Ok("the config is what it was".into());
        }
        let reload = Reload { zones: settings, clusters: config.clusters.clone(), approved };
        match self.pipeline.reload(reload).await {
            Err(Ended) => {
                error!("the pipeline has ended; the config was not reloaded");
                Err("fedns is stopping".into())
            }
            Ok(Err(held)) => Err(self.hold(file, held)),
            Ok(Ok(())) => {
                for key in fixed_keys(&self.config, &config) {
                    warn!(key, "this key takes effect at the next start");
                }
                self.watchers.apply(&config).await;
                self.config = config;
                self.ended(None);
                info!(file = %file.display(), "the config is reloaded");
                Ok("the config is reloaded".into())
            }
        }
    }

    fn refused(&self, error: &ConfigError) -> String {
        for line in &error.lines {
            error!("config not reloaded, the old one runs on: {line}");
        }
        self.pages.metrics.reload_failed();
        error.lines.join("\n")
    }

    fn hold(&self, file: &Path, held: ReloadHeld) -> String {
        error!(file = %file.display(), "the reload is held, the old config runs on: {held}");
        self.pages.metrics.reload_failed();
        let line = format!("the reload is held: {held}");
        self.ended(Some(held));
        line
    }

    fn ended(&self, held: Option<ReloadHeld>) {
        self.pages.metrics.set_held_names(held.as_ref().map_or(0, |held| held.vanishing));
        self.pages.set_held_reload(held);
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
    /// When the first event came that has not led to a look at the file yet.
    noticed: Option<Instant>,
    /// Stops watching when dropped; `None` where the system would not watch.
    _watcher: Option<notify::RecommendedWatcher>,
}

impl ConfigWatch {
    /// The folder is watched, since editors and kubelet put a new file in the old one's place.
    pub fn start(file: &Path) -> Self {
        let (sender, events) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading is no change, and our own would never end.
            let is_reading = |event: &notify::Event| matches!(event.kind, EventKind::Access(access) if access != CLOSE_WRITE);
            if !event.as_ref().is_ok_and(is_reading) {
                // One waiting note stands for all that came since.
                let _ = sender.try_send(());
            }
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
        Self { file: file.to_owned(), seen, events, noticed: None, _watcher: watching.ok() }
    }

    /// Waits for other contents. What was noticed before a call was cancelled counts in the next.
    pub async fn changed(&mut self) {
        loop {
            self.settled().await;
            // A file that is being replaced is not there for a moment.
            let Ok(now) = std::fs::read(&self.file) else { continue };
            if self.seen.as_ref() != Some(&now) {
                self.seen = Some(now);
                return;
            }
        }
    }

    /// Waits for an event, and then for a pause in the events. Other files of the folder may never
    /// pause, so there is an end to that.
    async fn settled(&mut self) {
        if self.noticed.is_none() && self.events.recv().await.is_none() {
            // Nothing is watched.
            std::future::pending::<()>().await;
        }
        let noticed = *self.noticed.get_or_insert_with(Instant::now);
        let end = noticed + QUIET_WAIT_MAX;
        loop {
            let pause = end.min(Instant::now() + QUIET);
            let event = tokio::time::timeout_at(pause, self.events.recv()).await;
            if event != Ok(Some(())) || Instant::now() >= end {
                break;
            }
        }
        self.noticed = None;
    }
}
