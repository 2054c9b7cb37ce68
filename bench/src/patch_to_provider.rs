//! From a patch to a provider: when the first call of a change arrives, how many calls it takes, and
//! what it costs.
//!
//! The provider is a Route53 of our own in this process, which notes when each call arrives; the
//! Services are real objects of one API server. Each round changes the address of another Service,
//! and the clock runs from the API server's acknowledgement to the first call that changes the zone.
//!
//! What the same changes cost is measured without any mirror, too, and with a name server that takes
//! dynamic updates (Knot): so it shows what of it is the mirror's, and what the vendor's client's.

use std::cell::Cell;
use std::time::{Duration, Instant};

use clap::Args;
use tests::api_server::ApiServer;
use tests::eventually::eventually;
use tests::fakes::route53::FakeRoute53;
use tests::name_server::{NameServer, Software};
use tests::scene::{HostedZone, Scene};
use tests::serving::Fedns;

use crate::change_cost::Changes;
use crate::clusters::{fill, roomy_cluster};
use crate::latency::{HEADING, Latency, milliseconds};
use crate::report::{Report, row};

#[derive(Args)]
pub struct Options {
    /// LoadBalancer Services in the cluster
    #[arg(long, default_value_t = 10_000)]
    services: usize,
    /// Changes that are measured
    #[arg(long, default_value_t = 200)]
    rounds: usize,
    /// Rest between two changes, in milliseconds; an account may be called five times in a second
    #[arg(long, default_value_t = 300)]
    rest: u64,
}

const CHANGE: &str = "ChangeResourceRecordSets";
const ZONE: &str = "fed.example.com";
/// A first fill of tens of thousands of names.
const PATIENCE: Duration = Duration::from_secs(900);

pub fn run(options: &Options, save: bool) {
    let mut report = Report::begin("patch-to-provider", save);
    let Options { services, rounds, rest } = *options;
    let cluster = roomy_cluster("beijing");
    fill(&cluster, services);
    let mut changes = Changes::new(&cluster, services, rounds, Duration::from_millis(rest));
    let costs = [
        ("without a mirror", without_mirror(&cluster, &mut changes)),
        ("to a name server that takes dynamic updates", to_name_server(&cluster, &mut changes)),
    ];
    let figures = to_route53(&cluster, &mut changes);
    tell(&mut report, options, &costs, &figures);
    report.end();
}

/// Milliseconds of CPU time of a change.
fn without_mirror(cluster: &ApiServer, changes: &mut Changes) -> f64 {
    let more = "lameDuck: 0s\nservices: {publish: all, privateAddresses: publish}\n";
    let fedns = Fedns::on_contexts(&[cluster.context()], more);
    fedns.is_ready();
    let cost = changes.cost(&fedns, || (), |_| ());
    let (service, address) = changes.last();
    fedns.answers(&format!("{service}.default.fed.svc.example.com"), &format!("NOERROR {address}"));
    cost
}

/// The same with a client of our own.
fn to_name_server(cluster: &ApiServer, changes: &mut Changes) -> f64 {
    let server = NameServer::start(Software::Knot, "");
    let mut scene = Scene::on_contexts(server, &[cluster.context()]);
    scene.start();
    // Each with names for zone, region and all; one more set says who writes.
    let all = changes.services * 3 * 2 + 1;
    eventually(PATIENCE, "all names stand", || match scene.host.records().len() {
        count if count >= all => Ok(()),
        count => Err(format!("{count} of {all} records")),
    });
    scene.is_in_sync();
    let cost = changes.cost(&scene.fedns, || (), |_| ());
    scene.is_in_sync();
    let (_, address) = changes.last();
    let records = scene.host.records();
    assert!(records.iter().any(|it| it.ends_with(&format!(" A {address}"))), "no {address}");
    cost
}

fn to_route53(cluster: &ApiServer, changes: &mut Changes) -> Figures {
    let fake = FakeRoute53::start();
    let zone = HostedZone::create(fake.botocore(), ZONE);
    let mut scene = Scene::on_contexts(zone, &[cluster.context()]);
    scene.start();
    let started = Instant::now();
    // As above; two more sets are the zone's own.
    let all = changes.services * 3 * 2 + 3;
    eventually(PATIENCE, "all names stand", || match fake.set_count(&scene.host.id) {
        count if count >= all => Ok(()),
        count => Err(format!("{count} of {all} sets")),
    });
    scene.is_in_sync();
    let first_fill = (started.elapsed().as_secs_f64(), fake.count(CHANGE));
    let mut latencies = Vec::with_capacity(changes.rounds);
    let (calls_before, changed) = (Cell::new(0), Cell::new(0));
    let begin = || {
        calls_before.set(fake.calls());
        changed.set(fake.count(CHANGE));
    };
    let cpu = changes.cost(&scene.fedns, begin, |acknowledged| {
        let called = eventually(PATIENCE, "the call", || {
            fake.called_at(CHANGE).get(changed.get()).copied().ok_or("none")
        });
        changed.set(changed.get() + 1);
        latencies.push(milliseconds(acknowledged, called));
    });
    let calls = (fake.calls() - calls_before.get()) as f64 / changes.rounds as f64;
    Figures { latency: Latency::new(latencies), cpu, calls, first_fill }
}

struct Figures {
    latency: Latency,
    /// Milliseconds of a change.
    cpu: f64,
    /// Of a change.
    calls: f64,
    /// Seconds, and calls that changed the zone.
    first_fill: (f64, usize),
}

fn tell(
    report: &mut Report,
    Options { services, rounds, .. }: &Options,
    costs: &[(&str, f64)],
    figures: &Figures,
) {
    let Figures { latency, cpu, calls, first_fill: (seconds, fill_calls) } = figures;
    report.line(&format!(
        "{rounds} changes, one after the other, in a cluster of {services} Services; the first fill took \
         {seconds:.1} s and {fill_calls} calls that change the zone"
    ));
    report.table(&[row(HEADING), latency.row("acknowledgement to first call of the provider")]);
    let costs = costs.iter().copied().chain([("to Route53", *cpu)]);
    let costs = costs.map(|(what, cost)| row([what.to_owned(), format!("{cost:.3}")]));
    let heading = row(["CPU time of one change, less that at rest", "ms"]);
    report.table(&std::iter::once(heading).chain(costs).collect::<Vec<_>>());
    report.target("acknowledgement to call, median", latency.median(), 50.0, "ms");
    report.target("acknowledgement to call, p99", latency.p99(), 100.0, "ms");
    report.target("calls of one change", *calls, 1.0, "calls");
    report.target("CPU time of one change", *cpu, 1.0, "ms");
}
