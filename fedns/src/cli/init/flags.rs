//! The flags of `fedns init` that decide what stands in the host cluster.

use std::collections::BTreeMap;

use ::clap::builder::{PossibleValuesParser, TypedValueParser};
use ::clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::control_plane::images::{ImageFlags, Images};
use crate::control_plane::settings::{ApiService, Etcd, PullPolicy, ServiceType, Storage};

const CAPACITY: &str = "10Gi";

/// Kept in the host cluster: what is not said again stays as it was.
#[derive(Clone, Debug, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct InitFlags {
    /// Image of fedns
    #[arg(long, value_name = "IMAGE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Image of kube-apiserver
    #[arg(long, value_name = "IMAGE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apiserver_image: Option<String>,
    /// Image of kube-controller-manager
    #[arg(long, value_name = "IMAGE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controllermanager_image: Option<String>,
    /// Image of etcd
    #[arg(long, value_name = "IMAGE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etcd_image: Option<String>,
    /// Where the images are that are not named by themselves
    #[arg(long, value_name = "REPOSITORY")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_repository: Option<String>,
    /// When nodes pull images [default: IfNotPresent]
    #[arg(long, value_name = "POLICY")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<PullPolicy>,
    /// Secrets of the namespace with credentials for the images
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_pull_secrets: Option<Vec<String>>,
    /// An etcd that is there already, in place of one of the federation's own
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etcd_servers: Option<Vec<String>>,
    /// Keep etcd's data on a persistent volume [default: true]
    #[arg(
        long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etcd_persistent_storage: Option<bool>,
    /// Size of that volume [default: 10Gi]
    #[arg(long, value_name = "QUANTITY")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etcd_pv_capacity: Option<String>,
    /// Storage class of that volume [default: the host cluster's]
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etcd_pv_storage_class: Option<String>,
    /// How the federation's API is reached from outside [default: LoadBalancer]
    #[arg(long, value_name = "TYPE", value_parser = from_outside())]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_server_service_type: Option<ServiceType>,
    /// Address of the federation's API, with NodePort [default: those of the nodes]
    #[arg(long, value_name = "ADDRESS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_server_advertise_address: Option<String>,
    /// Port of the federation's API, with NodePort [default: the host cluster picks one]
    #[arg(long, value_name = "PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_server_port: Option<u16>,
    /// Flags for kube-apiserver, like --v=4,--audit-log-path=-
    #[arg(long, value_name = "KEY=VALUE,...", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apiserver_arg_overrides: Option<String>,
    /// Flags for kube-controller-manager
    #[arg(long, value_name = "KEY=VALUE,...", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controllermanager_arg_overrides: Option<String>,
    /// Let a token in, too: the Secret apiserver-credentials has it
    #[arg(
        long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apiserver_enable_token_auth: Option<bool>,
    /// Nodes that the control plane may run on
    #[arg(long, value_name = "KEY=VALUE,...")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<String>,
    /// How DNS is reached [default: ClusterIP with a provider, LoadBalancer without]
    #[arg(long, value_name = "TYPE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_service_type: Option<ServiceType>,
    /// How many of fedns answer DNS; one of them writes [default: 1]
    #[arg(long, value_name = "N", value_parser = ::clap::value_parser!(u32).range(1..=32))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
}

// === impl InitFlags ===

impl InitFlags {
    /// What is not said here is as it was said before.
    ///
    /// # Errors
    ///
    /// What was kept is damaged, or cannot be changed any more.
    pub fn over(&self, before: &Self) -> Result<Self, String> {
        self.refuse_changes(before)?;
        let as_map = |flags: &Self| match serde_json::to_value(flags) {
            Ok(serde_json::Value::Object(map)) => Ok(map),
            Ok(other) => Err(format!("flags: {other}")),
            Err(error) => Err(format!("flags: {error}")),
        };
        let mut merged = as_map(before)?;
        merged.extend(as_map(self)?);
        serde_json::from_value(merged.into()).map_err(|error| format!("flags: {error}"))
    }

    /// Another etcd would be an empty one.
    fn refuse_changes(&self, before: &Self) -> Result<(), String> {
        let was_kept = before.etcd_persistent_storage.unwrap_or(true);
        if self.etcd_persistent_storage.is_some_and(|now| now != was_kept) {
            return Err(format!(
                "--etcd-persistent-storage was {was_kept}, and changing it would start with an empty etcd: \
                 `fedns delete` and `fedns init` make a new control plane"
            ));
        }
        if self.etcd_servers.is_some() && before.etcd_servers.is_none() {
            return Err("--etcd-servers: the control plane has an etcd of its own, and another one would be \
                        empty: `fedns delete` and `fedns init` make a new control plane"
                .to_owned());
        }
        Ok(())
    }

    pub fn images(&self) -> Result<Images, Vec<String>> {
        Images::choose(&ImageFlags {
            repository: self.image_repository.as_deref(),
            fedns: self.image.as_deref(),
            api_server: self.apiserver_image.as_deref(),
            controller_manager: self.controllermanager_image.as_deref(),
            etcd: self.etcd_image.as_deref(),
        })
    }

    pub fn etcd(&self, has_client_certificate: bool, has_authority: bool) -> Etcd {
        if let Some(servers) = &self.etcd_servers {
            let servers = servers.clone();
            return Etcd::External { servers, has_client_certificate, has_authority };
        }
        Etcd::Own(match self.etcd_persistent_storage.unwrap_or(true) {
            false => Storage::Memory,
            true => Storage::Volume {
                capacity: self.etcd_pv_capacity.clone().unwrap_or_else(|| CAPACITY.to_owned()),
                class: self.etcd_pv_storage_class.clone(),
            },
        })
    }

    /// # Errors
    ///
    /// Flags that do not go together.
    pub fn api_service(&self) -> Result<ApiService, String> {
        let kind = self.api_server_service_type.unwrap_or(ServiceType::LoadBalancer);
        let of_nodes = [
            ("--api-server-advertise-address", self.api_server_advertise_address.is_some()),
            ("--api-server-port", self.api_server_port.is_some()),
        ];
        match of_nodes.into_iter().find(|(_, is_set)| *is_set && kind != ServiceType::NodePort) {
            Some((flag, _)) => {
                Err(format!("{flag} goes with --api-server-service-type=NodePort only"))
            }
            None => Ok(ApiService { kind, port: self.api_server_port }),
        }
    }
}

/// The types of Services that are reached from outside.
fn from_outside() -> impl TypedValueParser<Value = ServiceType> {
    let types = [ServiceType::LoadBalancer, ServiceType::NodePort];
    let names = types.iter().filter_map(ValueEnum::to_possible_value);
    PossibleValuesParser::new(names.collect::<Vec<_>>())
        .try_map(|name| ServiceType::from_str(&name, false))
}

/// `--a=b,--c=d` or `a=b,c=d`; a part without `=` belongs to the value before it.
pub fn pairs(flag: &str, text: Option<&str>) -> Result<BTreeMap<String, String>, String> {
    let mut pairs: BTreeMap<String, String> = BTreeMap::new();
    let mut last: Option<String> = None;
    for part in text.into_iter().flat_map(|text| text.split(',')).filter(|part| !part.is_empty()) {
        match (part.split_once('='), &last) {
            (Some((key, value)), _) => {
                let key = key.trim_start_matches('-').trim().to_owned();
                pairs.insert(key.clone(), value.to_owned());
                last = Some(key);
            }
            (None, Some(key)) => {
                if let Some(value) = pairs.get_mut(key) {
                    *value += &format!(",{part}");
                }
            }
            (None, None) => return Err(format!("{flag} {part}: wanted KEY=VALUE,...")),
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_again_stays() {
        let before = InitFlags {
            image: Some("fedns:1".into()),
            etcd_persistent_storage: Some(false),
            ..InitFlags::default()
        };
        let now = InitFlags { image: Some("fedns:2".into()), ..InitFlags::default() };
        let merged = now.over(&before).unwrap();
        assert_eq!(merged.image.as_deref(), Some("fedns:2"));
        assert_eq!(merged.etcd_persistent_storage, Some(false));
    }

    #[test]
    fn etcd_is_never_exchanged_for_an_empty_one() {
        let before = InitFlags::default();
        let now = InitFlags { etcd_persistent_storage: Some(false), ..InitFlags::default() };
        assert!(now.over(&before).unwrap_err().contains("empty etcd"));
        let now = InitFlags { etcd_persistent_storage: Some(true), ..InitFlags::default() };
        assert!(now.over(&before).is_ok());
    }

    #[test]
    fn overrides_come_in_the_form_of_kubefed_and_in_a_plain_one() {
        let both = ["--v=4,--runtime-config=a,b", "v=4,runtime-config=a,b"];
        for text in both {
            let pairs = pairs("--x", Some(text)).unwrap();
            assert_eq!(pairs.get("v").map(String::as_str), Some("4"));
            assert_eq!(pairs.get("runtime-config").map(String::as_str), Some("a,b"));
        }
        assert!(pairs("--x", Some("v")).is_err());
    }
}
