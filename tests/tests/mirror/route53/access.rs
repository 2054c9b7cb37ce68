use serde_json::json;
use tests::botocore::{answer, call};
use tests::fakes::route53::{FakeRoute53, READER};
use tests::moto::{self, Moto};
use tests::need::Need;
use tests::suite::Test;

use super::{DOMAIN, Scene, both};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Peers] => a_key_that_may_only_read_is_told_before_any_write,
            moto_refuses_a_key_that_may_only_read,
            a_wrong_secret_is_told,
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

impl Scene {
    /// Makes another zone; its id.
    #[track_caller]
    fn add_zone(&self, name: &str, reference: &str, is_private: bool) -> String {
        let results = self.aws.understands(&[create(name, reference, is_private)]);
        let id = answer(&results[0])["HostedZone"]["Id"].as_str().expect("an id");
        id.rsplit('/').next().expect("text").to_owned()
    }

    /// The remedy for a key that may not change.
    fn lacks_a_right(&self) {
        self.is(" MayNotWrite, ");
        let zone = &self.zone;
        self.logs(&format!("allow route53:{CHANGE} on arn:aws:route53:::hostedzone/{zone}"));
    }
}

fn a_key_that_may_only_read_is_told_before_any_write() {
    let fake = FakeRoute53::start();
    let mut scene = Scene::prepared(fake.botocore());
    scene.start_as(READER, &[]);
    scene.lacks_a_right();
    assert_eq!(fake.set_count(&scene.zone), 2);
}

fn moto_refuses_a_key_that_may_only_read() {
    let moto = Moto::start();
    let mut scene = Scene::prepared(moto.botocore());
    scene.start_as(moto::READER, &[]);
    scene.lacks_a_right();
    assert!(scene.aws.lines(&scene.zone).is_empty());
}

fn a_wrong_secret_is_told() {
    let moto = Moto::start();
    let mut scene = Scene::prepared(moto.botocore());
    scene.start_as([moto::KEY[0], "not-the-secret"], &[]);
    scene.logs("SignatureDoesNotMatch");
    scene.logs("the secret key is not the one of this key id");
    assert!(!scene.fedns.process().log().contains("not-the-secret"));
}

fn two_zones_of_one_name_need_an_id() {
    let fake = FakeRoute53::start();
    let mut scene = Scene::prepared(fake.botocore());
    let other = scene.add_zone(DOMAIN, "the same again", false);
    scene.start();
    let zone = scene.zone.clone();
    scene.logs(&format!("several public zones {DOMAIN}., {zone} and {other} among them"));
    assert_eq!(fake.count(CHANGE), 0);
    scene.configure(&format!(", zoneId: {other}"));
    scene.zone = other;
    scene.holds(&both(&[]));
    assert_eq!(fake.set_count(&zone), 2);
}

fn the_longest_public_zone_is_taken() {
    let fake = FakeRoute53::start();
    let mut scene = Scene::prepared(fake.botocore());
    let parent = scene.add_zone("example.com", "parent", false);
    scene.add_zone("fee.example.com", "neighbour", false);
    scene.start();
    scene.holds(&both(&[]));
    scene.is_in_sync();
    scene.configure(", zone: example.com.");
    scene.zone = parent;
    scene.holds(&both(&[]));
}

fn a_private_zone_is_taken_by_its_id_only() {
    let fake = FakeRoute53::start();
    let mut scene = Scene::prepared(fake.botocore());
    let private = scene.add_zone(DOMAIN, "private", true);
    scene.start();
    scene.holds(&both(&[]));
    assert_eq!(fake.set_count(&private), 2);
    scene.configure(&format!(", zoneId: {private}"));
    scene.zone = private;
    scene.holds(&both(&[]));
}

fn where_nothing_is_deleted_no_right_to_is_asked_for() {
    let fake = FakeRoute53::start();
    let mut scene = Scene::prepared(fake.botocore());
    scene.configure(", policy: create-only");
    scene.start();
    scene.holds(&both(&[]));
    scene.is_in_sync();
    assert_eq!(fake.count(CHANGE), 1);
}
