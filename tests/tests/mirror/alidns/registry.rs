use tests::fakes::alidns::{Fault, Injection, Plan};
use tests::scene::Host;
use tests::suite::Test;

use super::crashes::{crash_at, crash_points};
use super::{DOMAIN, FAILED_OVER, Scene, both, prepared, writes};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [] => one_record_marks_many_names,
            another_registry_takes_over_name_by_name,
            a_crash_at_any_call_loses_no_name_of_a_shared_record,
            without_its_shared_record_no_name_is_written;
    }
}

const ZONE: &str = ", registry: zone";
const SHARD: &str = "_fedns0-shop.fed.svc TXT default 3600 heritage=fedns;owner=shop;names=";

/// TXT records that mark names.
fn markers(scene: &Scene) -> Vec<String> {
    let is_marker = |line: &String| line.contains(" TXT ") && !line.starts_with("_fedns-");
    scene.host.lines(DOMAIN).into_iter().filter(is_marker).collect()
}

fn one_record_marks_many_names() {
    let mut scene = prepared(Plan::custom(120, 6));
    scene.configure(ZONE);
    scene.start();
    scene.holds(both());
    scene.is_in_sync();
    let places =
        "nginx.default:.+cn-beijing+cn-beijing-b.cn-beijing+cn-hangzhou+cn-hangzhou-b.cn-hangzhou";
    assert_eq!(markers(&scene), [format!("{SHARD}{places}")]);
    // The claim, one marker, six records.
    assert_eq!(writes(&scene), 8);

    scene.fedns.kill();
    scene.host.forget_calls();
    scene.start();
    scene.is_in_sync();
    assert_eq!(writes(&scene), 0);
    scene.remove("beijing", "nginx");
    scene.holds(FAILED_OVER);
    scene.is_in_sync();
    assert_eq!(markers(&scene), [format!("{SHARD}{places}")]);
    scene.remove("hangzhou", "nginx");
    scene.holds::<&str>([]);
    scene.is_in_sync();
    assert_eq!(scene.host.lines(DOMAIN), Vec::<String>::new());
}

fn another_registry_takes_over_name_by_name() {
    let mut scene = prepared(Plan::custom(120, 6));
    for registry in ["external-dns", "zone", "compact", "zone", "external-dns"] {
        scene.configure(&format!(", registry: {registry}"));
        scene.start();
        scene.holds(both());
        scene.is_in_sync();
        let markers = markers(&scene);
        let count = if registry == "zone" { 1 } else { 5 };
        assert_eq!(markers.len(), count, "{registry}: {markers:?}");
        assert!(scene.fedns.stop().success());
        let plan = scene.fedns.printed(&["plan", "--config", "fedns.yaml"]);
        assert_eq!(plan, "alidns for spacexnice.xyz.: no changes\n");
    }
    scene.configure(ZONE);
    let plan = scene.fedns.command(&["plan", "--config", "fedns.yaml", "-o", "json"]);
    assert_eq!(plan.status.code(), Some(2));
    scene.write("plan.json", &plan.stdout);
    scene.fedns.printed(&["apply", "--config", "fedns.yaml", "--plan", "plan.json"]);
    assert_eq!(markers(&scene).len(), 1);
    let plan = scene.fedns.printed(&["plan", "--config", "fedns.yaml"]);
    assert_eq!(plan, "alidns for spacexnice.xyz.: no changes\n");
}

fn a_crash_at_any_call_loses_no_name_of_a_shared_record() {
    for fault in crash_points() {
        for nth in 0..8 {
            let mut scene = prepared(Plan::custom(120, 6));
            scene.configure(ZONE);
            let point = (fault.clone(), "AddDomainRecord", nth);
            crash_at(&mut scene, point, |scene| scene.start());
            scene.start();
            scene.holds(both());
            scene.is_in_sync();
            assert_eq!(scene.host.lines(DOMAIN).len(), 8, "{nth}");
        }
    }
}

fn without_its_shared_record_no_name_is_written() {
    let mut scene = prepared(Plan::custom(120, 6));
    scene.configure(ZONE);
    let (status, code, message) = (400, "QuotaExceeded.Record", "The quota is used up.");
    let refused = Injection::of(Fault::Refuse { status, code, message }).on("AddDomainRecord");
    scene.host.inject(refused.after(1).times(2));
    scene.start();
    scene.is(" Failing, ");
    assert_eq!(scene.host.data(), Vec::<String>::new());
    scene.holds(both());
    scene.is_in_sync();
    assert_eq!(markers(&scene).len(), 1);
}
