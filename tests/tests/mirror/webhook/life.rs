use tests::eventually::{GENEROUS, eventually_equal};
use tests::external_dns::{Backend, Webhook};
use tests::name_server::{NameServer, Software};
use tests::need::{NAMED, Need};
use tests::suite::Test;
use tests::webhook::{ADJUST, APPLY, LIST, StrictWebhook};

use super::{BOTH, FAILED_OVER, Scene, prepared, with_others};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::ExternalDns] => every_name_stands_fails_over_and_goes_in_memory,
            a_restart_writes_nothing,
            one_change_is_one_call;
        [Need::ExternalDns, NAMED] => every_name_stands_fails_over_and_goes_before_bind;
    }
}

fn every_name_stands_fails_over_and_goes_in_memory() {
    stands_fails_over_and_goes(prepared());
}

/// It sends each sort of change in a message of its own, and a name server passes over an alias that
/// comes before the addresses in its place go.
fn every_name_stands_fails_over_and_goes_before_bind() {
    let others = "www 600 A 198.51.100.1\nlong 600 TXT \"a b\" \"c\"\n";
    let name_server = NameServer::start(Software::Bind, others);
    let server = Webhook::start(Backend::NameServer(&name_server), "");
    stands_fails_over_and_goes(Scene::prepared(StrictWebhook::before(server)));
}

fn stands_fails_over_and_goes(mut scene: Scene) {
    let before = scene.host.server.records();
    scene.start();
    scene.holds(with_others(&BOTH));
    scene.is_in_sync();
    let marker =
        "heritage=external-dns,external-dns/owner=shop,external-dns/resource=service/default/nginx";
    let is_marker =
        |line: &&String| line.contains(" 180 TXT ") && line.trim_end_matches('"').ends_with(marker);
    let records = scene.host.server.records();
    assert_eq!(records.iter().filter(is_marker).count(), 5, "{records:?}");

    scene.remove("beijing", "nginx");
    scene.holds(with_others(&FAILED_OVER));
    scene.is_in_sync();
    scene.put("beijing", "nginx", "203.0.113.2");
    scene.holds(with_others(&BOTH));
    scene.is_in_sync();
    scene.remove("hangzhou", "nginx");
    scene.remove("beijing", "nginx");
    eventually_equal(GENEROUS, "what the webhook lists", &before, || {
        let mut records = scene.host.server.records();
        records.retain(|line| !line.starts_with("_fedns-"));
        records
    });
    assert_eq!(scene.host.violations(), [""; 0]);
}

fn a_restart_writes_nothing() {
    let mut scene = prepared();
    scene.start();
    scene.holds(with_others(&BOTH));
    scene.is_in_sync();
    scene.fedns.kill();
    scene.host.forget_calls();
    scene.start();
    scene.is_in_sync();
    assert_eq!(scene.host.count(APPLY), 0);
}

/// Before it ExternalDNS lists as well.
fn one_change_is_one_call() {
    let mut scene = prepared();
    scene.start();
    scene.holds(with_others(&BOTH));
    scene.is_in_sync();
    scene.host.forget_calls();
    scene.put("beijing", "nginx", "203.0.113.9");
    let moved: Vec<String> =
        with_others(&BOTH).iter().map(|line| line.replace("113.2", "113.9")).collect();
    scene.holds(&moved);
    scene.is_in_sync();
    assert_eq!([APPLY, LIST].map(|call| scene.host.count(call)), [1, 1]);
    // What it makes of the new sets.
    assert_eq!(scene.host.count(ADJUST), 1);
}
