use std::collections::{BTreeMap, BTreeSet};

use model::ClusterName;
use planner::annotations::DEPLOYMENT_PREFERENCES;
use planner::replicas::{
    JobRequest, Preferences, Spread, SpreadRequest, Standing, split_autoscaler, split_job, spread,
};

/// `B70` or `B70/10`: current, then capacity. Letters alone have nothing.
pub fn standings(clusters: &str, current: &str, capacity: &str) -> BTreeMap<ClusterName, Standing> {
    let of = |list: &str, cluster: &str| -> Option<u32> {
        list.split_whitespace().find_map(|word| word.strip_prefix(cluster)?.parse().ok())
    };
    clusters
        .chars()
        .map(|cluster| {
            let cluster = cluster.to_string();
            let standing = Standing {
                current: of(current, &cluster).unwrap_or(0),
                capacity: of(capacity, &cluster),
                ..Standing::default()
            };
            (ClusterName::new(&cluster), standing)
        })
        .collect()
}

/// `*w1 A{w2,min1,max3}`, `rebalance` among the words.
pub fn preferences(text: &str) -> Preferences {
    let rebalance = text.split_whitespace().any(|word| word == "rebalance");
    let entries = text.split_whitespace().filter(|word| *word != "rebalance").map(|word| {
        let (name, rest) = word.split_at(1);
        let fields = rest.trim_matches(['{', '}']).split(',').map(|field| {
            let digits = field.find(|c: char| c.is_ascii_digit()).unwrap();
            let key = match &field[..digits] {
                "w" => "weight",
                "min" => "minReplicas",
                "max" => "maxReplicas",
                other => panic!("{other}"),
            };
            format!("{key:?}:{}", &field[digits..])
        });
        format!("{name:?}:{{{}}}", fields.collect::<Vec<_>>().join(","))
    });
    let clusters = entries.collect::<Vec<_>>().join(",");
    let json = format!(r#"{{"rebalance":{rebalance},"clusters":{{{clusters}}}}}"#);
    Preferences::parse(DEPLOYMENT_PREFERENCES, &json).unwrap()
}

fn told(spread: &Spread) -> String {
    let plan = spread.clusters.iter().map(|(cluster, share)| format!("{cluster}{}", share.planned));
    let overflow = spread
        .clusters
        .iter()
        .filter(|(_, share)| share.overflow > 0)
        .map(|(cluster, share)| format!("{cluster}{}", share.overflow));
    let overflow: Vec<String> = overflow.collect();
    let mut words: Vec<String> = plan.collect();
    if !overflow.is_empty() {
        words.push(format!("({})", overflow.join(" ")));
    }
    if spread.unplaced > 0 {
        words.push(format!("unplaced {}", spread.unplaced));
    }
    words.join(" ")
}

struct Row(u32, &'static str, &'static str, &'static str, &'static str, &'static str);

#[track_caller]
fn check(rows: &[Row]) {
    let mut wrong = Vec::new();
    for Row(total, clusters, wish, current, capacity, expect) in rows {
        let clusters_now = standings(clusters, current, capacity);
        let preferences = preferences(wish);
        let found = told(&spread(&SpreadRequest {
            total: *total,
            key: "",
            clusters: &clusters_now,
            preferences: &preferences,
        }));
        if found != *expect {
            wrong.push(format!(
                "{total} {clusters} {wish} current {current:?} capacity {capacity:?}: \
                 {found:?}, not {expect:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The rows of the first federation's planner, whose key is empty; A comes last among equals.
#[test]
fn golden_rows() {
    check(&[
        Row(50, "ABC", "*w1", "", "", "A16 B17 C17"),
        Row(50, "AB", "*w1", "", "", "A25 B25"),
        Row(1, "AB", "*w1", "", "", "A0 B1"),
        Row(1, "ABCD", "*w1", "", "", "A0 B0 C0 D1"),
        Row(1, "A", "*w1", "", "", "A1"),
        Row(1, "", "*w1", "", "", "unplaced 1"),
        Row(50, "ABC", "*w1", "C30", "", "A10 B10 C30"),
        Row(15, "AB", "*w1", "B8", "", "A7 B8"),
        Row(15, "AB", "*w1", "A1 B8", "", "A7 B8"),
        Row(15, "AB", "*w1", "A4 B8", "", "A7 B8"),
        Row(15, "AB", "*w1", "A5 B8", "", "A7 B8"),
        Row(15, "AB", "*w1", "A6 B8", "", "A7 B8"),
        Row(15, "AB", "*w1", "A7 B8", "", "A7 B8"),
        Row(1, "AB", "*w1", "A30", "", "A1 B0"),
        Row(50, "ABC", "*{min2,w0}", "", "", "A2 B2 C2 unplaced 44"),
        Row(50, "ABC", "*{min20,w0}", "", "", "A10 B20 C20"),
        Row(50, "ABC", "*{min10,w1,max12}", "", "", "A12 B12 C12 unplaced 14"),
        Row(50, "ABC", "*{w1,max2}", "", "", "A2 B2 C2 unplaced 44"),
        Row(50, "ABC", "*{w0,max2}", "", "", "A0 B0 C0 unplaced 50"),
        Row(60, "ABC", "A{w1} B{w2}", "", "", "A20 B40 C0"),
        Row(50, "ABC", "A{w10000} B{w1}", "", "", "A50 B0 C0"),
        Row(50, "BC", "A{w10000} B{w1}", "", "", "B50 C0"),
        Row(50, "ABC", "A{w10000,max10} B{w1} C{w1}", "", "", "A10 B20 C20"),
        Row(50, "ABC", "A{w10000,max10} B{w1} C{w1,max10}", "", "", "A10 B30 C10"),
        Row(71, "ABCD", "A{w10000,max10} B{w1} C{w1,max21} D{w1,max10}", "", "", "A10 B30 C21 D10"),
        Row(50, "ABC", "*w1 rebalance", "", "C10", "A20 B20 C10 (C7)"),
        Row(50, "BC", "A{w10000} B{w1} rebalance", "", "B10", "B10 C0 (B40)"),
        Row(60, "ABC", "A{w1} B{w2} rebalance", "", "B10", "A50 B10 C0 (B30)"),
        Row(60, "ABC", "A{w1} B{w5}", "", "B10", "A50 B10 C0"),
        Row(50, "ABC", "*{min20,w0}", "", "B10", "A20 B10 C20"),
        Row(60, "AB", "*{min20,w1} rebalance", "", "B10", "A50 B10 (B15)"),
    ]);
}

/// Where the first federation's answer was not good.
#[test]
fn rows_where_the_first_federation_erred() {
    check(&[
        // It gave A0 B50: whoever came first kept all, and what ran at A was stopped.
        Row(50, "AB", "*w1", "A10 B70", "", "A10 B40"),
        Row(50, "ABC", "*w1", "A40 B40 C40", "", "A16 B17 C17"),
        // Without weights the first one kept all, too.
        Row(10, "AB", "*{w0,min1}", "A20 B20", "", "A5 B5"),
        // The sum of waiting pods was above the total: 10 each.
        Row(30, "AB", "*w1", "", "A10 B10", "A10 B10 (A5 B5)"),
        // The number waiting changed with each look: 25 each at first, then 15.
        Row(50, "AB", "*w1", "A10 B10", "A10 B10", "A10 B10 (A15 B15)"),
        // A minimum that did not fit vanished; now its pods wait where they are wanted.
        Row(50, "ABC", "*{min20,w0}", "", "A0 B10 C20", "A0 B10 C20 (A10 B10)"),
    ]);
}

/// Replicas that each cluster holds, and how many of them are ready.
#[track_caller]
fn check_ready(total: u32, held: [(u32, u32); 3], expect: [u32; 3]) {
    let standing = |(current, ready)| Standing { current, ready, capacity: None };
    let names = ["A", "B", "C"].map(ClusterName::new);
    let clusters = names.iter().cloned().zip(held.map(standing)).collect();
    let preferences = Preferences::default();
    let request = SpreadRequest { total, key: "", clusters: &clusters, preferences: &preferences };
    let spread = spread(&request);
    assert_eq!(names.map(|name| spread.clusters[&name].planned), expect, "{total} {held:?}");
}

#[test]
fn what_is_ready_stays_before_what_is_not() {
    // B comes back after others stood in for it.
    check_ready(5, [(2, 2), (2, 0), (3, 3)], [2, 0, 3]);
    // One of its two is ready already: now there are six.
    check_ready(5, [(2, 2), (2, 1), (3, 3)], [2, 1, 2]);
    // Those that are ready do not suffice.
    check_ready(10, [(10, 4), (10, 0), (0, 0)], [5, 5, 0]);
    check_ready(10, [(10, 8), (10, 0), (0, 0)], [8, 2, 0]);
    // Fewer are wanted than are ready.
    check_ready(20, [(20, 20), (20, 10), (20, 0)], [10, 10, 0]);
}

#[test]
fn maxima_and_extremes() {
    check(&[
        Row(0, "AB", "*w1", "A3 B3", "", "A0 B0"),
        // B was out of contact and comes back with what it ran, while A has the whole by now.
        Row(50, "AB", "*w1", "A50 B25", "", "A25 B25"),
        Row(2_147_483_647, "AB", "*w1", "", "", "A1073741823 B1073741824"),
        Row(
            2_147_483_647,
            "AB",
            "A{w2147483647} B{w2147483647}",
            "A1073741823 B1",
            "",
            "A1073741823 B1073741824",
        ),
        // A maximum below what runs ends what is above it, also without rebalance.
        Row(10, "AB", "A{w1,max2} B{w1}", "A10", "", "A2 B8"),
        // Pods that wait respect the maximum.
        Row(10, "A", "*{w1,max4}", "", "A2", "A2 (A2) unplaced 6"),
    ]);
}

#[test]
fn the_order_depends_on_the_key() {
    let clusters = standings("ABCD", "", "");
    let first = |key: &str| {
        let preferences = Preferences::default();
        let request =
            SpreadRequest { total: 1, key, clusters: &clusters, preferences: &preferences };
        let spread = spread(&request);
        spread.clusters.into_iter().find(|(_, share)| share.planned == 1).unwrap().0
    };
    let firsts: BTreeSet<ClusterName> =
        (0..40).map(|number| first(&format!("default/web-{number}"))).collect();
    assert!(firsts.len() > 1, "one cluster bears the rounding of all objects");
}

#[test]
fn every_number_has_its_reason() {
    let check =
        |total, clusters: &str, wish: &str, current: &str, capacity: &str, expect: &[&str]| {
            let clusters = standings(clusters, current, capacity);
            let preferences = preferences(wish);
            let request =
                SpreadRequest { total, key: "", clusters: &clusters, preferences: &preferences };
            let found = spread(&request).clusters;
            let found: Vec<String> = found
                .iter()
                .map(|(cluster, share)| format!("{cluster}{}: {}", share.replicas(), share.reason))
                .collect();
            assert_eq!(found, expect, "{wish}");
        };
    check(
        60,
        "ABC",
        "A{w1} B{w2}",
        "",
        "",
        &[
            "A20: its share by weight 1 of 3",
            "B40: its share by weight 2 of 3",
            "C0: the preferences name neither it nor \"*\"",
        ],
    );
    check(
        50,
        "ABC",
        "*w1",
        "C30",
        "",
        &[
            "A10: its share by weight 1 of 2",
            "B10: its share by weight 1 of 2",
            "C30: they run here, and nothing moves without rebalance",
        ],
    );
    check(
        50,
        "ABC",
        "*w1 A{w1,max5} rebalance",
        "",
        "C10",
        &[
            "A5: its maxReplicas 5",
            "B35: its share by weight 1 of 1",
            "C17: no more than 10 fit here",
        ],
    );
    check(
        3,
        "ABCD",
        "A{w0} B{w0,min2} C{w1,max1} D{w0,min1}",
        "",
        "",
        &[
            "A0: its weight and minReplicas are 0",
            "B2: its minReplicas, and no share beyond",
            "C0: other clusters took all replicas",
            "D1: its minReplicas, and no share beyond",
        ],
    );
    check(
        5,
        "AB",
        "*{w0,min3}",
        "",
        "B1",
        &["A3: its minReplicas, and no share beyond", "B2: no more than 1 fit here"],
    );
}

fn job(
    parallelism: u32,
    completions: Option<u32>,
    clusters: &str,
    wish: &str,
    standing: &str,
) -> String {
    let clusters_now = standings(clusters, "", "");
    let standing_completions: BTreeMap<ClusterName, u32> = standing
        .split_whitespace()
        .map(|word| (ClusterName::new(&word[..1]), word[1..].parse().unwrap()))
        .collect();
    let split = split_job(&JobRequest {
        parallelism,
        completions,
        key: "",
        clusters: &clusters_now,
        standing_completions: &standing_completions,
        preferences: &preferences(wish),
    });
    assert_eq!(split.decisions.len(), clusters_now.len(), "every cluster has its reason");
    let mut words: Vec<String> = split
        .clusters
        .iter()
        .map(|(cluster, share)| match share.completions {
            Some(completions) => format!("{cluster}{}:{completions}", share.parallelism),
            None => format!("{cluster}{}", share.parallelism),
        })
        .collect();
    if split.unplaced_completions > 0 {
        words.push(format!("unplaced {}", split.unplaced_completions));
    }
    words.join(" ")
}

#[test]
fn jobs() {
    // Parallelism and completions of each cluster.
    assert_eq!(job(2, Some(10), "AB", "*w1", ""), "A1:5 B1:5");
    assert_eq!(job(1, Some(1), "AB", "*w1", ""), "B1:1");
    assert_eq!(job(3, Some(9), "AB", "A{w1} B{w2}", ""), "A1:3 B2:6");
    assert_eq!(job(4, None, "ABC", "A{w1} B{w1}", ""), "A2 B2");
    // A cluster that would have nothing to complete gets no Job.
    assert_eq!(job(4, Some(1), "AB", "*w1", ""), "B2:1");
    // Minimum and maximum bound the pods at a time, not the work.
    assert_eq!(job(10, Some(100), "AB", "*{w1,max2}", ""), "A2:50 B2:50");
    assert_eq!(job(6, Some(12), "AB", "A{w0,min5} B{w1}", ""), "A5:10 B1:2");
    // What stands keeps its completions, and its parallelism follows.
    assert_eq!(job(4, Some(10), "AB", "*w1", "A10"), "A2:10");
    assert_eq!(job(4, Some(10), "AB", "*w1", "A4"), "A2:4 B2:6");
    assert_eq!(job(4, Some(10), "B", "*w1", "A4"), "A0:4 B4:6");
    assert_eq!(job(0, Some(10), "AB", "*w1", "A5 B5"), "A0:5 B0:5");
    assert_eq!(job(4, Some(10), "A", "*w1", "A4"), "A4:4 unplaced 6");
    assert_eq!(job(4, Some(10), "AB", "C{w1}", ""), "unplaced 10");
}

#[test]
fn autoscalers() {
    let split = |min, max, clusters: &str, wish: &str| {
        let clusters: BTreeSet<ClusterName> =
            clusters.chars().map(|cluster| ClusterName::new(&cluster.to_string())).collect();
        let shares = split_autoscaler(min, max, &clusters, &preferences(wish), "");
        let told = shares.iter().map(|(cluster, share)| {
            format!("{cluster}{}-{}", share.min_replicas, share.max_replicas)
        });
        told.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(split(2, 10, "AB", "*w1"), "A1-5 B1-5");
    assert_eq!(split(5, 10, "ABC", "*w1"), "A1-2 B2-4 C2-4");
    assert_eq!(split(1, 10, "ABC", "*w1"), "A1-2 B1-4 C1-4", "no minimum below 1");
    assert_eq!(split(1, 2, "ABC", "*w1"), "B1-1 C1-1", "fewer replicas than clusters");
    assert_eq!(split(0, 4, "AB", "*w1"), "A0-2 B0-2", "scaling to zero");
    assert_eq!(split(3, 9, "AB", "A{w1} B{w2}"), "A1-3 B2-6");
    assert_eq!(split(4, 9, "AB", "B{w1}"), "B4-9");
    assert_eq!(split(8, 20, "AB", "*w1 A{w1,max3}"), "A1-3 B7-17");
    assert_eq!(split(2, 4, "", "*w1"), "");
}
