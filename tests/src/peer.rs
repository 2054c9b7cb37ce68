//! Programs in Python that drive the vendors' clients: a list of calls in, what came of each out.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::need::peers_python;

/// What `peers/SCRIPT` makes of these calls, one after the other.
pub fn understood(script: &str, words: &[&str], calls: &[Value]) -> Vec<Value> {
    serde_json::from_value(run(script, words, &json!(calls).to_string())).expect("a list")
}

/// What `peers/SCRIPT` writes for this input.
pub fn run(script: &str, words: &[&str], input: &str) -> Value {
    let python = peers_python().expect("a test that runs the vendors' clients lists Need::Peers");
    let mut child = Command::new(python)
        .arg(format!("{}/peers/{script}", env!("CARGO_MANIFEST_DIR")))
        .args(words)
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start Python");
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(input.as_bytes()).expect("Python reads");
    drop(pipe);
    let output = child.wait_with_output().expect("Python ends");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script} {words:?}: {errors}");
    serde_json::from_slice(&output.stdout).expect("Python writes JSON")
}

/// What came of a call that must succeed.
#[track_caller]
pub fn answer(result: &Value) -> &Value {
    result.get("answer").unwrap_or_else(|| panic!("no answer: {result}"))
}
