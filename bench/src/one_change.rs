//! One change, from the watch's event to its publication, with few services and with many.
//!
//! Each change gives one service of one cluster another address: absorbed and planned by the
//! planner, published by the store's writer, as the pipeline of `serve` does it. Instructions are
//! counted by callgrind, over the same number of changes with few and with many services.

use std::hint::black_box;
use std::time::Instant;

use clap::Args;
use dns_server::{Store, Writer};
use model::{ClusterChange, ClusterName, EmptyLevels, Name, Serial};
use planner::Planner;

use crate::callgrind;
use crate::latency::Latency;
use crate::population::{Population, settings, zone_name};
use crate::report::{Report, row};

#[derive(Args)]
pub struct Options {
    #[arg(long, default_value_t = 1_000)]
    few: usize,
    #[arg(long, default_value_t = 1_000_000)]
    many: usize,
    /// Changes that are timed
    #[arg(long, default_value_t = 100_000)]
    changes: usize,
    /// Changes whose instructions are counted
    #[arg(long, default_value_t = 2_000)]
    counted: usize,
    /// Set where callgrind counts: the number of services
    #[arg(long, hide = true)]
    under_callgrind: Option<usize>,
}

/// Everything that a change goes through.
struct Trip {
    planner: Planner,
    writer: Writer,
    zone: Name,
    serial: Serial,
    population: Population,
}

struct Figures {
    services: usize,
    instructions: f64,
    microseconds: Latency,
}

pub fn run(options: &Options, save: bool) {
    if let Some(services) = options.under_callgrind {
        return count(services, options.counted);
    }
    let mut report = Report::begin("one-change", save);
    let figures = [options.few, options.many].map(|services| measure(options, services));
    let told = |figures: &Figures| {
        let Figures { services, instructions, microseconds } = figures;
        let time = |percent| format!("{:.1}", microseconds.percentile(percent));
        row([services.to_string(), format!("{instructions:.0}"), time(50), time(90), time(99)])
    };
    report.table(&[
        row(["services", "instructions", "median us", "p90 us", "p99 us"]),
        told(&figures[0]),
        told(&figures[1]),
    ]);
    let [few, many] = &figures;
    report.target("instructions, many to few", many.instructions / few.instructions, 1.2, "x");
    let time = many.microseconds.median() / few.microseconds.median();
    report.target("median time, many to few", time, 3.0, "x");
    report.end();
}

fn measure(options: &Options, services: usize) -> Figures {
    let (services_text, counted) = (services.to_string(), options.counted.to_string());
    let arguments = ["one-change", "--under-callgrind", &services_text, "--counted", &counted];
    let instructions = callgrind::instructions(&arguments, "one_change_from_event_to_publication");
    let mut trip = Trip::prepared(services);
    let mut microseconds = Vec::with_capacity(options.changes);
    for number in 0..options.changes {
        let (cluster, change) = trip.change(number);
        let start = Instant::now();
        one_change_from_event_to_publication(&mut trip, &cluster, change);
        microseconds.push(start.elapsed().as_secs_f64() * 1e6);
    }
    Figures {
        services,
        instructions: instructions as f64 / options.counted as f64,
        microseconds: Latency::new(microseconds),
    }
}

fn count(services: usize, changes: usize) {
    let mut trip = Trip::prepared(services);
    callgrind::wait_for_counting();
    for number in 0..changes {
        let (cluster, change) = trip.change(number);
        one_change_from_event_to_publication(&mut trip, &cluster, change);
    }
    // To free a million services under callgrind would take long, and says nothing.
    std::process::exit(0);
}

#[inline(never)]
fn one_change_from_event_to_publication(
    trip: &mut Trip,
    cluster: &ClusterName,
    change: ClusterChange,
) {
    let mut effects = trip.planner.no_effects();
    trip.planner.apply(cluster, change, &mut effects);
    trip.serial = trip.serial.next();
    let published = trip.writer.commit(&trip.zone, &effects.diffs[0], trip.serial);
    black_box(published.expect("the zone is published"));
}

impl Trip {
    /// Each service in two zones of one region, so that it has four names.
    fn prepared(services: usize) -> Self {
        let population = Population { clusters: 2, services, clusters_per_service: 2 };
        let mut planner = Planner::new(vec![settings(EmptyLevels::All)]);
        for cluster in 0..population.clusters {
            planner.absorb(&Population::cluster_name(cluster), population.view(cluster));
        }
        planner.absorbed();
        let (zone, serial) = (zone_name(), Serial(1));
        let (mut writer, _) = Store::new();
        writer
            .load(&zone, serial, planner.zone_names(0, &mut Vec::new()))
            .expect("the base has a SOA");
        Self { planner, writer, zone, serial, population }
    }

    /// Another address for a service anywhere.
    fn change(&self, number: usize) -> (ClusterName, ClusterChange) {
        let service = number.wrapping_mul(2_654_435_761) % self.population.services;
        let cluster = self.population.cluster_of(service, number % 2);
        let shard = Population::shard((1 << 23) + number);
        let change = ClusterChange::Service(Population::key(service), Some(shard));
        (Population::cluster_name(cluster), change)
    }
}
