//! The `Cluster` object of the federation's API: who is a member, and what is known of it.

use std::borrow::Cow;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::Resource;
use serde::{Deserialize, Serialize};

/// `clusters.fedns.io`, as it is given to API servers.
pub const DEFINITION: &str = include_str!("cluster-crd.json");

/// `fedns.io/v1alpha1`, kind `Cluster`, without a namespace.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterObject {
    pub api_version: String,
    pub kind: String,
    pub metadata: ObjectMeta,
    pub spec: ClusterSpec,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ClusterStatus>,
}

/// How a member is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterSpec {
    /// `https://host:port` of its API server.
    pub server: String,
    /// The certificates that sign the server's, PEM in base64; without it, those of the Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<String>,
    /// In the namespace of the control plane, in the host cluster.
    pub secret_ref: SecretReference,
    /// Replaces what the labels of the cluster's nodes say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// With `region`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub availability_zones: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct SecretReference {
    pub name: String,
}

/// What fedns has seen of a member.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterStatus {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// Empty where it is not known.
    #[serde(default)]
    pub region: String,
    /// Sorted.
    #[serde(default)]
    pub availability_zones: Vec<String>,
    /// As its API server tells, like `v1.36.3`.
    #[serde(default)]
    pub version: String,
    /// How many of its Services DNS publishes.
    #[serde(default)]
    pub services: u32,
    /// The join whose server and credentials all of this is about, as its annotation says; empty without one.
    #[serde(default)]
    pub join: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_contact: Option<Time>,
}

/// The column STATUS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Phase {
    /// It answers, and all that is watched there is watched.
    Ready,
    /// It answers, and cannot be used: rights, credentials, or it says itself that it is not ready.
    NotReady,
    /// It does not answer.
    Offline,
}

/// One of `Ready` and `Offline`, with the reasons and messages that users of kubefed know.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    pub last_probe_time: Option<Time>,
    pub last_transition_time: Option<Time>,
    pub reason: String,
    pub message: String,
}

/// The definition as an object.
///
/// # Errors
///
/// Never in a build that passed its tests: the text is part of the program.
pub fn definition() -> Result<CustomResourceDefinition, serde_json::Error> {
    serde_json::from_str(DEFINITION)
}

// === impl ClusterObject ===

impl ClusterObject {
    pub fn new(name: &str, spec: ClusterSpec) -> Self {
        Self {
            api_version: Self::api_version(&()).into_owned(),
            kind: Self::kind(&()).into_owned(),
            metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
            spec,
            status: None,
        }
    }
}

impl Resource for ClusterObject {
    type DynamicType = ();
    type Scope = kube::core::ClusterResourceScope;

    fn kind(&(): &()) -> Cow<'_, str> {
        "Cluster".into()
    }

    fn group(&(): &()) -> Cow<'_, str> {
        "fedns.io".into()
    }

    fn version(&(): &()) -> Cow<'_, str> {
        "v1alpha1".into()
    }

    fn plural(&(): &()) -> Cow<'_, str> {
        "clusters".into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

// === impl Phase ===

impl Phase {
    /// As printed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::NotReady => "NotReady",
            Self::Offline => "Offline",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_names_what_the_type_names() {
        let definition = definition().unwrap();
        assert_eq!(definition.spec.group, ClusterObject::group(&()));
        assert_eq!(definition.spec.names.kind, ClusterObject::kind(&()));
        assert_eq!(definition.spec.names.plural, ClusterObject::plural(&()));
        assert_eq!(definition.spec.versions[0].name, ClusterObject::version(&()));
    }

    #[test]
    fn a_new_object_is_written_without_what_it_does_not_have() {
        let spec = ClusterSpec {
            server: "https://192.0.2.1:6443".into(),
            secret_ref: SecretReference { name: "beijing".into() },
            ..ClusterSpec::default()
        };
        let text = serde_json::to_string(&ClusterObject::new("beijing", spec)).unwrap();
        assert_eq!(
            text,
            r#"{"apiVersion":"fedns.io/v1alpha1","kind":"Cluster","metadata":{"name":"beijing"},"spec":{"server":"https://192.0.2.1:6443","secretRef":{"name":"beijing"}}}"#
        );
    }
}
