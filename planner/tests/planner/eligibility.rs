use std::collections::BTreeMap;

use model::{ClusterName, UnixTime};
use planner::annotations::DEPLOYMENT_PREFERENCES;
use planner::eligibility::{
    Attendance, CapacityEstimate, CapacityView, Contact, EligibilitySettings, MemberPods, Presence,
};
use planner::replicas::{Preferences, SpreadRequest, Standing, spread};

const READY: Contact = Contact::Ready;

fn unready(since: u64) -> Contact {
    Contact::Unready { since: UnixTime(since) }
}

/// One cluster through time: when, what is seen, what follows.
#[track_caller]
fn check_attendance(steps: &[(u64, Contact, Presence)]) {
    let settings = EligibilitySettings::default();
    let mut attendance = Attendance::default();
    for (now, contact, expect) in steps {
        let found = attendance.observe(*contact, UnixTime(*now), &settings);
        assert_eq!(found, *expect, "at {now}");
        let mut again = attendance.clone();
        assert_eq!(again.observe(*contact, UnixTime(*now), &settings), found, "at {now}, again");
        assert_eq!(again, attendance, "at {now}, again");
    }
}

fn leaving(at: u64) -> Presence {
    Presence::Leaving { at: UnixTime(at) }
}

fn returning(at: u64) -> Presence {
    Presence::Returning { at: UnixTime(at) }
}

#[test]
fn a_cluster_leaves_late_and_comes_back_late() {
    check_attendance(&[
        (1000, READY, Presence::Present),
        (1100, unready(1100), leaving(1160)),
        (1159, unready(1100), leaving(1160)),
        (1160, unready(1100), Presence::Away),
        (9000, unready(1100), Presence::Away),
        (9010, READY, returning(9030)),
        (9029, READY, returning(9030)),
        (9030, READY, Presence::Present),
    ]);
}

#[test]
fn a_short_absence_moves_nothing() {
    check_attendance(&[
        (1000, READY, Presence::Present),
        (1100, unready(1100), leaving(1160)),
        (1150, READY, Presence::Present),
        (1200, unready(1200), leaving(1260)),
    ]);
}

#[test]
fn contact_must_stay_good_to_count_again() {
    check_attendance(&[
        (1000, unready(900), Presence::Away),
        (1010, READY, returning(1030)),
        (1020, unready(1020), Presence::Away),
        (1040, READY, returning(1060)),
        (1060, READY, Presence::Present),
    ]);
}

#[test]
fn who_goes_often_comes_back_ever_later() {
    let settings = EligibilitySettings::default();
    let mut attendance = Attendance::default();
    let mut now = 1000;
    let mut waits = Vec::new();
    for _ in 0..8 {
        assert_eq!(attendance.observe(unready(now - 60), UnixTime(now), &settings), Presence::Away);
        let back = attendance.observe(READY, UnixTime(now), &settings).look_again().unwrap().0;
        waits.push(back - now);
        assert!(attendance.observe(READY, UnixTime(back), &settings).counts());
        now = back + 100;
    }
    assert_eq!(waits, [20, 40, 80, 160, 320, 600, 600, 600]);
    // An hour of calm, and it is forgotten.
    now += 3600;
    assert_eq!(attendance.observe(unready(now - 60), UnixTime(now), &settings), Presence::Away);
    assert_eq!(attendance.observe(READY, UnixTime(now), &settings), returning(now + 20));
}

#[test]
fn a_restart_moves_nothing_that_is_not_due() {
    check_attendance(&[(1000, unready(980), leaving(1040)), (1040, unready(980), Presence::Away)]);
}

#[test]
fn a_new_cluster_counts_with_its_first_contact() {
    check_attendance(&[
        (1000, Contact::NeverReady, Presence::NeverReady),
        (5000, Contact::NeverReady, Presence::NeverReady),
        (5010, READY, Presence::Present),
    ]);
    assert!(!Presence::NeverReady.counts() && !Presence::Away.counts());
    assert!(leaving(1).counts() && !returning(1).counts());
    assert_eq!(Presence::Present.look_again(), None);
    assert_eq!(
        leaving(1).to_string(),
        "there is no contact; its replicas stay planned for a while"
    );
}

#[test]
fn a_clock_set_back_does_not_hold_a_cluster() {
    check_attendance(&[
        (1000, READY, Presence::Present),
        (1000, unready(5000), leaving(1060)),
        (1060, unready(900), Presence::Away),
        (1070, READY, returning(1090)),
        (50, READY, returning(70)),
        (70, READY, Presence::Present),
    ]);
}

/// Replicas, pods, since when pods fit nowhere.
struct Pods(u32, u32, &'static [u64]);
/// Current, capacity, when to look again.
struct View(u32, Option<u32>, Option<u64>);

/// One object in one cluster through time.
#[track_caller]
fn check_capacity(steps: &[(u64, Pods, View)]) {
    let settings = EligibilitySettings::default();
    let mut estimate = CapacityEstimate::default();
    for (now, Pods(replicas, pods, since), View(current, capacity, look_again)) in steps {
        let since: Vec<UnixTime> = since.iter().copied().map(UnixTime).collect();
        let seen = MemberPods { replicas: *replicas, pods: *pods, misfits_since: &since };
        let found = estimate.observe(&seen, UnixTime(*now), &settings);
        let expect = CapacityView {
            current: *current,
            capacity: *capacity,
            look_again: look_again.map(UnixTime),
        };
        assert_eq!(found, expect, "at {now}");
        assert_eq!(estimate.observe(&seen, UnixTime(*now), &settings), found, "at {now}, again");
    }
}

#[test]
fn pods_that_fit_nowhere_for_a_minute_are_the_limit() {
    check_capacity(&[
        (1000, Pods(10, 0, &[]), View(10, None, None)),
        (1000, Pods(10, 10, &[1000, 1000, 1005]), View(10, None, Some(1060))),
        (1060, Pods(10, 10, &[1000, 1000, 1005]), View(8, Some(8), Some(1065))),
        (1065, Pods(10, 10, &[1000, 1000, 1005]), View(7, Some(7), None)),
        // One found a node.
        (1080, Pods(10, 10, &[1000, 1005]), View(8, Some(8), None)),
        // All did: that more fit than thought is proved.
        (1090, Pods(10, 10, &[]), View(10, None, None)),
    ]);
}

#[test]
fn the_limit_outlives_the_pods_that_the_plan_takes_away() {
    check_capacity(&[
        (1000, Pods(10, 10, &[900, 900, 900]), View(7, Some(7), None)),
        // The plan asks for 7; pods are being deleted, and the limit does not shrink with them.
        (1010, Pods(7, 10, &[900, 900, 900]), View(7, Some(7), None)),
        (1020, Pods(7, 7, &[]), View(7, Some(7), Some(1310))),
        (1309, Pods(7, 7, &[]), View(7, Some(7), Some(1310))),
        (1310, Pods(7, 7, &[]), View(7, None, None)),
    ]);
}

#[test]
fn a_limit_met_again_stands_longer() {
    check_capacity(&[
        (1000, Pods(10, 10, &[900]), View(9, Some(9), None)),
        (1010, Pods(9, 9, &[]), View(9, Some(9), Some(1300))),
        (1300, Pods(9, 9, &[]), View(9, None, None)),
        (1310, Pods(10, 10, &[1310]), View(10, None, Some(1370))),
        (1370, Pods(10, 10, &[1310]), View(9, Some(9), None)),
        (1380, Pods(9, 9, &[]), View(9, Some(9), Some(1970))),
        (1970, Pods(9, 9, &[]), View(9, None, None)),
        // Long after, it is as the first time.
        (9000, Pods(10, 10, &[8000]), View(9, Some(9), None)),
        (9010, Pods(9, 9, &[]), View(9, Some(9), Some(9300))),
    ]);
}

#[test]
fn a_limit_is_not_disproved_by_pods_that_are_still_tried() {
    check_capacity(&[
        (1000, Pods(10, 10, &[900, 900]), View(8, Some(8), None)),
        // Nine replicas: the ninth waits, but not long yet.
        (1010, Pods(9, 9, &[1005]), View(9, Some(8), Some(1065))),
        (1065, Pods(9, 9, &[1005]), View(8, Some(8), None)),
        (1070, Pods(9, 9, &[]), View(9, None, None)),
    ]);
}

#[test]
fn crashing_and_rolling_pods_are_held() {
    check_capacity(&[
        // Pods of a rollout beyond the replicas: all fit but one of the surplus.
        (1000, Pods(10, 12, &[900]), View(10, Some(11), None)),
        (1000, Pods(0, 0, &[]), View(0, Some(11), Some(1300))),
    ]);
}

/// Clusters with so many places, simulated for hours: each step looks, plans, and lets schedulers work.
struct Simulation {
    clusters: BTreeMap<ClusterName, SimulatedCluster>,
    preferences: Preferences,
    total: u32,
    now: u64,
    /// How often the plan changed a cluster's replicas.
    changes: u32,
}

#[derive(Default)]
struct SimulatedCluster {
    places: u32,
    replicas: u32,
    estimate: CapacityEstimate,
    /// Pods that no node takes, the oldest first.
    pending: Vec<UnixTime>,
}

impl Simulation {
    fn new(total: u32, preferences: &str, places: &[(&str, u32)]) -> Self {
        let cluster = |(name, places): &(&str, u32)| {
            let cluster = SimulatedCluster { places: *places, ..SimulatedCluster::default() };
            (ClusterName::new(name), cluster)
        };
        let preferences = Preferences::parse(DEPLOYMENT_PREFERENCES, preferences).unwrap();
        let clusters = places.iter().map(cluster).collect();
        Self { clusters, preferences, total, now: 1_000_000, changes: 0 }
    }

    /// Runs for so many seconds and tells how often a number changed meanwhile.
    fn run(&mut self, seconds: u64) -> u32 {
        let before = self.changes;
        for _ in 0..seconds / 10 {
            self.now += 10;
            self.step();
        }
        self.changes - before
    }

    fn step(&mut self) {
        let now = UnixTime(self.now);
        let settings = EligibilitySettings::default();
        let standings = self.clusters.iter_mut().map(|(name, cluster)| {
            let SimulatedCluster { replicas, estimate, pending, .. } = cluster;
            let pods = MemberPods { replicas: *replicas, pods: *replicas, misfits_since: pending };
            let CapacityView { current, capacity, .. } = estimate.observe(&pods, now, &settings);
            (name.clone(), Standing { current, ready: current, capacity })
        });
        let standings = standings.collect();
        let plan = spread(&SpreadRequest {
            total: self.total,
            key: "default/web",
            clusters: &standings,
            preferences: &self.preferences,
        });
        for (name, cluster) in &mut self.clusters {
            let replicas = plan.clusters[name].replicas();
            self.changes += u32::from(replicas != cluster.replicas);
            cluster.replicas = replicas;
            let pending = replicas.saturating_sub(cluster.places) as usize;
            cluster.pending.resize(pending, now);
        }
    }

    fn replicas(&self) -> Vec<u32> {
        self.clusters.values().map(|cluster| cluster.replicas).collect()
    }

    fn running(&self) -> u32 {
        self.clusters.values().map(|cluster| cluster.replicas.min(cluster.places)).sum()
    }
}

#[test]
fn what_does_not_fit_runs_elsewhere_and_nothing_flaps() {
    const HOUR: u64 = 3600;
    let rows = [
        r#"{"clusters":{"*":{"weight":1}}}"#,
        r#"{"rebalance":true,"clusters":{"*":{"weight":1}}}"#,
        r#"{"clusters":{"*":{"weight":1,"minReplicas":15}}}"#,
        r#"{"rebalance":true,"clusters":{"*":{"weight":1,"minReplicas":15}}}"#,
        r#"{"clusters":{"*":{"minReplicas":20},"b":{"minReplicas":12,"weight":1}}}"#,
    ];
    for preferences in rows {
        let mut simulation =
            Simulation::new(50, preferences, &[("a", 1000), ("b", 1000), ("c", 10)]);
        simulation.run(120);
        assert_eq!(simulation.running(), 50, "{preferences}: {:?}", simulation.replicas());
        // Tries ever more seldom, each of which sends replicas and takes them back.
        let changes = simulation.run(6 * HOUR);
        assert!(changes <= 60, "{preferences}: {changes} changes");
        let changes = simulation.run(6 * HOUR);
        assert!(changes <= 36, "{preferences}: {changes} changes after hours");
    }
}

#[test]
fn replicas_come_back_by_rebalance_when_there_is_room() {
    let places = [("a", 1000), ("b", 1000), ("c", 10)];
    let mut moving =
        Simulation::new(60, r#"{"rebalance":true,"clusters":{"*":{"weight":1}}}"#, &places);
    let mut staying = Simulation::new(60, r#"{"clusters":{"*":{"weight":1}}}"#, &places);
    for simulation in [&mut moving, &mut staying] {
        simulation.run(600);
        simulation.clusters.get_mut(&ClusterName::new("c")).unwrap().places = 1000;
        simulation.run(600);
        assert_eq!(simulation.running(), 60);
    }
    assert_eq!(moving.replicas(), [20, 20, 20]);
    assert_eq!(staying.replicas(), [25, 25, 10]);
}
