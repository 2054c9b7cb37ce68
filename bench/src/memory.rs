//! What `serve` takes with no Services and with many: memory, CPU time while nothing changes, and
//! CPU time of one change.
//!
//! The Services are real objects of one API server, each with a selector, an address and an
//! EndpointSlice with one ready endpoint, as a cluster with controllers has them.

use std::thread;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tests::api_server::{self, ApiServer};
use tests::kubectl::Node;
use tests::serving::Fedns;

use crate::api::Api;
use crate::asker::Asker;
use crate::clusters::{address, service};
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

/// Connections that create objects.
const WRITERS: usize = 4;
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
    // Each LoadBalancer Service has a node port, and the usual range holds 2,768 of them.
    let flags = vec!["--service-node-port-range=10000-60000".to_owned()];
    let cluster =
        ApiServer::start_with("beijing", api_server::Options { flags, ..Default::default() });
    cluster.kubectl().create_node(Node::new("node-1", "cn-beijing", "cn-beijing-a"));
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

/// Creates the Services, shared out among a few connections.
fn fill(cluster: &ApiServer, services: usize) {
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let context = cluster.context();
            scope.spawn(move || {
                let mut api = Api::new(context);
                for number in (writer..services).step_by(WRITERS) {
                    create(&mut api, number);
                }
            });
        }
    });
}

fn create(api: &mut Api, number: usize) {
    let name = format!("s{number}");
    let service = service(&name, &json!({"app": name}));
    api.create("/api/v1/namespaces/default/services", &service);
    api.set_addresses(&name, &[address(number)]);
    api.create("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", &slice(&name));
}

fn slice(service: &str) -> Value {
    json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": format!("{service}-1"), "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4", "ports": [{"port": 80}],
        "endpoints": [{"addresses": ["10.200.0.1"], "conditions": {"ready": true}}]})
}
