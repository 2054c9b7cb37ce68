//! The judges: BIND, ldns and Knot, by the programs that they bring for zone files.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{env, fmt, io};

/// Whether a reader takes a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Takes,
    Refuses,
}

/// The three programs and a folder to put zones in.
pub struct Judges {
    named_checkzone: PathBuf,
    ldns_read_zone: PathBuf,
    kzonecheck: PathBuf,
    folder: tempfile::TempDir,
}

/// What the judges say of one zone.
pub struct Judgement {
    pub bind: Verdict,
    pub ldns: Verdict,
    pub knot: Verdict,
    /// Lines of all records in BIND's own form, without the case that it keeps.
    pub bind_text: BTreeSet<String>,
    /// Lines of all records in the canonical form of ldns.
    pub ldns_text: BTreeSet<String>,
}

const PROGRAMS: [(&str, &str); 3] = [
    ("named-checkzone", "bind9-utils"),
    ("ldns-read-zone", "ldnsutils"),
    ("kzonecheck", "knot-dnssecutils"),
];

impl Judges {
    /// `None` where a program is missing, which is said on the terminal; with
    /// `FEDNS_TEST_REQUIRE_ALL=1` it fails the test.
    pub fn call() -> Option<Self> {
        let found = PROGRAMS.map(|(program, _)| find_program(program));
        if let [Some(named_checkzone), Some(ldns_read_zone), Some(kzonecheck)] = found {
            let folder = tempfile::tempdir().unwrap();
            return Some(Self { named_checkzone, ldns_read_zone, kzonecheck, folder });
        }
        let missing = PROGRAMS.iter().zip(&found).filter(|(_, found)| found.is_none());
        let missing: Vec<String> = missing
            .map(|((program, package), _)| format!("{program} (Debian's package {package})"))
            .collect();
        let line = format!("zone files were not judged: missing {}", missing.join(", "));
        assert!(env::var_os("FEDNS_TEST_REQUIRE_ALL").is_none_or(|all| all != "1"), "{line}");
        // Not by a macro: the test runner would keep what a passing test prints.
        io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
        None
    }

    pub fn judge(&self, apex: &str, text: &[u8]) -> Judgement {
        let file = self.folder.path().join("judged.zone");
        std::fs::write(&file, text).unwrap();
        self.judge_file(apex, &file)
    }

    /// The zone in `file`, whose folder is what relative includes count from.
    pub fn judge_file(&self, apex: &str, file: &Path) -> Judgement {
        let folder = file.parent().unwrap();
        let run = |program: &Path, arguments: &[&str]| {
            let mut command = Command::new(program);
            command.args(arguments).arg(file).current_dir(folder).stdin(Stdio::null());
            command.output().unwrap()
        };
        // Targets elsewhere are not looked up, and names need not be those of hosts.
        let flags = ["-D", "-q", "-i", "local", "-k", "ignore", "-s", "full", apex];
        let bind = run(&self.named_checkzone, &flags);
        let ldns = run(&self.ldns_read_zone, &["-z"]);
        let knot = run(&self.kzonecheck, &["-o", apex]);
        Judgement {
            bind: verdict(&bind),
            ldns: verdict(&ldns),
            knot: verdict(&knot),
            bind_text: lines(&bind).iter().map(|line| line.to_lowercase()).collect(),
            ldns_text: lines(&ldns),
        }
    }
}

fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn verdict(output: &Output) -> Verdict {
    if output.status.success() { Verdict::Takes } else { Verdict::Refuses }
}

/// Records without the blanks that only line them up.
fn lines(output: &Output) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

impl Judgement {
    pub fn all_take(&self) -> bool {
        [self.bind, self.ldns, self.knot] == [Verdict::Takes; 3]
    }

    /// `BLK` with a dash in place of each that refuses.
    pub fn takers(&self) -> String {
        let letter = |verdict, letter| if verdict == Verdict::Takes { letter } else { '-' };
        [letter(self.bind, 'B'), letter(self.ldns, 'L'), letter(self.knot, 'K')].iter().collect()
    }

    pub fn none_takes(&self) -> bool {
        [self.bind, self.ldns, self.knot] == [Verdict::Refuses; 3]
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bind, ldns, knot, .. } = self;
        write!(f, "BIND {bind:?}, ldns {ldns:?}, Knot {knot:?}")
    }
}
