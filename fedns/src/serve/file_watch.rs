//! Notices that a file has other contents: the config, and the keys of providers that it names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::warn;

/// How long a folder must be quiet before the file in it is read: editors and kubelet replace
/// files in several steps.
const QUIET: Duration = Duration::from_millis(300);
/// How long that is waited for.
const QUIET_WAIT_MAX: Duration = Duration::from_secs(3);
const CLOSE_WRITE: AccessKind = AccessKind::Close(AccessMode::Write);

/// Tells when a file has other contents.
pub struct FileWatch {
    file: PathBuf,
    seen: Option<Vec<u8>>,
    events: mpsc::Receiver<()>,
    /// When the first event came that has not led to a look at the file yet.
    noticed: Option<Instant>,
    /// Stops watching when dropped; `None` where the system would not watch.
    _watcher: Option<notify::RecommendedWatcher>,
}

impl FileWatch {
    /// The folder is watched, since editors and kubelet put a new file in the old one's place.
    pub fn start(file: &Path) -> Self {
        let (sender, events) = mpsc::channel(1);
        let watched = file.to_owned();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let is_link = || std::fs::symlink_metadata(&watched).is_ok_and(|it| it.is_symlink());
            if event.map_or(true, |event| may_matter(&event, &watched, is_link)) {
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
            let file = file.display();
            warn!(%error, "{file} is not watched; send SIGHUP after a change");
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

/// Whether a file may have other contents after what happened in its folder. `is_link`: it leads to
/// another file.
fn may_matter(event: &Event, file: &Path, is_link: impl Fn() -> bool) -> bool {
    match event.kind {
        // A log may be written beside the file all the time.
        EventKind::Access(CLOSE_WRITE)
        | EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Metadata(_)) => {
            let is_ours = |path: &PathBuf| path.file_name() == file.file_name();
            event.paths.iter().any(is_ours) || is_link()
        }
        // Reading is no change, and our own would never end.
        EventKind::Access(_) => false,
        _ => true,
    }
}

/// Tells when one of several files has other contents.
#[derive(Default)]
pub struct FileWatches(Vec<FileWatch>);

impl FileWatches {
    /// Watches these from now on.
    pub fn follow(&mut self, files: &BTreeSet<&Path>) {
        self.0.retain(|watch| files.contains(watch.file.as_path()));
        let known: Vec<PathBuf> = self.0.iter().map(|watch| watch.file.clone()).collect();
        let new = files.iter().filter(|file| !known.iter().any(|known| known == *file));
        self.0.extend(new.map(|file| FileWatch::start(file)));
    }

    /// Waits for other contents of any of them. What was noticed before a call was cancelled counts in
    /// the next.
    pub async fn changed(&mut self) -> PathBuf {
        if self.0.is_empty() {
            std::future::pending::<()>().await;
        }
        let changes = self.0.iter_mut().map(|watch| {
            Box::pin(async {
                watch.changed().await;
                watch.file.clone()
            })
        });
        futures::future::select_all(changes).await.0
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, RenameMode};

    use super::*;

    #[test]
    fn what_is_written_into_another_file_matters_only_through_a_link() {
        let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let closed = EventKind::Access(CLOSE_WRITE);
        let read = EventKind::Access(AccessKind::Close(AccessMode::Read));
        let renamed = EventKind::Modify(ModifyKind::Name(RenameMode::To));
        let created = EventKind::Create(CreateKind::Any);
        let cases = [
            (written, "fedns.yaml", false, true),
            (written, "fedns.log", false, false),
            (written, "fedns.log", true, true),
            (closed, "fedns.yaml", false, true),
            (closed, "fedns.log", false, false),
            (closed, "fedns.log", true, true),
            (read, "fedns.yaml", true, false),
            // kubelet renames `..data`, to which the file leads.
            (renamed, "..data", true, true),
            (created, "other", false, true),
        ];
        for (kind, at, is_link, expect) in cases {
            let event = Event::new(kind).add_path(Path::new("/etc/fedns").join(at));
            let matters = may_matter(&event, Path::new("fedns.yaml"), || is_link);
            assert_eq!(matters, expect, "{kind:?} {at} {is_link}");
        }
    }
}
