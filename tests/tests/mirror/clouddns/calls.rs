use tests::eventually::{GENEROUS, eventually_equal};
use tests::fakes::clouddns::FakeCloudDns;
use tests::need::Need;
use tests::suite::Test;

use super::{CREATE, ID, prepared};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Peers] => ten_thousand_names_take_few_calls_and_one_change_takes_one;
    }
}

const LIST: &str = "resourceRecordSets.list";
/// Each has five names, and each of them a marker.
const SERVICES: usize = 2_000;
const PAGE: usize = 500;

fn ten_thousand_names_take_few_calls_and_one_change_takes_one() {
    let fake = FakeCloudDns::start();
    let mut scene = prepared(&fake);
    scene.remove("hangzhou", "nginx");
    scene.remove("beijing", "nginx");
    scene.put("hangzhou", "s0", "203.0.113.1");
    scene.put_many("hangzhou", SERVICES - 1, "203.0.113.1");
    scene.start();
    // With the zone's own SOA and NS, and the record that says who writes.
    let all = SERVICES * 5 * 2 + 3;
    eventually_equal(4 * GENEROUS, "sets at Cloud DNS", &all, || fake.set_count(ID));
    scene.is_in_sync();
    let changes = fake.count(CREATE);
    assert!((20..=40).contains(&changes), "{changes} changes for 10,000 names");
    assert_eq!(fake.count(LIST), 1, "preflight and the mirror share the first listing");

    fake.forget_calls();
    scene.put("hangzhou", "s0", "203.0.113.9");
    let changed = "s0.default.fed.svc.fed.example.com. A 180 203.0.113.9";
    eventually_equal(GENEROUS, "the changed name", &true, || {
        scene.host.lines().iter().any(|line| line == changed)
    });
    scene.is_in_sync();
    assert_eq!(fake.count(CREATE), 1);

    scene.fedns.kill();
    fake.forget_calls();
    scene.start();
    scene.is_in_sync();
    assert_eq!(fake.count(LIST), all.div_ceil(PAGE), "one listing");
    assert_eq!(fake.count(CREATE), 0);
}
