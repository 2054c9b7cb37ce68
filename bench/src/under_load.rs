//! A million names and a stream of queries for them: from a watch event to the answer.
//!
//! The names come from a folder of manifests as one cluster, the change from a real API server as
//! another. The clock starts when a bare watch of the changed Service has the event's bytes; fedns
//! watches the same object on its own connection.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use model::{Name, RecordType};
use serde_json::json;
use tests::api_server::ApiServer;
use tests::kubeconfig::kubeconfig;
use tests::serving::Fedns;

use crate::api::Api;
use crate::asker::Asker;
use crate::clusters::{SERVICE, address, asker, cluster, first_address};
use crate::latency::{HEADING, Latency, milliseconds};
use crate::load::Load;
use crate::pace::pause;
use crate::process_stats::{cpu_time_of_all, mebibytes, memory};
use crate::query::{name, query};
use crate::report::{Report, row};
use crate::watch::BareWatch;

#[derive(Args)]
pub struct Options {
    /// Names in the zone; each Service makes five
    #[arg(long, default_value_t = 1_000_000)]
    names: usize,
    /// Queries a second for other names
    #[arg(long, default_value_t = 50_000)]
    queries: u32,
    /// Changes that are measured
    #[arg(long, default_value_t = 500)]
    rounds: usize,
    /// Rest between two changes, in milliseconds
    #[arg(long, default_value_t = 20)]
    rest: u64,
}

/// The global name, and the region and zone names of two clusters.
const NAMES_PER_SERVICE: usize = 5;
const SERVICES_PER_FILE: usize = 1000;
/// Sockets from which the changed name is asked in turn, so that each of the server's threads is.
const ASKERS: usize = 8;
/// Different queries of the stream.
const QUERIES: usize = 200_000;
const WARM_UP: usize = 50;

pub fn run(options: &Options, save: bool) {
    let mut report = Report::begin("under-load", save);
    let services = options.names / NAMES_PER_SERVICE;
    let live = cluster("live");
    let (mut fedns, started) = (prepared(&live, services), Instant::now());
    fedns.start();
    fedns.is_ready();
    first_address(&live, fedns.dns_port(), address(0));
    let process = fedns.process().id();
    report.line(&format!(
        "{} names, ready after {:.1} s with {:.0} MiB resident",
        services * NAMES_PER_SERVICE,
        started.elapsed().as_secs_f64(),
        mebibytes(memory(process).resident)
    ));
    let load = Load::start(fedns.dns_port(), options.queries, queries(services));
    let (cpu, began) = (cpu_time_of_all(process), Instant::now());
    let (latency, from_patch) = measure(options, &live, &fedns);
    let busy = (cpu_time_of_all(process) - cpu).as_secs_f64() / began.elapsed().as_secs_f64();
    let sent = load.stop();
    report.line(&format!(
        "{:.0} queries/s, {:.3} % answered, {:.3} % of the answers with records; fedns used {:.0} % of a core",
        sent.queries as f64 / sent.seconds,
        sent.answers as f64 * 100.0 / sent.queries as f64,
        sent.good as f64 * 100.0 / sent.answers as f64,
        busy * 100.0
    ));
    report.table(&[
        row(HEADING),
        latency.row("event at a bare watch to answer received"),
        from_patch.row("acknowledgement to answer received"),
    ]);
    report.line(&restarted(&mut fedns, services));
    report.target("event to answer, median", latency.median(), 1.0, "ms");
    report.target("event to answer, p99", latency.p99(), 5.0, "ms");
    report.end();
}

/// From the event, and from the acknowledgement.
fn measure(options: &Options, live: &ApiServer, fedns: &Fedns) -> (Latency, Latency) {
    let watch = BareWatch::start(live.context(), SERVICE);
    let mut api = Api::new(live.context());
    let mut askers: Vec<_> = (0..ASKERS).map(|_| asker(fedns.dns_port())).collect();
    let (mut from_event, mut from_patch) = (Vec::new(), Vec::new());
    for number in 0..WARM_UP + options.rounds {
        let new = address(1 + number);
        let acknowledged = api.set_addresses(SERVICE, &[new]);
        let answered = askers[number % ASKERS].until(new, Duration::ZERO).at;
        let event = watch.until(new);
        if number >= WARM_UP {
            from_event.push(milliseconds(event, answered));
            from_patch.push(milliseconds(acknowledged, answered));
        }
        pause(Duration::from_millis(options.rest));
    }
    (Latency::new(from_event), Latency::new(from_patch))
}

/// How soon what was saved is answered, while the folder is still being read.
fn restarted(fedns: &mut Fedns, services: usize) -> String {
    let last = name(&format!("s{}.default.fed.svc.many.example.com", services - 1));
    fedns.stop();
    let started = Instant::now();
    fedns.start();
    let mut asker = Asker::new(fedns.dns_port(), &last);
    let answered = asker.until(address(services - 1), Duration::from_millis(10)).at - started;
    let used = cpu_time_of_all(fedns.process().id());
    format!(
        "started again: answered from the saved state after {:.1} s, {:.1} s of CPU time",
        answered.as_secs_f64(),
        used.as_secs_f64()
    )
}

/// fedns on the folder and the API server, not yet started.
fn prepared(live: &ApiServer, services: usize) -> Fedns {
    let entries = [
        "{name: many, manifests: ./many, region: many, availabilityZones: [many-a]}",
        "{name: live, kubeconfig: ./kubeconfig, context: live}",
    ];
    let fedns =
        Fedns::prepared(&entries.map(str::to_owned), "startupTimeout: 120s\nlameDuck: 0s\n");
    let context = kubeconfig(&[live.context()]);
    fs::write(fedns.home().join("kubeconfig"), context).expect("the folder is there");
    write_manifests(&fedns.home().join("many"), services);
    fedns
}

/// Services `s0` and so on, each with one address.
pub fn write_manifests(folder: &Path, services: usize) {
    fs::create_dir(folder).expect("the folder is new");
    for first in (0..services).step_by(SERVICES_PER_FILE) {
        let numbers = first..services.min(first + SERVICES_PER_FILE);
        let list = json!({"apiVersion": "v1", "kind": "ServiceList",
            "items": numbers.map(manifest).collect::<Vec<_>>()});
        let file = folder.join(format!("services-{first}.json"));
        fs::write(&file, list.to_string()).expect("there is room");
    }
}

fn manifest(number: usize) -> serde_json::Value {
    json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": format!("s{number}"), "namespace": "default"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
        "status": {"loadBalancer": {"ingress": [{"ip": address(number)}]}}})
}

/// Names of all levels, spread over all Services.
fn queries(services: usize) -> Vec<Vec<u8>> {
    let places = ["", "many.", "many-a.many.", "live.", "live-a.live."];
    let name_of = |at: usize| -> Name {
        let service = at.wrapping_mul(2_654_435_761) % services;
        let place = places[at % places.len()];
        name(&format!("s{service}.default.fed.svc.{place}example.com"))
    };
    (0..QUERIES).map(|at| query(at as u16, &name_of(at), RecordType::A)).collect()
}
