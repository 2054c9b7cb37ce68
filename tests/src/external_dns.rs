//! ExternalDNS's own packages: its webhook server before its own providers, its TXT registry, and one
//! round of its controller.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::eventually::{GENEROUS, eventually};
use crate::http;
use crate::name_server::{Key, NameServer};
use crate::need::external_dns_folder;
use crate::port::free_port;
use crate::process::{Process, bound_to_us};
use crate::scratch::Scratch;

/// Its webhook server with one of its providers behind it.
pub struct Webhook {
    port: u16,
    process: Process,
    _folder: Scratch,
}

/// ExternalDNS with the webhook at this port as its provider.
#[derive(Clone, Copy)]
pub struct ExternalDns {
    port: u16,
}

/// What stands behind a webhook server.
pub enum Backend<'a> {
    /// The in-memory provider; what it holds ends with it.
    Memory { zone: &'a str },
    /// The provider of dynamic updates before a name server.
    NameServer(&'a NameServer),
}

// === impl Webhook ===

impl Webhook {
    /// Starts it and waits until it answers. `filter`: domains that are let through; all of them where
    /// it is empty.
    #[track_caller]
    pub fn start(backend: Backend<'_>, filter: &str) -> Self {
        let (folder, port) = (Scratch::new("external-dns"), free_port());
        let mut command = command("webhook");
        command.args(["-listen", &format!("127.0.0.1:{port}"), "-filter", filter]);
        backend.describe(&mut command);
        let process = Process::start("external-dns", &command, folder.path());
        let webhook = Self { port, process, _folder: folder };
        eventually(GENEROUS, "the webhook answers", || {
            webhook.process.assert_running();
            http::get(port, "/").map(|_| ())
        });
        webhook
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Another ExternalDNS that uses it.
    pub fn external_dns(&self) -> ExternalDns {
        ExternalDns { port: self.port }
    }

    /// What it lists, each record a line as in a master file, sorted.
    #[track_caller]
    pub fn records(&self) -> Vec<String> {
        let answer = http::get(self.port, "/records").expect("the webhook answers");
        let endpoints: Value = serde_json::from_str(&answer.body).expect("JSON");
        let mut lines: Vec<String> =
            endpoints.as_array().into_iter().flatten().flat_map(lines).collect();
        lines.sort();
        lines
    }

    /// Carries out changes as anybody may send them.
    #[track_caller]
    pub fn change(&self, changes: &Value) {
        let answer = http::post(self.port, "/records", &changes.to_string());
        assert_eq!(answer.expect("the webhook answers").status, 204, "{changes}");
    }
}

// === impl ExternalDns ===

impl ExternalDns {
    /// What its TXT registry reads there for an owner: an endpoint for each record set that is no
    /// marker, with what its marker says in `labels`.
    #[track_caller]
    pub fn registry(self, owner: &str) -> Vec<Value> {
        let printed = self.run("records", owner, None);
        serde_json::from_value(printed).expect("a list")
    }

    /// One round of its controller with policy sync for an owner that wants these endpoints; the changes
    /// that it made.
    #[track_caller]
    pub fn round(self, owner: &str, desired: &Value) -> Value {
        self.run("sync", owner, Some(desired))
    }

    fn run(self, word: &str, owner: &str, input: Option<&Value>) -> Value {
        let mut command = command(word);
        command.args(["-owner", owner, "-url", &format!("http://127.0.0.1:{}", self.port)]);
        let mut command = bound_to_us(&command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("ExternalDNS starts");
        let input = input.map(Value::to_string).unwrap_or_default();
        let mut pipe = child.stdin.take().expect("it is a pipe");
        // One that ended early says why.
        let _ = pipe.write_all(input.as_bytes());
        drop(pipe);
        let output = child.wait_with_output().expect("ExternalDNS ends");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{word}: {errors}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }
}

/// An endpoint as a source of ExternalDNS gives it.
pub fn endpoint(name: &str, record_type: &str, ttl: u32, targets: &[&str]) -> Value {
    json!({"dnsName": name, "recordType": record_type, "recordTTL": ttl, "targets": targets})
}

/// `www.example.com. 180 A 192.0.2.1`
fn lines(endpoint: &Value) -> Vec<String> {
    let text = |key: &str| endpoint[key].as_str().unwrap_or_default();
    let (name, record_type, ttl) = (text("dnsName"), text("recordType"), &endpoint["recordTTL"]);
    let ttl = ttl.as_i64().unwrap_or_default();
    let targets = endpoint["targets"].as_array().into_iter().flatten();
    let line = |target: &Value| {
        let target = target.as_str().unwrap_or_default();
        let dot = if record_type == "CNAME" { "." } else { "" };
        format!("{name}. {ttl} {record_type} {target}{dot}")
    };
    targets.map(line).collect()
}

fn command(word: &str) -> Command {
    let folder = external_dns_folder().expect("a test that runs it lists Need::ExternalDns");
    let mut command = Command::new(folder.join("external-dns"));
    command.arg(word);
    command
}

// === impl Backend ===

impl Backend<'_> {
    fn describe(&self, command: &mut Command) {
        match self {
            Self::Memory { zone } => {
                command.args(["-provider", "inmemory", "-zone", zone]);
            }
            Self::NameServer(server) => {
                let port = server.port().to_string();
                command.args(["-provider", "rfc2136", "-zone", crate::name_server::ZONE]);
                command.args(["-port", &port, "-key", Key::Fed.name()]);
                command.env("TSIG_SECRET", server.secret(Key::Fed));
            }
        }
    }
}
