use super::*;

struct Fixture {
    root: tempfile::TempDir,
    folder: Folder,
}

/// A Node, the shortest of objects; `labels` make two of the same name differ.
fn node(name: &str, region: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Node\nmetadata: {{name: {name}, labels: {{topology.kubernetes.io/region: {region}}}}}\n"
    )
}

const BROKEN: &str = "apiVersion: v1\nkind: [\n";
const UNCLOSED: &str =
    "found unclosed bracket '[', wanted YAML; correct the bracket, quote, key or indentation there";

impl Fixture {
    fn new(files: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::new(root.path().to_path_buf());
        let mut fixture = Self { root, folder };
        for (path, text) in files {
            fixture.write(path, text);
        }
        fixture
    }

    fn write(&mut self, path: &str, text: &str) -> &mut Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn remove(&mut self, path: &str) -> &mut Self {
        fs::remove_file(self.path(path)).unwrap();
        self
    }

    fn rename(&mut self, from: &str, to: &str) -> &mut Self {
        fs::rename(self.path(from), self.path(to)).unwrap();
        self
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// What a look at the whole folder tells: `+name region` and `-name`.
    #[track_caller]
    fn rescan(&mut self, expect: &str) -> &mut Self {
        let delta = self.folder.rescan(&BTreeSet::new()).unwrap();
        assert_eq!(tell(delta), expect);
        self
    }

    /// What reading some files at once tells.
    #[track_caller]
    fn read(&mut self, paths: &[&str], expect: &str) -> &mut Self {
        let paths = paths.iter().map(|path| self.path(path)).collect();
        assert_eq!(tell(self.folder.read(&paths)), expect);
        self
    }

    #[track_caller]
    fn problems(&mut self, expect: &[&str]) -> &mut Self {
        let root = format!("{}/", self.root.path().display());
        let problems: Vec<String> = self
            .folder
            .problems()
            .iter()
            .map(|problem| problem.to_string().replace(&root, ""))
            .collect();
        assert_eq!(problems, expect);
        self
    }
}

fn tell(delta: Delta) -> String {
    let applied = delta.applied.iter().map(|object| match object {
        Object::Node(node) => {
            let region = node.metadata.labels.region.as_deref().unwrap_or_default();
            format!("+{} {region}", node.metadata.name)
        }
        other => panic!("{other:?}"),
    });
    let deleted = delta.deleted.iter().map(|key| format!("-{}", key.name));
    applied.chain(deleted).collect::<Vec<_>>().join(", ")
}

#[test]
fn manifests_are_found_by_their_names_in_all_folders_but_for_dot_files() {
    Fixture::new(&[
        ("a.yaml", &node("a", "r")),
        ("deep/er/b.yml", &node("b", "r")),
        ("c.json", r#"{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "c"}}"#),
        ("README.md", "kind: ["),
        (".hidden.yaml", &node("d", "r")),
        (".git/e.yaml", &node("e", "r")),
    ])
    .rescan("+a r, +b r, +c ")
    .rescan("")
    .problems(&[]);
}

#[test]
fn objects_missing_from_a_folder_count_as_deleted_an_emptied_file_included() {
    let both = format!("{}---\n{}", node("b", "r"), node("c", "r"));
    Fixture::new(&[("a.yaml", &node("a", "r")), ("bc.yaml", &both)])
        .rescan("+a r, +b r, +c r")
        .remove("a.yaml")
        .write("bc.yaml", &node("c", "s"))
        .rescan("+c s, -a, -b")
        .write("bc.yaml", "")
        .rescan("-c");
}

#[test]
fn reading_one_file_deletes_nothing_yet() {
    Fixture::new(&[("a.yaml", &node("a", "r"))])
        .rescan("+a r")
        .write("a.yaml", &node("b", "r"))
        .read(&["a.yaml"], "+b r")
        .rescan("-a");
}

#[test]
fn a_rename_is_no_deletion() {
    Fixture::new(&[("a.yaml", &node("a", "r"))])
        .rescan("+a r")
        .rename("a.yaml", "b.yaml")
        .read(&["a.yaml", "b.yaml"], "+a r")
        .rescan("");
}

#[test]
fn a_broken_file_keeps_its_last_good_objects_and_is_reported_with_its_place() {
    let mut fixture = Fixture::new(&[("a.yaml", &node("a", "r"))]);
    fixture
        .rescan("+a r")
        .write("a.yaml", BROKEN)
        .rescan("")
        .problems(&[&format!("a.yaml:2:7: {UNCLOSED}")]);
    assert!(!fixture.folder.is_partial());
    fixture.write("a.yaml", &node("a", "s")).rescan("+a s").problems(&[]);
}

#[test]
fn a_slip_of_the_pen_is_reported_and_spoils_nothing() {
    let text = format!("{}---\napiVersion: v1\nkind: Nod\n", node("a", "r"));
    let mut fixture = Fixture::new(&[("a.yaml", &text)]);
    fixture.rescan("+a r").problems(&[
        "a.yaml:6:7: kind: found \"Nod\", which Kubernetes does not have, so the object is ignored; \
         wanted Node? correct it",
    ]);
    assert!(fixture.folder.problems()[0].is_warning);
    assert!(!fixture.folder.is_partial());
}

#[test]
fn a_file_that_never_could_be_read_makes_the_folder_partial() {
    let mut fixture = Fixture::new(&[("a.yaml", BROKEN), ("b.yaml", &node("b", "r"))]);
    fixture.rescan("+b r");
    assert!(fixture.folder.is_partial());
    fixture.write("a.yaml", &node("a", "r")).rescan("+a r");
    assert!(!fixture.folder.is_partial());
}

#[test]
fn one_object_in_two_files_is_an_error_naming_both() {
    let mut fixture = Fixture::new(&[("a.yaml", &node("a", "r")), ("b.yaml", &node("a", "s"))]);
    let root = format!("{}/", fixture.root.path().display());
    fixture
        .rescan("+a r")
        .problems(&["b.yaml: Node a is in a.yaml as well, and is taken from there; remove one"]);
    assert!(fixture.folder.problems()[0].to_string().contains(&format!("{root}a.yaml")));
    // Without the first, the second counts, and at once.
    fixture.remove("a.yaml").rescan("+a s").problems(&[]);
}

#[test]
fn a_copy_does_not_take_an_object_over() {
    let mut fixture = Fixture::new(&[("b.yaml", &node("a", "r"))]);
    fixture.rescan("+a r");
    fixture
        .write("a.yaml", &node("a", "s"))
        .rescan("+a r")
        .problems(&["a.yaml: Node a is in b.yaml as well, and is taken from there; remove one"]);
    fixture.write("b.yaml", &node("a", "t")).rescan("+a t");
    fixture.remove("b.yaml").rescan("+a s").problems(&[]);
}

#[test]
fn one_object_twice_in_a_file_is_an_error() {
    let twice = format!("{}---\n{}", node("a", "r"), node("a", "s"));
    Fixture::new(&[("a.yaml", &twice)])
        .rescan("+a r")
        .problems(&["a.yaml: Node a is in this file twice; the first one counts"]);
}

#[test]
fn a_link_that_is_swapped_is_followed() {
    let mut fixture =
        Fixture::new(&[("..1/a.yaml", &node("a", "r")), ("..2/a.yaml", &node("a", "s"))]);
    std::os::unix::fs::symlink("..1", fixture.path("..data")).unwrap();
    std::os::unix::fs::symlink("..data/a.yaml", fixture.path("a.yaml")).unwrap();
    fixture.rescan("+a r");
    std::os::unix::fs::symlink("..2", fixture.path("..tmp")).unwrap();
    fixture.rename("..tmp", "..data").rescan("+a s");
}

#[test]
fn a_link_that_leads_back_is_not_followed() {
    let mut fixture = Fixture::new(&[("in/a.yaml", &node("a", "r"))]);
    std::os::unix::fs::symlink("..", fixture.path("in/again")).unwrap();
    fixture.rescan("+a r").problems(&[]);
}

#[test]
fn a_file_that_is_being_written_is_left_alone() {
    let mut fixture = Fixture::new(&[("a.yaml", &node("a", "r"))]);
    fixture.rescan("+a r").write("a.yaml", "");
    let being_written = BTreeSet::from([fixture.path("a.yaml")]);
    assert_eq!(fixture.folder.rescan(&being_written).unwrap(), Delta::default());
    fixture.rescan("-a");
}

#[test]
fn a_folder_that_is_not_there_is_an_error_and_changes_nothing() {
    let mut fixture = Fixture::new(&[("in/a.yaml", &node("a", "r"))]);
    fixture.folder = Folder::new(fixture.path("in"));
    fixture.rescan("+a r").rename("in", "out");
    assert_eq!(
        fixture.folder.rescan(&BTreeSet::new()).unwrap_err().kind(),
        io::ErrorKind::NotFound
    );
    fixture.rename("out", "in").rescan("");
}
