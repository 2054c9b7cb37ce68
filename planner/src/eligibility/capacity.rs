//! One object in one cluster: how many of its replicas fit.

use model::UnixTime;

use super::{EligibilitySettings, doubled};

/// What is remembered of an object in a cluster.
///
/// A limit outlives the pods that showed it: the plan takes them away, and without a memory it would
/// send them again at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapacityEstimate {
    limit: Option<Limit>,
    /// How often replicas came back and did not fit.
    relapses: u32,
    /// When the last limit was given up untested.
    given_up: Option<UnixTime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limit {
    capacity: u32,
    /// When a pod did not fit the last time.
    seen: UnixTime,
}

/// The pods of an object in a cluster. Those that ended or are being deleted are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberPods<'a> {
    /// `spec.replicas` of the member's object.
    pub replicas: u32,
    /// Pods that are wanted there and exist or are refused, those below included.
    pub pods: u32,
    /// For each pod that no node takes (PodScheduled=False, reason Unschedulable) or that the cluster's API
    /// refuses to make: since when.
    pub misfits_since: &'a [UnixTime],
}

/// What to plan with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapacityView {
    /// Replicas that the cluster holds: those asked for, without pods that do not fit. Readiness does
    /// not matter: a rollout or a crash moves nothing.
    pub current: u32,
    /// How many fit; `None` as long as nothing says that the cluster is full.
    pub capacity: Option<u32>,
    /// When to observe again, if nothing changes before.
    pub look_again: Option<UnixTime>,
}

impl CapacityEstimate {
    /// Takes in what is seen now.
    ///
    /// The capacity is the number of pods without those that fit nowhere for
    /// `unschedulable_after_seconds`. When none is left, it stands for `retry_after_seconds`, unless
    /// more than it run by then: it is disproved at once.
    pub fn observe(
        &mut self,
        seen: &MemberPods<'_>,
        now: UnixTime,
        settings: &EligibilitySettings,
    ) -> CapacityView {
        let due = |since: &UnixTime| {
            UnixTime(since.0.saturating_add(settings.unschedulable_after_seconds))
        };
        let misfits = seen.misfits_since.iter().filter(|since| due(since) <= now).count();
        let misfits = u32::try_from(misfits).unwrap_or(u32::MAX);
        let next_misfit = seen.misfits_since.iter().map(due).filter(|due| *due > now).min();

        if misfits > 0 {
            let capacity = seen.pods.saturating_sub(misfits);
            self.meet_limit(capacity, now, settings);
            let current = seen.replicas.min(capacity);
            return CapacityView { current, capacity: Some(capacity), look_again: next_misfit };
        }
        if self.is_disproved_by(seen) {
            *self = Self::default();
        }
        let retry_at = self.retry_at(settings);
        if retry_at.is_some_and(|at| at <= now) {
            self.limit = None;
            self.given_up = Some(now);
        }
        CapacityView {
            current: seen.replicas,
            capacity: self.limit.map(|limit| limit.capacity),
            look_again: retry_at.filter(|at| *at > now).into_iter().chain(next_misfit).min(),
        }
    }

    fn meet_limit(&mut self, capacity: u32, now: UnixTime, settings: &EligibilitySettings) {
        if self.limit.is_none() {
            let calm = self.given_up.is_none_or(|given_up| {
                now.0.saturating_sub(given_up.0) >= settings.calm_after_seconds
            });
            self.relapses = if calm { 0 } else { self.relapses.saturating_add(1) };
        }
        self.limit = Some(Limit { capacity, seen: now });
    }

    /// True if more pods found a node than the limit allows.
    fn is_disproved_by(&self, seen: &MemberPods<'_>) -> bool {
        let waiting = u32::try_from(seen.misfits_since.len()).unwrap_or(u32::MAX);
        let fit = seen.pods.saturating_sub(waiting);
        waiting == 0 && self.limit.is_some_and(|limit| fit.min(seen.replicas) > limit.capacity)
    }

    fn retry_at(&self, settings: &EligibilitySettings) -> Option<UnixTime> {
        let hold =
            doubled(settings.retry_after_seconds, self.relapses, settings.retry_after_seconds_max);
        self.limit.map(|limit| UnixTime(limit.seen.0.saturating_add(hold)))
    }
}
