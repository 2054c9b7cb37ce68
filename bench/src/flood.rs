//! What a client elsewhere gets while fedns is flooded with queries whose senders are made up, and while
//! others hold all the connections that they can.
//!
//! - [`network`]: the server's network and the clients', with a cable between them
//! - [`part`]: what runs in the clients' network, as processes of this program that end by themselves:
//!   [`sender`], [`client`], [`holder`]
//!
//! fedns stands at its defaults, rate limiting and cookies included, with one worker on a core of its own.
//! Floods come from the other core, which the client shares.

mod client;
mod holder;
mod network;
pub mod part;
mod raw;
mod sender;

use std::process::Command;
use std::time::{Duration, Instant};

use clap::Args;
use tests::process::Process;
use tests::product;
use tests::scratch::Scratch;

use crate::authoritative::servers::SERVER_CORE;
use crate::authoritative::workload::zone_text;
use crate::pace::pause;
use crate::process_stats::{cpu_time, mebibytes, memory};
use crate::report::{Report, row};
use client::Heard;
use holder::Held;
use network::{Networks, SERVER};
use part::Part;
use sender::Sent;

#[derive(Args)]
pub struct Options {
    /// Seconds of each flood
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Hosts in the zone
    #[arg(long, default_value_t = 10_000)]
    hosts: usize,
    /// Connections that are held open
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
}

const ECHO_PORT: u16 = 5300;
const DNS_PORT: u16 = 53;
/// All /24 of 10.0.0.0/8.
const ALL_PREFIXES: u32 = 1 << 16;
/// More than one core sends.
const ALL_OF_A_CORE: u64 = 100_000_000;
/// A flood begins so much earlier than the client, and ends so much later.
const SETTLING: u64 = 1;
const PATIENCE: Duration = Duration::from_secs(120);

pub fn run(options: &Options, save: bool) {
    let mut report = Report::begin("flood", save);
    let folder = Scratch::new("flood");
    let networks = Networks::start();
    let half = capacity(&mut report, options, &networks, &folder) / 2;
    let fedns = start_fedns(options, &networks, &folder);
    let client = |over_tcp| Part::Ask { hosts: options.hosts, seconds: options.seconds, over_tcp };
    networks.finished::<Heard>(&client(false), &folder);
    floods(&mut report, options, &networks, &folder, &fedns, half);
    held_connections(&mut report, options, &networks, &folder, &fedns);
    report.end();
}

/// What the echo answers a second.
fn capacity(report: &mut Report, options: &Options, networks: &Networks, folder: &Scratch) -> u64 {
    let mut echo = Command::new(std::env::current_exe().expect("a path"));
    echo.args(["echo", "--address", &SERVER.to_string(), "--port", &ECHO_PORT.to_string()]);
    let _echo = Process::start("echo", &on_server_core(networks, &echo), folder.path());
    let part = Part::Capacity { port: ECHO_PORT, hosts: options.hosts, seconds: options.seconds };
    let answers: u64 = networks.finished(&part, folder);
    report.line(&format!("an echo in place of fedns answers {answers} queries/s"));
    report.line("");
    answers
}

fn start_fedns(options: &Options, networks: &Networks, folder: &Scratch) -> Process {
    folder.write("zone", zone_text(options.hosts));
    let config = folder.write(
        "fedns.yaml",
        format!(
            "apiVersion: fedns.io/v1\nkind: Config\nfederation: fed\nzone: example.com.\n\
             staticRecords: [./zone]\nworkers: 1\nstateDir: ./state\nclusters: []\n\
             listen: {{dns: [\"{SERVER}:{DNS_PORT}\"], admin: \"127.0.0.1:8053\"}}\n"
        ),
    );
    let mut fedns = product::fedns();
    fedns.args(["serve", "--config"]).arg(config);
    Process::start("fedns", &on_server_core(networks, &fedns), folder.path())
}

fn on_server_core(networks: &Networks, command: &Command) -> Command {
    let mut pinned = Command::new("taskset");
    pinned.args(["--cpu-list", &SERVER_CORE.to_string()]);
    pinned.arg(command.get_program()).args(command.get_args());
    networks.server.inside(&pinned)
}

fn floods(
    report: &mut Report,
    options: &Options,
    networks: &Networks,
    folder: &Scratch,
    fedns: &Process,
    half: u64,
) {
    let heading = [
        "flood",
        "queries/s",
        "fedns, of a core",
        "asked",
        "answered",
        "over TCP",
        "median ms",
        "p99 ms",
    ];
    let mut rows = vec![row(heading)];
    let mut shares = Vec::new();
    for (what, prefixes, rate) in [
        ("none", 1, 0),
        ("half, one prefix", 1, half),
        ("half, 65,536 prefixes", ALL_PREFIXES, half),
        ("all that a core sends, one prefix", 1, ALL_OF_A_CORE),
        ("all that a core sends, 65,536 prefixes", ALL_PREFIXES, ALL_OF_A_CORE),
    ] {
        let seconds = options.seconds + 2 * SETTLING;
        let flood = Part::Send { hosts: options.hosts, seconds, prefixes, rate };
        let flood = (rate > 0).then(|| networks.started(&flood, folder));
        pause(Duration::from_secs(SETTLING));
        let (before, began) = (cpu_time(fedns.id()), Instant::now());
        let ask = Part::Ask { hosts: options.hosts, seconds: options.seconds, over_tcp: false };
        let heard: Heard = networks.finished(&ask, folder);
        let used = (cpu_time(fedns.id()) - before).as_secs_f64() / began.elapsed().as_secs_f64();
        let sent = flood.map_or(Sent::default(), part::output);
        let mut cells = row([what.to_owned(), sent.a_second().to_string()]);
        cells.push(format!("{:.0} %", used * 100.0));
        cells.extend(heard.cells());
        rows.push(cells);
        if rate == half {
            shares.push((what, heard.percent()));
        }
    }
    report.table(&rows);
    for (what, share) in shares {
        report.target_at_least(&format!("answered, flood of {what}"), share, 99.0, "%");
    }
    report.line("");
}

/// Connections with half a query each, and none on every other one; opened anew when they are closed.
fn held_connections(
    report: &mut Report,
    options: &Options,
    networks: &Networks,
    folder: &Scratch,
    fedns: &Process,
) {
    let before = memory(fedns.id()).resident;
    let seconds = 2 * options.seconds + 4 * SETTLING;
    let hold = Part::Hold { connections: options.connections, seconds };
    let holding = networks.started(&hold, folder);
    pause(Duration::from_secs(2 * SETTLING));
    let mut rows = vec![row([
        "slow clients, asked over",
        "asked",
        "answered",
        "over TCP",
        "median ms",
        "p99 ms",
    ])];
    let heard = |over_tcp| {
        let ask = Part::Ask { hosts: options.hosts, seconds: options.seconds, over_tcp };
        networks.finished::<Heard>(&ask, folder)
    };
    let (udp, tcp) = (heard(false), heard(true));
    let grown = memory(fedns.id()).resident.saturating_sub(before);
    for (what, heard) in [("UDP", &udp), ("TCP", &tcp)] {
        let mut cells = row([what]);
        cells.extend(heard.cells());
        rows.push(cells);
    }
    let held: Held = part::output(holding);
    report.line(&format!(
        "{} slow connections wanted from {} addresses: {} opened, at most {} at once; {:.1} MiB more resident",
        options.connections,
        held.addresses,
        held.opened,
        held.open_most,
        mebibytes(grown)
    ));
    report.table(&rows);
    report.target_at_least("answered over UDP, slow clients", udp.percent(), 99.0, "%");
    report.line("");
}
