use model::UnixTime;
use providers::Secret;
use providers::alidns::signature::{Parameters, canonical_query, v1};
use serde_json::{Value, json};
use tests::aliyun::{Sdk, call};
use tests::fakes::alidns::{
    FakeAliDns, Fault, Injection, KEY_ID, KEY_SECRET, Plan, SignatureVersion,
};
use tests::http::{Answer, get};
use tests::need::Need;
use tests::peer::answer;
use tests::suite::Test;

use super::{KEY, at, code};

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [Need::Peers] =>
            both_signatures_are_checked,
            the_first_signature_covers_a_form,
            temporary_keys_need_their_token_until_they_expire,
            clocks_may_be_a_quarter_of_an_hour_apart,
            throttling_tells_when_to_come_back;
        [] => a_signature_is_good_once, what_is_not_known_is_refused;
    }
}

fn fake() -> FakeAliDns {
    let fake = FakeAliDns::start();
    fake.add_domain("example.com", None, Plan::free());
    fake
}

fn list() -> Value {
    call("DescribeDomains", json!({}))
}

fn both_signatures_are_checked() {
    for (sdk, signature) in Sdk::BOTH.into_iter().zip([SignatureVersion::V1, SignatureVersion::V3])
    {
        let fake = fake();
        let keys = [[KEY_ID, KEY_SECRET], [KEY_ID, "another"], ["stranger", KEY_SECRET]];
        let results = sdk.makes(&keys.map(|key| at(&fake, &key, &list())));
        answer(&results[0]);
        assert_eq!(fake.calls().last().map(|call| call.signature), Some(signature));
        // The older client compares the texts that both sides signed; they are equal.
        let expected =
            if sdk == Sdk::V1 { "InvalidAccessKeySecret" } else { "SignatureDoesNotMatch" };
        assert_eq!(code(&results[1]), expected);
        assert_eq!(code(&results[2]), "InvalidAccessKeyId.NotFound");
        assert_eq!(results[2]["error"]["status"], 404);
    }
}

fn the_first_signature_covers_a_form() {
    let fake = fake();
    let text = "v=1; a=b c/d+e,f.~*^!@";
    let parameters =
        json!({ "DomainName": "example.com", "RR": "@", "Type": "TXT", "Value": text });
    let mut add = at(&fake, &KEY, &call("AddDomainRecord", parameters));
    add["form"] = json!(true);
    let results = Sdk::V1.makes(&[add]);
    answer(&results[0]);
    assert_eq!(fake.lines("example.com"), [format!("@ TXT default 600 {text}")]);
}

fn temporary_keys_need_their_token_until_they_expire() {
    let rows: [(&[&str], &str); 5] = [
        (&["STS.1", "s", "token"], ""),
        (&["STS.1", "s", "wrong"], "InvalidSecurityToken.MismatchWithAccessKey"),
        (&["STS.2", "s", "token"], "InvalidSecurityToken.Expired"),
        (&[KEY_ID, KEY_SECRET, "token"], "InvalidSecurityToken.MismatchWithAccessKey"),
        (&["STS.1", "s"], "MissingSecurityToken"),
    ];
    for sdk in Sdk::BOTH {
        let fake = fake();
        fake.add_temporary_key("STS.1", "s", "token", UnixTime(u64::MAX));
        fake.add_temporary_key("STS.2", "s", "token", UnixTime(1));
        let calls = rows.map(|(key, _)| at(&fake, key, &list()));
        for (result, (key, expected)) in sdk.makes(&calls).iter().zip(rows) {
            let found = result["error"]["code"].as_str().unwrap_or_default();
            assert_eq!(found, expected, "{sdk:?} {key:?}");
        }
    }
}

fn clocks_may_be_a_quarter_of_an_hour_apart() {
    let rows = [(-16, false), (-14, true), (0, true), (14, true), (16, false)];
    let fakes = rows.map(|(minutes, _)| {
        let fake = fake();
        fake.set_clock_ahead(minutes * 60);
        fake
    });
    let calls = fakes.each_ref().map(|fake| at(fake, &KEY, &list()));
    for sdk in Sdk::BOTH {
        for (result, (minutes, good)) in sdk.makes(&calls).iter().zip(rows) {
            let expected = if good { "" } else { "InvalidTimeStamp.Expired" };
            let found = result["error"]["code"].as_str().unwrap_or_default();
            assert_eq!(found, expected, "{sdk:?} {minutes}");
        }
    }
}

fn throttling_tells_when_to_come_back() {
    for sdk in Sdk::BOTH {
        let fake = fake();
        let throttle = Fault::Throttle { retry_after: Some(7) };
        fake.inject(Injection::of(throttle).on("DescribeDomains").after(1));
        let calls = [list(), list(), list()].map(|call| at(&fake, &KEY, &call));
        let results = sdk.makes(&calls);
        answer(&results[0]);
        assert_eq!(code(&results[1]), "Throttling.User");
        answer(&results[2]);
        if sdk == Sdk::V3 {
            assert_eq!(results[1]["error"]["retry_after"], 7, "{}", results[1]);
        }
    }
}

/// The path of a request signed the first way.
fn signed(parameters: &[(&str, &str)], nonce: &str) -> String {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let common = [
        ("AccessKeyId", KEY_ID),
        ("Format", "JSON"),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureNonce", nonce),
        ("SignatureVersion", "1.0"),
        ("Timestamp", &now),
        ("Version", "2015-01-09"),
    ];
    let all = common.iter().chain(parameters);
    let mut all: Parameters =
        all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let text = v1::string_to_sign("GET", &all);
    all.insert("Signature".to_owned(), v1::signature(&Secret::new(KEY_SECRET), &text));
    format!("/?{}", canonical_query(&all))
}

#[track_caller]
fn check(fake: &FakeAliDns, path: &str, status: u16, code: Option<&str>) {
    let Answer { status: found, body } = get(fake.port(), path).expect("an answer");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((found, body["Code"].as_str()), (status, code), "{body}");
}

fn a_signature_is_good_once() {
    let fake = fake();
    let path = signed(&[("Action", "DescribeDomains")], "1");
    check(&fake, &path, 200, None);
    check(&fake, &path, 400, Some("SignatureNonceUsed"));
    check(&fake, &path.replace("Action=", "Action=X"), 400, Some("SignatureDoesNotMatch"));
}

fn what_is_not_known_is_refused() {
    let fake = fake();
    type Row = (&'static [(&'static str, &'static str)], u16, &'static str);
    let rows: [Row; 4] = [
        (&[("Action", "DescribeDomains"), ("KeyWords", "x")], 400, "InvalidParameter"),
        (&[("Action", "DeleteEverything")], 404, "InvalidAction.NotFound"),
        (&[("Action", "DescribeDomains"), ("PageSize", "-1")], 400, "InvalidParameter"),
        (&[("KeyWord", "x")], 400, "MissingAction"),
    ];
    for (nonce, (parameters, status, code)) in rows.into_iter().enumerate() {
        let path = signed(parameters, &format!("{nonce}"));
        check(&fake, &path, status, Some(code));
        check(&fake, &format!("{path}&Action=DescribeDomains"), 400, Some(twice(parameters)));
    }
    check(&fake, "/", 400, Some("MissingSignature"));
    check(&fake, "/latest", 404, Some("InvalidAction.NotFound"));
}

/// What a second action makes of a request: a parameter that stands twice, or another signed text.
fn twice(parameters: &[(&str, &str)]) -> &'static str {
    let has_one = parameters.iter().any(|(name, _)| *name == "Action");
    if has_one { "InvalidParameter" } else { "SignatureDoesNotMatch" }
}
