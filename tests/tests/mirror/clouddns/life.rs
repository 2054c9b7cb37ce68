use std::time::Duration;

use tests::eventually::{GENEROUS, eventually_equal};
use tests::fakes::clouddns::{FakeCloudDns, TOKEN};
use tests::google::{answer, service_account, set};
use tests::local_dns_helper::LocalDnsHelper;
use tests::need::Need;
use tests::suite::Test;

use super::{FAILED_OVER, Scene, both, prepared, prepared_at};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Peers] => every_name_stands_fails_over_and_goes_at_our_fake,
            the_most_verbose_log_holds_no_secret;
        [Need::Peers, Need::CloudDnsPeer] => every_name_stands_fails_over_and_goes_at_googles_stand_in;
    }
}

fn every_name_stands_fails_over_and_goes_at_our_fake() {
    let fake = FakeCloudDns::start();
    let scene = prepared(&fake);
    others_have_something(&scene);
    fake.delay(2);
    fake.set_quota("rrsetAdditionsPerChange", 4);
    fake.set_quota("rrsetDeletionsPerChange", 3);
    stands_fails_over_and_goes(scene);
}

/// Each of its changes is pending for a while.
fn every_name_stands_fails_over_and_goes_at_googles_stand_in() {
    let helper = LocalDnsHelper::start(Duration::from_millis(300));
    let scene = prepared_at(helper.google());
    others_have_something(&scene);
    stands_fails_over_and_goes(scene);
}

fn the_most_verbose_log_holds_no_secret() {
    let fake = FakeCloudDns::start();
    let account = service_account();
    let mut scene = prepared(&fake);
    scene.start_with(&[], &[("FEDNS_LOG", "trace")]);
    scene.holds(both(&[]));
    let log = scene.fedns.process().log();
    assert!(log.contains("pooling idle connection"), "the client logs at this level");
    // Every token that it signs begins with the same head.
    let mut secrets = vec![TOKEN, "eyJ"];
    secrets.extend(account.private_key.lines().filter(|line| !line.starts_with("-----")));
    for secret in secrets {
        assert!(!log.contains(secret), "{:?}", log.lines().find(|line| line.contains(secret)));
    }
}

const WWW: &str = "www.fed.example.com. A 600 198.51.100.1 198.51.100.2";
const APEX: &str = "fed.example.com. TXT 300 \"v=spf1 -all\" \"a\\061b\"";

fn others_have_something(scene: &Scene) {
    let foreign = [
        set("www.fed.example.com.", "A", 600, &["198.51.100.2", "198.51.100.1"]),
        set("fed.example.com.", "TXT", 300, &["\"v=spf1 -all\" \"a\\061b\""]),
    ];
    answer(&scene.host.google.change(&scene.host.id, &foreign, &[]));
    eventually_equal(GENEROUS, "what others have", &[APEX, WWW].map(str::to_owned).into(), || {
        scene.host.lines()
    });
}

/// The life of a Service, beside what others have in the zone.
fn stands_fails_over_and_goes(mut scene: Scene) {
    scene.start();
    scene.holds(both(&[WWW]));
    scene.is_in_sync();
    let lines = scene.host.lines();
    let marker = "TXT 180 \"heritage=external-dns,external-dns/owner=shop,\
                  external-dns/resource=service/default/nginx\"";
    assert_eq!(lines.iter().filter(|line| line.ends_with(marker)).count(), 5, "{lines:?}");

    scene.remove("beijing", "nginx");
    scene.holds(FAILED_OVER.into_iter().chain([WWW]));
    scene.put("beijing", "nginx", "203.0.113.2");
    scene.holds(both(&[WWW]));
    scene.remove("hangzhou", "nginx");
    scene.remove("beijing", "nginx");
    let foreign = [APEX, WWW].map(str::to_owned);
    // The record that says which process writes stays while it runs.
    eventually_equal(GENEROUS, "what Cloud DNS holds", &foreign.to_vec(), || {
        let mut lines = scene.host.lines();
        lines.retain(|line| !line.starts_with("_fedns-"));
        lines
    });
}
