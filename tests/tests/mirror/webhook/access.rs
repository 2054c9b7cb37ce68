use tests::need::Need;
use tests::suite::Test;
use tests::webhook::{APPLY, Fault};

use super::{BOTH, empty, prepared, with_others};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::ExternalDns] => preflight_says_that_the_first_write_will_tell,
            a_zone_that_is_not_served_is_refused,
            the_zone_is_the_longest_domain_that_is_served,
            what_is_no_webhook_is_told;
    }
}

fn preflight_says_that_the_first_write_will_tell() {
    let scene = prepared();
    let output = scene.command(&["preflight", "-c", "fedns.yaml"]);
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.starts_with("webhook for example.com.\n"), "{text}");
    for words in [
        "the webhook may read the zone, 1 record sets; the first write will prove that it may write",
        "the protocol of webhooks tells no limits",
    ] {
        assert!(text.contains(words), "{text}");
    }
    assert_eq!(scene.host.count(APPLY), 0);
}

fn a_zone_that_is_not_served_is_refused() {
    let mut scene = empty("example.org,example.net");
    scene.start();
    scene.logs(
        "its domain filter lets through example.net., example.org., which does not hold example.com.: \
         let it serve example.com., or mend endpoint",
    );
    assert_eq!(scene.host.count(APPLY), 0);
}

fn the_zone_is_the_longest_domain_that_is_served() {
    let mut scene = empty("com,example.com,x.example.com");
    scene.start();
    scene.holds(BOTH);
    scene.is_in_sync();
    let page = scene.fedns.page("/readyz?verbose").expect("a page").body;
    let mirror = format!("webhook example.com. at http://127.0.0.1:{}", scene.host.port());
    assert!(page.contains(&mirror), "{page}");
}

fn what_is_no_webhook_is_told() {
    let mut scene = prepared();
    scene.host.inject("GET /", [Fault::Status(404)]);
    scene.start();
    scene.logs("GET /: answered 404 (no such value; it was given at 12:00): there is no webhook for ExternalDNS there; mend endpoint");
    scene.holds(with_others(&BOTH));
}
