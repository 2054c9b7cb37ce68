use serde_json::json;
use tests::botocore::call;
use tests::fakes::route53::{FakeRoute53, READER};
use tests::moto::{self, Moto};
use tests::need::Need;
use tests::peer::answer;
use tests::suite::Test;

use super::{DOMAIN, Scene, both, prepared};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Peers] => a_key_that_may_only_read_is_told_before_any_write,
            moto_refuses_a_key_that_may_only_read,
            a_wrong_secret_is_told,
            another_key_in_the_file_is_taken_at_once,
            two_zones_of_one_name_need_an_id,
            the_longest_public_zone_is_taken,
            a_private_zone_is_taken_by_its_id_only,
            where_nothing_is_deleted_no_right_to_is_asked_for;
    }
}

const CHANGE: &str = "ChangeResourceRecordSets";

fn create(name: &str, reference: &str, is_private: bool) -> serde_json::Value {
    let mut parameters = json!({ "Name": name, "CallerReference": reference });
    if is_private {
        parameters["HostedZoneConfig"] = json!({ "PrivateZone": true });
        parameters["VPC"] = json!({ "VPCRegion": "us-east-1", "VPCId": "vpc-1" });
    }
    call("create_hosted_zone", parameters)
}

/// Makes another zone; its id.
#[track_caller]
fn add_zone(scene: &Scene, name: &str, reference: &str, is_private: bool) -> String {
    let results = scene.host.aws.understands(&[create(name, reference, is_private)]);
    let id = answer(&results[0])["HostedZone"]["Id"].as_str().expect("an id");
    id.rsplit('/').next().expect("text").to_owned()
}

fn start_as(scene: &mut Scene, [id, secret]: [&str; 2]) {
    scene.start_with(&[], &[("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", secret)]);
}

/// The remedy for a key that may not change.
#[track_caller]
fn lacks_a_right(scene: &Scene) {
    scene.is(" MayNotWrite, ");
    let zone = &scene.host.id;
    scene.logs(&format!("allow route53:{CHANGE} on arn:aws:route53:::hostedzone/{zone}"));
}

fn a_key_that_may_only_read_is_told_before_any_write() {
    let fake = FakeRoute53::start();
    let mut scene = prepared(fake.botocore());
    start_as(&mut scene, READER);
    lacks_a_right(&scene);
    assert_eq!(fake.set_count(&scene.host.id), 2);
}

fn moto_refuses_a_key_that_may_only_read() {
    let moto = Moto::start();
    let mut scene = prepared(moto.botocore());
    start_as(&mut scene, moto::READER);
    lacks_a_right(&scene);
    assert!(scene.host.lines().is_empty());
}

fn a_wrong_secret_is_told() {
    let moto = Moto::start();
    let mut scene = prepared(moto.botocore());
    start_as(&mut scene, [moto::KEY[0], "not-the-secret"]);
    scene.logs("SignatureDoesNotMatch");
    scene.logs("the secret key is not the one of this key id");
    assert!(!scene.fedns.process().log().contains("not-the-secret"));
}

/// The file of the vendor's own tools, which is a provider's file here.
fn another_key_in_the_file_is_taken_at_once() {
    let fake = FakeRoute53::start();
    let mut scene = prepared(fake.botocore());
    let right = scene.host.aws.key;
    scene.write("credentials", credentials(READER));
    let file = scene.fedns.home().join("credentials").display().to_string();
    let environment = [
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_SECRET_ACCESS_KEY", ""),
        ("AWS_SHARED_CREDENTIALS_FILE", &file),
    ];
    scene.start_with(&[], &environment);
    lacks_a_right(&scene);
    scene.write("credentials", credentials(right));
    scene.holds(both(&[]));
    scene.is_in_sync();
    scene.logs("a provider's file has changed");
}

fn credentials([id, secret]: [&str; 2]) -> String {
    format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n")
}

fn two_zones_of_one_name_need_an_id() {
    let fake = FakeRoute53::start();
    let mut scene = prepared(fake.botocore());
    let other = add_zone(&scene, DOMAIN, "the same again", false);
    scene.start();
    let zone = scene.host.id.clone();
    scene.logs(&format!("several public zones {DOMAIN}., {zone} and {other} among them"));
    assert_eq!(fake.count(CHANGE), 0);
    scene.configure(&format!(", zoneId: {other}"));
    scene.host.id = other;
    scene.holds(both(&[]));
    assert_eq!(fake.set_count(&zone), 2);
}

fn the_longest_public_zone_is_taken() {
    let fake = FakeRoute53::start();
    let mut scene = prepared(fake.botocore());
    let parent = add_zone(&scene, "example.com", "parent", false);
    add_zone(&scene, "fee.example.com", "neighbour", false);
    scene.start();
    scene.holds(both(&[]));
    scene.is_in_sync();
    scene.configure(", zone: example.com.");
    scene.host.id = parent;
    scene.holds(both(&[]));
}

fn a_private_zone_is_taken_by_its_id_only() {
    let fake = FakeRoute53::start();
    let mut scene = prepared(fake.botocore());
    let private = add_zone(&scene, DOMAIN, "private", true);
    scene.start();
    scene.holds(both(&[]));
    assert_eq!(fake.set_count(&private), 2);
    scene.configure(&format!(", zoneId: {private}"));
    scene.host.id = private;
    scene.holds(both(&[]));
}

fn where_nothing_is_deleted_no_right_to_is_asked_for() {
    let fake = FakeRoute53::start();
    let mut scene = prepared(fake.botocore());
    scene.configure(", policy: create-only");
    scene.start();
    scene.holds(both(&[]));
    scene.is_in_sync();
    assert_eq!(fake.count(CHANGE), 1);
}
