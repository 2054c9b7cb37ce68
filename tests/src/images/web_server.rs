//! A web server that others wrote, as an image: Debian's nginx, with a shell beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::need::find_program;
use crate::process::bound_to_us;

const PROGRAMS: [&str; 4] = ["nginx", "bash", "cat", "ls"];
const PAGE: &str = "usr/share/nginx/html/index.html";
/// The workers' user.
const USERS: &str = "root:x:0:0:root:/:/bin/bash\n";

/// Puts into `folder` what the image holds, and writes it as an oci-archive.
pub(super) fn build(folder: &Path, name: &str) -> PathBuf {
    let root = folder.join("nginx-root");
    for program in PROGRAMS {
        let file =
            find_program(program).expect("a test with this image lists Need::Program for it");
        for library in libraries(&file) {
            copy(&library, &root.join(library.strip_prefix("/").expect("an absolute path")));
        }
        let place = if program == "nginx" { "usr/sbin" } else { "bin" };
        copy(&file, &root.join(place).join(program));
    }
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("cluster/nginx");
    copy(&Path::new("/").join(PAGE), &root.join(PAGE));
    copy(&sources.join("nginx.conf"), &root.join("etc/nginx/nginx.conf"));
    for empty in ["tmp", "var/log/nginx", "var/lib/nginx"] {
        fs::create_dir_all(root.join(empty)).expect("make a folder");
    }
    fs::write(root.join("etc/passwd"), USERS).expect("write a file");
    fs::write(root.join("etc/group"), "root:x:0:\n").expect("write a file");
    let archive = folder.join("nginx.tar");
    let storage = folder.join("nginx-storage");
    let mut command = Command::new("buildah");
    command.arg("--root").arg(&storage).arg("--runroot").arg(folder.join("nginx-run"));
    command.args(["--storage-driver", "vfs", "bud", "--quiet", "--disable-compression", "-f"]);
    command.arg(sources.join("nginx.Dockerfile"));
    command.args(["-t", &format!("oci-archive:{}:{name}", archive.display())]).arg(&root);
    run(&command);
    archive
}

/// What the program loads, its loader too.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let listed = run(Command::new("ldd").arg(program));
    let paths = listed.split_whitespace().filter(|word| word.starts_with('/'));
    paths.map(PathBuf::from).collect()
}

/// What a link leads to, and not the link.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().expect("in a folder")).expect("make a folder");
    fs::copy(from, to).unwrap_or_else(|error| panic!("copy {}: {error}", from.display()));
}

#[track_caller]
fn run(command: &Command) -> String {
    let output = bound_to_us(command).output().expect("start a program");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {words}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
