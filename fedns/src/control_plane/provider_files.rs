//! Files of the provider's Secret on this machine, for whoever asks a provider from here.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use tempfile::TempDir;

/// In a folder that is this user's alone, and goes when it is dropped.
pub struct ProviderFiles(Option<TempDir>);

// === impl ProviderFiles ===

impl ProviderFiles {
    /// # Errors
    ///
    /// No folder, or no file in it, could be made.
    pub fn write(files: &BTreeMap<String, Vec<u8>>) -> io::Result<Self> {
        if files.is_empty() {
            return Ok(Self(None));
        }
        let folder = tempfile::tempdir()?;
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content)?;
        }
        Ok(Self(Some(folder)))
    }

    /// Where they are; any folder where there are none.
    pub fn path(&self) -> &Path {
        self.0.as_ref().map_or(Path::new("/"), TempDir::path)
    }
}
