use std::collections::BTreeSet;

use tests::eventually::{GENEROUS, eventually_equal};
use tests::fakes::alidns::Plan;
use tests::scene::Host;
use tests::suite::Test;

use super::{both, prepared};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => too_much_that_would_vanish_is_held,
            what_would_be_rewritten_is_shown_as_a_change,
            a_restart_does_not_forget_what_is_held,
            what_the_policy_does_not_allow_is_listed;
    }
}

fn too_much_that_would_vanish_is_held() {
    let mut scene = prepared(Plan::custom(120, 6));
    for number in 1..=4 {
        scene.put("hangzhou", &format!("s{number}"), &format!("203.0.113.1{number}"));
    }
    scene.start();
    eventually_equal(GENEROUS, "how much AliDNS holds", &26, || scene.host.data().len());
    scene.is_in_sync();
    for number in 1..=4 {
        scene.remove("hangzhou", &format!("s{number}"));
    }
    scene.is("; held: ");
    let plan = scene.fedns.command(&["plan"]);
    assert_eq!(plan.status.code(), Some(2));
    let text = String::from_utf8(plan.stdout).expect("text");
    let hash = text.trim_end().rsplit(' ').next().expect("a hash").to_owned();
    assert!(scene.host.data().len() > 6, "{:?}", scene.host.data());
    scene.fedns.printed(&["plan", "approve", &hash]);
    scene.holds(both());
}

fn what_would_be_rewritten_is_shown_as_a_change() {
    let mut scene = prepared(Plan::custom(120, 6));
    for number in 1..=2 {
        scene.put("hangzhou", &format!("s{number}"), &format!("203.0.113.1{number}"));
    }
    scene.start();
    scene.is(" InSync, 15 names");
    scene.configure(", ttl: 600s");
    scene.is("; held: ");
    let plan = String::from_utf8(scene.fedns.command(&["plan"]).stdout).expect("text");
    let shown = plan.lines().filter(|line| line.starts_with("  ~ ") && line.contains(" A 180 "));
    assert_eq!(shown.count(), 11, "{plan}");
    assert!(!plan.contains("\n- "), "{plan}");
}

fn a_restart_does_not_forget_what_is_held() {
    let mut scene = prepared(Plan::custom(120, 6));
    for number in 1..=4 {
        scene.put("hangzhou", &format!("s{number}"), &format!("203.0.113.1{number}"));
    }
    scene.start();
    eventually_equal(GENEROUS, "how much AliDNS holds", &26, || scene.host.data().len());
    scene.is_in_sync();
    for number in 1..=4 {
        scene.remove("hangzhou", &format!("s{number}"));
    }
    scene.is(" Incomplete, ");
    let held = scene.host.data();
    assert!(held.len() > 6, "{held:?}");
    for _ in 0..3 {
        scene.fedns.kill();
        scene.start();
        scene.is(" Incomplete, ");
        assert_eq!(scene.host.data(), held);
    }
}

fn what_the_policy_does_not_allow_is_listed() {
    let mut scene = prepared(Plan::custom(120, 6));
    scene.configure(", policy: upsert-only");
    scene.start();
    scene.holds(both());
    scene.is_in_sync();
    scene.remove("hangzhou", "nginx");
    scene.remove("beijing", "nginx");
    scene.is("5 names not allowed by the policy");
    let line = "  ! nginx.default.fed.svc.spacexnice.xyz.: its change is not allowed by policy\n";
    let plan = scene.fedns.printed(&["plan"]);
    assert!(plan.contains(line), "{plan}");
    let alone = scene.fedns.printed(&["plan", "--config", "fedns.yaml"]);
    assert!(alone.contains(line), "{alone}");
    // What one removal changed may have landed before the other came: every name stands all the same.
    let data = scene.host.data();
    let names: BTreeSet<&str> = data.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names.len(), 5, "{data:?}");
}
