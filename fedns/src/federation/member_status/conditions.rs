//! From what a watcher knows of a member to the status of its `Cluster` object. Pure.

use std::collections::BTreeMap;

use clusters::federation::cluster_object::{ClusterStatus, Condition, Phase};
use clusters::federation::members::FoundMember;
use clusters::{Access, Source};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use model::{ClusterName, Freshness, StaleReason, Topology, UnixTime};

use propagator::Standing;

use crate::pipeline::{Pipeline, unix_now};

/// What the pipeline knows of a member.
#[derive(Clone, Debug)]
pub struct View {
    freshness: Freshness,
    topology: Topology,
    /// Published Services.
    services: usize,
    /// Where all of it was seen.
    source: Option<Source>,
}

pub fn views(pipeline: &Pipeline) -> BTreeMap<ClusterName, View> {
    let federation = pipeline.planner().federation();
    let view = |(id, cluster): (_, &planner::ClusterEntry)| {
        let published = cluster.services().filter(|service| {
            let observed = federation.service_by_id(*service).of_cluster(id);
            observed.and_then(model::Observed::shard).is_some()
        });
        let view = View {
            freshness: cluster.freshness.clone(),
            topology: cluster.topology.clone(),
            services: published.count(),
            source: pipeline.source(&cluster.name).cloned(),
        };
        (cluster.name.clone(), view)
    };
    federation.clusters().map(view).collect()
}

/// The status to be written. What is not known now, and was, stays: regions of a member that is
/// offline, and its version.
pub fn status(
    view: &View,
    member: &FoundMember,
    version: String,
    before: Option<&ClusterStatus>,
    now: UnixTime,
) -> ClusterStatus {
    let View { freshness, topology, services, .. } = view;
    let phase = phase(freshness);
    let regions: Vec<String> = topology.regions().iter().map(|it| it.to_string()).collect();
    let zones = topology.locations.iter().filter_map(|it| it.availability_zone.as_ref());
    let mut availability_zones: Vec<String> = zones.map(ToString::to_string).collect();
    availability_zones.dedup();
    let mut region = regions.join(",");
    if let (true, Some(before)) = (region.is_empty() && phase != Phase::Ready, before) {
        region.clone_from(&before.region);
        availability_zones.clone_from(&before.availability_zones);
    }
    let version = match (version.is_empty(), before) {
        (true, Some(before)) => before.version.clone(),
        _ => version,
    };
    let last_contact = match freshness {
        Freshness::Live => time(now),
        Freshness::Stale { since, .. } => {
            since.and_then(time).or_else(|| before?.last_contact.clone())
        }
    };
    ClusterStatus {
        phase: Some(phase),
        conditions: conditions(freshness, phase, before, now),
        region,
        availability_zones,
        version,
        services: u32::try_from(*services).unwrap_or(u32::MAX),
        join: join(view, member).or_else(|| Some(before?.join.clone())).unwrap_or_default(),
        last_contact,
    }
}

/// The join that all of this is about; `None` while the member is still seen as it was before that one.
fn join(view: &View, member: &FoundMember) -> Option<String> {
    let is_seen = match &member.access {
        Access::Unusable(_) => true,
        access => view.source == Some(Source::ApiServer(access.clone())),
    };
    member.join.as_ref().filter(|_| is_seen).map(ToString::to_string)
}

/// Nothing but times differs.
pub fn says_the_same(one: &ClusterStatus, other: &ClusterStatus) -> bool {
    let timeless = |status: &ClusterStatus| {
        let mut status = status.clone();
        status.last_contact = None;
        for condition in &mut status.conditions {
            condition.last_probe_time = None;
        }
        status
    };
    timeless(one) == timeless(other)
}

/// `Ready` and `Offline`, in the words of kubefed.
fn conditions(
    freshness: &Freshness,
    phase: Phase,
    before: Option<&ClusterStatus>,
    now: UnixTime,
) -> Vec<Condition> {
    let detail = match freshness {
        Freshness::Live => String::new(),
        Freshness::Stale { reason: reason @ StaleReason::ClusterChanged(_), .. } => {
            format!("{reason}; where that is meant, join the cluster again")
        }
        Freshness::Stale { reason, .. } => reason.to_string(),
    };
    let ready = |status, reason, message: String| ("Ready", status, reason, message);
    let offline = |status, reason, message: String| ("Offline", status, reason, message);
    let reachable = || offline("False", "ClusterReachable", "cluster is reachable".into());
    let told = match phase {
        Phase::Ready => {
            [ready("True", "ClusterReady", "/readyz responded with ok".into()), reachable()]
        }
        Phase::NotReady => [ready("False", "ClusterNotReady", detail), reachable()],
        Phase::Offline => {
            let message = format!("cluster is not reachable: {detail}");
            [
                ready("Unknown", "ClusterNotReachable", message.clone()),
                offline("True", "ClusterNotReachable", message),
            ]
        }
    };
    let condition = |(kind, status, reason, message): (&str, &str, &str, String)| {
        let same = before
            .and_then(|before| before.conditions.iter().find(|it| it.kind == kind))
            .filter(|it| it.status == status);
        Condition {
            kind: kind.to_owned(),
            status: status.to_owned(),
            last_probe_time: time(now),
            last_transition_time: same.map_or(time(now), |it| it.last_transition_time.clone()),
            reason: reason.to_owned(),
            message,
        }
    };
    told.map(condition).into()
}

fn phase(freshness: &Freshness) -> Phase {
    match freshness.phase() {
        "Ready" => Phase::Ready,
        "NotReady" => Phase::NotReady,
        _ => Phase::Offline,
    }
}

fn time(at: UnixTime) -> Option<Time> {
    let seconds = i64::try_from(at.0).ok()?;
    Timestamp::from_second(seconds).ok().map(Time)
}

// === impl View ===

impl View {
    pub fn standing(&self) -> Standing {
        match phase(&self.freshness) {
            Phase::Ready => Standing::Ready,
            Phase::NotReady => Standing::NotReady,
            Phase::Offline => Standing::Offline,
        }
    }

    pub fn is_live(&self) -> bool {
        self.freshness == Freshness::Live
    }

    /// The member may go on being watched with credentials that were read before.
    pub fn without_credentials(self, why: &str) -> Self {
        let since = match &self.freshness {
            Freshness::Live => Some(unix_now()),
            Freshness::Stale { since, .. } => *since,
        };
        let reason = StaleReason::BadAccess(why.to_owned());
        Self { freshness: Freshness::Stale { since, reason }, ..self }
    }
}

#[cfg(test)]
mod tests {
    use clusters::KubeconfigAccess;
    use clusters::federation::join::mark::Mark;
    use clusters::federation::members::MemberStanding;
    use model::{Label, Location};

    use super::*;

    fn view(freshness: Freshness) -> View {
        let label = |text| Label::new(text).unwrap();
        let zones = ["b", "a"].map(|zone| Location::new(label("r"), Some(label(zone))));
        let topology = Topology { locations: zones.into(), ..Topology::default() };
        View { freshness, topology, services: 3, source: Some(Source::ApiServer(access("new"))) }
    }

    fn access(context: &str) -> Access {
        Access::Kubeconfig(KubeconfigAccess { path: None, context: Some(context.to_owned()) })
    }

    fn member(access: Access) -> FoundMember {
        FoundMember {
            access,
            labels: BTreeMap::new(),
            topology: None,
            uid: None,
            credential: None,
            standing: MemberStanding::Joined,
            join: Mark::parse("8@now"),
            is_held: true,
        }
    }

    /// Of a member that is seen as it was joined.
    fn status(
        view: &View,
        version: String,
        before: Option<&ClusterStatus>,
        now: UnixTime,
    ) -> ClusterStatus {
        super::status(view, &member(access("new")), version, before, now)
    }

    fn stale(reason: StaleReason) -> Freshness {
        Freshness::Stale { since: Some(UnixTime(7)), reason }
    }

    fn words(status: &ClusterStatus) -> Vec<String> {
        let word =
            |it: &Condition| format!("{}={} {} {}", it.kind, it.status, it.reason, it.message);
        status.conditions.iter().map(word).collect()
    }

    #[test]
    fn each_phase_has_its_conditions() {
        let ready = status(&view(Freshness::Live), "v1.36.3".into(), None, UnixTime(100));
        assert_eq!(
            words(&ready),
            [
                "Ready=True ClusterReady /readyz responded with ok",
                "Offline=False ClusterReachable cluster is reachable"
            ]
        );
        assert_eq!(ready.region, "r");
        assert_eq!(ready.availability_zones, ["a", "b"]);
        assert_eq!(ready.last_contact, time(UnixTime(100)));

        let freshness = stale(StaleReason::Forbidden("list services: no".into()));
        let not_ready = status(&view(freshness), String::new(), Some(&ready), UnixTime(101));
        assert_eq!(not_ready.phase, Some(Phase::NotReady));
        assert!(words(&not_ready)[0].starts_with("Ready=False ClusterNotReady "));
        assert!(words(&not_ready)[0].contains("list services: no"));
        assert_eq!(not_ready.last_contact, time(UnixTime(7)));

        let freshness = stale(StaleReason::Unreachable("no answer".into()));
        let offline = status(&view(freshness), String::new(), Some(&ready), UnixTime(101));
        assert!(words(&offline)[1].starts_with("Offline=True ClusterNotReachable cluster is not"));
        assert_eq!(offline.version, "v1.36.3");
    }

    #[test]
    fn a_join_is_answered_when_the_member_is_seen_as_it_left_it() {
        let now = UnixTime(100);
        let before = ClusterStatus { join: "7@before".into(), ..ClusterStatus::default() };
        let told = |view: &View, found: Access| {
            super::status(view, &member(found), String::new(), Some(&before), now).join
        };
        let seen = view(Freshness::Live);
        assert_eq!(told(&seen, access("new")), "8@now");
        assert_eq!(told(&seen, access("newer")), "7@before", "it is still watched as before");
        let unusable = Access::Unusable("its Secret holds no token".into());
        assert_eq!(told(&seen.without_credentials("no token"), unusable), "8@now");
    }

    #[test]
    fn a_condition_keeps_the_time_at_which_it_began() {
        let first = status(&view(Freshness::Live), String::new(), None, UnixTime(100));
        let second = status(&view(Freshness::Live), String::new(), Some(&first), UnixTime(160));
        assert_eq!(second.conditions[0].last_transition_time, time(UnixTime(100)));
        assert_eq!(second.conditions[0].last_probe_time, time(UnixTime(160)));
        assert!(says_the_same(&first, &second));
    }

    #[test]
    fn regions_are_remembered_while_a_member_is_offline() {
        let ready = status(&view(Freshness::Live), String::new(), None, UnixTime(100));
        let mut lost = view(stale(StaleReason::NotListed));
        lost.topology = Topology::default();
        let offline = status(&lost, String::new(), Some(&ready), UnixTime(101));
        assert_eq!(offline.region, "r");
        assert_eq!(offline.availability_zones, ["a", "b"]);
    }
}
