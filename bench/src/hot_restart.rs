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
use crate::load::{Load, Sent};
use crate::pace::pause;
use crate::query::{name, query};
use crate::report::{Report, row};
use crate::under_load::write_manifests;

#[derive(Args)]
pub struct Options {
    /// Names in the zone; each Service makes three. A process reads its manifests, some 0.2 ms for each Service,
    /// before the next one takes its place
    #[arg(long, default_value_t = 30_000)]
    names: usize,
    /// Queries a second
    #[arg(long, default_value_t = 20_000)]
    queries: u32,
    /// How often a process takes another's place
    #[arg(long, default_value_t = 10)]
    rounds: usize,
}

const CLUSTER: &str = "many";
const NAMES_PER_SERVICE: usize = 3;
/// Different queries of the stream.
const QUERIES: usize = 50_000;
/// So long one process serves before the next one starts, and the next one after that.
const REST: Duration = Duration::from_secs(1);
/// An answer that takes longer is lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// What clients saw of one restart, or of none.
struct Round {
    /// Milliseconds from the new process's start to the old one's end.
    took: f64,
    probed: Probed,
    sent: Sent,
}

pub fn run(options: &Options, save: bool) {
    let mut report = Report::begin("hot-restart", save);
    let services = options.names.div_ceil(NAMES_PER_SERVICE);
    let (mut fedns, started) = (prepared(services), Instant::now());
    fedns.start();
    fedns.is_ready();
    report.line(&format!(
        "{} names, ready after {:.1} s; {} queries/s beside one client that asks all the time",
        services * NAMES_PER_SERVICE,
        started.elapsed().as_secs_f64(),
        options.queries,
    ));
    let queries = queries(services);
    let calm = Round::of(&mut fedns, options, &queries, |_| pause(REST));
    report.line(&format!("without a restart: {}", calm.text()));
    let mut rounds = Vec::new();
    for number in 1..=options.rounds {
        fedns.sees(CLUSTER, "Live");
        let round = Round::of(&mut fedns, options, &queries, |fedns| {
            let status = fedns.replace();
            assert!(status.success(), "{status}: {}", fedns.process().log());
        });
        report.line(&format!("restart {number}: in {:.0} ms, {}", round.took, round.text()));
        rounds.push(round);
    }
    summarize(&mut report, &calm, &rounds);
    report.end();
}

fn summarize(report: &mut Report, calm: &Round, rounds: &[Round]) {
    let of_rounds = |figure: fn(&Round) -> f64| Latency::new(rounds.iter().map(figure).collect());
    let (lost, sent): (u64, u64) =
        rounds.iter().fold((0, 0), |(lost, sent), it| (lost + it.lost(), sent + it.asked()));
    report.line("");
    report.table(&[
        row(HEADING),
        Latency::new(calm.probed.waits.clone()).row("wait for an answer, without a restart"),
        Latency::new(rounds.iter().flat_map(|it| it.probed.waits.clone()).collect())
            .row("wait for an answer, in all rounds"),
        of_rounds(Round::longest).row("longest wait of each round"),
        of_rounds(|round| round.took).row("new process's start to the old one's end"),
    ]);
    report.line(&format!("{sent} queries in {} restarts, {lost} lost", rounds.len()));
    report.target("queries lost", lost as f64, 0.0, "");
    report.target(
        "longest wait for an answer",
        of_rounds(Round::longest).percentile(100),
        100.0,
        "ms",
    );
}

// === impl Round ===

impl Round {
    fn of(
        fedns: &mut Fedns,
        options: &Options,
        queries: &[Vec<u8>],
        restart: impl FnOnce(&mut Fedns),
    ) -> Self {
        let port = fedns.dns_port();
        let load = Load::start(port, options.queries, queries.to_vec());
        let prober = Prober::start(port, queries[0].clone());
        pause(REST);
        let began = Instant::now();
        restart(fedns);
        let took = milliseconds(began, Instant::now());
        pause(REST);
        Self { took, probed: prober.stop(), sent: load.stop() }
    }

    fn asked(&self) -> u64 {
        self.sent.queries + self.probed.lost + self.probed.waits.len() as u64
    }

    fn lost(&self) -> u64 {
        self.sent.queries - self.sent.answers + self.probed.lost
    }

    /// Milliseconds.
    fn longest(&self) -> f64 {
        self.probed.waits.iter().copied().fold(0.0, f64::max)
    }

    fn text(&self) -> String {
        format!(
            "{} of {} queries lost, {} answers without records, longest wait {:.1} ms",
            self.lost(),
            self.asked(),
            self.sent.answers - self.sent.good,
            self.longest(),
        )
    }
}

/// fedns on a folder of manifests, not yet started.
fn prepared(services: usize) -> Fedns {
    let entry = format!(
        "{{name: {CLUSTER}, manifests: ./{CLUSTER}, region: many, availabilityZones: [many-a]}}"
    );
    let fedns = Fedns::prepared(&[entry], "startupTimeout: 120s\nlameDuck: 1s\n");
    write_manifests(&fedns.home().join(CLUSTER), services);
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
