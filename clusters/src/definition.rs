//! A cluster as the config or a `Cluster` object names it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use model::{ClusterName, Label, Location, Topology};

/// One member of the federation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    pub name: ClusterName,
    pub source: Source,
    /// Replaces what the labels of the cluster's nodes say.
    pub topology: Option<TopologyOverride>,
    /// The UID of the kube-system namespace of the cluster that is meant; `None`: of whichever answers
    /// first.
    pub uid: Option<String>,
}

/// Where a cluster's objects are read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A Kubernetes API server.
    ApiServer(Access),
    /// A folder of Kubernetes manifests. The path is absolute.
    Manifests(PathBuf),
}

/// The way to an API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    Kubeconfig(KubeconfigAccess),
    Member(MemberAccess),
    /// A member that cannot be reached as it stands, and why.
    Unusable(String),
}

/// As kubectl finds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KubeconfigAccess {
    /// Absolute, `~` already expanded. Without it: the files in `$KUBECONFIG`, else
    /// `~/.kube/config`, else the service account of the Pod that this process runs in.
    pub path: Option<PathBuf>,
    /// Without it: the file's `current-context`.
    pub context: Option<String>,
}

/// As the federation keeps it: a `Cluster` object with its Secret, both read already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberAccess {
    /// NAMESPACE/NAME of the Secret in the host cluster, for people.
    pub secret: String,
    /// `https://host:port`
    pub server: String,
    /// The certificates that sign the server's, PEM; `None`: those of a kubeconfig, else the system's.
    pub authority: Option<Vec<u8>>,
    pub credentials: Redacted<Credentials>,
}

#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Of a service account.
    Token(String),
    /// The text of a kubeconfig, whose current context has the user.
    Kubeconfig(String),
}

/// A secret, which no debug output shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Redacted<T>(pub T);

/// Where a cluster is, as its entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopologyOverride {
    pub region: Label,
    /// Empty: the cluster has a region name and no zone names.
    pub availability_zones: BTreeSet<Label>,
}

// === impl Source, Access, Redacted ===

impl Source {
    /// Nothing but credentials differs.
    pub fn is_at_same_server(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::ApiServer(Access::Member(one)), Self::ApiServer(Access::Member(other))) => {
                one.server == other.server
            }
            (one, other) => one == other,
        }
    }
}

impl From<KubeconfigAccess> for Access {
    fn from(access: KubeconfigAccess) -> Self {
        Self::Kubeconfig(access)
    }
}

impl From<MemberAccess> for Access {
    fn from(access: MemberAccess) -> Self {
        Self::Member(access)
    }
}

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

// === impl TopologyOverride ===

impl TopologyOverride {
    pub fn topology(&self) -> Topology {
        let location = |zone: Option<&Label>| Location::new(self.region.clone(), zone.cloned());
        let mut locations: BTreeSet<Location> =
            self.availability_zones.iter().map(|zone| location(Some(zone))).collect();
        if locations.is_empty() {
            locations.insert(location(None));
        }
        Topology { locations, notes: BTreeSet::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(region: &str, zones: &[&str], expect: &[(&str, Option<&str>)]) {
        let label = |text: &str| Label::new(text).unwrap();
        let topology = TopologyOverride {
            region: label(region),
            availability_zones: zones.iter().map(|zone| label(zone)).collect(),
        }
        .topology();
        let expect: BTreeSet<Location> = expect
            .iter()
            .map(|(region, zone)| Location::new(label(region), zone.map(label)))
            .collect();
        assert_eq!(topology.locations, expect);
        assert!(topology.notes.is_empty());
    }

    #[test]
    fn another_token_is_no_other_server() {
        let member = |server: &str, token: &str| {
            Source::ApiServer(Access::Member(MemberAccess {
                secret: "s".into(),
                server: server.into(),
                authority: None,
                credentials: Redacted(Credentials::Token(token.into())),
            }))
        };
        let folder = || Source::Manifests("/a".into());
        assert!(member("https://a", "1").is_at_same_server(&member("https://a", "2")));
        assert!(!member("https://a", "1").is_at_same_server(&member("https://b", "1")));
        assert!(folder().is_at_same_server(&folder()));
        assert!(!folder().is_at_same_server(&member("https://a", "1")));
    }

    #[test]
    fn every_zone_of_the_entry_is_a_location_of_its_region() {
        check("r", &["a", "b"], &[("r", Some("a")), ("r", Some("b"))]);
        check("r", &[], &[("r", None)]);
    }
}
