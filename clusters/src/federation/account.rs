//! fedns's account in a member, as manifests: a ServiceAccount that may do what the federated kinds
//! need, and nothing else. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{
    ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::enabled::EnabledKind;
use super::kinds::{self, Kind};
use super::names::{
    CLUSTER_NAME_ANNOTATION, FEDERATION_NAME_ANNOTATION, HOST_UID_ANNOTATION, SYSTEM_NAMESPACE,
};

const WRITE_VERBS: [&str; 7] = ["get", "list", "watch", "create", "patch", "update", "delete"];
const READ_VERBS: [&str; 3] = ["get", "list", "watch"];
const PATHS: [&str; 3] = ["/healthz", "/readyz", "/version"];
/// By it a cluster knows whose token belongs into a Secret.
const ACCOUNT_ANNOTATION: &str = "kubernetes.io/service-account.name";
const RBAC_GROUP: &str = "rbac.authorization.k8s.io";
/// Of a ServiceAccount (RFC 1123 subdomain), with room for a suffix of the token's Secret.
const NAME_LENGTH_MAX: usize = 240;

/// Whose account it is, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The federation's label.
    pub federation: String,
    /// UID of the host cluster's kube-system namespace.
    pub host_uid: String,
    /// The member's name in the federation.
    pub cluster: String,
    /// The ServiceAccount's name.
    pub name: String,
}

/// A ServiceAccount's name for a member, as kubefed made it: of the member's name and of the host's
/// context, of which only what a name may hold is kept.
pub fn account_name(cluster: &str, host_context: &str) -> String {
    let letter = |letter: char| match letter.to_ascii_lowercase() {
        letter @ ('a'..='z' | '0'..='9' | '-' | '.') => letter,
        _ => '-',
    };
    let name: String = format!("{cluster}-{host_context}").chars().map(letter).collect();
    let labels = name.split('.').map(|label| label.trim_matches('-'));
    let name = labels.filter(|label| !label.is_empty()).collect::<Vec<_>>().join(".");
    let kept = name.get(..NAME_LENGTH_MAX).unwrap_or(&name);
    kept.trim_end_matches(['-', '.']).to_owned()
}

// === impl Account ===

impl Account {
    /// Of the ClusterRole and its binding, as kubefed named them.
    pub fn role_name(&self) -> String {
        format!("federation-controller-manager:{}-{}", self.federation, self.name)
    }

    /// Of the Secrets in the member that the cluster puts tokens of the account into. They take turns: one is
    /// in use.
    pub fn token_secret_names(&self) -> [String; 2] {
        [format!("{}-token", self.name), format!("{}-token-2", self.name)]
    }

    /// Marks whatever was made for this member of this federation.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        [
            (FEDERATION_NAME_ANNOTATION, &self.federation),
            (CLUSTER_NAME_ANNOTATION, &self.cluster),
            (HOST_UID_ANNOTATION, &self.host_uid),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect()
    }

    /// True where an object with these annotations was made for this member of this federation.
    pub fn made(&self, annotations: Option<&BTreeMap<String, String>>) -> bool {
        let annotations = annotations.cloned().unwrap_or_default();
        self.annotations().iter().all(|(key, value)| annotations.get(key) == Some(value))
    }

    pub fn namespace(&self) -> Namespace {
        let metadata = ObjectMeta { namespace: None, ..self.metadata(SYSTEM_NAMESPACE) };
        Namespace { metadata, ..Namespace::default() }
    }

    /// True for a Secret that was made for a token of this account.
    pub fn made_token(&self, annotations: Option<&BTreeMap<String, String>>) -> bool {
        let of_account = annotations.and_then(|it| it.get(ACCOUNT_ANNOTATION)) == Some(&self.name);
        of_account && self.made(annotations)
    }

    pub fn service_account(&self) -> ServiceAccount {
        ServiceAccount { metadata: self.metadata(&self.name), ..ServiceAccount::default() }
    }

    /// The cluster itself fills it with the account's token and its certificates. `name`: one of
    /// [`Account::token_secret_names`].
    pub fn token_secret(&self, name: &str) -> Secret {
        let mut metadata = self.metadata(name);
        let annotations = metadata.annotations.get_or_insert_default();
        annotations.insert(ACCOUNT_ANNOTATION.to_owned(), self.name.clone());
        Secret {
            metadata,
            type_: Some("kubernetes.io/service-account-token".to_owned()),
            ..Secret::default()
        }
    }

    /// For the kinds that are always propagated, and for these.
    pub fn cluster_role(&self, enabled: &[EnabledKind]) -> ClusterRole {
        let metadata = ObjectMeta { namespace: None, ..self.metadata(&self.role_name()) };
        ClusterRole { metadata, rules: Some(rules(enabled)), ..ClusterRole::default() }
    }

    pub fn cluster_role_binding(&self) -> ClusterRoleBinding {
        ClusterRoleBinding {
            metadata: ObjectMeta { namespace: None, ..self.metadata(&self.role_name()) },
            role_ref: role_ref("ClusterRole", &self.role_name()),
            subjects: Some(vec![self.subject()]),
        }
    }

    /// The account may renew its own token: one that ends by itself (`is_bound`), or one in a Secret.
    pub fn renewal_role(&self, is_bound: bool) -> Role {
        let tokens = PolicyRule {
            resource_names: Some(self.token_secret_names().into()),
            ..rule("", &["secrets"], &["get", "delete"])
        };
        let new_token = match is_bound {
            true => PolicyRule {
                resource_names: Some(vec![self.name.clone()]),
                ..rule("", &["serviceaccounts/token"], &["create"])
            },
            // The name of what is created cannot be restricted.
            false => rule("", &["secrets"], &["create"]),
        };
        Role { metadata: self.metadata(&self.name), rules: Some(vec![tokens, new_token]) }
    }

    pub fn renewal_role_binding(&self) -> RoleBinding {
        RoleBinding {
            metadata: self.metadata(&self.name),
            role_ref: role_ref("Role", &self.name),
            subjects: Some(vec![self.subject()]),
        }
    }

    fn subject(&self) -> Subject {
        Subject {
            kind: "ServiceAccount".to_owned(),
            name: self.name.clone(),
            namespace: Some(SYSTEM_NAMESPACE.to_owned()),
            api_group: None,
        }
    }

    fn metadata(&self, name: &str) -> ObjectMeta {
        ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(SYSTEM_NAMESPACE.to_owned()),
            annotations: Some(self.annotations()),
            ..ObjectMeta::default()
        }
    }
}

/// What the account may do in the whole cluster: one rule for each API group, in the table's order.
fn rules(enabled: &[EnabledKind]) -> Vec<PolicyRule> {
    let mut rules = grouped(&kinds::FEDERATED, &WRITE_VERBS);
    rules.extend(enabled.iter().map(|kind| rule(&kind.group, &[&kind.plural], &WRITE_VERBS)));
    rules.extend(grouped(&kinds::OBSERVED, &READ_VERBS));
    rules.push(PolicyRule {
        non_resource_urls: Some(owned(&PATHS)),
        verbs: owned(&["get"]),
        ..PolicyRule::default()
    });
    rules
}

fn grouped(kinds: &[Kind], verbs: &[&str]) -> Vec<PolicyRule> {
    let mut groups: Vec<&str> = kinds.iter().map(|kind| kind.group).collect();
    groups.dedup();
    let of = |group: &str| -> Vec<&str> {
        kinds.iter().filter(|kind| kind.group == group).map(|kind| kind.plural).collect()
    };
    groups.into_iter().map(|group| rule(group, &of(group), verbs)).collect()
}

fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> PolicyRule {
    PolicyRule {
        api_groups: Some(owned(&[group])),
        resources: Some(owned(resources)),
        verbs: owned(verbs),
        ..PolicyRule::default()
    }
}

fn role_ref(kind: &str, name: &str) -> RoleRef {
    RoleRef { api_group: Some(RBAC_GROUP.to_owned()), kind: kind.to_owned(), name: name.to_owned() }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        Account {
            federation: "fed".into(),
            host_uid: "u1".into(),
            cluster: "beijing".into(),
            name: account_name("beijing", "hangzhou"),
        }
    }

    #[test]
    fn the_names_are_kubefeds() {
        let account = account();
        assert_eq!(account.name, "beijing-hangzhou");
        assert_eq!(
            account.cluster_role(&[]).metadata.name.as_deref(),
            Some("federation-controller-manager:fed-beijing-hangzhou")
        );
    }

    #[test]
    fn any_context_gives_a_name() {
        let check = |context: &str, expect: &str| assert_eq!(account_name("a", context), expect);
        check("kubernetes-admin@kubernetes", "a-kubernetes-admin-kubernetes");
        check("arn:aws:eks:eu-west-1:1:cluster/Host_1", "a-arn-aws-eks-eu-west-1-1-cluster-host-1");
        check("gke.x.-.y-", "a-gke.x.y");
        check("集群", "a");
        assert!(account_name("a", &"x.".repeat(200)).len() <= NAME_LENGTH_MAX);
    }

    #[test]
    fn no_rule_has_a_star_and_each_kind_is_named_once() {
        let widgets = EnabledKind {
            group: "example.com".into(),
            version: "v1".into(),
            kind: "Widget".into(),
            plural: "widgets".into(),
            is_namespaced: true,
            is_leaving: false,
        };
        let rules = rules(&[widgets]);
        let mut named: Vec<String> = Vec::new();
        for rule in &rules {
            let groups = rule.api_groups.iter().flatten();
            let words = groups.chain(rule.resources.iter().flatten()).chain(&rule.verbs);
            assert!(words.clone().all(|word| !word.contains('*')), "{rule:?}");
            named.extend(rule.resources.iter().flatten().cloned());
        }
        let always = kinds::FEDERATED.iter().map(|kind| kind.plural);
        let observed = kinds::OBSERVED.iter().map(|kind| kind.plural);
        assert_eq!(named, always.chain(["widgets"]).chain(observed).collect::<Vec<_>>());
        let writing: Vec<_> = rules.iter().filter(|rule| rule.verbs.len() > 3).collect();
        assert_eq!(writing.len(), 6, "one rule for each group that is written: {writing:?}");
    }

    #[test]
    fn an_account_renews_its_own_token_and_no_other() {
        let account = account();
        let names = account.token_secret_names();
        for is_bound in [false, true] {
            let rules = account.renewal_role(is_bound).rules.unwrap();
            assert_eq!(rules[0].resource_names.as_deref(), Some(&names[..]));
            assert_eq!(rules[1].verbs, ["create"]);
        }
        let bound = account.renewal_role(true).rules.unwrap();
        assert_eq!(bound[1].resource_names.as_deref(), Some(&["beijing-hangzhou".to_owned()][..]));
        let [secret, _] = names.map(|name| account.token_secret(&name));
        assert!(account.made_token(secret.metadata.annotations.as_ref()));
        assert!(!account.made_token(account.service_account().metadata.annotations.as_ref()));
        let other = Account { name: "other".into(), ..account };
        assert!(!other.made_token(secret.metadata.annotations.as_ref()));
    }

    #[test]
    fn what_another_federation_made_is_not_ours() {
        let account = account();
        assert!(account.made(account.service_account().metadata.annotations.as_ref()));
        let other = Account { host_uid: "u2".into(), ..account.clone() };
        assert!(!account.made(other.service_account().metadata.annotations.as_ref()));
        assert!(!account.made(None));
    }
}
