//! From an object made in a federation to its copies in all of its members.
//!
//! The members and the federation are real API servers, and `fedns serve` brings the objects there. Beside
//! it stands a bare client that makes the same writes, and need not find out that it shall.
//!
//! One object: the clock runs from the acknowledgement of its creation until the last member's watch has
//! told of its copy; for the bare client from the moment at which it begins to write to all members. Many
//! objects: from the first creation until the last copy is there, finalizers included, with each in turn.

use std::time::{Duration, Instant};

use clap::Args;
use tests::api_server::ApiServer;
use tests::by_hand;
use tests::kubeconfig::Context;
use tests::serving::Fedns;

use crate::api::Api;
use crate::bare_client::{AtOnce, bring_all, config_map, create_all};
use crate::latency::{HEADING, Latency, median, milliseconds};
use crate::pace::pause;
use crate::process_stats::cpu_time;
use crate::report::{Report, row};
use crate::watch::NewConfigMaps;

#[derive(Args)]
pub struct Options {
    /// Members of the federation
    #[arg(long, default_value_t = 5)]
    members: usize,
    /// Objects that are made one after the other
    #[arg(long, default_value_t = 100)]
    rounds: usize,
    /// Objects that are made as fast as can be
    #[arg(long, default_value_t = 1000)]
    objects: usize,
    /// How often that is done, by fedns and by the bare client in turn
    #[arg(long, default_value_t = 3)]
    repeats: usize,
}

/// Objects before the first that counts.
const WARM_UP: usize = 10;
/// Between two objects, so that one does not find the work of another.
const REST: Duration = Duration::from_millis(100);
/// Events of what was done are still being written.
const SETTLING: Duration = Duration::from_secs(20);
/// For so long a server is watched at rest.
const AT_REST: Duration = Duration::from_secs(60);

pub fn run(options: &Options, save: bool) {
    let mut report = Report::begin("propagation", save);
    let stage = Stage::start(options.members);
    let mut fedns = stage.serve();
    let watches = stage.watches();
    let figures = one_by_one(&stage, options, &watches);
    tell_latency(&mut report, options, &figures);
    let times = many(&stage, options, &watches, &mut fedns);
    tell_rates(&mut report, options, &times);
    tell_rest(&mut report, &fedns);
    report.end();
}

/// A federation's API and its members, of which the first is the host of the control plane.
struct Stage {
    federation: ApiServer,
    members: Vec<ApiServer>,
}

// === impl Stage ===

impl Stage {
    fn start(members: usize) -> Self {
        let federation = ApiServer::start("federation");
        let members: Vec<ApiServer> =
            (1..=members).map(|number| ApiServer::start(&format!("member-{number}"))).collect();
        by_hand::prepare(&federation, &members[0]);
        Self { federation, members }
    }

    /// With every cluster a member, and the first object everywhere.
    fn serve(&self) -> Fedns {
        let host = &self.members[0];
        let fedns = Fedns::of_federation(&self.federation.context(), &host.context(), "");
        for member in &self.members {
            by_hand::join(&self.federation, host, member);
        }
        fedns
    }

    fn contexts(&self) -> Vec<Context> {
        self.members.iter().map(ApiServer::context).collect()
    }

    fn watches(&self) -> Vec<NewConfigMaps> {
        self.contexts().into_iter().map(NewConfigMaps::start).collect()
    }
}

/// When the last member had the object.
fn present(watches: &[NewConfigMaps], name: &str) -> Instant {
    watches.iter().map(|watch| watch.until(name)).max().expect("there are members")
}

struct Figures {
    fedns: Latency,
    bare: Latency,
}

fn one_by_one(stage: &Stage, options: &Options, watches: &[NewConfigMaps]) -> Figures {
    let mut federation = Api::new(stage.federation.context());
    let mut at_once = AtOnce::new(&stage.contexts());
    let (mut fedns, mut bare) = (Vec::new(), Vec::new());
    for number in 0..WARM_UP + options.rounds {
        let name = format!("one-{number}");
        federation.create("/api/v1/namespaces/default/configmaps", &config_map(&name));
        let acknowledged = Instant::now();
        let brought = milliseconds(acknowledged, present(watches, &name));
        pause(REST);
        let name = format!("bare-{number}");
        let begun = at_once.apply(&name);
        let written = milliseconds(begun, present(watches, &name));
        pause(REST);
        if number >= WARM_UP {
            fedns.push(brought);
            bare.push(written);
        }
    }
    Figures { fedns: Latency::new(fedns), bare: Latency::new(bare) }
}

fn tell_latency(report: &mut Report, options: &Options, figures: &Figures) {
    let Figures { fedns, bare } = figures;
    report.line(&format!(
        "{} ConfigMaps, one after the other, and as many by a bare client in turn; {} members",
        options.rounds, options.members
    ));
    report.table(&[
        row(HEADING),
        fedns.row("fedns: creation acknowledged to present in all"),
        bare.row("bare client: begins to write to present in all"),
    ]);
    let behind = fedns.median() - bare.median();
    report.target("created to present, median behind a bare client", behind, 20.0, "ms");
    report.line("");
}

/// Seconds for all objects, of each repeat.
struct Times {
    fedns: Vec<f64>,
    bare: Vec<f64>,
    /// Milliseconds of fedns's CPU for one object, of each repeat.
    cpu: Vec<f64>,
}

/// fedns rests while the bare client works.
fn many(stage: &Stage, options: &Options, watches: &[NewConfigMaps], fedns: &mut Fedns) -> Times {
    let (federation, members) = (stage.federation.context(), stage.contexts());
    let all_present = |prefix: &str| {
        let seen = watches.iter().map(|watch| watch.until_all(prefix, options.objects));
        seen.max().expect("there are members")
    };
    let mut times = Times { fedns: Vec::new(), bare: Vec::new(), cpu: Vec::new() };
    for repeat in 0..options.repeats {
        pause(SETTLING);
        let process = fedns.process().id();
        let before = cpu_time(process);
        let prefix = format!("many-{repeat}-");
        let begun = create_all(&federation, &prefix, options.objects);
        times.fedns.push((all_present(&prefix) - begun).as_secs_f64());
        pause(SETTLING);
        let used = (cpu_time(process) - before).as_secs_f64();
        times.cpu.push(used * 1e3 / options.objects as f64);
        fedns.stop();
        let prefix = format!("bare-many-{repeat}-");
        let begun = bring_all(&federation, &members, &prefix, options.objects);
        times.bare.push((all_present(&prefix) - begun).as_secs_f64());
        fedns.start();
        fedns.is_ready();
    }
    times
}

fn tell_rates(report: &mut Report, options: &Options, times: &Times) {
    let Times { fedns, bare, cpu } = times;
    report.line(&format!(
        "{} ConfigMaps at once, each with a finalizer and {} copies",
        options.objects, options.members
    ));
    let cells = |what: &str, figures: &[f64]| {
        let all: Vec<String> = figures.iter().map(|it| format!("{it:.2}")).collect();
        row([what.to_owned(), format!("{:.2}", median(figures)), all.join(" ")])
    };
    report.table(&[
        row(["", "median", "each"]),
        cells("fedns: first creation to last copy, s", fedns),
        cells("bare client: the same, s", bare),
        cells("CPU of fedns for one object, Events included, ms", cpu),
    ]);
    let ratio = median(bare) / median(fedns);
    report.target_at_least("rate beside a bare client's", ratio, 0.8, "");
    report.line("");
}

fn tell_rest(report: &mut Report, fedns: &Fedns) {
    pause(SETTLING);
    let process = fedns.process().id();
    let (before, begun) = (cpu_time(process), Instant::now());
    pause(AT_REST);
    let used = (cpu_time(process) - before).as_secs_f64() / begun.elapsed().as_secs_f64();
    report.line(&format!("at rest, with all of these: {:.3} % of one core", used * 100.0));
}
