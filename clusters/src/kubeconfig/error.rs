//! Why a kubeconfig cannot be read or changed, in lines without anything that it holds but names.

use std::io;
use std::path::PathBuf;

/// Why a text is no kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Line and column count from 1.
    pub line: usize,
    pub column: usize,
    pub reason: &'static str,
}

/// What is wrong with the content of a kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("line {}, column {}: {}: mend it", .0.line, .0.column, .0.reason)]
    Malformed(Malformed),
    #[error("it is no map of `clusters`, `contexts` and `users`: mend it, or name another file")]
    NoMap,
    #[error("its `{list}` is no list of entries with a `name`: mend it, or name another file")]
    NoList { list: &'static str },
    #[error("its `{list}` has \"{name}\", whose `{key}` is no map: mend it")]
    NoContent { list: &'static str, name: String, key: &'static str },
    #[error("its `{list}` has \"{name}\" twice: remove one of them")]
    Twice { list: &'static str, name: String },
    #[error("it has no context \"{context}\"; there is {}", list_of(.known))]
    NoContext { context: String, known: Vec<String> },
    #[error("it has no current-context; there is {}", list_of(.known))]
    NoCurrentContext { known: Vec<String> },
    #[error(
        "context \"{context}\" is for {kind} \"{name}\", which is not under `{list}`: add it there, or name another context"
    )]
    Missing { context: String, kind: &'static str, name: String, list: &'static str },
    #[error("context \"{context}\" names no cluster, or its cluster has no `server`: mend it")]
    NoServer { context: String },
    #[error("it has another {kind} \"{name}\" already")]
    Clash { kind: &'static str, name: String },
    #[error(
        "its `{list}` is written in a form that cannot be changed in place: let kubectl write it anew (any `kubectl config set`), and try again"
    )]
    Form { list: &'static str },
    #[error("{path}, its `{key}`, holds no token")]
    NoToken { path: String, key: &'static str },
}

/// Why a kubeconfig file could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("neither $KUBECONFIG nor a home folder says where the kubeconfig is: set $KUBECONFIG")]
    NoPlace,
    #[error("cannot read {}", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {}", .path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot lock the kubeconfig with {}", .path.display())]
    Lock { path: PathBuf, source: io::Error },
    #[error(
        "{} has been there for {age_seconds} s: kubectl or another program changes the kubeconfig, or was killed while it did; if none does, remove that file",
        .path.display()
    )]
    Locked { path: PathBuf, age_seconds: u64 },
    #[error("kubeconfig {}", .path.display())]
    Content { path: PathBuf, source: Fault },
}

fn list_of(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
