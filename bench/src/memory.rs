//! What `serve` takes with no Services and with many: memory, CPU time while nothing changes, and
//! CPU time of one change.
//!
//! The Services are real objects of one API server, each with a selector, an address and an
//! EndpointSlice with one ready endpoint, as a cluster with controllers has them.

use std::time::Duration;

use clap::Args;
use tests::api_server::ApiServer;
use tests::serving::Fedns;

use crate::api::Api;
use crate::asker::Asker;
use crate::clusters::{address, fill, roomy_cluster};
use crate::pace::pause;
use crate::process_stats::{cpu_time, mebibytes, memory};
use crate::query::name;
use crate::report::{Report, row};

#[derive(Args)]
pub struct Options {
    /// LoadBalancer Services in the cluster
    #[arg(long, default_value_t = 10_000)]
    services: usize,
    /// Seconds without any change over which CPU time is counted
    #[arg(long, default_value_t = 60)]
    idle: u64,
}

/// Until a process that has become ready has also saved its state.
const SETTLE: Duration = Duration::from_secs(5);

/// Changes whose CPU time is measured together.
const CHANGES: usize = 500;

struct Figures {
    resident: f64,
    peak: f64,
    anonymous: f64,
    /// Percent of a core.
    idle: f64,
}

pub fn run(options: &Options, save: bool) {
    let mut report = Report::begin("memory", save);
    let cluster = roomy_cluster("beijing");
    let none = measure_none(&cluster, options);
    fill(&cluster, options.services);
    let (many, change) = measure_many(&cluster, options);
    let restarted = measure_restart(&cluster, options);
    report.table(&[
        row(["serve", "resident MiB", "peak MiB", "anonymous MiB", "idle, % of a core"]),
        told("no Services", &none),
        told(&format!("{} Services", options.services), &many),
        told("the same, started on its state", &restarted),
    ]);
    report.target("resident, no Services", none.resident, 15.0, "MiB");
    report.target("resident, many Services", many.resident, 40.0, "MiB");
    report.target("nothing changes", none.idle.max(many.idle), 0.05, "% of a core");
    report.target("CPU time of one change, many Services", change, 1.0, "ms");
    report.end();
}

/// A fresh fedns in a cluster without Services.
fn measure_none(cluster: &ApiServer, options: &Options) -> Figures {
    let fedns = Fedns::on_contexts(&[cluster.context()], "");
    fedns.is_ready();
    figures(&fedns, options.idle)
}

/// A fresh fedns; also the CPU time of one change, in milliseconds.
fn measure_many(cluster: &ApiServer, options: &Options) -> (Figures, f64) {
    let fedns = Fedns::on_contexts(&[cluster.context()], "");
    wait_for_last(&fedns, options.services);
    (figures(&fedns, options.idle), cpu_time_of_change(cluster, &fedns, options.services))
}

/// A fedns that has saved what it knows, and begins with that.
fn measure_restart(cluster: &ApiServer, options: &Options) -> Figures {
    let mut fedns = Fedns::on_contexts(&[cluster.context()], "lameDuck: 0s\n");
    wait_for_last(&fedns, options.services);
    pause(SETTLE);
    fedns.stop();
    fedns.start();
    wait_for_last(&fedns, options.services);
    figures(&fedns, options.idle)
}

/// Until the Service that was created last is answered.
fn wait_for_last(fedns: &Fedns, services: usize) {
    fedns.is_ready();
    let last = format!("s{}.default.fed.svc.example.com", services - 1);
    asker(fedns, &last).until(address(services - 1), Duration::from_millis(10));
}

fn asker(fedns: &Fedns, text: &str) -> Asker {
    Asker::new(fedns.dns_port(), &name(text))
}

/// Everything counts that fedns does from the first change to the last: what it saves, too.
fn cpu_time_of_change(cluster: &ApiServer, fedns: &Fedns, services: usize) -> f64 {
    let mut api = Api::new(cluster.context());
    let before = cpu_time(fedns.process().id());
    for number in 0..CHANGES {
        api.set_addresses(&format!("s{}", number % services), &[address(services + number)]);
        pause(Duration::from_millis(10));
    }
    let last = format!("s{}.default.fed.svc.example.com", (CHANGES - 1) % services);
    asker(fedns, &last).until(address(services + CHANGES - 1), Duration::from_millis(10));
    let used = cpu_time(fedns.process().id()) - before;
    used.as_secs_f64() * 1e3 / CHANGES as f64
}

fn figures(fedns: &Fedns, idle: u64) -> Figures {
    let process = fedns.process().id();
    pause(SETTLE);
    let before = cpu_time(process);
    pause(Duration::from_secs(idle));
    let used = cpu_time(process) - before;
    let memory = memory(process);
    Figures {
        resident: mebibytes(memory.resident),
        peak: mebibytes(memory.peak),
        anonymous: mebibytes(memory.anonymous),
        idle: used.as_secs_f64() * 100.0 / idle as f64,
    }
}

fn told(what: &str, figures: &Figures) -> Vec<String> {
    let Figures { resident, peak, anonymous, idle } = figures;
    row([
        what.to_owned(),
        format!("{resident:.1}"),
        format!("{peak:.1}"),
        format!("{anonymous:.1}"),
        format!("{idle:.3}"),
    ])
}
