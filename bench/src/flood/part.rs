//! What runs in the clients' network: this program, started once more. It prints one line of JSON.

use std::net::SocketAddrV4;
use std::time::Duration;

use clap::Subcommand;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tests::process::Process;

use super::network::{CLIENT, SERVER};
use super::{DNS_PORT, PATIENCE, client, holder, sender};
use crate::authoritative::generator;
use crate::authoritative::workload::Workload;

#[derive(Clone, Debug, Subcommand)]
pub enum Part {
    /// Counts what a server answers in a second
    Capacity { port: u16, hosts: usize, seconds: u64 },
    /// Sends queries with made up senders
    Send { hosts: usize, seconds: u64, prefixes: u32, rate: u64 },
    /// Asks as an honest client does
    Ask {
        hosts: usize,
        seconds: u64,
        #[arg(action = clap::ArgAction::Set)]
        over_tcp: bool,
    },
    /// Opens connections, and leaves them alone
    Hold { connections: usize, seconds: u64 },
}

/// What the part said that runs in this process.
///
/// # Panics
///
/// It does not end in time, or badly.
pub fn output<T: DeserializeOwned>(mut process: Process) -> T {
    let status = process.wait(PATIENCE);
    let said = process.log();
    assert!(status.success(), "{said}");
    let line = said.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {said}"))
}

pub fn run(part: &Part) {
    match *part {
        Part::Capacity { port, hosts, seconds } => {
            let length = Duration::from_secs(seconds);
            let counted = generator::ask((SERVER, port).into(), &Workload::new(hosts, 0), length);
            say(&(counted.answers / seconds));
        }
        Part::Send { hosts, seconds, prefixes, rate } => {
            let to = SocketAddrV4::new(SERVER, DNS_PORT);
            say(&sender::send(to, hosts, prefixes, rate, Duration::from_secs(seconds)));
        }
        Part::Ask { hosts, seconds, over_tcp } => {
            let to = SocketAddrV4::new(SERVER, DNS_PORT);
            say(&client::ask(CLIENT, to, hosts, over_tcp, Duration::from_secs(seconds)));
        }
        Part::Hold { connections, seconds } => {
            let to = SocketAddrV4::new(SERVER, DNS_PORT);
            say(&holder::hold(to, connections, Duration::from_secs(seconds)));
        }
    }
}

fn say(what: &impl Serialize) {
    println!("{}", serde_json::to_string(what).expect("plain figures"));
}

// === impl Part ===

impl Part {
    pub fn word(&self) -> &'static str {
        match self {
            Self::Capacity { .. } => "capacity",
            Self::Send { .. } => "send",
            Self::Ask { .. } => "ask",
            Self::Hold { .. } => "hold",
        }
    }

    /// The command line.
    pub fn words(&self) -> Vec<String> {
        let more = match self {
            Self::Capacity { port, hosts, seconds } => format!("{port} {hosts} {seconds}"),
            Self::Send { hosts, seconds, prefixes, rate } => {
                format!("{hosts} {seconds} {prefixes} {rate}")
            }
            Self::Ask { hosts, seconds, over_tcp } => format!("{hosts} {seconds} {over_tcp}"),
            Self::Hold { connections, seconds } => format!("{connections} {seconds}"),
        };
        let more = more.split(' ').map(str::to_owned);
        ["flood-part", self.word()].map(str::to_owned).into_iter().chain(more).collect()
    }
}
