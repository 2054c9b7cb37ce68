//! An object that lives: it shall stand in every selected member.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use clusters::federation::names::{
    ADOPT_ANNOTATION, CLUSTER_LABEL, LOCAL_LABEL, PROPAGATED_FINALIZER, SYSTEM_NAMESPACE,
};
use model::ClusterName;
use planner::annotations::{AnnotationError, CLUSTER_SELECTOR, OVERRIDES};
use planner::overrides::{OverrideError, Overrides};
use planner::placement::{ClusterSelector, Labels, NoneMatched, Placement};
use serde_json::Value;

use crate::compare::{difference, digest};
use crate::desired::desired;
use crate::key::Key;
use crate::kinds::{Coverage, Kind, Role};
use crate::object::{Copy, Federated, Owner};
use crate::table::Unlisted;

use super::share::{self, Share, Shares};
use super::status;
use super::{
    Action, Adoption, Cascade, Decision, MemberSituation, Problem, Reach, Settled, Situation,
    Sought, condition,
};

pub(super) fn decide(situation: &Situation<'_>) -> Decision {
    let Situation { key, kind, federation, object, members, .. } = situation;
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
        match plan.action(situation, name, there, &body) {
            Ok(Some(action)) => drop(decision.actions.insert((*name).clone(), action)),
            Ok(None) => {}
            Err(error) => decision.problems.push(Problem {
                cluster: Some((*name).clone()),
                reason: "InvalidOverride",
                detail: error.to_string(),
            }),
        }
    }
    decision.problems.extend(plan.problems(situation));
    let is_propagated =
        members.values().any(|there| is_ours(there.copy)) || decision.actions.values().any(makes);
    if is_propagated {
        let write = status::of(situation, &plan.selected, &decision.actions, plan.is_placed());
        (decision.annotations, decision.status) = (write.annotations, write.status);
    }
    let open = plan.open(situation, &decision.actions);
    condition::put(situation, &plan.selected, &open, &mut decision.status);
    if is_propagated {
        hold(object, &mut decision);
    }
    decision
}

/// The finalizer stands before the first copy does.
fn hold(object: &Federated, decision: &mut Decision) {
    if object.has_finalizer(PROPAGATED_FINALIZER) {
        return;
    }
    decision.actions.retain(|_, action| !makes(action));
    let own = object.finalizers.iter().cloned();
    decision.finalizers = Some(own.chain([PROPAGATED_FINALIZER.to_owned()]).collect());
}

fn makes(action: &Action) -> bool {
    matches!(action, Action::Create { .. } | Action::Update { .. })
}

/// What the object's annotations say.
struct Plan {
    selected: BTreeSet<ClusterName>,
    none_matched: Option<NoneMatched>,
    overrides: Overrides,
    shares: Shares,
}

// === impl Plan ===

impl Plan {
    fn of(situation: &Situation<'_>) -> Result<Self, Problem> {
        let Situation { object, members, .. } = situation;
        if object.labels.contains_key(LOCAL_LABEL) {
            return Ok(Self {
                selected: BTreeSet::new(),
                none_matched: None,
                overrides: Overrides::default(),
                shares: Shares::Whole,
            });
        }
        let invalid = |error: AnnotationError| Problem {
            cluster: None,
            reason: "InvalidAnnotation",
            detail: error.to_string(),
        };
        let selector = object.annotation(CLUSTER_SELECTOR).map(ClusterSelector::parse);
        let selector = selector.transpose().map_err(invalid)?.unwrap_or_default();
        let overrides = object.annotation(OVERRIDES).map(Overrides::parse);
        let overrides = overrides.transpose().map_err(invalid)?.unwrap_or_default();
        let labels: BTreeMap<&ClusterName, Labels> =
            members.iter().map(|(name, there)| (*name, labels(name, there))).collect();
        let labels = labels.iter().map(|(name, labels)| (*name, labels));
        let (selected, none_matched) = match selector.select(labels) {
            Placement::Selected { clusters } => (clusters, None),
            Placement::NoneMatched(why) => (BTreeSet::new(), Some(why)),
        };
        // What is planned for a cluster that can have nothing of it would run nowhere.
        let lacks_namespace = |name: &ClusterName| {
            members.get(name).is_some_and(|there| lacks_namespace(situation, there))
        };
        let placed = selected.iter().filter(|name| !lacks_namespace(name)).cloned().collect();
        let shares = Shares::of(situation, &placed).map_err(invalid)?;
        Ok(Self { selected, none_matched, overrides, shares })
    }

    /// What there is to do in one member; nothing as long as its share is not known.
    fn action(
        &self,
        situation: &Situation<'_>,
        name: &ClusterName,
        there: &MemberSituation<'_>,
        body: &Value,
    ) -> Result<Option<Action>, OverrideError> {
        if there.reach != Reach::Known {
            return Ok(None);
        }
        if !self.selected.contains(name) {
            return Ok(leave(there));
        }
        let mut body = body.clone();
        match self.share(situation, name, there) {
            Part::Whole => {}
            Part::Some(share) => share::put(&share, &mut body),
            Part::None => return Ok(leave(there)),
            Part::Unknown => return Ok(None),
        }
        self.overrides.apply(name, &mut body)?;
        // A namespace that is there is shared, whatever anybody says.
        let adopts = situation.object.annotation(ADOPT_ANNOTATION) == Some("true")
            && situation.kind.role != Role::Namespace;
        Ok(stand(adoption(adopts, there), there, body))
    }

    fn share(
        &self,
        situation: &Situation<'_>,
        name: &ClusterName,
        there: &MemberSituation<'_>,
    ) -> Part {
        let members = match &self.shares {
            Shares::Whole => return Part::Whole,
            Shares::Unknown => return Part::Unknown,
            Shares::Divided { members, .. } => members,
        };
        let role = situation.kind.role;
        let has_copy = is_ours(there.copy);
        let mut share = match members.get(name) {
            Some(share) => share.clone(),
            // Its turn comes when it counts again; until then it keeps what it has.
            None if !there.counts && has_copy => share::kept(role, there.copy),
            None if role == Role::Job && has_copy => vec![("parallelism", Some(0))],
            None if !there.counts => return Part::Unknown,
            None => return Part::None,
        };
        let is_scaled =
            situation.is_autoscaled || stands_there(there).is_some_and(|it| it.is_scaled);
        if matches!(role, Role::Deployment | Role::ReplicaSet) && is_scaled {
            share::leave_to_autoscaler(&mut share, there.copy);
        }
        Part::Some(share)
    }

    /// The members of which it is not known now whether a copy can be made there.
    fn open(
        &self,
        situation: &Situation<'_>,
        actions: &BTreeMap<ClusterName, Action>,
    ) -> BTreeSet<ClusterName> {
        let members = situation.members.iter();
        let is_open = |name: &ClusterName, there: &MemberSituation<'_>| match there.reach {
            Reach::Unknown | Reach::Away { .. } => !is_ours(there.copy),
            Reach::Known if matches!(actions.get(name), Some(Action::Create { .. })) => true,
            // Nothing is tried before the shares of all are known.
            Reach::Known => {
                !is_ours(there.copy) && matches!(self.share(situation, name, there), Part::Unknown)
            }
            Reach::NotServed => false,
        };
        members
            .filter(|(name, there)| is_open(name, there))
            .map(|(name, _)| (*name).clone())
            .collect()
    }

    fn is_placed(&self) -> bool {
        !matches!(self.shares, Shares::Divided { unplaced: Some(_), .. })
    }

    fn problems(&self, situation: &Situation<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let (Some(why), false) = (&self.none_matched, situation.members.is_empty()) {
            let detail = why.to_string();
            problems.push(Problem { cluster: None, reason: "NoClusterSelected", detail });
        }
        if let Shares::Divided { unplaced: Some(detail), .. } = &self.shares {
            let detail = detail.clone();
            problems.push(Problem { cluster: None, reason: "NotPlaced", detail });
        }
        let selected = situation.members.iter().filter(|(name, _)| self.selected.contains(**name));
        problems.extend(selected.filter_map(|(name, there)| unlisted(situation.kind, name, there)));
        let without_namespace = situation.members.iter().filter(|(name, there)| {
            self.selected.contains(**name) && lacks_namespace(situation, there)
        });
        problems.extend(without_namespace.map(|(name, _)| Problem {
            cluster: Some((*name).clone()),
            reason: "NamespaceMissing",
            detail: format!(
                "cluster {name} has no namespace {:?}, and none is to be made there",
                situation.key.namespace
            ),
        }));
        problems
    }
}

/// What placement looks at: any cluster can be selected by its name.
fn labels(name: &ClusterName, there: &MemberSituation<'_>) -> Labels {
    let mut labels = there.member.labels.clone();
    labels.insert(CLUSTER_LABEL.to_owned(), name.to_string());
    labels
}

/// True where the object's namespace is not there, and nothing is going on to make it.
fn lacks_namespace(situation: &Situation<'_>, there: &MemberSituation<'_>) -> bool {
    situation.is_namespace_settled && there.reach == Reach::Known && !there.has_namespace
}

/// The copy, or what is to become it.
fn stands_there<'a>(there: &'a MemberSituation<'_>) -> Option<&'a Copy> {
    match there.sought {
        Some(Sought::Found(theirs)) => there.copy.or(Some(theirs)),
        _ => there.copy,
    }
}

/// Why a member's objects of the kind will not be known until somebody changes something.
fn unlisted(kind: &Kind, cluster: &ClusterName, there: &MemberSituation<'_>) -> Option<Problem> {
    let why = there.unlisted?;
    let (reason, remedy) = match why {
        Unlisted::Failed(_) => return None,
        Unlisted::Forbidden(_) if kind.coverage == Coverage::Always => {
            ("ListInClusterFailed", None)
        }
        Unlisted::Forbidden(_) => ("ListInClusterFailed", Some("`fedns enable` grants the right")),
        Unlisted::NotServed(_) if kind.coverage == Coverage::Always => ("KindMissing", None),
        Unlisted::NotServed(_) => (
            "KindMissing",
            Some(
                "make its CustomResourceDefinition there, or here after `fedns enable \
                 customresourcedefinitions`",
            ),
        ),
    };
    let remedy = remedy.map(|remedy| format!("; {remedy}")).unwrap_or_default();
    let detail = format!("cluster {cluster}: {}{remedy}", why.words());
    Some(Problem { cluster: Some(cluster.clone()), reason, detail })
}

/// What one member gets of an object.
enum Part {
    Whole,
    Some(Share),
    None,
    Unknown,
}

/// Replicas were spread with those that run there: it is adopted as it was then, or looked at anew. Where an
/// autoscaler sets their number, it stays.
fn adoption(adopts: bool, there: &MemberSituation<'_>) -> Adoption {
    match there.sought {
        _ if !adopts => Adoption::Never,
        Some(Sought::Found(theirs)) if !theirs.is_scaled => {
            Adoption::WithReplicas(theirs.replicas())
        }
        Some(Sought::Nothing) => Adoption::WithReplicas(None),
        Some(Sought::Found(_) | Sought::UnderWay) | None => Adoption::Always,
    }
}

/// What there is to do where the object is selected.
fn stand(adoption: Adoption, there: &MemberSituation<'_>, body: Value) -> Option<Action> {
    if !there.has_namespace {
        return None;
    }
    let Some(copy) = there.copy else {
        return Some(Action::Create { body: Arc::new(body), adoption });
    };
    // What is on its way out is made anew when it is gone; what is shared is left as it is.
    if copy.is_deleted || copy.owner == Owner::Other && adoption == Adoption::Never {
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
    Some(Action::end(Some(copy.uid.clone()), Cascade::Background))
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
    let is_account = kind.name() == "ServiceAccount" && key.name == "default";
    let is_priority = kind.name() == "PriorityClass" && key.name.starts_with("system-");
    // Members have no use for the definition of members.
    let is_membership = kind.is_of_definitions() && key.name.ends_with(".fedns.io");
    is_system || is_api || is_authority || is_token || is_account || is_priority || is_membership
}
