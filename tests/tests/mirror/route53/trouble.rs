use serde_json::json;
use tests::botocore::set;
use tests::eventually::{GENEROUS, eventually};
use tests::fakes::route53::{FakeRoute53, Fault};
use tests::moto::Moto;
use tests::need::Need;
use tests::suite::Test;

use super::{BEIJING, GLOBAL, HANGZHOU, both, prepared};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Peers] => what_others_have_stays,
            a_name_that_others_take_meanwhile_is_theirs,
            what_others_change_meanwhile_is_never_overwritten_unseen,
            one_bad_record_is_set_aside_and_the_others_land,
            throttling_in_the_middle_passes,
            moto_throttles_and_nothing_is_lost,
            a_call_that_was_carried_out_unheard_is_not_done_twice;
    }
}

const CHANGE: &str = "ChangeResourceRecordSets";
const WEB: &str = "web.default.fed.svc.fed.example.com.";

fn what_others_have_stays() {
    let fake = FakeRoute53::start();
    let mut scene = prepared(fake.botocore());
    let mut weighted = set("nginx.default.fed.svc.fed.example.com", "A", 60, &["198.51.100.1"]);
    weighted["SetIdentifier"] = json!("blue");
    weighted["Weight"] = json!(1);
    let alias = json!({
        "Name": "nginx.default.fed.svc.cn-beijing.fed.example.com", "Type": "AAAA",
        "AliasTarget": {"HostedZoneId": "Z2", "DNSName": "lb.example.net.", "EvaluateTargetHealth": true},
    });
    let result = scene.host.aws.change(&scene.host.id, &[("CREATE", weighted), ("CREATE", alias)]);
    assert!(result.get("answer").is_some(), "{result}");
    let theirs = [
        "nginx.default.fed.svc.fed.example.com. A (blue) 60 198.51.100.1",
        "nginx.default.fed.svc.cn-beijing.fed.example.com. AAAA alias lb.example.net.",
    ];
    scene.start();
    let mut expect = theirs.to_vec();
    expect.extend(HANGZHOU);
    expect.push(BEIJING[1]);
    scene.holds(&expect);
    scene.is(" Incomplete, ");
    let plan = scene.fedns.printed(&["plan"]);
    for words in ["a weighted set \"blue\"", "an alias of lb.example.net."] {
        assert!(plan.contains(words), "{plan}");
    }
    scene.remove("hangzhou", "nginx");
    scene.remove("beijing", "nginx");
    scene.holds(theirs);
}

/// Between the listing and the change.
fn a_name_that_others_take_meanwhile_is_theirs() {
    let fake = FakeRoute53::start();
    let mut scene = prepared(fake.botocore());
    scene.start();
    scene.holds(both(&[]));
    scene.is_in_sync();
    fake.change_by_hand(&scene.host.id, &[("CREATE", WEB, "A", 60, &["198.51.100.7"])]);
    scene.put("hangzhou", "web", "203.0.113.7");
    let theirs = format!("{WEB} A 60 198.51.100.7");
    let ours = [
        "web.default.fed.svc.cn-hangzhou.fed.example.com. A 180 203.0.113.7",
        "web.default.fed.svc.cn-hangzhou-b.cn-hangzhou.fed.example.com. A 180 203.0.113.7",
        // Beijing has no such Service.
        "web.default.fed.svc.cn-beijing.fed.example.com. CNAME 180 web.default.fed.svc.fed.example.com.",
        "web.default.fed.svc.cn-beijing-b.cn-beijing.fed.example.com. CNAME 180 \
         web.default.fed.svc.cn-beijing.fed.example.com.",
    ];
    scene.holds(both(&[&[theirs.as_str()][..], &ours].concat()));
    scene.logs("but it already exists");
    scene.is(" Incomplete, ");
    let plan = scene.fedns.printed(&["plan"]);
    assert!(plan.contains(&format!("  ! {WEB} A: a record set without a marker")), "{plan}");
}

fn what_others_change_meanwhile_is_never_overwritten_unseen() {
    let fake = FakeRoute53::start();
    let mut scene = prepared(fake.botocore());
    scene.start();
    scene.holds(both(&[]));
    scene.is_in_sync();
    let global = "nginx.default.fed.svc.fed.example.com.";
    let changed = [
        ("DELETE", global, "A", 180, &["203.0.113.1", "203.0.113.2"][..]),
        ("CREATE", global, "A", 60, &["198.51.100.9"][..]),
    ];
    fake.change_by_hand(&scene.host.id, &changed);
    scene.put("beijing", "nginx", "203.0.113.3");
    let moved: Vec<String> = both(&[]).iter().map(|line| line.replace("113.2", "113.3")).collect();
    scene.holds(&moved);
    scene.logs("the values provided do not match the current values");
}

fn one_bad_record_is_set_aside_and_the_others_land() {
    let fake = FakeRoute53::start();
    let mut scene = prepared(fake.botocore());
    fake.protect("nginx.default.fed.svc.cn-beijing.fed.example.com.", "A");
    for number in 1..=20 {
        scene.put("hangzhou", &format!("s{number}"), &format!("203.0.113.{number}"));
    }
    scene.start();
    scene.logs("refused, and tried again later; the others go on");
    scene.is(" Incomplete, ");
    // 21 Services at 5 names; one of them has neither its address nor its marker. Beside them stand
    // SOA, NS and the record that says who writes.
    assert_eq!(fake.set_count(&scene.host.id), 3 + 2 * (21 * 5 - 1));
    let printed = scene.fedns.printed(&["plan"]);
    assert!(printed.contains("but it is protected"), "{printed}");
    scene.put("hangzhou", "late", "203.0.113.99");
    eventually(GENEROUS, "what comes later lands", || {
        let sets = fake.set_count(&scene.host.id);
        if sets == 3 + 2 * (22 * 5 - 1) { Ok(()) } else { Err(sets) }
    });
}

fn throttling_in_the_middle_passes() {
    let fake = FakeRoute53::start();
    let mut scene = prepared(fake.botocore());
    let unavailable = Fault::Refuse { status: 503, code: "ServiceUnavailable" };
    // The first call asks for the right to change.
    let faults =
        [Fault::Pass, Fault::Throttle, Fault::PriorRequest, unavailable, Fault::CloseBefore];
    fake.inject(CHANGE, faults);
    fake.inject("ListResourceRecordSets", [Fault::Throttle]);
    scene.start();
    // Before anybody else reads: faults meet whoever calls.
    scene.is_in_sync();
    scene.holds(both(&[]));
}

fn moto_throttles_and_nothing_is_lost() {
    let moto = Moto::start();
    let mut scene = prepared(moto.botocore());
    let fault = |code: &str| json!({"match": "POST /2013", "status": 400, "code": code, "message": "later"});
    let codes = ["Throttling", "Throttling", "PriorRequestNotComplete", "Throttling"];
    moto.fail_next(&json!(codes.map(fault)));
    scene.start();
    scene.holds(both(&[]));
    scene.is_in_sync();
}

fn a_call_that_was_carried_out_unheard_is_not_done_twice() {
    let fake = FakeRoute53::start();
    let mut scene = prepared(fake.botocore());
    fake.inject(CHANGE, [Fault::Pass, Fault::CloseAfter]);
    scene.start();
    scene.holds(both(&[]));
    scene.is_in_sync();
    fake.inject(CHANGE, [Fault::CloseAfter, Fault::CloseBefore]);
    scene.remove("beijing", "nginx");
    let global = GLOBAL.replace(" 203.0.113.2", "");
    let mut expect = vec![
        global.as_str(),
        "nginx.default.fed.svc.cn-beijing.fed.example.com. CNAME 180 nginx.default.fed.svc.fed.example.com.",
        "nginx.default.fed.svc.cn-beijing-b.cn-beijing.fed.example.com. CNAME 180 \
         nginx.default.fed.svc.cn-beijing.fed.example.com.",
    ];
    expect.extend(HANGZHOU);
    scene.holds(&expect);
    scene.is_in_sync();
}
