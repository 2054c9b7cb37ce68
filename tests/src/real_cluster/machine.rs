//! A machine made of namespaces: network, mounts and processes are its own. Its first process is the
//! only thing that has to be ended: the kernel then ends all others, and takes mounts and networks away.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::reserve::Link;
use crate::eventually::{GENEROUS, eventually};
use crate::process::Process;
use crate::scratch::Scratch;

/// Waits for orphans, as the first process of a machine must.
const FIRST_PROCESS: &str = "sleep infinity & wait";
/// Where programs keep what ends with the machine.
const OWN_FOLDERS: &str = "/var/lib/cni /run/netns /run/containerd";
const CGROUPS: &str = "/sys/fs/cgroup";

/// Fields drop in order: processes end before their folder goes.
pub struct Machine {
    process: Process,
    /// Of the first process, as this machine numbers it.
    init: u32,
    cgroup: String,
    link: Link,
    scratch: Scratch,
}

impl Machine {
    pub fn start(name: &str, link: Link) -> Self {
        let scratch = Scratch::new(&format!("{name}-machine"));
        let mut command = Command::new("unshare");
        command.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]);
        command.args(["--propagation", "private", "--", "bash", "-c", FIRST_PROCESS]);
        let process = Process::start("machine", &command, scratch.path());
        let init = eventually(GENEROUS, "the machine has a first process", || {
            process.assert_running();
            first_child(process.id()).ok_or("none")
        });
        let cgroup = format!("fedns-tests-{}-{}", std::process::id(), link.number());
        let machine = Self { process, init, cgroup, link, scratch };
        machine.connect();
        machine
    }

    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Of all its containers; below the root of every hierarchy.
    pub fn cgroup(&self) -> &str {
        &self.cgroup
    }

    pub fn folder(&self) -> &Path {
        self.scratch.path()
    }

    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// The same command in the machine's namespaces.
    pub fn inside(&self, command: &Command) -> Command {
        let mut inside = Command::new("nsenter");
        inside.args(["--target", &self.init.to_string(), "--net", "--mount", "--pid", "--"]);
        inside.arg(command.get_program()).args(command.get_args());
        inside
    }

    /// Runs a line of shell in it.
    pub fn run(&self, line: &str) {
        let mut shell = Command::new("sh");
        shell.args(["-ec", line]);
        execute(&self.inside(&shell));
    }

    /// All of its processes, its mounts and its networks.
    pub fn end(&mut self) {
        self.process.kill();
    }

    /// Packets for the address go to the node, until this machine's end of the link is gone.
    pub fn route(&self, address: Ipv4Addr) {
        let (to, via) = (format!("{address}/32"), self.link.inner().to_string());
        execute(Command::new("ip").args(["route", "replace", &to, "via", &via]));
    }

    fn connect(&self) {
        let (outer, inner) = (self.link.outer(), self.link.inner());
        let number = self.link.number();
        let (here, there) = (format!("fedns{number}"), "uplink");
        let ip = |words: &str| execute(Command::new("ip").args(words.split(' ')));
        ip(&format!("link add {here} type veth peer name {there} netns {}", self.init));
        ip(&format!("addr add {outer}/30 dev {here}"));
        ip(&format!("link set {here} up"));
        self.run(&format!(
            "ip link set lo up; ip addr add {inner}/30 dev {there}; ip link set {there} up; \
             ip route add default via {outer}; echo 1 > /proc/sys/net/ipv4/ip_forward; \
             for folder in {OWN_FOLDERS}; do mkdir -p $folder; mount -t tmpfs none $folder; done"
        ));
    }
}

/// While it lives, packets to a network that leads nowhere else are answered: unreachable. So they do not
/// leave this machine.
pub struct Unreachable {
    network: String,
}

/// Any other way to the network goes before.
const LAST: &str = "4294967295";

// === impl Unreachable ===

impl Unreachable {
    pub fn new(network: String) -> Self {
        execute(&Self::route("replace", &network));
        Self { network }
    }

    fn route(verb: &str, network: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["route", verb, "unreachable", network, "metric", LAST]);
        command
    }
}

impl Drop for Unreachable {
    fn drop(&mut self) {
        // It may be gone with all routes; what matters is that it does not stay.
        let _ = Self::route("del", &self.network).output();
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.process.kill();
        let hierarchies = fs::read_dir(CGROUPS).into_iter().flatten().flatten();
        for hierarchy in hierarchies.map(|entry| entry.path()).chain([PathBuf::from(CGROUPS)]) {
            remove_cgroup(&hierarchy.join(&self.cgroup));
        }
    }
}

/// A cgroup is an empty folder to those who remove it, once its processes are gone. What stays hurts
/// nobody.
fn remove_cgroup(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_cgroup(&entry.path());
        }
    }
    let _ = fs::remove_dir(folder);
}

fn first_child(parent: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

#[track_caller]
pub fn execute(command: &Command) -> String {
    let mut bound = crate::process::bound_to_us(command);
    let output = bound.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {words}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
