//! What stands in the federation's own API before anybody uses it.

use clusters::federation::cluster_object::DEFINITION;
use clusters::federation::enabled::EnabledKind;
use clusters::federation::enabled::grant::of_federation;
use clusters::federation::enabled::policies::policies;
use clusters::federation::kinds::{FEDERATED, UNFIT};
use clusters::federation::names::{FEDERATION_NAME_ANNOTATION, FEDNS_USER, HOST_UID_ANNOTATION};
use serde_json::{Value, json};

const ROLE: &str = "fedns";
const POLICY: &str = "fedns-kinds-that-run-nothing";

/// What the API says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The federation's label.
    pub federation: String,
    /// UID of the host's kube-system namespace; `None` where it is not known.
    pub host_uid: Option<String>,
}

/// What fedns may do, what is refused, what is told of kinds that are not propagated, and the definition of
/// Cluster objects: it comes last, so that where it stands, all of it does. `enabled` are propagated beside the
/// kinds that always are.
///
/// # Errors
///
/// The definition that is built in is no JSON.
pub fn objects(origin: &Origin, enabled: &[EnabledKind]) -> Result<Vec<Value>, serde_json::Error> {
    let mut objects = Vec::from(rights());
    if !enabled.is_empty() {
        let (role, binding) = of_federation(enabled);
        objects.push(serde_json::to_value(role)?);
        objects.push(serde_json::to_value(binding)?);
    }
    objects.extend(policy());
    for (policy, binding) in policies(enabled) {
        objects.push(serde_json::to_value(policy)?);
        objects.push(serde_json::to_value(binding)?);
    }
    objects.push(definition(origin)?);
    Ok(objects)
}

fn definition(origin: &Origin) -> Result<Value, serde_json::Error> {
    let mut definition: Value = serde_json::from_str(DEFINITION)?;
    let annotations = &mut definition["metadata"]["annotations"];
    annotations[FEDERATION_NAME_ANNOTATION] = json!(origin.federation);
    if let Some(uid) = &origin.host_uid {
        annotations[HOST_UID_ANNOTATION] = json!(uid);
    }
    Ok(definition)
}

fn rights() -> [Value; 2] {
    let rule = |group: &str, resources: &[String], verbs: &[&str]| json!({"apiGroups": [group], "resources": resources, "verbs": verbs});
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let mut rules = Vec::new();
    for kinds in FEDERATED.chunk_by(|one, next| one.group == next.group) {
        let group = kinds[0].group;
        let plurals: Vec<&str> = kinds.iter().map(|kind| kind.plural).collect();
        rules.push(rule(group, &owned(&plurals), &["get", "list", "watch", "update", "patch"]));
        let status: Vec<String> = plurals.iter().map(|plural| format!("{plural}/status")).collect();
        rules.push(rule(group, &status, &["get", "update", "patch"]));
    }
    // Content of a namespace that goes is let go through its finalizer.
    rules.push(rule("", &owned(&["namespaces/finalize"]), &["update"]));
    rules.push(rule("", &owned(&["events"]), &["create", "patch", "update"]));
    rules.push(rule("events.k8s.io", &owned(&["events"]), &["create", "patch", "update"]));
    let clusters = owned(&["clusters"]);
    rules.push(rule("fedns.io", &clusters, &["get", "list", "watch", "update", "patch"]));
    let status = owned(&["clusters/status"]);
    rules.push(rule("fedns.io", &status, &["get", "update", "patch"]));
    let definitions = owned(&["customresourcedefinitions"]);
    rules.push(rule("apiextensions.k8s.io", &definitions, &["get", "list", "watch"]));
    let group = "rbac.authorization.k8s.io";
    [
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": ROLE},
            "rules": rules,
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": ROLE},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": ROLE},
            "subjects": [{"apiGroup": group, "kind": "User", "name": FEDNS_USER}],
        }),
    ]
}

/// Without it a pod would be taken and never run.
fn policy() -> [Value; 2] {
    let refused = UNFIT.iter().filter(|kind| kind.runs_nothing);
    let refused: Vec<(&str, &str)> =
        refused.filter_map(|kind| Some((kind.plural?, kind.why))).collect();
    let plurals: Vec<&str> = refused.iter().map(|(plural, _)| *plural).collect();
    let remedies = refused.iter().map(|(plural, instead)| format!("'{plural}': '{instead}'"));
    let remedies = remedies.collect::<Vec<_>>().join(", ");
    let message = format!(
        "'a federation runs no ' + request.resource.resource + ' of its own; make ' + \
         {{{remedies}}}[request.resource.resource]"
    );
    [
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": POLICY},
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {"resourceRules": [{
                    "apiGroups": [""],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE"],
                    "resources": plurals,
                }]},
                "validations": [{"expression": "false", "messageExpression": message}],
            },
        }),
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": POLICY},
            "spec": {"policyName": POLICY, "validationActions": ["Deny"]},
        }),
    ]
}
