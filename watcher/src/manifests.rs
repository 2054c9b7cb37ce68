//! The source that is a folder of Kubernetes manifests.
//!
//! A file is read when its writer closes it or when it is renamed into its place; what it holds
//! counts at once. What is missing is gone only after a look at the whole folder, a second after
//! the last event: a rename is no deletion.
//!
//! A file that cannot be read keeps what it held; what is wrong is told by its place and key, and a
//! kind or field that is likely misspelt is told with the word that is near.

mod tree;
mod schema;
mod inspect;
mod kinds;
mod document;
mod parse;
mod folder;
mod event;
mod follow;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use tokio::task::JoinSet;

use crate::engine::SourceControl;
use crate::event::Listener;
use crate::object::Object;
use crate::start::{self, Start};

pub use folder::Problem;

use folder::Folder;

/// All that a folder holds, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderContents {
    /// Sorted by kind, namespace and name.
    pub objects: Vec<Object>,
    /// Sorted by file.
    pub problems: Vec<Problem>,
    /// What is likely meant otherwise, sorted by file.
    pub warnings: Vec<Problem>,
}

/// Reads a folder once, to check it.
///
/// # Errors
///
/// If the folder itself cannot be read.
pub fn read_folder(path: &Path) -> io::Result<FolderContents> {
    let mut folder = Folder::new(path.to_path_buf());
    folder.rescan(&BTreeSet::new())?;
    let (warnings, problems) = folder.problems().into_iter().partition(|it| it.is_warning);
    Ok(FolderContents { objects: folder.objects(), problems, warnings })
}

/// For tests that describe their objects as manifests.
#[cfg(test)]
#[track_caller]
pub(crate) fn parse_yaml(text: &str) -> Vec<Object> {
    match parse::parse(document::Format::Yaml, text) {
        Ok(parsed) => parsed.objects,
        Err(error) => panic!("{error:?} in {text}"),
    }
}

/// A folder cannot turn into another cluster, and is always open.
struct Control;

pub(crate) fn spawn(root: PathBuf, start: Start<impl Listener>, tasks: &mut JoinSet<()>) {
    let (inputs, inbox) = start::inputs();
    tasks.spawn(follow::run(root, start.reader.clone(), inputs));
    start.engine(Control, &[], inbox, tasks);
}

// === impl Control ===

impl SourceControl for Control {
    fn reopen(&mut self) {}

    fn accept(&mut self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests;
