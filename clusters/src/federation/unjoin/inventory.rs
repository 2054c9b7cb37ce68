//! What of a federation stands in a member, before anything of it is removed. Reads only.

use std::collections::BTreeMap;
use std::fmt::Debug;

use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

use super::remote::{Leaver, copied, has_namespace, list_copies, list_ours};
use crate::failure::Failure;
use crate::federation::coredns::{self, CoreDnsError};
use crate::federation::names::SYSTEM_NAMESPACE;
use crate::federation::steps::Party;

/// What a join, and then the federation, put there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The account and what gives it rights: `serviceaccount beijing-hangzhou`.
    pub account: Vec<String>,
    /// A join made the account's namespace.
    pub has_namespace: bool,
    /// The cluster's CoreDNS asks fedns.
    pub has_server_block: bool,
    /// How many copies there are, by the plural of their kind; no zeros.
    pub copies: BTreeMap<String, usize>,
}

/// Looks for all that is the federation's.
///
/// # Errors
///
/// Why it is not known.
pub async fn take(member: &Party, leaver: &Leaver<'_>) -> Result<Inventory, Failure> {
    let client = || member.client();
    let system = SYSTEM_NAMESPACE;
    let mut account = named(member, &Api::<ClusterRoleBinding>::all(client()), leaver).await?;
    account.extend(named(member, &Api::<ClusterRole>::all(client()), leaver).await?);
    let role_bindings = Api::<RoleBinding>::namespaced(client(), system);
    account.extend(named(member, &role_bindings, leaver).await?);
    account.extend(named(member, &Api::<Role>::namespaced(client(), system), leaver).await?);
    account.extend(named(member, &Api::<Secret>::namespaced(client(), system), leaver).await?);
    let accounts = Api::<ServiceAccount>::namespaced(client(), system);
    account.extend(named(member, &accounts, leaver).await?);
    let mut copies = BTreeMap::new();
    for resource in copied(leaver) {
        let count = list_copies(member, leaver, &resource).await?.len();
        if count > 0 {
            copies.insert(resource.plural, count);
        }
    }
    let has_server_block = match coredns::has_block(member, leaver.federation).await {
        Ok(has_block) => has_block,
        // Whoever may not read it has not changed it.
        Err(CoreDnsError::Request(Failure::Forbidden(_))) => false,
        Err(CoreDnsError::Request(failure)) => return Err(failure),
        Err(_) => true,
    };
    let has_namespace = has_namespace(member, leaver).await?;
    Ok(Inventory { account, has_namespace, has_server_block, copies })
}

async fn named<K>(member: &Party, api: &Api<K>, leaver: &Leaver<'_>) -> Result<Vec<String>, Failure>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let kind = K::kind(&()).to_lowercase();
    let names = list_ours(member, api, leaver).await?;
    Ok(names.iter().map(|name| format!("{kind} {name}")).collect())
}

// === impl Inventory ===

impl Inventory {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
