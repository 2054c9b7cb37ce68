//! What a mirror's guard counts and holds, so that no restart forgets it.

use std::io;
use std::path::{Path, PathBuf};

use model::UnixTime;
use providers::sync::guard::Guard;
use tracing::warn;

use super::folder::{Loaded, MIRRORS, file_name, load, write_whole};

/// The file of one mirror's guard.
#[derive(Clone, Debug)]
pub struct GuardFile {
    path: PathBuf,
}

// === impl GuardFile ===

impl GuardFile {
    /// `mirror` tells it from all others.
    pub fn new(state_dir: &Path, mirror: &str) -> Self {
        Self { path: state_dir.join(MIRRORS).join(file_name(mirror)) }
    }

    /// What was kept. A damaged file is set aside with a warning and counts as none.
    pub fn load(&self, now: UnixTime) -> Guard {
        match load(&self.path, now, |bytes| serde_json::from_slice(bytes)) {
            Loaded::Whole(guard) => guard,
            Loaded::Absent => Guard::default(),
            Loaded::Damaged(_) => {
                warn!("what was held at the provider is not known any more; counting begins anew");
                Guard::default()
            }
        }
    }

    pub fn save(&self, guard: &Guard) {
        let written = serde_json::to_vec(guard)
            .map_err(io::Error::other)
            .and_then(|bytes| write_whole(&self.path, &bytes));
        if let Err(error) = written {
            warn!(
                file = %self.path.display(), %error,
                "what is held at the provider cannot be kept; a restart would forget it"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_is_told_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(MIRRORS)).unwrap();
        let file = GuardFile::new(folder.path(), "alidns a.example.");
        file.save(&Guard::default());
        assert!(file.path.exists());
        std::fs::write(&file.path, "{").unwrap();
        file.load(UnixTime(7));
        assert!(!file.path.exists(), "the next start finds nothing to warn of");
        let kept = std::fs::read_dir(folder.path().join(MIRRORS)).unwrap().flatten();
        let kept: Vec<_> =
            kept.map(|entry| std::fs::read_to_string(entry.path()).unwrap()).collect();
        assert_eq!(kept, ["{"]);
    }
}
