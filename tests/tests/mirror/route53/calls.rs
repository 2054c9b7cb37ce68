use tests::eventually::{GENEROUS, eventually_equal};
use tests::fakes::route53::FakeRoute53;
use tests::need::Need;
use tests::suite::Test;

use super::prepared;

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Peers] => ten_thousand_names_take_few_calls_and_one_change_takes_one;
    }
}

const CHANGE: &str = "ChangeResourceRecordSets";
/// Each has five names, and each of them a marker.
const SERVICES: usize = 2_000;
const PAGE: usize = 300;

fn ten_thousand_names_take_few_calls_and_one_change_takes_one() {
    let fake = FakeRoute53::start();
    let mut scene = prepared(fake.botocore());
    scene.remove("hangzhou", "nginx");
    scene.remove("beijing", "nginx");
    scene.put("hangzhou", "s0", "203.0.113.1");
    scene.put_many("hangzhou", SERVICES - 1, "203.0.113.1");
    scene.start();
    // With the zone's own SOA and NS, and the record that says who writes.
    let all = SERVICES * 5 * 2 + 3;
    eventually_equal(4 * GENEROUS, "sets at Route53", &all, || fake.set_count(&scene.host.id));
    scene.is_in_sync();
    // One of them asked for the right to change.
    let batches = fake.count(CHANGE) - 1;
    assert!((20..=40).contains(&batches), "{batches} batches for 10,000 names");

    fake.forget_calls();
    scene.put("hangzhou", "s0", "203.0.113.9");
    let changed = "s0.default.fed.svc.fed.example.com. A 180 203.0.113.9";
    eventually_equal(GENEROUS, "the changed name", &true, || {
        scene.host.lines().iter().any(|line| line == changed)
    });
    scene.is_in_sync();
    assert_eq!(fake.count(CHANGE), 1);

    scene.fedns.kill();
    fake.forget_calls();
    scene.start();
    scene.is_in_sync();
    assert_eq!(fake.count("ListResourceRecordSets"), all.div_ceil(PAGE), "one listing");
    assert_eq!(fake.count(CHANGE), 1, "the right to change is asked for, and nothing is written");
}
