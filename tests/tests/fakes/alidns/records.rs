use serde_json::{Value, json};
use tests::aliyun::call;
use tests::fakes::alidns::{NewRecord, Plan};
use tests::need::Need;
use tests::peer::answer;
use tests::suite::Test;

use super::{agreed, code};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Peers] =>
            a_record_is_added_listed_changed_and_deleted,
            what_is_not_allowed_has_the_services_own_codes,
            an_update_resets_what_it_leaves_out,
            listings_are_paged_sorted_and_filtered,
            locked_and_paused_records_are_shown_as_such;
    }
}

fn add(rr: &str, record_type: &str, value: &str, more: Value) -> Value {
    let mut parameters =
        json!({ "DomainName": "example.com", "RR": rr, "Type": record_type, "Value": value });
    let more = more.as_object().expect("an object").clone();
    parameters.as_object_mut().expect("an object").extend(more);
    call("AddDomainRecord", parameters)
}

const FIRST: &str = "9000000000000000001";
const SECOND: &str = "9000000000000000002";

fn a_record_is_added_listed_changed_and_deleted() {
    let results = agreed(
        |fake| fake.add_domain("example.com", None, Plan::enterprise_standard()),
        &[
            add("www", "A", "192.0.2.1", json!({ "TTL": 180 })),
            add("@", "MX", "Mail.example.com.", json!({ "Priority": 10 })),
            call("DescribeDomainRecords", json!({ "DomainName": "example.com" })),
            call(
                "UpdateDomainRecord",
                json!({ "RecordId": FIRST, "RR": "www", "Type": "CNAME", "Value": "a.example.net",
                        "TTL": 180 }),
            ),
            call("DescribeDomainRecordInfo", json!({ "RecordId": FIRST })),
            call("DescribeSubDomainRecords", json!({ "SubDomain": "www.example.com" })),
            call("DeleteDomainRecord", json!({ "RecordId": FIRST })),
            call("DeleteDomainRecord", json!({ "RecordId": FIRST })),
        ],
    );
    assert_eq!(answer(&results[0]), &json!({ "RecordId": FIRST }));
    let records = &answer(&results[2])["DomainRecords"]["Record"];
    assert_eq!(
        records,
        &json!([
            { "RecordId": SECOND, "DomainName": "example.com", "RR": "@", "Type": "MX",
              "Value": "mail.example.com", "TTL": 600, "Line": "default", "Priority": 10,
              "Weight": 1, "LbaStatus": false, "Status": "ENABLE", "Locked": false },
            { "RecordId": FIRST, "DomainName": "example.com", "RR": "www", "Type": "A",
              "Value": "192.0.2.1", "TTL": 180, "Line": "default", "Weight": 1,
              "LbaStatus": false, "Status": "ENABLE", "Locked": false },
        ]),
        "the newest comes first"
    );
    assert_eq!(answer(&results[4])["Value"], "a.example.net");
    assert_eq!(answer(&results[5])["TotalCount"], 1);
    assert_eq!(code(&results[7]), "DomainRecordNotBelongToUser");
    assert_eq!(results[7]["error"]["status"], 400);
}

fn what_is_not_allowed_has_the_services_own_codes() {
    let many = Plan { records: 5, addresses: 2, ..Plan::free() };
    let none = || json!({});
    let cases = [
        (add("www", "A", "192.0.2.1", json!({ "TTL": 180 })), "QuotaExceeded.TTL"),
        (add("a.b.c.d.e.f", "A", "192.0.2.1", none()), "QuotaExceeded.SubDomain"),
        (add("www", "A", "192.0.2.256", none()), "InvalidRR.AValue"),
        (add("www", "AAAA", "192.0.2.1", none()), "InvalidRR.AAAAValue"),
        (add("w ww", "A", "192.0.2.1", none()), "InvalidRR.Format"),
        (add("*", "TXT", "text", none()), "InvalidRR.Format"),
        (add("@", "CNAME", "a.example.net", none()), "InvalidRR.Format"),
        (add("www", "HINFO", "x", none()), "SubDomainInvalid.Type"),
        (add("www", "A", "192.0.2.1", json!({ "Line": "moon" })), "UnsupportedLine"),
        (add("www", "MX", "mail.example.com", none()), "SubDomainInvalid.Priority"),
        (add("www", "TXT", "{}", none()), "SubDomainInvalid.Value"),
        (add("set", "A", "192.0.2.1", none()), "DomainRecordDuplicate"),
        (add("set", "A", "192.0.2.1", json!({ "TTL": 900 })), "DomainRecordDuplicate"),
        (add("set", "CNAME", "a.example.net", none()), "DomainRecordConflict"),
        (add("alias", "TXT", "text", none()), "DomainRecordConflict"),
        (add("set", "A", "192.0.2.3", none()), "QuotaExceeded.ARecord"),
        (add("set", "A", "192.0.2.3", json!({ "Line": "telecom" })), ""),
        (add("set", "AAAA", "2001:db8::1", none()), ""),
        (add("more", "A", "192.0.2.1", none()), "QuotaExceeded.Record"),
        (
            call(
                "AddDomainRecord",
                json!({ "DomainName": "example.net", "RR": "a", "Type": "A",
                                            "Value": "192.0.2.1" }),
            ),
            "InvalidDomainName.NoExist",
        ),
        (call("AddDomainRecord", json!({ "DomainName": "example.com" })), "MissingParameter"),
        (call("DeleteDomainRecord", json!({ "RecordId": "1" })), "InvalidParameter"),
    ];
    let calls: Vec<Value> = cases.iter().map(|(call, _)| call.clone()).collect();
    let results = agreed(
        |fake| {
            fake.add_domain("example.com", None, many.clone());
            fake.put("example.com", NewRecord::new("set", "A", 600, "192.0.2.1"));
            fake.put("example.com", NewRecord::new("set", "A", 600, "192.0.2.2"));
            fake.put("example.com", NewRecord::new("alias", "CNAME", 600, "a.example.net"));
        },
        &calls,
    );
    for (result, (call, expected)) in results.iter().zip(&cases) {
        let found = result["error"]["code"].as_str().unwrap_or_default();
        assert_eq!(found, *expected, "{call}: {result}");
    }
}

fn an_update_resets_what_it_leaves_out() {
    let record = NewRecord::new("www", "A", 900, "192.0.2.1").on_line("telecom");
    let update = |value: &str, more: Value| {
        let mut parameters = json!({ "RecordId": FIRST, "RR": "www", "Type": "A", "Value": value });
        let more = more.as_object().expect("an object").clone();
        parameters.as_object_mut().expect("an object").extend(more);
        call("UpdateDomainRecord", parameters)
    };
    let results = agreed(
        |fake| {
            fake.add_domain("example.com", None, Plan::free());
            fake.put("example.com", record.clone());
        },
        &[
            update("192.0.2.1", json!({ "TTL": 900, "Line": "telecom" })),
            update("192.0.2.2", json!({})),
            call("DescribeDomainRecordInfo", json!({ "RecordId": FIRST })),
        ],
    );
    assert_eq!(code(&results[0]), "DomainRecordDuplicate", "nothing would change");
    let record = answer(&results[2]);
    assert_eq!((&record["TTL"], &record["Line"]), (&json!(600), &json!("default")));
}

fn listings_are_paged_sorted_and_filtered() {
    let list = |more: Value| {
        let mut parameters = json!({ "DomainName": "example.com" });
        let more = more.as_object().expect("an object").clone();
        parameters.as_object_mut().expect("an object").extend(more);
        call("DescribeDomainRecords", parameters)
    };
    let results = agreed(
        |fake| {
            fake.add_domain("example.com", None, Plan::free());
            for number in 0..501 {
                let rr = format!("n{number}");
                fake.put("example.com", NewRecord::new(&rr, "A", 600, "192.0.2.1"));
            }
            fake.put("example.com", NewRecord::new("b.n7", "TXT", 600, "text"));
        },
        &[
            list(json!({})),
            list(json!({ "Direction": "ASC", "PageSize": 500, "PageNumber": 2 })),
            list(json!({ "RRKeyWord": "N7", "Direction": "ASC" })),
            list(json!({ "Type": "TXT" })),
            list(json!({ "PageSize": 501 })),
        ],
    );
    let names = |result: &Value| -> Vec<String> {
        let records = answer(result)["DomainRecords"]["Record"].as_array().expect("records");
        records.iter().map(|it| it["RR"].as_str().expect("text").to_owned()).collect()
    };
    assert_eq!(names(&results[0]).len(), 20);
    assert_eq!(names(&results[0])[0], "b.n7");
    assert_eq!(names(&results[1]), ["n500", "b.n7"]);
    assert_eq!(answer(&results[1])["TotalCount"], 502);
    assert_eq!(names(&results[2])[..2], ["n7", "n70"], "the word is found anywhere");
    assert_eq!(names(&results[3]), ["b.n7"]);
    assert_eq!(code(&results[4]), "InvalidParameter");
}

fn locked_and_paused_records_are_shown_as_such() {
    let results = agreed(
        |fake| {
            fake.add_domain("example.com", None, Plan::free());
            let id = fake.put("example.com", NewRecord::new("www", "A", 600, "192.0.2.1"));
            fake.domains(|domains| domains.change(&id, |record| record.locked = true));
            fake.put("example.com", NewRecord::new("old", "A", 600, "192.0.2.1"));
        },
        &[
            call("DeleteDomainRecord", json!({ "RecordId": FIRST })),
            call("SetDomainRecordStatus", json!({ "RecordId": SECOND, "Status": "Disable" })),
            call("UpdateDomainRecordRemark", json!({ "RecordId": SECOND, "Remark": "ours" })),
            call(
                "DescribeDomainRecords",
                json!({ "DomainName": "example.com", "Direction": "ASC" }),
            ),
        ],
    );
    assert_eq!(code(&results[0]), "DomainRecordLocked");
    let records = &answer(&results[3])["DomainRecords"]["Record"];
    assert_eq!((&records[0]["Locked"], &records[0]["Status"]), (&json!(true), &json!("ENABLE")));
    assert_eq!(
        (&records[1]["Locked"], &records[1]["Status"], &records[1]["Remark"]),
        (&json!(false), &json!("DISABLE"), &json!("ours"))
    );
}
