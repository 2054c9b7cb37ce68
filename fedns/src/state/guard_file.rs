//! What a mirror's guard counts and holds, so that no restart forgets it.

use std::path::{Path, PathBuf};
use std::{fs, io};

use providers::sync::guard::Guard;
use tracing::warn;

use super::folder::{MIRRORS, file_name, write_whole};

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

    /// What was kept. A file that cannot be read counts as none, with a warning.
    pub fn load(&self) -> Guard {
        let damaged = |error: &dyn std::fmt::Display| {
            warn!(
                file = %self.path.display(), %error,
                "what was held at the provider is not known any more; counting begins anew"
            );
            Guard::default()
        };
        match fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| damaged(&error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Guard::default(),
            Err(error) => damaged(&error),
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
