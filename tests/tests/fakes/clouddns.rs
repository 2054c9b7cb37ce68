//! Google's Python clients drive the fake: they read pages, wait for changes and understand errors.

use std::time::Duration;

use serde_json::{Value, json};
use tests::fakes::clouddns::{FakeCloudDns, Fault, READER};
use tests::google::{Google, answer, call, set};
use tests::local_dns_helper::LocalDnsHelper;
use tests::need::Need;
use tests::suite::Test;

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Peers] => sets_are_kept_as_they_were_written,
            pages_lead_on,
            a_change_lands_as_a_whole_or_not_at_all,
            a_deletion_repeats_what_stands,
            an_alias_stands_alone,
            changes_have_limits,
            bad_records_are_refused,
            the_zones_own_sets_stay,
            tokens_and_rights_are_checked,
            zones_are_found_by_name_and_number,
            a_pending_change_shows_when_it_is_done,
            the_older_client_agrees,
            what_is_told_to_fail_fails;
        [Need::Peers, Need::CloudDnsPeer] => the_fake_refuses_as_googles_own_stand_in_does;
    }
}

const ZONE: &str = "fed-example-com";
const DOMAIN: &str = "fed.example.com.";

fn prepared() -> FakeCloudDns {
    let fake = FakeCloudDns::start();
    fake.google().create_zone(ZONE, DOMAIN, "public");
    fake
}

fn at(label: &str, record_type: &str, values: &[&str]) -> Value {
    set(&format!("{label}.{DOMAIN}"), record_type, 180, values)
}

/// What the client says of a change that is refused.
#[track_caller]
fn refused(
    fake: &FakeCloudDns,
    additions: &[Value],
    deletions: &[Value],
    status: u16,
    reason: &str,
) {
    let before = fake.google().sets(ZONE);
    let result = fake.google().change(ZONE, additions, deletions);
    let error = &result["error"];
    assert_eq!((&error["status"], &error["reason"]), (&json!(status), &json!(reason)), "{result}");
    assert_eq!(fake.google().sets(ZONE), before);
}

fn sets_are_kept_as_they_were_written() {
    let fake = prepared();
    let long = format!("\"{}\" \"{}\"", "x".repeat(255), "a\\\"b\\228");
    let mut routed = at("w", "A", &[]);
    routed["routingPolicy"] = json!({ "wrr": { "items": [
        { "weight": 1.0, "rrdatas": ["192.0.2.1"] }, { "weight": 2.0, "rrdatas": ["192.0.2.2"] },
    ] } });
    let additions = [
        at("b.a", "AAAA", &["2001:db8::1"]),
        at("*", "CNAME", &["www.example.net."]),
        at("a", "A", &["192.0.2.2", "192.0.2.1"]),
        at("t", "TXT", &[&long]),
        routed.clone(),
    ];
    let change = fake.google().change(ZONE, &additions, &[]);
    assert_eq!(answer(&change)["status"], "done");
    let sets = fake.google().sets(ZONE);
    let found = |name: &str| {
        let name = format!("{name}.{DOMAIN}");
        sets.iter().find(|set| set["name"] == name).unwrap_or_else(|| panic!("no {name}: {sets:?}"))
    };
    assert_eq!(sets.len(), 2 + additions.len());
    assert_eq!(found("a")["rrdatas"], json!(["192.0.2.2", "192.0.2.1"]));
    assert_eq!(found("a")["ttl"], 180);
    assert_eq!(found("t")["rrdatas"], json!([long]));
    assert_eq!(found("*")["rrdatas"], json!(["www.example.net."]));
    assert_eq!(found("w")["routingPolicy"], routed["routingPolicy"]);
}

fn pages_lead_on() {
    let fake = prepared();
    let many: Vec<Value> =
        (0..600).map(|number| at(&format!("n{number}"), "A", &["192.0.2.1"])).collect();
    answer(&fake.google().change(ZONE, &many, &[]));
    fake.forget_calls();
    assert_eq!(fake.google().sets(ZONE).len(), 602);
    assert_eq!(fake.count("resourceRecordSets.list"), 2);
}

fn a_change_lands_as_a_whole_or_not_at_all() {
    let fake = prepared();
    let additions = [at("a", "A", &["192.0.2.1"]), at("b", "A", &["localhost"])];
    refused(&fake, &additions, &[], 400, "invalid");
    answer(&fake.google().change(ZONE, &additions[..1], &[]));
    refused(
        &fake,
        &[at("c", "A", &["192.0.2.1"]), additions[0].clone()],
        &[],
        409,
        "alreadyExists",
    );
    let replaced = [at("a", "A", &["192.0.2.2"]), at("b", "A", &["192.0.2.3"])];
    answer(&fake.google().change(ZONE, &replaced, &additions[..1]));
    let expect = ["a.fed.example.com. A 180 192.0.2.2", "b.fed.example.com. A 180 192.0.2.3"];
    assert_eq!(fake.google().lines(ZONE), expect);
    let twice = [at("c", "A", &["192.0.2.1"]), at("c", "A", &["192.0.2.2"])];
    refused(&fake, &twice, &[], 409, "alreadyExists");
    refused(&fake, &[], &[], 400, "required");
}

fn a_deletion_repeats_what_stands() {
    let fake = prepared();
    let standing = at("a", "A", &["192.0.2.1", "192.0.2.2"]);
    answer(&fake.google().change(ZONE, std::slice::from_ref(&standing), &[]));
    refused(&fake, &[], &[at("b", "A", &["192.0.2.1"])], 404, "notFound");
    for other in [
        at("a", "A", &["192.0.2.1"]),
        at("a", "A", &["192.0.2.2", "192.0.2.1"]),
        set("a.fed.example.com.", "A", 60, &["192.0.2.1", "192.0.2.2"]),
    ] {
        refused(&fake, &[], &[other], 412, "conditionNotMet");
    }
    answer(&fake.google().change(ZONE, &[], &[standing]));
    assert!(fake.google().lines(ZONE).is_empty());
}

fn an_alias_stands_alone() {
    let fake = prepared();
    let address = at("a", "A", &["192.0.2.1"]);
    let alias = at("a", "CNAME", &["b.example.net."]);
    let one = std::slice::from_ref;
    answer(&fake.google().change(ZONE, one(&address), &[]));
    refused(&fake, one(&alias), &[], 409, "cnameResourceRecordSetConflict");
    let apex = set(DOMAIN, "CNAME", 180, &["b.example.net."]);
    refused(&fake, &[apex], &[], 400, "recordTypeDisallowedAtZoneApex");
    answer(&fake.google().change(ZONE, one(&alias), &[address]));
    refused(&fake, &[at("a", "TXT", &["\"x\""])], &[], 409, "cnameResourceRecordSetConflict");
}

fn changes_have_limits() {
    let fake = prepared();
    fake.set_quota("rrsetAdditionsPerChange", 10);
    fake.set_quota("rrsetDeletionsPerChange", 5);
    fake.set_quota("totalRrdataSizePerChange", 1_000);
    fake.set_quota("rrsetsPerManagedZone", 20);
    let many = |count: u32| -> Vec<Value> {
        (0..count).map(|number| at(&format!("n{number}"), "A", &["192.0.2.1"])).collect()
    };
    refused(&fake, &many(11), &[], 403, "quotaExceeded");
    answer(&fake.google().change(ZONE, &many(10), &[]));
    refused(&fake, &[], &many(6), 403, "quotaExceeded");
    let text = format!("\"{}\"", "x".repeat(248));
    let texts = |count: u32| -> Vec<Value> {
        (0..count).map(|number| at(&format!("t{number}"), "TXT", &[&text])).collect()
    };
    refused(&fake, &texts(5), &[], 403, "quotaExceeded");
    answer(&fake.google().change(ZONE, &texts(4), &[]));
    let more: Vec<Value> = (0..5).map(|it| at(&format!("m{it}"), "A", &["192.0.2.1"])).collect();
    refused(&fake, &more, &[], 403, "quotaExceeded");
    let addresses: Vec<String> = (0..101).map(|it| format!("192.0.2.{it}")).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    refused(&fake, &[at("a", "A", &addresses)], &[], 403, "quotaExceeded");
}

fn bad_records_are_refused() {
    let fake = prepared();
    let long = format!("\"{}\"", "x".repeat(256));
    let mut unknown = at("a", "A", &["192.0.2.1"]);
    unknown["weight"] = json!(1);
    let mut no_ttl = at("a", "A", &["192.0.2.1"]);
    no_ttl.as_object_mut().expect("an object").remove("ttl");
    for bad in [
        set("evilfed.example.com.", "A", 180, &["192.0.2.1"]),
        set("a.fed.example.com", "A", 180, &["192.0.2.1"]),
        set("A.fed.example.com.", "A", 180, &["192.0.2.1"]),
        at("a..b", "A", &["192.0.2.1"]),
        at(&"x".repeat(64), "A", &["192.0.2.1"]),
        at("a", "AAAA", &["192.0.2.1"]),
        at("a", "A", &["192.0.2.1", "192.0.2.1"]),
        at("a", "TXT", &["unquoted"]),
        at("a", "TXT", &[&long]),
        at("a", "HOST", &["x"]),
        at("a", "CNAME", &["b.example.net"]),
        unknown,
        no_ttl,
    ] {
        refused(&fake, &[bad], &[], 400, "invalid");
    }
    for bad in [at("a", "A", &[]), at("a", "CNAME", &["a.example.net.", "b.example.net."])] {
        refused(&fake, &[bad], &[], 400, "invalidRecordCount");
    }
    fake.protect("p.fed.example.com.", "A");
    refused(&fake, &[at("p", "A", &["192.0.2.1"])], &[], 400, "invalidValue");
}

fn the_zones_own_sets_stay() {
    let fake = prepared();
    for own in fake.google().sets(ZONE) {
        refused(&fake, &[], &[own], 400, "invalidZoneApex");
    }
}

fn tokens_and_rights_are_checked() {
    let fake = prepared();
    let body = json!({ "additions": [at("a", "A", &["192.0.2.1"])] });
    let create = call("changes.create", json!({ "managedZone": ZONE, "body": body }));
    let get = call("managedZones.get", json!({ "managedZone": ZONE }));
    let with = |call: &Value, key: &str, value: Value| {
        let mut call = call.clone();
        call[key] = value;
        call
    };
    let results = fake.google().understands(&[
        with(&get, "token", Value::Null),
        with(&get, "token", json!("a-token-of-nobody")),
        with(&create, "token", json!(READER)),
        with(&get, "project", json!("another-project")),
        with(&get, "token", json!(READER)),
    ]);
    let told: Vec<_> =
        results.iter().map(|it| (&it["error"]["status"], &it["error"]["reason"])).collect();
    assert_eq!(told[0], (&json!(401), &json!("InvalidOperation")));
    assert_eq!(told[1], (&json!(401), &json!("RefreshError")));
    assert_eq!(told[2], (&json!(403), &json!("forbidden")));
    assert_eq!(told[3], (&json!(403), &json!("forbidden")));
    assert_eq!(answer(&results[4])["dnsName"], DOMAIN);
}

fn zones_are_found_by_name_and_number() {
    let fake = prepared();
    fake.google().create_zone("private", DOMAIN, "private");
    fake.google().create_zone("second", DOMAIN, "public");
    fake.google().create_zone("other", "example.com.", "public");
    let mut list = call("managedZones.list", json!({ "dnsName": DOMAIN }));
    list["all"] = json!("managedZones");
    let by = |id: &str| call("managedZones.get", json!({ "managedZone": id }));
    let results = fake.google().understands(&[
        list,
        call("managedZones.list", json!({ "dnsName": "none.example.com." })),
        by("other"),
        by("1001"),
        by("none"),
        call("projects.get", json!({})),
    ]);
    let zones = answer(&results[0]).as_array().expect("a list");
    let named: Vec<_> = zones.iter().map(|zone| &zone["name"]).collect();
    assert_eq!(named, [ZONE, "private", "second"]);
    assert_eq!(zones[1]["visibility"], "private");
    assert_eq!(zones[0]["nameServers"].as_array().map(Vec::len), Some(2));
    assert_eq!(answer(&results[1])["managedZones"], json!([]));
    assert_eq!(answer(&results[2])["dnsName"], "example.com.");
    assert_eq!(answer(&results[3])["name"], "private");
    assert_eq!(
        (&results[4]["error"]["status"], &results[4]["error"]["reason"]),
        (&json!(404), &json!("notFound"))
    );
    assert_eq!(answer(&results[5])["quota"]["rrsetAdditionsPerChange"], 1_000);
}

fn a_pending_change_shows_when_it_is_done() {
    let fake = prepared();
    fake.delay(2);
    let additions = [at("a", "A", &["192.0.2.1"])];
    let change = fake.google().change(ZONE, &additions, &[]);
    assert_eq!(answer(&change)["status"], "pending");
    assert!(fake.google().lines(ZONE).is_empty());
    // What is under way counts for the next one.
    let again = fake.google().change(ZONE, &additions, &[]);
    assert_eq!(again["error"]["reason"], "alreadyExists");
    let id = &answer(&change)["id"];
    let get = call("changes.get", json!({ "managedZone": ZONE, "changeId": id }));
    let newest = json!({
        "managedZone": ZONE, "maxResults": 1, "sortBy": "changeSequence", "sortOrder": "descending",
    });
    let results = fake.google().understands(&[call("changes.list", newest), get.clone(), get]);
    assert_eq!(answer(&results[0])["changes"][0]["id"], *id);
    assert_eq!(answer(&results[0])["changes"][0]["status"], "pending");
    assert_eq!(answer(&results[1])["status"], "pending");
    assert_eq!(answer(&results[2])["status"], "done");
    assert_eq!(fake.google().lines(ZONE), ["a.fed.example.com. A 180 192.0.2.1"]);
}

/// It sends whole numbers as text.
fn the_older_client_agrees() {
    let fake = prepared();
    let set = |ttl: u32| json!(["a.fed.example.com.", "A", ttl, ["192.0.2.1"]]);
    let change = |additions: &[Value], deletions: &[Value]| {
        let parameters = json!({ "zone": ZONE, "additions": additions, "deletions": deletions });
        call("older.change", parameters)
    };
    let results = fake.google().understands(&[
        call("older.quotas", json!({})),
        call("older.zones", json!({})),
        change(&[set(180)], &[]),
        change(&[set(180)], &[]),
        change(&[], &[set(60)]),
        call("older.sets", json!({ "zone": ZONE })),
    ]);
    assert_eq!(answer(&results[0])["rrsetDeletionsPerChange"], 1_000);
    assert_eq!(*answer(&results[1]), json!([[ZONE, DOMAIN]]));
    assert_eq!(*answer(&results[2]), json!("done"));
    assert_eq!(
        (&results[3]["error"]["status"], &results[3]["error"]["reason"]),
        (&json!(409), &json!("Conflict"))
    );
    assert_eq!(results[4]["error"]["reason"], "PreconditionFailed");
    assert!(answer(&results[5]).as_array().is_some_and(|sets| sets.contains(&set(180))));
}

fn what_is_told_to_fail_fails() {
    let fake = prepared();
    let faults = [Fault::Throttle, Fault::Refuse { status: 403, reason: "rateLimitExceeded" }];
    fake.inject("changes.create", faults);
    let additions = [at("a", "A", &["192.0.2.1"])];
    for status in [429, 403] {
        let result = fake.google().change(ZONE, &additions, &[]);
        assert_eq!(result["error"]["status"], status);
        assert_eq!(result["error"]["reason"], "rateLimitExceeded");
    }
    answer(&fake.google().change(ZONE, &additions, &[]));
}

/// Statuses and reasons; its texts are put in other words, and it lets more pass.
fn the_fake_refuses_as_googles_own_stand_in_does() {
    let (fake, helper) = (prepared(), LocalDnsHelper::start(Duration::ZERO));
    helper.google().create_zone(ZONE, DOMAIN, "public");
    let standing = at("a", "A", &["192.0.2.1", "192.0.2.2"]);
    let other = at("a", "A", &["192.0.2.2", "192.0.2.1"]);
    let one = |set: &Value| vec![set.clone()];
    let cases: [(Vec<Value>, Vec<Value>); 8] = [
        (one(&standing), vec![]),
        (one(&standing), vec![]),
        (vec![], one(&other)),
        (vec![], one(&at("b", "A", &["192.0.2.1"]))),
        (one(&at("b", "A", &["localhost"])), vec![]),
        (one(&set("b.example.org.", "A", 180, &["192.0.2.1"])), vec![]),
        (vec![], vec![]),
        (one(&other), one(&standing)),
    ];
    let told = |google: Google| -> Vec<Value> {
        let of = |(additions, deletions): &(Vec<Value>, Vec<Value>)| {
            let result = google.change(ZONE, additions, deletions);
            let error = &result["error"];
            json!([error["status"], error["reason"], result["answer"]["status"]])
        };
        cases.iter().map(of).collect()
    };
    let (ours, theirs) = (told(fake.google()), told(helper.google()));
    for (number, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert_eq!(ours, theirs, "case {number}");
    }
    assert_eq!(fake.google().lines(ZONE), helper.google().lines(ZONE));
}
