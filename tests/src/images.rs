//! Images for real nodes, which can pull none: made once a run by `deploy/images/build`.

mod web_server;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::parts;
use crate::process::bound_to_us;
use crate::scratch::Scratch;

/// What runs in pods of tests: waits, or answers HTTP requests.
pub const POD: &str = "localhost/pod:test";

/// A web server with a shell, under a name that needs no pull: its tag is not `latest`.
pub const NGINX: &str = "docker.io/library/nginx:stable";

/// Images of a control plane, as `fedns init` takes them.
pub const CONTROL_PLANE: [(&str, &str); 4] = [
    ("--image", "localhost/fedns:test"),
    ("--apiserver-image", "localhost/kube-apiserver:test"),
    ("--controllermanager-image", "localhost/kube-controller-manager:test"),
    ("--etcd-image", "localhost/etcd:test"),
];

/// The archive of [`POD`].
pub fn pod() -> PathBuf {
    static ARCHIVE: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cluster/pod");
        let program = format!("pod={}", parts::program("pod").display());
        let dockerfiles = ["--dockerfiles", folder.to_str().expect("a path of this machine")];
        archive(&[dockerfiles.as_slice(), &[program.as_str()]].concat(), "pod")
    };
    ARCHIVE.get_or_init(build).clone()
}

/// The archive of [`NGINX`]. Needs `need::NGINX`.
pub fn nginx() -> PathBuf {
    static ARCHIVE: OnceLock<PathBuf> = OnceLock::new();
    ARCHIVE.get_or_init(|| web_server::build(&folder(), NGINX)).clone()
}

/// The archives of [`CONTROL_PLANE`]: fedns, compiled here, and the stock parts.
pub fn control_plane() -> Vec<PathBuf> {
    static ARCHIVES: OnceLock<Vec<PathBuf>> = OnceLock::new();
    let build = || {
        let stock = parts::program("kubernetes").display().to_string();
        let names = ["kube-apiserver", "kube-controller-manager", "etcd"];
        let parts = names.map(|name| (name, format!("{name}={stock}")));
        let mut archives = vec![archive(&["--debug", "fedns"], "fedns")];
        archives.extend(parts.iter().map(|(name, part)| archive(&[part.as_str()], name)));
        archives
    };
    ARCHIVES.get_or_init(build).clone()
}

/// Statics are never dropped, so the end of the run says when.
pub fn remove_all() {
    if let Some(folder) = crate::lock::lock(&FOLDER).take() {
        drop(folder);
    }
}

static FOLDER: std::sync::Mutex<Option<Scratch>> = std::sync::Mutex::new(None);

fn folder() -> PathBuf {
    crate::lock::lock(&FOLDER).get_or_insert_with(|| Scratch::new("images")).path().to_owned()
}

fn archive(arguments: &[&str], name: &str) -> PathBuf {
    let folder = folder();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/images/build");
    let mut command = Command::new(script);
    command.args(["--tag", "test", "--archive"]).arg(&folder).args(arguments);
    let output = bound_to_us(&command).output().expect("start deploy/images/build");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {words}");
    folder.join(format!("{name}.tar"))
}
