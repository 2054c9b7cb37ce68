//! An API server that is away for a while, killed or frozen: how soon a change made right after
//! its return is answered.
//!
//! The clock starts when `/readyz` is answered with 200 again; the change is made at once. It stops
//! when an answer with the new address has been received.

use std::time::{Duration, Instant};

use clap::Args;
use tests::api_server::ApiServer;
use tests::serving::Fedns;

use crate::api::Api;
use crate::clusters::{SERVICE, address, asker, cluster, first_address};
use crate::pace::pause;
use crate::report::{Report, row};

#[derive(Args)]
pub struct Options {
    /// Seconds that the API server is away
    #[arg(long, value_delimiter = ',', default_values_t = [10, 30, 120])]
    outages: Vec<u64>,
    /// How often each outage is measured
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// Between two looks at a server that is starting: often enough for the figure, and no burden.
const LOOK: Duration = Duration::from_millis(10);
const READY_DEADLINE: Duration = Duration::from_secs(120);
/// How long a cluster is left alone before each outage.
const CALM: Duration = Duration::from_secs(3);

#[derive(Clone, Copy)]
enum Outage {
    Killed,
    Frozen,
}

/// Both from the server's readiness.
struct Seen {
    acknowledged: Duration,
    answered: Duration,
}

pub fn run(options: &Options, save: bool) {
    let mut report = Report::begin("after-outage", save);
    let mut cluster = cluster("beijing");
    let fedns = Fedns::on_contexts(&[cluster.context()], "");
    fedns.is_ready();
    first_address(&cluster, fedns.dns_port(), address(0));
    let mut rows =
        vec![row(["outage", "acknowledged, s", "answered, s", "answered, s (each round)"])];
    let (mut number, mut most) = (0, 0.0_f64);
    for outage in [Outage::Killed, Outage::Frozen] {
        for &seconds in &options.outages {
            let mut seen = Vec::new();
            for _ in 0..options.rounds {
                number += 1;
                let away = Duration::from_secs(seconds);
                seen.push(measure(&mut cluster, &fedns, outage, away, number));
            }
            most = most.max(worst(&seen, |seen| seen.answered));
            rows.push(told(outage, seconds, &seen));
        }
    }
    report.line("Time from the API server's readiness, the slowest round of each:");
    report.table(&rows);
    report.target("readiness to answer, the slowest of all", most, 2.0, "s");
    report.end();
}

fn measure(
    cluster: &mut ApiServer,
    fedns: &Fedns,
    outage: Outage,
    away: Duration,
    number: usize,
) -> Seen {
    pause(CALM);
    let mut api = Api::new(cluster.context());
    match outage {
        Outage::Killed => {
            cluster.kill();
            pause(away);
            cluster.restart_unready();
        }
        Outage::Frozen => {
            cluster.pause();
            pause(away);
            cluster.resume();
        }
    }
    let ready = wait_until_ready(&mut api, cluster);
    let acknowledged = change(&mut api, number);
    let answered = asker(fedns.dns_port()).until(address(number), Duration::from_millis(1)).at;
    Seen { acknowledged: acknowledged - ready, answered: answered - ready }
}

fn wait_until_ready(api: &mut Api, cluster: &ApiServer) -> Instant {
    let started = Instant::now();
    while !api.is_ready() {
        cluster.process().assert_running();
        assert!(started.elapsed() < READY_DEADLINE, "the API server does not become ready");
        pause(LOOK);
    }
    Instant::now()
}

/// A server that is just ready may refuse the first writes.
fn change(api: &mut Api, number: usize) -> Instant {
    let started = Instant::now();
    loop {
        let answer = api.try_set_addresses(SERVICE, &[address(number)]);
        if answer.is_ok_and(|answer| answer.status.is_success()) {
            return Instant::now();
        }
        assert!(started.elapsed() < READY_DEADLINE, "the API server takes no change");
        pause(LOOK);
    }
}

fn told(outage: Outage, seconds: u64, seen: &[Seen]) -> Vec<String> {
    let how = match outage {
        Outage::Killed => "killed",
        Outage::Frozen => "frozen",
    };
    let each: Vec<String> =
        seen.iter().map(|seen| format!("{:.2}", seen.answered.as_secs_f64())).collect();
    row([
        format!("{how} for {seconds} s"),
        format!("{:.2}", worst(seen, |seen| seen.acknowledged)),
        format!("{:.2}", worst(seen, |seen| seen.answered)),
        each.join(" "),
    ])
}

fn worst(seen: &[Seen], figure: fn(&Seen) -> Duration) -> f64 {
    seen.iter().map(|seen| figure(seen).as_secs_f64()).fold(0.0, f64::max)
}
