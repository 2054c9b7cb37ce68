//! What the kernel tells of a folder, and what is to be done about it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use notify::EventKind;
use notify::event::{AccessKind, AccessMode, ModifyKind};

use super::folder::is_manifest;

/// What a batch of events asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wish {
    /// Files to be read at once.
    pub(super) files: BTreeSet<PathBuf>,
    /// Something else moved: links, folders.
    pub(super) look_around: bool,
    /// Events were lost, or the folder itself moved.
    pub(super) start_over: bool,
    /// Anything at all happened: the folder is not quiet.
    pub(super) is_event: bool,
}

// === impl Wish ===

impl Wish {
    /// Takes in one event. `being_written` are the files that somebody has written to and not
    /// closed.
    pub(super) fn note(
        &mut self,
        root: &Path,
        kind: EventKind,
        path: PathBuf,
        being_written: &mut BTreeSet<PathBuf>,
    ) {
        let is_access = matches!(kind, EventKind::Access(_));
        let is_close = kind == EventKind::Access(AccessKind::Close(AccessMode::Write));
        if is_access && !is_close {
            // Among them our own reading.
            return;
        }
        let is_rename = matches!(kind, EventKind::Modify(ModifyKind::Name(_)));
        let is_birth = matches!(kind, EventKind::Create(_));
        let is_death = matches!(kind, EventKind::Remove(_));
        if root.starts_with(&path) {
            // The folder itself, a link to it, or a folder above it.
            self.start_over |= is_rename || is_birth || is_death;
            return;
        }
        if !path.starts_with(root) {
            return;
        }
        self.is_event = true;
        if !is_manifest(root, &path) || path.is_dir() {
            self.look_around |= is_rename || is_birth || is_death;
        } else if is_close || is_rename || is_death {
            being_written.remove(&path);
            self.files.insert(path);
        } else if is_birth {
            // A new file is read when it is closed; a link is whole at once.
            self.look_around |= path.is_symlink();
        } else if matches!(kind, EventKind::Modify(ModifyKind::Data(_))) {
            being_written.insert(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, DataChange, MetadataKind, RemoveKind, RenameMode};

    const CLOSE: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));
    const WRITE: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    const MOVE_TO: EventKind = EventKind::Modify(ModifyKind::Name(RenameMode::To));
    const CREATE: EventKind = EventKind::Create(CreateKind::File);
    const REMOVE: EventKind = EventKind::Remove(RemoveKind::File);

    /// Compares what is to be done, in words, and which files are still being written.
    #[track_caller]
    fn check(events: &[(EventKind, &str)], expect: &str) {
        let mut wish = Wish::default();
        let mut being_written = BTreeSet::new();
        for (kind, path) in events {
            wish.note(Path::new("/nowhere/in"), *kind, PathBuf::from(path), &mut being_written);
        }
        let Wish { files, look_around, start_over, is_event } = wish;
        let mut words: Vec<String> = Vec::new();
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        words.extend(files.iter().map(|file| format!("read {}", name(file))));
        words.extend(being_written.iter().map(|file| format!("spare {}", name(file))));
        let flags = [(look_around, "look"), (start_over, "again"), (is_event, "event")];
        words.extend(flags.iter().filter(|(is_set, _)| *is_set).map(|(_, word)| word.to_string()));
        assert_eq!(words.join(", "), expect, "{events:?}");
    }

    #[test]
    fn files_are_read_on_close_or_rename() {
        check(&[(CLOSE, "/nowhere/in/a.yaml")], "read a.yaml, event");
        check(&[(MOVE_TO, "/nowhere/in/sub/a.json")], "read a.json, event");
        check(&[(REMOVE, "/nowhere/in/a.yml")], "read a.yml, event");
        check(&[(CREATE, "/nowhere/in/a.yaml")], "event");
        check(
            &[(CREATE, "/nowhere/in/a.yaml"), (WRITE, "/nowhere/in/a.yaml")],
            "spare a.yaml, event",
        );
        check(
            &[(WRITE, "/nowhere/in/a.yaml"), (CLOSE, "/nowhere/in/a.yaml")],
            "read a.yaml, event",
        );
    }

    #[test]
    fn links_and_folders_make_us_look_around() {
        check(&[(MOVE_TO, "/nowhere/in/..data")], "look, event");
        check(&[(EventKind::Create(CreateKind::Folder), "/nowhere/in/sub")], "look, event");
        check(&[(CLOSE, "/nowhere/in/README.md")], "event");
        check(&[(CLOSE, "/nowhere/in/.a.yaml.swp")], "event");
    }

    #[test]
    fn reading_is_no_event_and_a_change_of_rights_is() {
        check(&[(EventKind::Access(AccessKind::Open(AccessMode::Any)), "/nowhere/in/a.yaml")], "");
        check(
            &[(EventKind::Access(AccessKind::Close(AccessMode::Read)), "/nowhere/in/a.yaml")],
            "",
        );
        let rights = EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any));
        check(&[(rights, "/nowhere/in/a.yaml")], "event");
    }

    #[test]
    fn the_folder_itself_is_opened_anew() {
        check(&[(REMOVE, "/nowhere/in")], "again");
        check(&[(MOVE_TO, "/nowhere/in")], "again");
        check(&[(CREATE, "/nowhere")], "again");
        check(&[(CREATE, "/nowhere/else")], "");
    }
}
