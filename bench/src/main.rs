//! Measurements of fedns, each with its target: `bench/run NAME` runs one, `bench/run` all.
//!
//! - on real API servers: [`patch_to_answer`], [`patch_to_provider`], [`under_load`], [`after_outage`], [`memory`],
//!   [`propagation`]
//! - beside other name servers: [`authoritative`]; under attack: [`flood`]; one process in the place of another:
//!   [`hot_restart`]
//! - inside one process: [`one_change`], [`scale`], [`respond`], [`store`]
//!
//! ```text
//! measurement ── report ── machine
//!      ├── clusters ── api, watch          asker, load ── query
//!      ├── bare_client ── api              callgrind, process_stats, latency, pace
//!      └── population
//! ```

// What is measured.
mod patch_to_answer;
mod patch_to_provider;
mod under_load;
mod after_outage;
mod memory;
mod propagation;
mod authoritative;
mod flood;
mod hot_restart;
mod one_change;
mod scale;
mod respond;
mod store;

// Real clusters, and DNS from outside.
mod clusters;
mod api;
mod watch;
mod bare_client;
mod asker;
mod load;
mod query;

// State made up in this process.
mod population;
mod static_zone;

// How it is measured and told.
mod callgrind;
mod change_cost;
mod latency;
mod machine;
mod pace;
mod process_stats;
mod report;

use std::net::Ipv4Addr;

use clap::{Parser, Subcommand};
use tests::etcd::Etcd;

/// Measures fedns against its targets.
#[derive(Parser)]
#[command(name = "bench/run")]
struct Arguments {
    #[command(subcommand)]
    measurement: Measurement,
    /// Also write what is printed to bench/runs/DATE-NAME.txt
    #[arg(long, global = true)]
    save: bool,
}

#[derive(Subcommand)]
enum Measurement {
    /// From a patch's acknowledgement by a real API server to the new answer, beside a bare watch
    PatchToAnswer(patch_to_answer::Options),
    /// From a patch's acknowledgement by a real API server to the first call of a provider
    PatchToProvider(patch_to_provider::Options),
    /// From a watch event to the new answer, with a million names and other queries all the while
    UnderLoad(under_load::Options),
    /// From the API server's readiness after an outage to the answer of a change made then
    AfterOutage(after_outage::Options),
    /// Memory of `serve` with no Services and with many, and its CPU time while nothing changes
    Memory(memory::Options),
    /// CPU time of an answer, beside gdnsd, Knot, NSD and a bare echo, on one core in one run
    Authoritative(authoritative::Options),
    /// What a client gets while others flood the server, or hold its connections
    Flood(flood::Options),
    /// Queries that are lost, and the longest wait, while processes take each other's place under load
    HotRestart(hot_restart::Options),
    /// From an object made in a federation to its copies in every member, beside a bare client
    Propagation(propagation::Options),
    /// Instructions and time of one change, with few services and with many
    OneChange(one_change::Options),
    /// The first plan and publication of a thousand clusters, and the memory of their index
    Scale(scale::Options),
    /// Instructions and time of one answer, without sockets
    Respond(respond::Options),
    /// Load, memory and changes of the zone store
    Store(store::Options),
    /// The echo that other measurements start
    #[command(hide = true)]
    Echo {
        #[arg(long, default_value_t = Ipv4Addr::LOCALHOST)]
        address: Ipv4Addr,
        #[arg(long)]
        port: u16,
    },
    /// The clients of a flood, which runs in a network of theirs
    #[command(hide = true)]
    FloodPart {
        #[command(subcommand)]
        part: flood::part::Part,
    },
}

fn main() {
    let Arguments { measurement, save } = Arguments::parse();
    match measurement {
        Measurement::PatchToAnswer(options) => patch_to_answer::run(&options, save),
        Measurement::PatchToProvider(options) => patch_to_provider::run(&options, save),
        Measurement::UnderLoad(options) => under_load::run(&options, save),
        Measurement::AfterOutage(options) => after_outage::run(&options, save),
        Measurement::Memory(options) => memory::run(&options, save),
        Measurement::Authoritative(options) => authoritative::run(&options, save),
        Measurement::Echo { address, port } => authoritative::echo::run(address, port),
        Measurement::Flood(options) => flood::run(&options, save),
        Measurement::FloodPart { part } => flood::part::run(&part),
        Measurement::HotRestart(options) => hot_restart::run(&options, save),
        Measurement::Propagation(options) => propagation::run(&options, save),
        Measurement::OneChange(options) => one_change::run(&options, save),
        Measurement::Scale(options) => scale::run(&options, save),
        Measurement::Respond(options) => respond::run(&options, save),
        Measurement::Store(options) => store::run(&options, save),
    }
    Etcd::stop_shared();
}
