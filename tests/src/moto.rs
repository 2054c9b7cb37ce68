//! moto, which others wrote: a Route53 that checks every signature, and the policy of each key.

use std::process::Command;

use serde_json::Value;

use crate::botocore::Botocore;
use crate::eventually::{GENEROUS, eventually};
use crate::http;
use crate::need::peers_python;
use crate::port::free_port;
use crate::process::Process;
use crate::scratch::Scratch;

/// May do everything.
pub const KEY: [&str; 2] = ["AKIDFED", "fed-secret"];
/// May list and get, and nothing else.
pub const READER: [&str; 2] = ["AKIDREADER", "reader-secret"];

/// One account, empty at its start. Its state ends with it.
pub struct Moto {
    port: u16,
    process: Process,
    _folder: Scratch,
}

// === impl Moto ===

impl Moto {
    /// Starts it and waits until it answers.
    #[track_caller]
    pub fn start() -> Self {
        let folder = Scratch::new("moto");
        let port = free_port();
        let python = peers_python().expect("a test that runs moto lists Need::Peers");
        let mut command = Command::new(python);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/moto_peer.py"));
        command.arg(port.to_string()).current_dir(folder.path());
        let moto = Self {
            port,
            process: Process::start("moto", &command, folder.path()),
            _folder: folder,
        };
        eventually(GENEROUS, "moto answers", || {
            moto.process.assert_running();
            http::get(port, "/moto-api/")
        });
        moto
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The vendor's client with the key that may do everything.
    pub fn botocore(&self) -> Botocore {
        Botocore { port: self.port, key: KEY }
    }

    /// How many calls there were of each method so far: `{"GET": 1, "POST": 2}`.
    #[track_caller]
    pub fn calls(&self) -> Value {
        let answer = http::get(self.port, "/calls").expect("moto counts calls");
        serde_json::from_str(&answer.body).expect("it writes JSON")
    }

    /// The next calls that match fail: a list of `{match, status, code, message}`.
    #[track_caller]
    pub fn fail_next(&self, faults: &Value) {
        http::post(self.port, "/fault", &faults.to_string()).expect("moto takes faults");
    }
}
