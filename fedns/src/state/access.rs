//! Whether a state folder could be used, found out without making or changing anything.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::folder::{FOLDERS, LOCK};

/// To make something in a folder.
const ENTER: libc::c_int = libc::W_OK | libc::X_OK;
const ALL: libc::c_int = libc::R_OK | ENTER;

/// Why a state folder could not be used.
#[derive(Debug)]
pub struct Unusable {
    pub path: PathBuf,
    pub source: io::Error,
}

/// What [`StateFolder::open`](super::StateFolder::open), and reading and writing after it, would
/// stumble over. The lock is left alone: a running server may hold it, and one that starts at this
/// moment must get it.
pub fn check(folder: &Path) -> Vec<Unusable> {
    let mut found = Vec::new();
    check_folder(folder, ALL, &mut found);
    if !found.is_empty() {
        return found;
    }
    check_file(&folder.join(LOCK), libc::W_OK, &mut found);
    for name in FOLDERS {
        let folder = folder.join(name);
        check_folder(&folder, ALL, &mut found);
        // A folder that is not there yet has no files, and one that cannot be read was told.
        for file in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            if file.path().extension().is_some_and(|it| it == "state") {
                check_file(&file.path(), libc::R_OK, &mut found);
            }
        }
    }
    found
}

/// A folder that is not there is made in the next one above it that is.
fn check_folder(folder: &Path, mode: libc::c_int, found: &mut Vec<Unusable>) {
    let result = match std::fs::metadata(folder) {
        Ok(data) if data.is_dir() => may(folder, mode),
        Ok(_) => Err(io::ErrorKind::NotADirectory.into()),
        // A link that leads nowhere is there, and nothing can be made in its place.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !folder.is_symlink() => {
            let above = folder.parent().into_iter();
            return above.for_each(|above| check_folder(above, ENTER, found));
        }
        Err(error) => Err(error),
    };
    note(folder, result, found);
}

/// A file that is not there is made.
fn check_file(file: &Path, mode: libc::c_int, found: &mut Vec<Unusable>) {
    let result = match std::fs::metadata(file) {
        Ok(data) if data.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => may(file, mode),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    note(file, result, found);
}

fn note(path: &Path, result: io::Result<()>, found: &mut Vec<Unusable>) {
    if let Err(source) = result {
        found.push(Unusable { path: path.to_owned(), source });
    }
}

/// Asks the kernel, which knows of read-only file systems and capabilities too.
fn may(path: &Path, mode: libc::c_int) -> io::Result<()> {
    let text = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the text ends in a NUL and outlives the call.
    match unsafe { libc::faccessat(libc::AT_FDCWD, text.as_ptr(), mode, libc::AT_EACCESS) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::StateFolder;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// What is wrong with the folder `state` that `prepare` left, each as its path and the reason.
    #[track_caller]
    fn check_state(prepare: impl FnOnce(&Path), expect: &[(&str, io::ErrorKind)]) {
        let temp = tempfile::tempdir().unwrap();
        set_mode(temp.path(), 0o777);
        prepare(temp.path());
        let before = listing(temp.path());
        let folder = temp.path().join("state");
        let found = as_nobody(|| check(&folder));
        let found: Vec<_> = found
            .iter()
            .map(|it| {
                (it.path.strip_prefix(temp.path()).unwrap().to_str().unwrap(), it.source.kind())
            })
            .collect();
        assert_eq!(found, expect);
        assert_eq!(listing(temp.path()), before, "nothing may be made or changed");
    }

    /// Nothing is closed to root, so another user looks: the rights of one thread are its own.
    fn as_nobody<T: Send>(look: impl FnOnce() -> T + Send) -> T {
        let thread = || {
            // SAFETY: the system call takes three numbers; it fails unless this is root, and then
            // rights are what they are.
            unsafe { libc::syscall(libc::SYS_setresuid, -1, 65_534, -1) };
            look()
        };
        std::thread::scope(|scope| scope.spawn(thread).join()).unwrap()
    }

    fn listing(folder: &Path) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        let below: Vec<PathBuf> =
            paths.iter().filter(|it| it.is_dir()).flat_map(|it| listing(it)).collect();
        paths.extend(below);
        paths.sort();
        paths
    }

    fn open_to_all(folder: &Path) {
        fs::create_dir(folder).unwrap();
        set_mode(folder, 0o777);
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_can_be_made_or_is_there_is_fine() {
        let state = |temp: &Path| open_to_all(&temp.join("state"));
        check_state(|_| {}, &[]);
        check_state(state, &[]);
        let folders = |temp: &Path| {
            state(temp);
            FOLDERS.iter().for_each(|it| open_to_all(&temp.join("state").join(it)));
        };
        check_state(folders, &[]);
    }

    #[test]
    fn a_folder_in_use_is_fine() {
        let temp = tempfile::tempdir().unwrap();
        let _folder = StateFolder::open(temp.path()).unwrap();
        assert!(check(temp.path()).is_empty());
    }

    #[test]
    fn what_stands_in_the_way_is_found() {
        use io::ErrorKind::{IsADirectory, NotADirectory, NotFound, PermissionDenied};
        let state = |temp: &Path| open_to_all(&temp.join("state"));
        let file = |temp: &Path, path: &str| fs::write(temp.join(path), "").unwrap();
        check_state(|temp| file(temp, "state"), &[("state", NotADirectory)]);
        check_state(|temp| symlink("nowhere", temp.join("state")).unwrap(), &[("state", NotFound)]);
        check_state(|temp| set_mode(temp, 0o555), &[("", PermissionDenied)]);
        let folder = |temp: &Path| {
            state(temp);
            set_mode(&temp.join("state"), 0o555);
        };
        check_state(folder, &[("state", PermissionDenied)]);
        let below = |temp: &Path| {
            state(temp);
            open_to_all(&temp.join("state/lock"));
            file(temp, "state/zones");
        };
        check_state(below, &[("state/lock", IsADirectory), ("state/zones", NotADirectory)]);
        let saved = |temp: &Path| {
            state(temp);
            open_to_all(&temp.join("state/zones"));
            file(temp, "state/zones/example.com.state");
            set_mode(&temp.join("state/zones/example.com.state"), 0o000);
        };
        check_state(saved, &[("state/zones/example.com.state", PermissionDenied)]);
    }
}
