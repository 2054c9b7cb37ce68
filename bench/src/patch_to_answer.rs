//! Two real API servers merged into one name: from the acknowledgement of a patch to the answer.
//!
//! Each round patches the Service's status in one of the two clusters, on a connection that is kept
//! open. The clock starts when the acknowledgement has been read; from then on one UDP query after
//! the other asks for the name, and the clock stops when an answer with the new address has been
//! received. So the figure holds one exchange over UDP even where the answer was there before the
//! acknowledgement; how often the first query found it there is told. A bare watch of the same object runs
//! beside it on its own connection: what the API server itself takes to say that something changed.

use std::time::{Duration, Instant};

use clap::Args;
use tests::serving::Fedns;

use crate::api::Api;
use crate::asker::Answered;
use crate::clusters::{SERVICE, address, asker, cluster, first_address};
use crate::latency::{HEADING, Latency, milliseconds};
use crate::pace::pause;
use crate::report::{Report, row};
use crate::watch::BareWatch;

#[derive(Args)]
pub struct Options {
    /// Changes that are measured
    #[arg(long, default_value_t = 1000)]
    rounds: usize,
    /// Rest between two changes, in milliseconds
    #[arg(long, default_value_t = 20)]
    rest: u64,
}

/// Changes before the first that counts: connections, caches and the server's watch cache warm up.
const WARM_UP: usize = 50;

/// One change.
struct Round {
    acknowledged: Instant,
    event: Instant,
    answered: Answered,
}

pub fn run(options: &Options, save: bool) {
    let mut report = Report::begin("patch-to-answer", save);
    let clusters = [cluster("beijing"), cluster("hangzhou")];
    let contexts = clusters.each_ref().map(|cluster| cluster.context());
    let fedns = Fedns::on_contexts(&contexts, "");
    fedns.is_ready();
    for (number, cluster) in clusters.iter().enumerate() {
        first_address(cluster, fedns.dns_port(), address(number));
    }
    let watches = contexts.clone().map(|context| BareWatch::start(context, SERVICE));
    let mut apis = contexts.map(Api::new);
    let mut asker = asker(fedns.dns_port());
    let mut rounds = Vec::with_capacity(options.rounds);
    for number in 0..WARM_UP + options.rounds {
        let (new, side) = (address(2 + number), number % 2);
        let acknowledged = apis[side].set_addresses(SERVICE, &[new]);
        let answered = asker.until(new, Duration::ZERO);
        let event = watches[side].until(new);
        if number >= WARM_UP {
            rounds.push(Round { acknowledged, event, answered });
        }
        pause(Duration::from_millis(options.rest));
    }
    tell(&mut report, &rounds);
    report.end();
}

fn tell(report: &mut Report, rounds: &[Round]) {
    let of = |figure: fn(&Round) -> f64| Latency::new(rounds.iter().map(figure).collect());
    let answer = of(|round| milliseconds(round.acknowledged, round.answered.at));
    let event = of(|round| milliseconds(round.acknowledged, round.event));
    let difference = of(|round| milliseconds(round.event, round.answered.at));
    report.line(&format!("{} changes, two clusters merged into one name", rounds.len()));
    report.table(&[
        row(HEADING),
        answer.row("acknowledgement to answer received"),
        event.row("acknowledgement to event at a bare watch"),
        difference.row("event at a bare watch to answer received"),
    ]);
    let first = rounds.iter().filter(|round| round.answered.queries == 1).count();
    let share = first as f64 * 100.0 / rounds.len() as f64;
    report.line(&format!("{share:.1} % were there at the first query after the acknowledgement"));
    report.target("acknowledgement to answer, median", answer.median(), 0.3, "ms");
    report.target("acknowledgement to answer, p99", answer.p99(), 1.5, "ms");
}
