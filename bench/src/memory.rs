//! What `serve` takes while nothing happens: memory with no Services and with many, and CPU time.
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
    let none = measure(&cluster, None, options.idle);
    fill(&cluster, options.services);
    let last = format!("s{}.default.fed.svc.example.com", options.services - 1);
    let many = measure(&cluster, Some((&last, options.services - 1)), options.idle);
    let restarted = measure_restart(&cluster, options, &last);
    report.table(&[
        row(["serve", "resident MiB", "peak MiB", "anonymous MiB", "idle, % of a core"]),
        told("no Services", &none),
        told(&format!("{} Services", options.services), &many),
        told("the same, started on its state", &restarted),
    ]);
    report.target("resident, no Services", none.resident, 15.0, "MiB");
    report.target("resident, many Services", many.resident, 40.0, "MiB");
    report.target("nothing changes", none.idle.max(many.idle), 0.05, "% of a core");
    report.end();
}

/// A fresh fedns; with Services, when the last of them is answered.
fn measure(cluster: &ApiServer, last: Option<(&str, usize)>, idle: u64) -> Figures {
    let fedns = Fedns::on_contexts(&[cluster.context()], "");
    fedns.is_ready();
    if let Some((last, number)) = last {
        wait_for(&fedns, last, number);
    }
    figures(&fedns, idle)
}

/// A fedns that has saved what it knows, and begins with that.
fn measure_restart(cluster: &ApiServer, options: &Options, last: &str) -> Figures {
    let mut fedns = Fedns::on_contexts(&[cluster.context()], "lameDuck: 0s\n");
    fedns.is_ready();
    wait_for(&fedns, last, options.services - 1);
    pause(SETTLE);
    fedns.stop();
    fedns.start();
    fedns.is_ready();
    wait_for(&fedns, last, options.services - 1);
    figures(&fedns, options.idle)
}

fn wait_for(fedns: &Fedns, last: &str, number: usize) {
    let mut asker = Asker::new(fedns.dns_port(), &name(last));
    asker.until(address(number), Duration::from_millis(10));
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
