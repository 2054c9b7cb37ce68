use serde_json::{Value, json};
use tests::aliyun::call;
use tests::fakes::alidns::Plan;
use tests::need::Need;
use tests::peer::answer;
use tests::suite::Test;

use super::{agreed, code};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Peers] =>
            plans_tell_their_limits,
            a_hosted_sub_domain_uses_up_levels,
            a_missing_right_is_named;
    }
}

fn info(domain: &str) -> Value {
    let parameters = json!({ "DomainName": domain, "NeedDetailAttributes": true });
    call("DescribeDomainInfo", parameters)
}

fn plans_tell_their_limits() {
    let results = agreed(
        |fake| {
            fake.add_domain("free.example", None, Plan::free());
            fake.add_domain("paid.example", None, Plan::custom(120, 7));
        },
        &[
            info("free.example"),
            info("paid.example"),
            call("DescribeDnsProductInstance", json!({ "InstanceId": "dns-cn-000000002" })),
            call("DescribeDnsProductInstances", json!({ "PageSize": 100 })),
            call("DescribeDomains", json!({ "KeyWord": "paid.example", "SearchMode": "EXACT" })),
            call("DescribeDomainNs", json!({ "DomainName": "paid.example" })),
        ],
    );
    assert_eq!(answer(&results[0])["VersionCode"], "mianfei");
    assert_eq!(answer(&results[0])["MinTtl"], 600);
    assert_eq!(answer(&results[1])["InstanceId"], "dns-cn-000000002");
    let instance = answer(&results[2]);
    assert_eq!(
        [&instance["TTLMinValue"], &instance["SubDomainLevel"], &instance["DnsSLBCount"]],
        [&json!(120), &json!(7), &json!(100)]
    );
    assert_eq!(answer(&results[3])["DnsProducts"]["DnsProduct"][0]["SubDomainLevel"], 7);
    let domains = &answer(&results[4])["Domains"]["Domain"];
    assert_eq!(domains.as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&domains[0]["RecordCount"], &domains[0]["InstanceExpired"]),
        (&json!(0), &json!(false))
    );
    assert_eq!(answer(&results[5])["AllAliDns"], true);
}

fn a_hosted_sub_domain_uses_up_levels() {
    let add = |rr: &str| {
        let parameters = json!({ "DomainName": "k8s.example.com", "RR": rr, "Type": "A",
                                 "Value": "192.0.2.1" });
        call("AddDomainRecord", parameters)
    };
    let results = agreed(
        |fake| fake.add_domain("k8s.example.com", Some("example.com"), Plan::free()),
        &[
            info("k8s.example.com"),
            call("GetMainDomainName", json!({ "InputString": "k8s.example.com" })),
            add("a.b.c.d"),
            add("a.b.c.d.e"),
        ],
    );
    assert_eq!(answer(&results[0])["SubDomain"], true);
    assert_eq!(answer(&results[1])["DomainName"], "example.com");
    answer(&results[2]);
    assert_eq!(code(&results[3]), "QuotaExceeded.SubDomain");
}

fn a_missing_right_is_named() {
    let results = agreed(
        |fake| {
            fake.add_domain("example.com", None, Plan::free());
            fake.deny("DescribeDomainInfo");
        },
        &[info("example.com"), call("DescribeDomains", json!({}))],
    );
    assert_eq!((code(&results[0]), &results[0]["error"]["status"]), ("Forbidden.RAM", &json!(403)));
    answer(&results[1]);
}
