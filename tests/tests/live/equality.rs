use std::collections::{BTreeMap, BTreeSet};

use model::{Name, RecordSet, RecordType, ZoneContents};
use serde::Deserialize;
use tests::dns::{Reply, dig};
use tests::eventually::{GENEROUS, eventually};
use tests::need::DIG;
use tests::serving::Fedns;
use tests::suite::Test;

/// The state of two clusters, told to fedns as manifests and to the planner as values.
mod state;

use state::Source;

pub(super) fn tests() -> Vec<Test> {
    tests::tests! {
        [DIG] => the_zone_as_served_is_the_zone_as_planned;
    }
}

/// How often a quarter of all Services changes.
const ROUNDS: usize = 6;

/// fedns gets there change by change; the plan is made of the whole state at once, by a planner that
/// has seen nothing before.
fn the_zone_as_served_is_the_zone_as_planned() {
    let mut sources = [Source::new("beijing", 0), Source::new("hangzhou", 1)];
    let entries = sources.each_ref().map(|it| format!("{{name: {0}, manifests: ./{0}}}", it.name));
    let mut fedns = Fedns::prepared(&entries, "lameDuck: 0s\nservices: {holdEmpty: 0s}\n");
    sources.iter().for_each(|source| source.write(fedns.home()));
    fedns.start();
    for round in 0..=ROUNDS {
        let plan = state::plan(&sources);
        lists(&fedns, &plan);
        if round == 0 || round == ROUNDS {
            answers(&fedns, &plan);
        }
        sources.iter_mut().for_each(|source| source.advance());
        sources.iter().for_each(|source| source.write(fedns.home()));
    }
    sources.iter_mut().for_each(Source::clear);
    sources.iter().for_each(|source| source.write(fedns.home()));
    let plan = state::plan(&sources);
    assert_eq!(plan.name_count(), 2, "the apex and the name server");
    lists(&fedns, &plan);
}

/// Waits until `fedns records` has exactly what is planned.
#[track_caller]
fn lists(fedns: &Fedns, plan: &ZoneContents) {
    let planned: BTreeSet<String> =
        plan.iter().flat_map(|(name, sets)| lines(name, sets)).collect();
    eventually(GENEROUS, "what is listed is what is planned", || {
        let listed = listed(fedns)?;
        let differ: Vec<&String> = planned.symmetric_difference(&listed).collect();
        if differ.is_empty() { Ok(()) } else { Err(first_of(&differ)) }
    });
}

#[derive(Deserialize)]
struct Row {
    name: String,
    #[serde(rename = "type")]
    record_type: String,
    ttl: u32,
    values: Vec<String>,
}

/// `name ttl type value` for all but the SOA record, whose serial no plan knows.
fn listed(fedns: &Fedns) -> Result<BTreeSet<String>, String> {
    let output = fedns.command(&["records", "-o", "json"]);
    let rows: Vec<Row> = serde_json::from_slice(&output.stdout)
        .map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let rows = rows.iter().filter(|row| row.record_type != "SOA");
    let lines = rows.flat_map(|Row { name, record_type, ttl, values }| {
        values.iter().map(move |value| format!("{name} {ttl} {record_type} {value}"))
    });
    Ok(lines.collect())
}

fn lines(name: &Name, sets: &[RecordSet]) -> Vec<String> {
    let sets = sets.iter().filter(|set| set.record_type != RecordType::SOA);
    let of_set = |set: &RecordSet| {
        let (record_type, ttl) = (set.record_type, set.ttl);
        set.value_texts()
            .map(|value| format!("{name} {ttl} {record_type} {value}"))
            .collect::<Vec<_>>()
    };
    sets.flat_map(of_set).collect()
}

/// Every name is asked for, of every type, and so is what lies between, beside and below names.
#[track_caller]
fn answers(fedns: &Fedns, plan: &ZoneContents) {
    let zone = Zone::new(plan);
    let expected = zone.expected();
    let questions: Vec<(String, String)> = expected.keys().cloned().collect();
    let replies = dig(fedns.dns_port(), &questions).unwrap_or_else(|text| panic!("{text}"));
    let wrong: Vec<String> = expected
        .iter()
        .zip(replies)
        .filter_map(|((question, expected), mut reply)| {
            reply.records.sort();
            (reply != *expected).then(|| format!("{question:?}: {reply}; planned: {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", first_of(&wrong));
}

const TYPES: [RecordType; 5] =
    [RecordType::A, RecordType::AAAA, RecordType::CNAME, RecordType::SRV, RecordType::TXT];

/// A plan with the names that exist because something is below them.
struct Zone<'a> {
    plan: &'a ZoneContents,
    empty: BTreeSet<Name>,
}

type Answers = BTreeMap<(String, String), Reply>;

impl<'a> Zone<'a> {
    fn new(plan: &'a ZoneContents) -> Self {
        let mut empty = BTreeSet::new();
        for (name, _) in plan.iter() {
            let mut above = name.parent();
            while let Some(at) = above.filter(|at| at.is_below(&plan.apex)) {
                above = at.parent();
                if !plan.contains(&at) {
                    empty.insert(at);
                }
            }
        }
        assert!(empty.len() > 10, "a ladder of names has much between them: {empty:?}");
        Self { plan, empty }
    }

    fn expected(&self) -> Answers {
        let mut answers = Answers::new();
        let mut ask = |name: &Name, record_type: RecordType| {
            let question = (name.to_string(), record_type.to_string());
            answers.insert(question, self.answer(name, record_type));
        };
        for (name, _) in self.plan.iter() {
            TYPES.iter().for_each(|record_type| ask(name, *record_type));
            ask(&name.child(b"below").expect("names here are short"), RecordType::A);
        }
        for name in &self.empty {
            TYPES.iter().for_each(|record_type| ask(name, *record_type));
            let above = name.parent().expect("it is below the apex");
            ask(&above.child(b"beside").expect("names here are short"), RecordType::A);
        }
        ask(&self.plan.apex, RecordType::NS);
        answers
    }

    /// As RFC 1034 section 4.3.2 tells it, aliases followed inside the zone.
    fn answer(&self, name: &Name, record_type: RecordType) -> Reply {
        let mut records = Vec::new();
        let mut at = name.clone();
        loop {
            if let Some(set) = self.plan.get(&at, record_type) {
                records.extend(lines(&at, std::slice::from_ref(set)));
                return reply("NOERROR", records);
            }
            let Some(alias) = self.plan.get(&at, RecordType::CNAME) else { break };
            records.extend(lines(&at, std::slice::from_ref(alias)));
            at = alias.values()[0].as_name().expect("a CNAME holds a name");
        }
        let exists = self.plan.contains(&at) || self.empty.contains(&at);
        reply(if exists { "NOERROR" } else { "NXDOMAIN" }, records)
    }
}

fn reply(code: &str, mut records: Vec<String>) -> Reply {
    records.sort();
    Reply { code: code.to_owned(), records }
}

fn first_of(lines: &[impl std::fmt::Display]) -> String {
    let shown: Vec<String> = lines.iter().take(10).map(|line| format!("\n  {line}")).collect();
    format!("{} differ:{}", lines.len(), shown.concat())
}
