//! The files of a folder, what each of them holds, and which of two files an object is taken from.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::{Finding, Format};
use super::parse::{Parsed, parse};
use crate::object::{Object, ObjectKey};

/// What is wrong with a file: `file:line:column: message`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    pub file: PathBuf,
    /// Both count from 1; none where the file as a whole is meant.
    pub place: Option<(u64, u64)>,
    pub message: String,
    /// True for what is read as it stands, but was likely meant otherwise.
    pub is_warning: bool,
}

/// A folder of manifests as it was read last.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    files: BTreeMap<Arc<Path>, File>,
    /// The files that hold each object. The first of them counts: the one that has held it longest, so
    /// that a copy never takes an object over.
    places: BTreeMap<ObjectKey, Vec<Arc<Path>>>,
    /// Objects that no file holds any more and that have not been told to be gone.
    gone: BTreeSet<ObjectKey>,
}

#[derive(Debug, Default)]
struct File {
    stamp: Option<Stamp>,
    /// Of its last good reading.
    objects: BTreeMap<ObjectKey, Object>,
    problems: Vec<Problem>,
    /// True once it could be read.
    was_good: bool,
}

/// Tells whether a file has to be read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: (u64, u64),
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// What changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Delta {
    pub(crate) applied: Vec<Object>,
    pub(crate) deleted: Vec<ObjectKey>,
}

/// What a walk through the folder found.
#[derive(Default)]
struct Walk {
    files: BTreeSet<PathBuf>,
    /// Folders that cannot be read: nothing is known of what is in them.
    unreadable: Vec<(PathBuf, io::Error)>,
}

// === impl Folder ===

impl Folder {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, files: BTreeMap::new(), places: BTreeMap::new(), gone: BTreeSet::new() }
    }

    /// Reads the files that changed, but for those in `being_written`. What is gone from the folder
    /// is told as deleted.
    ///
    /// # Errors
    ///
    /// If the folder itself is not there; nothing has then changed.
    pub(crate) fn rescan(&mut self, being_written: &BTreeSet<PathBuf>) -> io::Result<Delta> {
        let mut delta = self.look(being_written)?;
        let gone = std::mem::take(&mut self.gone);
        delta.deleted = gone.into_iter().filter(|key| !self.places.contains_key(key)).collect();
        Ok(delta)
    }

    /// Reads the files that changed, as [`Folder::rescan`] does, and deletes nothing yet.
    pub(crate) fn look(&mut self, being_written: &BTreeSet<PathBuf>) -> io::Result<Delta> {
        let Walk { files, unreadable } = walk(&self.root)?;
        let is_hidden = |path: &Path| unreadable.iter().any(|(folder, _)| path.starts_with(folder));
        let lost: Vec<Arc<Path>> = self.files.keys().cloned().collect();
        let lost = lost.into_iter().filter(|path| !files.contains(&**path) && !is_hidden(path));
        let mut touched = BTreeSet::new();
        for path in lost {
            touched.extend(self.forget(&path));
        }
        for path in files.iter().filter(|path| !being_written.contains(*path)) {
            touched.extend(self.read_if_changed(path));
        }
        for (folder, error) in unreadable {
            let file = self.files.entry(folder.into()).or_default();
            file.problems = vec![Problem::whole(&self.root, error.to_string())];
        }
        Ok(self.delta(touched))
    }

    /// Reads some files; one that is not there any more is forgotten.
    pub(crate) fn read(&mut self, paths: &BTreeSet<PathBuf>) -> Delta {
        let (there, lost): (Vec<&PathBuf>, Vec<&PathBuf>) =
            paths.iter().partition(|path| path.is_file());
        let mut touched = BTreeSet::new();
        for path in lost {
            touched.extend(self.forget(path));
        }
        for path in there {
            touched.extend(self.read_file(path));
        }
        self.delta(touched)
    }

    /// Everything that counts.
    pub(crate) fn objects(&self) -> Vec<Object> {
        self.places.keys().filter_map(|key| self.object(key)).cloned().collect()
    }

    /// True if a file cannot be read and never could: what it holds is not known.
    pub(crate) fn is_partial(&self) -> bool {
        self.files.values().any(|file| !file.was_good)
    }

    /// Sorted by file.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let of_files = self.files.values().flat_map(|file| file.problems.iter().cloned());
        let mut problems: Vec<Problem> = of_files.chain(self.duplicates()).collect();
        problems.sort();
        problems
    }

    fn duplicates(&self) -> impl Iterator<Item = Problem> {
        self.places.iter().filter(|(_, places)| places.len() > 1).flat_map(|(key, places)| {
            let mut places = places.iter();
            let first = places.next().map(|first| first.display().to_string()).unwrap_or_default();
            let problem = move |file: &Arc<Path>| {
                let message =
                    format!("{key} is in {first} as well, and is taken from there; remove one");
                Problem::whole(file, message)
            };
            places.map(problem).collect::<Vec<_>>()
        })
    }

    /// The object as the file that counts has it.
    fn object(&self, key: &ObjectKey) -> Option<&Object> {
        let place = self.places.get(key)?.first()?;
        self.files.get(place)?.objects.get(key)
    }

    fn delta(&self, touched: BTreeSet<ObjectKey>) -> Delta {
        let applied = touched.iter().filter_map(|key| self.object(key)).cloned().collect();
        Delta { applied, deleted: Vec::new() }
    }

    fn read_if_changed(&mut self, path: &Path) -> BTreeSet<ObjectKey> {
        let stamp = Stamp::of(path);
        let known = self.files.get(path);
        match known {
            Some(file) if stamp.is_some() && file.stamp == stamp => BTreeSet::new(),
            _ => self.read_file(path),
        }
    }

    /// Returns the objects that it held and those that it holds.
    fn read_file(&mut self, path: &Path) -> BTreeSet<ObjectKey> {
        // Before the text is read: a change in between then shows as one.
        let stamp = Stamp::of(path);
        let read = read_objects(path);
        let path: Arc<Path> = path.into();
        let file = self.files.entry(path.clone()).or_default();
        file.stamp = stamp;
        let (objects, problems) = match read {
            Ok(read) => read,
            Err(problem) => {
                file.problems = vec![problem];
                return BTreeSet::new();
            }
        };
        file.problems = problems;
        file.was_good = true;
        let before = std::mem::replace(&mut file.objects, objects);
        let after: BTreeSet<ObjectKey> = file.objects.keys().cloned().collect();
        let mut touched: BTreeSet<ObjectKey> = before.into_keys().collect();
        for key in touched.difference(&after) {
            self.leave(key, &path);
        }
        for key in &after {
            let places = self.places.entry(key.clone()).or_default();
            if !places.contains(&path) {
                places.push(path.clone());
            }
        }
        touched.extend(after);
        touched
    }

    fn forget(&mut self, path: &Path) -> BTreeSet<ObjectKey> {
        let Some((path, file)) = self.files.remove_entry(path) else { return BTreeSet::new() };
        let touched: BTreeSet<ObjectKey> = file.objects.into_keys().collect();
        for key in &touched {
            self.leave(key, &path);
        }
        touched
    }

    fn leave(&mut self, key: &ObjectKey, path: &Arc<Path>) {
        let Some(places) = self.places.get_mut(key) else { return };
        places.retain(|place| place != path);
        if places.is_empty() {
            self.places.remove(key);
            self.gone.insert(key.clone());
        }
    }
}

/// True for a file that is read: a manifest by its name, with no dot file on the way to it.
pub(crate) fn is_manifest(root: &Path, path: &Path) -> bool {
    Format::of(path).is_some() && !is_hidden(root, path)
}

/// True if a part of the way from `root` to `path` begins with a dot.
fn is_hidden(root: &Path, path: &Path) -> bool {
    let Ok(inside) = path.strip_prefix(root) else { return true };
    inside.iter().any(|part| part.as_encoded_bytes().starts_with(b"."))
}

type ReadObjects = (BTreeMap<ObjectKey, Object>, Vec<Problem>);

fn read_objects(path: &Path) -> Result<ReadObjects, Problem> {
    let format = Format::of(path).unwrap_or(Format::Yaml);
    let text = fs::read_to_string(path).map_err(|error| Problem::whole(path, error.to_string()))?;
    let Parsed { objects: parsed, slips } =
        parse(format, &text).map_err(|finding| Problem::at(path, finding))?;
    let mut objects = BTreeMap::new();
    let mut problems: Vec<Problem> = slips
        .into_iter()
        .map(|slip| Problem { is_warning: true, ..Problem::at(path, slip) })
        .collect();
    for object in parsed {
        match objects.entry(object.key()) {
            Entry::Vacant(vacant) => {
                vacant.insert(object);
            }
            Entry::Occupied(occupied) => {
                let message =
                    format!("{} is in this file twice; the first one counts", occupied.key());
                problems.push(Problem::whole(path, message));
            }
        }
    }
    Ok((objects, problems))
}

/// All manifests below `root`, links followed.
fn walk(root: &Path) -> io::Result<Walk> {
    let mut found = Walk::default();
    let entries = fs::read_dir(root)?;
    walk_entries(root, entries, &mut vec![identity(root)?], &mut found)?;
    Ok(found)
}

/// `above` are the folders on the way here: a link back to one of them is not followed.
fn walk_entries(
    root: &Path,
    entries: fs::ReadDir,
    above: &mut Vec<(u64, u64)>,
    found: &mut Walk,
) -> io::Result<()> {
    for entry in entries {
        let path = entry?.path();
        if is_hidden(root, &path) {
            continue;
        }
        if path.is_dir() {
            walk_folder(root, path, above, found)?;
        } else if Format::of(&path).is_some() && path.is_file() {
            found.files.insert(path);
        }
    }
    Ok(())
}

fn walk_folder(
    root: &Path,
    folder: PathBuf,
    above: &mut Vec<(u64, u64)>,
    found: &mut Walk,
) -> io::Result<()> {
    let opened = identity(&folder).and_then(|identity| Ok((identity, fs::read_dir(&folder)?)));
    match opened {
        Ok((identity, _)) if above.contains(&identity) => {}
        Ok((identity, entries)) => {
            above.push(identity);
            walk_entries(root, entries, above, found)?;
            above.pop();
        }
        // It has gone in this moment.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => found.unreadable.push((folder, error)),
    }
    Ok(())
}

/// Device and inode: what a folder is, by whatever path.
pub(crate) fn identity(folder: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::metadata(folder)?;
    if metadata.is_dir() {
        Ok((metadata.dev(), metadata.ino()))
    } else {
        Err(io::ErrorKind::NotADirectory.into())
    }
}

// === impl Problem, Stamp, Format ===

impl Problem {
    fn whole(file: &Path, message: String) -> Self {
        Self { file: file.to_path_buf(), place: None, message, is_warning: false }
    }

    fn at(file: &Path, finding: Finding) -> Self {
        let Finding { line, column, message } = finding;
        Self { place: Some((line, column)), ..Self::whole(file, message) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, place, message, is_warning: _ } = self;
        match place {
            Some((line, column)) => write!(f, "{}:{line}:{column}: {message}", file.display()),
            None => write!(f, "{}: {message}", file.display()),
        }
    }
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self {
            inode: (metadata.dev(), metadata.ino()),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

impl Format {
    pub(crate) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "yaml" | "yml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
