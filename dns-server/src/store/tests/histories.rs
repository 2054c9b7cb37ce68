//! A store that reached its zones by any way answers like one that got them at once.

use std::collections::BTreeMap;

use model::{Name, Serial, ZoneContents};
use proptest::prelude::*;

use crate::respond::{Client, Transport, respond};
use crate::testing::{self, Query, name};
use crate::{Reader, Store};

/// Each below the last, one beside them.
const APEXES: [&str; 4] = ["a", "b.a", "c.b.a", "z"];
/// Prefixes that the names of all zones are made from.
const PREFIXES: [&str; 10] = ["", "x", "*", "b", "x.b", "*.b", "c.b", "x.c.b", "y.x.c.b", "*.x"];
const SETS: [&str; 7] = [
    "",
    "A 192.0.2.1",
    "TXT \"t\"",
    "NS ns.x.z.",
    "NS x.b.a.\nA 192.0.2.2",
    "CNAME x.b.a.",
    "DNAME x.z.",
];

#[derive(Clone, Debug)]
enum Step {
    Announce { apex: usize },
    Remove { apex: usize },
    Publish { apex: usize, names: Vec<(usize, usize)> },
    Load { apex: usize, names: Vec<(usize, usize)> },
    Commit { apex: usize, names: Vec<(usize, usize)> },
    Reclaim,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let apex = 0..APEXES.len();
    let names = || prop::collection::vec((0..PREFIXES.len(), 0..SETS.len()), 0..8);
    let step = prop_oneof![
        1 => apex.clone().prop_map(|apex| Step::Announce { apex }),
        1 => apex.clone().prop_map(|apex| Step::Remove { apex }),
        2 => (apex.clone(), names()).prop_map(|(apex, names)| Step::Publish { apex, names }),
        1 => (apex.clone(), names()).prop_map(|(apex, names)| Step::Load { apex, names }),
        5 => (apex, names()).prop_map(|(apex, names)| Step::Commit { apex, names }),
        1 => Just(Step::Reclaim),
    ];
    prop::collection::vec(step, 1..14)
}

/// None for a zone that is announced.
type Zones = BTreeMap<Name, Option<ZoneContents>>;

/// The names that `picks` name, over `base`.
fn contents(apex: &str, base: Option<&ZoneContents>, picks: &[(usize, usize)]) -> ZoneContents {
    let soa = "@ 60 SOA ns hostmaster 1 900 300 604800 60";
    let mut contents = base.cloned().unwrap_or_else(|| testing::zone(apex, soa));
    for (prefix, sets) in picks {
        let owner = match PREFIXES[*prefix] {
            "" => "@",
            prefix => prefix,
        };
        let lines = SETS[*sets].lines().map(|set| format!("{owner} {set}\n"));
        let picked = testing::zone(apex, &lines.collect::<String>());
        let owner = Name::parse_relative(owner, &contents.apex).unwrap();
        let mut sets = picked.sets(&owner).to_vec();
        if owner == contents.apex {
            let soa = testing::zone(apex, soa);
            sets.extend_from_slice(soa.sets(&owner));
        }
        contents.replace(owner, sets);
    }
    contents
}

fn run(steps: &[Step]) -> (Reader, Zones, crate::Writer) {
    let (mut writer, reader) = Store::new();
    let mut zones = Zones::new();
    for step in steps {
        match step {
            Step::Announce { apex } => {
                writer.announce(&name(APEXES[*apex])).unwrap();
                zones.entry(name(APEXES[*apex])).or_default();
            }
            Step::Remove { apex } => {
                let apex = name(APEXES[*apex]);
                assert_eq!(writer.remove_zone(&apex).is_ok(), zones.remove(&apex).is_some());
            }
            Step::Publish { apex, names } => {
                let contents = contents(APEXES[*apex], None, names);
                let _ = writer.publish(&contents, Serial(1)).unwrap();
                zones.insert(contents.apex.clone(), Some(contents));
            }
            Step::Load { apex, names } => {
                let contents = contents(APEXES[*apex], None, names);
                let entries = contents.iter().map(|(name, sets)| (name.clone(), sets.to_vec()));
                let mut entries: Vec<_> = entries.collect();
                entries.reverse();
                if writer.load(&contents.apex, Serial(1), entries).is_ok() {
                    zones.insert(contents.apex.clone(), Some(contents));
                }
            }
            Step::Commit { apex, names } => {
                let apex_name = name(APEXES[*apex]);
                let Some(Some(before)) = zones.get(&apex_name) else { continue };
                let after = contents(APEXES[*apex], Some(before), names);
                let _ = writer.commit(&apex_name, &before.diff(&after), Serial(1)).unwrap();
                zones.insert(apex_name, Some(after));
            }
            Step::Reclaim => {
                writer.reclaim();
            }
        }
    }
    (reader, zones, writer)
}

fn at_once(zones: &Zones) -> (Reader, crate::Writer) {
    let (mut writer, reader) = Store::new();
    for (apex, contents) in zones {
        match contents {
            Some(contents) => {
                let _ = writer.publish(contents, Serial(1)).unwrap();
            }
            None => writer.announce(apex).unwrap(),
        }
    }
    (reader, writer)
}

fn answer(reader: &Reader, query: &[u8]) -> String {
    let mut out = [0; 1232];
    let reply =
        respond(&reader.snapshot(), query, &Client::anyone(Transport::Udp), &mut out).unwrap();
    testing::text_of(&out[..reply.length])
}

fn questions() -> impl Iterator<Item = String> {
    let prefixes = PREFIXES.iter().flat_map(|prefix| ["", "q", "x.q"].map(|more| (*prefix, more)));
    prefixes.flat_map(|(prefix, more)| {
        APEXES.iter().flat_map(move |apex| {
            let labels = [more, prefix, apex];
            let labels: Vec<_> = labels.into_iter().filter(|label| !label.is_empty()).collect();
            ["A", "DS", "TXT"].map(|record_type| format!("{} {record_type}", labels.join(".")))
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_history_ends_like_its_last_day(steps in steps()) {
        let (reader, zones, _writer) = run(&steps);
        let (fresh, _fresh_writer) = at_once(&zones);
        for question in questions() {
            let query = Query::parse(&question).bytes();
            prop_assert_eq!(answer(&reader, &query), answer(&fresh, &query), "{}", question);
        }
        for (apex, contents) in &zones {
            let snapshot = reader.snapshot();
            let view = snapshot.zone(apex).unwrap();
            prop_assert_eq!(Some(view.contents()), contents.clone().or(Some(ZoneContents::new(apex.clone()))));
        }
        prop_assert_eq!(reader.snapshot().zones().count(), zones.len());
    }
}
