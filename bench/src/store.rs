//! The zone store alone: how fast a zone is loaded, what a name takes, and what a change costs,
//! with and without a reader that answers all the while.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use dns_server::{Reader, Store, Writer};
use model::{Name, RecordSet, Serial};

use crate::latency::Latency;
use crate::process_stats::own_memory;
use crate::query::name;
use crate::report::{Report, row};
use crate::respond::answer_one_by_one;
use crate::static_zone::{Kind, addresses, apex, host, load};

#[derive(Args)]
pub struct Options {
    /// Hosts in the zone, with two addresses each
    #[arg(long, default_value_t = 1_000_000)]
    hosts: usize,
    /// Changes of one host that are measured
    #[arg(long, default_value_t = 300_000)]
    changes: usize,
}

pub fn run(options: &Options, save: bool) {
    let mut report = Report::begin("store", save);
    let (mut writer, reader) = Store::new();
    let (before, start) = (own_memory(), Instant::now());
    load(&mut writer, options.hosts);
    let took = start.elapsed();
    let each = (own_memory() - before) as f64 / options.hosts as f64;
    report.line(&format!(
        "{} hosts loaded in {:.2} s, names made included; {each:.0} bytes each\n",
        options.hosts,
        took.as_secs_f64()
    ));
    let mut rows =
        vec![row(["changes of one host", "a second", "median us", "p99 us", "answers/s"])];
    for busy in [false, true] {
        rows.push(changes(options, &mut writer, &reader, busy));
    }
    report.table(&rows);
    report.end();
}

fn changes(options: &Options, writer: &mut Writer, reader: &Reader, busy: bool) -> Vec<String> {
    let targets: Vec<(Name, Vec<RecordSet>)> = (0..options.changes)
        .map(|at| at.wrapping_mul(2_654_435_761) % options.hosts)
        .map(|at| (name(&host(at)), addresses(at + 1 + usize::from(busy))))
        .collect();
    let queries = Kind::Hit.queries(options.hosts);
    let (done, answers) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        if busy {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    answer_one_by_one(reader, &queries);
                    answers.fetch_add(queries.len() as u64, Ordering::Relaxed);
                }
            });
        }
        let (took, times) = commit_all(writer, &targets);
        done.store(true, Ordering::Relaxed);
        let a_second = |count: f64| format!("{:.0}", count / took.as_secs_f64());
        row([
            (if busy { "while a reader answers" } else { "alone" }).to_owned(),
            a_second(targets.len() as f64),
            format!("{:.2}", times.median()),
            format!("{:.2}", times.p99()),
            a_second(answers.load(Ordering::Relaxed) as f64),
        ])
    })
}

/// The whole time, and that of each change in microseconds.
fn commit_all(writer: &mut Writer, targets: &[(Name, Vec<RecordSet>)]) -> (Duration, Latency) {
    let (apex, start) = (apex(), Instant::now());
    let mut serial = Serial(1);
    let mut times = Vec::with_capacity(targets.len());
    for (name, sets) in targets {
        serial = serial.next();
        let begin = Instant::now();
        writer.replace_sets(&apex, &[(name, sets)], serial).expect("the zone is there");
        times.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    (start.elapsed(), Latency::new(times))
}
