use std::time::Duration;

use serde_json::{Value, json};
use tests::eventually::{GENEROUS, eventually};
use tests::fakes::clouddns::{FakeCloudDns, Fault};
use tests::google::{answer, set};
use tests::local_dns_helper::LocalDnsHelper;
use tests::need::Need;
use tests::suite::Test;

use super::{BEIJING, CREATE, FAILED_OVER, HANGZHOU, ID, both, prepared, prepared_at};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Peers] => what_others_have_stays,
            a_name_that_others_take_meanwhile_is_theirs,
            what_others_change_meanwhile_is_never_overwritten_unseen,
            one_bad_record_is_set_aside_and_the_others_land,
            throttling_in_the_middle_passes,
            a_call_that_was_carried_out_unheard_is_not_done_twice;
        [Need::Peers, Need::CloudDnsPeer] => what_others_change_at_googles_stand_in_is_put_back;
    }
}

const WEB: &str = "web.default.fed.svc.fed.example.com.";

fn what_others_have_stays() {
    let fake = FakeCloudDns::start();
    let mut scene = prepared(&fake);
    let routed = |name: &str, record_type: &str, policy: Value| json!({ "name": name, "type": record_type, "ttl": 60, "routingPolicy": policy });
    let weighted = json!({ "wrr": { "items": [{ "weight": 1.0, "rrdatas": ["198.51.100.1"] }] } });
    let located =
        json!({ "geo": { "items": [{ "location": "asia-east1", "rrdatas": ["2001:db8::9"] }] } });
    let theirs = [
        routed("nginx.default.fed.svc.fed.example.com.", "A", weighted),
        routed("nginx.default.fed.svc.cn-beijing.fed.example.com.", "AAAA", located),
    ];
    answer(&scene.host.google.change(ID, &theirs, &[]));
    let theirs = [
        "nginx.default.fed.svc.fed.example.com. A (routed) 60",
        "nginx.default.fed.svc.cn-beijing.fed.example.com. AAAA (routed) 60",
    ];
    scene.start();
    let mut expect = theirs.to_vec();
    expect.extend(HANGZHOU);
    expect.push(BEIJING[1]);
    scene.holds(&expect);
    scene.is(" Incomplete, ");
    let plan = scene.fedns.printed(&["plan"]);
    for words in ["routing policy (weighted)", "routing policy (geolocation)"] {
        assert!(plan.contains(words), "{plan}");
    }
    scene.remove("hangzhou", "nginx");
    scene.remove("beijing", "nginx");
    scene.holds(theirs);
}

/// Between the listing and the change.
fn a_name_that_others_take_meanwhile_is_theirs() {
    let fake = FakeCloudDns::start();
    let mut scene = prepared(&fake);
    scene.start();
    scene.holds(both(&[]));
    scene.is_in_sync();
    fake.change_by_hand(ID, &json!({ "additions": [set(WEB, "A", 60, &["198.51.100.7"])] }));
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
    scene.logs("changes.create: alreadyExists: ");
    scene.is(" Incomplete, ");
    let plan = scene.fedns.printed(&["plan"]);
    assert!(plan.contains(&format!("  ! {WEB} A: a record set without a marker")), "{plan}");
}

fn what_others_change_meanwhile_is_never_overwritten_unseen() {
    let fake = FakeCloudDns::start();
    let mut scene = prepared(&fake);
    scene.start();
    scene.holds(both(&[]));
    scene.is_in_sync();
    let global = "nginx.default.fed.svc.fed.example.com.";
    let changed = json!({
        "deletions": [set(global, "A", 180, &["203.0.113.1", "203.0.113.2"])],
        "additions": [set(global, "A", 60, &["198.51.100.9", "198.51.100.8"])],
    });
    fake.change_by_hand(ID, &changed);
    scene.put("beijing", "nginx", "203.0.113.3");
    let moved: Vec<String> = both(&[]).iter().map(|line| line.replace("113.2", "113.3")).collect();
    scene.holds(&moved);
    scene.logs("changes.create: conditionNotMet: ");
}

/// In another order than ours, and seen by the next listing.
fn what_others_change_at_googles_stand_in_is_put_back() {
    let helper = LocalDnsHelper::start(Duration::ZERO);
    let mut scene = prepared_at(helper.google());
    scene.start();
    scene.holds(both(&[]));
    scene.is_in_sync();
    let global = "nginx.default.fed.svc.fed.example.com.";
    let standing = set(global, "A", 180, &["203.0.113.1", "203.0.113.2"]);
    let turned = set(global, "A", 60, &["203.0.113.2", "203.0.113.1"]);
    answer(&scene.host.google.change(ID, &[turned], &[standing]));
    scene.remove("beijing", "nginx");
    scene.holds(FAILED_OVER);
    scene.is_in_sync();
}

fn one_bad_record_is_set_aside_and_the_others_land() {
    let fake = FakeCloudDns::start();
    let mut scene = prepared(&fake);
    fake.protect("nginx.default.fed.svc.cn-beijing.fed.example.com.", "A");
    for number in 1..=20 {
        scene.put("hangzhou", &format!("s{number}"), &format!("203.0.113.{number}"));
    }
    scene.start();
    scene.logs("refused, and tried again later; the others go on");
    scene.is(" Incomplete, ");
    // 21 Services at 5 names; one of them has neither its address nor its marker. Beside them stand
    // SOA, NS and the record that says who writes.
    assert_eq!(fake.set_count(ID), 3 + 2 * (21 * 5 - 1));
    let printed = scene.fedns.printed(&["plan"]);
    assert!(printed.contains("invalidValue"), "{printed}");
    scene.put("hangzhou", "late", "203.0.113.99");
    eventually(GENEROUS, "what comes later lands", || {
        let sets = fake.set_count(ID);
        if sets == 3 + 2 * (22 * 5 - 1) { Ok(()) } else { Err(sets) }
    });
}

fn throttling_in_the_middle_passes() {
    let fake = FakeCloudDns::start();
    let mut scene = prepared(&fake);
    let refuse = |status, reason| Fault::Refuse { status, reason };
    let faults = [
        Fault::Throttle,
        refuse(403, "rateLimitExceeded"),
        Fault::BadGateway,
        refuse(503, "backendError"),
        Fault::CloseBefore,
    ];
    fake.inject(CREATE, faults);
    fake.inject("resourceRecordSets.list", [Fault::Throttle, refuse(503, "backendError")]);
    scene.start();
    // Before anybody else reads: faults meet whoever calls.
    scene.is_in_sync();
    scene.holds(both(&[]));
}

fn a_call_that_was_carried_out_unheard_is_not_done_twice() {
    let fake = FakeCloudDns::start();
    let mut scene = prepared(&fake);
    fake.delay(3);
    fake.inject(CREATE, [Fault::CloseAfter]);
    scene.start();
    scene.holds(both(&[]));
    scene.is_in_sync();
    fake.inject(CREATE, [Fault::CloseAfter, Fault::CloseBefore]);
    scene.remove("beijing", "nginx");
    scene.holds(FAILED_OVER);
    scene.is_in_sync();
}
