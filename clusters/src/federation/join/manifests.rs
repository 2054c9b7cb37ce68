//! All that a join would write, as manifests, with nothing secret in them.

use k8s_openapi::Resource;
use serde::Serialize;
use serde_json::Value;

use super::request::Credential;
use super::{Prepared, member_object, secret};
use crate::federation::member_secret::{AUTHORITY_KEY, KUBECONFIG_KEY, TOKEN_KEY};

/// What one API server would be given.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifests {
    /// Whom, for people.
    pub party: String,
    pub objects: Vec<Value>,
}

/// In the order in which they would be written.
///
/// # Errors
///
/// Never in a build that passed its tests: every object has a JSON form.
pub fn manifests(prepared: &Prepared) -> Result<Vec<Manifests>, serde_json::Error> {
    let account = &prepared.account;
    let mut in_member = Vec::new();
    if let Credential::Account { is_bound } = prepared.request.credential {
        if prepared.makes_namespace {
            in_member.push(value(&account.namespace())?);
        }
        in_member.push(value(&account.service_account())?);
        in_member.push(value(&account.cluster_role(&prepared.enabled))?);
        in_member.push(value(&account.cluster_role_binding())?);
        in_member.push(value(&account.renewal_role(is_bound))?);
        in_member.push(value(&account.renewal_role_binding())?);
        if !is_bound {
            in_member.push(value(&account.token_secret(&prepared.token_secret_name))?);
        }
    }
    let mut in_host = value(&secret::without_data(prepared))?;
    let keys: &[&str] = match prepared.request.credential {
        Credential::Account { .. } => &[TOKEN_KEY, AUTHORITY_KEY],
        Credential::Kubeconfig(_) => &[KUBECONFIG_KEY],
    };
    for key in keys {
        in_host["stringData"][key] = "REDACTED".into();
    }
    let in_federation = serde_json::to_value(member_object::object(prepared))?;
    let of = |party: &str, objects: Vec<Value>| Manifests { party: party.to_owned(), objects };
    let all = [
        of(&prepared.member.words, in_member),
        of(&prepared.host.words, vec![in_host]),
        of(&prepared.federation.words, vec![in_federation]),
    ];
    Ok(all.into_iter().filter(|it| !it.objects.is_empty()).collect())
}

fn value<K: Resource + Serialize>(object: &K) -> Result<Value, serde_json::Error> {
    let mut value = serde_json::to_value(object)?;
    value["apiVersion"] = K::API_VERSION.into();
    value["kind"] = K::KIND.into();
    Ok(value)
}
