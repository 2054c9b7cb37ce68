//! Measures the store and `respond`: `cargo run --release --example measure [names]`.
//!
//! Prints the memory that each record set takes, the time of a load, nanoseconds per answer, and
//! the cost of commits, alone and while a reader answers.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use dns_server::{Reader, Request, Store, Transport, Writer, answer, respond};
use model::{Name, Rdata, RecordSet, RecordType, Serial};

const QUERIES: usize = 20_000;
const BATCH: usize = 32;

fn main() {
    let names: usize = std::env::args()
        .nth(1)
        .map_or(1_000_000, |text| text.parse().expect("the number of names is a number"));
    let (mut writer, reader) = Store::new();
    let apex = name("example.com");
    let before = resident_bytes();
    let start = Instant::now();
    let published = writer.load(&apex, Serial(1), zone(&apex, names)).expect("it has a SOA");
    let took = start.elapsed();
    assert!(published.left_out.is_empty());
    let each = (resident_bytes() - before) as f64 / names as f64;
    println!("{names} names loaded in {took:.2?}, {each:.1} bytes of memory each");
    for (what, queries) in [
        ("hit", queries(names, |at| format!("h{at:07}.example.com"))),
        ("nodata", aaaa(queries(names, |at| format!("h{at:07}.example.com")))),
        ("nxdomain", queries(names, |at| format!("n{at:07}.example.com"))),
        ("cname", queries(1000, |at| format!("alias{at}.example.com"))),
        ("refused", queries(names, |at| format!("h{at:07}.example.org"))),
        ("deep nxdomain", queries(names, |at| format!("a.b.c.d.e.f.g.h{at}.example.com"))),
    ] {
        println!(
            "{what:>14}: {:6.1} ns one by one, {:6.1} ns in batches",
            one_by_one(&reader, &queries),
            in_batches(&reader, &queries)
        );
    }
    commits(&mut writer, &reader, &apex, names, false);
    commits(&mut writer, &reader, &apex, names, true);
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a well-formed name")
}

fn addresses(at: usize) -> Vec<RecordSet> {
    let [a, b] = [at as u32, at as u32 ^ 0xffff_0000].map(|ip| Rdata::from_wire(ip.to_be_bytes()));
    RecordSet::new(RecordType::A, 180, [a, b]).into_iter().collect()
}

fn zone(apex: &Name, names: usize) -> impl Iterator<Item = (Name, Vec<RecordSet>)> {
    let host = name("ns1.example.com");
    let soa = Rdata::soa(&host, &host, 1, [900, 300, 604_800, 60]);
    let soa = RecordSet::single(RecordType::SOA, 3600, soa);
    let hosts = (0..names).map(|at| (name(&format!("h{at:07}.example.com")), addresses(at)));
    let aliases = (0..1000).map(|at| {
        let target = Rdata::from_wire(name(&format!("h{at:07}.example.com")).wire());
        (
            name(&format!("alias{at}.example.com")),
            vec![RecordSet::single(RecordType::CNAME, 180, target)],
        )
    });
    std::iter::once((apex.clone(), vec![soa])).chain(hosts).chain(aliases)
}

/// Queries for names all over the zone, with EDNS.
fn queries(names: usize, text: impl Fn(usize) -> String) -> Vec<Vec<u8>> {
    let spread = (0..QUERIES).map(|at| at.wrapping_mul(2_654_435_761) % names);
    spread
        .map(|at| {
            let mut query = vec![0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
            query.extend_from_slice(name(&text(at)).wire());
            query.extend_from_slice(&[0, 1, 0, 1, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
            query
        })
        .collect()
}

fn aaaa(mut queries: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    for query in &mut queries {
        let at = query.len() - 14;
        query[at] = 28;
    }
    queries
}

fn one_by_one(reader: &Reader, queries: &[Vec<u8>]) -> f64 {
    let mut out = [0; 1232];
    best_of(queries.len(), || {
        for batch in queries.chunks(BATCH) {
            let snapshot = reader.snapshot();
            for query in batch {
                black_box(respond(&snapshot, query, Transport::Udp, &mut out));
            }
        }
    })
}

fn in_batches(reader: &Reader, queries: &[Vec<u8>]) -> f64 {
    let mut outs = vec![[0; 1232]; BATCH];
    let mut requests = vec![Request::new(); BATCH];
    best_of(queries.len(), || {
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
                black_box(answer(&snapshot, query, request, Transport::Udp, out));
            }
        }
    })
}

fn best_of(count: usize, mut run: impl FnMut()) -> f64 {
    let times = (0..30).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_nanos() as f64 / count as f64
    });
    times.fold(f64::INFINITY, f64::min)
}

fn commits(writer: &mut Writer, reader: &Reader, apex: &Name, names: usize, busy: bool) {
    const COMMITS: usize = 300_000;
    let done = AtomicBool::new(false);
    let answered = AtomicU64::new(0);
    let queries = queries(names, |at| format!("h{at:07}.example.com"));
    thread::scope(|scope| {
        if busy {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    one_round(reader, &queries);
                    answered.fetch_add(queries.len() as u64, Ordering::Relaxed);
                }
            });
        }
        let targets: Vec<(Name, Vec<RecordSet>)> = (0..COMMITS)
            .map(|at| at.wrapping_mul(2_654_435_761) % names)
            .map(|at| (name(&format!("h{at:07}.example.com")), addresses(at + 1)))
            .collect();
        let mut times = Vec::with_capacity(COMMITS);
        let start = Instant::now();
        for (serial, (name, sets)) in targets.iter().enumerate() {
            let begin = Instant::now();
            writer.replace_sets(apex, &[(name, sets)], Serial(serial as u32)).expect("it is there");
            times.push(begin.elapsed());
        }
        let took = start.elapsed();
        done.store(true, Ordering::Relaxed);
        times.sort();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        println!(
            "{} commits of one name{}: {:.0}/s, median {:?}, p99 {:?}, most {:?}; {:.0} answers/s",
            COMMITS,
            if busy { " while a reader answers" } else { "" },
            COMMITS as f64 / took.as_secs_f64(),
            at(0.5),
            at(0.99),
            at(1.0),
            answered.load(Ordering::Relaxed) as f64 / took.as_secs_f64(),
        );
    });
}

fn one_round(reader: &Reader, queries: &[Vec<u8>]) {
    let mut out = [0; 1232];
    for batch in queries.chunks(BATCH) {
        let snapshot = reader.snapshot();
        for query in batch {
            black_box(respond(&snapshot, query, Transport::Udp, &mut out));
        }
    }
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages = status.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.expect("the second number is the resident set") * 4096
}
