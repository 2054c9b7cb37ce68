//! Both of the vendor's clients make the same calls and must understand the same answers.

use serde_json::{Value, json};
use tests::aliyun::Sdk;
use tests::fakes::alidns::{FakeAliDns, KEY_ID, KEY_SECRET};
use tests::suite::Test;

/// Records: what is taken, kept, listed, refused.
mod records;

/// Plans, domains and what a missing right hides.
mod plans;

/// Signatures, tokens, clocks, throttling.
mod access;

pub(super) fn tests() -> Vec<Test> {
    [records::tests(), plans::tests(), access::tests()].into_iter().flatten().collect()
}

const KEY: [&str; 2] = [KEY_ID, KEY_SECRET];

/// The same call, at this fake, with this key.
fn at(fake: &FakeAliDns, key: &[&str], call: &Value) -> Value {
    let mut call = call.clone();
    call["port"] = json!(fake.port());
    call["key"] = json!(key);
    call
}

/// Both clients, each on a fake of its own, must understand the same. Ids of requests are left out.
#[track_caller]
fn agreed(prepare: impl Fn(&FakeAliDns), calls: &[Value]) -> Vec<Value> {
    let [one, other] = Sdk::BOTH.map(|sdk| {
        let fake = FakeAliDns::start();
        prepare(&fake);
        let calls: Vec<_> = calls.iter().map(|call| at(&fake, &KEY, call)).collect();
        let mut answers = sdk.makes(&calls);
        answers.iter_mut().for_each(forget_what_varies);
        answers
    });
    assert_eq!(one, other, "the first and the third version");
    one
}

/// Takes out ids of requests and times of day.
fn forget_what_varies(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for varying in ["RequestId", "CreateTimestamp", "UpdateTimestamp", "retry_after"] {
                fields.remove(varying);
            }
            fields.values_mut().for_each(forget_what_varies);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_what_varies),
        _ => {}
    }
}

/// The code of an error.
fn code(result: &Value) -> &str {
    result["error"]["code"].as_str().unwrap_or_else(|| panic!("no error: {result}"))
}
