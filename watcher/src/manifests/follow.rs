//! Follows a folder with inotify.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clusters::health::PROBE_INTERVAL;
use model::StaleReason;
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::event::Wish;
use super::folder::{Delta, Folder, identity};
use crate::engine::{Input, Told};
use crate::reading::{Reader, Reading};

/// After so long without an event, what is missing is gone.
const QUIET: Duration = Duration::from_secs(1);
/// Events that wait to be looked at; if there are more, everything is looked at.
const EVENTS_MAX: usize = 1_024;

/// Nobody listens any more.
struct Unheard;

type NotifyEvent = notify::Result<Event>;

struct Follower {
    root: PathBuf,
    folder: Arc<Mutex<Folder>>,
    reader: Arc<Reader>,
    inputs: mpsc::Sender<Told>,
    events: mpsc::Receiver<NotifyEvent>,
    event_sender: mpsc::Sender<NotifyEvent>,
    /// Set where events came faster than they could be looked at.
    are_events_lost: Arc<AtomicBool>,
    watcher: Option<RecommendedWatcher>,
    /// Device and inode of the folder that is watched; none while it is not there.
    watched: Option<(u64, u64)>,
    /// Files that somebody has written to and not closed.
    being_written: BTreeSet<PathBuf>,
    /// When the whole folder is to be looked at.
    rescan_at: Option<Instant>,
    is_complete: bool,
}

pub(super) async fn run(root: PathBuf, reader: Arc<Reader>, inputs: mpsc::Sender<Told>) {
    let (event_sender, events) = mpsc::channel(EVENTS_MAX);
    let follower = Follower {
        folder: Arc::new(Mutex::new(Folder::new(root.clone()))),
        root,
        reader,
        inputs,
        events,
        event_sender,
        are_events_lost: Arc::default(),
        watcher: None,
        watched: None,
        being_written: BTreeSet::new(),
        rescan_at: None,
        is_complete: false,
    };
    // Ends when nobody listens any more, which is no failure.
    let Err(Unheard) = follower.follow().await;
}

// === impl Follower ===

impl Follower {
    async fn follow(mut self) -> Result<std::convert::Infallible, Unheard> {
        let mut tick = tokio::time::interval(PROBE_INTERVAL);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let rescan_at = self.rescan_at;
            tokio::select! {
                _ = tick.tick() => self.check_root().await?,
                Some(event) = self.events.recv() => self.take_events(event).await?,
                () = crate::clock::sleep_until(rescan_at.map(Instant::into_std)) => {
                    self.rescan().await?;
                }
            }
        }
    }

    /// Is the folder there, and is it the one that is watched?
    async fn check_root(&mut self) -> Result<(), Unheard> {
        let found = identity(&self.root).ok();
        if found.is_none() || found != self.watched || self.watcher.is_none() {
            self.watch(found);
            self.rescan().await?;
        }
        if self.watched.is_some() && self.is_complete {
            self.tell(Input::Probed(Ok(()))).await?;
        }
        Ok(())
    }

    /// Watches the folder, or where it will come to be.
    fn watch(&mut self, found: Option<(u64, u64)>) {
        self.being_written.clear();
        self.watched = found;
        self.watcher = self.new_watcher().map_err(|error| {
            tracing::warn!(folder = %self.root.display(), %error, "the folder cannot be watched; it is looked at every 10 s");
        }).ok();
    }

    fn new_watcher(&self) -> notify::Result<RecommendedWatcher> {
        let events = self.event_sender.clone();
        let are_events_lost = self.are_events_lost.clone();
        // Must not wait: whoever adds a watch waits for the thread that this runs on.
        let mut watcher = notify::recommended_watcher(move |event| {
            if events.try_send(event).is_err() {
                are_events_lost.store(true, Ordering::Relaxed);
            }
        })?;
        let is_link = self.root.is_symlink();
        if self.watched.is_some() {
            watcher.watch(&self.root, RecursiveMode::Recursive)?;
        }
        if let Some(parent) =
            nearest_folder_above(&self.root).filter(|_| is_link || self.watched.is_none())
        {
            watcher.watch(parent, RecursiveMode::NonRecursive)?;
        }
        Ok(watcher)
    }

    async fn take_events(&mut self, first: NotifyEvent) -> Result<(), Unheard> {
        let mut wish = Wish::default();
        self.note(first, &mut wish);
        while let Ok(event) = self.events.try_recv() {
            self.note(event, &mut wish);
        }
        wish.start_over |= self.are_events_lost.swap(false, Ordering::Relaxed);
        let Wish { files, look_around, start_over, is_event } = wish;
        if start_over {
            return self.start_over().await;
        }
        if is_event {
            self.rescan_at = Some(Instant::now() + QUIET);
        }
        if !self.is_complete {
            return Ok(());
        }
        if look_around {
            match self.look().await {
                Ok(delta) => self.tell_delta(delta).await?,
                // It has gone in this moment.
                Err(_) => return self.rescan().await,
            }
        }
        if !files.is_empty() {
            let delta = self.on_folder(move |folder| folder.read(&files)).await;
            self.tell_delta(delta).await?;
        }
        Ok(())
    }

    /// What stands in the folder's place counts at once; what it lacks is not judged before it is
    /// quiet.
    async fn start_over(&mut self) -> Result<(), Unheard> {
        let found = identity(&self.root).ok();
        self.watch(found);
        if found.is_none() || !self.is_complete {
            return self.rescan().await;
        }
        match self.look().await {
            Ok(delta) => {
                self.rescan_at = Some(Instant::now() + QUIET);
                self.tell_delta(delta).await
            }
            Err(_) => self.rescan().await,
        }
    }

    /// Looks at the whole folder: what is missing now is gone.
    async fn rescan(&mut self) -> Result<(), Unheard> {
        self.rescan_at = None;
        let being_written = self.being_written.clone();
        match self.on_folder(move |folder| folder.rescan(&being_written)).await {
            Ok(delta) => self.tell_rescanned(delta).await,
            Err(error) => {
                let detail = format!("{}: {error}", self.root.display());
                self.tell(Input::Usable(Err(StaleReason::FolderMissing(detail)))).await
            }
        }
    }

    async fn tell_rescanned(&mut self, delta: Delta) -> Result<(), Unheard> {
        let is_partial = self.on_folder(|folder| folder.is_partial()).await;
        if self.is_complete {
            self.tell_delta(delta).await?;
            self.tell(Input::FolderSettled { is_partial }).await?;
            return self.tell(Input::Usable(Ok(()))).await;
        }
        self.is_complete = true;
        self.tell_problems().await?;
        let reader = self.reader.clone();
        let readings = self.on_folder(move |folder| read_all(folder, &reader)).await;
        self.tell(Input::Folder { readings, is_partial }).await?;
        self.tell(Input::Usable(Ok(()))).await?;
        self.tell(Input::Probed(Ok(()))).await
    }

    /// What is wrong goes first: whoever sees a change can see what came with it.
    async fn tell_delta(&mut self, delta: Delta) -> Result<(), Unheard> {
        self.tell_problems().await?;
        let received = std::time::Instant::now();
        for object in delta.applied {
            let reading = self.reader.read(&object);
            self.tell(Input::Apply { reading, received }).await?;
        }
        for key in delta.deleted {
            self.tell(Input::Delete { key, received }).await?;
        }
        Ok(())
    }

    async fn tell_problems(&self) -> Result<(), Unheard> {
        let problems = self.on_folder(|folder| folder.problems()).await;
        let lines = problems.iter().map(ToString::to_string);
        self.tell(Input::Problems(lines.collect())).await
    }

    async fn look(&self) -> io::Result<Delta> {
        let being_written = self.being_written.clone();
        self.on_folder(move |folder| folder.look(&being_written)).await
    }

    /// Files are read where waiting for a disk holds nobody up.
    async fn on_folder<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Folder) -> R + Send + 'static,
    ) -> R {
        let folder = self.folder.clone();
        let working = tokio::task::spawn_blocking(move || {
            work(&mut folder.lock().unwrap_or_else(PoisonError::into_inner))
        });
        match working.await {
            Ok(result) => result,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    async fn tell(&self, input: Input) -> Result<(), Unheard> {
        self.inputs.send(Told { lineage: 0, input }).await.map_err(|_| Unheard)
    }

    fn note(&mut self, event: NotifyEvent, wish: &mut Wish) {
        match event {
            Ok(event) if event.need_rescan() => wish.start_over = true,
            Ok(event) => {
                for path in event.paths {
                    wish.note(&self.root, event.kind, path, &mut self.being_written);
                }
            }
            Err(error) => {
                let folder = self.root.display();
                tracing::warn!(%folder, %error, "events of the folder are lost");
                wish.start_over = true;
            }
        }
    }
}

fn read_all(folder: &Folder, reader: &Reader) -> Vec<Reading> {
    folder.objects().iter().map(|object| reader.read(object)).collect()
}

fn nearest_folder_above(path: &Path) -> Option<&Path> {
    path.ancestors().skip(1).find(|above| above.is_dir())
}
