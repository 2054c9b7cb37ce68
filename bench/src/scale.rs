//! A thousand clusters with a thousand services each: their index, first plan and publication, all
//! on one thread.
//!
//! The steps are those of `serve` when its last cluster has listed: the zone's checksum, which
//! decides whether the serial of the last run stands, then the plan, published while it is made.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use clap::Args;
use dns_server::Store;
use model::{EmptyLevels, Serial};
use planner::Planner;

use crate::population::{Population, settings, zone_name};
use crate::process_stats::{mebibytes, own_memory};
use crate::report::{Report, row};

#[derive(Args)]
pub struct Options {
    #[arg(long, default_value_t = 1_000)]
    clusters: usize,
    #[arg(long, default_value_t = 200_000)]
    services: usize,
    #[arg(long, default_value_t = 5)]
    clusters_per_service: usize,
}

pub fn run(options: &Options, save: bool) {
    let Options { clusters, services, clusters_per_service } = *options;
    let population = Population { clusters, services, clusters_per_service };
    let mut report = Report::begin("scale", save);
    let mut planner = Planner::new(vec![settings(EmptyLevels::Present)]);

    let before = own_memory();
    let absorb = absorb(&mut planner, population);
    let index = own_memory() - before;

    let start = Instant::now();
    let (names, _sum) = checksum(&planner);
    let check = start.elapsed();

    let (mut writer, _reader) = Store::new();
    let before = own_memory();
    let start = Instant::now();
    writer
        .load(&zone_name(), Serial(1), planner.zone_names(0, &mut Vec::new()))
        .expect("the base has a SOA");
    let publish = start.elapsed();
    let zone = own_memory() - before;

    let shards = population.shards();
    report.line(&format!(
        "{clusters} clusters, {services} services, {shards} shards, {names} names, emptyLevels: present"
    ));
    let seconds = |time: Duration| format!("{:.2}", time.as_secs_f64());
    report.table(&[
        row(["step", "s"]),
        row(["take in every cluster's view".into(), seconds(absorb)]),
        row(["checksum of the plan".into(), seconds(check)]),
        row(["plan and publish".into(), seconds(publish)]),
    ]);
    let each = |bytes: u64, count: usize| format!("{:.0}", bytes as f64 / count as f64);
    report.table(&[
        row(["memory (growth of the heap)", "MiB", "bytes each"]),
        row(["index, by shard".into(), format!("{:.0}", mebibytes(index)), each(index, shards)]),
        row(["zone, by name".into(), format!("{:.0}", mebibytes(zone)), each(zone, names)]),
    ]);
    let first = (absorb + check + publish).as_secs_f64();
    report.target("first plan and publication, all steps", first, 10.0, "s");
    report.target("index", index as f64 / shards as f64, 300.0, "bytes a shard");
    report.end();
}

/// The views are made between the clock's turns.
fn absorb(planner: &mut Planner, population: Population) -> Duration {
    let mut took = Duration::ZERO;
    for cluster in 0..population.clusters {
        let (name, view) = (Population::cluster_name(cluster), population.view(cluster));
        let start = Instant::now();
        planner.absorb(&name, view);
        took += start.elapsed();
    }
    let start = Instant::now();
    planner.absorbed();
    took + start.elapsed()
}

/// The number of names, and a sum over them that does not depend on their order.
fn checksum(planner: &Planner) -> (usize, u64) {
    planner.zone_names(0, &mut Vec::new()).fold((0, 0), |(count, sum): (usize, u64), name| {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        (count + 1, sum.wrapping_add(hasher.finish()))
    })
}
