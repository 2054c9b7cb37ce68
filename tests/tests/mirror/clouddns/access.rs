use std::time::Duration;

use serde_json::json;
use tests::fakes::clouddns::{
    FakeCloudDns, PROJECT, REFRESH_TOKEN, ServiceAccount, WORKLOAD_TOKEN,
};
use tests::google::service_account;
use tests::local_dns_helper::LocalDnsHelper;
use tests::need::Need;
use tests::scene::ManagedZone;
use tests::suite::Test;

use super::{CREATE, DOMAIN, ID, Scene, both, prepared, prepared_at, with_key};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Peers] => an_account_that_may_only_read_is_told_before_any_write,
            an_account_that_nobody_knows_is_told,
            a_clock_that_is_off_is_told,
            the_service_account_of_the_machine_is_taken,
            the_identity_of_a_workload_is_taken,
            what_gcloud_keeps_is_taken,
            two_zones_of_one_name_need_an_id,
            the_longest_public_zone_is_taken,
            a_private_zone_is_taken_by_its_id_only;
        [Need::Peers, Need::CloudDnsPeer] => rights_that_nobody_tells_are_said_to_be_unknown;
    }
}

fn an_account_that_may_only_read_is_told_before_any_write() {
    let fake = FakeCloudDns::start();
    let account = ServiceAccount { may_change: false, ..service_account() };
    fake.trust(&account);
    let mut scene = with_key(&fake, account.file());
    scene.start();
    scene.is(" MayNotWrite, ");
    scene.logs("the account lacks dns.changes.create, dns.resourceRecordSets.create, ");
    scene.logs(&format!("in zone {ID} of project {PROJECT}; grant it roles/dns.admin there"));
    assert_eq!((fake.set_count(ID), fake.count(CREATE)), (2, 0));
}

fn an_account_that_nobody_knows_is_told() {
    let fake = FakeCloudDns::start();
    let mut scene = with_key(&fake, service_account().file());
    scene.start();
    scene.logs(
        "managedZones.list: authError: Invalid Credentials; give the credentials of an account",
    );
    assert_eq!(fake.count(CREATE), 0);
}

/// A little off: preflight tells; far off: no token is good any more.
fn a_clock_that_is_off_is_told() {
    for (ahead, words) in [
        (400, "this machine's clock is 400 s behind the provider's"),
        (8_000, "authError: Invalid Credentials; this machine's clock is 8"),
    ] {
        let fake = FakeCloudDns::start();
        fake.set_clock_ahead(ahead);
        let mut scene = prepared(&fake);
        scene.start();
        scene.logs(words);
        scene.logs("set the clock");
        assert_eq!(fake.count(CREATE), 0);
    }
}

/// The zone as it is found from the environment, and from nothing in the config.
fn of_environment(fake: &FakeCloudDns) -> ManagedZone {
    ManagedZone { entry: String::new(), ..ManagedZone::create(fake.google(), DOMAIN) }
}

/// It tells the project, too.
fn the_service_account_of_the_machine_is_taken() {
    let fake = FakeCloudDns::start();
    let metadata = format!("127.0.0.1:{}", fake.port());
    let environment = vec![("GCE_METADATA_HOST", metadata)];
    let mut scene = Scene::prepared(ManagedZone { environment, ..of_environment(&fake) });
    scene.start();
    scene.holds(both(&[]));
}

fn the_identity_of_a_workload_is_taken() {
    let fake = FakeCloudDns::start();
    let file = json!({
        "type": "external_account", "audience": "//iam.googleapis.com/fedns",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": format!("http://127.0.0.1:{}/sts/token", fake.port()),
        "credential_source": { "file": "./token" },
    });
    let mut scene = Scene::prepared(ManagedZone {
        files: vec![("key.json", file.to_string()), ("token", WORKLOAD_TOKEN.to_owned())],
        ..of_environment(&fake)
    });
    let token = scene.fedns.home().join("token");
    let file = file.to_string().replace("./token", token.to_str().expect("a path in UTF-8"));
    scene.write("key.json", file);
    let key = scene.fedns.home().join("key.json");
    let key = key.to_str().expect("a path in UTF-8");
    let environment = [("GOOGLE_APPLICATION_CREDENTIALS", key), ("GOOGLE_CLOUD_PROJECT", PROJECT)];
    scene.start_with(&[], &environment);
    scene.holds(both(&[]));
    assert!(!scene.fedns.process().log().contains(WORKLOAD_TOKEN));
}

fn what_gcloud_keeps_is_taken() {
    let fake = FakeCloudDns::start();
    let file = json!({
        "type": "authorized_user", "client_id": "gcloud", "client_secret": "not-so-secret",
        "refresh_token": REFRESH_TOKEN, "quota_project_id": PROJECT,
        "token_uri": format!("http://127.0.0.1:{}/oauth/token", fake.port()),
    });
    let mut scene = with_key(&fake, file.to_string());
    scene.start();
    scene.holds(both(&[]));
    assert!(!scene.fedns.process().log().contains(REFRESH_TOKEN));
}

fn two_zones_of_one_name_need_an_id() {
    let fake = FakeCloudDns::start();
    let mut scene = prepared(&fake);
    scene.host.google.create_zone("other", "fed.example.com.", "public");
    scene.start();
    scene.logs(&format!("several public zones {DOMAIN}., {ID} and other among them"));
    assert_eq!(fake.count(CREATE), 0);
    scene.configure(", zoneId: other");
    scene.host.id = "other".into();
    scene.holds(both(&[]));
    assert_eq!(fake.set_count(ID), 2);
}

fn the_longest_public_zone_is_taken() {
    let fake = FakeCloudDns::start();
    let mut scene = prepared(&fake);
    scene.host.google.create_zone("parent", "example.com.", "public");
    scene.host.google.create_zone("neighbour", "fee.example.com.", "public");
    scene.start();
    scene.holds(both(&[]));
    scene.is_in_sync();
    scene.configure(", zone: example.com.");
    scene.host.id = "parent".into();
    scene.holds(both(&[]));
}

fn a_private_zone_is_taken_by_its_id_only() {
    let fake = FakeCloudDns::start();
    let mut scene = prepared(&fake);
    scene.host.google.create_zone("private", "fed.example.com.", "private");
    scene.start();
    scene.holds(both(&[]));
    assert_eq!(fake.set_count("private"), 2);
    // By its number.
    scene.configure(", zoneId: \"1001\"");
    scene.host.id = "private".into();
    scene.holds(both(&[]));
}

fn rights_that_nobody_tells_are_said_to_be_unknown() {
    let helper = LocalDnsHelper::start(Duration::ZERO);
    let scene = prepared_at(helper.google());
    let output = scene.command(&["preflight"]);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}");
    for words in [
        "not known: rights, which the first write proves: managedZones.testIamPermissions: notFound",
        "the zone has 2 record sets of 10000 that the plan allows, and 10 more are wanted",
        "this machine's clock is within 300 s",
    ] {
        assert!(printed.contains(words), "{printed}");
    }
}
