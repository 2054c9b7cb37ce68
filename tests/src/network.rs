//! A network of a test's own: loopback and nothing else, where every address of 127.0.0.0/8 and every
//! port is free, port 53 among them.

use std::process::Command;

use crate::eventually::{GENEROUS, eventually};
use crate::process::Process;
use crate::scratch::Scratch;

/// The network is there while anything runs in it.
const FIRST_PROCESS: &str = "ip link set lo up; echo up; exec sleep infinity";

/// Fields drop in order: the process ends before its folder goes.
pub struct Network {
    process: Process,
    _folder: Scratch,
}

// === impl Network ===

impl Network {
    pub fn start() -> Self {
        let folder = Scratch::new("network");
        let mut command = Command::new("unshare");
        command.args(["--net", "--", "sh", "-ec", FIRST_PROCESS]);
        let process = Process::start("network", &command, folder.path());
        eventually(GENEROUS, "the network is up", || {
            process.assert_running();
            if process.log().contains("up") { Ok(()) } else { Err(process.log()) }
        });
        Self { process, _folder: folder }
    }

    /// Of a process in this network.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// The same command in this network.
    pub fn inside(&self, command: &Command) -> Command {
        let mut inside = Command::new("nsenter");
        inside.args(["--target", &self.process.id().to_string(), "--net", "--"]);
        inside.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        inside
    }
}
