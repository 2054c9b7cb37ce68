//! Both of the vendor's clients make the same calls and must understand the same answers.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tests::fakes::alidns::{FakeAliDns, KEY_ID, KEY_SECRET};
use tests::need::peers_python;
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

const VERSIONS: [&str; 2] = ["v1", "v3"];
const KEY: [&str; 2] = [KEY_ID, KEY_SECRET];

/// A call to make.
fn call(action: &str, parameters: Value) -> Value {
    json!({ "action": action, "parameters": parameters })
}

/// The same call, at this fake, with this key.
fn at(fake: &FakeAliDns, key: &[&str], call: &Value) -> Value {
    let mut call = call.clone();
    call["port"] = json!(fake.port());
    call["key"] = json!(key);
    call
}

/// What one of the vendor's clients makes of these calls.
fn understood(version: &str, calls: &[Value]) -> Vec<Value> {
    let python = peers_python().expect("a test that runs the vendor's clients lists Need::Peers");
    let mut child = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/alidns.py"))
        .arg(version)
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start Python");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(json!(calls).to_string().as_bytes()).expect("Python reads");
    drop(input);
    let output = child.wait_with_output().expect("Python ends");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{version}: {errors}");
    serde_json::from_slice(&output.stdout).expect("Python writes JSON")
}

/// Both clients, each on a fake of its own, must understand the same. Ids of requests are left out.
#[track_caller]
fn agreed(prepare: impl Fn(&FakeAliDns), calls: &[Value]) -> Vec<Value> {
    let [one, other] = VERSIONS.map(|version| {
        let fake = FakeAliDns::start();
        prepare(&fake);
        let calls: Vec<_> = calls.iter().map(|call| at(&fake, &KEY, call)).collect();
        let mut answers = understood(version, &calls);
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

fn answer(result: &Value) -> &Value {
    result.get("answer").unwrap_or_else(|| panic!("no answer: {result}"))
}
