//! The state folder: its lock, its files, and what happens to damaged ones.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clusters::Cluster;
use model::{ClusterName, UnixTime};
use tracing::warn;
use watcher::Saved;

use super::cluster_file;

/// The folders of the two files with a zone's serial.
pub(super) const ZONE_FOLDERS: [&str; 2] = ["zones", "serials"];
/// All folders in it.
pub(super) const FOLDERS: [&str; 5] =
    ["clusters", ZONE_FOLDERS[0], ZONE_FOLDERS[1], HISTORIES, MIRRORS];
/// Of what mirrors' guards count and hold.
pub(super) const MIRRORS: &str = "mirrors";
/// Of what zones' changes were.
pub(super) const HISTORIES: &str = "histories";
/// The file that a running server has locked.
pub(super) const LOCK: &str = "lock";
/// Of every state file.
const ENDING: &str = ".state";
/// How the ending of a file that was set aside begins.
const ASIDE: &str = "damaged-";

/// An open state folder; the lock is held until it is dropped.
#[derive(Debug)]
pub struct StateFolder {
    path: PathBuf,
    /// Held for its lock, which ends with the last handle of it.
    lock: File,
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
    /// The lock that was handed over is another folder's.
    Foreign {
        path: PathBuf,
    },
}

impl StateFolder {
    /// Makes the folder where it is missing, and locks it.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        make_folders(path)?;
        let lock_path = path.join(LOCK);
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(io_error(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), lock }),
            Err(TryLockError::WouldBlock) => Err(StateError::Locked { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(StateError::Io { path: lock_path, source }),
        }
    }

    /// With the lock that another process hands over.
    pub fn take_over(path: &Path, lock: File) -> Result<Self, StateError> {
        make_folders(path)?;
        let lock_path = path.join(LOCK);
        let identity = |data: std::fs::Metadata| (data.dev(), data.ino());
        let ours = lock.metadata().map(identity).map_err(io_error(&lock_path))?;
        let there = std::fs::metadata(&lock_path).map(identity).map_err(io_error(&lock_path))?;
        match ours == there {
            true => Ok(Self { path: path.to_owned(), lock }),
            false => Err(StateError::Foreign { path: path.to_owned() }),
        }
    }

    /// Another handle of the lock, for a process that takes over.
    pub fn lock(&self) -> io::Result<File> {
        self.lock.try_clone()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn cluster_path(&self, cluster: &ClusterName) -> PathBuf {
        cluster_file(&self.path, cluster)
    }

    /// Those of which there is state, sorted. Names that no Kubernetes object can have are left out.
    pub fn saved_clusters(&self) -> Vec<ClusterName> {
        // A folder that cannot be listed holds nothing that could be used either.
        let files = std::fs::read_dir(self.path.join("clusters")).into_iter().flatten().flatten();
        let names = files.filter_map(|file| {
            let name = file.file_name().into_string().ok()?;
            let name = name.strip_suffix(ENDING)?;
            (!name.contains('%')).then(|| ClusterName::new(name))
        });
        let mut names: Vec<ClusterName> = names.collect();
        names.sort_unstable();
        names
    }

    /// A cluster's saved state; a damaged file is set aside with a warning and counts as none.
    pub fn load_cluster(&self, cluster: &ClusterName, now: UnixTime) -> Option<Saved> {
        let path = self.cluster_path(cluster);
        let Loaded::Whole(loaded) = load(&path, now, |bytes| cluster_file::decode(cluster, bytes))
        else {
            return None;
        };
        if loaded.cut {
            warn!(file = %path.display(), "the last change in the state file was cut off and is lost");
            // Written anew, so that the next change does not follow half a line.
            if let Err(error) = write_whole(&path, &cluster_file::encode(cluster, &loaded.saved)) {
                warn!(file = %path.display(), %error, "the state file cannot be mended");
            }
        }
        Some(loaded.saved)
    }

    /// In place of what is there.
    #[cfg(feature = "federation")]
    pub fn restore_cluster(&self, cluster: &ClusterName, saved: &Saved) -> io::Result<()> {
        write_whole(&self.cluster_path(cluster), &cluster_file::encode(cluster, saved))
    }

    /// Says which saved clusters are no members: a cluster that left the config while nobody served
    /// left without anyone being asked.
    pub fn warn_of_others(&self, members: &[Cluster]) {
        let known: Vec<PathBuf> =
            members.iter().map(|cluster| self.cluster_path(&cluster.name)).collect();
        // A folder that cannot be listed holds nothing that could be used either.
        let files = std::fs::read_dir(self.path.join("clusters")).into_iter().flatten().flatten();
        for file in files.map(|entry| entry.path()) {
            if is_state_file(&file) && !known.contains(&file) {
                warn!(
                    file = %file.display(),
                    "this saved cluster is not in the config, and its addresses are not served; remove \
                     the file if that is meant"
                );
            }
        }
    }
}

fn make_folders(path: &Path) -> Result<(), StateError> {
    FOLDERS
        .iter()
        .map(|folder| path.join(folder))
        .try_for_each(|folder| std::fs::create_dir_all(&folder).map_err(io_error(&folder)))
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> StateError {
    let path = path.to_owned();
    move |source| StateError::Io { path, source }
}

/// The file of a cluster in the state folder at `path`.
pub fn cluster_file(path: &Path, cluster: &ClusterName) -> PathBuf {
    path.join("clusters").join(file_name(cluster.as_str()))
}

/// Neither set aside nor just being written.
pub(super) fn is_state_file(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "state")
}

/// What a state file gave.
#[derive(Debug)]
pub(super) enum Loaded<T> {
    Absent,
    /// It is set aside; these are its bytes, as far as they could be read.
    Damaged(Vec<u8>),
    Whole(T),
}

pub(super) fn load<T, E: fmt::Display>(
    path: &Path,
    now: UnixTime,
    decode: impl Fn(&[u8]) -> Result<T, E>,
) -> Loaded<T> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Loaded::Absent,
        Err(error) => {
            set_aside(path, &format!("it cannot be read: {error}"), now);
            return Loaded::Damaged(Vec::new());
        }
    };
    match decode(&bytes) {
        Ok(loaded) => Loaded::Whole(loaded),
        Err(damage) => {
            set_aside(path, &damage.to_string(), now);
            Loaded::Damaged(bytes)
        }
    }
}

/// Nothing is lost: the file stays beside its place for somebody to look at.
fn set_aside(path: &Path, damage: &str, now: UnixTime) {
    let aside = free_name(&path.with_extension(format!("{ASIDE}{}", now.0)));
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

/// `path`, or with a number behind it where that is taken.
fn free_name(path: &Path) -> PathBuf {
    let numbered = |n: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!("-{n}"));
        PathBuf::from(name)
    };
    let mut names = std::iter::once(path.to_owned()).chain((2..).map(numbered));
    names.find(|name| !name.exists()).unwrap_or_else(|| path.to_owned())
}

/// How often this file was found damaged, as far as nobody has cleaned up.
pub(super) fn times_set_aside(path: &Path) -> u32 {
    let Some(folder) = path.parent() else { return 0 };
    let is_aside = |other: &Path| {
        let ending = other.extension().unwrap_or_default().to_string_lossy();
        other.file_stem() == path.file_stem() && ending.starts_with(ASIDE)
    };
    // A folder that cannot be listed tells of none.
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let count = files.filter(|entry| is_aside(&entry.path())).count();
    u32::try_from(count).unwrap_or(u32::MAX)
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
pub(super) fn file_name(text: &str) -> String {
    let mut name = String::with_capacity(text.len() + 6);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
                name.push(char::from(byte));
            }
            _ => name += &format!("%{byte:02x}"),
        }
    }
    name + ENDING
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
            Self::Foreign { path } => write!(
                f,
                "the lock that was handed over is not that of {}; stop the running fedns, and start this one",
                path.display()
            ),
        }
    }
}

impl std::error::Error for StateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Locked { .. } | Self::Foreign { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_lock_that_is_handed_over_stays_locked() {
        let temp = tempfile::tempdir().unwrap();
        let first = StateFolder::open(temp.path()).unwrap();
        let second = StateFolder::take_over(temp.path(), first.lock().unwrap()).unwrap();
        drop(first);
        assert!(matches!(StateFolder::open(temp.path()), Err(StateError::Locked { .. })));
        let other = tempfile::tempdir().unwrap();
        let _other = StateFolder::open(other.path()).unwrap();
        let foreign = StateFolder::take_over(other.path(), second.lock().unwrap());
        assert!(matches!(foreign, Err(StateError::Foreign { .. })));
        drop(second);
        assert!(StateFolder::open(temp.path()).is_ok());
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_kept() {
        let temp = tempfile::tempdir().unwrap();
        let folder = StateFolder::open(temp.path()).unwrap();
        let cluster = ClusterName::new("beijing");
        let path = folder.cluster_path(&cluster);
        for (rubbish, ending) in [("one\n", "1800000000"), ("two\n", "1800000000-2")] {
            std::fs::write(&path, rubbish).unwrap();
            assert_eq!(folder.load_cluster(&cluster, NOW), None);
            assert!(!path.exists());
            let aside = path.with_extension(format!("damaged-{ending}"));
            assert_eq!(std::fs::read_to_string(aside).unwrap(), rubbish);
        }
        assert_eq!(times_set_aside(&path), 2);
    }
}
