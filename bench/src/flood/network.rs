//! Two networks with a cable between them: one for the server, one for everybody else.

use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use serde::de::DeserializeOwned;
use tests::network::Network;
use tests::process::Process;
use tests::scratch::Scratch;

use super::part::{self, Part};
use crate::authoritative::servers::SERVER_CORE;

pub const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 53);
/// The other end of the cable.
const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The client that is to be answered.
pub const CLIENT: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
/// Whoever holds connections; all addresses of a /16.
pub const HOLDERS: Ipv4Addr = Ipv4Addr::new(172, 20, 0, 0);

pub struct Networks {
    pub server: Network,
    pub clients: Network,
}

// === impl Networks ===

impl Networks {
    pub fn start() -> Self {
        let networks = Self { server: Network::start(), clients: Network::start() };
        let (server, clients) = (&networks.server, &networks.clients);
        let peer = clients.process_id().to_string();
        let cable =
            ["link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", &peer];
        ip(server, &cable);
        for (network, address) in [(server, SERVER), (clients, ROUTER)] {
            ip(network, &["address", "add", &format!("{address}/24"), "dev", "cable"]);
            ip(network, &["link", "set", "cable", "up"]);
        }
        // Answers to everybody leave by the cable, also those that nobody waits for.
        ip(server, &["route", "add", "default", "via", &ROUTER.to_string()]);
        ip(clients, &["address", "add", &format!("{CLIENT}/32"), "dev", "lo"]);
        ip(clients, &["route", "add", "local", &format!("{HOLDERS}/16"), "dev", "lo"]);
        networks
    }

    /// Starts a part among the clients.
    pub fn started(&self, part: &Part, folder: &Scratch) -> Process {
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", &(SERVER_CORE + 1).to_string()]);
        command.arg(std::env::current_exe().expect("a path")).args(part.words());
        Process::start(part.word(), &self.clients.inside(&command), folder.path())
    }

    /// What a part says at its end.
    pub fn finished<T: DeserializeOwned>(&self, part: &Part, folder: &Scratch) -> T {
        part::output(self.started(part, folder))
    }
}

fn ip(network: &Network, words: &[&str]) {
    let mut command = Command::new("ip");
    command.args(words);
    let output = network.inside(&command).stdin(Stdio::null()).output().expect("start ip");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {}: {said}", words.join(" "));
}
