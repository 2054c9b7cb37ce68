//! `respond` alone: instructions and nanoseconds of one answer, by what the query finds.
//!
//! Instructions are counted by callgrind on a small zone: they do not depend on its size. Time does,
//! through the caches, so it is measured on a small and on a large zone; each figure is the best of
//! many runs. "Batches" is the way of the UDP threads: all packets of a batch are read and their
//! names prefetched before the first is answered.

use std::hint::black_box;
use std::time::Instant;

use clap::Args;
use dns_server::{Client, Reader, Request, Transport, answer, respond};

use crate::callgrind;
use crate::report::{Report, row};
use crate::static_zone::{Kind, QUERIES, loaded};

#[derive(Args)]
pub struct Options {
    /// Hosts in the small zone
    #[arg(long, default_value_t = 10_000)]
    small: usize,
    /// Hosts in the large zone
    #[arg(long, default_value_t = 1_000_000)]
    large: usize,
    /// Set where callgrind counts: the kind of query
    #[arg(long, hide = true)]
    under_callgrind: Option<String>,
}

const BATCH: usize = 32;
const RUNS: usize = 30;
/// The room for one answer: the payload that the queries offer.
const ROOM: usize = 1232;

pub fn run(options: &Options, save: bool) {
    if let Some(word) = &options.under_callgrind {
        let kind = Kind::from_word(word).expect("a kind of query");
        return count(kind, options.small);
    }
    let mut report = Report::begin("respond", save);
    let mut rows = vec![row([
        "query finds".to_owned(),
        "instructions".to_owned(),
        format!("ns at {}", options.small),
        "in batches".to_owned(),
        format!("ns at {}", options.large),
        "in batches".to_owned(),
    ])];
    let stores = [options.small, options.large].map(|hosts| (hosts, loaded(hosts).1));
    for kind in Kind::ALL {
        let mut figures =
            vec![kind.word().to_owned(), format!("{:.0}", instructions(options, kind))];
        for (hosts, reader) in &stores {
            let queries = kind.queries(*hosts);
            figures.push(format!("{:.0}", best(|| answer_one_by_one(reader, &queries))));
            figures.push(format!("{:.0}", best(|| answer_in_batches(reader, &queries))));
        }
        rows.push(figures);
    }
    report.table(&rows);
    report.end();
}

fn instructions(options: &Options, kind: Kind) -> f64 {
    let small = options.small.to_string();
    let arguments = ["respond", "--under-callgrind", kind.word(), "--small", &small];
    callgrind::instructions(&arguments, "answer_one_by_one") as f64 / QUERIES as f64
}

fn count(kind: Kind, hosts: usize) {
    let (_writer, reader) = loaded(hosts);
    let queries = kind.queries(hosts);
    callgrind::wait_for_counting();
    answer_one_by_one(&reader, &queries);
}

/// Nanoseconds of one answer.
fn best(mut run: impl FnMut()) -> f64 {
    let times = (0..RUNS).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_nanos() as f64 / QUERIES as f64
    });
    times.fold(f64::INFINITY, f64::min)
}

#[inline(never)]
pub fn answer_one_by_one(reader: &Reader, queries: &[Vec<u8>]) {
    let mut out = [0; ROOM];
    let client = Client::anyone(Transport::Udp);
    for batch in queries.chunks(BATCH) {
        let snapshot = reader.snapshot();
        for query in batch {
            black_box(respond(&snapshot, query, &client, &mut out));
        }
    }
}

fn answer_in_batches(reader: &Reader, queries: &[Vec<u8>]) {
    let mut outs = vec![[0; ROOM]; BATCH];
    let mut requests = vec![Request::new(); BATCH];
    let client = Client::anyone(Transport::Udp);
    for batch in queries.chunks(BATCH) {
        let snapshot = reader.snapshot();
        for (request, query) in requests.iter_mut().zip(batch) {
            assert!(request.parse(query, &snapshot));
            snapshot.prefetch_slots(request.hash());
        }
        for request in &requests[..batch.len()] {
            snapshot.prefetch_node(request.hash());
        }
        for ((request, query), out) in requests.iter().zip(batch).zip(&mut outs) {
            black_box(answer(&snapshot, query, request, &client, out));
        }
    }
}
