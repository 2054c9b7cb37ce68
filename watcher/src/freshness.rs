//! Whether a cluster's view is what the cluster is now, and if not, since when and why. Pure.

use std::collections::BTreeMap;

use clusters::{Failure, Health, Standing};
use model::{Freshness, StaleReason, UnixTime};

use crate::object::Kind;

/// A watch that runs again within this time has made nobody's view stale: API servers restart.
pub const INTERRUPTION_SECONDS_MAX: u64 = 30;

/// Why a watch does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Failure(Failure),
    /// A complete list lacks objects that the API server still has.
    ListDisagrees(String),
    /// Another cluster answers.
    ClusterChanged(String),
}

/// Everything that freshness is decided from.
#[derive(Debug)]
pub(crate) struct FreshnessTracker {
    health: Health,
    watches: BTreeMap<Kind, Watch>,
    /// The cluster's entry itself cannot be used.
    unusable: Option<StaleReason>,
    is_view_complete: bool,
    last_contact: Option<UnixTime>,
    is_live: bool,
}

#[derive(Debug, Default)]
struct Watch {
    /// True once it has run.
    has_run: bool,
    trouble: Option<(UnixTime, Trouble)>,
}

// === impl FreshnessTracker ===

impl FreshnessTracker {
    pub(crate) fn new(watched: &[Kind], last_contact: Option<UnixTime>) -> Self {
        Self {
            health: Health::default(),
            watches: watched.iter().map(|kind| (*kind, Watch::default())).collect(),
            unusable: None,
            is_view_complete: false,
            last_contact,
            is_live: false,
        }
    }

    /// Takes in a probe; true if it is the first good one after a failure.
    pub(crate) fn probed(&mut self, result: Result<(), Failure>, now: UnixTime) -> bool {
        if result.is_ok() {
            self.contact(now);
        }
        self.health.probed(result, now)
    }

    /// The API server told something.
    pub(crate) fn contact(&mut self, now: UnixTime) {
        if self.is_live {
            self.last_contact = Some(now);
        }
    }

    pub(crate) fn watch_runs(&mut self, kind: Kind, now: UnixTime) {
        self.watches.insert(kind, Watch { has_run: true, trouble: None });
        self.contact(now);
    }

    /// The first of a row of failures says since when; the last says why.
    pub(crate) fn watch_fails(&mut self, kind: Kind, trouble: Trouble, now: UnixTime) {
        let watch = self.watches.entry(kind).or_default();
        let since = watch.trouble.as_ref().map_or(now, |(since, _)| *since);
        watch.trouble = Some((since, trouble));
    }

    /// What is not watched cannot fail: nodes that may not be read.
    pub(crate) fn unwatch(&mut self, kind: Kind) {
        self.watches.remove(&kind);
    }

    pub(crate) fn set_unusable(&mut self, reason: Option<StaleReason>) {
        self.unusable = reason;
    }

    /// Every kind has been listed and the view has been told; or it is being listed anew.
    pub(crate) fn set_view_complete(&mut self, is_complete: bool) {
        self.is_view_complete = is_complete;
    }

    pub(crate) fn last_contact(&self) -> Option<UnixTime> {
        self.last_contact
    }

    pub(crate) fn is_other_cluster(&self) -> bool {
        let is_changed = |trouble: &Trouble| matches!(trouble, Trouble::ClusterChanged(_));
        self.troubles().any(|(_, trouble)| is_changed(trouble))
    }

    /// None while nothing has succeeded and nothing has failed: what stood before goes on standing.
    pub(crate) fn decide(&mut self, now: UnixTime) -> Option<Freshness> {
        let reason = self.reason(now);
        let has_all_run = self.watches.values().all(|watch| watch.has_run);
        let is_probed = self.health.standing() == Standing::Good;
        let is_good = is_probed && self.is_view_complete && has_all_run;
        let was_live = std::mem::replace(&mut self.is_live, reason.is_none() && is_good);
        if self.is_live && !was_live {
            self.contact(now);
        }
        match reason {
            Some(reason) => Some(Freshness::Stale { since: self.last_contact, reason }),
            None => is_good.then_some(Freshness::Live),
        }
    }

    /// When [`FreshnessTracker::decide`] may decide otherwise without anything having happened.
    pub(crate) fn next_deadline(&self, now: UnixTime) -> Option<UnixTime> {
        let ends = self.troubles().map(|(since, _)| UnixTime(since.0 + INTERRUPTION_SECONDS_MAX));
        ends.filter(|end| *end > now).min()
    }

    /// The gravest first: what somebody must do something about before what may heal by itself.
    fn reason(&self, now: UnixTime) -> Option<StaleReason> {
        let of_watches = |wanted: fn(&Trouble) -> Option<StaleReason>| {
            self.troubles().find_map(|(_, trouble)| wanted(trouble))
        };
        self.unusable
            .clone()
            .or_else(|| of_watches(changed))
            .or_else(|| of_watches(disagrees))
            .or_else(|| of_watches(refused))
            .or_else(|| match self.health.standing() {
                Standing::Bad(failure) => Some(failure.stale_reason()),
                Standing::Unknown | Standing::Good => None,
            })
            .or_else(|| self.interrupted(now))
    }

    fn interrupted(&self, now: UnixTime) -> Option<StaleReason> {
        let watches = self.watches.values();
        let reasons = watches.filter_map(|watch| match &watch.trouble {
            Some((since, Trouble::Failure(failure))) => {
                let is_long = now.0 >= since.0 + INTERRUPTION_SECONDS_MAX;
                (is_long || !watch.has_run).then(|| failure.stale_reason())
            }
            _ => None,
        });
        reasons.into_iter().next()
    }

    fn troubles(&self) -> impl Iterator<Item = &(UnixTime, Trouble)> {
        self.watches.values().filter_map(|watch| watch.trouble.as_ref())
    }
}

fn changed(trouble: &Trouble) -> Option<StaleReason> {
    match trouble {
        Trouble::ClusterChanged(detail) => Some(StaleReason::ClusterChanged(detail.clone())),
        _ => None,
    }
}

fn disagrees(trouble: &Trouble) -> Option<StaleReason> {
    match trouble {
        Trouble::ListDisagrees(detail) => Some(StaleReason::ListDisagrees(detail.clone())),
        _ => None,
    }
}

fn refused(trouble: &Trouble) -> Option<StaleReason> {
    match trouble {
        Trouble::Failure(failure) if failure.is_refusal() => Some(failure.stale_reason()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost() -> Failure {
        Failure::Unreachable("lost".to_owned())
    }

    /// A cluster that has been live at second 100.
    fn live() -> FreshnessTracker {
        let mut tracker = FreshnessTracker::new(&Kind::ALL, None);
        tracker.probed(Ok(()), UnixTime(100));
        for kind in Kind::ALL {
            tracker.watch_runs(kind, UnixTime(100));
        }
        tracker.set_view_complete(true);
        assert_eq!(tracker.decide(UnixTime(100)), Some(Freshness::Live));
        tracker
    }

    #[track_caller]
    fn check(tracker: &mut FreshnessTracker, now: u64, expect: &str) {
        let told = match tracker.decide(UnixTime(now)) {
            None => "nothing".to_owned(),
            Some(Freshness::Live) => "live".to_owned(),
            Some(Freshness::Stale { since, reason }) => {
                let since = since.map_or("never".to_owned(), |since| since.0.to_string());
                format!("stale since {since}: {reason}")
            }
        };
        assert_eq!(told, expect);
    }

    #[test]
    fn live_needs_a_good_probe_and_a_complete_view_and_watches() {
        let mut tracker = FreshnessTracker::new(&Kind::ALL, None);
        check(&mut tracker, 0, "nothing");
        tracker.probed(Ok(()), UnixTime(1));
        check(&mut tracker, 1, "nothing");
        tracker.set_view_complete(true);
        check(&mut tracker, 2, "nothing");
        tracker.watch_runs(Kind::Service, UnixTime(3));
        tracker.watch_runs(Kind::EndpointSlice, UnixTime(3));
        check(&mut tracker, 3, "nothing");
        tracker.watch_runs(Kind::Node, UnixTime(4));
        check(&mut tracker, 4, "live");

        let mut folder = FreshnessTracker::new(&[], None);
        folder.probed(Ok(()), UnixTime(1));
        folder.set_view_complete(true);
        check(&mut folder, 1, "live");

        let mut tracker = FreshnessTracker::new(&Kind::ALL, None);
        tracker.set_view_complete(true);
        check(&mut tracker, 0, "nothing");
        tracker.probed(Err(lost()), UnixTime(1));
        check(&mut tracker, 1, "stale since never: Unreachable: lost");
    }

    #[test]
    fn a_cluster_that_cannot_be_reached_at_the_start_says_so_at_once() {
        let mut tracker = FreshnessTracker::new(&Kind::ALL, Some(UnixTime(7)));
        tracker.watch_fails(Kind::Service, Trouble::Failure(lost()), UnixTime(50));
        check(&mut tracker, 50, "stale since 7: Unreachable: lost");
    }

    #[test]
    fn since_is_the_last_contact_and_does_not_move_while_stale() {
        let mut tracker = live();
        tracker.contact(UnixTime(130));
        for second in [140, 150, 160] {
            tracker.probed(Err(lost()), UnixTime(second));
        }
        check(&mut tracker, 160, "stale since 130: Unreachable: lost");
        tracker.contact(UnixTime(170));
        check(&mut tracker, 170, "stale since 130: Unreachable: lost");
        tracker.probed(Ok(()), UnixTime(180));
        check(&mut tracker, 180, "live");
        assert_eq!(tracker.last_contact(), Some(UnixTime(180)));
    }

    #[test]
    fn a_watch_that_runs_again_soon_makes_nothing_stale() {
        let mut tracker = live();
        tracker.watch_fails(Kind::Node, Trouble::Failure(lost()), UnixTime(110));
        tracker.watch_fails(Kind::Node, Trouble::Failure(lost()), UnixTime(120));
        assert_eq!(tracker.next_deadline(UnixTime(120)), Some(UnixTime(140)));
        check(&mut tracker, 139, "live");
        check(&mut tracker, 140, "stale since 100: Unreachable: lost");
        tracker.watch_runs(Kind::Node, UnixTime(150));
        check(&mut tracker, 150, "live");
        assert_eq!(tracker.next_deadline(UnixTime(150)), None);
    }

    #[test]
    fn refusals_disagreement_and_another_cluster_count_at_once() {
        let refused = Trouble::Failure(Failure::Forbidden("list services".to_owned()));
        let disagrees = Trouble::ListDisagrees("2 of 3".to_owned());
        let changed = Trouble::ClusterChanged("b".to_owned());
        let mut tracker = live();
        tracker.watch_fails(Kind::Service, refused, UnixTime(110));
        check(&mut tracker, 110, "stale since 100: Forbidden: list services");
        tracker.watch_fails(Kind::Node, disagrees, UnixTime(111));
        check(&mut tracker, 111, "stale since 100: ListDisagrees: 2 of 3");
        tracker.watch_fails(Kind::EndpointSlice, changed, UnixTime(112));
        assert!(tracker.is_other_cluster());
        check(&mut tracker, 112, "stale since 100: ClusterChanged: b");
        tracker.set_unusable(Some(StaleReason::BadAccess("no context".to_owned())));
        check(&mut tracker, 113, "stale since 100: BadAccess: no context");
        tracker.set_unusable(None);
        for kind in Kind::ALL {
            tracker.watch_runs(kind, UnixTime(120));
        }
        check(&mut tracker, 120, "live");
    }

    #[test]
    fn nodes_that_may_not_be_read_make_nothing_stale() {
        let mut tracker = live();
        let refused = Trouble::Failure(Failure::Forbidden("list nodes".to_owned()));
        tracker.watch_fails(Kind::Node, refused, UnixTime(110));
        tracker.unwatch(Kind::Node);
        check(&mut tracker, 110, "live");
    }
}
