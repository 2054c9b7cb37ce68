//! What the object's status and its annotation of addresses shall be, from the status of its copies.

use std::collections::{BTreeMap, BTreeSet};

use model::ClusterName;
use planner::annotations::SERVICE_INGRESSES;
use planner::ingresses::{Ingress, MemberService, ServiceIngresses, load_balancer_ingress};
use planner::member_status::{
    Member, Summary, sum_daemon_sets, sum_deployments, sum_jobs, sum_replica_sets,
    sum_stateful_sets,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::kinds::Role;
use crate::object::{Copy, Owner};

use super::{Action, MemberSituation, Reach, Situation, condition};

/// What is to be written to the object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct StatusWrite {
    pub(super) annotations: BTreeMap<&'static str, String>,
    /// A merge patch of the status.
    pub(super) status: Option<Value>,
}

/// `actions` are those that are still to be carried out: where one is, the copy is not yet what was
/// last written to the federation. `is_placed` if all of the object's work has a cluster.
pub(super) fn of(
    situation: &Situation<'_>,
    selected: &BTreeSet<ClusterName>,
    actions: &BTreeMap<ClusterName, Action>,
    is_placed: bool,
) -> StatusWrite {
    let previous = condition::without(&situation.object.status);
    let summing = Summing { situation, selected, actions, previous: &previous };
    summing.write(is_placed)
}

struct Summing<'a> {
    situation: &'a Situation<'a>,
    selected: &'a BTreeSet<ClusterName>,
    actions: &'a BTreeMap<ClusterName, Action>,
    /// The object's status without the condition of ours.
    previous: &'a Value,
}

// === impl Summing ===

impl Summing<'_> {
    fn write(&self, is_placed: bool) -> StatusWrite {
        let status = match self.situation.kind.role {
            Role::Deployment => self.sum(sum_deployments),
            Role::ReplicaSet => self.sum(sum_replica_sets),
            Role::DaemonSet => self.sum(sum_daemon_sets),
            Role::StatefulSet => {
                self.sum(|summary| sum_stateful_sets(summary, |cluster| self.replicas(cluster)))
            }
            Role::Job => self.job(is_placed),
            Role::Service => return self.service(),
            Role::Ingress => self.ingress(),
            _ => None,
        };
        StatusWrite { status, ..StatusWrite::default() }
    }

    /// The members that are to have the object.
    fn selected(&self) -> impl Iterator<Item = (&ClusterName, &MemberSituation<'_>)> {
        let there = self.situation.members.iter().map(|(name, there)| (*name, there));
        there.filter(|(name, _)| self.selected.contains(*name))
    }

    fn sum<S>(&self, sum: impl Fn(&Summary<'_, S>) -> S) -> Option<Value>
    where
        S: Default + DeserializeOwned + PartialEq + Serialize,
    {
        let object = self.situation.object;
        let previous: S = read(self.previous);
        let members = self.members();
        let summary =
            Summary { generation: object.generation, previous: &previous, members: &members };
        patch(&previous, &sum(&summary))
    }

    /// `spec.replicas` of a copy.
    fn replicas(&self, cluster: &ClusterName) -> u32 {
        let copy = self.situation.members.get(cluster).and_then(|there| there.copy);
        copy.and_then(Copy::replicas).unwrap_or(0)
    }

    fn job(&self, is_placed: bool) -> Option<Value> {
        let previous = read(self.previous);
        let next = sum_jobs(&previous, &self.members(), is_placed);
        patch(&previous, &next)
    }

    /// The clusters that are to have the object; of one without contact what was seen last, until its
    /// share is planned elsewhere.
    fn members<S: Default + DeserializeOwned>(&self) -> Vec<Member<S>> {
        self.selected()
            .filter(|(_, there)| there.counts)
            .map(|(name, there)| {
                let ours = there.copy.filter(|copy| copy.owner == Owner::Us);
                let is_written = !self.actions.contains_key(name);
                Member {
                    cluster: name.clone(),
                    written_generation: ours.map(|copy| copy.generation).filter(|_| is_written),
                    status: ours.map(|copy| read(&copy.status)).unwrap_or_default(),
                }
            })
            .collect()
    }

    fn service(&self) -> StatusWrite {
        let object = self.situation.object;
        let text = object.annotation(SERVICE_INGRESSES);
        // What somebody wrote there by hand, and cannot be read, is written anew.
        let previous = text.and_then(|text| ServiceIngresses::parse(text).ok()).unwrap_or_default();
        let members = self.services();
        let next = ServiceIngresses::new(&members, &previous);
        let is_told = text.is_some() || next.iter().next().is_some();
        let mut annotations = BTreeMap::new();
        if is_told && (next != previous || text.is_none()) {
            annotations.insert(SERVICE_INGRESSES, next.to_json());
        }
        let status = (object.body["spec"]["type"] == "LoadBalancer")
            .then(|| load_balancer(&object.status, &load_balancer_ingress(&members, &previous)));
        StatusWrite { annotations, status: status.flatten() }
    }

    fn services(&self) -> Vec<MemberService> {
        self.selected()
            .map(|(name, there)| MemberService {
                cluster: name.clone(),
                ready: there.reach == Reach::Known,
                ingress: there.copy.map(|copy| addresses(&copy.status)).unwrap_or_default(),
                has_ready_address: there.has_ready_endpoint,
            })
            .collect()
    }

    fn ingress(&self) -> Option<Value> {
        let copies = self.selected().filter_map(|(_, there)| there.copy);
        let all: BTreeSet<Ingress> = copies.flat_map(|copy| addresses(&copy.status)).collect();
        load_balancer(&self.situation.object.status, &all.into_iter().collect::<Vec<_>>())
    }
}

fn addresses(status: &Value) -> Vec<Ingress> {
    let ingress = status["loadBalancer"]["ingress"].as_array();
    ingress.into_iter().flatten().filter_map(|it| serde_json::from_value(it.clone()).ok()).collect()
}

fn load_balancer(status: &Value, wanted: &[Ingress]) -> Option<Value> {
    let is_new = addresses(status) != wanted;
    is_new.then(|| json!({"loadBalancer": {"ingress": wanted}}))
}

/// A field of another type than the API says is read as if it was not there.
fn read<S: Default + DeserializeOwned>(status: &Value) -> S {
    S::deserialize(status).unwrap_or_default()
}

/// From one status to the next; `None` if they are equal.
fn patch<S: PartialEq + Serialize>(previous: &S, next: &S) -> Option<Value> {
    if previous == next {
        return None;
    }
    let fields = |status: &S| match serde_json::to_value(status) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    let mut patch: Map<String, Value> =
        fields(previous).into_iter().map(|(field, _)| (field, Value::Null)).collect();
    patch.extend(fields(next));
    Some(Value::Object(patch))
}
