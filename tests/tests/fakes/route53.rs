//! Botocore, the vendor's Python client, drives the fake: it signs, reads pages and understands errors.

use serde_json::{Value, json};
use tests::botocore::{call, set};
use tests::fakes::route53::{FakeRoute53, Fault, READER};
use tests::need::Need;
use tests::peer::answer;
use tests::suite::Test;

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Peers] => sets_are_kept_and_listed_in_order,
            pages_hold_300_and_lead_on,
            a_batch_lands_as_a_whole_or_not_at_all,
            a_deletion_repeats_what_stands,
            an_alias_stands_alone,
            weighted_and_simple_sets_exclude_each_other,
            batches_have_limits,
            bad_records_are_refused,
            the_zones_own_sets_stay,
            signatures_and_rights_are_checked,
            zones_are_found_by_id_and_by_name,
            what_is_told_to_fail_fails;
    }
}

const ZONE: &str = "fed.example.com.";

fn prepared() -> (FakeRoute53, String) {
    let fake = FakeRoute53::start();
    let zone = fake.botocore().create_zone(ZONE);
    (fake, zone)
}

fn at(label: &str, record_type: &str, values: &[&str]) -> Value {
    set(&format!("{label}.{ZONE}"), record_type, 180, values)
}

fn weighted(label: &str, identifier: &str, weight: u8) -> Value {
    let mut set = at(label, "A", &["192.0.2.1"]);
    set["SetIdentifier"] = json!(identifier);
    set["Weight"] = json!(weight);
    set
}

/// What botocore says of a batch that is refused.
#[track_caller]
fn refused(fake: &FakeRoute53, zone: &str, changes: &[(&str, Value)], words: &str) {
    let before = fake.botocore().sets(zone);
    let result = fake.botocore().change(zone, changes);
    let error = &result["error"];
    assert!(error["message"].as_str().is_some_and(|it| it.contains(words)), "{words}: {result}");
    assert_eq!((&error["status"], &error["code"]), (&json!(400), &json!("InvalidChangeBatch")));
    assert_eq!(fake.botocore().sets(zone), before);
}

fn sets_are_kept_and_listed_in_order() {
    let (fake, zone) = prepared();
    let long = format!("\"{}\" \"{}\"", "x".repeat(255), "a\\\"b\\344");
    let alias = json!({
        "Name": "lb.fed.example.com", "Type": "A",
        "AliasTarget": {"HostedZoneId": "Z2", "DNSName": "lb.example.net.", "EvaluateTargetHealth": false},
    });
    let changes = [
        ("CREATE", at("b.a", "AAAA", &["2001:db8::1"])),
        ("CREATE", at("*", "CNAME", &["www.example.net."])),
        ("CREATE", at("A", "A", &["192.0.2.2", "192.0.2.1"])),
        ("CREATE", at("t", "TXT", &[&long])),
        ("CREATE", weighted("w", "blue", 1)),
        ("CREATE", weighted("w", "green", 2)),
        ("CREATE", alias),
    ];
    answer(&fake.botocore().change(&zone, &changes));
    let sets = fake.botocore().sets(&zone);
    let named: Vec<String> = sets
        .iter()
        .map(|set| format!("{} {}", set["Name"].as_str().unwrap(), set["Type"].as_str().unwrap()))
        .collect();
    let expect = [
        "fed.example.com. NS",
        "fed.example.com. SOA",
        "\\052.fed.example.com. CNAME",
        "a.fed.example.com. A",
        "b.a.fed.example.com. AAAA",
        "lb.fed.example.com. A",
        "t.fed.example.com. TXT",
        "w.fed.example.com. A",
        "w.fed.example.com. A",
    ];
    assert_eq!(named, expect);
    let values = json!([{ "Value": "192.0.2.1" }, { "Value": "192.0.2.2" }]);
    assert_eq!((&sets[3]["TTL"], &sets[3]["ResourceRecords"]), (&json!(180), &values));
    assert_eq!(sets[5]["AliasTarget"]["DNSName"], "lb.example.net.");
    assert_eq!(sets[6]["ResourceRecords"][0]["Value"], long);
    assert_eq!((&sets[8]["SetIdentifier"], &sets[8]["Weight"]), (&json!("green"), &json!(2)));
}

fn pages_hold_300_and_lead_on() {
    let (fake, zone) = prepared();
    let plain = (0..400).map(|number| ("CREATE", at(&format!("n{number}"), "A", &["192.0.2.1"])));
    let routed = (0..310).map(|number| ("CREATE", weighted("m", &format!("{number:03}"), 1)));
    answer(&fake.botocore().change(&zone, &plain.chain(routed).collect::<Vec<_>>()));
    fake.forget_calls();
    assert_eq!(fake.botocore().sets(&zone).len(), 712);
    assert_eq!(fake.count("ListResourceRecordSets"), 3);
}

fn a_batch_lands_as_a_whole_or_not_at_all() {
    let (fake, zone) = prepared();
    let changes =
        [("CREATE", at("a", "A", &["192.0.2.1"])), ("CREATE", at("b", "A", &["localhost"]))];
    refused(&fake, &zone, &changes, "ARRDATAIllegalIPv4Address");
    answer(&fake.botocore().change(&zone, &changes[..1]));
    let words = "[Tried to create resource record set [name='a.fed.example.com.', type='A'] but it \
                 already exists]";
    refused(&fake, &zone, &changes[..1], words);
    let replaced = [
        ("DELETE", at("a", "A", &["192.0.2.1"])),
        ("CREATE", at("a", "A", &["192.0.2.2"])),
        ("UPSERT", at("b", "A", &["192.0.2.3"])),
    ];
    answer(&fake.botocore().change(&zone, &replaced));
    let expect = ["a.fed.example.com. A 180 192.0.2.2", "b.fed.example.com. A 180 192.0.2.3"];
    assert_eq!(fake.botocore().lines(&zone), expect);
}

fn a_deletion_repeats_what_stands() {
    let (fake, zone) = prepared();
    answer(
        &fake.botocore().change(&zone, &[("CREATE", at("a", "A", &["192.0.2.1", "192.0.2.2"]))]),
    );
    let absent = [("DELETE", at("b", "A", &["192.0.2.1"]))];
    refused(&fake, &zone, &absent, "type='A'] but it was not found");
    let other = "but the values provided do not match the current values";
    refused(&fake, &zone, &[("DELETE", at("a", "A", &["192.0.2.1"]))], other);
    let other_ttl = set("a.fed.example.com", "A", 60, &["192.0.2.1", "192.0.2.2"]);
    refused(&fake, &zone, &[("DELETE", other_ttl)], other);
    let same = [("DELETE", at("A", "A", &["192.0.2.2", "192.0.2.1"]))];
    answer(&fake.botocore().change(&zone, &same));
    assert!(fake.botocore().lines(&zone).is_empty());
}

fn an_alias_stands_alone() {
    let (fake, zone) = prepared();
    let alias = || at("a", "CNAME", &["b.example.net."]);
    answer(&fake.botocore().change(&zone, &[("CREATE", at("a", "A", &["192.0.2.1"]))]));
    refused(&fake, &zone, &[("CREATE", alias())], "a conflicting RRSet of type  A");
    let apex = set(ZONE, "CNAME", 180, &["b.example.net."]);
    refused(&fake, &zone, &[("CREATE", apex)], "is not permitted at apex");
    let changes = [("DELETE", at("a", "A", &["192.0.2.1"])), ("CREATE", alias())];
    answer(&fake.botocore().change(&zone, &changes));
    let beside = [("CREATE", at("a", "TXT", &["\"x\""]))];
    refused(&fake, &zone, &beside, "a conflicting RRSet of type  CNAME");
}

fn weighted_and_simple_sets_exclude_each_other() {
    let (fake, zone) = prepared();
    answer(&fake.botocore().change(&zone, &[("CREATE", weighted("a", "blue", 1))]));
    let simple = [("CREATE", at("a", "A", &["192.0.2.1"]))];
    refused(&fake, &zone, &simple, "as other RRSets exist with the same name and type");
    let changes = [("DELETE", weighted("a", "blue", 1)), simple[0].clone()];
    answer(&fake.botocore().change(&zone, &changes));
    let beside = [("CREATE", weighted("a", "blue", 1))];
    refused(&fake, &zone, &beside, "SetIdentifier blue cannot be created as a non-weighted set");
}

fn batches_have_limits() {
    let (fake, zone) = prepared();
    let many = |action, count: u32| -> Vec<(&str, Value)> {
        (0..count).map(|number| (action, at(&format!("n{number}"), "A", &["192.0.2.1"]))).collect()
    };
    refused(&fake, &zone, &many("CREATE", 1_001), "Number of records limit of 1000 exceeded");
    refused(&fake, &zone, &many("UPSERT", 501), "Number of records limit of 1000 exceeded");
    answer(&fake.botocore().change(&zone, &many("UPSERT", 500)));
    let text = format!("\"{}\"", "x".repeat(250));
    let texts = |count: u32| -> Vec<(&str, Value)> {
        (0..count).map(|number| ("CREATE", at(&format!("t{number}"), "TXT", &[&text]))).collect()
    };
    refused(&fake, &zone, &texts(127), "RDATA character limit of 32000 exceeded");
    answer(&fake.botocore().change(&zone, &texts(126)));
    let twice =
        [("CREATE", at("a", "A", &["192.0.2.1"])), ("CREATE", at("a", "A", &["192.0.2.2"]))];
    refused(&fake, &zone, &twice, "invalid set of changes for a resource record set 'A a.fed");
}

fn bad_records_are_refused() {
    let (fake, zone) = prepared();
    let outside = set("evilfed.example.com", "A", 180, &["192.0.2.1"]);
    let long = format!("\"{}\"", "x".repeat(256));
    for (set, words) in [
        (
            outside,
            "RRSet with DNS name evilfed.example.com. is not permitted in zone fed.example.com.",
        ),
        (at("a..b", "A", &["192.0.2.1"]), "DomainLabelEmpty"),
        (at(&"x".repeat(64), "A", &["192.0.2.1"]), "DomainLabelTooLong"),
        (at("a", "AAAA", &["192.0.2.1"]), "AAAARRDATAIllegalIPv6Address"),
        (at("a", "A", &["192.0.2.1", "192.0.2.1"]), "Duplicate Resource Record: '192.0.2.1'"),
        (at("a", "TXT", &["unquoted"]), "enclosed in quotation marks"),
        (at("a", "TXT", &[&long]), "CharacterStringTooLong"),
        (at("a", "CNAME", &["a.example.net.", "b.example.net."]), "exactly one value"),
    ] {
        refused(&fake, &zone, &[("CREATE", set)], words);
    }
    fake.protect("p.fed.example.com.", "A");
    refused(&fake, &zone, &[("CREATE", at("p", "A", &["192.0.2.1"]))], "but it is protected");
    let no_ttl = json!({ "Name": "a.fed.example.com", "Type": "A", "ResourceRecords": [{ "Value": "192.0.2.1" }] });
    let result = fake.botocore().change(&zone, &[("CREATE", no_ttl)]);
    assert_eq!(result["error"]["code"], "InvalidInput", "{result}");
}

fn the_zones_own_sets_stay() {
    let (fake, zone) = prepared();
    for own in fake.botocore().sets(&zone) {
        refused(&fake, &zone, &[("DELETE", own)], "A HostedZone must contain");
    }
}

fn signatures_and_rights_are_checked() {
    let (fake, zone) = prepared();
    let get = call("get_hosted_zone", json!({ "Id": zone }));
    let change = json!({ "HostedZoneId": zone, "ChangeBatch": { "Changes": [
        { "Action": "DELETE", "ResourceRecordSet": at("a", "A", &["192.0.2.1"]) },
    ] } });
    let change = call("change_resource_record_sets", change);
    let as_key = |call: &Value, id: &str, secret: &str| {
        let mut call = call.clone();
        call["key"] = json!([id, secret]);
        call
    };
    let results = fake.botocore().understands(&[
        as_key(&get, READER[0], "another-secret"),
        as_key(&get, "AKIDNOBODY", "secret"),
        as_key(&change, READER[0], READER[1]),
        as_key(&get, READER[0], READER[1]),
    ]);
    let codes: Vec<_> =
        results.iter().map(|it| (&it["error"]["status"], &it["error"]["code"])).collect();
    let denied = json!(403);
    assert_eq!(codes[0], (&denied, &json!("SignatureDoesNotMatch")));
    assert_eq!(codes[1], (&denied, &json!("InvalidClientTokenId")));
    assert_eq!(codes[2], (&denied, &json!("AccessDenied")));
    assert_eq!(answer(&results[3])["HostedZone"]["Name"], ZONE);
}

fn zones_are_found_by_id_and_by_name() {
    let (fake, zone) = prepared();
    let private = json!({
        "Name": ZONE, "CallerReference": "private", "HostedZoneConfig": { "PrivateZone": true },
        "VPC": { "VPCRegion": "us-east-1", "VPCId": "vpc-1" },
    });
    let limit = json!({ "HostedZoneId": zone, "Type": "MAX_RRSETS_BY_ZONE" });
    let by_name =
        |name: &str| call("list_hosted_zones_by_name", json!({ "DNSName": name, "MaxItems": "1" }));
    let results = fake.botocore().understands(&[
        call("create_hosted_zone", private),
        call("get_hosted_zone", json!({ "Id": zone })),
        call("get_hosted_zone_limit", limit),
        by_name("fed.example.com"),
        by_name("g.example.com"),
        call("get_hosted_zone", json!({ "Id": "Z0" })),
    ]);
    let made = &answer(&results[0])["HostedZone"];
    assert_eq!(made["Config"]["PrivateZone"], true);
    let found = answer(&results[1]);
    assert_eq!(found["HostedZone"]["ResourceRecordSetCount"], 2);
    assert_eq!(found["DelegationSet"]["NameServers"].as_array().map(Vec::len), Some(2));
    assert_eq!(answer(&results[2])["Limit"]["Value"], 10_000);
    assert_eq!(answer(&results[2])["Count"], 2);
    let page = answer(&results[3]);
    assert_eq!(page["HostedZones"].as_array().map(Vec::len), Some(1));
    assert_eq!((&page["IsTruncated"], &page["NextDNSName"]), (&json!(true), &json!(ZONE)));
    assert_eq!(answer(&results[4])["HostedZones"], json!([]));
    assert_eq!(results[5]["error"]["code"], "NoSuchHostedZone");
    assert_eq!(results[5]["error"]["status"], 404);
}

fn what_is_told_to_fail_fails() {
    let (fake, zone) = prepared();
    fake.inject("ChangeResourceRecordSets", [Fault::Throttle, Fault::PriorRequest]);
    let changes = [("CREATE", at("a", "A", &["192.0.2.1"]))];
    for code in ["Throttling", "PriorRequestNotComplete"] {
        let result = fake.botocore().change(&zone, &changes);
        assert_eq!(result["error"]["code"], code);
        assert_eq!(result["error"]["status"], 400);
    }
    answer(&fake.botocore().change(&zone, &changes));
}
