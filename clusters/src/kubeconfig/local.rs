//! The kubeconfig of whoever runs this: contexts come and go in it, and all else stays.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::document::Document;
use super::entry::{Access, Entry, updated};
use super::error::{Fault, FileError};
use super::file::{self, Lock};
use super::node::Node;
use super::{Change, List};

/// How long somebody else may hold the lock; kubectl holds it for milliseconds.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// One kubeconfig, in one file or several, as kubectl takes it: what comes first wins, an entry is
/// changed where it stands, and a new one goes into [`LocalKubeconfig::target`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalKubeconfig {
    /// At least one.
    files: Vec<PathBuf>,
}

/// What to do where an entry of that name stands there already, and is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnClash {
    /// Nothing is written.
    Refuse,
    /// The new one takes its place whole.
    Replace,
    /// Server, credentials, and what the context leads to become the new ones; namespace, proxy,
    /// extensions and all other keys stay.
    Update,
}

/// What came of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    pub change: Change,
    /// The current-context is still the one that is gone: kubectl says so, and waits for
    /// `kubectl config use-context`.
    pub was_current: bool,
}

/// One of the files, open under its lock.
struct Open {
    path: PathBuf,
    /// `None` for a file that is not there.
    before: Option<String>,
    document: Document,
}

// === impl LocalKubeconfig ===

impl LocalKubeconfig {
    /// The files in `$KUBECONFIG`, else `~/.kube/config`.
    ///
    /// # Errors
    ///
    /// [`FileError::NoPlace`] for a user without a home folder.
    pub fn of_user() -> Result<Self, FileError> {
        let listed = std::env::var_os("KUBECONFIG").unwrap_or_default();
        let mut files: Vec<PathBuf> = Vec::new();
        for file in std::env::split_paths(&listed).filter(|file| !file.as_os_str().is_empty()) {
            if !files.contains(&file) {
                files.push(file);
            }
        }
        if files.is_empty() {
            let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
            files.push(home.ok_or(FileError::NoPlace)?.join(".kube/config"));
        }
        Ok(Self { files })
    }

    pub fn at(file: PathBuf) -> Self {
        Self { files: vec![file] }
    }

    /// Where new entries go: the first file that is there, else the last.
    pub fn target(&self) -> &Path {
        &self.files[self.target_index()]
    }

    fn target_index(&self) -> usize {
        self.files.iter().position(|file| file.exists()).unwrap_or(self.files.len() - 1)
    }

    /// The API server that a context leads to; `None` where there is no such context.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or is no kubeconfig.
    pub fn server_of(&self, context: &str) -> Result<Option<String>, FileError> {
        let open = self.open()?;
        let Some(context) = first(&open, List::Contexts, context) else { return Ok(None) };
        let cluster = referred(&context, List::Clusters);
        let cluster = cluster.and_then(|name| first(&open, List::Clusters, &name));
        let server = cluster.as_ref().and_then(|it| it.get(List::Clusters.item_key()));
        Ok(server.and_then(|it| it.text_of("server")).map(str::to_owned))
    }

    /// The certificates, as PEM, that must have signed what a context's API server shows; `None` where there
    /// is no such context, or its cluster holds no such data.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or is no kubeconfig.
    pub fn authority_of(&self, context: &str) -> Result<Option<Vec<u8>>, FileError> {
        let open = self.open()?;
        let Some(context) = first(&open, List::Contexts, context) else { return Ok(None) };
        let cluster = referred(&context, List::Clusters);
        let cluster = cluster.and_then(|name| first(&open, List::Clusters, &name));
        let cluster = cluster.as_ref().and_then(|it| it.get(List::Clusters.item_key()));
        let data = cluster.and_then(|it| it.text_of("certificate-authority-data"));
        Ok(data.and_then(|data| STANDARD.decode(data).ok()))
    }

    /// Tries all that a change needs, and changes nothing.
    ///
    /// # Errors
    ///
    /// A file that cannot be locked or read.
    pub async fn try_out(&self) -> Result<(), FileError> {
        self.change(|_| Ok(())).await
    }

    /// Adds a context with a cluster and a user, all of one name, or brings them to what is wanted.
    ///
    /// # Errors
    ///
    /// A file that cannot be locked, read, changed or written; nothing is written then.
    pub async fn add_context(&self, name: &str, access: &Access) -> Result<Change, FileError> {
        self.add(&[Entry::new(name, access)], OnClash::Update, None).await
    }

    /// Adds contexts with their clusters and users. `current` becomes the current context if there is
    /// none.
    ///
    /// # Errors
    ///
    /// A file that cannot be locked, read, changed or written, or a clash; nothing is written then.
    pub async fn add(
        &self,
        entries: &[Entry],
        on_clash: OnClash,
        current: Option<&str>,
    ) -> Result<Change, FileError> {
        let target = self.target_index();
        self.change(|open| {
            let mut change = Change::Unchanged;
            for (entry, list) in entries.iter().flat_map(|it| List::ALL.map(|list| (it, list))) {
                let Some(part) = entry.part(list) else { continue };
                change = change.or(put(open, target, list, part, on_clash)?);
            }
            let has_current = open.iter().any(|it| it.document.current_context().is_some());
            if let Some(name) = current.filter(|_| !has_current) {
                let set = |document: &mut Document| document.set_current_context(name);
                change = change.or(open[target].edit(set)?);
            }
            Ok(change)
        })
        .await
    }

    /// Removes a context wherever it stands, and its cluster and user unless another context uses
    /// them.
    ///
    /// # Errors
    ///
    /// A file that cannot be locked, read, changed or written.
    pub async fn remove_context(&self, name: &str) -> Result<Removed, FileError> {
        self.change(|open| {
            let current = open.iter().find_map(|it| it.document.current_context());
            let mut removed = Removed {
                change: Change::Unchanged,
                was_current: current.as_deref() == Some(name),
            };
            let Some(context) = first(open, List::Contexts, name) else { return Ok(removed) };
            removed.change = remove(open, List::Contexts, name)?;
            for list in [List::Clusters, List::Users] {
                if let Some(part) = referred(&context, list).filter(|it| !is_used(open, list, it)) {
                    remove(open, list, &part)?;
                }
            }
            Ok(removed)
        })
        .await
    }

    /// Reads, changes and writes under the lock of every file.
    async fn change<T>(
        &self,
        edit: impl FnOnce(&mut [Open]) -> Result<T, FileError>,
    ) -> Result<T, FileError> {
        let locks = Lock::take_all(&self.files, LOCK_WAIT).await?;
        let mut open = self.open()?;
        let result = edit(&mut open)?;
        for Open { path, before, document } in &open {
            if before.as_deref().unwrap_or_default() != document.text() {
                file::replace(path, before.as_deref(), document.text())?;
            }
        }
        drop(locks);
        Ok(result)
    }

    fn open(&self) -> Result<Vec<Open>, FileError> {
        self.files.iter().map(|file| Open::new(file)).collect()
    }
}

// === impl Open ===

impl Open {
    fn new(path: &Path) -> Result<Self, FileError> {
        let before = file::read(path)?;
        let document = Document::new(before.clone().unwrap_or_default());
        let document = document.map_err(|source| content_error(path, source))?;
        Ok(Self { path: path.to_owned(), before, document })
    }

    fn edit<T>(
        &mut self,
        edit: impl FnOnce(&mut Document) -> Result<T, Fault>,
    ) -> Result<T, FileError> {
        edit(&mut self.document).map_err(|source| content_error(&self.path, source))
    }
}

fn content_error(path: &Path, source: Fault) -> FileError {
    FileError::Content { path: path.to_owned(), source }
}

fn put(
    open: &mut [Open],
    target: usize,
    list: List,
    part: &Node,
    on_clash: OnClash,
) -> Result<Change, FileError> {
    let name = part.text_of("name").unwrap_or_default();
    let found = open.iter().position(|it| it.document.entry(list, name).is_some());
    let open = &mut open[found.unwrap_or(target)];
    let wanted = match (open.document.entry(list, name), on_clash) {
        (Some(standing), OnClash::Refuse) if !standing.means(part) => {
            let clash = Fault::Clash { kind: list.item_key(), name: name.to_owned() };
            return Err(content_error(&open.path, clash));
        }
        (Some(standing), OnClash::Update) => updated(list, standing, part),
        (Some(standing), _) if standing.means(part) => standing,
        _ => part.clone(),
    };
    open.edit(|document| document.put(list, &wanted))
}

fn remove(open: &mut [Open], list: List, name: &str) -> Result<Change, FileError> {
    let mut change = Change::Unchanged;
    for open in open {
        change = change.or(open.edit(|document| document.remove(list, name))?);
    }
    Ok(change)
}

/// The entry of this name that kubectl takes.
fn first(open: &[Open], list: List, name: &str) -> Option<Node> {
    open.iter().find_map(|open| open.document.entry(list, name))
}

/// The cluster or the user that a context names.
fn referred(context: &Node, list: List) -> Option<String> {
    context.get(List::Contexts.item_key())?.text_of(list.item_key()).map(str::to_owned)
}

fn is_used(open: &[Open], list: List, name: &str) -> bool {
    open.iter().any(|open| {
        let root = open.document.node();
        let mut contexts = super::document::entries(&root, List::Contexts).iter();
        contexts.any(|context| referred(context, list).as_deref() == Some(name))
    })
}

#[cfg(test)]
mod tests;
