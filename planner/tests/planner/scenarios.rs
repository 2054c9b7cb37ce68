//! Runs `planner/scenarios/*.txt`: state changes in, zone out, readable as the ladder's definition.
//!
//! A line is a command, a comment (`#`) or expected output (`|`). `UPDATE_SCENARIOS=1 cargo test -p
//! planner` writes the output that is found into the files; read the difference before you keep it.
//!
//! ```text
//! federation NAME zone NAME [levels global,region,zone] [emptyLevels all|present] [ttl SECONDS]
//! static OWNER TYPE DATA                     before the first cluster
//! cluster NAME [region/zone | region]…       joins, or moves
//! service CLUSTER NAMESPACE/NAME [unready] [ADDRESS]… [port NAME/PROTOCOL=NUMBER]…
//! type CLUSTER NAMESPACE/NAME TYPE           a Service of another type
//! delete CLUSTER NAMESPACE/NAME
//! stale CLUSTER | live CLUSTER | unjoin CLUSTER
//! show                                       all names but the apex and the name server
//! diff                                       what changed since the last show or diff
//! reasons NAMESPACE/NAME                     what is left out, and why
//! ```

use std::fmt::Write;
use std::path::Path;

use crate::support::{World, key, name, settings, shard, topology};
use model::service::Protocol;
use model::{
    ClusterChange, EmptyLevels, Freshness, Health, LeftOut, Level, Levels, Name, Observed, Rdata,
    RecordSet, RecordType, ServicePort, StaleReason, ZoneContents,
};
use planner::base::StaticNames;

#[test]
fn scenarios() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no scenario in {}", folder.display());
    for file in files {
        let script = std::fs::read_to_string(&file).unwrap();
        let found = Scenario::run(&script);
        if std::env::var_os("UPDATE_SCENARIOS").is_some() {
            std::fs::write(&file, &found).unwrap();
        } else {
            assert_eq!(found, script, "{}", file.display());
        }
    }
}

struct Scenario {
    world: World,
    statics: Vec<(Name, RecordSet)>,
}

impl Scenario {
    /// The script with the output that its commands really give.
    fn run(script: &str) -> String {
        let mut out = String::new();
        let mut scenario: Option<Self> = None;
        for line in script.lines().filter(|line| !line.starts_with('|')) {
            out += line;
            out.push('\n');
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                [] | ["#", ..] => {}
                ["federation", federation, "zone", zone, options @ ..] => {
                    scenario = Some(Self::new(federation, zone, options));
                }
                [command, words @ ..] => {
                    let scenario = scenario.as_mut().expect("the federation comes first");
                    scenario.command(command, words, &mut out);
                }
            }
        }
        out
    }

    fn new(federation: &str, zone: &str, options: &[&str]) -> Self {
        let mut settings = settings(zone, federation, None);
        for option in options.chunks(2) {
            match option {
                ["levels", levels] => {
                    let levels = levels.split(',').map(|level| level.parse::<Level>().unwrap());
                    settings.levels = Levels::new(levels).unwrap();
                }
                ["emptyLevels", "present"] => settings.empty_levels = EmptyLevels::Present,
                ["ttl", ttl] => settings.ttl = ttl.parse().unwrap(),
                other => panic!("unknown option {other:?}"),
            }
        }
        Self { world: World::new(settings), statics: Vec::new() }
    }

    fn command(&mut self, command: &str, words: &[&str], out: &mut String) {
        let world = &mut self.world;
        match (command, words) {
            ("static", [owner, record_type, data]) => self.add_static(owner, record_type, data),
            ("cluster", [cluster, places @ ..]) => world.place(cluster, places),
            ("service", [cluster, service, rest @ ..]) => {
                service_line(world, cluster, service, rest)
            }
            ("type", [cluster, service, other]) => {
                let left_out = Observed::LeftOut(LeftOut::NotLoadBalancer((*other).into()));
                world.apply(cluster, ClusterChange::Service(key(service), Some(left_out)));
            }
            ("delete", [cluster, service]) => world.remove(cluster, service),
            ("unjoin", [cluster]) => world.apply(cluster, ClusterChange::Gone),
            ("live", [cluster]) => {
                world.apply(cluster, ClusterChange::Freshness(Freshness::Live));
            }
            ("stale", [cluster]) => {
                let reason = StaleReason::Unreachable("no answer".into());
                let stale = Freshness::Stale { since: None, reason };
                world.apply(cluster, ClusterChange::Freshness(stale));
            }
            ("show", []) => self.show(out),
            ("diff", []) => self.diff(out),
            ("reasons", [service]) => self.reasons(service, out),
            other => panic!("unknown command {other:?}"),
        }
        assert_eq!(self.world.zone, self.world.planner.zone_contents(0), "after {command}");
    }

    fn add_static(&mut self, owner: &str, record_type: &str, data: &str) {
        let old = self.world.planner.zones().next().unwrap().clone();
        let record_type: RecordType = record_type.parse().unwrap();
        let rdata = match record_type {
            RecordType::A => Rdata::a(data.parse().unwrap()),
            _ => Rdata::name(&name(data)),
        };
        let owner = Name::parse_relative(owner, &old.zone).unwrap();
        self.statics.push((owner, RecordSet::single(record_type, 300, rdata)));
        let mut statics = ZoneContents::new(old.zone.clone());
        for (owner, set) in &self.statics {
            statics.insert(owner.clone(), set.clone());
        }
        let fresh = settings(&old.zone.to_string(), &old.federation.to_string(), Some(statics));
        let zone = [old.zone.clone()];
        let contents = ZoneContents::from_names(fresh.zone.clone(), fresh.base.iter());
        let static_names = StaticNames::new(&contents, &old.federation, &zone);
        let base = fresh.base;
        self.world = World::new(planner::ZoneSettings { static_names, base, ..old });
    }

    fn show(&mut self, out: &mut String) {
        let zone = &self.world.zone;
        let base = &self.world.planner.zones().next().unwrap().base;
        let mut shown = 0;
        for (owner, sets) in zone.iter().filter(|(owner, _)| base.sets(owner).is_empty()) {
            shown += print(out, "", owner, sets);
        }
        if shown == 0 {
            out.push_str("| nothing\n");
        }
        self.world.take_diff();
    }

    fn diff(&mut self, out: &mut String) {
        let diff = self.world.take_diff();
        if diff.is_empty() {
            out.push_str("| nothing\n");
        }
        for (owner, change) in diff.iter() {
            print(out, "- ", owner, &change.before);
            print(out, "+ ", owner, &change.after);
        }
    }

    fn reasons(&self, service: &str, out: &mut String) {
        let plan = self.world.planner.service_plan(0, &key(service));
        for left in plan.left_out {
            writeln!(out, "| {}: {}", left.name, left.reason.with_word()).unwrap();
        }
    }
}

fn service_line(world: &mut World, cluster: &str, service: &str, rest: &[&str]) {
    let (health, rest) = match rest {
        ["unready", rest @ ..] => (Health::NoReadyEndpoint, rest),
        rest => (Health::Healthy, rest),
    };
    let ports_at = rest.iter().position(|word| *word == "port").unwrap_or(rest.len());
    let (addresses, ports) = rest.split_at(ports_at);
    let mut shard = shard(health, addresses);
    shard.ports = ports.iter().skip(1).map(|port| parse_port(port)).collect();
    world.shard(cluster, service, shard);
}

fn parse_port(text: &str) -> ServicePort {
    let (name, number) = text.split_once('=').expect("name/protocol=number");
    let (name, protocol) = name.split_once('/').expect("name/protocol");
    let protocol = match protocol {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        other => panic!("unknown protocol {other}"),
    };
    ServicePort { name: name.into(), protocol, port: number.parse().unwrap() }
}

fn print(out: &mut String, sign: &str, owner: &Name, sets: &[RecordSet]) -> usize {
    for set in sets {
        for text in set.value_texts() {
            let record_type = set.record_type;
            writeln!(out, "| {sign}{owner} {} {record_type} {text}", set.ttl).unwrap();
        }
    }
    sets.len()
}

#[test]
fn topology_words_are_understood() {
    assert_eq!(topology(["r/a", "r"]).locations.len(), 2);
}
