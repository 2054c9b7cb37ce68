//! A kubeconfig on disk: kubectl's lock, whole reads, and writes that another program sees as a whole.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::error::FileError;

const LOCK_POLL: Duration = Duration::from_millis(20);
/// Only its user may read a new kubeconfig: it holds keys.
const NEW_MODE: u32 = 0o600;

/// kubectl's lock on a kubeconfig: a file beside it that must not have been there.
pub(super) struct Lock {
    path: PathBuf,
}

// === impl Lock ===

impl Lock {
    /// Locks kubeconfigs under the names that they are read by, as kubectl does. Their folders are made
    /// if they are not there. `wait`: for somebody else to give a lock back. None is held meanwhile, so
    /// whoever ends this process while it waits leaves none behind.
    pub async fn take_all(files: &[PathBuf], wait: Duration) -> Result<Vec<Self>, FileError> {
        let started = tokio::time::Instant::now();
        loop {
            match try_all(files)? {
                Ok(locks) => return Ok(locks),
                Err(Taken(path)) if started.elapsed() >= wait => {
                    let age_seconds = age(&path).as_secs();
                    return Err(FileError::Locked { path, age_seconds });
                }
                Err(_) => tokio::time::sleep(LOCK_POLL).await,
            }
        }
    }
}

/// The lock that somebody else holds.
struct Taken(PathBuf);

/// All locks, or none.
fn try_all(files: &[PathBuf]) -> Result<Result<Vec<Lock>, Taken>, FileError> {
    let mut locks = Vec::new();
    for file in files {
        let path = with_suffix(file, ".lock");
        let failed = |source| FileError::Lock { path: path.clone(), source };
        make_folder(file).map_err(failed)?;
        // kubectl's has no rights either.
        match OpenOptions::new().write(true).create_new(true).mode(0o0).open(&path) {
            Ok(_) => locks.push(Lock { path }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Ok(Err(Taken(path)));
            }
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(Ok(locks))
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A lock that somebody has removed is free.
        let _ = fs::remove_file(&self.path);
    }
}

/// Since when a file has been there; nothing if it is gone, or made in the future.
fn age(path: &Path) -> Duration {
    let made = fs::metadata(path).and_then(|data| data.modified());
    let age = made.ok().and_then(|made| SystemTime::now().duration_since(made).ok());
    age.unwrap_or_default()
}

/// The text of a file; `None` if there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<String>, FileError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FileError::Read { path: path.to_owned(), source }),
    }
}

/// Writes a kubeconfig, and what it was before to `FILE.fedns-backup` beside it. Links are followed;
/// mode and owner stay.
pub(super) fn replace(path: &Path, before: Option<&str>, text: &str) -> Result<(), FileError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| FileError::Write { path, source }
    };
    let target = followed(path).map_err(failed(path))?;
    if let Some(before) = before {
        let backup = with_suffix(path, ".fedns-backup");
        write_whole(&backup, &target, before).map_err(failed(&backup))?;
    }
    write_whole(&target, &target, text).map_err(failed(path))
}

/// Where a link leads, whether or not there is a file.
fn followed(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_link(path) {
            Ok(to) => Ok(path.parent().unwrap_or(Path::new("")).join(to)),
            Err(_) => Ok(path.to_owned()),
        },
        result => result,
    }
}

/// Makes a file beside the path and puts it in its place, with the rights of `model` if that is there.
fn write_whole(path: &Path, model: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut beside = OsString::from(".");
    beside.push(name);
    beside.push(".fedns-new");
    let beside = path.with_file_name(beside);
    let result = write_new(&beside, model, text).and_then(|()| fs::rename(&beside, path));
    if result.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    result?;
    File::open(folder(path))?.sync_all()
}

fn write_new(path: &Path, model: &Path, text: &str) -> io::Result<()> {
    // One that was left by a crash: the lock keeps all others out.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(NEW_MODE).open(path)?;
    match fs::metadata(model) {
        Ok(model) => {
            let made = file.metadata()?;
            if (made.uid(), made.gid()) != (model.uid(), model.gid()) {
                fchown(&file, Some(model.uid()), Some(model.gid()))?;
            }
            file.set_permissions(Permissions::from_mode(model.mode() & 0o777))?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// As kubectl makes it.
fn make_folder(file: &Path) -> io::Result<()> {
    let folder = folder(file);
    match folder.exists() {
        true => Ok(()),
        false => fs::DirBuilder::new().recursive(true).mode(0o755).create(folder),
    }
}

fn folder(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}
