use tests::botocore::set;
use tests::eventually::{GENEROUS, eventually_equal};
use tests::fakes::route53::FakeRoute53;
use tests::moto::Moto;
use tests::need::Need;
use tests::suite::Test;

use super::{HANGZHOU, Scene, both, prepared};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Peers] => every_name_stands_fails_over_and_goes_at_moto,
            every_name_stands_fails_over_and_goes_at_our_fake,
            one_record_marks_many_names,
            the_most_verbose_log_holds_no_secret;
    }
}

fn every_name_stands_fails_over_and_goes_at_moto() {
    let moto = Moto::start();
    stands_fails_over_and_goes(prepared(moto.botocore()));
}

fn every_name_stands_fails_over_and_goes_at_our_fake() {
    let fake = FakeRoute53::start();
    stands_fails_over_and_goes(prepared(fake.botocore()));
}

/// All of a plan is one batch: names enter the record and have theirs at once.
fn one_record_marks_many_names() {
    let fake = FakeRoute53::start();
    let mut scene = prepared(fake.botocore());
    scene.configure(", registry: zone");
    scene.start();
    scene.holds(both(&[]));
    scene.is_in_sync();
    let lines = scene.host.lines();
    let marker = "_fedns0-shop.fed.svc.fed.example.com. TXT 3600 \
                  \"heritage=fedns;owner=shop;names=nginx.default:.+cn-beijing+cn-beijing-b.cn-beijing\
                  +cn-hangzhou+cn-hangzhou-b.cn-hangzhou\"";
    assert_eq!(lines.iter().filter(|line| *line == marker).count(), 1, "{lines:?}");
    scene.put_many("hangzhou", 8, "203.0.113.3");
    scene.is(", 45 names");
    scene.configure(", registry: compact");
    scene.is("; held: ");
    let plan = String::from_utf8(scene.fedns.command(&["plan"]).stdout).expect("text");
    let hash = plan.trim_end().rsplit(' ').next().expect("a hash");
    scene.fedns.printed(&["plan", "approve", hash]);
    scene.is_in_sync();
    let lines = scene.host.lines();
    assert!(lines.iter().all(|line| !line.contains(";names=")), "{lines:?}");
}

fn the_most_verbose_log_holds_no_secret() {
    let fake = FakeRoute53::start();
    let mut scene = prepared(fake.botocore());
    let token = "a-token-of-this-session";
    scene.start_with(&[], &[("FEDNS_LOG", "trace"), ("AWS_SESSION_TOKEN", token)]);
    scene.holds(both(&[]));
    let log = scene.fedns.process().log();
    assert!(log.contains("aws_"), "the client logs at this level");
    for secret in [scene.host.aws.key[1], token] {
        assert!(!log.contains(secret), "{:?}", log.lines().find(|line| line.contains(secret)));
    }
}

/// The life of a Service, beside what others have in the zone.
fn stands_fails_over_and_goes(mut scene: Scene) {
    let foreign = [
        ("CREATE", set("www.fed.example.com", "A", 600, &["198.51.100.1"])),
        ("CREATE", set("fed.example.com", "TXT", 300, &["\"v=spf1 -all\" \"a\\075b\""])),
    ];
    let result = scene.host.aws.change(&scene.host.id, &foreign);
    assert!(result.get("answer").is_some(), "{result}");
    scene.start();
    let www = "www.fed.example.com. A 600 198.51.100.1";
    scene.holds(both(&[www]));
    scene.is_in_sync();
    let lines = scene.host.lines();
    let marker = "TXT 180 \"heritage=external-dns,external-dns/owner=shop,\
                  external-dns/resource=service/default/nginx\"";
    assert_eq!(lines.iter().filter(|line| line.ends_with(marker)).count(), 5, "{lines:?}");

    scene.remove("beijing", "nginx");
    let global = "nginx.default.fed.svc.fed.example.com.";
    let region = "nginx.default.fed.svc.cn-beijing.fed.example.com.";
    let zone = "nginx.default.fed.svc.cn-beijing-b.cn-beijing.fed.example.com.";
    let aliases = [
        format!("{global} A 180 203.0.113.1"),
        format!("{region} CNAME 180 {global}"),
        format!("{zone} CNAME 180 {region}"),
        www.to_owned(),
    ];
    let mut failed_over: Vec<&str> = aliases.iter().map(String::as_str).collect();
    failed_over.extend(HANGZHOU);
    scene.holds(&failed_over);

    scene.put("beijing", "nginx", "203.0.113.2");
    scene.holds(both(&[www]));
    scene.remove("hangzhou", "nginx");
    scene.remove("beijing", "nginx");
    let foreign = ["fed.example.com. TXT 300 \"v=spf1 -all\" \"a\\075b\"", www].map(str::to_owned);
    // The record that says which process writes stays while it runs.
    eventually_equal(GENEROUS, "what Route53 holds", &foreign.to_vec(), || {
        let mut lines = scene.host.lines();
        lines.retain(|line| !line.starts_with("_fedns-"));
        lines
    });
    let (log, secret) = (scene.fedns.process().log(), scene.host.aws.key[1]);
    assert!(!log.contains(secret), "{log}");
}
