//! The fedns binary that the tests run.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::parts;
use crate::scratch::Scratch;

/// A command that runs fedns, built with every part in it and never stale: the first call of a run
/// asks cargo, in the profile of the program that asks.
pub fn fedns() -> Command {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    Command::new(BINARY.get_or_init(build))
}

/// fedns as a plugin of kubectl: a folder that has it by the name that kubectl looks for.
pub struct Plugin(Scratch);

impl Plugin {
    pub fn install() -> Self {
        let folder = Scratch::new("plugin");
        let program = fedns().get_program().to_owned();
        std::os::unix::fs::symlink(program, folder.path().join("kubectl-fedns"))
            .expect("make a link");
        Self(folder)
    }

    /// The stock kubectl, which takes no flags of its own before a plugin's name.
    pub fn kubectl(&self, kubeconfig: &Path, words: &[&str]) -> Command {
        let mut path = self.0.path().as_os_str().to_owned();
        path.push(":");
        path.push(env::var_os("PATH").unwrap_or_default());
        let mut command = parts::kubernetes("kubectl");
        command.args(words).env("PATH", path).env("KUBECONFIG", kubeconfig);
        command.env("HOME", self.0.path()).env_remove("FEDNS_ADMIN");
        command
    }
}

fn build() -> PathBuf {
    let program = env::current_exe().expect("this program has a path");
    let profile = profile_folder(&program);
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What `tests/run` compiles, so that little is compiled twice.
    cargo.args(["build", "--quiet", "--workspace", "--bins", "--all-features"]);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    // What cargo told this test of its own package: a build script that reads these would run anew,
    // and all that stands on it would be compiled again, here and at the next call of cargo.
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_of_package) {
            cargo.env_remove(name);
        }
    }
    let status = cargo
        .arg("--target-dir")
        .arg(profile.parent().expect("a profile has a folder"))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .stdin(Stdio::null())
        .status()
        .expect("start cargo");
    assert!(status.success(), "fedns does not build");
    profile.join("fedns")
}

fn is_of_package(name: &str) -> bool {
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

/// A test binary runs from `target/PROFILE/deps`, any other program from `target/PROFILE`.
fn profile_folder(program: &Path) -> &Path {
    let folder = program.parent().expect("a file has a folder");
    match folder.file_name() {
        Some(name) if name == "deps" => folder.parent().expect("cargo keeps deps in a profile"),
        _ => folder,
    }
}
