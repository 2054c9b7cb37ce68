//! The programs that `tests/cluster/build` made.

use std::path::PathBuf;
use std::process::Command;

use crate::need::parts_folder;

/// A command that runs one Kubernetes part, or etcd, or kubectl.
pub fn kubernetes(part: &str) -> Command {
    let mut command = Command::new(folder().join("kubernetes"));
    command.arg(part);
    command
}

/// kwok with the stages that make nodes and pods Ready at once.
pub fn kwok() -> Command {
    let mut command = Command::new(folder().join("kwok"));
    command.arg("--config").arg(folder().join("kwok-stages.yaml"));
    command
}

/// Another of the programs: `containerd`, `ctr`, or `pod`, which runs in pods.
pub fn program(name: &str) -> PathBuf {
    folder().join(name)
}

/// Where all of them are.
pub fn folder() -> PathBuf {
    parts_folder().expect("a test that runs Kubernetes parts lists Need::Kubernetes")
}
