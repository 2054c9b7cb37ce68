//! An object that lives: it shall stand in every selected member.

use std::sync::Arc;

use clusters::federation::names::{
    ADOPT_ANNOTATION, LOCAL_LABEL, PROPAGATED_FINALIZER, SYSTEM_NAMESPACE,
};
use planner::annotations::{CLUSTER_SELECTOR, OVERRIDES};
use planner::overrides::Overrides;
use planner::placement::{ClusterSelector, Placement};
use serde_json::Value;

use crate::compare::{difference, digest};
use crate::desired::desired;
use crate::key::Key;
use crate::kinds::{Kind, Role};
use crate::object::{Copy, Federated, Owner};

use super::{Action, Cascade, Decision, MemberSituation, Problem, Reach, Settled, Situation};

pub(super) fn decide(situation: &Situation<'_>) -> Decision {
    let Situation { key, kind, federation, object, members } = situation;
    let mut decision = Decision::default();
    if is_of_every_cluster(key, kind, object) {
        return decision;
    }
    let plan = match Plan::of(situation) {
        Ok(plan) => plan,
        Err(problem) => {
            decision.problems.push(problem);
            return decision;
        }
    };
    let body = desired(key, kind.role, object, federation);
    for (name, there) in members {
        let is_selected = plan.placement.clusters().any(|cluster| cluster == *name);
        let action = match is_selected {
            true => {
                let mut body = body.clone();
                if let Err(error) = plan.overrides.apply(name, &mut body) {
                    let detail = error.to_string();
                    decision.problems.push(Problem { reason: "InvalidOverride", detail });
                    continue;
                }
                stand(object, there, body)
            }
            false => leave(there),
        };
        if let Some(action) = action {
            decision.actions.insert((*name).clone(), action);
        }
    }
    if let (Placement::NoneMatched(why), false) = (&plan.placement, members.is_empty()) {
        decision.problems.push(Problem { reason: "NoClusterSelected", detail: why.to_string() });
    }
    hold(object, members.values().any(|there| is_ours(there.copy)), &mut decision);
    decision
}

/// The finalizer stands before the first copy does.
fn hold(object: &Federated, has_copies: bool, decision: &mut Decision) {
    let makes = |action: &Action| matches!(action, Action::Create { .. } | Action::Update { .. });
    if object.has_finalizer(PROPAGATED_FINALIZER)
        || !has_copies && !decision.actions.values().any(makes)
    {
        return;
    }
    decision.actions.retain(|_, action| !makes(action));
    let own = object.finalizers.iter().cloned();
    decision.finalizers = Some(own.chain([PROPAGATED_FINALIZER.to_owned()]).collect());
}

/// What the object's annotations say.
struct Plan {
    placement: Placement,
    overrides: Overrides,
}

impl Plan {
    fn of(situation: &Situation<'_>) -> Result<Self, Problem> {
        let Situation { key, kind, object, members, .. } = situation;
        if stays_in_federation(key, kind, object) {
            let overrides = Overrides::default();
            return Ok(Self { placement: Placement::Selected { clusters: [].into() }, overrides });
        }
        let invalid = |error: planner::annotations::AnnotationError| Problem {
            reason: "InvalidAnnotation",
            detail: error.to_string(),
        };
        let selector = object.annotation(CLUSTER_SELECTOR).map(ClusterSelector::parse);
        let selector = selector.transpose().map_err(invalid)?.unwrap_or_default();
        let overrides = object.annotation(OVERRIDES).map(Overrides::parse);
        let overrides = overrides.transpose().map_err(invalid)?.unwrap_or_default();
        let labels = members.iter().map(|(name, there)| (*name, &there.member.labels));
        Ok(Self { placement: selector.select(labels), overrides })
    }
}

/// What there is to do where the object is selected.
fn stand(object: &Federated, there: &MemberSituation<'_>, body: Value) -> Option<Action> {
    if there.reach != Reach::Known || !there.has_namespace {
        return None;
    }
    let adopts = object.annotation(ADOPT_ANNOTATION) == Some("true");
    let Some(copy) = there.copy else {
        return Some(Action::Create { body: Arc::new(body), adopts });
    };
    // What is on its way out is made anew when it is gone; what is shared is left as it is.
    if copy.is_deleted || copy.owner == Owner::Other && !adopts {
        return None;
    }
    let left = difference(&body, &copy.body, &copy.applied);
    left?;
    let settled = Settled { wanted: digest(&body), left };
    let update = Action::Update { body: Arc::new(body), uid: copy.uid.clone() };
    (there.settled != Some(settled)).then_some(update)
}

/// What there is to do where the object is not selected.
fn leave(there: &MemberSituation<'_>) -> Option<Action> {
    let copy = there.copy.filter(|copy| copy.owner == Owner::Us && !copy.is_deleted)?;
    let delete = Action::end(Some(copy.uid.clone()), Cascade::Background);
    (there.reach == Reach::Known).then_some(delete)
}

fn is_ours(copy: Option<&Copy>) -> bool {
    copy.is_some_and(|copy| copy.owner == Owner::Us)
}

/// What every API server has of itself: nobody's copy of ours can stand there.
fn is_of_every_cluster(key: &Key, kind: &Kind, object: &Federated) -> bool {
    let namespace = match kind.role {
        Role::Namespace => key.name.as_str(),
        _ => key.namespace.as_str(),
    };
    let is_system = namespace.starts_with("kube-") || namespace == SYSTEM_NAMESPACE;
    let is_api =
        kind.role == Role::Service && key.namespace == "default" && key.name == "kubernetes";
    let is_authority = kind.name() == "ConfigMap" && key.name == "kube-root-ca.crt";
    let is_token = kind.role == Role::Secret
        && object.body["type"].as_str() == Some("kubernetes.io/service-account-token");
    is_system || is_api || is_authority || is_token
}

pub(super) fn stays_in_federation(key: &Key, kind: &Kind, object: &Federated) -> bool {
    is_of_every_cluster(key, kind, object) || object.labels.contains_key(LOCAL_LABEL)
}
