//! Which Services are published, and how.

use std::time::Duration;

use model::{Label, Name};

use crate::selector::LabelSelector;

/// The `services` part of the config as one watcher needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceSettings {
    pub publish: Publish,
    pub namespaces: Namespaces,
    pub selector: LabelSelector,
    /// Only copies of this federation's Services are published; `None`: all.
    pub federation: Option<Label>,
    /// How long the last addresses stand after the load balancer's list has become empty.
    pub hold_empty: Duration,
    pub private_addresses: PrivateAddresses,
    /// The zones that this server answers for: a load balancer's host name inside one of them
    /// would make a name depend on itself.
    pub own_zones: Vec<Name>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Publish {
    /// Every Service of type LoadBalancer.
    #[default]
    All,
    /// Only those with the annotation `fedns.io/publish: "true"`.
    Annotated,
}

/// Namespace names; an exclusion wins over an inclusion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespaces {
    /// Empty: all of them.
    pub include: Vec<String>,
    pub exclude: Vec<String>,
}

/// What becomes of addresses that cannot be reached from everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PrivateAddresses {
    #[default]
    Publish,
    Skip,
}

// === impl ServiceSettings, Namespaces ===

impl Default for ServiceSettings {
    fn default() -> Self {
        Self {
            publish: Publish::All,
            namespaces: Namespaces::default(),
            selector: LabelSelector::default(),
            federation: None,
            hold_empty: Duration::from_secs(30),
            private_addresses: PrivateAddresses::Publish,
            own_zones: Vec::new(),
        }
    }
}

impl Namespaces {
    pub fn contain(&self, namespace: &str) -> bool {
        let listed = |names: &[String]| names.iter().any(|name| name == namespace);
        !listed(&self.exclude) && (self.include.is_empty() || listed(&self.include))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(include: &[&str], exclude: &[&str], namespace: &str, expect: bool) {
        let owned = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        let namespaces = Namespaces { include: owned(include), exclude: owned(exclude) };
        assert_eq!(namespaces.contain(namespace), expect, "{namespaces:?} {namespace}");
    }

    #[test]
    fn an_exclusion_wins_over_an_inclusion() {
        check(&[], &[], "a", true);
        check(&["a"], &[], "a", true);
        check(&["a"], &[], "b", false);
        check(&[], &["a"], "a", false);
        check(&["a"], &["a"], "a", false);
    }
}
