//! fedns beside other authoritative servers and a bare UDP echo, all on one core in one run.
//!
//! - [`servers`]: how each is started; [`echo`]: what the system itself takes; [`cookie`]: one of a server's
//! - [`workload`]: the zone, and what is asked; [`generator`] over UDP, [`streams`] over TCP and TLS
//! - [`updates`]: changes of a large zone while it is asked
//! - [`sys`]: raw system calls
//!
//! The servers take turns, round after round, so that what the machine does meanwhile meets all of them.
//! The figure is the CPU time that the system charged to the server's processes for an answer: the
//! generator spins on the other core and is never the limit.

mod cookie;
pub mod echo;
pub mod generator;
pub mod servers;
mod streams;
mod sys;
mod updates;
pub mod workload;

use std::path::Path;
use std::time::Duration;

use clap::Args;
use tests::scratch::Scratch;

use crate::latency::median;
use crate::pace::pause;
use crate::report::{Report, row};
use generator::Counted;
use servers::{Role, SERVER_CORE, Server, Software};
use workload::{Workload, zone_text};

#[derive(Args)]
pub struct Options {
    /// Hosts in the small zone
    #[arg(long, default_value_t = 10_000)]
    hosts: usize,
    /// Hosts in the large zone
    #[arg(long, default_value_t = 1_000_000)]
    many_hosts: usize,
    /// How often each server is asked
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// For so long each time, in milliseconds
    #[arg(long, default_value_t = 1000)]
    length: u64,
}

/// Before the first answer that counts.
const WARM_UP: Duration = Duration::from_millis(200);
const SETTLING: Duration = Duration::from_secs(2);

pub fn run(options: &Options, save: bool) {
    let mut report = Report::begin("authoritative", save);
    sys::pin(SERVER_CORE + 1).expect("this needs a second core");
    let folder = Scratch::new("zones");
    let small = folder.write("small", zone_text(options.hosts));
    let servers = Software::ALL.map(|software| Server::start(software, &small));
    pause(SETTLING);
    let hits = Workload::new(options.hosts, 0);
    udp(&mut report, options, &servers, &format!("{} names, all hits", options.hosts), &hits);
    let mixed = Workload::new(options.hosts, 30);
    udp(&mut report, options, &servers, "30 % NXDOMAIN", &mixed);
    guarded(&mut report, options, &servers, &small, &hits);
    tcp(&mut report, options, &servers, &hits);
    dot(&mut report, options, &small, &hits);
    let empty = servers.map(|server| server.anonymous_memory());
    let large = folder.write("large", zone_text(options.many_hosts));
    let servers = Software::ALL.map(|software| Server::start(software, &large));
    pause(SETTLING);
    tell_size(&mut report, options, &servers, &empty);
    let many = Workload::new(options.many_hosts, 0);
    udp(&mut report, options, &servers, &format!("{} names", options.many_hosts), &many);
    let [echo, ..] = servers;
    updates::measure(&mut report, options, &echo, &many);
    report.end();
}

/// Microseconds of CPU time for an answer, of each round.
fn measured(
    options: &Options,
    servers: &[&Server],
    ask: impl Fn(&Server, Duration) -> Counted,
) -> Vec<Vec<f64>> {
    let length = Duration::from_millis(options.length);
    let mut figures = vec![Vec::new(); servers.len()];
    for round in 0..options.rounds {
        for turn in 0..servers.len() {
            // Nobody always follows the same one.
            let at = (turn + round) % servers.len();
            let server = servers[at];
            ask(server, WARM_UP);
            let before = server.cpu_time();
            let Counted { answers, found, absent, .. } = ask(server, length);
            let used = server.cpu_time() - before;
            let is_right = server.software == Software::Echo || found + absent == answers;
            assert!(is_right && answers > 0, "{}: wrong answers", server.software.word());
            figures[at].push(used.as_secs_f64() * 1e6 / answers as f64);
        }
    }
    figures
}

fn udp(
    report: &mut Report,
    options: &Options,
    servers: &[Server; 5],
    what: &str,
    workload: &Workload,
) {
    let all: Vec<&Server> = servers.iter().collect();
    let figures =
        measured(options, &all, |server, time| generator::ask(server.address(), workload, time));
    report.line(&format!("UDP, {what}"));
    let mut rows = vec![row(["CPU time of an answer", "us", "least", "most", "echo / it"])];
    let echo = median(&figures[0]);
    for (server, figures) in servers.iter().zip(&figures) {
        let ratio = format!("{:.2}", echo / median(figures));
        rows.push(figure_row(server, figures, [ratio]));
    }
    report.table(&rows);
    let ratios = ratios(&figures[0], &figures[1]);
    report.target_at_least(&format!("fedns beside echo, {what}"), median(&ratios), 0.9, "");
    report.line("");
}

/// Round by round, so that what the machine did meanwhile counts for both.
fn ratios(echo: &[f64], fedns: &[f64]) -> Vec<f64> {
    echo.iter().zip(fedns).map(|(echo, fedns)| echo / fedns).collect()
}

/// fedns and the echo alone, with what protects the one from its clients.
fn guarded(
    report: &mut Report,
    options: &Options,
    servers: &[Server; 5],
    zone: &Path,
    workload: &Workload,
) {
    let [echo, fedns, ..] = servers;
    let limiting = Server::start_as(Role::Limiting, Software::Fedns, zone);
    let with_cookies = workload.with_option(&cookie::option_of(fedns.port));
    for (what, fedns, workload) in [
        ("rate limiting counts the generator's prefix", &limiting, workload),
        ("a valid cookie in every query", fedns, &with_cookies),
    ] {
        let servers = [echo, fedns];
        let figures = measured(options, &servers, |server, time| {
            generator::ask(server.address(), workload, time)
        });
        report.line(&format!("UDP, {what}"));
        let mut rows = vec![row(["CPU time of an answer", "us", "least", "most"])];
        rows.extend(servers.iter().zip(&figures).map(|(server, it)| figure_row(server, it, [])));
        report.table(&rows);
        let ratios = ratios(&figures[0], &figures[1]);
        report.target_at_least(&format!("fedns beside echo, {what}"), median(&ratios), 0.85, "");
        report.line("");
    }
}

fn dot(report: &mut Report, options: &Options, zone: &Path, workload: &Workload) {
    let servers =
        [Software::Fedns, Software::Nsd].map(|it| Server::start_as(Role::OverTls, it, zone));
    let all: Vec<&Server> = servers.iter().collect();
    let figures = measured(options, &all, |server, time| {
        streams::ask_over_tls(server.tls_port, workload, time)
    });
    report.line("DoT, 20 connections with one query each on its way, handshakes included");
    let mut rows = vec![row(["CPU time of an answer", "us", "least", "most"])];
    rows.extend(all.iter().zip(&figures).map(|(server, it)| figure_row(server, it, [])));
    report.table(&rows);
    let (fedns, nsd) = (median(&figures[0]), median(&figures[1]));
    report.target("fedns over TLS, beside NSD's", fedns, nsd, "us");
    report.line("");
}

fn tcp(report: &mut Report, options: &Options, servers: &[Server; 5], workload: &Workload) {
    let all: Vec<&Server> = servers.iter().filter(|it| it.software != Software::Echo).collect();
    let figures = measured(options, &all, |server, time| streams::ask(server.port, workload, time));
    report.line("TCP, 20 connections with 16 queries each on their way");
    let mut rows = vec![row(["CPU time of an answer", "us", "least", "most"])];
    rows.extend(all.iter().zip(&figures).map(|(server, it)| figure_row(server, it, [])));
    report.table(&rows);
    let (fedns, gdnsd) = (median(&figures[0]), median(&figures[1]));
    report.target("fedns over TCP, beside gdnsd's", fedns, gdnsd, "us");
    report.line("");
}

fn tell_size(report: &mut Report, options: &Options, servers: &[Server; 5], empty: &[u64; 5]) {
    report.line(&format!("a master file with {} names of two addresses", options.many_hosts));
    let mut rows = vec![row(["", "load, s of CPU time", "growth for an RRset, bytes"])];
    let grown = |at: usize| {
        let bytes = servers[at].anonymous_memory().saturating_sub(empty[at]);
        bytes as f64 / (options.many_hosts - options.hosts) as f64
    };
    for (at, server) in servers.iter().enumerate().skip(1) {
        let load = format!("{:.2}", server.load.as_secs_f64());
        rows.push(row([server.software.word().to_owned(), load, format!("{:.0}", grown(at))]));
    }
    report.table(&rows);
    report.target("growth of fedns for an RRset", grown(1), 130.0, "bytes");
    let gdnsd = servers[2].load.as_secs_f64();
    report.target("load by fedns, beside gdnsd's", servers[1].load.as_secs_f64(), gdnsd, "s");
    report.line("");
}

fn figure_row<const N: usize>(server: &Server, figures: &[f64], more: [String; N]) -> Vec<String> {
    let least = figures.iter().copied().fold(f64::INFINITY, f64::min);
    let most = figures.iter().copied().fold(0.0, f64::max);
    let cells = [median(figures), least, most].map(|it| format!("{it:.2}"));
    std::iter::once(server.software.word().to_owned()).chain(cells).chain(more).collect()
}
