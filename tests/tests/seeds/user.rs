//! A user at a shell, who has a page of `examples/seeds` open and types what it says, line by line.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tests::eventually::{GENEROUS, eventually};
use tests::parts;
use tests::process::Process;
use tests::product;
use tests::scratch::Scratch;

pub(super) struct User {
    /// What is left of the page.
    lines: VecDeque<String>,
    /// What the page calls `$NAME`.
    variables: BTreeMap<String, String>,
    home: Scratch,
}

/// What a command printed.
pub(super) struct Printed {
    pub(super) out: String,
    pub(super) errors: String,
    line: String,
    is_success: bool,
}

// === impl User ===

impl User {
    /// In a home that holds the files beside the page.
    pub(super) fn with_page(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/seeds").join(name);
        let home = Scratch::new(name);
        for entry in fs::read_dir(&folder).expect("read the example") {
            let file = entry.expect("read the example").path();
            let name = file.file_name().expect("a name");
            fs::copy(&file, home.path().join(name)).expect("copy a file");
        }
        let page = fs::read_to_string(folder.join("README.md")).expect("the example has a page");
        Self { lines: commands(&page), variables: BTreeMap::new(), home }
    }

    pub(super) fn home(&self) -> &Scratch {
        &self.home
    }

    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.home.path().join(".kube/config")
    }

    pub(super) fn kubeconfig_text(&self) -> String {
        fs::read_to_string(self.kubeconfig()).expect("there is a kubeconfig")
    }

    pub(super) fn set(&mut self, variable: &str, value: String) {
        self.variables.insert(format!("${variable}"), value);
    }

    /// Puts their own words into a file of the example, each in place of what stands there.
    #[track_caller]
    pub(super) fn replaces<const N: usize>(&self, file: &str, old: [&str; N], new: [&str; N]) {
        let path = self.home.path().join(file);
        let mut text = fs::read_to_string(&path).expect("the example has the file");
        for (old, new) in old.into_iter().zip(new) {
            assert!(text.contains(old), "{old} is not in {file}");
            text = text.replace(old, new);
        }
        fs::write(path, text).expect("write a file");
    }

    /// Names are asked of this address from now on, as `/etc/resolv.conf` says.
    pub(super) fn resolves_with(&self, server: &str) {
        self.home.write("resolv.conf", format!("nameserver {server}\n"));
    }

    /// The next line of the page, which must be this one, and must succeed; what it prints.
    #[track_caller]
    pub(super) fn types(&mut self, line: &str) -> String {
        self.next(line);
        self.tries(line, &[]).succeeded().out
    }

    /// The same, again and again until what it prints has all of this in it.
    #[track_caller]
    pub(super) fn types_until(&mut self, line: &str, expected: &[&str]) -> String {
        self.next(line);
        let printed = eventually(GENEROUS * 2, line, || {
            let printed = self.attempt(line, &[]);
            match printed.is_success && expected.iter().all(|it| printed.out.contains(it)) {
                true => Ok(printed),
                false => Err(printed.text()),
            }
        });
        self.note(&printed);
        printed.out
    }

    /// A line, with words that the page has not; the page stays where it is.
    #[track_caller]
    pub(super) fn tries(&self, line: &str, more: &[String]) -> Printed {
        let printed = self.attempt(line, more);
        self.note(&printed);
        printed
    }

    #[track_caller]
    fn attempt(&self, line: &str, more: &[String]) -> Printed {
        let Output { status, stdout, stderr } =
            self.command(line, more).output().expect("start a command");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("commands print UTF-8");
        let (out, errors) = (text(stdout), text(stderr));
        Printed { out, errors, line: line.to_owned(), is_success: status.success() }
    }

    /// The next line of the page, in the background; its log has all that it prints.
    #[track_caller]
    pub(super) fn begins(&mut self, line: &str, more: &[String]) -> Process {
        self.next(line);
        Process::start("typed", &self.command(line, more), self.home.path())
    }

    /// What was on the screen, to be read after a test that failed.
    fn note(&self, printed: &Printed) {
        let text = format!("$ {}\n{}", printed.line, printed.text());
        let file = self.home.path().join("screen.txt");
        let file = File::options().create(true).append(true).open(file);
        file.and_then(|mut file| file.write_all(text.as_bytes())).expect("write a file");
    }

    #[track_caller]
    pub(super) fn has_typed_all(&self) {
        assert!(self.lines.is_empty(), "the page goes on: {:#?}", self.lines);
    }

    #[track_caller]
    fn next(&mut self, line: &str) {
        let shown = self.lines.pop_front();
        assert_eq!(shown.as_deref(), Some(line), "the page says otherwise");
    }

    fn command(&self, line: &str, more: &[String]) -> Command {
        let value = |word: &str| self.variables.get(word).cloned().unwrap_or_else(|| word.into());
        let mut words = line.split(' ').map(value);
        let program = words.next().unwrap_or_default();
        let mut command = match program.as_str() {
            "fedns" => product::fedns(),
            "kubectl" => parts::kubernetes("kubectl"),
            "curl" => self.curl(),
            other => panic!("{other} is no command of these pages"),
        };
        command.args(words).args(more).current_dir(self.home.path());
        command.env("HOME", self.home.path()).env_remove("KUBECONFIG");
        command
    }

    /// The machine's curl, in a mount namespace where names are resolved by whom the user says.
    fn curl(&self) -> Command {
        let file = self.home.path().join("resolv.conf");
        let script = r#"mount --bind "$0" /etc/resolv.conf && exec curl --silent --show-error --fail --max-time 20 "$@""#;
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c", script]).arg(file);
        command
    }
}

// === impl Printed ===

impl Printed {
    #[track_caller]
    pub(super) fn succeeded(self) -> Self {
        assert!(self.is_success, "{}: {}", self.line, self.text());
        self
    }

    #[track_caller]
    pub(super) fn failed(self) -> Self {
        assert!(!self.is_success, "{} succeeded: {}", self.line, self.text());
        self
    }

    /// All of it; what came when is not known.
    fn text(&self) -> String {
        format!("{}{}", self.out, self.errors)
    }
}

/// The lines of the page's `sh` blocks, those that go on in the next one joined.
fn commands(page: &str) -> VecDeque<String> {
    let blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap_or(""));
    let text: String = blocks.collect::<String>().replace("\\\n", " ");
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(words).filter(|line| !line.is_empty()).collect()
}

/// Cells of the rows of a table, without its head.
pub(super) fn rows(table: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    table.lines().skip(1).map(cells).collect()
}

/// The first `count` cells of each row: `beijing Ready`.
pub(super) fn columns(table: &str, count: usize) -> Vec<String> {
    rows(table).iter().map(|cells| cells[..count.min(cells.len())].join(" ")).collect()
}

/// A flag and its value, as one word for each.
pub(super) fn flags<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    pairs.into_iter().map(|(flag, value)| format!("{flag}={value}")).collect()
}
