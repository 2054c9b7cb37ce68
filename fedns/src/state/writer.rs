//! Writes state behind the answers: in groups, on a thread of its own.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use model::{ClusterName, Name, UnixTime};
use tracing::error;
use watcher::Saved;

use super::cluster_file::{self, Line};
use super::folder::{StateFolder, write_whole};
use super::history_file::ZoneHistory;
use super::lines;
use super::zone_file::SavedZone;

/// How long the first change of a group may wait for others.
const GROUP: Duration = Duration::from_millis(500);
/// How long after a failed write it is tried again.
const RETRY: Duration = Duration::from_secs(2);
/// A file is written anew once it holds this many changes, and more than twice its shards.
const CHANGES_BEFORE_SNAPSHOT: usize = 2_000;

/// A change of one cluster's saved state.
#[derive(Debug)]
pub enum ClusterNote {
    /// Replaces the file.
    Snapshot(Box<Saved>),
    /// Follows what the file holds.
    Line(Line),
    /// The cluster left the federation.
    Forget,
}

enum Note {
    Cluster(ClusterName, ClusterNote),
    Zone(SavedZone),
    History(Name, Option<ZoneHistory>),
    Open(OpenZone),
    /// Write what waits, and say how that went; with another handle of the folder's lock.
    Flush(Sender<io::Result<File>>),
    /// From now on the folder is this process's alone.
    Own,
    Stop,
}

/// A question that only the writing thread answers: what it has not written yet is written before.
struct OpenZone {
    zone: Name,
    now: UnixTime,
    opened: Sender<Option<SavedZone>>,
}

/// What ended a group.
enum End {
    Time,
    Open(OpenZone),
    Flush(Sender<io::Result<File>>),
    Own,
    Stop,
}

/// Whose a state folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// This process's alone.
    Ours,
    /// Another process may still need it as it is: nothing that waits is written yet.
    Shared,
}

/// The way to the writing thread. Dropping it writes what is left and ends the thread.
#[derive(Debug)]
pub struct StateWriter {
    notes: Sender<Note>,
    thread: Option<JoinHandle<()>>,
}

// === impl StateWriter ===

impl StateWriter {
    pub fn start(folder: StateFolder, ownership: Ownership) -> io::Result<Self> {
        let (notes, receiver) = mpsc::channel();
        let changes = HashMap::new();
        let writing = Writing { folder, ownership, changes, failing: false };
        let thread = std::thread::Builder::new()
            .name("fedns-state".into())
            .spawn(move || writing.run(&receiver))?;
        Ok(Self { notes, thread: Some(thread) })
    }

    pub fn cluster(&self, cluster: &ClusterName, note: ClusterNote) {
        self.send(Note::Cluster(cluster.clone(), note));
    }

    /// What the zone's changes were, as a clean stop leaves it.
    pub fn history(&self, zone: &Name, history: Option<ZoneHistory>) {
        self.send(Note::History(zone.clone(), history));
    }

    /// The state of a zone that is to be served from now on.
    pub fn open_zone(&self, zone: &Name, now: UnixTime) -> Option<SavedZone> {
        let (opened, answer) = mpsc::channel();
        self.send(Note::Open(OpenZone { zone: zone.clone(), now, opened }));
        // Without the thread nothing is known; that has been said.
        answer.recv().ok().flatten()
    }

    pub fn zone(&self, saved: SavedZone) {
        self.send(Note::Zone(saved));
    }

    /// Writes what waits now. Also returns a handle of the folder's lock.
    pub fn flush(&self) -> io::Result<File> {
        let (done, answer) = mpsc::channel();
        self.send(Note::Flush(done));
        answer.recv().map_err(|_| io::Error::other("the state thread has ended"))?
    }

    /// From now on the folder is this process's alone.
    pub fn own(&self) {
        self.send(Note::Own);
    }

    /// The thread ends only after this handle, so a note is never refused while one is held.
    fn send(&self, note: Note) {
        if self.notes.send(note).is_err() {
            error!("the state thread has ended; state is no longer saved");
        }
    }
}

impl Drop for StateWriter {
    fn drop(&mut self) {
        self.send(Note::Stop);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            error!("the state thread ended in a panic; the last changes may not be saved");
        }
    }
}

// === impl Writing ===

struct Writing {
    folder: StateFolder,
    ownership: Ownership,
    /// Changes behind the snapshot, and the snapshot's shards, for files written in this run.
    changes: HashMap<PathBuf, (usize, usize)>,
    /// Said once, until a write succeeds again.
    failing: bool,
}

impl Writing {
    /// A group that could not be written is tried again together with what came since; writing a
    /// change twice does no harm.
    fn run(mut self, notes: &Receiver<Note>) {
        let mut group = Vec::new();
        loop {
            let end = collect(notes, &mut group);
            if let End::Own = end {
                self.ownership = Ownership::Ours;
            }
            let written = self.write(&mut group);
            match end {
                End::Time | End::Own => {}
                End::Flush(done) => {
                    // Whoever asked is stopping.
                    let _ = done.send(written.and_then(|()| self.folder.lock()));
                }
                End::Open(OpenZone { zone, now, opened }) => {
                    // Whoever asked is stopping.
                    let _ = opened.send(self.folder.open_zone(&zone, now));
                }
                End::Stop => return,
            }
        }
    }

    /// What cannot be written stays in the group.
    fn write(&mut self, group: &mut Vec<Note>) -> io::Result<()> {
        if self.ownership == Ownership::Shared {
            return Ok(());
        }
        let result = self.write_group(group);
        if result.is_ok() {
            group.clear();
        }
        self.report(&result);
        result
    }

    fn write_group(&mut self, group: &[Note]) -> io::Result<()> {
        let mut appended: HashMap<&ClusterName, (Vec<u8>, usize)> = HashMap::new();
        let mut zones: HashMap<&Name, &SavedZone> = HashMap::new();
        for note in group {
            match note {
                Note::Cluster(cluster, ClusterNote::Snapshot(saved)) => {
                    appended.remove(cluster);
                    self.snapshot(cluster, saved)?;
                }
                Note::Cluster(cluster, ClusterNote::Forget) => {
                    appended.remove(cluster);
                    self.forget(cluster)?;
                }
                Note::Cluster(cluster, ClusterNote::Line(line)) => {
                    let (bytes, count) = appended.entry(cluster).or_default();
                    lines::encode(line, bytes);
                    *count += 1;
                }
                Note::History(zone, history) => {
                    self.folder.write_history(zone, history.as_ref())?;
                }
                // Only the newest matters.
                Note::Zone(saved) => {
                    zones.insert(&saved.zone, saved);
                }
                Note::Open(_) | Note::Flush(_) | Note::Own | Note::Stop => {}
            }
        }
        for saved in zones.into_values() {
            self.folder.write_zone(saved)?;
        }
        appended
            .into_iter()
            .try_for_each(|(cluster, (bytes, count))| self.append(cluster, &bytes, count))
    }

    fn snapshot(&mut self, cluster: &ClusterName, saved: &Saved) -> io::Result<()> {
        let path = self.folder.cluster_path(cluster);
        write_whole(&path, &cluster_file::encode(cluster, saved))?;
        self.changes.insert(path, (0, saved.view.shards().count()));
        Ok(())
    }

    fn forget(&mut self, cluster: &ClusterName) -> io::Result<()> {
        let path = self.folder.cluster_path(cluster);
        self.changes.remove(&path);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn append(&mut self, cluster: &ClusterName, bytes: &[u8], count: usize) -> io::Result<()> {
        let path = self.folder.cluster_path(cluster);
        if !path.exists() {
            self.snapshot(cluster, &Saved::default())?;
        }
        let mut file = File::options().append(true).open(&path)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        let (changes, shards) = self.changes.entry(path).or_default();
        *changes += count;
        if *changes > CHANGES_BEFORE_SNAPSHOT.max(2 * *shards) {
            self.compact(cluster)?;
        }
        Ok(())
    }

    /// Reads our own file back, so that no second copy of the shards is kept in memory.
    fn compact(&mut self, cluster: &ClusterName) -> io::Result<()> {
        let bytes = std::fs::read(self.folder.cluster_path(cluster))?;
        let loaded = cluster_file::decode(cluster, &bytes)
            .map_err(|damage| io::Error::other(damage.to_string()))?;
        self.snapshot(cluster, &loaded.saved)
    }

    fn report(&mut self, result: &io::Result<()>) {
        match result {
            Ok(()) => self.failing = false,
            Err(error) if !self.failing => {
                self.failing = true;
                error!(%error, "state cannot be saved; answers go on, but a restart would lose changes");
            }
            Err(_) => {}
        }
    }
}

/// Waits for a first note, or for the time to try a failed group again, and then for what comes
/// within the group's time.
fn collect(notes: &Receiver<Note>, group: &mut Vec<Note>) -> End {
    let first = match group.is_empty() {
        true => notes.recv().map_err(|_| RecvTimeoutError::Disconnected),
        false => notes.recv_timeout(RETRY),
    };
    let deadline = Instant::now() + GROUP;
    let mut next = first;
    loop {
        match next {
            Ok(Note::Stop) | Err(RecvTimeoutError::Disconnected) => return End::Stop,
            Ok(Note::Open(open)) => return End::Open(open),
            Ok(Note::Flush(done)) => return End::Flush(done),
            Ok(Note::Own) => return End::Own,
            Ok(note) => group.push(note),
            Err(RecvTimeoutError::Timeout) => return End::Time,
        }
        next = notes.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Observed, ServiceKey, ServiceShard, UnixTime};

    const NOW: UnixTime = UnixTime(1_800_000_000);

    #[test]
    fn what_was_noted_is_there_after_a_restart() {
        let temp = tempfile::tempdir().unwrap();
        let cluster = ClusterName::new("beijing");
        let shard = ServiceShard::healthy(["192.0.2.1".parse().unwrap()]);
        let key = |n: usize| ServiceKey::new("default", &format!("s{n}"));

        let writer =
            StateWriter::start(StateFolder::open(temp.path()).unwrap(), Ownership::Ours).unwrap();
        let memory = watcher::Memory { last_contact: Some(NOW), ..watcher::Memory::default() };
        let count = CHANGES_BEFORE_SNAPSHOT + 10;
        for n in 0..count {
            writer.cluster(&cluster, ClusterNote::Line(Line::Shard(key(n), shard.clone())));
        }
        writer.cluster(&cluster, ClusterNote::Line(Line::Removed(key(0))));
        writer.cluster(&cluster, ClusterNote::Line(Line::Memory(memory.clone())));
        drop(writer);

        let folder = StateFolder::open(temp.path()).unwrap();
        let saved = folder.load_cluster(&cluster, NOW).unwrap();
        assert_eq!(saved.view.services.len(), count - 1);
        assert_eq!(saved.view.services[&key(1)], Observed::Shard(shard));
        assert_eq!(saved.memory, memory);

        let writer = StateWriter::start(folder, Ownership::Ours).unwrap();
        writer.cluster(&cluster, ClusterNote::Forget);
        drop(writer);
        let folder = StateFolder::open(temp.path()).unwrap();
        assert_eq!(folder.load_cluster(&cluster, NOW), None);
    }

    /// A zone leaves and comes back while its last note still waits for its group.
    #[test]
    fn a_zone_is_opened_after_what_was_noted_of_it() {
        let temp = tempfile::tempdir().unwrap();
        let zone = Name::parse("example.com").unwrap();
        let writer =
            StateWriter::start(StateFolder::open(temp.path()).unwrap(), Ownership::Ours).unwrap();
        let noted = SavedZone::ceiling(&zone, model::Serial(4_711));
        writer.zone(noted.clone());
        assert_eq!(writer.open_zone(&zone, NOW), Some(noted));
    }

    #[test]
    fn what_another_process_may_need_is_left_as_it_is_until_it_is_ours() {
        let temp = tempfile::tempdir().unwrap();
        let cluster = ClusterName::new("beijing");
        let shard = ServiceShard::healthy(["192.0.2.1".parse().unwrap()]);
        let line = || Line::Shard(ServiceKey::new("default", "web"), shard.clone());
        for is_owned in [false, true] {
            let folder = StateFolder::open(temp.path()).unwrap();
            let writer = StateWriter::start(folder, Ownership::Shared).unwrap();
            writer.cluster(&cluster, ClusterNote::Line(line()));
            let lock = writer.flush().unwrap();
            if is_owned {
                writer.own();
            }
            drop((writer, lock));
            let folder = StateFolder::open(temp.path()).unwrap();
            assert_eq!(folder.load_cluster(&cluster, NOW).is_some(), is_owned);
        }
    }
}
