use serde_json::json;
use tests::eventually::{GENEROUS, eventually};
use tests::external_dns::endpoint;
use tests::need::Need;
use tests::scene::Host;
use tests::suite::Test;
use tests::webhook::{ADJUST, APPLY, Fault, LIST};

use super::{BOTH, FAILED_OVER, OTHERS, Scene, created, prepared, with_others};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::ExternalDns] => what_others_have_stays,
            a_name_that_others_take_meanwhile_is_theirs,
            one_bad_record_is_set_aside_and_the_others_land,
            one_bad_record_that_is_not_told_apart_is_found,
            failures_that_pass_are_waited_out,
            a_call_that_was_carried_out_unheard_is_not_done_twice,
            a_crash_at_any_call_is_healed,
            a_crash_in_a_failover_is_healed,
            a_provider_that_runs_dry_is_told;
    }
}

const WEB: &str = "web.default.fed.svc.example.com";

fn what_others_have_stays() {
    let mut scene = prepared();
    let mut weighted = endpoint("nginx.default.fed.svc.example.com", "A", 60, &["198.51.100.1"]);
    weighted["setIdentifier"] = json!("blue");
    let region = "nginx.default.fed.svc.cn-beijing.example.com";
    let mut alias = endpoint(region, "AAAA", 60, &["2001:db8::1"]);
    alias["providerSpecific"] = json!([{"name": "alias", "value": "true"}]);
    let mail = endpoint("example.com", "MX", 60, &["10 mail.example.com"]);
    let text = endpoint("example.com", "TXT", 60, &["v=spf1 -all"]);
    scene.host.server.change(&json!({"create": [weighted, alias, mail, text]}));
    let theirs = [
        "example.com. 60 MX 10 mail.example.com",
        "nginx.default.fed.svc.cn-beijing.example.com. 60 AAAA 2001:db8::1",
        "nginx.default.fed.svc.example.com. 60 A 198.51.100.1",
        OTHERS[0],
    ];
    scene.start();
    scene.holds([&theirs[..], &[BOTH[0], BOTH[2], BOTH[3]]].concat());
    scene.is(" Incomplete, ");
    let plan = scene.fedns.printed(&["plan"]);
    for words in ["a A set \"blue\" of several stands there", "a AAAA set with alias=true stands"] {
        assert!(plan.contains(words), "{plan}");
    }
    scene.remove("hangzhou", "nginx");
    scene.remove("beijing", "nginx");
    scene.holds(theirs);
    let records = scene.host.server.records();
    assert!(records.contains(&"example.com. 60 TXT v=spf1 -all".to_owned()), "{records:?}");
}

/// After the last listing, and before the change.
fn a_name_that_others_take_meanwhile_is_theirs() {
    let mut scene = prepared();
    scene.start();
    scene.holds(with_others(&BOTH));
    scene.is_in_sync();
    scene.host.server.change(&created(&endpoint(WEB, "A", 60, &["198.51.100.7"])));
    scene.put("hangzhou", "web", "203.0.113.7");
    let theirs = format!("{WEB}. 60 A 198.51.100.7");
    let ours = [
        "web.default.fed.svc.cn-beijing-b.cn-beijing.example.com. 180 CNAME web.default.fed.svc.cn-beijing.example.com.",
        "web.default.fed.svc.cn-beijing.example.com. 180 CNAME web.default.fed.svc.example.com.",
        "web.default.fed.svc.cn-hangzhou-b.cn-hangzhou.example.com. 180 A 203.0.113.7",
        "web.default.fed.svc.cn-hangzhou.example.com. 180 A 203.0.113.7",
    ];
    scene.holds([&with_others(&BOTH)[..], &ours, &[theirs.as_str()]].concat());
    scene.logs("something else stands there than was listed");
    scene.is(" Incomplete, ");
    let plan = scene.fedns.printed(&["plan"]);
    assert!(plan.contains(&format!("  ! {WEB}. A: a record set without a marker")), "{plan}");
}

fn one_bad_record_is_set_aside_and_the_others_land() {
    one_bad_record(400, "answered 400 (no such value; it was given at 12:00)");
}

/// Most webhooks answer 500, whatever is wrong.
fn one_bad_record_that_is_not_told_apart_is_found() {
    one_bad_record(500, "answered 500: the provider behind it is away, or fails");
}

fn one_bad_record(status: u16, words: &str) {
    let mut scene = prepared();
    let bad = "nginx.default.fed.svc.cn-beijing.example.com";
    scene.host.refuse(bad, status);
    scene.put_many("hangzhou", 20, "203.0.113.3");
    scene.start();
    scene.logs("refused, and tried again later; the others go on");
    scene.is(" Incomplete, ");
    // 21 Services at 5 names, one of them with two addresses; one has neither its address nor its
    // marker.
    let lands = |scene: &Scene, expect: usize| {
        eventually(GENEROUS, "all but one land", || {
            let count = scene.host.data().len();
            if count == expect + OTHERS.len() { Ok(()) } else { Err(count) }
        });
    };
    lands(&scene, 21 * 5 + 1 - 1);
    let plan = scene.fedns.printed(&["plan"]);
    assert!(plan.contains(words), "{plan}");
    scene.put("hangzhou", "late", "203.0.113.99");
    lands(&scene, 22 * 5 + 1 - 1);
    scene.host.allow();
    scene.remove("hangzhou", "late");
    // What changes at the name is tried at once.
    scene.put("beijing", "nginx", "203.0.113.4");
    lands(&scene, 21 * 5 + 1);
}

fn failures_that_pass_are_waited_out() {
    let mut scene = prepared();
    scene.host.inject("GET /", [Fault::Status(503)]);
    scene.host.inject(LIST, [Fault::Status(429), Fault::CloseBefore]);
    scene.host.inject(ADJUST, [Fault::Status(502)]);
    scene.host.inject(APPLY, [Fault::Status(503), Fault::Status(500), Fault::CloseBefore]);
    scene.start();
    scene.holds(with_others(&BOTH));
    scene.is_in_sync();
}

fn a_call_that_was_carried_out_unheard_is_not_done_twice() {
    let mut scene = prepared();
    scene.host.inject(APPLY, [Fault::CloseAfter]);
    scene.start();
    scene.holds(with_others(&BOTH));
    scene.is_in_sync();
    assert_eq!(scene.host.count(APPLY), 1);
    scene.host.inject(APPLY, [Fault::CloseAfter, Fault::CloseBefore]);
    scene.remove("beijing", "nginx");
    scene.holds(with_others(&FAILED_OVER));
    scene.is_in_sync();
    assert_eq!(scene.host.count(APPLY), 2);
}

/// Kills the server in the middle of its nth call of this sort after `begin`.
fn crash_at(
    scene: &mut Scene,
    call: &str,
    nth: usize,
    fault: &Fault,
    begin: impl FnOnce(&mut Scene),
) {
    scene.host.forget_calls();
    let before = std::iter::repeat_n(Fault::Pass, nth);
    scene.host.inject(call, before.chain([fault.clone()]));
    begin(scene);
    eventually(GENEROUS, "the call", || match scene.host.count(call) {
        made if made > nth => Ok(()),
        made => Err(format!("{made} calls of {call}")),
    });
    scene.fedns.kill();
}

fn crash_points() -> impl Iterator<Item = (&'static str, Fault)> {
    let calls = [(APPLY, Fault::SilenceBefore), (APPLY, Fault::SilenceAfter)];
    calls.into_iter().chain([LIST, ADJUST].map(|call| (call, Fault::SilenceBefore)))
}

fn a_crash_at_any_call_is_healed() {
    for (call, fault) in crash_points() {
        let mut scene = prepared();
        crash_at(&mut scene, call, 0, &fault, |scene| scene.start());
        scene.start();
        scene.holds(with_others(&BOTH));
        scene.is_in_sync();
        // Five names with their markers, who writes, and what others have.
        assert_eq!(scene.host.server.records().len(), 6 + 5 + 1 + 1, "{call} {fault:?}");
    }
}

fn a_crash_in_a_failover_is_healed() {
    for (call, fault) in crash_points() {
        let mut scene = prepared();
        scene.start();
        scene.holds(with_others(&BOTH));
        scene.is_in_sync();
        crash_at(&mut scene, call, 0, &fault, |scene| scene.remove("beijing", "nginx"));
        scene.start();
        scene.holds(with_others(&FAILED_OVER));
        scene.is_in_sync();
        assert_eq!(scene.host.server.records().len(), 5 + 5 + 1 + 1, "{call} {fault:?}");
    }
}

fn a_provider_that_runs_dry_is_told() {
    let mut scene = prepared();
    scene.host.inject(APPLY, [Fault::Dry]);
    scene.start();
    scene.logs("answered that all is done, and ");
    scene.logs("does its provider run dry, or filter domains? Its own log says why");
    scene.is(" Failing, ");
    scene.holds(OTHERS);
}
