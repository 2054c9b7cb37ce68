//! Admission policies of the federation's API about kinds that are not propagated: who makes an object of
//! one is told that it stays there, and a deletion that nobody would carry out is refused.
//!
//! Warnings and refusals reach a person at once, whatever tool it uses. fedns is asked nothing and watches
//! nothing for them.

use std::collections::BTreeMap;

use k8s_openapi::api::admissionregistration::v1::{
    MatchCondition, MatchResources, NamedRuleWithOperations, ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding, ValidatingAdmissionPolicyBindingSpec,
    ValidatingAdmissionPolicySpec, Validation, Variable,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    LabelSelector, LabelSelectorRequirement, ObjectMeta,
};
use kube::Api;

use super::EnabledKind;
use crate::failure::Failure;
use crate::federation::kinds::{FEDERATED, UNFIT};
use crate::federation::names::{FEDNS_USER, LOCAL_LABEL};
use crate::federation::steps::{Change, Party, Tell, Told};

const STAYS: &str = "fedns-kinds-that-stay";
const CASCADE: &str = "fedns-cascade";

/// Whole groups of requests that are answered and never stored.
const REVIEWS: [&str; 2] = ["authentication.k8s.io", "authorization.k8s.io"];

/// `PLURAL.GROUP` of what a request is about, in the language of policies.
const KIND: &str = "request.resource.resource + \
    (request.resource.group == '' ? '' : '.' + request.resource.group)";

/// How a deletion treats what depends on the object.
const PROPAGATION: &str = "!has(request.options) ? '' : \
    request.options.?propagationPolicy.orValue(\
    request.options.?orphanDependents.orValue(false) ? 'Orphan' : '')";

/// A policy, and where it holds: everywhere.
pub type Policy = (ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding);

/// For a federation in which these kinds are enabled.
pub fn policies(enabled: &[EnabledKind]) -> [Policy; 2] {
    let mut propagated = Resources::default();
    for kind in FEDERATED {
        propagated.add(kind.group, kind.plural);
    }
    // Who makes what is being disabled should know that it stays.
    for kind in enabled.iter().filter(|kind| !kind.is_leaving) {
        propagated.add(&kind.group, &kind.plural);
    }
    let cascade = cascade(&propagated);
    [stays(propagated), cascade]
}

/// Puts the policies into the federation, with the user's own rights.
///
/// # Errors
///
/// Why they may be as they were.
pub async fn in_federation(
    federation: &Party,
    enabled: &[EnabledKind],
    tell: Tell<'_>,
) -> Result<(), Failure> {
    tell(Told::Begun(format!("Telling people in {} what is not propagated", federation.words)));
    let all = Api::all(federation.client());
    let bindings = Api::all(federation.client());
    let mut told = Change::Unchanged;
    for (policy, binding) in policies(enabled) {
        let change = federation.apply(&all, &policy).await?;
        if change != Change::Unchanged {
            told = change;
        }
        federation.apply(&bindings, &binding).await?;
    }
    tell(Told::Done(told));
    Ok(())
}

/// An object of another kind is taken, and told to stay where it is.
fn stays(mut propagated: Resources) -> Policy {
    for unfit in UNFIT {
        propagated.add(unfit.group, unfit.plural.unwrap_or("*"));
    }
    for group in REVIEWS {
        propagated.add(group, "*");
    }
    let matches = MatchResources {
        object_selector: Some(LabelSelector {
            match_expressions: Some(vec![LabelSelectorRequirement {
                key: LOCAL_LABEL.to_owned(),
                operator: "DoesNotExist".to_owned(),
                values: None,
            }]),
            match_labels: None,
        }),
        ..propagated.all_but_these("CREATE")
    };
    let by_people = format!(
        "!(request.userInfo.username in ['system:apiserver', 'system:kube-controller-manager', \
         '{FEDNS_USER}']) && \
         !request.userInfo.username.startsWith('system:serviceaccount:kube-system:')"
    );
    let message = format!(
        "variables.kind + ' are not propagated: this one stays in the federation; `fedns enable ' + \
         variables.kind + '` sends the kind to the members, and the label {LOCAL_LABEL} on an object \
         says that it is to stay'"
    );
    let spec = ValidatingAdmissionPolicySpec {
        failure_policy: Some("Ignore".to_owned()),
        match_constraints: Some(matches),
        match_conditions: Some(vec![MatchCondition {
            name: "by-people".to_owned(),
            expression: by_people,
        }]),
        variables: Some(vec![variable("kind", KIND)]),
        validations: Some(vec![validation("false", message)]),
        ..ValidatingAdmissionPolicySpec::default()
    };
    named(STAYS, spec, "Warn")
}

/// The API would add a finalizer for a garbage collector, which does not run here. Of what is propagated
/// fedns answers it.
fn cascade(propagated: &Resources) -> Policy {
    let message = "'nothing answers --cascade=' + variables.propagation.lowerAscii() + ' here: a \
                   federation has no garbage collector, and ' + variables.kind + ' are not \
                   propagated; delete with --cascade=background'";
    let spec = ValidatingAdmissionPolicySpec {
        failure_policy: Some("Ignore".to_owned()),
        match_constraints: Some(propagated.all_but_these("DELETE")),
        variables: Some(vec![variable("kind", KIND), variable("propagation", PROPAGATION)]),
        validations: Some(vec![validation(
            "!(variables.propagation in ['Foreground', 'Orphan'])",
            message.to_owned(),
        )]),
        ..ValidatingAdmissionPolicySpec::default()
    };
    named(CASCADE, spec, "Deny")
}

fn named(name: &str, spec: ValidatingAdmissionPolicySpec, action: &str) -> Policy {
    let metadata = || ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
    let binding = ValidatingAdmissionPolicyBinding {
        metadata: metadata(),
        spec: ValidatingAdmissionPolicyBindingSpec {
            policy_name: name.to_owned(),
            validation_actions: vec![action.to_owned()],
            ..ValidatingAdmissionPolicyBindingSpec::default()
        },
    };
    let policy = ValidatingAdmissionPolicy {
        metadata: metadata(),
        spec: Some(spec),
        ..ValidatingAdmissionPolicy::default()
    };
    (policy, binding)
}

fn variable(name: &str, expression: &str) -> Variable {
    Variable { name: name.to_owned(), expression: expression.to_owned() }
}

fn validation(expression: &str, message: String) -> Validation {
    Validation {
        expression: expression.to_owned(),
        message_expression: Some(message),
        ..Validation::default()
    }
}

/// Plurals by group.
#[derive(Default)]
struct Resources(BTreeMap<String, Vec<String>>);

// === impl Resources ===

impl Resources {
    fn add(&mut self, group: &str, plural: &str) {
        self.0.entry(group.to_owned()).or_default().push(plural.to_owned());
    }

    /// All requests of one verb but those about these.
    fn all_but_these(&self, operation: &str) -> MatchResources {
        let rule = |group: &str, resources: &[String]| NamedRuleWithOperations {
            api_groups: Some(vec![group.to_owned()]),
            api_versions: Some(vec!["*".to_owned()]),
            operations: Some(vec![operation.to_owned()]),
            resources: Some(resources.to_vec()),
            ..NamedRuleWithOperations::default()
        };
        MatchResources {
            resource_rules: Some(vec![rule("*", &["*".to_owned()])]),
            exclude_resource_rules: Some(
                self.0.iter().map(|(group, resources)| rule(group, resources)).collect(),
            ),
            ..MatchResources::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_out(policy: &Policy) -> BTreeMap<String, Vec<String>> {
        let spec = policy.0.spec.as_ref().expect("a spec");
        let rules = spec.match_constraints.as_ref().expect("constraints");
        let rules = rules.exclude_resource_rules.iter().flatten();
        let group = |rule: &NamedRuleWithOperations| rule.api_groups.clone().unwrap_or_default();
        rules
            .map(|rule| (group(rule).join(","), rule.resources.clone().unwrap_or_default()))
            .collect()
    }

    #[test]
    fn what_is_propagated_now_is_left_out() {
        let kind = |plural: &str, is_leaving: bool| EnabledKind {
            group: "example.com".into(),
            version: "v1".into(),
            kind: "Any".into(),
            plural: plural.into(),
            is_namespaced: true,
            is_leaving,
        };
        let policies = policies(&[kind("widgets", false), kind("gadgets", true)]);
        for policy in &policies {
            let left_out = left_out(policy);
            assert_eq!(left_out["example.com"], ["widgets"]);
            assert_eq!(left_out["batch"], ["jobs"]);
        }
        let [stays, cascade] = &policies;
        assert_eq!(left_out(stays)["rbac.authorization.k8s.io"], ["*"]);
        assert!(!left_out(cascade).contains_key("rbac.authorization.k8s.io"));
    }
}
