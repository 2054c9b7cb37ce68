//! Who writes at providers: an id that the state folder keeps, so that a restart is the same writer.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::{fs, io};

use super::folder::{StateFolder, write_whole};

const FILE: &str = "writer-id";
/// Hexadecimal digits.
const LENGTH: usize = 16;

impl StateFolder {
    /// The id of this folder's writer, made at the first start. A damaged one is made anew; providers
    /// then still hold the old one, which is told when it is found there.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or written.
    pub fn writer_id(&self) -> io::Result<String> {
        if let Some(saved) = saved_writer_id(self.path())? {
            return Ok(saved);
        }
        let path = self.path().join(FILE);
        // Seeded anew by the system for each value.
        let id = format!("{:016x}", RandomState::new().hash_one(std::process::id()));
        write_whole(&path, format!("{id}\n").as_bytes())?;
        Ok(id)
    }
}

/// The id in a state folder that another process may have open; `None` where there is none, or it is
/// damaged.
///
/// # Errors
///
/// If the file is there and cannot be read.
pub fn saved_writer_id(folder: &Path) -> io::Result<Option<String>> {
    let saved = match fs::read(folder.join(FILE)) {
        Ok(bytes) => String::from_utf8(bytes).unwrap_or_default(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let saved = saved.trim_end();
    let is_id = saved.len() == LENGTH && saved.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(is_id.then(|| saved.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_stays_with_the_folder() {
        let temp = tempfile::tempdir().unwrap();
        let folder = StateFolder::open(temp.path()).unwrap();
        let id = folder.writer_id().unwrap();
        assert_eq!(id.len(), LENGTH);
        assert_eq!(folder.writer_id().unwrap(), id);
        fs::write(temp.path().join(FILE), "cut").unwrap();
        let other = folder.writer_id().unwrap();
        assert_eq!(folder.writer_id().unwrap(), other);
    }
}
