//! Notices that a file has other contents, or is gone: the config, and the files with keys that it
//! names.

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
/// How long a file may be away while it is being replaced; longer is told.
const AWAY_MAX: Duration = Duration::from_secs(3);
const CLOSE_WRITE: AccessKind = AccessKind::Close(AccessMode::Write);

/// Tells when a file has other contents.
pub struct FileWatch {
    file: PathBuf,
    /// `None` where the file could not be read: whatever is in it next is other contents, since
    /// somebody may have looked for it in vain meanwhile.
    seen: Option<Vec<u8>>,
    /// When to tell that the file is gone, if it does not come back before.
    gone_at: Option<Instant>,
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
        let watcher = watching.ok();
        Self {
            file: file.to_owned(),
            seen,
            gone_at: None,
            events,
            noticed: None,
            _watcher: watcher,
        }
    }

    /// Waits for other contents, or for the file to be gone for good. What was noticed before a call
    /// was cancelled counts in the next.
    pub async fn changed(&mut self) {
        loop {
            let gone_at = self.gone_at;
            let gone = async {
                match gone_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.settled() => if self.is_other() { return },
                () = gone => {
                    self.gone_at = None;
                    return;
                }
            }
        }
    }

    /// Looks at the file.
    fn is_other(&mut self) -> bool {
        match std::fs::read(&self.file).ok() {
            // A file that is being replaced is not there for a moment.
            None => {
                if self.seen.take().is_some() {
                    self.gone_at = Some(Instant::now() + AWAY_MAX);
                }
                false
            }
            now if now == self.seen => false,
            now => {
                (self.seen, self.gone_at) = (now, None);
                true
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

    /// A temporary folder that goes with the test.
    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn watched(test: &str) -> (Folder, PathBuf, FileWatch) {
        let name = format!("fedns-file-watch-{test}-{}", std::process::id());
        let folder = Folder(std::env::temp_dir().join(name));
        std::fs::create_dir_all(&folder.0).unwrap();
        let file = folder.0.join("key");
        std::fs::write(&file, "a").unwrap();
        let watch = FileWatch::start(&file);
        (folder, file, watch)
    }

    #[tokio::test]
    async fn a_file_that_is_gone_is_told_once_and_so_is_its_return() {
        let (folder, file, mut watch) = watched("gone");
        let away = folder.0.join("away");
        std::fs::rename(&file, &away).unwrap();
        watch.changed().await;
        assert!(!file.exists());
        assert_eq!((&watch.seen, watch.gone_at), (&None, None));
        std::fs::rename(&away, &file).unwrap();
        watch.changed().await;
        assert_eq!(watch.seen.as_deref(), Some(&b"a"[..]));
    }

    #[tokio::test]
    async fn a_file_that_is_away_for_a_moment_is_told_when_it_is_back() {
        let (_folder, file, mut watch) = watched("away");
        std::fs::remove_file(&file).unwrap();
        assert!(!watch.is_other());
        assert!(watch.gone_at.is_some());
        std::fs::write(&file, "a").unwrap();
        // With the same contents, too: what was read in between failed.
        assert!(watch.is_other());
        assert_eq!(watch.gone_at, None);
        assert!(!watch.is_other());
    }

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
