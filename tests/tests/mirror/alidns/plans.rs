use tests::fakes::alidns::{NewRecord, Plan};
use tests::suite::Test;

use super::{DOMAIN, Scene, both, prepared, writes};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => a_saved_plan_is_applied_exactly_and_then_nothing_is_left,
            a_saved_plan_is_refused_when_something_moved,
            what_others_have_in_the_way_is_told_after_a_plan_is_applied,
            a_provider_that_fails_hides_no_other;
    }
}

/// Saves a plan, and returns the exit code.
fn save_plan(scene: &Scene) -> Option<i32> {
    let plan = scene.fedns.command(&["plan", "--config", "fedns.yaml", "-o", "json"]);
    scene.write("plan.json", &plan.stdout);
    plan.status.code()
}

fn apply_plan(scene: &Scene) -> std::process::Output {
    scene.fedns.command(&["apply", "--config", "fedns.yaml", "--plan", "plan.json"])
}

fn a_saved_plan_is_applied_exactly_and_then_nothing_is_left() {
    let mut scene = prepared(Plan::custom(120, 6));
    assert_eq!(save_plan(&scene), Some(2));
    assert_eq!(writes(&scene), 0);
    let text = scene.fedns.command(&["plan", "--config", "fedns.yaml"]).stdout;
    let text = String::from_utf8(text).expect("text");
    assert!(text.starts_with("alidns for spacexnice.xyz.: 5 names to change, plan "), "{text}");
    let line = "\n  + nginx.default.fed.svc.spacexnice.xyz. A 180 203.0.113.1 203.0.113.2\n";
    assert!(text.contains(line), "{text}");

    let text = scene.fedns.command(&["plan", "--config", "fedns.yaml", "-o", "diff"]).stdout;
    let text = String::from_utf8(text).expect("text");
    assert!(text.starts_with("# alidns for spacexnice.xyz.: 5 names to change, plan "), "{text}");
    let line = "\n+nginx.default.fed.svc.spacexnice.xyz. 180 IN A 203.0.113.2\n";
    assert!(text.contains(line), "{text}");

    let applied = apply_plan(&scene);
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    assert_eq!(
        String::from_utf8_lossy(&applied.stdout),
        "alidns for spacexnice.xyz.: 5 of 5 names changed\n"
    );
    scene.holds(both());
    let again = scene.fedns.printed(&["plan", "--config", "fedns.yaml"]);
    assert_eq!(again, "alidns for spacexnice.xyz.: no changes\n");

    // The server on the same folder is the same writer, and it alone writes while it runs.
    scene.host.forget_calls();
    scene.start();
    scene.is_in_sync();
    assert_eq!(writes(&scene), 0);
    save_plan(&scene);
    let refused = apply_plan(&scene);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&refused.stderr).lines().count(), 1);
}

fn a_saved_plan_is_refused_when_something_moved() {
    let scene = prepared(Plan::custom(120, 6));
    assert_eq!(save_plan(&scene), Some(2));
    scene.put("beijing", "nginx", "203.0.113.9");
    let refused = apply_plan(&scene);
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{error}");
    assert!(error.contains("nothing was written"), "{error}");
    scene.write("plan.json", "[");
    let error = String::from_utf8_lossy(&apply_plan(&scene).stderr).into_owned();
    assert!(error.contains("plan.json: "), "{error}");
    assert_eq!(writes(&scene), 0);
}

fn what_others_have_in_the_way_is_told_after_a_plan_is_applied() {
    let scene = prepared(Plan::custom(120, 6));
    let theirs = NewRecord::new("nginx.default.fed.svc.cn-beijing", "A", 600, "198.51.100.2");
    scene.host.put(DOMAIN, theirs);
    assert_eq!(save_plan(&scene), Some(2));
    let applied = apply_plan(&scene);
    assert_eq!(applied.status.code(), Some(0));
    let text = String::from_utf8(applied.stdout).expect("text");
    let told = "alidns for spacexnice.xyz.: 4 of 4 names changed\n  ! left as it is: \
                nginx.default.fed.svc.cn-beijing.spacexnice.xyz. A: a record set without a marker stands there";
    assert!(text.starts_with(told), "{text}");
}

fn a_provider_that_fails_hides_no_other() {
    let scene = prepared(Plan::custom(120, 6));
    scene.configure("}, {kind: webhook, endpoint: \"http://127.0.0.1:1\", owner: shop");
    let plan = scene.fedns.command(&["plan", "--config", "fedns.yaml"]);
    let text = String::from_utf8(plan.stdout).expect("text");
    assert!(text.starts_with("alidns for spacexnice.xyz.: 5 names to change, plan "), "{text}");
    let errors = String::from_utf8(plan.stderr).expect("text");
    assert!(errors.contains("webhook for spacexnice.xyz.: "), "{errors}");
    assert_eq!((plan.status.code(), errors.lines().count()), (Some(1), 1), "{errors}");
}
