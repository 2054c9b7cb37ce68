//! Temporary folders: gone after a test that passed, kept and named after one that failed.

use std::path::{Path, PathBuf};
use std::{fs, thread};

use tempfile::TempDir;

/// A folder for one test or one cluster. Paths in it are never shared with another test.
pub struct Scratch {
    /// `None` only while dropping.
    folder: Option<TempDir>,
}

impl Scratch {
    pub fn new(name: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix(&format!("fedns-{name}-"))
            .tempdir()
            .expect("make a temporary folder");
        Self { folder: Some(folder) }
    }

    pub fn path(&self) -> &Path {
        self.folder.as_ref().expect("lives until drop").path()
    }

    /// Writes a file and returns its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, content)
            .unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if thread::panicking()
            && let Some(folder) = self.folder.take()
        {
            eprintln!("kept for a look: {}", folder.keep().display());
        }
    }
}
