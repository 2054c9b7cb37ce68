//! Finding the config file and reading it.

use std::fmt;
use std::path::{Path, PathBuf};

use super::tree::{self, Place};
use super::{Config, keys};

/// Where a config is looked for when none is named.
const DEFAULT_FILES: [&str; 2] = ["fedns.yaml", "/etc/fedns/fedns.yaml"];

/// Why a config cannot be used: one line for each thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Whole lines, each with its file and, where there is one, its place.
    pub lines: Vec<String>,
}

/// The file that was named, or the first default that exists.
pub fn locate(named: Option<&Path>) -> Result<PathBuf, ConfigError> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    let found = DEFAULT_FILES.iter().map(Path::new).find(|path| path.exists());
    found.map(Path::to_owned).ok_or_else(|| {
        let tried = DEFAULT_FILES.join(" and ");
        ConfigError::one(format!("no config file: tried {tried}; name one with --config FILE"))
    })
}

/// Reads a config; every problem of the file is told at once.
pub fn load(named: &Path) -> Result<Config, ConfigError> {
    let shown = named.display();
    let bytes = std::fs::read(named)
        .map_err(|error| ConfigError::one(format!("{shown}: cannot be read: {error}")))?;
    let text = str::from_utf8(&bytes).map_err(|error| {
        let (Place { line, column }, byte) = first_foreign_byte(&bytes, error.valid_up_to());
        let message = "is no UTF-8, as every config must be; save the file as UTF-8";
        ConfigError::one(format!("{shown}:{line}:{column}: byte 0x{byte:02X} {message}"))
    })?;
    let file = std::path::absolute(named)
        .map_err(|error| ConfigError::one(format!("{shown}: {error}")))?;
    parse(text, &file, named)
}

/// The same of a text that is or will be in `file`, an absolute path. `named` is how errors call it.
pub fn parse(text: &str, file: &Path, named: &Path) -> Result<Config, ConfigError> {
    let shown = named.display();
    let root = tree::parse(text).map_err(|error| {
        let Place { line, column } = error.place;
        ConfigError::one(format!("{shown}:{line}:{column}: {}", error.message))
    })?;
    keys::read(&root, file, named).map_err(|problems| ConfigError {
        lines: problems
            .into_iter()
            .map(|problem| {
                let Place { line, column } = problem.place;
                format!("{shown}:{line}:{column}: {}", problem.message)
            })
            .collect(),
    })
}

/// The byte at `at`, and its place counted in characters as everywhere.
fn first_foreign_byte(bytes: &[u8], at: usize) -> (Place, u8) {
    let (before, rest) = bytes.split_at(at);
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let column = 1 + String::from_utf8_lossy(&before[line_start..]).chars().count();
    (Place { line, column }, rest.first().copied().unwrap_or_default())
}

// === impl ConfigError ===

impl ConfigError {
    pub fn one(line: String) -> Self {
        Self { lines: vec![line] }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.join("\n"))
    }
}

impl std::error::Error for ConfigError {}
