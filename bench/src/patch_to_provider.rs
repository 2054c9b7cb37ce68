//! From a patch to a provider: when the first call of a change arrives, how many calls it takes, and
//! what it costs.
//!
//! The provider is a Route53 of our own in this process, which notes when each call arrives; the
//! Services are real objects of one API server. Each round changes the address of another Service,
//! and the clock runs from the API server's acknowledgement to the first call that changes the zone.

use std::time::{Duration, Instant};

use clap::Args;
use tests::eventually::eventually;
use tests::fakes::route53::FakeRoute53;
use tests::scene::{HostedZone, Scene};

use crate::api::Api;
use crate::clusters::{address, fill, roomy_cluster};
use crate::latency::{HEADING, Latency, milliseconds};
use crate::pace::pause;
use crate::process_stats::cpu_time;
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
/// Changes before the first that counts.
const WARM_UP: usize = 10;
/// A first fill of tens of thousands of names.
const PATIENCE: Duration = Duration::from_secs(900);

pub fn run(options: &Options, save: bool) {
    let mut report = Report::begin("patch-to-provider", save);
    let Options { services, rounds, rest } = *options;
    let cluster = roomy_cluster("beijing");
    fill(&cluster, services);
    let fake = FakeRoute53::start();
    let zone = HostedZone::create(fake.botocore(), ZONE);
    let mut scene = Scene::on_contexts(zone, &[cluster.context()]);
    scene.start();
    let started = Instant::now();
    // Each with names for zone, region and all; one more set says who writes, two are the zone's own.
    let all = services * 3 * 2 + 3;
    eventually(PATIENCE, "all names stand", || match fake.set_count(&scene.host.id) {
        count if count >= all => Ok(()),
        count => Err(format!("{count} of {all} sets")),
    });
    scene.is_in_sync();
    let first_fill = (started.elapsed().as_secs_f64(), fake.count(CHANGE));
    let mut api = Api::new(cluster.context());
    let mut latencies = Vec::with_capacity(rounds);
    let mut before = (Duration::ZERO, 0);
    for number in 0..WARM_UP + rounds {
        if number == WARM_UP {
            before = (cpu_time(scene.fedns.process().id()), fake.calls());
        }
        let calls = fake.count(CHANGE);
        let service = format!("s{}", number * 37 % services);
        let acknowledged = api.set_addresses(&service, &[address(services + number)]);
        let called = eventually(PATIENCE, "the call", || {
            fake.called_at(CHANGE).get(calls).copied().ok_or("none")
        });
        if number >= WARM_UP {
            latencies.push(milliseconds(acknowledged, called));
        }
        pause(Duration::from_millis(rest));
    }
    let used = cpu_time(scene.fedns.process().id()) - before.0;
    let figures = Figures {
        latency: Latency::new(latencies),
        cpu: used.as_secs_f64() * 1e3 / rounds as f64,
        calls: (fake.calls() - before.1) as f64 / rounds as f64,
        first_fill,
    };
    tell(&mut report, options, &figures);
    report.end();
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

fn tell(report: &mut Report, Options { services, rounds, .. }: &Options, figures: &Figures) {
    let Figures { latency, cpu, calls, first_fill: (seconds, fill_calls) } = figures;
    report.line(&format!(
        "{rounds} changes, one after the other, in a cluster of {services} Services; the first fill took \
         {seconds:.1} s and {fill_calls} calls that change the zone"
    ));
    report.table(&[row(HEADING), latency.row("acknowledgement to first call of the provider")]);
    report.target("acknowledgement to call, median", latency.median(), 50.0, "ms");
    report.target("acknowledgement to call, p99", latency.p99(), 100.0, "ms");
    report.target("calls of one change", *calls, 1.0, "calls");
    report.target("CPU time of one change", *cpu, 1.0, "ms");
}
