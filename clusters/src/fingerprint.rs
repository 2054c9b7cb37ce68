//! Whether the files that a connection was made from are still the same.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What the file system said of some files at one moment. Symbolic links are followed, so that a
/// link that is swapped counts as a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    files: Vec<(PathBuf, Option<Stamp>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified_seconds: i64,
    modified_nanoseconds: i64,
}

// === impl Fingerprint ===

impl Fingerprint {
    pub(crate) fn of(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let files = paths.into_iter().map(|path| {
            let stamp = Stamp::of(&path);
            (path, stamp)
        });
        Self { files: files.collect() }
    }

    pub(crate) fn is_outdated(&self) -> bool {
        self.files.iter().any(|(path, stamp)| Stamp::of(path) != *stamp)
    }
}

impl Stamp {
    /// None where the file cannot be read: that, too, is a state to compare with.
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified_seconds: metadata.mtime(),
            modified_nanoseconds: metadata.mtime_nsec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changes_appears_or_is_swapped_by_a_link_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link, late) =
            (folder.path().join("a"), folder.path().join("link"), folder.path().join("late"));
        fs::write(&file, "one").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();

        let fingerprint = Fingerprint::of([link.clone(), late.clone()]);
        assert!(!fingerprint.is_outdated());

        fs::write(&late, "").unwrap();
        assert!(fingerprint.is_outdated());

        let fingerprint = Fingerprint::of([link.clone(), late]);
        assert!(!fingerprint.is_outdated());
        let other = folder.path().join("b");
        fs::write(&other, "two").unwrap();
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&other, &link).unwrap();
        assert!(fingerprint.is_outdated());
    }
}
