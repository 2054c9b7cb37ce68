//! etcd: one process serves every API server of a test run, each under its own prefix.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use crate::eventually::{GENEROUS, eventually};
use crate::http;
use crate::lock::lock;
use crate::parts;
use crate::port::HeldPort;
use crate::process::Process;
use crate::scratch::Scratch;

static SHARED: Mutex<Option<Arc<Etcd>>> = Mutex::new(None);

/// A running or killed etcd. Fields drop in order: the process ends before its folder goes.
pub struct Etcd {
    process: Mutex<Process>,
    client_port: HeldPort,
    peer_port: HeldPort,
    scratch: Scratch,
}

impl Etcd {
    /// The etcd of this test run, started at the first call. A test that breaks etcd starts its own.
    pub fn shared() -> Arc<Self> {
        Arc::clone(lock(&SHARED).get_or_insert_with(|| Arc::new(Self::start())))
    }

    /// Statics are never dropped, so the end of the run says when.
    pub fn stop_shared() {
        *lock(&SHARED) = None;
    }

    pub fn start() -> Self {
        let scratch = Scratch::new("etcd");
        let (client_port, peer_port) = (HeldPort::new(), HeldPort::new());
        let command = command(&client_port, &peer_port, scratch.path());
        let etcd = Self {
            process: Mutex::new(Process::start("etcd", &command, scratch.path())),
            client_port,
            peer_port,
            scratch,
        };
        etcd.wait_until_healthy();
        etcd
    }

    pub fn url(&self) -> String {
        url(&self.client_port)
    }

    /// SIGKILL. API servers on it stay up and can neither read nor write.
    pub fn kill(&self) {
        lock(&self.process).kill();
    }

    /// Starts etcd on its old address and data, after killing it if it runs.
    pub fn restart(&self) {
        let command = command(&self.client_port, &self.peer_port, self.scratch.path());
        let mut process = lock(&self.process);
        process.kill();
        *process = Process::start("etcd", &command, self.scratch.path());
        drop(process);
        self.wait_until_healthy();
    }

    /// Forgets every revision but the newest: a resourceVersion from before can no longer be read.
    pub fn compact(&self) {
        // A write moves the revision, so that even what was newest until now is too old.
        let revision = self.call("/v3/kv/put", r#"{"key": "ZmVkbnM=", "value": ""}"#);
        self.call(
            "/v3/kv/compaction",
            &format!(r#"{{"revision": "{revision}", "physical": true}}"#),
        );
    }

    /// Posts to etcd's JSON gateway and returns the store's revision after the call.
    fn call(&self, path: &str, body: &str) -> String {
        let answer = http::post(self.client_port.number(), path, body).expect("etcd answers");
        let json: serde_json::Value =
            serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{path}: {answer:?}"));
        match json["header"]["revision"].as_str() {
            Some(revision) => revision.to_owned(),
            None => panic!("{path}: {answer:?}"),
        }
    }

    fn wait_until_healthy(&self) {
        eventually(GENEROUS, "etcd is healthy", || {
            lock(&self.process).assert_running();
            match http::get(self.client_port.number(), "/health")? {
                answer if answer.status == 200 => Ok(()),
                answer => Err(format!("{answer:?}")),
            }
        });
    }
}

fn command(client_port: &HeldPort, peer_port: &HeldPort, folder: &Path) -> Command {
    let (client, peer) = (url(client_port), url(peer_port));
    let mut command = parts::kubernetes("etcd");
    command
        // Nothing here has to survive a power cut.
        .args(["--unsafe-no-fsync", "--socket-reuse-port", "--log-level", "warn"])
        .arg("--data-dir")
        .arg(folder.join("data"))
        .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
        .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
        .args(["--initial-cluster", &format!("default={peer}")]);
    command
}

fn url(port: &HeldPort) -> String {
    format!("http://127.0.0.1:{}", port.number())
}
