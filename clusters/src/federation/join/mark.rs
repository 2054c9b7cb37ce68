//! Tells one join from those before, and says which Secret it left.
//!
//! A join that changes nothing else changes this: so the control plane looks anew, and says so.

use std::fmt;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;

/// `VERSION@TIME`: the version of the member's Secret, and when the join wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark(String);

// === impl Mark ===

impl Mark {
    pub(super) fn new(secret_version: &str) -> Self {
        Self(format!("{secret_version}@{}", Timestamp::now()))
    }

    /// As an annotation has it.
    pub fn parse(text: &str) -> Option<Self> {
        text.split_once('@').map(|_| Self(text.to_owned()))
    }

    /// The Secret is the one that the join left, or a later one.
    pub(crate) fn is_followed_by(&self, secret: &Secret) -> bool {
        let left = self.0.split_once('@').map_or("", |(version, _)| version);
        let version = secret.resource_version().unwrap_or_default();
        match (left.parse::<u64>(), version.parse::<u64>()) {
            (Ok(left), Ok(version)) => left <= version,
            _ => left == version,
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    use super::*;

    #[test]
    fn a_secret_of_before_the_join_does_not_count() {
        let of = |version: &str| {
            let resource_version = Some(version.to_owned());
            Secret {
                metadata: ObjectMeta { resource_version, ..ObjectMeta::default() },
                ..Secret::default()
            }
        };
        let mark = Mark::parse("99@2026-01-01T00:00:00Z").unwrap();
        assert!(!mark.is_followed_by(&of("98")));
        assert!(mark.is_followed_by(&of("99")) && mark.is_followed_by(&of("100")));
        assert!(!mark.is_followed_by(&of("x")) && !mark.is_followed_by(&Secret::default()));
        assert_eq!(Mark::parse(&mark.to_string()), Some(mark));
        assert_eq!(Mark::parse("by hand"), None);
    }
}
