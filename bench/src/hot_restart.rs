//! Processes take each other's place under load: how many queries are lost, and how long an answer takes
//! at the most.
//!
//! The stream of queries counts what is lost. Beside it one client asks all the time, one query after the
//! other: its longest wait is what a resolver would see of a restart.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use clap::Args;
use model::RecordType;
use tests::serving::Fedns;

use crate::latency::{HEADING, Latency, milliseconds};
use crate::load::Load;
use crate::pace::pause;
use crate::query::{name, query};
use crate::report::{Report, row};
use crate::under_load::write_manifests;

#[derive(Args)]
pub struct Options {
    /// Names in the zone; each Service makes three
    #[arg(long, default_value_t = 300_000)]
    names: usize,
    /// Queries a second
    #[arg(long, default_value_t = 20_000)]
    queries: u32,
    /// How often a process takes another's place
    #[arg(long, default_value_t = 10)]
    rounds: usize,
}

const NAMES_PER_SERVICE: usize = 3;
/// Different queries of the stream.
const QUERIES: usize = 50_000;
/// How long one process serves before the first restart, and between two.
const REST: Duration = Duration::from_secs(2);
/// An answer that takes longer is lost.
const PATIENCE: Duration = Duration::from_secs(5);

pub fn run(options: &Options, save: bool) {
    let mut report = Report::begin("hot-restart", save);
    let services = options.names.div_ceil(NAMES_PER_SERVICE);
    let mut fedns = prepared(services);
    fedns.start();
    fedns.is_ready();
    let port = fedns.dns_port();
    let queries = queries(services);
    let alone = Prober::start(port, queries[0].clone());
    pause(REST);
    let alone = alone.stop();

    let load = Load::start(port, options.queries, queries.clone());
    let prober = Prober::start(port, queries[0].clone());
    let mut took = Vec::new();
    for _ in 0..options.rounds {
        pause(REST);
        let began = Instant::now();
        assert!(fedns.replace().success(), "{}", fedns.process().log());
        took.push(milliseconds(began, Instant::now()));
    }
    pause(REST);
    let (probed, sent) = (prober.stop(), load.stop());
    let lost = sent.queries - sent.answers;
    report.line(&format!(
        "{} names, {} processes one after the other; {:.0} queries/s beside one client that asks all the time",
        services * NAMES_PER_SERVICE,
        options.rounds + 1,
        sent.queries as f64 / sent.seconds,
    ));
    report.line(&format!(
        "{} queries, {lost} lost, {} of the answers without records; of the one client's {} lost",
        sent.queries,
        sent.answers - sent.good,
        probed.lost,
    ));
    let waits = Latency::new(probed.waits);
    report.table(&[
        row(HEADING),
        Latency::new(alone.waits).row("wait for an answer, one process, no other queries"),
        waits.row("wait for an answer, while processes take turns"),
        Latency::new(took).row("from the new process's start to the old one's end"),
    ]);
    report.target("queries lost", (lost + probed.lost) as f64, 0.0, "");
    report.target("longest wait for an answer", waits.percentile(100), 100.0, "ms");
    report.end();
}

/// fedns on a folder of manifests, not yet started.
fn prepared(services: usize) -> Fedns {
    let entry = "{name: many, manifests: ./many, region: many, availabilityZones: [many-a]}";
    let fedns = Fedns::prepared(&[entry.to_owned()], "startupTimeout: 120s\nlameDuck: 1s\n");
    write_manifests(&fedns.home().join("many"), services);
    fedns
}

fn queries(services: usize) -> Vec<Vec<u8>> {
    let name_of = |at: usize| {
        let service = at.wrapping_mul(2_654_435_761) % services;
        name(&format!("s{service}.default.fed.svc.example.com"))
    };
    (0..QUERIES).map(|at| query(at as u16, &name_of(at), RecordType::A)).collect()
}

/// A client that asks one query after the other.
struct Prober {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Probed>,
}

#[derive(Default)]
struct Probed {
    /// Milliseconds that each answer took.
    waits: Vec<f64>,
    lost: u64,
}

impl Prober {
    fn start(port: u16, query: Vec<u8>) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let until = Arc::clone(&stop);
        let thread = thread::spawn(move || probe(port, &query, &until));
        Self { stop, thread }
    }

    fn stop(self) -> Probed {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the client does not panic")
    }
}

/// From a new socket each time, so that every thread of the server is asked.
fn probe(port: u16, query: &[u8], stop: &AtomicBool) -> Probed {
    let mut probed = Probed::default();
    let mut buffer = [0; 1500];
    while !stop.load(Ordering::Relaxed) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("the system has a port");
        socket.connect((Ipv4Addr::LOCALHOST, port)).expect("loopback is there");
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket takes a time limit");
        let asked = Instant::now();
        let answered = socket.send(query).and_then(|_| socket.recv(&mut buffer));
        match answered {
            Ok(_) => probed.waits.push(milliseconds(asked, Instant::now())),
            Err(_) => probed.lost += 1,
        }
    }
    probed
}
