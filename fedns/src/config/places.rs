//! Where in the file the things stand that only a later look finds wrong: files that are not there,
//! zones that do not fit together, ports that are taken.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use model::{ClusterName, Name};

use super::tree::Place;

/// What is wanted of `stateDir`.
pub const STATE_FOLDER: &str = "a folder that fedns can make, read and write";

/// What such a thing is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Zone(Name),
    StaticRecords(PathBuf),
    StateDir,
    /// An address of the list with this key in `listen`.
    Listen(&'static str, SocketAddr),
    ListenAdmin,
    Cpus,
    User,
    CookieSecrets,
    TlsCertificate,
    TlsKey,
    AdminToken,
    Cluster(ClusterName),
    /// Keys of a cluster's entry; one that is not written counts as standing where the entry does.
    Manifests(ClusterName),
    Kubeconfig(ClusterName),
    Context(ClusterName),
    /// The file with a provider's key.
    ProviderFile(PathBuf),
    /// The file with the secret of a TSIG key.
    SecretFile(PathBuf),
    /// The zone at a provider.
    HostedZone(Name),
}

/// The places of a config's subjects. Two configs that mean the same are equal wherever their parts
/// stand, so any two of these are.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// As it was named, for people.
    file: PathBuf,
    /// Of what is written twice, the first.
    places: BTreeMap<Subject, Place>,
}

// === impl Places ===

impl Places {
    pub fn new(file: &Path, places: BTreeMap<Subject, Place>) -> Self {
        Self { file: file.to_owned(), places }
    }

    /// `fedns.yaml:7:9`, or the file alone where the subject is not written.
    pub fn at(&self, subject: &Subject) -> String {
        let file = self.file.display();
        match self.places.get(subject).or_else(|| self.places.get(&subject.entry()?)) {
            Some(Place { line, column }) => format!("{file}:{line}:{column}"),
            None => file.to_string(),
        }
    }

    /// A line about `subject`: `fedns.yaml:7:9: key "stateDir": message`.
    pub fn line(&self, subject: &Subject, message: impl fmt::Display) -> String {
        format!("{}: {subject}: {message}", self.at(subject))
    }

    /// The line for a path that cannot be used.
    pub fn unusable(
        &self,
        subject: &Subject,
        path: &Path,
        wanted: &str,
        error: &io::Error,
    ) -> String {
        self.line(subject, unusable(path, wanted, error))
    }
}

impl PartialEq for Places {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

// === impl Subject ===

impl Subject {
    fn entry(&self) -> Option<Self> {
        match self {
            Self::Manifests(cluster) | Self::Kubeconfig(cluster) | Self::Context(cluster) => {
                Some(Self::Cluster(cluster.clone()))
            }
            Self::Zone(_)
            | Self::StaticRecords(_)
            | Self::StateDir
            | Self::Listen(..)
            | Self::ListenAdmin
            | Self::Cpus
            | Self::User
            | Self::CookieSecrets
            | Self::TlsCertificate
            | Self::TlsKey
            | Self::AdminToken
            | Self::ProviderFile(_)
            | Self::SecretFile(_)
            | Self::HostedZone(_)
            | Self::Cluster(_) => None,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zone(zone) => write!(f, "zone {zone}"),
            Self::StaticRecords(_) => write!(f, "key \"staticRecords\""),
            Self::Listen(key, _) => write!(f, "key \"listen.{key}\""),
            Self::ListenAdmin => write!(f, "key \"listen.admin\""),
            Self::Cpus => write!(f, "key \"cpus\""),
            Self::User => write!(f, "key \"user\""),
            Self::CookieSecrets => write!(f, "key \"cookies.secretFile\""),
            Self::TlsCertificate => write!(f, "key \"tls.certFile\""),
            Self::TlsKey => write!(f, "key \"tls.keyFile\""),
            Self::AdminToken => write!(f, "key \"adminTokenFile\""),
            Self::StateDir => write!(f, "key \"stateDir\""),
            Self::ProviderFile(_) => write!(f, "key \"providers.configFile\""),
            Self::SecretFile(_) => write!(f, "key \"tsigKeys.secretFile\""),
            Self::HostedZone(_) => write!(f, "key \"providers.zone\""),
            Self::Cluster(cluster) => write!(f, "cluster {cluster}"),
            Self::Manifests(cluster) => write!(f, "cluster {cluster}: key \"manifests\""),
            Self::Kubeconfig(cluster) => write!(f, "cluster {cluster}: key \"kubeconfig\""),
            Self::Context(cluster) => write!(f, "cluster {cluster}: key \"context\""),
        }
    }
}

/// What was found at a path, what was wanted, and what to do.
fn unusable(path: &Path, wanted: &str, error: &io::Error) -> String {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => {
            format!("found nothing at {path}, wanted {wanted}; make it, or correct the path")
        }
        io::ErrorKind::IsADirectory => {
            format!("found a folder at {path}, wanted {wanted}; correct the path")
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            format!("found a file where {path} needs a folder, wanted {wanted}; correct the path")
        }
        io::ErrorKind::PermissionDenied => format!(
            "found no right to use {path} ({error}), wanted {wanted}; give this user the right"
        ),
        _ => format!(
            "found {path} unusable ({error}), wanted {wanted}; mend it, or correct the path"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load;

    const TEXT: &str = "apiVersion: fedns.io/v1\nkind: Config\nfederation: fed\n\
                        zone: example.com.\nnameServers: [ns1.example.org.]\n";

    #[test]
    fn moved_keys_have_other_places_and_mean_the_same() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("fedns.yaml");
        let read = |text: String| {
            std::fs::write(&file, text).unwrap();
            load(&file).unwrap()
        };
        let before = read(TEXT.to_owned());
        let after = read(format!("# A comment.\n{TEXT}"));
        assert_eq!(before, after);
        let zone = Subject::Zone(Name::parse("example.com").unwrap());
        let shown = file.display();
        assert_eq!(before.places.at(&zone), format!("{shown}:4:7"));
        assert_eq!(after.places.at(&zone), format!("{shown}:5:7"));
        assert_eq!(after.places.at(&Subject::StateDir), shown.to_string());
    }
}
