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
/// What is asked for of sustained changes, and how many of them come at a time.
const RATE: f64 = 100_000.0;
const AT_ONCE: usize = 50;

/// What a thread that changes the zone has done.
struct Sustained {
    changes: usize,
    used: Duration,
    took: Duration,
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
    let length = Duration::from_millis(options.length);
    let (mut alone, mut beside, mut shares, mut rates) = (vec![], vec![], vec![], vec![]);
    for _ in 0..options.rounds {
        alone.push(rate(address, workload, length));
        let done = AtomicBool::new(false);
        let (sustained, queries) = thread::scope(|scope| {
            let writing = scope.spawn(|| keep_changing(&mut changes, &done));
            let queries = rate(address, workload, length);
            done.store(true, Ordering::Relaxed);
            (writing.join().expect("the writer does not fail"), queries)
        });
        let Sustained { changes, used, took } = sustained;
        beside.push(queries);
        shares.push(used.as_secs_f64() / took.as_secs_f64());
        rates.push(changes as f64 / took.as_secs_f64());
    }
    let (share, rate) = (median(&shares), median(&rates));
    let kept: Vec<f64> = beside.iter().zip(&alone).map(|(with, without)| with / without).collect();
    report.line(&format!(
        "changes of {} names beside all queries that one core takes",
        options.many_hosts
    ));
    report.table(&[
        row(["", "median"]),
        row(["answers/s without changes", &format!("{:.0}", median(&alone))]),
        row(["answers/s beside them", &format!("{:.0}", median(&beside))]),
        row(["changes/s", &format!("{rate:.0}")]),
        row(["CPU time of them, of the core", &format!("{:.1} %", share * 100.0)]),
    ]);
    report.target_at_least("changes a second", rate, RATE, "");
    let most = 1.0 - share;
    report.target_at_least("share of the answers that is left", median(&kept), most, "");
    report.line("");
}

/// Answers a second.
fn rate(server: SocketAddr, workload: &Workload, length: Duration) -> f64 {
    let counted = generator::ask(server, workload, length);
    assert!(counted.answers > 0 && counted.found == counted.answers, "wrong answers");
    counted.answers as f64 / length.as_secs_f64()
}

/// As many changes as are wanted, some at a time, each a publication of its own.
fn keep_changing(changes: &mut Changes, done: &AtomicBool) -> Sustained {
    pin(SERVER_CORE).expect("the core is there");
    let (begun, used, made) = (Instant::now(), thread_cpu_time(), changes.made);
    while !done.load(Ordering::Relaxed) {
        for _ in 0..AT_ONCE {
            let (diff, ..) = changes.next();
            changes.commit(&diff);
        }
        let due = Duration::from_secs_f64((changes.made - made) as f64 / (RATE * 1.02));
        if let Some(early) = due.checked_sub(begun.elapsed()) {
            pause(early);
        }
    }
    Sustained {
        changes: changes.made - made,
        used: thread_cpu_time() - used,
        took: begun.elapsed(),
    }
}
