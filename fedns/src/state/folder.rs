//! The state folder: its lock, its files, and what happens to damaged ones.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clusters::Cluster;
use model::{ClusterName, Name, UnixTime};
use tracing::warn;
use watcher::Saved;

use super::cluster_file;
use super::lines::Damage;
use super::zone_file::SavedZone;

/// The folders in it.
pub(super) const FOLDERS: [&str; 2] = ["clusters", "zones"];
/// The file that a running server has locked.
pub(super) const LOCK: &str = "lock";

/// An open state folder; the lock is held until it is dropped.
#[derive(Debug)]
pub struct StateFolder {
    path: PathBuf,
    /// Held for its lock.
    _lock: File,
}

/// Why the state folder cannot be used.
#[derive(Debug)]
pub enum StateError {
    Io {
        path: PathBuf,
        source: io::Error,
    },
    /// Another process holds the lock.
    Locked {
        path: PathBuf,
    },
}

impl StateFolder {
    /// Makes the folder where it is missing, and locks it.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| StateError::Io { path, source }
        };
        for folder in FOLDERS {
            let folder = path.join(folder);
            std::fs::create_dir_all(&folder).map_err(io(&folder))?;
        }
        let lock_path = path.join(LOCK);
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(io(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StateError::Locked { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(StateError::Io { path: lock_path, source }),
        }
    }

    pub fn cluster_path(&self, cluster: &ClusterName) -> PathBuf {
        self.path.join("clusters").join(file_name(cluster.as_str()))
    }

    pub fn zone_path(&self, zone: &Name) -> PathBuf {
        let text = zone.to_string();
        self.path.join("zones").join(file_name(text.trim_end_matches('.')))
    }

    /// A cluster's saved state; a damaged file is set aside with a warning and counts as none.
    pub fn load_cluster(&self, cluster: &ClusterName, now: UnixTime) -> Option<Saved> {
        let path = self.cluster_path(cluster);
        let loaded = load(&path, now, |bytes| cluster_file::decode(cluster, bytes))?;
        if loaded.cut {
            warn!(file = %path.display(), "the last change in the state file was cut off and is lost");
            // Written anew, so that the next change does not follow half a line.
            if let Err(error) = write_whole(&path, &cluster_file::encode(cluster, &loaded.saved)) {
                warn!(file = %path.display(), %error, "the state file cannot be mended");
            }
        }
        Some(loaded.saved)
    }

    /// Says which saved clusters are no members: a cluster that left the config while nobody served
    /// left without anyone being asked.
    pub fn warn_of_others(&self, members: &[Cluster]) {
        let known: Vec<PathBuf> =
            members.iter().map(|cluster| self.cluster_path(&cluster.name)).collect();
        // A folder that cannot be listed holds nothing that could be used either.
        let files = std::fs::read_dir(self.path.join("clusters")).into_iter().flatten().flatten();
        for file in files.map(|entry| entry.path()) {
            if file.extension().is_some_and(|it| it == "state") && !known.contains(&file) {
                warn!(
                    file = %file.display(),
                    "this saved cluster is not in the config, and its addresses are not served; remove \
                     the file if that is meant"
                );
            }
        }
    }

    /// A zone's saved state; a damaged file is set aside with a warning and counts as none. Serials
    /// after it are noted on disk as in use, before anyone can have seen one.
    pub fn open_zone(&self, zone: &Name, now: UnixTime) -> Option<SavedZone> {
        let path = self.zone_path(zone);
        let was_there = path.exists();
        let saved = load(&path, now, |bytes| SavedZone::decode(zone, bytes));
        if was_there && saved.is_none() {
            warn!(
                %zone,
                "its serial starts again at the seconds since 1970, which may be lower than before: \
                 secondaries that saw a higher one keep their copy until they are told to load anew"
            );
        }
        let in_use = SavedZone::in_use(zone, saved.as_ref(), now);
        if let Err(error) = write_whole(&path, &in_use.encode()) {
            warn!(file = %path.display(), %error, "the serials in use cannot be saved");
        }
        saved
    }
}

fn load<T>(path: &Path, now: UnixTime, decode: impl Fn(&[u8]) -> Result<T, Damage>) -> Option<T> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            warn!(file = %path.display(), %error, "the state file cannot be read and is not used");
            return None;
        }
    };
    match decode(&bytes) {
        Ok(loaded) => Some(loaded),
        Err(damage) => {
            set_aside(path, &damage, now);
            None
        }
    }
}

/// Nothing is lost: the file stays beside its place for somebody to look at.
fn set_aside(path: &Path, damage: &Damage, now: UnixTime) {
    let aside = path.with_extension(format!("damaged-{}", now.0));
    match std::fs::rename(path, &aside) {
        Ok(()) => warn!(
            file = %path.display(), %damage, kept = %aside.display(),
            "the state file is damaged; it is set aside and not used"
        ),
        Err(error) => warn!(
            file = %path.display(), %damage, %error,
            "the state file is damaged and not used; it cannot be set aside"
        ),
    }
}

/// Replaces a file in one step: whoever reads it finds the old or the new one, whole.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    std::fs::rename(&temporary, path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Letters, digits, dots, hyphens and underscores as they are, other bytes as `%` and two digits.
fn file_name(text: &str) -> String {
    let mut name = String::with_capacity(text.len() + 6);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
                name.push(char::from(byte));
            }
            _ => name += &format!("%{byte:02x}"),
        }
    }
    name + ".state"
}

impl std::fmt::Display for StateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io { path, .. } => {
                write!(f, "{}: the state folder cannot be used", path.display())
            }
            Self::Locked { path } => write!(
                f,
                "another fedns serves from {}; stop it, or give this one a folder of its own",
                path.display()
            ),
        }
    }
}

impl std::error::Error for StateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Locked { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Serial;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    #[test]
    fn a_second_process_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let first = StateFolder::open(temp.path()).unwrap();
        assert!(matches!(StateFolder::open(temp.path()), Err(StateError::Locked { .. })));
        drop(first);
        assert!(StateFolder::open(temp.path()).is_ok());
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_kept() {
        let temp = tempfile::tempdir().unwrap();
        let folder = StateFolder::open(temp.path()).unwrap();
        let cluster = ClusterName::new("beijing");
        let path = folder.cluster_path(&cluster);
        std::fs::write(&path, "rubbish\n").unwrap();
        assert_eq!(folder.load_cluster(&cluster, NOW), None);
        assert!(!path.exists());
        let aside = path.with_extension("damaged-1800000000");
        assert_eq!(std::fs::read_to_string(aside).unwrap(), "rubbish\n");
    }

    #[test]
    fn zones_of_any_name_have_a_file() {
        let temp = tempfile::tempdir().unwrap();
        let folder = StateFolder::open(temp.path()).unwrap();
        for text in ["example.com", r"a/b\..example.com", "."] {
            let zone = Name::parse(text).unwrap();
            let (reserve, _) = super::super::zone_file::SerialReserve::start(&zone, None, 0, NOW);
            let saved = reserve.stop(&zone, 3);
            write_whole(&folder.zone_path(&zone), &saved.encode()).unwrap();
            let loaded = folder.open_zone(&zone, NOW).unwrap();
            assert_eq!(loaded.serial, Serial(1_800_000_000));
            let reopened = folder.open_zone(&zone, NOW).unwrap();
            assert!(reopened.serial.is_newer_than(loaded.serial), "a crash must not go back");
        }
    }
}
