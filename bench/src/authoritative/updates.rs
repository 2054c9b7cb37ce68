//! Changes of a large zone in this process, while it is asked: how soon one is answered, and how many the
//! server takes beside its queries.
//!
//! The worker has the servers' core. One change is made, and asked for, by this thread on its own core;
//! sustained ones by a thread that shares the worker's core, while this one asks as fast as it can.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use dns_server::server::{Addresses, Options as ServerOptions, Server};
use dns_server::transfer::Transfers;
use dns_server::{Reader, Writer};
use model::{Name, RecordType, Serial, UnixTime, ZoneDiff};

use super::Options;
use super::generator;
use super::servers::{self, SERVER_CORE};
use super::sys::{pin, thread_cpu_time};
use super::workload::Workload;
use crate::latency::{Latency, median};
use crate::pace::pause;
use crate::query::{holds_address, name, query};
use crate::report::{Report, row};
use crate::static_zone::{addresses, apex, host, loaded};

/// Changes whose way to the answer is timed.
const SINGLE: usize = 20_000;
/// What is asked for of sustained changes.
const RATE: f64 = 100_000.0;
/// How many of them come at a time: each time the worker has to make way.
const AT_ONCE: [usize; 2] = [50, 500];

/// What a thread on the worker's core has done beside it.
struct Beside {
    steps: usize,
    used: Duration,
    took: Duration,
}

/// What comes of changes, and of a loop in their place, round by round.
#[derive(Default)]
struct Figures {
    /// Changes a second.
    rates: Vec<f64>,
    changes: Shares,
    spinning: Shares,
}

/// Shares of the core's time, and of the answers.
#[derive(Default)]
struct Shares {
    used: Vec<f64>,
    left: Vec<f64>,
}

/// Makes changes of one host after the other.
struct Changes {
    writer: Writer,
    /// What the addresses of each host are made of.
    hosts: Vec<usize>,
    made: usize,
}

pub fn measure(
    report: &mut Report,
    options: &Options,
    echo: &servers::Server,
    workload: &Workload,
) {
    let (writer, reader) = loaded(options.many_hosts);
    let server = serve(reader);
    let address = server.local_addrs()[0];
    let hosts = (0..options.many_hosts).collect();
    let mut changes = Changes { writer, hosts, made: 0 };
    single(report, &mut changes, address, echo.address());
    sustained(report, options, changes, address, workload);
    server.stop();
}

fn serve(reader: Reader) -> Server {
    let listen = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
    let options = ServerOptions { cpus: vec![SERVER_CORE], ..ServerOptions::default() };
    // No signature is looked at, so any time will do.
    let transfers = Arc::new(Transfers::new(|| UnixTime(0)));
    Server::bind_with(&Addresses::plain(&listen), options, reader, transfers)
        .expect("loopback has a port")
}

// === impl Changes ===

impl Changes {
    /// The next one, with its host, and what that has then.
    fn next(&mut self) -> (ZoneDiff, Name, usize) {
        let at = self.made.wrapping_mul(2_654_435_761) % self.hosts.len();
        self.made += 1;
        let (host, before) = (name(&host(at)), self.hosts[at]);
        // No host begins with this one.
        let after = self.hosts.len() + self.made;
        self.hosts[at] = after;
        let mut diff = ZoneDiff::default();
        diff.record(host.clone(), addresses(before), addresses(after));
        (diff, host, after)
    }

    /// Each a publication of its own.
    fn commit_some(&mut self, count: usize) {
        for _ in 0..count {
            let (diff, ..) = self.next();
            self.commit(&diff);
        }
    }

    fn commit(&mut self, diff: &ZoneDiff) {
        let serial = Serial(u32::try_from(self.made).expect("fewer than 2^32 changes") + 1);
        let published = self.writer.commit(&apex(), diff, serial).expect("the zone is published");
        assert!(published.left_out.is_empty());
    }
}

// === one ===

fn single(report: &mut Report, changes: &mut Changes, fedns: SocketAddr, echo: SocketAddr) {
    let (fedns, echo) = (Asker::new(fedns), Asker::new(echo));
    let (mut there, mut back) = (Vec::new(), Vec::new());
    for _ in 0..SINGLE {
        let (diff, host, number) = changes.next();
        let query = query(1, &host, RecordType::A);
        let address = u32::try_from(number).expect("fewer than 2^32 changes").into();
        let begun = Instant::now();
        changes.commit(&diff);
        let is_new = fedns.exchange(&query, |answer| holds_address(answer, address));
        there.push(begun.elapsed().as_secs_f64() * 1e6);
        assert!(is_new, "the first answer is an old one");
        let begun = Instant::now();
        echo.exchange(&query, |answer| answer == query);
        back.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    report.line(&format!("one change of {} names, worker idle", changes.hosts.len()));
    let (there, back) = (Latency::new(there), Latency::new(back));
    let figures = |what: &str, it: &Latency| {
        let figures = [50, 90, 99].map(|percent| format!("{:.1}", it.percentile(percent)));
        std::iter::once(what.to_owned()).chain(figures).collect()
    };
    report.table(&[
        row(["us", "median", "p90", "p99"]),
        figures("commit called to its answer", &there),
        figures("exchange with the echo", &back),
    ]);
    let limit = back.median() + 20.0;
    report.target("one change, the echo's exchange and 20 us", there.median(), limit, "us");
    report.line("");
}

struct Asker(UdpSocket);

impl Asker {
    fn new(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("the system has a port");
        socket.connect(server).expect("loopback is there");
        socket.set_nonblocking(true).expect("a socket can be told so");
        Self(socket)
    }

    /// Asks once, and spins until the answer is there.
    fn exchange(&self, query: &[u8], is_right: impl Fn(&[u8]) -> bool) -> bool {
        self.0.send(query).expect("loopback takes it");
        let mut answer = [0; 1500];
        loop {
            match self.0.recv(&mut answer) {
                Ok(length) => return is_right(&answer[..length]),
                Err(_) => std::hint::spin_loop(),
            }
        }
    }
}

// === many ===

fn sustained(
    report: &mut Report,
    options: &Options,
    mut changes: Changes,
    address: SocketAddr,
    workload: &Workload,
) {
    let ask = || rate(address, workload, Duration::from_millis(options.length));
    let mut alone = Vec::new();
    let mut all: Vec<Figures> = AT_ONCE.iter().map(|_| Figures::default()).collect();
    for _ in 0..options.rounds {
        let queries = ask();
        alone.push(queries);
        for (at_once, figures) in AT_ONCE.into_iter().zip(&mut all) {
            let (writing, left) = beside_queries(at_once, ask, || changes.commit_some(at_once));
            figures.rates.push(writing.steps_a_second() * at_once as f64);
            figures.changes.push(&writing, left / queries);
            let each = writing.used / u32::try_from(writing.steps).expect("no round is that long");
            let (spinning, left) = beside_queries(at_once, ask, || spin(each));
            figures.spinning.push(&spinning, left / queries);
        }
    }
    report.line(&format!(
        "changes of {} names beside all queries that one core takes, {:.0} answers/s without them",
        options.many_hosts,
        median(&alone)
    ));
    let mut rows = vec![row(["", "changes/s", "CPU, of the core", "answers left", "beyond CPU"])];
    for (at_once, figures) in AT_ONCE.into_iter().zip(&all) {
        let Figures { rates, changes, spinning } = figures;
        let rate = format!("{:.0}", median(rates));
        rows.push(changes.row(&format!("changes, {at_once} at a time"), &rate));
        rows.push(spinning.row("a loop in their place, without memory", ""));
    }
    report.table(&rows);
    for (at_once, figures) in AT_ONCE.into_iter().zip(&all) {
        let Figures { rates, changes, .. } = figures;
        let what = format!("changes a second, {at_once} at a time");
        report.target_at_least(&what, median(rates), RATE, "");
        let what = format!("share of the answers that is left beside them, {at_once} at a time");
        report.target_at_least(&what, changes.left(), 1.0 - changes.share(), "");
    }
    report.line("");
}

/// What a thread on the worker's core did meanwhile, and the answers a second.
fn beside_queries(
    at_once: usize,
    ask: impl FnOnce() -> f64,
    step: impl FnMut() + Send,
) -> (Beside, f64) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let working = scope.spawn(|| keep_working(at_once, step, &done));
        let queries = ask();
        done.store(true, Ordering::Relaxed);
        (working.join().expect("it does not fail"), queries)
    })
}

/// Answers a second.
fn rate(server: SocketAddr, workload: &Workload, length: Duration) -> f64 {
    let counted = generator::ask(server, workload, length);
    assert!(counted.answers > 0 && counted.found == counted.answers, "wrong answers");
    counted.answers as f64 / length.as_secs_f64()
}

/// As many steps as there are of `at_once` changes at [`RATE`].
fn keep_working(at_once: usize, mut step: impl FnMut(), done: &AtomicBool) -> Beside {
    pin(SERVER_CORE).expect("the core is there");
    let (begun, used, mut steps) = (Instant::now(), thread_cpu_time(), 0);
    while !done.load(Ordering::Relaxed) {
        step();
        steps += 1;
        let due = Duration::from_secs_f64((steps * at_once) as f64 / (RATE * 1.02));
        if let Some(early) = due.checked_sub(begun.elapsed()) {
            pause(early);
        }
    }
    Beside { steps, used: thread_cpu_time() - used, took: begun.elapsed() }
}

/// Takes CPU time and touches no memory: what a core's work loses to that alone.
fn spin(length: Duration) {
    let begun = thread_cpu_time();
    while thread_cpu_time() - begun < length {
        std::hint::spin_loop();
    }
}

// === impl Shares ===

impl Shares {
    fn push(&mut self, beside: &Beside, left: f64) {
        self.used.push(beside.share());
        self.left.push(left);
    }

    fn share(&self) -> f64 {
        median(&self.used)
    }

    fn left(&self) -> f64 {
        median(&self.left)
    }

    fn row(&self, what: &str, rate: &str) -> Vec<String> {
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let beyond = 1.0 - self.share() - self.left();
        let shares = [self.share(), self.left(), beyond].map(percent);
        [what, rate].into_iter().map(str::to_owned).chain(shares).collect()
    }
}

// === impl Beside ===

impl Beside {
    /// Of the core.
    fn share(&self) -> f64 {
        self.used.as_secs_f64() / self.took.as_secs_f64()
    }

    fn steps_a_second(&self) -> f64 {
        self.steps as f64 / self.took.as_secs_f64()
    }
}
