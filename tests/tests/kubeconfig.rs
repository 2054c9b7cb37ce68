use std::path::Path;
use std::process::Output;

use tests::product;
use tests::suite::Test;

/// From files on this machine.
mod files;

/// From hosts, over a real ssh.
mod hosts;

pub(crate) fn tests() -> Vec<Test> {
    [files::tests(), hosts::tests()].into_iter().flatten().collect()
}

/// A kubeconfig as kubeadm writes it.
fn kubeadm(server: &str, token: &str) -> String {
    format!(
        "apiVersion: v1\n\
         clusters:\n\
         - cluster:\n    certificate-authority-data: Q0E=\n    server: {server}\n  name: kubernetes\n\
         contexts:\n\
         - context:\n    cluster: kubernetes\n    user: kubernetes-admin\n  name: kubernetes-admin@kubernetes\n\
         current-context: kubernetes-admin@kubernetes\n\
         kind: Config\n\
         preferences: {{}}\n\
         users:\n- name: kubernetes-admin\n  user:\n    token: {token}\n"
    )
}

/// Runs `fedns kubeconfig merge` in a folder that is also its user's home.
fn merge(home: &Path, words: &[&str]) -> Output {
    let mut command = product::fedns();
    command.args(["kubeconfig", "merge"]).args(words);
    command
        .current_dir(home)
        .env("HOME", home)
        .env_remove("KUBECONFIG")
        .env_remove("SSH_AUTH_SOCK");
    command.output().expect("fedns runs")
}

/// What a merge that succeeds prints, and what it warns of.
#[track_caller]
fn merged(home: &Path, words: &[&str]) -> (String, String) {
    let output = merge(home, words);
    let warnings = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success(), "{words:?}: {warnings}");
    (String::from_utf8(output.stdout).expect("UTF-8"), warnings)
}

/// The lines of a merge that fails, and writes nothing.
#[track_caller]
fn refused(home: &Path, words: &[&str]) -> Vec<String> {
    let before = std::fs::read(home.join(".kube/config")).ok();
    let output = merge(home, words);
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{words:?}: {errors}");
    assert_eq!(std::fs::read(home.join(".kube/config")).ok(), before, "{words:?}");
    errors.lines().map(str::to_owned).collect()
}
